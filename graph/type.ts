/**
 * The types of ports. A dozen constructors are the truth: valibot, JSON Schema and the type notation of graph
 * files are imported into them. Subtyping answers "yes", "no", or "check": the value must be looked at when it arrives.
 */
import { printLiteral } from "./literal.ts"
import { nearest } from "./near.ts"
import { sameValue, type Value } from "./value.ts"

/** Element types of a tensor; bytes are little-endian. */
export type DType = "f32" | "f64" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f16" | "bool"

export interface Field {
  readonly type: Type
  /** The field may be absent. A field with a default is never absent once the default has been put in. */
  readonly optional?: boolean
  readonly default?: Value
}

export type Type =
  | { readonly kind: "null" }
  | { readonly kind: "boolean" }
  /** float64: every number of a graph that is not an `int64` by port type. */
  | { readonly kind: "number" }
  | { readonly kind: "int64" }
  | { readonly kind: "string" }
  | { readonly kind: "bytes" }
  | { readonly kind: "list"; readonly of: Type }
  | { readonly kind: "map"; readonly of: Type }
  | { readonly kind: "record"; readonly fields: { readonly [name: string]: Field } }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  | { readonly kind: "union"; readonly of: readonly Type[] }
  | { readonly kind: "tensor"; readonly dtype: DType; readonly shape: readonly (number | null)[] | null }
  | { readonly kind: "stream"; readonly of: Type }
  /** Any value; what is inside is only known when the graph runs. */
  | { readonly kind: "unknown" }
  /** No value at all: the type of something that always fails. */
  | { readonly kind: "never" }

export type Kind = Type["kind"]

const one = <K extends Kind>(kind: K) => Object.freeze({ kind }) as Extract<Type, { kind: K }>
export const T = {
  null: one("null"),
  boolean: one("boolean"),
  number: one("number"),
  int64: one("int64"),
  string: one("string"),
  bytes: one("bytes"),
  unknown: one("unknown"),
  never: one("never"),
  list: (of: Type): Type => ({ kind: "list", of }),
  map: (of: Type): Type => ({ kind: "map", of }),
  stream: (of: Type): Type => ({ kind: "stream", of }),
  enum: (...values: string[]): Type => ({ kind: "enum", values }),
  tensor: (dtype: DType, shape: readonly (number | null)[] | null): Type => ({ kind: "tensor", dtype, shape }),
  record: (fields: Record<string, Type | Field>): Extract<Type, { kind: "record" }> => ({
    kind: "record",
    fields: Object.fromEntries(Object.entries(fields).map(([k, f]) => [k, "kind" in f ? { type: f } : f])),
  }),
  union: (...of: Type[]): Type => unionOf(of),
  optional: (type: Type): Field => ({ type, optional: true }),
} as const

/** The least union: flattened, enums merged, members that say no more than another dropped; `never` for none. */
export function unionOf(types: readonly Type[]): Type {
  if (types.length === 1) return types[0]!
  const flat: Type[] = []
  const words = new Set<string>()
  for (const t of types.flatMap((t) => (t.kind === "union" ? t.of : [t]))) {
    if (t.kind === "unknown") return T.unknown
    if (t.kind === "never") continue
    if (t.kind === "enum") for (const v of t.values) words.add(v)
    else if (!flat.some((f) => sameType(f, t))) flat.push(t)
  }
  if (words.size > 0 && !flat.some((t) => t.kind === "string")) flat.push({ kind: "enum", values: [...words] })
  const kept = flat.filter((t, i) => !flat.some((u, j) => j !== i && within(t, u) && (j < i || !within(u, t))))
  return kept.length === 0 ? T.never : kept.length === 1 ? kept[0]! : { kind: "union", of: kept }
}

/**
 * Is every value of `a` one of `b`, field for field? Narrower than `subtype`, for which a record with more fields fits
 * where fewer are wanted: in a union those fields must not be lost.
 */
function within(a: Type, b: Type): boolean {
  if (a === b || a.kind === "never") return true
  if (a.kind === "union") return a.of.every((t) => within(t, b))
  if (b.kind === "union") return b.of.some((t) => within(a, t))
  if (a.kind === "record" && b.kind === "record") {
    const names = Object.keys(a.fields)
    return (
      names.length === Object.keys(b.fields).length &&
      names.every((n) => Object.hasOwn(b.fields, n) && fieldWithin(a.fields[n]!, b.fields[n]!))
    )
  }
  if ((a.kind === "list" || a.kind === "map" || a.kind === "stream") && a.kind === b.kind) return within(a.of, b.of)
  if (a.kind === "enum" && b.kind === "string") return true
  return a.kind === b.kind && subtype(a, b) === "yes"
}
const fieldWithin = (a: Field, b: Field): boolean =>
  within(a.type, b.type) && (!a.optional || b.optional === true) && sameDefault(a.default, b.default)
const sameDefault = (a: Value | undefined, b: Value | undefined): boolean =>
  a === undefined || b === undefined ? a === b : sameValue(a, b)

/** Do two types say the same, defaults included? */
export const sameType = (a: Type, b: Type): boolean => a === b || (within(a, b) && within(b, a))

export type Fits = "yes" | "no" | "check"

const worst = (a: Fits, b: Fits): Fits =>
  a === "no" || b === "no" ? "no" : a === "check" || b === "check" ? "check" : "yes"

/**
 * May a value of type `a` go where `b` is wanted? "check" means that some values may and some may not (an `unknown`,
 * one side of a union): the port's validator decides when the value arrives, and `check --strict` lists the place.
 */
