// Tests after which more is known of a name or field: what the checker's flow typing narrows.
import { call, type Expr, lit, type Type, unionOf } from "../../graph/mod.ts"

/** Something that can be written where its type is wanted. */
export interface Atom {
  readonly expr: Expr
  readonly type: Type
}

/** A test, and what is known besides where it is true. */
export interface Teaching {
  readonly test: Expr
  readonly atoms: readonly Atom[]
}

export function teachings(atoms: readonly Atom[]): readonly Teaching[] {
  const tests: Teaching[] = []
  for (const a of atoms) {
    if (a.type.kind === "union" && a.type.of.some((m) => m.kind === "null")) {
      const rest = unionOf(a.type.of.filter((m) => m.kind !== "null"))
      tests.push({ test: call("!=", a.expr, lit(null)), atoms: [{ expr: a.expr, type: rest }] })
    }
    if (a.type.kind === "record") {
      for (const [name, f] of Object.entries(a.type.fields)) {
        if (f.optional !== true) continue
        const there: Expr = { op: "field", of: a.expr, name }
        tests.push({ test: { op: "has", of: a.expr, name }, atoms: [{ expr: there, type: f.type }] })
      }
    }
    if (a.type.kind === "union" && a.type.of.every((m) => m.kind === "record" && Object.hasOwn(m.fields, "kind"))) {
      const red = a.type.of.filter((m) => m.kind === "record" && m.fields["kind"]!.type.kind === "enum")
      const member = red[0]
      if (member?.kind !== "record") continue
      const tag = member.fields["kind"]!.type
      const word = tag.kind === "enum" ? tag.values[0]! : ""
      const test = call("==", { op: "field", of: a.expr, name: "kind" }, lit(word))
      const fields = Object.entries(member.fields).filter(([n, f]) => n !== "kind" && f.optional !== true)
      tests.push({
        test,
        atoms: fields.map(([name, f]) => ({ expr: { op: "field", of: a.expr, name }, type: f.type })),
      })
    }
  }
  return tests
}
