/**
 * What a test teaches about the names and fields it looks at: `x != null`, `has(a.b)`, `order.kind == "card"`. Facts are
 * a chain from the newest to the oldest, so that a branch adds its own without touching those of its sibling.
 */
import { withoutNull } from "./builtins/signature.ts"
import type { Expr } from "./expr.ts"
import { T, type Type, unionOf } from "./type.ts"

export interface Facts {
  readonly path: string
  readonly type: Type
  readonly next: Facts | undefined
}

/** The text of a chain of names and fields, `input.who.name`; undefined for anything that is computed. */
export function pathOf(e: Expr): string | undefined {
  if (e.op === "ref") return e.name
  const name =
    e.op === "index" && e.at.op === "const" ? e.at.value : e.op === "field" || e.op === "has" ? e.name : undefined
  if (typeof name !== "string" || !("of" in e)) return undefined
  const of = pathOf(e.of)
  return of === undefined ? undefined : `${of}.${JSON.stringify(name)}`
}

/** What is known of a path beyond its declared type, newest first. */
export function narrowed(facts: Facts, path: string): Type | undefined {
  for (let f: Facts | undefined = facts; f !== undefined; f = f.next) if (f.path === path) return f.type
  return undefined
}

/**
 * Facts where `subject == word` and where it is not. An enumeration loses or keeps the word; when the subject is a field
 * of a union of records, the union loses the members that cannot have, or can only have, that word there.
 */
export function tagFacts(
  subject: Expr,
  word: string,
  facts: Facts | undefined,
  typeOf: (e: Expr) => Type,
): readonly [Facts | undefined, Facts | undefined] {
  const path = pathOf(subject)
  if (path === undefined) return [facts, facts]
  let yes: Facts | undefined = { path, type: T.enum(word), next: facts }
  let no = facts
  const type = typeOf(subject)
  const others = unionOf(
    members(type).map((t): Type => {
      if (t.kind !== "enum") return t
      const values = t.values.filter((v) => v !== word)
      return values.length === 0 ? T.never : { kind: "enum", values }
    }),
  )
  if (members(type).some((t) => t.kind === "enum" && t.values.includes(word))) no = { path, type: others, next: facts }
  if (subject.op === "field") {
    const of = pathOf(subject.of)
    const whole = withoutNull(typeOf(subject.of))
    if (of !== undefined && whole.kind === "union") {
      yes = { path: of, type: unionOf(whole.of.filter((t) => canBe(t, subject.name, word))), next: yes }
      no = { path: of, type: unionOf(whole.of.filter((t) => !mustBe(t, subject.name, word))), next: no }
    }
  }
  return [yes, no]
}

const members = (t: Type): readonly Type[] => (t.kind === "union" ? t.of : [t])

function tagOf(t: Type, name: string): Type | undefined {
  return t.kind === "record" && Object.hasOwn(t.fields, name) ? t.fields[name]!.type : undefined
}
function canBe(t: Type, name: string, word: string): boolean {
  if (t.kind !== "record") return true
  const tag = tagOf(t, name)
  return (
    tag !== undefined &&
    members(tag).some((m) =>
      m.kind === "enum" ? m.values.includes(word) : m.kind === "string" || m.kind === "unknown",
    )
  )
}
function mustBe(t: Type, name: string, word: string): boolean {
  const tag = tagOf(t, name)
  return tag?.kind === "enum" && tag.values.length === 1 && tag.values[0] === word
}
