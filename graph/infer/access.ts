/**
 * The types of fields, keys and positions: what `a.b`, `a["b"]`, `a[i]` and their optional forms give for each type of
 * `a`, and what is wrong where they give nothing.
 */
import { hasNull, memberOf, withoutNull } from "../builtins/signature.ts"
import { BUILTINS } from "../builtins.ts"
import { printCel } from "../cel/print.ts"
import type { Expr } from "../expr.ts"
import { nearest } from "../near.ts"
import { type Field, printType, subtype, T, type Type, unionOf } from "../type.ts"
import { a, LISTED_MAX, listed, optionalStep, plainStep, type Report, short } from "./report.ts"

type Access = Extract<Expr, { op: "field" | "index" | "has" }>
type Index = Extract<Expr, { op: "index" }>

/** The type of field `name` of a value of type `of`; `e` is the whole access. */
export function member(r: Report, e: Access, of: Type, name: string, optional: boolean): Type {
  const subject = () => short(printCel(e.of))
  const solid = hasNull(of) ? withoutNull(of) : of
  if (solid.kind === "never") return r.problem("G101", e, `${subject()} is always null: it has no fields.`)
  if (solid !== of && !optional) {
    return r.problem(
      "G101",
      e,
      `${subject()} may be null, so it may have no "${name}".`,
      `Write ${subject()}${optionalStep(name)}.orValue(…), or test ${subject()} != null first.`,
    )
  }
  const orNull = (t: Type) => (solid === of ? t : unionOf([t, T.null]))
  switch (solid.kind) {
    case "record":
      return orNull(recordField(r, e, solid, name, optional))
    case "map":
      if (optional) return unionOf([solid.of, T.null])
      r.mayFail = true
      return solid.of
    case "unknown":
      r.check(
        e,
        `${subject()} is of unknown type: only the run can tell whether it ${optional ? "has fields" : `has "${name}"`}.`,
      )
      return T.unknown
    case "union":
      return orNull(unionField(r, e, solid, name, optional))
    default: {
      const has = `${subject()} is ${a(printType(solid))}`
      const builtin = BUILTINS.get(name)
      return r.problem(
        "G017",
        e,
        `${has}: it has no fields.`,
        builtin?.method ? `Write ${subject()}.${name}() for the function.` : undefined,
      )
    }
  }
}
function recordField(
  r: Report,
  e: Access,
  of: Extract<Type, { kind: "record" }>,
  name: string,
  optional: boolean,
): Type {
  const f = Object.hasOwn(of.fields, name) ? of.fields[name] : undefined
  const subject = () => short(printCel(e.of))
  if (f === undefined) {
    const names = Object.keys(of.fields)
    const has =
      names.length === 0
        ? "It has no fields."
        : `It has: ${listed(names.slice(0, LISTED_MAX + 1).map((n) => `${n} (${short(printType(of.fields[n]!.type))})`))}.`
    const near = nearest(name, names)
    const fn = BUILTINS.get(name)?.method ? `Write ${subject()}.${name}() for the function.` : undefined
    return r.problem(
      "G017",
      e,
      `${subject()} has no field "${name}". ${has}`,
      near ? `Write ${subject()}${plainStep(near)}.` : fn,
    )
  }
  if (!absent(f)) return f.type
  if (optional) return unionOf([f.type, T.null])
  return r.problem(
    "G101",
    e,
    `${subject()}${plainStep(name)} may be absent.`,
    `Write ${subject()}${optionalStep(name)}.orValue(…), or test has(${subject()}${plainStep(name)}) first.`,
  )
}
function unionField(r: Report, e: Access, of: Extract<Type, { kind: "union" }>, name: string, optional: boolean): Type {
  const types: Type[] = []
  for (const t of of.of) {
    const f = t.kind === "record" && Object.hasOwn(t.fields, name) ? t.fields[name] : undefined
    if (f !== undefined && (!absent(f) || optional)) types.push(absent(f) ? unionOf([f.type, T.null]) : f.type)
    else if (t.kind === "map") {
      r.mayFail = true
      types.push(optional ? unionOf([t.of, T.null]) : t.of)
    } else if (t.kind === "record" && optional) types.push(T.null)
    else {
      const subject = short(printCel(e.of))
      return r.problem(
        "G017",
        e,
        `${subject} may be ${short(printType(t))}, which has no "${name}".`,
        `Test which one ${subject} is first.`,
      )
    }
  }
  return unionOf(types)
}
/** The type of `of[at]` for a computed key or position. */
export function lookup(r: Report, e: Index, of: Type, at: Type): Type {
  const subject = () => short(printCel(e.of))
  const optional = e.optional === true
  const solid = withoutNull(of)
  if (solid.kind === "never")
    return r.problem("G101", e, `${subject()} is always null: nothing can be looked up in it.`)
  if (hasNull(of) && !optional) {
    return r.problem(
      "G101",
      e,
      `${subject()} may be null.`,
      `Write ${subject()}[?${short(printCel(e.at))}].orValue(…), or test ${subject()} != null first.`,
    )
  }
  r.mayFail ||= !optional
  const want = solid.kind === "list" ? NUMERIC : solid.kind === "map" || solid.kind === "record" ? T.string : T.unknown
  if (
    solid.kind !== "list" &&
    solid.kind !== "map" &&
    solid.kind !== "record" &&
    solid.kind !== "unknown" &&
    solid.kind !== "union"
  ) {
    return r.problem(
      "G101",
      e,
      `${subject()} is ${a(printType(solid))}: nothing can be looked up in it.`,
      solid.kind === "string" ? `Write ${subject()}.substring(i, i + 1).` : undefined,
    )
  }
  const fits = subtype(at, want)
  if (fits === "no") {
    return r.problem(
      "G101",
      e.at,
      `${subject()} is ${a(short(printType(solid)))}, so it is looked up by ${solid.kind === "list" ? "position (number)" : "key (string)"}, found ${printType(at)}.`,
    )
  }
  if (solid.kind === "union" && !solid.of.some((member) => takes(member, at))) {
    return r.problem(
      "G101",
      e.at,
      `${subject()} is ${a(short(printType(solid)))}, none of which is looked up by ${printType(at)}.`,
    )
  }
  if (fits === "check" || solid.kind === "unknown" || solid.kind === "union")
    r.check(e, `Only the run can tell whether ${short(printCel(e))} is there.`)
  const found = element(r, e, solid, at)
  return optional ? unionOf([found, T.null]) : found
}

