/**
 * What a function carries so that it can be called by name: code that a graph refers to as `module#export` is loaded
 * on another day and in another process, where the builder's own memory of it is not. The mark is a registered symbol,
 * because a module of the user and the engine may each have loaded their own copy of this library.
 */
import type { Call } from "./node.ts"
import { isRecord, type Rec, type Value } from "./value.ts"

const MARK = Symbol.for("shadowgraph.code")

export interface CodeFacts {
  /** The settings of a `fn` node, all but `code`: effect, resource, needs, input and output in type notation, async. */
  readonly config: Rec
  /** The function with the validators of its schemas around it. It may return a value, a promise or an Effect. */
  readonly call: (input: Value, call: Call) => unknown
}

/** Puts the facts on a callable; they do not show when it is printed or spread. */
export function markCode<F extends object>(callable: F, facts: CodeFacts): F {
  return Object.defineProperty(callable, MARK, { value: facts })
}

/** The facts of an export, or undefined for a plain function or anything else. */
export function codeOf(exported: unknown): CodeFacts | undefined {
  if (typeof exported !== "function") return undefined
  const facts = (exported as { [MARK]?: unknown })[MARK] as Partial<CodeFacts> | undefined
  return facts !== undefined && typeof facts.call === "function" && isRecord(facts.config)
    ? (facts as CodeFacts)
    : undefined
}
