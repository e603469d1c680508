/**
 * A copy of an expression with its direct parts replaced: what every rewrite of expressions is made of. Positions move
 * to the copy; an expression whose parts stay the same is returned as it is.
 */
import { at, type Expr, spanOf } from "./expr.ts"

export function withParts(e: Expr, change: (part: Expr) => Expr): Expr {
  const made = rebuilt(e, change)
  const span = spanOf(e)
  return made === e || span === undefined ? made : at(made, span.start, span.end)
}

function rebuilt(e: Expr, f: (part: Expr) => Expr): Expr {
  switch (e.op) {
    case "const":
    case "ref":
      return e
    case "field":
    case "has": {
      const of = f(e.of)
      return of === e.of ? e : { ...e, of }
    }
    case "index": {
      const of = f(e.of)
      const where = f(e.at)
      return of === e.of && where === e.at ? e : { ...e, of, at: where }
    }
    case "call": {
      const args = all(e.args, f)
      return args === e.args ? e : { ...e, args }
    }
    case "if": {
      const [test, yes, no] = [f(e.test), f(e.then), f(e.else)]
      return test === e.test && yes === e.then && no === e.else ? e : { op: "if", test, then: yes, else: no }
    }
    case "and":
    case "or": {
      const [left, right] = [f(e.left), f(e.right)]
      return left === e.left && right === e.right ? e : { op: e.op, left, right }
    }
    case "list": {
      const items = all(e.items, f)
      return items === e.items ? e : { op: "list", items }
    }
    case "record": {
      const values = e.fields.map(([k, v]) => [k, f(v)] as const)
      return values.every(([, v], i) => v === e.fields[i]![1]) ? e : { op: "record", fields: values }
    }
    case "map": {
      const entries = e.entries.map(([k, v]) => [f(k), f(v)] as const)
      return entries.every(([k, v], i) => k === e.entries[i]![0] && v === e.entries[i]![1]) ? e : { op: "map", entries }
    }
    case "each": {
      const [over, body] = [f(e.over), f(e.body)]
      return over === e.over && body === e.body ? e : { ...e, over, body }
    }
    case "text": {
      const parts = all(e.parts, f)
      return parts === e.parts ? e : { op: "text", parts }
    }
  }
}

function all(items: readonly Expr[], f: (part: Expr) => Expr): readonly Expr[] {
  const made = items.map(f)
  return made.every((x, i) => x === items[i]) ? items : made
}
