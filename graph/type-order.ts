/**
 * A type with its fields, words and members in code-point order. What a validator finds first, and what it says of it, is
 * hashed; so it may not depend on the order in which somebody wrote a type.
 */
import { type Field, printType, type Type } from "./type.ts"
import { compareKeys } from "./value.ts"

export function inCanonicalOrder(t: Type): Type {
  switch (t.kind) {
    case "list":
    case "map":
    case "stream":
      return { ...t, of: inCanonicalOrder(t.of) }
    case "enum":
      return { kind: "enum", values: [...t.values].sort(compareKeys) }
    case "union": {
      const members = t.of.map(inCanonicalOrder).map((member) => ({ member, text: printType(member) }))
      // Null comes last, as everybody writes it.
      const rank = (m: Type) => (m.kind === "null" ? 1 : 0)
      members.sort((a, b) => rank(a.member) - rank(b.member) || compareKeys(a.text, b.text))
      return { kind: "union", of: members.map((m) => m.member) }
    }
    case "record": {
      const fields = Object.entries(t.fields).sort(([a], [b]) => compareKeys(a, b))
      return { kind: "record", fields: Object.fromEntries(fields.map(([name, f]) => [name, ordered(f)])) }
    }
    default:
      return t
  }
}

const ordered = (f: Field): Field => ({ ...f, type: inCanonicalOrder(f.type) })
