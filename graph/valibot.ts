/**
 * Schemas as types of ports. Valibot's schemas are walked, so that ports know what is inside; any other Standard Schema
 * gives what its JSON Schema says, or `unknown`. What a type cannot say (a length, a pattern, a check) stays a
 * validator that runs where the value crosses the boundary. Transforms are refused: a port carries the value it was given.
 */
import { refuse } from "./build/failure.ts"
import { plainValue } from "./build/port.ts"
import { fail } from "./failure.ts"
import { fromJsonSchema } from "./jsonschema.ts"
import { type Field, printType, sameType, subtype, T, type Type, unionOf } from "./type.ts"
import { isRecord, sameValue, Tensor, type Value } from "./value.ts"

/** Gives the value with defaults put in, or throws a `Failure` with the code `Mismatch`. */
export type Validate = (value: unknown) => unknown

export interface Imported {
  readonly type: Type
  /** The type as a field of a record: may be absent, has a default. */
  readonly field: Field
  /** There where the schema asks for more than the type says. */
  readonly validate?: Validate
  /** The schema's own validator, defaults put in; for code that gets values straight from elsewhere. */
  readonly complete: Validate
}

/** A schema as the builder knows it; the types stand in `build/types.ts`. */
interface AnySchema {
  readonly "~standard": {
    readonly vendor: string
    // biome-ignore lint/suspicious/noExplicitAny: the results of foreign libraries
    readonly validate: (value: unknown, ...rest: any[]) => any
    readonly jsonSchema?: { readonly input?: (o: object) => unknown; readonly output?: (o: object) => unknown }
  }
}

/** The vendor of schemas that name a type directly (`build/typed.ts`). */
export const OWN_VENDOR = "shadowgraph"

/**
 * The type of a schema. `what` names it in messages: `input "weight"`. Throws a `BuildError` (reason `schema`) for a
 * transform, an asynchronous schema, or a schema whose values no port can carry.
 */
export function fromSchema(schema: AnySchema, what = "schema"): Imported {
  const standard = schema["~standard"]
  if (standard.vendor === OWN_VENDOR) {
    const type = (schema as unknown as { readonly type: Type }).type
    return { type, field: { type }, complete: (value) => value }
  }
  const complete = validatorOf(schema, what)
  if (standard.vendor === "valibot") {
    const walk = new Walk()
    const field = walk.field(schema as unknown as Valibot, what)
    return { type: field.type, field, complete, ...(walk.open ? { validate: complete } : {}) }
  }
  const type = described(standard.jsonSchema) ?? T.unknown
  return { type, field: { type }, complete, validate: complete }
}

/** The one type of a record of schemas, and a validator over all of them. */
export function fromFields(
  fields: { readonly [name: string]: AnySchema },
  what: string,
): Imported & { readonly type: Extract<Type, { kind: "record" }> } {
  const imported = Object.entries(fields).map(([name, s]) => [name, fromSchema(s, `${what} "${name}"`)] as const)
  const type = T.record(Object.fromEntries(imported.map(([name, i]) => [name, i.field])))
  const complete = each(imported, what)
  const open = imported.filter(([, i]) => i.validate !== undefined)
  return { type, field: { type }, complete, ...(open.length === 0 ? {} : { validate: each(open, what) }) }
}

/** Validates the named fields of a record, and leaves the others as they are. */
function each(fields: readonly (readonly [name: string, of: Imported])[], what: string): Validate {
  return (value) => {
    if (!isRecord(value)) throw mismatch(what, "a record is wanted", value)
    const out: Record<string, unknown> = { ...value }
    for (const [name, i] of fields) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined
      if (given === undefined && i.field.optional && i.field.default === undefined) continue
      out[name] = i.complete(given)
    }
    return out
  }
}

const mismatch = (what: string, problem: string, found: unknown) =>
  fail("Mismatch", `Cannot take ${what}: ${problem}, found ${preview(found)}`, { data: { what, problem } })

function preview(value: unknown): string {
  if (value === undefined) return "nothing"
  try {
    const text = JSON.stringify(value, (_k, v) => (typeof v === "bigint" ? `${v}` : v)) ?? typeof value
    return text.length > 60 ? `${text.slice(0, 57)}…` : text
  } catch {
    return typeof value
  }
}

function validatorOf(schema: AnySchema, what: string): Validate {
  const { validate } = schema["~standard"]
  return (value) => {
    const result = validate(value)
    if (result instanceof Promise) {
      // The promise's own outcome does not matter any more, but must not count as unhandled.
      result.catch(() => undefined)
      return refuse("schema", `Cannot take ${what}: its schema validates asynchronously; a port is validated at once`)
    }
    if (result.issues === undefined) return result.value
    const issue = result.issues[0] as { message: string; path?: readonly (PropertyKey | { key: PropertyKey })[] }
    const path = (issue.path ?? []).map((p) => String(typeof p === "object" ? p.key : p)).join(".")
    throw mismatch(path === "" ? what : `${what}, at ${path}`, `its schema says "${issue.message}"`, at(value, path))
  }
}
const at = (value: unknown, path: string): unknown =>
  path === ""
    ? value
    : path
        .split(".")
        .reduce<unknown>(
          (v, k) => (typeof v === "object" && v !== null ? (v as Record<string, unknown>)[k] : undefined),
          value,
        )

