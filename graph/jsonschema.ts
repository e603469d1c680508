/**
 * JSON Schema (draft-07 to 2020-12, as MCP tools and OpenAPI 3.x write it) into types and back. Import never guesses:
 * what a type cannot say is left out of the type and listed, with its place, so that a caller knows what the port's type
 * allows and the schema does not. Source: json-schema.org/draft/2020-12, OpenAPI 3.1 (`nullable` from 3.0).
 */
import { type DType, type Field, sameType, subtype, T, type Type, unionOf } from "./type.ts"
import { isRecord, type Value } from "./value.ts"

export interface Widened {
  /** JSON pointer into the schema. */
  readonly at: string
  /** What was left out: `minLength`, `an integer is a number`, `a cycle of $ref is unknown`. */
  readonly what: string
}
export interface FromJsonSchema {
  readonly type: Type
  /** Where the type allows more values than the schema; empty: exactly the same. */
  readonly widened: readonly Widened[]
}

/** The type of a schema. `$ref` is followed inside the document only; anything that cannot be read is `unknown`, and listed. */
export function fromJsonSchema(schema: unknown): FromJsonSchema {
  const importer = new Importer(schema)
  const type = importer.type(schema, "", [])
  return { type, widened: importer.widened }
}

/**
 * A type as JSON Schema 2020-12 of the JSON form of its values. `given`: fields with a default may be left out (what a
 * caller sends); `taken`: they are there (what comes back). `fromJsonSchema` of it gives the type again.
 */
export function toJsonSchema(type: Type, side: "given" | "taken" = "given"): JsonSchema {
  switch (type.kind) {
    case "null":
    case "boolean":
    case "number":
    case "string":
      return { type: type.kind }
    case "int64":
      return { type: "string", pattern: "^-?[0-9]{1,19}$", [OWN]: "int64" }
    case "bytes":
      return { type: "string", contentEncoding: "base64", [OWN]: "bytes" }
    case "unknown":
      return {}
    case "never":
      return { not: {} }
    case "enum":
      return { type: "string", enum: type.values }
    case "list":
      return { type: "array", items: toJsonSchema(type.of, side) }
    case "stream":
      return { type: "array", items: toJsonSchema(type.of, side), [OWN]: "stream" }
    case "map":
      return { type: "object", additionalProperties: toJsonSchema(type.of, side) }
    case "union":
      return { anyOf: type.of.map((t) => toJsonSchema(t, side)) }
    case "tensor":
      return {
        type: "object",
        properties: {
          dtype: { const: type.dtype },
          shape: { type: "array", items: { type: "integer" } },
          data: { type: "string", contentEncoding: "base64" },
        },
        required: ["dtype", "shape", "data"],
        [OWN]: { tensor: type.dtype, ...(type.shape === null ? {} : { shape: type.shape }) },
      }
    case "record":
      return recordSchema(type, side)
  }
}
export type JsonSchema = { readonly [keyword: string]: unknown }

function recordSchema(type: Extract<Type, { kind: "record" }>, side: "given" | "taken"): JsonSchema {
  const fields = Object.entries(type.fields)
  const required = fields
    .filter(([, f]) => !f.optional && (side === "taken" || f.default === undefined))
    .map(([name]) => name)
  return {
    type: "object",
    properties: Object.fromEntries(
      fields.map(([name, f]) => [
        name,
        { ...toJsonSchema(f.type, side), ...(f.default === undefined ? {} : { default: f.default }) },
      ]),
    ),
    ...(required.length === 0 ? {} : { required }),
  }
}

type Node = { readonly [keyword: string]: unknown }
const KNOWN_DTYPES: ReadonlySet<string> = new Set<DType>([
  "f32",
  "f64",
  "i8",
  "u8",
  "i16",
  "u16",
  "i32",
  "u32",
  "i64",
  "u64",
  "f16",
  "bool",
])
/** Keywords that only describe. */
const SILENT = new Set([
  "$schema",
  "$id",
  "$ref",
  "$defs",
  "definitions",
  "$comment",
  "$anchor",
  "title",
  "description",
  "default",
  "examples",
  "example",
  "deprecated",
  "readOnly",
  "writeOnly",
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "additionalItems",
  "enum",
  "const",
  "anyOf",
  "oneOf",
  "allOf",
  "nullable",
  "discriminator",
  "xml",
  "externalDocs",
  "contentMediaType",
  "contentEncoding",
  "contentSchema",
])

