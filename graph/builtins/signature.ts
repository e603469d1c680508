/**
 * The form of one operator or function: its overloads (what types it takes and gives) and its pure
 * implementation. The table in `builtins.ts` is made of these; the checker reads the types, the evaluator calls `apply`.
 */
import { type Failure, fail } from "../failure.ts"
import { kindOf, show } from "../literal.ts"
import { T, type Type, unionOf } from "../type.ts"
import type { Value } from "../value.ts"

export interface Overload {
  readonly params: readonly Type[]
  /** Arguments after `params`, any number of them. */
  readonly rest?: Type
  readonly result: Type | ((args: readonly Type[]) => Type)
  /** May it fail on arguments of these types? Left out: it cannot. */
  readonly fails?: true
}

export interface Builtin {
  readonly name: string
  readonly overloads: readonly Overload[]
  /** True where no overload can fail on well-typed arguments. */
  readonly total: boolean
  /** Written behind its first argument, `xs.sum()`; the other way reads back as the same tree. */
  readonly method: boolean
  /** Steps that one call costs, beside one for every element or 64 characters where `linear` is set. */
  readonly weight: number
  readonly linear: boolean
  /**
   * The meaning. Arguments are values of any type: what no overload takes is the failure `Mismatch`, so that an
   * `unknown` is checked when it arrives. Throws `Failure` only.
   */
  readonly apply: (args: readonly Value[]) => Value
}

/** What a table file writes; the rest has defaults. */
export interface Entry {
  readonly overloads: readonly Overload[]
  readonly method?: true
  readonly weight?: number
  readonly linear?: true
  readonly apply: (args: readonly Value[]) => Value
}

export const builtin = (name: string, e: Entry): Builtin => ({
  name,
  overloads: e.overloads,
  total: e.overloads.every((o) => o.fails !== true),
  method: e.method === true,
  weight: e.weight ?? 1,
  linear: e.linear === true,
  apply: e.apply,
})

export const over = (params: readonly Type[], result: Overload["result"]): Overload => ({ params, result })
export const failing = (params: readonly Type[], result: Overload["result"]): Overload => ({
  params,
  result,
  fails: true,
})

/** Lists and texts may not grow beyond these, whatever an expression does. */
export const LIST_MAX = 10_000_000
export const TEXT_MAX = 1 << 26

export const tooLarge = (name: string, what: string, max: number, found: number): Failure =>
  fail("TooLarge", `Cannot compute ${name}: ${what} may not exceed ${max}, found ${found}`, { data: { max } })

/** The failure of a call on arguments that no overload takes; only values of unknown type get here. */
export const mismatch = (name: string, args: readonly Value[]): Failure =>
  fail(
    "Mismatch",
    `Cannot compute ${name}(${args.map((a) => show(a, 40)).join(", ")}): it does not take ${args.map(kindOf).join(", ") || "no arguments"}`,
    { data: { fn: name } },
  )

export const LIST = T.list(T.unknown)
export const MAP = T.map(T.unknown)
export const NUMBERS = T.list(T.number)
export const INT64S = T.list(T.int64)
export const STRINGS = T.list(T.string)

/** Type of the elements of a list type (of every list in a union). */
export function elementOf(t: Type): Type {
  if (t.kind === "list") return t.of
  if (t.kind === "union") return unionOf(t.of.filter((m) => m.kind === "list").map(elementOf))
  return t.kind === "never" ? T.never : T.unknown
}

/** Type of the values of a map, or of all the fields of a record. */
export function memberOf(t: Type): Type {
  if (t.kind === "map") return t.of
  if (t.kind === "record") return unionOf(Object.values(t.fields).map((f) => f.type))
  if (t.kind === "union") return unionOf(t.of.map(memberOf))
  return t.kind === "never" ? T.never : T.unknown
}

/** A type without its null. */
export function withoutNull(t: Type): Type {
  if (t.kind === "null") return T.never
  return t.kind === "union" ? unionOf(t.of.filter((m) => m.kind !== "null")) : t
}
export const hasNull = (t: Type): boolean =>
  t.kind === "null" || (t.kind === "union" && t.of.some((m) => m.kind === "null"))
