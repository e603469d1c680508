/**
 * A JSON Schema without its prose: what a lock pins of a tool is what its schema allows, and a server may polish its
 * descriptions without breaking anybody. Knows which keywords hold schemas, so that a property called "title" stays.
 * Source: json-schema.org/draft/2020-12, the vocabularies "applicator" and "meta-data".
 */
import { DEPTH_MAX, fail, isRecord, type Value } from "../graph/mod.ts"

/** Keywords for people; they allow and forbid nothing. */
const PROSE: ReadonlySet<string> = new Set(["title", "description", "$comment", "examples", "deprecated"])
/** Keywords whose value is a mapping from names to schemas. */
const NAMED: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "dependentSchemas",
  "$defs",
  "definitions",
])
/** Keywords whose value is data and no schema, whatever it looks like. */
const DATA: ReadonlySet<string> = new Set(["const", "enum", "default", "required"])

/** The schema as it counts. Fails with `BadAnswer` for one nested deeper than a value may be. */
export function schemaMeaning(schema: Value, depth = 0): Value {
  if (depth > DEPTH_MAX) throw fail("BadAnswer", `Cannot read a schema nested deeper than ${DEPTH_MAX} levels`)
  if (Array.isArray(schema)) return schema.map((s: Value) => schemaMeaning(s, depth + 1))
  if (!isRecord(schema)) return schema
  const kept: [string, Value][] = []
  for (const [key, value] of Object.entries(schema)) {
    if (PROSE.has(key)) continue
    if (DATA.has(key)) kept.push([key, value])
    else if (NAMED.has(key) && isRecord(value)) {
      const inner = Object.entries(value).map(([name, s]) => [name, schemaMeaning(s, depth + 2)] as const)
      kept.push([key, Object.fromEntries(inner)])
    } else kept.push([key, schemaMeaning(value, depth + 1)])
  }
  return Object.fromEntries(kept)
}
