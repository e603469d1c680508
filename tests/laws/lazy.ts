// Expressions of which some names have no value yet: what can be said of them all the same. The compiler leaves out what a
// value does not need, so a plan may know a value, or a failure, before everything that it is written with is there.
import { type Expr, evaluate, Failure, isRecord, lit, type Value } from "../../graph/mod.ts"

/** Stands where a value is not there yet; also inside lists and records. */
export const NOT_YET = Symbol("not yet") as unknown as Value

/** Is every part of the value there? */
export function isWhole(v: Value): boolean {
  if (v === NOT_YET) return false
  if (Array.isArray(v)) return v.every(isWhole)
  return !isRecord(v) || Object.values(v).every(isWhole)
}

/** The value, or what is known of it. Throws the `Failure` that it certainly ends in. */
export function lazily(e: Expr, env: (name: string) => Value): Value {
  const go = (x: Expr): Value => lazily(x, env)
  /** All parts are looked at: one may fail although another is not there. */
  const all = (xs: readonly Expr[]): Value[] => xs.map(go)
  const strict = (values: readonly Value[], make: (parts: readonly Expr[]) => Expr): Value =>
    values.every(isWhole) ? evaluate(make(values.map(lit)), () => null) : NOT_YET
  switch (e.op) {
    case "const":
      return e.value
    case "ref":
      return env(e.name)
    case "field":
    case "has": {
      const of = go(e.of)
      if (isWhole(of)) return evaluate({ ...e, of: lit(of) }, () => null)
      if (e.op === "field" && isRecord(of) && Object.hasOwn(of, e.name)) return of[e.name]!
      return NOT_YET
    }
    case "index": {
      const values = all([e.of, e.at])
      return strict(values, ([of, at]) => ({ ...e, of: of!, at: at! }))
    }
    case "call":
      return strict(all(e.args), (args) => ({ ...e, args }))
    case "text":
      return strict(all(e.parts), (parts) => ({ ...e, parts }))
    case "map":
      return strict(all(e.entries.flat()), (flat) => ({
        ...e,
        entries: e.entries.map((_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const),
      }))
    case "if": {
      const test = go(e.test)
      if (!isWhole(test)) return NOT_YET
      return typeof test === "boolean" ? go(test ? e.then : e.else) : evaluate({ ...e, test: lit(test) }, () => null)
    }
    case "and":
    case "or":
      return logic(e, go)
    case "list":
      return all(e.items)
    case "record":
      return Object.fromEntries(e.fields.map(([name, x]) => [name, go(x)]))
    case "each": {
      const over = go(e.over)
      if (!isWhole(over)) return NOT_YET
      if (
        !members(e, over).every((names) =>
          isKnown(e.body, (name) => (Object.hasOwn(names, name) ? names[name]! : env(name))),
        )
      )
        return NOT_YET
      return evaluate({ ...e, over: lit(over) }, env)
    }
  }
}

/** Either side may decide alone. */
function logic(e: Extract<Expr, { op: "and" | "or" }>, go: (x: Expr) => Value): Value {
  const side = (x: Expr): { readonly value: Value } | { readonly failure: Failure } => {
    try {
      const value = go(x)
      // What is neither true nor false fails as a side does.
      if (isWhole(value)) evaluate({ ...e, left: lit(value), right: lit(e.op === "and") }, () => null)
      return { value }
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure
      return { failure }
    }
  }
  const decides = e.op === "or"
  const [left, right] = [side(e.left), side(e.right)]
  for (const s of [left, right]) if ("value" in s && s.value === decides) return decides
  if ([left, right].some((s) => "value" in s && !isWhole(s.value))) return NOT_YET
  if ("failure" in left) throw left.failure
  if ("failure" in right) throw right.failure
  return evaluate({ ...e, left: lit(left.value), right: lit(right.value) }, () => null)
}

/** The variables of a macro in each of its rounds. */
function members(e: Extract<Expr, { op: "each" }>, over: Value): { readonly [name: string]: Value }[] {
  const two = (index: Value, item: Value) =>
    e.index === undefined ? { [e.item]: item } : { [e.index]: index, [e.item]: item }
  if (Array.isArray(over)) return over.map((item, i) => two(i, item))
  return isRecord(over) ? Object.entries(over).map(([k, v]) => two(k, e.index === undefined ? k : v)) : []
}

/** Is there a value, or a failure, whatever is still to come? */
function isKnown(e: Expr, env: (name: string) => Value): boolean {
  try {
    return isWhole(lazily(e, env))
  } catch (cause) {
    if (cause instanceof Failure) return true
    throw cause
  }
}
