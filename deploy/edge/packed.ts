/**
 * Graphs and what their project decided about them, as one text that a program carries: plans, grants, pins, policy, budgets. What
 * `shadowgraph deploy` packs is what the program unpacks, so nothing of it is written twice.
 */
import { base64, decode, encode, parsePolicy, type Rec, type Value } from "../../graph/mod.ts"
import type { Demands } from "../../kernel/mod.ts"
import type { Budgets } from "../budget.ts"
import type { EdgeOptions } from "./edge.ts"

export interface Packing extends Budgets {
  readonly graphs: readonly {
    readonly plan: Uint8Array
    readonly grants: readonly string[]
    readonly pins: { readonly [key: string]: Rec }
  }[]
  /** Lines of the policy. */
  readonly policy: readonly string[]
  readonly demands?: Demands
}

export const pack = (packing: Packing): string => base64(encode(packing as unknown as Value))

/** Fails with `ValueError` or `PolicyError` where the text is not what was packed. */
export function unpack(text: string): Omit<EdgeOptions, "kinds" | "services"> {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const { policy, ...rest } = decode(bytes) as unknown as Packing
  return { ...rest, policy: parsePolicy(policy) }
}

/** SHA-256 of the tokens that may run graphs, from the variable SHADOWGRAPH_TOKENS, parted by commas. None: nobody may. */
export const tokensFrom = (env: { readonly [name: string]: unknown }): readonly string[] =>
  String(env["SHADOWGRAPH_TOKENS"] ?? "")
    .split(",")
    .map((token) => token.trim().toLowerCase())
    .filter((token) => /^[0-9a-f]{64}$/.test(token))