/** What a foreign library's own JSON Schema says, where input and output are the same type. */
function described(jsonSchema: AnySchema["~standard"]["jsonSchema"]): Type | undefined {
  if (jsonSchema?.input === undefined || jsonSchema.output === undefined) return undefined
  try {
    const target = { target: "draft-2020-12" }
    const input = fromJsonSchema(jsonSchema.input(target)).type
    const output = fromJsonSchema(jsonSchema.output(target)).type
    return sameType(input, output) ? output : undefined
  } catch {
    // Libraries throw for what JSON Schema cannot say; then only the validator knows.
    return undefined
  }
}

/** The part of a valibot schema that is read here. */
interface Valibot {
  readonly kind: string
  readonly type: string
  readonly async: boolean
  readonly pipe?: readonly { readonly kind: string; readonly type: string }[]
  readonly fallback?: unknown
  readonly [key: string]: unknown
}

/** Transformations that give back the value they were given. */
const HARMLESS = new Set(["brand", "flavor", "readonly"])
/** Schemas whose values are no values of a graph, and what to use instead. */
const NO_VALUE: { readonly [type: string]: string } = {
  date: "text (v.pipe(v.string(), v.isoTimestamp())) or a number of milliseconds",
  map: "v.record(v.string(), …)",
  set: "v.array(…)",
  blob: "v.instance(Uint8Array)",
  file: "v.instance(Uint8Array)",
  function: "a tool",
  promise: "the value itself",
  symbol: "text",
  void: "v.null()",
  undefined: "v.null(), or v.optional(…) for a field",
}

class Walk {
  /** Does the schema ask for more than the type says? */
  open = false

  /** A schema as a field: `optional` and its relatives say that it may be absent, or what stands in for it. */
  field(s: Valibot, what: string): Field {
    if (!MAY_BE_ABSENT.has(s.type)) return { type: this.type(s, what) }
    const inner = this.type(s["wrapped"] as Valibot, what)
    const type = this.narrowed(s, s.type === "nullish" ? unionOf([inner, T.null]) : inner, what)
    if (s["default"] === undefined) return { type, optional: true }
    if (s.type === "nullish")
      return refuse(
        "schema",
        `Cannot use ${what}: a default that replaces null changes the value. Write v.optional(…, default), or v.nullish(…) without one`,
      )
    return { type, default: this.default(s, what) }
  }

  default(s: Valibot, what: string): Value {
    const given = s["default"]
    const value = typeof given === "function" ? given() : given
    const plain = plainValue(value, `the default of ${what}`)
    if (typeof given === "function" && !sameValue(plain, plainValue(given(), `the default of ${what}`)))
      return refuse("schema", `Cannot use ${what}: its default differs from call to call; a default is one value`)
    return plain
  }

  type(s: Valibot, what: string): Type {
    if (MAY_BE_ABSENT.has(s.type))
      return refuse(
        "schema",
        `Cannot use ${what}: v.${camel(s.type)} says that a value may be absent, which only a field of a record may be. Use v.nullable(…)`,
      )
    return this.narrowed(s, this.base(s, what), what)
  }

  /** The type after a schema's pipe. Refuses what changes values or answers late; notes what only a validator can check. */
  narrowed(s: Valibot, type: Type, what: string): Type {
    if (s.async) refuse("schema", `Cannot use ${what}: its schema is asynchronous; a port is validated at once`)
    if ("fallback" in s)
      refuse("schema", `Cannot use ${what}: v.fallback changes the value; a port carries the value it was given`)
    let narrow = type
    for (const step of s.pipe?.slice(1) ?? []) {
      if (step.kind === "metadata" || HARMLESS.has(step.type)) continue
      this.open = true
      if (step.kind === "transformation")
        return refuse(
          "schema",
          `Cannot use ${what}: v.${camel(step.type)} changes the value; a port carries the value it was given. Do it in an expression or a tool`,
        )
      if (step.kind !== "schema") continue
      const next = this.type(step as unknown as Valibot, what)
      if (subtype(next, narrow) === "yes") narrow = next
    }
    return narrow
  }

