/**
 * Rewriting of expressions: names and whole references. Every pass that moves or replaces values goes through here, so
 * that macro variables, which hide names, are treated in one place. Untouched parts are shared, not copied.
 */
import { at, type Expr, ref, spanOf, withParts } from "../graph/mod.ts"

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
        return withParts(e, go)
    }
  })()
  const span = spanOf(e)
  return made !== e && span !== undefined && spanOf(made) === undefined && made.op !== "ref"
    ? at(made, span.start, span.end)
    : made
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
  if (e.op !== "each") return withParts(e, (p) => rename(p, names))
  const inner = new Map(names).set(e.item, `${e.item}'`)
  if (e.index !== undefined) inner.set(e.index, `${e.index}'`)
  const made: Expr = { ...e, over: rename(e.over, names), item: `${e.item}'`, body: rename(e.body, inner) }
  return e.index === undefined ? made : { ...made, index: `${e.index}'` }
}
