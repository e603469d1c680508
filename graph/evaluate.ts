/**
 * The reference evaluator of expressions: small, slow and obviously right. It is the definition that the compiler's
 * folding and the VM's generated code must agree with, value for value and failure for failure.
 */

import { accept } from "./accept.ts"
import { put, sortBy, sortedKeys, sumOf } from "./builtins/lists.ts"
import { TEXT_MAX, tooLarge } from "./builtins/signature.ts"
import { textOf } from "./builtins/text.ts"
import { BUILTINS } from "./builtins.ts"
import type { Expr } from "./expr.ts"
import { Failure, fail } from "./failure.ts"
import { printLiteral, show } from "./literal.ts"
import { T } from "./type.ts"
import { isRecord, type Value } from "./value.ts"

/** Steps that may still be taken; one per node of the tree, and what a builtin's weight and its arguments' sizes add. */
export interface Fuel {
  left: number
}

/** Failures of a bound rather than of a value: `&&` and `||` do not forgive them, nor does anything else. */
const BOUNDS: ReadonlySet<string> = new Set(["Fuel", "TooLarge"])

/**
 * The value of an expression. `env` gives the value of a name in scope; it is only asked for names of the surroundings,
 * never for variables of the expression's own macros.
 * @throws `Failure`: `Missing` (data `{ name }`) for a key, field or index that is not there, `Mismatch` for a value of
 * a type that an operation does not take, `Fuel` when the steps are used up, and what builtins fail with.
 */
export function evaluate(
  expr: Expr,
  env: (name: string) => Value,
  fuel: Fuel = { left: Number.POSITIVE_INFINITY },
): Value {
  return value(expr, env, fuel)
}

type Env = (name: string) => Value

function value(e: Expr, env: Env, fuel: Fuel): Value {
  burn(fuel, 1)
  switch (e.op) {
    case "const":
      return e.value
    case "ref":
      return env(e.name)
    case "field":
      return access(value(e.of, env, fuel), e.name, e.optional === true)
    case "index":
      return access(value(e.of, env, fuel), value(e.at, env, fuel), e.optional === true)
    case "has":
      return has(value(e.of, env, fuel), e.name)
    case "call":
      return apply(
        e.fn,
        e.args.map((a) => value(a, env, fuel)),
        fuel,
      )
    case "if":
      return value(test(value(e.test, env, fuel)) ? e.then : e.else, env, fuel)
    case "and":
      return logic(e, false, env, fuel)
    case "or":
      return logic(e, true, env, fuel)
    case "list":
      return e.items.map((x) => value(x, env, fuel))
    case "record":
      return record(e.fields.map(([name, x]) => [name, value(x, env, fuel)]))
    case "map":
      return record(e.entries.map(([k, x]) => [value(k, env, fuel), value(x, env, fuel)]))
    case "text":
      return text(e.parts.map((x) => textOf(value(x, env, fuel))))
    case "each":
      return each(e, env, fuel)
  }
}

function burn(fuel: Fuel, steps: number): void {
  fuel.left -= steps
  if (fuel.left < 0) throw fail("Fuel", "Cannot finish the expression: it has used up the steps it was given")
}

/** One call of a builtin, paid for before it runs. */
function apply(fn: string, args: readonly Value[], fuel: Fuel): Value {
  const b = BUILTINS.get(fn)
  if (b === undefined) throw fail("Mismatch", `Cannot compute ${fn}(…): there is no such function`, { data: { fn } })
  burn(fuel, callCost(fn, args))
  return b.apply(args)
}

/** Steps that a call costs: its weight, and for what walks its arguments one per element and per 64 characters or bytes. */
export function callCost(fn: string, args: readonly Value[]): number {
  const b = BUILTINS.get(fn)
  if (b === undefined || !b.linear) return b?.weight ?? 1
  let size = 0
  for (const a of args) {
    if (typeof a === "string" || a instanceof Uint8Array) size += Math.floor(a.length / 64)
    else if (Array.isArray(a)) size += a.length
    else if (isRecord(a)) size += Object.keys(a).length
  }
  return b.weight * (1 + size)
}

