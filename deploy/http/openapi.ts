/**
 * The interface as an OpenAPI document, made from the types of the graphs' ports: what a client generator, a test and a page
 * for people read. Source: spec.openapis.org/oas/v3.1.1.
 */
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
import { givenSchema, takenSchema } from "./port_schema.ts"

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
    schemas[`${name}.input`] = givenSchema(graph.input)
    schemas[`${name}.output`] = takenSchema(graph.output)
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
  const optional = ((givenSchema(graph.input)["required"] as readonly string[] | undefined) ?? []).length === 0
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
