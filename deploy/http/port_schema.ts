/**
 * The ports of a graph as JSON Schema of what crosses the wire, as this interface reads and writes it: the same in its OpenAPI
 * document and where a graph is described.
 */
import { type JsonSchema, type Type, toJsonSchema } from "../../graph/mod.ts"

type Schema = { readonly [keyword: string]: unknown }

/** Of what a caller sends: fields with a default may be left out, and fields that the graph does not name are refused. */
export const givenSchema = (type: Type): Schema => asServed(toJsonSchema(type, "given"), true)
/** Of what comes back. */
export const takenSchema = (type: Type): Schema => asServed(toJsonSchema(type, "taken"), false)

/** As a schema of the JSON that goes over the wire: an int64 is a number while that is exact; unknown fields of an input are refused. */
function asServed(schema: JsonSchema, closed: boolean): Schema {
  const { "x-shadowgraph": own, properties, items, additionalProperties, anyOf, ...rest } = schema
  if (own === "int64")
    return { type: ["integer", "string"], pattern: rest["pattern"], format: "int64", ...byDefault(rest) }
  const of = (x: unknown): Schema => asServed(x as JsonSchema, closed)
  return {
    ...rest,
    ...(own === undefined ? {} : { "x-shadowgraph": own }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties as Schema).map(([name, s]) => [name, of(s)])) }),
    ...(items === undefined ? {} : { items: of(items) }),
    ...(anyOf === undefined ? {} : { anyOf: (anyOf as readonly unknown[]).map(of) }),
    ...(typeof additionalProperties === "object" && additionalProperties !== null
      ? { additionalProperties: of(additionalProperties) }
      : closed && properties !== undefined
        ? { additionalProperties: false }
        : {}),
  }
}
const byDefault = (rest: Schema): Schema => (Object.hasOwn(rest, "default") ? { default: rest["default"] } : {})
