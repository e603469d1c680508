/**
 * Secret parts of a function's schemas, as valibot metadata says: `v.pipe(v.string(), v.metadata({ secret: true }))`. A
 * port's type has no word for it, so they stand beside it in the signature, as ways (`secrets.ts`).
 */
import type { SecretWay } from "../secrets.ts"

interface Schema {
  readonly type?: unknown
  readonly pipe?: readonly { readonly kind?: unknown; readonly type?: unknown; readonly metadata?: unknown }[]
  readonly [key: string]: unknown
}

const LEVELS_MAX = 32

/** Ways to the secret parts of a schema, or of the schemas of a record's fields. Schemas of other libraries say nothing. */
export function secretParts(given: unknown): readonly SecretWay[] {
  const found = new Map<string, SecretWay>()
  const visit = (x: unknown, way: SecretWay): void => {
    if (typeof x !== "object" || x === null || way.length > LEVELS_MAX) return
    const s = x as Schema
    if (s.pipe?.some(isSecret)) {
      found.set(way.join("\0"), way)
      return
    }
    visit(s["wrapped"], way)
    visit(s["item"], [...way, "*"])
    if (s.type === "record") visit(s["value"], [...way, "*"])
    visit(s["rest"], [...way, "*"])
    for (const item of listOf(s["items"])) visit(item, [...way, "*"])
    if (s.type === "union" || s.type === "variant" || s.type === "intersect")
      for (const side of listOf(s["options"])) visit(side, way)
    for (const step of s.pipe?.slice(1) ?? []) if (step.kind === "schema") visit(step, way)
    const entries = s["entries"]
    if (typeof entries === "object" && entries !== null && s.type !== "enum")
      for (const [name, entry] of Object.entries(entries)) visit(entry, [...way, name])
  }
  if (typeof given === "object" && given !== null && "~standard" in given) visit(given, [])
  else for (const [name, schema] of Object.entries(given ?? {})) visit(schema, [name])
  return [...found.values()]
}

const listOf = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : [])

const isSecret = ({ type, metadata }: NonNullable<Schema["pipe"]>[number]): boolean =>
  type === "metadata" && (metadata as { readonly secret?: unknown } | undefined)?.secret === true
