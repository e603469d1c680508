// Types that an author may declare for a value: wider than it is, narrower, or with fields and defaults of their own.
import { T, type Type, unionOf } from "../../graph/mod.ts"
import type { Chance } from "./chance.ts"
import { someType } from "./values.ts"

/** A type that an author may declare for a value of type `t`: wider, or one that the run has to look at. */
export function declaredFor(c: Chance, t: Type): Type | undefined {
  if (t.kind === "never" || t.kind === "stream") return undefined
  if (c.percent(10)) return T.unknown
  if (t.kind === "unknown") return someType(c, 1)
  if (t.kind === "union" && c.percent(50)) return c.of(t.of)
  if (t.kind === "string" && c.percent(30)) return T.enum("a", "EUR", "ok")
  if (t.kind === "record" && c.percent(40)) {
    // Fewer fields than there are, or one more with a default.
    const fields = Object.entries(t.fields)
    if (fields.length > 0 && c.percent(50)) return T.record(Object.fromEntries(fields.slice(1)))
    return T.record({ ...t.fields, ...(t.fields["rate"] ? {} : { rate: { type: T.number, default: 2 } }) })
  }
  return unionOf([t, someType(c, 1)])
}
