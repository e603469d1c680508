/**
 * Drives one node kind as a session does: lifts what a file says, signs it, opens the executor, calls it. The contract
 * suites use it against real servers, so that a kind is tested apart from the checker and the VM.
 */

import { systemChance } from "../../deploy/services/chance.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import {
  type Call,
  type Executor,
  type Failure,
  lit,
  type NodeKind,
  type NodeView,
  type Rec,
  type Services,
  type Signature,
  type SignatureProblem,
  type Type,
  toFailure,
  type Value,
} from "../../graph/mod.ts"

/** A node as a file gives it, its arguments as values. */
export interface Written {
  readonly config: Rec
  readonly args?: Rec
  readonly output?: Type
  readonly resources?: NodeView["resources"]
  /** What the lock pins, by key. */
  readonly lock?: { readonly [key: string]: Rec }
  readonly settings?: NodeView["settings"]
}

export const isProblems = (s: Signature | readonly SignatureProblem[]): s is readonly SignatureProblem[] =>
  Array.isArray(s)

export function sign(kind: NodeKind, node: Written): Signature | readonly SignatureProblem[] {
  const args = Object.fromEntries(Object.entries(node.args ?? {}).map(([k, v]) => [k, lit(v)]))
  const lifted = kind.lift ? kind.lift({ config: node.config, args, with: {} }) : { config: node.config, args }
  if (!("config" in lifted)) return lifted
  return kind.sign({
    name: "n",
    config: lifted.config,
    args: lifted.args,
    settings: node.settings ?? {},
    resources: node.resources ?? {},
    pin: (key) => node.lock?.[key],
    ...(node.output ? { output: node.output } : {}),
  })
}

/** Codes and keys of the problems, for comparing. */
export const codes = (kind: NodeKind, node: Written): string[] => {
  const s = sign(kind, node)
  return isProblems(s) ? s.map((p) => `${p.code} ${p.key}`) : []
}

export interface Driven {
  readonly signature: Signature
  readonly call: (args?: Rec, more?: Partial<Call>) => Promise<Value>
  /** Calls and gives the failure; a value instead is an error of the test. */
  readonly failure: (args?: Rec, more?: Partial<Call>) => Promise<Failure>
  readonly close: () => Promise<void>
}

export const bare: Services = { clock: systemClock, chance: systemChance, granted: () => true }

export async function open(kind: NodeKind, node: Written, services: Partial<Services> = {}): Promise<Driven> {
  const signature = sign(kind, node)
  if (isProblems(signature)) throw new TypeError(signature.map((p) => `${p.code} ${p.key}: ${p.message}`).join("\n"))
  const args = Object.fromEntries(Object.entries(node.args ?? {}).map(([k, v]) => [k, lit(v)]))
  const config = kind.lift
    ? (kind.lift({ config: node.config, args, with: {} }) as { config: Rec }).config
    : node.config
  const executor: Executor = await kind.open(config, node.resources ?? {}, { ...bare, ...services }, signature)
  const call: Driven["call"] = async (input = node.args ?? {}, more = {}) => {
    const result = executor.execute(input, {
      path: ["n"],
      run: "r",
      attempt: 1,
      key: "k",
      signal: new AbortController().signal,
      note: () => undefined,
      ...more,
    })
    if (signature.async === false && result instanceof Promise)
      throw new TypeError("said to be synchronous, gave a promise")
    return (await result) as Value
  }
  return {
    signature,
    call,
    failure: async (input, more) => {
      let value: Value
      try {
        value = await call(input, more)
      } catch (cause) {
        return toFailure(cause)
      }
      throw new TypeError(`wanted a failure, found ${JSON.stringify(value)}`)
    },
    close: async () => executor.close?.(),
  }
}

/** Opens and calls; gives the failure of either. */
export async function openFailure(
  kind: NodeKind,
  node: Written,
  services: Partial<Services> = {},
  more: Partial<Call> = {},
): Promise<Failure> {
  let driven: Driven
  try {
    driven = await open(kind, node, services)
  } catch (cause) {
    if (cause instanceof TypeError) throw cause
    return toFailure(cause)
  }
  try {
    return await driven.failure(node.args ?? {}, more)
  } finally {
    await driven.close()
  }
}