class Importer {
  readonly widened: Widened[] = []
  readonly #root: unknown
  /** Schemas behind `$ref` cost nothing the second time, and a document of nested references stays linear. */
  readonly #known = new Map<string, Type>()

  constructor(root: unknown) {
    this.#root = root
  }

  widen(at: string, what: string): void {
    this.widened.push({ at: at === "" ? "/" : at, what })
  }

  type(schema: unknown, at: string, refs: readonly string[]): Type {
    if (schema === true || schema === undefined) return T.unknown
    if (schema === false) return T.never
    if (!isRecord(schema)) return this.unreadable(at, "not a schema")
    const s: Node = schema
    for (const key of Object.keys(s))
      if (
        !SILENT.has(key) &&
        !key.startsWith("x-") &&
        !(key === "pattern" && s[OWN] === "int64") &&
        !(key === "not" && isNever(s))
      )
        this.widen(`${at}/${pointer(key)}`, `${key} is left to the tool`)
    if (typeof s["$ref"] === "string") return this.joined(this.reference(s["$ref"], at, refs), s, at, refs)
    return this.joined(this.plain(s, at, refs), s, at, refs)
  }

  unreadable(at: string, why: string): Type {
    this.widen(at, `${why}, taken as unknown`)
    return T.unknown
  }

