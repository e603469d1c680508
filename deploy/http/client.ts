/**
 * A typed client in TypeScript, made from the OpenAPI document of a server: one file without dependencies, for whatever has
 * `fetch`. The types are those of the graphs' ports; the rest is the same for every server and stands in `client_text.ts`.
 */
import { CLIENT_TEXT } from "./client_text.ts"

type Json = { readonly [key: string]: unknown }

/** The text of the client. What is no graph's (hooks, other servers' paths) is left out. */
export function clientOf(document: Json): string {
  const { schemas = {} } = (document["components"] ?? {}) as { readonly schemas?: { readonly [name: string]: Json } }
  const paths = (document["paths"] ?? {}) as { readonly [path: string]: { readonly post?: Json } }
  const graphs = Object.entries(paths).flatMap(([path, { post }]) => {
    const name = post?.["x-shadowgraph-graph"]
    return typeof name === "string" && path.endsWith("/runs") ? [{ name, about: String(post!["summary"] ?? "") }] : []
  })
  const types = graphs.flatMap(({ name }) => [
    `export type ${typeName(name)}Input = ${typeOf(schemas[`${name}.input`] ?? {}, schemas)}`,
    `export type ${typeName(name)}Output = ${typeOf(schemas[`${name}.output`] ?? {}, schemas)}`,
  ])
  const entries = graphs.map(
    ({ name, about }) =>
      `  /** ${comment(about)} */\n  readonly ${key(name)}: { readonly input: ${typeName(name)}Input; readonly output: ${typeName(name)}Output }`,
  )
  return [HEAD, ...types, `export interface Graphs {\n${entries.join("\n")}\n}`, CLIENT_TEXT].join("\n\n")
}

const HEAD = `// Made by \`shadowgraph client\` from the graphs that a server serves. Change the graphs, and make it anew.`

const typeName = (graph: string): string =>
  graph
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("")

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))
/** Nothing that a graph says of itself ends a comment. */
const comment = (text: string): string => text.replaceAll("*/", "* /").replace(/\s+/g, " ")

/** Deeper than any type that a graph can have. */
const DEPTH_MAX = 64

/** A schema as a TypeScript type; what it cannot say is `unknown`. */
function typeOf(schema: Json, schemas: { readonly [name: string]: Json }, depth = 0): string {
  if (depth > DEPTH_MAX) return "unknown"
  const of = (x: unknown): string => typeOf((x ?? {}) as Json, schemas, depth + 1)
  const { $ref, type, anyOf, not } = schema
  if (typeof $ref === "string") return of(schemas[$ref.slice($ref.lastIndexOf("/") + 1)])
  if (Object.hasOwn(schema, "const")) return JSON.stringify(schema["const"])
  if (Array.isArray(schema["enum"])) return either(schema["enum"].map((x) => JSON.stringify(x)))
  if (Array.isArray(anyOf)) return either(anyOf.map(of))
  if (not !== undefined) return "never"
  if (Array.isArray(type)) return either(type.map((t) => of({ ...schema, type: t })))
  switch (type) {
    case "null":
    case "boolean":
    case "string":
      return type
    case "number":
    case "integer":
      return "number"
    case "array":
      return `ReadonlyArray<${of(schema["items"])}>`
    case "object":
      return objectType(schema, of)
    default:
      return "unknown"
  }
}

function objectType(schema: Json, of: (x: unknown) => string): string {
  const properties = Object.entries((schema["properties"] ?? {}) as Json)
  const rest = schema["additionalProperties"]
  if (properties.length === 0)
    return typeof rest === "object" && rest !== null
      ? `{ readonly [key: string]: ${of(rest)} }`
      : rest === false
        ? "{ readonly [key: string]: never }"
        : "{ readonly [key: string]: unknown }"
  const required = new Set((schema["required"] ?? []) as readonly string[])
  const fields = properties.map(([name, s]) => `readonly ${key(name)}${required.has(name) ? "" : "?"}: ${of(s)}`)
  return `{ ${fields.join("; ")} }`
}

const either = (types: readonly string[]): string => {
  const each = [...new Set(types)]
  return each.length === 0 ? "never" : each.length === 1 ? each[0]! : `(${each.join(" | ")})`
}
