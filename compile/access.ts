/**
 * The types that the plan's own rules give to what is inside a value: fields, entries, and what a macro goes over. The
 * checker knows more where the flow has narrowed a type; what a slot holds has the type that is computed here.
 */
import { T, type Type, unionOf } from "../graph/mod.ts"

/** Has every value of the type the field? */
export function certain(t: Type, name: string): boolean {
  if (t.kind === "union") return t.of.every((m) => certain(m, name))
  if (t.kind !== "record" || !Object.hasOwn(t.fields, name)) return false
  return t.fields[name]!.optional !== true
}

/** The type of a field that every value has. */
export function fieldType(t: Type, name: string): Type {
  if (t.kind === "union") return T.union(...t.of.map((m) => fieldType(m, name)))
  return t.kind === "record" && Object.hasOwn(t.fields, name) ? t.fields[name]!.type : T.unknown
}

/** The type of an entry by name. `or`: it may be missing, and is null then. */
export function entryType(t: Type, name: string, or: boolean): Type {
  const none = or ? T.null : T.never
  switch (t.kind) {
    case "unknown":
    case "never":
      return t
    case "map":
      return unionOf([t.of, none])
    case "record": {
      const f = Object.hasOwn(t.fields, name) ? t.fields[name]! : undefined
      if (f === undefined) return none
      return f.optional === true ? unionOf([f.type, none]) : f.type
    }
    case "union":
      return unionOf(t.of.map((m) => entryType(m, name, or)))
    case "null":
      return none
    default:
      return T.never
  }
}

/** Types of the variables of a macro. */
export function elementTypes(t: Type, two: boolean): { readonly item: Type; readonly index: Type } {
  if (t.kind === "list") return { item: t.of, index: T.number }
  if (t.kind === "map") return { item: two ? t.of : T.string, index: T.string }
  if (t.kind === "record")
    return { item: two ? T.union(...Object.values(t.fields).map((f) => f.type)) : T.string, index: T.string }
  if (t.kind === "union" && t.of.every((m) => m.kind === "list"))
    return { item: unionOf(t.of.map((m) => m.of)), index: T.number }
  return { item: T.unknown, index: T.unknown }
}
