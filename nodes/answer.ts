/**
 * Answers of a model as values: the JSON Schema that a declared output type asks for, and the reading of what came back.
 * A model may still answer anything, so the type is looked at again; what does not fit is told in words that the model
 * itself can act on.
 */
import {
  type Accept,
  accept,
  Failure,
  type JsonSchema,
  readJson,
  T,
  type Type,
  toJsonSchema,
  type Value,
} from "../graph/mod.ts"

/** What is asked of the model. `wrapped`: the schema's root must be an object, so another value comes as `{ value }`. */
export interface Shape {
  readonly accept: Accept
  readonly wrapped: boolean
  readonly schema: JsonSchema
  /** May the server be asked to hold the model to the schema? Its strict form knows no optional fields and no maps. */
  readonly strict: boolean
}

/** The shape of an output type; `undefined` where plain text is wanted. */
export function shapeOf(type: Type): Shape | undefined {
  if (type.kind === "string" || type.kind === "unknown") return undefined
  const wrapped = type.kind !== "record"
  const root = wrapped ? T.record({ value: type }) : type
  const loose = { found: false }
  const schema = forModels(toJsonSchema(root, "taken"), loose)
  return { accept: accept(root), wrapped, schema, strict: !loose.found }
}

/** What JSON cannot carry to a model and back, by name; `undefined` where the type is all JSON. */
export function beyondJson(type: Type): string | undefined {
  switch (type.kind) {
    case "bytes":
    case "tensor":
    case "stream":
    case "never":
      return type.kind
    case "list":
    case "map":
      return beyondJson(type.of)
    case "union":
      return first(type.of)
    case "record":
      return first(Object.values(type.fields).map((f) => f.type))
    default:
      return undefined
  }
}
function first(types: readonly Type[]): string | undefined {
  for (const t of types) {
    const found = beyondJson(t)
    if (found !== undefined) return found
  }
  return undefined
}

/** The schema as model servers take it: whole numbers as integers, nothing of our own, objects closed. */
export function forModels(schema: JsonSchema, loose: { found: boolean } = { found: false }): JsonSchema {
  const out: { [keyword: string]: unknown } = {}
  for (const [key, v] of Object.entries(schema)) {
    if (key.startsWith("x-") || key === "default") continue
    if (key === "properties") {
      out[key] = Object.fromEntries(
        Object.entries(v as { [name: string]: JsonSchema }).map(([name, s]) => [name, forModels(s, loose)]),
      )
    } else if (key === "items" || key === "additionalProperties" || key === "not") {
      out[key] = typeof v === "object" && v !== null ? forModels(v as JsonSchema, loose) : v
    } else if (key === "anyOf") out[key] = (v as readonly JsonSchema[]).map((s) => forModels(s, loose))
    else out[key] = v
  }
  if (isInt64(schema)) return { type: "integer" }
  if (Object.keys(out).length === 0) loose.found = true
  if (out["type"] === "object") {
    const names = Object.keys((out["properties"] as object | undefined) ?? {})
    const required = (out["required"] as readonly string[] | undefined) ?? []
    if (out["additionalProperties"] !== undefined || required.length < names.length) loose.found = true
    if (out["additionalProperties"] === undefined) out["additionalProperties"] = false
  }
  return out
}

const isInt64 = (s: JsonSchema): boolean =>
  s["type"] === "string" && Object.entries(s).some(([k, v]) => k.startsWith("x-") && v === "int64")

/** The value of an answer, or what is wrong with it. Some models put JSON into a fenced block; the fence is taken off. */
export function readAnswer(shape: Shape, text: string): { readonly value: Value } | { readonly wrong: string } {
  const bare = /^\s*```[a-z]*\s*\n([\s\S]*?)\n\s*```\s*$/i.exec(text)?.[1] ?? text
  try {
    const value = shape.accept(readJson(bare))
    return { value: shape.wrapped ? (value as { readonly value: Value }).value : value }
  } catch (cause) {
    if (cause instanceof Failure) return { wrong: cause.message }
    throw cause
  }
}
