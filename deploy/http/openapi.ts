/**
 * The interface as an OpenAPI document, made from the types of the graphs' ports: what a client generator, a test and a page
 * for people read. Source: spec.openapis.org/oas/v3.1.1.
 */
import { type JsonSchema, toJsonSchema } from "../../graph/mod.ts"
import type { Served } from "./catalogue.ts"
import {
  ANSWER_SCHEMAS,
  answer,
  COMMON_PATHS,
  header,
  type Json,
  json,
  PROBLEM,
  ref,
  STREAM,
  UPLOAD_PATHS,
} from "./openapi_runs.ts"

/** What of a graph the document is made from. */
export type Described = Pick<Served, "name" | "about" | "needs" | "input" | "output">

export interface OpenApiOptions {
  readonly version: string
  /** Where the server is; left out, the document's own place says it. */
  readonly url?: string
  /** Do requests carry tokens? */
  readonly guarded: boolean
  /** May plans be brought? */
  readonly uploads?: boolean
}

export function openapiOf(
  graphs: readonly Described[],
  { version, url, guarded, uploads = false }: OpenApiOptions,
): Json {
  const paths: { [path: string]: Json } = {}
  const schemas: { [name: string]: Json } = { ...ANSWER_SCHEMAS }
  for (const graph of graphs) {
    const { name } = graph
    schemas[`${name}.input`] = given(graph)
    schemas[`${name}.output`] = asServed(toJsonSchema(graph.output, "taken"), false)
    paths[`/graphs/${name}/runs`] = { post: runOperation(graph) }
    paths[`/graphs/${name}/batch`] = { post: batchOperation(graph) }
  }
  return {
    openapi: "3.1.1",
    info: { title: "Graphs", version, description: ABOUT },
    ...(url === undefined ? {} : { servers: [{ url }] }),
    paths: { ...paths, ...COMMON_PATHS, ...(uploads ? UPLOAD_PATHS : {}) },
    components: {
      schemas,
      ...(guarded ? { securitySchemes: { token: { type: "http", scheme: "bearer" } } } : {}),
    },
    ...(guarded ? { security: [{ token: [] }] } : {}),
    tags: [
      { name: "graphs", description: "Each graph, run or run many times." },
      { name: "runs", description: "Runs by their ids." },
      { name: "server", description: "The server itself." },
    ],
  }
}

const ABOUT =
  "Every graph is run by POST. Errors are problem documents (RFC 9457). Numbers that JSON has no word for come as the texts NaN, Infinity and -Infinity; an int64 beyond 2^53 comes and goes as decimal text."

const given = (graph: Described): Json => asServed(toJsonSchema(graph.input, "given"), true)

/** As a schema of the JSON that goes over the wire: an int64 is a number while that is exact; unknown fields of an input are refused. */
function asServed(schema: JsonSchema, closed: boolean): Json {
  const { "x-shadowgraph": own, properties, items, additionalProperties, anyOf, ...rest } = schema
  if (own === "int64")
    return { type: ["integer", "string"], pattern: rest["pattern"], format: "int64", ...byDefault(rest) }
  const of = (x: unknown): Json => asServed(x as JsonSchema, closed)
  return {
    ...rest,
    ...(own === undefined ? {} : { "x-shadowgraph": own }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties as Json).map(([name, s]) => [name, of(s)])) }),
    ...(items === undefined ? {} : { items: of(items) }),
    ...(anyOf === undefined ? {} : { anyOf: (anyOf as readonly unknown[]).map(of) }),
    ...(typeof additionalProperties === "object" && additionalProperties !== null
      ? { additionalProperties: of(additionalProperties) }
      : closed && properties !== undefined
        ? { additionalProperties: false }
        : {}),
  }
}
const byDefault = (rest: Json): Json => (Object.hasOwn(rest, "default") ? { default: rest["default"] } : {})

const KEY = header(
  "Idempotency-Key",
  "The same key with the same input is the same run, also after a restart of the server.",
)
const PREFER = header(
  "Prefer",
  "`respond-async`: answer as soon as the run is on record; `wait=5`: wait so many seconds for its end.",
)
const EARLY: Json = {
  name: "early",
  in: "query",
  required: false,
  description: "`true`: a stream also tells what the run will probably come to, marked as such.",
  schema: { type: "string", enum: ["true"] },
}

/** The input may be left out where all of it has defaults. */
const body = (name: string, graph: Described): Json => {
  const optional = ((given(graph)["required"] as readonly string[] | undefined) ?? []).length === 0
  const schema = {
    type: "object",
    properties: { input: ref(`${name}.input`) },
    ...(optional ? {} : { required: ["input"] }),
    additionalProperties: false,
  }
  return { required: !optional, content: json(schema) }
}

function runOperation(graph: Described): Json {
  const { name, about, needs } = graph
  const done = {
    allOf: [ref("Ended"), { type: "object", properties: { output: ref(`${name}.output`) }, required: ["output"] }],
  }
  return {
    operationId: `run_${name}`,
    tags: ["graphs"],
    summary: about ?? `Run ${name}.`,
    description: needs.length === 0 ? "It needs no capability." : `It needs ${needs.join(", ")}.`,
    "x-shadowgraph-graph": name,
    parameters: [PREFER, KEY, EARLY],
    requestBody: body(name, graph),
    responses: {
      200: answer("The run has ended. With `Accept: text/event-stream`, its events as it goes.", done, STREAM),
      202: answer("The run goes on, or rests until somebody answers.", { anyOf: [ref("GoesOn"), ref("Parked")] }),
      default: PROBLEM,
    },
  }
}

function batchOperation({ name, about }: Described): Json {
  const inputs = { type: "array", items: ref(`${name}.input`) }
  const schema = { type: "object", properties: { inputs }, required: ["inputs"], additionalProperties: false }
  return {
    operationId: `batch_${name}`,
    tags: ["graphs"],
    summary: `${about ?? `Run ${name}.`} For many inputs, each with a result of its own.`,
    "x-shadowgraph-graph": name,
    parameters: [KEY],
    requestBody: { required: true, content: json(schema) },
    responses: { 200: answer("A result or a problem for each input, in their order.", ref("Batch")), default: PROBLEM },
  }
}
