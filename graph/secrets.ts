/**
 * Which parts of a tool's arguments and answers are secret, as its JSON Schema annotates them: `writeOnly: true`,
 * `format: password`, `x-secret: true`. Whoever keeps a copy of a call leaves these parts out of it.
 * Source: json-schema.org/draft/2020-12, "writeOnly"; OpenAPI 3.1, the format "password".
 */
import { isRecord, type Value } from "./value.ts"

/** A way into a value: field names, `*` for every item of a list and every key of a map. The empty way is all of it. */
export type SecretWay = readonly string[]

/** Levels that a schema is followed, and ways that are told apart; beyond either the whole of that part is secret. */
const LEVELS_MAX = 32
const WAYS_MAX = 1_000
const SCHEMAS = ["allOf", "anyOf", "oneOf"] as const
const BRANCHES = ["then", "else", "not", "if"] as const

/** The secret parts of values of a schema, each once, in the order of the schema. `$ref` is followed inside the document. */
export function secretWays(schema: unknown): readonly SecretWay[] {
  const found = new Map<string, SecretWay>()
  const cycles: SecretWay[] = []
  const visit = (s: unknown, way: SecretWay, refs: readonly string[]): void => {
    if (!isRecord(s)) return
    if (way.length > LEVELS_MAX || found.size >= WAYS_MAX || isSecret(s)) {
      found.set(JSON.stringify(way), way)
      return
    }
    const ref = s["$ref"]
    if (typeof ref === "string") {
      if (refs.includes(ref)) cycles.push(way)
      else visit(pointed(schema, ref), way, [...refs, ref])
    }
    for (const key of SCHEMAS) for (const part of listOf(s[key])) visit(part, way, refs)
    for (const key of BRANCHES) visit(s[key], way, refs)
    for (const [name, part] of entries(s["properties"])) visit(part, [...way, name], refs)
    for (const [, part] of entries(s["patternProperties"])) visit(part, [...way, "*"], refs)
    visit(s["additionalProperties"], [...way, "*"], refs)
    for (const part of [...listOf(s["items"]), ...listOf(s["prefixItems"])]) visit(part, [...way, "*"], refs)
    visit(s["items"], [...way, "*"], refs)
  }
  visit(schema, [], [])
  // A schema that comes back to itself has secrets at any depth: where there are some, all from there on counts as one.
  if (found.size > 0) for (const way of cycles) found.set(JSON.stringify(way), way)
  return [...found.values()]
}

const isSecret = (s: { readonly [key: string]: unknown }): boolean =>
  s["writeOnly"] === true || s["format"] === "password" || s["x-secret"] === true

const listOf = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : [])
const entries = (x: unknown): readonly (readonly [string, unknown])[] => (isRecord(x) ? Object.entries(x) : [])

function pointed(document: unknown, ref: string): unknown {
  if (!ref.startsWith("#")) return undefined
  let at: unknown = document
  for (const part of ref.slice(1).split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~")
    if (Array.isArray(at)) at = at[Number(name)]
    else if (isRecord(at) && Object.hasOwn(at, name)) at = at[name]
    else return undefined
  }
  return at
}

/** What stands for a secret in a copy. */
export const REDACTED = "[redacted]"

/** A copy of a value with the parts at the ways replaced, and with every text in `words` blotted out wherever it stands. */
export function redact(value: Value, ways: readonly SecretWay[], words: readonly string[] = []): Value {
  const hidden = words.filter((word) => word !== "").sort((a, b) => b.length - a.length)
  return ways.length === 0 && hidden.length === 0 ? value : copied(value, ways, hidden)
}

function copied(value: Value, ways: readonly SecretWay[], words: readonly string[]): Value {
  if (ways.some((way) => way.length === 0)) return REDACTED
  if (typeof value === "string") return words.reduce((text, word) => text.replaceAll(word, REDACTED), value)
  if (Array.isArray(value)) {
    const inner = below(ways, "*")
    return inner.length === 0 && words.length === 0 ? value : value.map((item: Value) => copied(item, inner, words))
  }
  if (!isRecord(value)) return value
  const out: { [name: string]: Value } = {}
  for (const [name, part] of Object.entries(value)) {
    const inner = below(ways, name)
    const key = words.reduce((text, word) => text.replaceAll(word, REDACTED), name)
    out[key] = inner.length === 0 && words.length === 0 ? part : copied(part, inner, words)
  }
  return out
}

const below = (ways: readonly SecretWay[], name: string): readonly SecretWay[] =>
  ways.flatMap((way) => (way.length > 0 && (way[0] === name || way[0] === "*") ? [way.slice(1)] : []))
