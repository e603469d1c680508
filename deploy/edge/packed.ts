/**
 * Graphs and what their project decided about them, as one text that a program carries: plans, grants, pins, policy, budgets. What
 * `shadowgraph deploy` packs is what the program unpacks, so nothing of it is written twice.
 */
import { base64, decode, encode, type Failure, parsePolicy, type Rec, readJson, type Value } from "../../graph/mod.ts"
import type { Demands } from "../../kernel/mod.ts"
import type { Budgets } from "../engine/budget.ts"
import type { Speculate } from "../engine/speculate.ts"
import { TokenError } from "../http/holder.ts"
import { tokenEntries } from "../http/token_list.ts"
import type { EdgeOptions, EdgeTokens } from "./edge.ts"

export interface Packing extends Budgets {
  readonly graphs: readonly {
    readonly plan: Uint8Array
    readonly about?: string
    readonly grants: readonly string[]
    readonly pins: { readonly [key: string]: Rec }
  }[]
  /** Lines of the policy. */
  readonly policy: readonly string[]
  readonly demands?: Demands
  /** Runs look ahead within these bounds. */
  readonly speculate?: Speculate
}

export const pack = (packing: Packing): string => base64(encode(packing as unknown as Value))

/** Fails with `ValueError` or `PolicyError` where the text is not what was packed. */
export function unpack(text: string): Omit<EdgeOptions, "kinds" | "services"> {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const { policy, ...rest } = decode(bytes) as unknown as Packing
  return { ...rest, policy: parsePolicy(policy) }
}

/**
 * Who may run graphs, from the variable SHADOWGRAPH_TOKENS: the text of a file of tokens (`shadowgraph token`), or the SHA-256 of
 * tokens that may do all that is granted, parted by commas. Where there is nothing nobody may; what cannot be read fails every
 * request with `TokenError`, and is told where the program's defects are.
 */
export function tokensFrom(env: { readonly [name: string]: unknown }): () => EdgeTokens {
  let read: EdgeTokens | undefined
  return () => (read ??= readTokens(String(env["SHADOWGRAPH_TOKENS"] ?? "").trim()))
}

function readTokens(text: string): EdgeTokens {
  const refuse = (problem: string) =>
    new TokenError({ reason: "tokens-unreadable", message: `Cannot use SHADOWGRAPH_TOKENS: ${problem}` })
  if (!text.startsWith("{")) {
    const hashes = text === "" ? [] : text.split(",").map((hash) => hash.trim().toLowerCase())
    const wrong = hashes.findIndex((hash) => !/^[0-9a-f]{64}$/.test(hash))
    if (wrong < 0) return hashes
    // What was taken for a hash may be a token.
    throw refuse(`part ${wrong + 1} of ${hashes.length} is no SHA-256 of 64 hexadecimal digits`)
  }
  let data: unknown
  try {
    data = readJson(text, { uniqueKeys: true })
  } catch (cause) {
    // Its own words would show a piece of the text: nobody is told them, not even as the cause.
    const { at } = (cause as Failure).data as { readonly at: number }
    throw refuse(`it begins like JSON and is none, or has a key twice, at character ${at + 1}`)
  }
  const entries = tokenEntries(data)
  if (typeof entries === "string") throw refuse(entries)
  return entries
}