/** May a value of the type be looked up by such a key? */
function takes(of: Type, at: Type): boolean {
  if (of.kind === "unknown") return true
  const want = of.kind === "list" ? NUMERIC : of.kind === "map" || of.kind === "record" ? T.string : undefined
  return want !== undefined && subtype(at, want) !== "no"
}

/** What a lookup by a computed key gives: elements of a list, values of a map, the fields that the key may name. */
function element(r: Report, e: Index, of: Type, at: Type): Type {
  if (of.kind === "list") return of.of
  if (of.kind === "map") return of.of
  if (of.kind === "record" && at.kind === "enum") {
    const typeOfField = (word: string) =>
      Object.hasOwn(of.fields, word) ? of.fields[word]!.type : recordField(r, e, of, word, true)
    return unionOf(at.values.map(typeOfField))
  }
  if (of.kind === "record") return memberOf(of)
  if (of.kind === "union")
    return unionOf(
      of.of.map((t) => (t.kind === "list" ? t.of : t.kind === "map" || t.kind === "record" ? memberOf(t) : T.unknown)),
    )
  return T.unknown
}
/** The declared type of a field, whether or not it may be absent. */
export function fieldTypeOf(of: Type, name: string): Type | undefined {
  if (of.kind === "record") return Object.hasOwn(of.fields, name) ? of.fields[name]!.type : undefined
  if (of.kind === "map") return of.of
  if (of.kind === "unknown") return of
  if (of.kind !== "union") return undefined
  const types = of.of.map((t) => fieldTypeOf(t, name)).filter((t) => t !== undefined)
  return types.length === 0 ? undefined : unionOf(types)
}

const absent = (f: Field | undefined): boolean => f?.optional === true && f.default === undefined

const NUMERIC = T.union(T.number, T.int64)
