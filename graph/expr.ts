/**
 * Expressions as the IR holds them: a small tree with one shape per meaning, whatever it was written in (CEL in a file,
 * a template in TypeScript, a mapping under `with:`). Positions are kept beside the tree for messages and are no part of it.
 */
import type { Value } from "./value.ts"

export type Expr =
  | { readonly op: "const"; readonly value: Value }
  /** A name in scope: `input`, a node, or a variable of `map`, `fold`, `loop`, `catch` or a macro. */
  | { readonly op: "ref"; readonly name: string }
  /** A field of a record or the key of a map. `optional` is CEL's `a.?b`: an optional value, absent when there is none. */
  | { readonly op: "field"; readonly of: Expr; readonly name: string; readonly optional?: boolean }
  /** `list[i]`, `map[key]`; a missing key or index is the failure `Missing`. `optional` is CEL's `a[?i]`. */
  | { readonly op: "index"; readonly of: Expr; readonly at: Expr; readonly optional?: boolean }
  /** An operator or function of the table in `builtins.ts`, under its canonical name (`+`, `==`, `size`, `sum`, …). */
  | { readonly op: "call"; readonly fn: string; readonly args: readonly Expr[] }
  | { readonly op: "if"; readonly test: Expr; readonly then: Expr; readonly else: Expr }
  /** CEL's `&&` and `||`: short-circuit, and a failure on one side is forgiven when the other side decides. */
  | { readonly op: "and" | "or"; readonly left: Expr; readonly right: Expr }
  | { readonly op: "list"; readonly items: readonly Expr[] }
  | { readonly op: "record"; readonly fields: readonly (readonly [name: string, value: Expr])[] }
  /** A map with computed keys, `{ (k): v }` in CEL; a key that appears twice is a failure. */
  | { readonly op: "map"; readonly entries: readonly (readonly [key: Expr, value: Expr])[] }
  /** CEL's macros over a list or the keys of a map. `index` names the position where the two-variable form is used. */
  | {
      readonly op: "each"
      readonly macro: "map" | "filter" | "all" | "exists" | "exists_one" | "sort_by" | "sum_by"
      readonly over: Expr
      readonly item: string
      readonly index?: string
      readonly body: Expr
    }
  /** `has(a.b)`: is the field there? */
  | { readonly op: "has"; readonly of: Expr; readonly name: string }
  /** Text with insertions, `"a ${b} c"`: each part is turned into text and joined. */
  | { readonly op: "text"; readonly parts: readonly Expr[] }

/** Where an expression stood in its source: offsets in UTF-16 units, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

const spans = new WeakMap<Expr, Span>()
export const spanOf = (e: Expr): Span | undefined => spans.get(e)
export function at<E extends Expr>(e: E, start: number, end: number): E {
  spans.set(e, { start, end })
  return e
}

export const lit = (value: Value): Expr => ({ op: "const", value })
export const ref = (name: string): Expr => ({ op: "ref", name })
export const call = (fn: string, ...args: Expr[]): Expr => ({ op: "call", fn, args })

/** The direct parts of an expression, in order of evaluation. */
export function parts(e: Expr): readonly Expr[] {
  switch (e.op) {
    case "const":
    case "ref":
      return []
    case "field":
    case "has":
      return [e.of]
    case "index":
      return [e.of, e.at]
    case "call":
      return e.args
    case "if":
      return [e.test, e.then, e.else]
    case "and":
    case "or":
      return [e.left, e.right]
    case "list":
      return e.items
    case "record":
      return e.fields.map((f) => f[1])
    case "map":
      return e.entries.flat()
    case "each":
      return [e.over, e.body]
    case "text":
      return e.parts
  }
}

/** The names an expression takes from its surroundings (its own macro variables left out). */
export function freeNames(e: Expr, into: Set<string> = new Set(), bound: readonly string[] = []): Set<string> {
  if (e.op === "ref") {
    if (!bound.includes(e.name)) into.add(e.name)
  } else if (e.op === "each") {
    freeNames(e.over, into, bound)
    freeNames(e.body, into, [...bound, e.item, ...(e.index ? [e.index] : [])])
  } else for (const p of parts(e)) freeNames(p, into, bound)
  return into
}
