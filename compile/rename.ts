/**
 * Rewriting of expressions: names and whole references. Every pass that moves or replaces values goes through here, so
 * that macro variables, which hide names, are treated in one place. Untouched parts are shared, not copied.
 */
import { at, type Expr, ref, spanOf } from "../graph/mod.ts"

/** Replaces references by expressions. `get` gives the replacement of a free name, or undefined to leave it. */
export function substitute(e: Expr, get: (name: string) => Expr | undefined, bound: readonly string[] = []): Expr {
  const go = (x: Expr): Expr => substitute(x, get, bound)
  const made = ((): Expr => {
    switch (e.op) {
      case "const":
        return e
      case "ref":
        return bound.includes(e.name) ? e : (get(e.name) ?? e)
      case "each": {
        const over = go(e.over)
        const body = substitute(e.body, get, [...bound, e.item, ...(e.index === undefined ? [] : [e.index])])
        return over === e.over && body === e.body ? e : { ...e, over, body }
      }
      default:
        return mapParts(e, go)
    }
  })()
  const span = spanOf(e)
  return made !== e && span !== undefined && spanOf(made) === undefined && made.op !== "ref"
    ? at(made, span.start, span.end)
    : made
}

/** The same expression with each direct part replaced; itself where none changed. */
export function mapParts(e: Expr, go: (part: Expr) => Expr): Expr {
  const list = (xs: readonly Expr[]): readonly Expr[] => {
    const out = xs.map(go)
    return out.some((x, i) => x !== xs[i]) ? out : xs
  }
  switch (e.op) {
    case "const":
    case "ref":
      return e
    case "field":
    case "has": {
      const of = go(e.of)
      return of === e.of ? e : { ...e, of }
    }
    case "index": {
      const of = go(e.of)
      const key = go(e.at)
      return of === e.of && key === e.at ? e : { ...e, of, at: key }
    }
    case "call": {
      const args = list(e.args)
      return args === e.args ? e : { ...e, args }
    }
    case "if": {
      const [test, then, other] = [go(e.test), go(e.then), go(e.else)]
      return test === e.test && then === e.then && other === e.else ? e : { ...e, test, then, else: other }
    }
    case "and":
    case "or": {
      const [left, right] = [go(e.left), go(e.right)]
      return left === e.left && right === e.right ? e : { ...e, left, right }
    }
    case "list": {
      const items = list(e.items)
      return items === e.items ? e : { ...e, items }
    }
    case "text": {
      const parts = list(e.parts)
      return parts === e.parts ? e : { ...e, parts }
    }
    case "record": {
      const values = list(e.fields.map((f) => f[1]))
      return e.fields.every((f, i) => f[1] === values[i])
        ? e
        : { ...e, fields: e.fields.map((f, i) => [f[0], values[i]!] as const) }
    }
    case "map": {
      const flat = list(e.entries.flat())
      return e.entries.every((f, i) => f[0] === flat[2 * i] && f[1] === flat[2 * i + 1])
        ? e
        : { ...e, entries: e.entries.map((_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const) }
    }
    case "each": {
      const [over, body] = [go(e.over), go(e.body)]
      return over === e.over && body === e.body ? e : { ...e, over, body }
    }
  }
}

/**
 * Names of a scope → names of the whole graph. Macro variables get a name that no node can have (`x'`), so that a name
 * moved into a macro's body later on can never mean its variable.
 */
export function rename(e: Expr, names: ReadonlyMap<string, string>): Expr {
  if (e.op === "ref") {
    const to = names.get(e.name)
    return to === undefined || to === e.name ? e : ref(to)
  }
  if (e.op !== "each") return mapParts(e, (p) => rename(p, names))
  const inner = new Map(names).set(e.item, `${e.item}'`)
  if (e.index !== undefined) inner.set(e.index, `${e.index}'`)
  const made: Expr = { ...e, over: rename(e.over, names), item: `${e.item}'`, body: rename(e.body, inner) }
  return e.index === undefined ? made : { ...made, index: `${e.index}'` }
}