export function subtype(a: Type, b: Type): Fits {
  if (a === b || b.kind === "unknown" || a.kind === "never") return "yes"
  if (a.kind === "unknown") return "check"
  if (b.kind === "never") return "no"
  if (a.kind === "union") {
    const each = a.of.map((t) => subtype(t, b))
    return each.every((f) => f === "yes") ? "yes" : each.every((f) => f === "no") ? "no" : "check"
  }
  if (b.kind === "union") {
    let best: Fits = "no"
    for (const t of b.of) {
      const f = subtype(a, t)
      if (f === "yes") return "yes"
      if (f === "check") best = "check"
    }
    if (a.kind === "enum" && best === "no" && b.of.some((t) => t.kind === "enum")) {
      const words = b.of.flatMap((t) => (t.kind === "enum" ? t.values : []))
      const inside = a.values.filter((v) => words.includes(v)).length
      return inside === a.values.length ? "yes" : inside > 0 ? "check" : "no"
    }
    return best
  }
  switch (b.kind) {
    case "list":
    case "stream":
      return a.kind === b.kind ? subtype(a.of, b.of) : "no"
    case "map":
      if (a.kind === "map") return subtype(a.of, b.of)
      if (a.kind === "record")
        return Object.values(a.fields).reduce<Fits>((f, x) => worst(f, subtype(x.type, b.of)), "yes")
      return "no"
    case "record": {
      if (a.kind === "map") {
        return Object.values(b.fields).reduce<Fits>((f, x) => worst(f, worst("check", subtype(a.of, x.type))), "yes")
      }
      if (a.kind !== "record") return "no"
      let fits: Fits = "yes"
      for (const name of Object.keys(b.fields)) {
        const want = b.fields[name]!
        const have = Object.hasOwn(a.fields, name) ? a.fields[name]! : undefined
        if (have === undefined) {
          if (!want.optional && want.default === undefined) return "no"
          continue
        }
        if (have.optional && !want.optional && want.default === undefined) fits = worst(fits, "check")
        fits = worst(fits, subtype(absentNull(have.type, want), want.type))
        if (fits === "no") return "no"
      }
      return fits
    }
    case "enum":
      if (a.kind === "string") return "check"
      if (a.kind === "enum") {
        const inside = a.values.filter((v) => b.values.includes(v)).length
        return inside === a.values.length ? "yes" : inside > 0 ? "check" : "no"
      }
      return "no"
    case "string":
      return a.kind === "string" || a.kind === "enum" ? "yes" : "no"
    case "tensor": {
      if (a.kind !== "tensor" || a.dtype !== b.dtype) return "no"
      if (b.shape === null) return "yes"
      if (a.shape === null) return "check"
      if (a.shape.length !== b.shape.length) return "no"
      const want = b.shape
      return a.shape.reduce<Fits>(
        (f, n, i) => worst(f, want[i] === null || want[i] === n ? "yes" : n === null ? "check" : "no"),
        "yes",
      )
    }
    default:
      return a.kind === b.kind ? "yes" : "no"
  }
}

/** Null stands for absent where an optional field takes no null: the port leaves it out (`accept.ts`). */
function absentNull(have: Type, want: Field): Type {
  if (want.optional !== true && want.default === undefined) return have
  if (have.kind === "null") return T.never
  return have.kind === "union" ? unionOf(have.of.filter((t) => t.kind !== "null")) : have
}

/** The notation of graph files: `[Line]`, `EUR | USD`, `{ a: number, b?: string }`, `{ "*": number }`, `tensor<f32>[2, ?]`. */
export function printType(t: Type): string {
  switch (t.kind) {
    case "list":
      return `[${printType(t.of)}]`
    case "map":
      return `{ "*": ${printType(t.of)} }`
    case "stream":
      return `stream<${printType(t.of)}>`
    case "enum":
      // A single bare word would read as the name of a type.
      return t.values.length === 1 ? JSON.stringify(t.values[0]) : t.values.map(word).join(" | ")
    case "union":
      return t.of.map((member) => (member.kind === "enum" ? beside(member.values) : printType(member))).join(" | ")
    case "tensor":
      return t.shape === null ? `tensor<${t.dtype}>` : `tensor<${t.dtype}>[${t.shape.map((n) => n ?? "?").join(", ")}]`
    case "record": {
      const fields = Object.entries(t.fields).map(
        ([k, f]) =>
          `${printKey(k)}${f.optional ? "?" : ""}: ${printType(f.type)}${f.default === undefined ? "" : ` = ${printLiteral(f.default)}`}`,
      )
      return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`
    }
    default:
      return t.kind
  }
}

/** Types with a name of their own. */
export const NAMED_TYPES = ["null", "boolean", "number", "int64", "string", "bytes", "unknown", "never"] as const
/** What people write for types in other languages: no words of an enumeration, unless they are quoted. */
export const FOREIGN_TYPES = [
  "bool",
  "int",
  "integer",
  "float",
  "double",
  "text",
  "str",
  "any",
  "object",
  "array",
  "list",
  "map",
  "date",
  "void",
  "undefined",
] as const
const RESERVED: ReadonlySet<string> = new Set([...NAMED_TYPES, ...FOREIGN_TYPES, "true", "false"])
/** An enum word is bare where it cannot be mistaken for something else, quoted otherwise. */
const word = (w: string) => (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(w) && !RESERVED.has(w) ? w : JSON.stringify(w))
/** Beside types a word that is like the name of one would be taken for that, misspelt. */
const beside = (words: readonly string[]): string =>
  words.map((w) => (nearest(w, NAMED_TYPES) === undefined ? word(w) : JSON.stringify(w))).join(" | ")
const printKey = (k: string) =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(k) ? k : k === "*" ? String.raw`"\u002a"` : JSON.stringify(k)