/** `of.name`, `of[at]`: a field, a key or a position. What is not there is `Missing`, or null for an optional access. */
export function access(of: Value, at: Value, optional: boolean): Value {
  if (of === null && optional) return null
  if (Array.isArray(of)) {
    if (typeof at !== "number" && typeof at !== "bigint") throw wrongKey(of, at, "a whole number")
    const i = Number(at)
    if (Number.isInteger(i) && i >= 0 && i < of.length) return of[i] as Value
  } else if (isRecord(of)) {
    if (typeof at !== "string") throw wrongKey(of, at, "text")
    if (Object.hasOwn(of, at)) return of[at]!
  } else if (of !== null) {
    throw fail("Mismatch", `Cannot take ${key(at)} of ${show(of)}: it is no list, map or record`, {
      data: { name: at },
    })
  }
  if (optional) return null
  throw fail("Missing", `Cannot find ${key(at)} in ${show(of)}`, { data: { name: at } })
}
const key = (at: Value): string => (typeof at === "string" ? printLiteral(at) : show(at))
const wrongKey = (of: Value, at: Value, want: string) =>
  fail("Mismatch", `Cannot look up ${show(at)} in ${show(of)}: want ${want}`, { data: { name: at } })

/** `has(of.name)`: false where `of` itself is null. */
export function has(of: Value, name: string): boolean {
  if (of === null) return false
  if (!isRecord(of))
    throw fail("Mismatch", `Cannot look for ${printLiteral(name)} in ${show(of)}: it is no record`, { data: { name } })
  return Object.hasOwn(of, name)
}

/** Something is decided on the value. */
const test = accept(T.boolean) as (v: Value) => boolean

/** Runs a side; what it fails with is kept, unless it is a bound. */
function attempt(run: () => boolean): boolean | Failure {
  try {
    return run()
  } catch (f) {
    if (f instanceof Failure && !BOUNDS.has(f.code)) return f
    throw f
  }
}

/** `&&` (`decides` false) and `||` (`decides` true): either side may decide alone, even when the other one fails. */
function logic(e: Extract<Expr, { op: "and" | "or" }>, decides: boolean, env: Env, fuel: Fuel): boolean {
  const left = attempt(() => test(value(e.left, env, fuel)))
  if (left === decides) return decides
  const right = attempt(() => test(value(e.right, env, fuel)))
  if (right === decides) return decides
  if (typeof left !== "boolean") throw left
  if (typeof right !== "boolean") throw right
  return !decides
}

function record(entries: readonly (readonly [Value, Value])[]): Value {
  const out: { [key: string]: Value } = {}
  for (const [k, v] of entries) put(out, k, v)
  return out
}

function text(parts: readonly string[]): string {
  const length = parts.reduce((n, s) => n + s.length, 0)
  if (length > TEXT_MAX) throw tooLarge("a text", "it", TEXT_MAX, length)
  return parts.join("")
}

interface Item {
  readonly item: Value
  readonly index: Value
}

/** What a macro goes over: elements with their positions; of a map its keys in code-point order (with two variables, values by key). */
function items(of: Value, two: boolean): readonly Item[] {
  if (Array.isArray(of)) return of.map((item, index) => ({ item, index }))
  if (!isRecord(of)) throw fail("Mismatch", `Cannot go over ${show(of)}: want a list or a map`)
  return sortedKeys(of).map((k) => ({ item: two ? of[k]! : k, index: k }))
}

function each(e: Extract<Expr, { op: "each" }>, env: Env, fuel: Fuel): Value {
  const over = items(value(e.over, env, fuel), e.index !== undefined)
  const body = ({ item, index }: Item): Value =>
    value(e.body, (name) => (name === e.item ? item : name === e.index ? index : env(name)), fuel)
  const holds = (x: Item): boolean => test(body(x))
  switch (e.macro) {
    case "map":
      return over.map(body)
    case "filter":
      return over.filter(holds).map((x) => x.item)
    case "all":
      return quantify(over, holds, false)
    case "exists":
      return quantify(over, holds, true)
    case "exists_one":
      return over.filter(holds).length === 1
    case "sort_by":
      return sortBy("sortBy", over, body).map((x) => x.item)
    case "sum_by":
      return sumOf("sumBy", over.map(body))
  }
}

/** `all` is `&&` over the items and `exists` is `||`: one that decides forgives the failures of the others. */
function quantify(over: readonly Item[], holds: (x: Item) => boolean, decides: boolean): boolean {
  let failure: Failure | undefined
  for (const x of over) {
    const b = attempt(() => holds(x))
    if (b === decides) return decides
    if (typeof b !== "boolean") failure ??= b
  }
  if (failure !== undefined) throw failure
  return !decides
}