  reference(ref: string, at: string, refs: readonly string[]): Type {
    if (refs.includes(ref)) return this.unreadable(`${at}/$ref`, "a cycle")
    const known = this.#known.get(ref)
    if (known !== undefined) return known
    const target = resolve(this.#root, ref)
    if (target === undefined) return this.unreadable(`${at}/$ref`, `${ref} is outside this document or missing`)
    const before = this.widened.length
    const type = this.type(target, ref.startsWith("#") ? ref.slice(1) : at, [...refs, ref])
    // A type that met a cycle depends on where the cycle was entered.
    if (!this.widened.slice(before).some((w) => w.what.startsWith("a cycle"))) this.#known.set(ref, type)
    return type
  }

  /** `allOf`, `anyOf`, `oneOf` and `nullable` beside what the rest of the schema says. */
  joined(own: Type, s: Node, at: string, refs: readonly string[]): Type {
    let type = own
    for (const [i, part] of listOf(s["allOf"]).entries())
      type = this.both(type, this.type(part, `${at}/allOf/${i}`, refs), `${at}/allOf/${i}`)
    for (const key of ["anyOf", "oneOf"]) {
      if (!Array.isArray(s[key]) || s[key].length === 0) continue
      const sides = s[key].map((part, i) => this.type(part, `${at}/${key}/${i}`, refs))
      if (key === "oneOf" && sides.length > 1 && !apart(sides)) this.widen(`${at}/oneOf`, "more than one side may hold")
      const union = this.either(sides, `${at}/${key}`)
      // A record whose alternatives only list which fields are required: the record is the type.
      type = type.kind === "record" && union.kind === "unknown" ? type : this.both(type, union, `${at}/${key}`)
    }
    return s["nullable"] === true ? unionOf([type, T.null]) : type
  }

  /**
   * Values of one of the types. A value with the fields of two sides would lose those that one of them does not name
   * (values have the fields of their type): records of which one fits the other become one, with the fields of all.
   */
  either(sides: readonly Type[], at: string): Type {
    const union = unionOf(sides)
    const records = sides.flatMap((t) => (t.kind === "union" ? t.of : [t])).filter((t) => t.kind === "record")
    const lacks = (r: Type, q: Type) =>
      r.kind === "record" && q.kind === "record" && Object.keys(q.fields).some((name) => !Object.hasOwn(r.fields, name))
    const loses = (r: Type, q: Type) => subtype(r, q) === "yes" && lacks(r, q) && lacks(q, r)
    if (union.kind === "unknown" || !records.some((r) => records.some((q) => loses(r, q)))) return union
    this.widen(at, "records that overlap are one, with the fields of all")
    const fields: Record<string, Field> = {}
    for (const name of new Set(records.flatMap((r) => Object.keys(r.fields)))) {
      const own = records.flatMap((r) => (Object.hasOwn(r.fields, name) ? [r.fields[name]!] : []))
      const type = unionOf(own.map((f) => f.type))
      Object.defineProperty(fields, name, {
        value:
          own.length === records.length && own.every((f) => !f.optional && f.default === undefined)
            ? { type }
            : { type, optional: true },
        enumerable: true,
      })
    }
    return unionOf([T.record(fields), ...sides.filter((t) => t.kind !== "record")])
  }

  /** Values of both types. */
  both(a: Type, b: Type, at: string): Type {
    if (a.kind === "unknown") return b
    if (b.kind === "unknown" || sameType(a, b)) return a
    if (a.kind === "never" || b.kind === "never") return T.never
    if (a.kind === "union") return unionOf(a.of.map((x) => this.both(x, b, at)))
    if (b.kind === "union") return unionOf(b.of.map((x) => this.both(a, x, at)))
    if (a.kind === "record" && b.kind === "record") return this.bothRecords(a, b, at)
    if (a.kind === "record" && b.kind === "map") return this.bothRecords(a, T.record({}), at)
    if (a.kind === "map" && b.kind === "record") return this.bothRecords(b, T.record({}), at)
    if (a.kind === "list" && b.kind === "list") return T.list(this.both(a.of, b.of, at))
    if (a.kind === "map" && b.kind === "map") return T.map(this.both(a.of, b.of, at))
    if (a.kind === "enum" && b.kind === "enum") {
      const shared = a.values.filter((v) => b.values.includes(v))
      return shared.length === 0 ? T.never : T.enum(...shared)
    }
    if (a.kind === "enum" && b.kind === "string") return a
    if (a.kind === "string" && b.kind === "enum") return b
    return a.kind === b.kind ? a : T.never
  }

  bothRecords(a: Extract<Type, { kind: "record" }>, b: Extract<Type, { kind: "record" }>, at: string): Type {
    const fields: [string, Field][] = Object.entries(a.fields)
    for (const [name, f] of Object.entries(b.fields)) {
      const i = fields.findIndex((x) => x[0] === name)
      if (i === -1) fields.push([name, f])
      else {
        const [, first] = fields[i]!
        const type = this.both(first.type, f.type, `${at}/properties/${pointer(name)}`)
        const standIn = first.default ?? f.default
        fields[i] = [
          name,
          fieldOf(
            type,
            (first.optional ?? first.default !== undefined) && (f.optional ?? f.default !== undefined),
            standIn,
          ),
        ]
      }
    }
    return T.record(Object.fromEntries(fields))
  }

  plain(s: Node, at: string, refs: readonly string[]): Type {
    if (isNever(s)) return T.never
    if ("const" in s) return this.word(s["const"], `${at}/const`)
    if (Array.isArray(s["enum"])) return unionOf(s["enum"].map((v) => this.word(v, `${at}/enum`)))
    const { type } = s
    if (Array.isArray(type)) return unionOf(type.map((t) => this.named(t, s, at, refs)))
    if (typeof type === "string") return this.named(type, s, at, refs)
    // Without `type`, the keywords say what is meant; strictly they would let other kinds of values through.
    if (isRecord(s["properties"]) || (Array.isArray(s["required"]) && !hasAlternatives(s))) {
      this.widenImplied(at, "object")
      return this.object(s, at, refs)
    }
    if ("items" in s || "prefixItems" in s) {
      this.widenImplied(at, "array")
      return this.array(s, at, refs)
    }
    return T.unknown
  }
  widenImplied(at: string, kind: string): void {
    this.widen(at, `no type is given, taken as ${kind}`)
  }

  /** By the name of a kind. */
  named(type: unknown, s: Node, at: string, refs: readonly string[]): Type {
    switch (type) {
      case "null":
        return T.null
      case "boolean":
        return T.boolean
      case "number":
        return T.number
      case "integer":
        this.widen(`${at}/type`, "an integer is a number")
        return T.number
      case "string":
        return s[OWN] === "int64" ? T.int64 : s[OWN] === "bytes" ? T.bytes : T.string
      case "array":
        return this.array(s, at, refs)
      case "object":
        return this.object(s, at, refs)
      default:
        return this.unreadable(`${at}/type`, `type ${JSON.stringify(type)} is not known`)
    }
  }

  /** One value of an `enum`, or a `const`. */
  word(value: unknown, at: string): Type {
    if (typeof value === "string") return T.enum(value)
    if (value === null) return T.null
    if (typeof value === "number" || typeof value === "boolean") {
      this.widen(at, `${value} may be any ${typeof value}`)
      return typeof value === "number" ? T.number : T.boolean
    }
    return this.unreadable(at, "a value that is neither text, number, boolean nor null")
  }

  array(s: Node, at: string, refs: readonly string[]): Type {
    const tuple = Array.isArray(s["prefixItems"])
      ? s["prefixItems"]
      : Array.isArray(s["items"])
        ? s["items"]
        : undefined
    if (tuple === undefined) {
      const of = this.type(s["items"], `${at}/items`, refs)
      return s[OWN] === "stream" ? T.stream(of) : T.list(of)
    }
    if (Array.isArray(s["items"])) this.widen(`${at}/items`, "places of a tuple are left to the tool")
    const rest = Array.isArray(s["items"]) ? s["additionalItems"] : s["items"]
    const sides = tuple.map((item, i) => this.type(item, `${at}/prefixItems/${i}`, refs))
    return T.list(unionOf([...sides, ...(rest === false ? [] : [this.type(rest, `${at}/items`, refs)])]))
  }

  object(s: Node, at: string, refs: readonly string[]): Type {
    const tensor = tensorOf(s)
    if (tensor !== undefined) return tensor
    const properties = isRecord(s["properties"]) ? s["properties"] : {}
    const required = listOf(s["required"]).filter((n) => typeof n === "string")
    const rest = s["additionalProperties"]
    const names = [...new Set([...Object.keys(properties), ...required])]
    if (names.length === 0)
      return rest === false || ("properties" in s && !isRecord(rest))
        ? T.record({})
        : T.map(this.type(rest, `${at}/additionalProperties`, refs))
    if (isRecord(rest) || rest === true) this.widen(`${at}/additionalProperties`, "other fields are not looked at")
    return T.record(
      Object.fromEntries(
        names.map((name) => {
          const own = Object.hasOwn(properties, name) ? properties[name] : undefined
          const type = this.type(own, `${at}/properties/${pointer(name)}`, refs)
          const standIn = isRecord(own) && "default" in own ? (own["default"] as Value) : undefined
          return [name, fieldOf(type, !required.includes(name), standIn)]
        }),
      ),
    )
  }
}

/** Marks what JSON writes in another kind of value: int64 as digits, bytes and tensors as base64, a stream as a list. */
const OWN = "x-shadowgraph"
const fieldOf = (type: Type, optional: boolean, standIn: Value | undefined): Field => {
  if (!optional) return { type }
  return standIn === undefined ? { type, optional: true } : { type, default: standIn }
}
const listOf = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : [])
const hasAlternatives = (s: Node): boolean => "anyOf" in s || "oneOf" in s || "allOf" in s
const pointer = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1")

