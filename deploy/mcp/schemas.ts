/**
 * The schemas of a tool, from the types of its graph's ports. They are JSON Schema 2020-12 and say what crosses the wire:
 * a record type that occurs twice is written once, since a client puts all schemas before its model, which reads every word.
 */
import { jsonOf, type Type, toJsonSchema, type Value } from "../../graph/mod.ts"

export type Schema = { readonly [keyword: string]: unknown }

const DIALECT = "https://json-schema.org/draft/2020-12/schema"

/** Of what a tool takes. A field that the graph does not know is refused, and the schema says so. */
export const inputSchema = (type: Type): Schema => ({
  $schema: DIALECT,
  ...shared(wide(plain(toJsonSchema(type, "given")))),
  additionalProperties: false,
})

/** Of what it gives. */
export const outputSchema = (type: Type): Schema => ({
  $schema: DIALECT,
  ...shared(wide(plain(toJsonSchema(type, "taken")))),
})

const isSchema = (x: unknown): x is Schema => typeof x === "object" && x !== null && !Array.isArray(x)

function mapped(value: unknown, by: (schema: Schema) => Schema): unknown {
  if (Array.isArray(value)) return value.map((x) => mapped(x, by))
  if (!isSchema(value)) return value
  return by(Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k === "default" ? v : mapped(v, by)])))
}

/** Defaults as JSON has them. */
const plain = (schema: Schema): Schema =>
  mapped(schema, (s) => (Object.hasOwn(s, "default") ? { ...s, default: jsonOf(s["default"] as Value) } : s)) as Schema

/** An int64 is a number where a JSON number holds it, else its digits, on its way in as on its way out. */
const wide = (schema: Schema): Schema =>
  mapped(schema, (s) => {
    if (s["type"] !== "string" || s["pattern"] === undefined) return s
    const { pattern, type: _, ...more } = s
    return { ...more, anyOf: [{ type: "integer" }, { type: "string", pattern }] }
  }) as Schema

/** The schema with records that occur more than once under `$defs`, each by the name of the field that has it first. */
function shared(schema: Schema): Schema {
  const seen = new Map<string, { times: number; readonly name: string; readonly schema: Schema }>()
  const count = (s: unknown, name: string): void => {
    if (Array.isArray(s)) for (const x of s) count(x, name)
    if (!isSchema(s)) return
    if (isSchema(s["properties"]) && s !== schema) {
      const text = JSON.stringify(s)
      const known = seen.get(text)
      if (known === undefined) seen.set(text, { times: 1, name, schema: s })
      else known.times++
      // What lies inside a record that was seen before was counted with it.
      if (known !== undefined) return
    }
    for (const [key, value] of Object.entries(s)) {
      if (key === "properties") for (const [field, type] of Object.entries(value as Schema)) count(type, field)
      else if (key !== "default") count(value, name)
    }
  }
  count(schema, "value")
  const twice = [...seen].filter(([, { times }]) => times > 1)
  if (twice.length === 0) return schema
  const names = new Map<string, string>()
  for (const [text, { name }] of twice) {
    const taken = [...names.values()].filter((n) => n === name || n.startsWith(`${name}_`)).length
    names.set(text, taken === 0 ? name : `${name}_${taken + 1}`)
  }
  const placed = (s: unknown, at: Schema): unknown => {
    if (Array.isArray(s)) return s.map((x) => placed(x, at))
    if (!isSchema(s)) return s
    const name = s === at ? undefined : names.get(JSON.stringify(s))
    if (name !== undefined) return { $ref: `#/$defs/${name}` }
    return Object.fromEntries(Object.entries(s).map(([k, v]) => [k, k === "default" ? v : placed(v, at)]))
  }
  const $defs = Object.fromEntries(twice.map(([text, { schema: s }]) => [names.get(text)!, placed(s, s)]))
  return { ...(placed(schema, schema) as Schema), $defs }
}