  base(s: Valibot, what: string): Type {
    const simple = SIMPLE[s.type]
    if (simple !== undefined) return simple
    switch (s.type) {
      case "nullable":
        if (s["default"] !== undefined)
          return refuse(
            "schema",
            `Cannot use ${what}: a default that replaces null changes the value. Leave the default out`,
          )
        return unionOf([this.type(s["wrapped"] as Valibot, what), T.null])
      case "non_optional":
        return this.field(s["wrapped"] as Valibot, what).type
      case "non_nullable":
      case "non_nullish":
        return unionOf(members(this.field(s["wrapped"] as Valibot, what).type).filter((t) => t.kind !== "null"))
      case "array":
        return T.list(this.type(s["item"] as Valibot, `${what}, its items`))
      case "tuple":
      case "strict_tuple":
      case "loose_tuple":
      case "tuple_with_rest":
        return this.tuple(s, what)
      case "object":
      case "strict_object":
      case "loose_object":
      case "object_with_rest":
        return this.object(s, what)
      case "record":
        this.keys(s["key"] as Valibot, what)
        return T.map(this.type(s["value"] as Valibot, `${what}, its values`))
      case "picklist":
      case "enum":
        return this.words(s["options"] as readonly unknown[], what)
      case "literal":
        return this.words([s["literal"]], what)
      case "union":
      case "variant":
        return unionOf((s["options"] as readonly Valibot[]).map((o) => this.type(o, what)))
      case "intersect":
        return this.intersect(s["options"] as readonly Valibot[], what)
      case "instance":
        if (s["class"] === Uint8Array) return T.bytes
        if (s["class"] === Tensor)
          return refuse(
            "schema",
            `Cannot use ${what}: v.instance(Tensor) leaves its elements open. Write tensor("f32", [2, 3])`,
          )
        return refuse(
          "schema",
          `Cannot use ${what}: instances of ${(s["class"] as { name?: string }).name ?? "a class"} are no values of a graph`,
        )
      case "lazy":
      case "custom":
      case "nan":
      case "guard":
        this.open = true
        return s.type === "nan" ? T.number : T.unknown
      default: {
        const instead = NO_VALUE[s.type]
        if (instead !== undefined)
          return refuse("schema", `Cannot use ${what}: v.${s.type} describes no value of a graph. Use ${instead}`)
        // A schema kind of a later valibot: its validator still holds.
        this.open = true
        return T.unknown
      }
    }
  }

  object(s: Valibot, what: string): Type {
    const entries = s["entries"] as { readonly [name: string]: Valibot }
    if (s.type === "strict_object" || s.type === "object_with_rest") this.open = true
    return T.record(
      Object.fromEntries(Object.entries(entries).map(([name, e]) => [name, this.field(e, `${what}, field "${name}"`)])),
    )
  }

  /** A tuple is a list of whatever its places hold; how many there are, and which where, is left to the validator. */
  tuple(s: Valibot, what: string): Type {
    this.open = true
    const items = (s["items"] as readonly Valibot[]).map((item, i) => this.type(item, `${what}, item ${i}`))
    if (s.type === "loose_tuple") return T.list(T.unknown)
    if (s.type === "tuple_with_rest") items.push(this.type(s["rest"] as Valibot, `${what}, its rest`))
    return T.list(unionOf(items))
  }

  keys(key: Valibot, what: string): void {
    const type = this.type(key, `${what}, its keys`)
    if (type.kind === "enum") this.open = true
    else if (type.kind !== "string")
      refuse("schema", `Cannot use ${what}: keys of a map are text, found ${printType(type)}`)
  }

  words(values: readonly unknown[], what: string): Type {
    return unionOf(
      values.map((v) => {
        if (typeof v === "string") return T.enum(v)
        if (v === null) return T.null
        this.open = true
        if (typeof v === "number") return T.number
        if (typeof v === "boolean") return T.boolean
        if (typeof v === "bigint") return T.int64
        return refuse("schema", `Cannot use ${what}: ${String(v)} is no value of a graph`)
      }),
    )
  }

  intersect(options: readonly Valibot[], what: string): Type {
    this.open = true
    const types = options.map((o) => this.type(o, what))
    if (!types.every((t) => t.kind === "record")) return types.length === 1 ? types[0]! : T.unknown
    const fields: Record<string, Field> = {}
    for (const t of types) {
      for (const [name, f] of Object.entries(t.fields)) {
        const other = Object.hasOwn(fields, name) ? fields[name] : undefined
        fields[name] = other === undefined || sameType(other.type, f.type) ? f : { ...f, type: T.unknown }
      }
    }
    return T.record(fields)
  }
}

const MAY_BE_ABSENT = new Set(["optional", "exact_optional", "undefinedable", "nullish"])
const SIMPLE: { readonly [type: string]: Type | undefined } = {
  string: T.string,
  number: T.number,
  boolean: T.boolean,
  bigint: T.int64,
  null: T.null,
  unknown: T.unknown,
  any: T.unknown,
  never: T.never,
}
const members = (t: Type): readonly Type[] => (t.kind === "union" ? t.of : [t])
const camel = (type: string): string => type.replace(/_([a-z])/g, (_m, c: string) => c.toUpperCase())