/** Can no value be of two of the types? Kinds differ, or records differ in the words of a field that both require. */
function apart(types: readonly Type[]): boolean {
  const flat = types.map((t) => (t.kind === "union" ? t.of : [t]))
  return flat.every((a, i) => flat.slice(i + 1).every((b) => a.every((x) => b.every((y) => twoApart(x, y)))))
}
function twoApart(a: Type, b: Type): boolean {
  if (a.kind === "unknown" || b.kind === "unknown") return false
  if (a.kind === "enum" && b.kind === "enum") return !a.values.some((v) => b.values.includes(v))
  if (a.kind === "record" && b.kind === "record") {
    return Object.entries(a.fields).some(([name, f]) => {
      const other = Object.hasOwn(b.fields, name) ? b.fields[name]! : undefined
      return other !== undefined && !f.optional && !other.optional && twoApart(f.type, other.type)
    })
  }
  const text = (t: Type) => (t.kind === "enum" ? "string" : t.kind === "map" ? "record" : t.kind)
  return text(a) !== text(b)
}

/** A JSON pointer or anchor inside the document. */
function resolve(root: unknown, ref: string): unknown {
  if (ref === "#") return root
  if (!ref.startsWith("#/")) return undefined
  let at: unknown = root
  for (const raw of ref.slice(2).split("/")) {
    const key = decodeURIComponent(raw).replaceAll("~1", "/").replaceAll("~0", "~")
    if (Array.isArray(at)) at = at[Number(key)]
    else if (isRecord(at) && Object.hasOwn(at, key)) at = at[key]
    else return undefined
  }
  return at
}

const isNever = (s: Node): boolean => isRecord(s["not"]) && Object.keys(s["not"]).length === 0

const tensorOf = (s: Node): Type | undefined => {
  const x = s[OWN]
  if (!isRecord(x) || typeof x["tensor"] !== "string" || !KNOWN_DTYPES.has(x["tensor"])) return undefined
  return T.tensor(x["tensor"] as DType, Array.isArray(x["shape"]) ? (x["shape"] as (number | null)[]) : null)
}
