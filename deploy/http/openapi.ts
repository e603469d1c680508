/**
 * The interface as an OpenAPI document, made from the types of the graphs' ports: what a client generator, a test and a page
 * for people read. Source: spec.openapis.org/oas/v3.1.1.
 */
import { type JsonSchema, toJsonSchema } from "../../graph/mod.ts"
import type { Served } from "./catalogue.ts"
import { PROBLEMS } from "./problems.ts"

/** What of a graph the document is made from. */
export type Described = Pick<Served, "name" | "about" | "needs" | "input" | "output">

export interface OpenApiOptions {
  readonly version: string
  /** Where the server is; left out, the document's own place says it. */
  readonly url?: string
  /** Do requests carry tokens? */
  readonly guarded: boolean
}

type Json = { readonly [key: string]: unknown }

export function openapiOf(graphs: readonly Described[], { version, url, guarded }: OpenApiOptions): Json {
  const paths: { [path: string]: Json } = {}
  const schemas: { [name: string]: Json } = { ...SCHEMAS }
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
    paths: { ...paths, ...COMMON },
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

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
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

const json = (schema: Json): Json => ({ "application/json": { schema } })
const answer = (description: string, schema: Json, more: Json = {}): Json => ({
  description,
  content: { ...json(schema), ...more },
})
const PROBLEM: Json = {
  description: "A problem document; `type` says which of the kinds.",
  content: { "application/problem+json": { schema: ref("Problem") } },
}
const STREAM: Json = { "text/event-stream": { schema: { type: "string" } } }

const header = (name: string, description: string): Json => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" },
})
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

// ---- what there is whatever the graphs are

const TEXT = { type: "string" }
const WHOLE = { type: "integer" }
const object = (properties: Json, required: readonly string[] = []): Json => ({
  type: "object",
  properties,
  ...(required.length === 0 ? {} : { required }),
})
const listOf = (items: Json): Json => ({ type: "array", items })

const LEDGER = object({ position: WHOLE, head: TEXT }, ["position", "head"])
const SCHEMAS: { readonly [name: string]: Json } = {
  Problem: object(
    {
      type: { type: "string", enum: Object.keys(PROBLEMS).map((kind) => `/problems/${kind}`) },
      title: TEXT,
      status: WHOLE,
      detail: TEXT,
      run: TEXT,
      graph: TEXT,
      node: TEXT,
      code: TEXT,
    },
    ["type", "title", "status", "detail"],
  ),
  Ledger: LEDGER,
  Ended: object({ run: TEXT, output: {}, trace: TEXT, ledger: ref("Ledger") }, ["run", "trace", "ledger"]),
  GoesOn: object({ run: TEXT, status: { const: "running" }, url: TEXT, events: TEXT }, [
    "run",
    "status",
    "url",
    "events",
  ]),
  Wait: object({ path: TEXT, why: TEXT, until: TEXT, text: TEXT }, ["path", "why", "text"]),
  Parked: object({ run: TEXT, parked: listOf(ref("Wait")), resume: TEXT, ledger: ref("Ledger") }, [
    "run",
    "parked",
    "resume",
    "ledger",
  ]),
  Batch: object(
    {
      ended: WHOLE,
      unfinished: WHOLE,
      failed: WHOLE,
      results: listOf(object({ index: WHOLE, status: WHOLE }, ["index", "status"])),
    },
    ["ended", "unfinished", "failed", "results"],
  ),
  State: object(
    {
      run: TEXT,
      graph: TEXT,
      status: { type: "string", enum: ["running", "parked", "ended", "unfinished"] },
      ok: { type: "boolean" },
      began: TEXT,
      output: {},
      trace: TEXT,
      problem: ref("Problem"),
      parked: listOf(ref("Wait")),
      events: TEXT,
    },
    ["run", "status", "parked"],
  ),
  Runs: object(
    {
      runs: listOf(
        object(
          { run: TEXT, graph: TEXT, status: TEXT, ok: { type: "boolean" }, began: TEXT, entries: WHOLE, url: TEXT },
          ["run", "status", "url"],
        ),
      ),
      next: TEXT,
    },
    ["runs"],
  ),
  Undone: object({ run: TEXT, ok: { type: "boolean" }, trace: TEXT, ledger: ref("Ledger"), undone: {} }, [
    "run",
    "ok",
    "trace",
    "ledger",
  ]),
  Proof: object({ shadowgraph: { const: "run" }, format: WHOLE, keys: listOf(TEXT) }, [
    "shadowgraph",
    "format",
    "keys",
  ]),
}

const RUN: Json = { name: "run", in: "path", required: true, description: "The run's id.", schema: TEXT }
const query = (name: string, description: string, schema: Json): Json => ({
  name,
  in: "query",
  required: false,
  description,
  schema,
})
const ANSWERS = object({
  answers: { type: "object", description: "By path: the value that was asked for.", additionalProperties: {} },
  delivered: {
    type: "object",
    description: "By path of an uncertain write: it was done, and gave this.",
    additionalProperties: {},
  },
  refuse: {
    type: "object",
    description: "By path of an uncertain write: it was not done, and why.",
    additionalProperties: TEXT,
  },
  send: { type: "array", description: "Paths of writes to be sent, or sent again.", items: TEXT },
})

const operation = (tag: string, operationId: string, summary: string, ok: Json, more: Json = {}): Json => ({
  operationId,
  tags: [tag],
  summary,
  ...more,
  responses: { 200: ok, ...(more["responses"] as Json | undefined), default: PROBLEM },
})
const ENDED_OR_NOT: Json = {
  responses: { 202: answer("It rests again, until somebody answers.", ref("Parked")) },
}
const given_ = (schema: Json): Json => ({ requestBody: { required: true, content: json(schema) } })

const COMMON: { readonly [path: string]: Json } = {
  "/graphs": {
    get: operation(
      "graphs",
      "list_graphs",
      "The graphs that are served.",
      answer(
        "Name, needs and place of each.",
        listOf(
          object(
            {
              name: TEXT,
              about: TEXT,
              needs: listOf(TEXT),
              admitted: { type: "boolean" },
              uploaded: { type: "boolean" },
              url: TEXT,
            },
            ["name", "needs", "admitted", "url"],
          ),
        ),
      ),
    ),
  },
  "/runs": {
    get: operation(
      "runs",
      "list_runs",
      "The runs on record, the latest first, in pages.",
      answer("A page; `next` where there are more.", ref("Runs")),
      {
        parameters: [
          query("limit", "Runs of a page, 50 where it is left out.", { type: "integer", minimum: 1, maximum: 500 }),
          query("before", "Only runs that began before this one.", TEXT),
          query("graph", "Only runs of this graph; a page may then hold fewer.", TEXT),
        ],
      },
    ),
  },
  "/runs/{run}": {
    get: operation("runs", "look_at_run", "What a run has come to.", answer("Its state.", ref("State")), {
      parameters: [RUN],
    }),
  },
  "/runs/{run}/events": {
    get: operation(
      "runs",
      "follow_run",
      "The events of a run as they come, until its end.",
      { description: "Events.", content: STREAM },
      {
        parameters: [RUN, header("Last-Event-ID", "Go on after this event.")],
      },
    ),
  },
  "/runs/{run}/proof": {
    get: operation(
      "runs",
      "prove_run",
      "The signed proof of a run's record.",
      answer("To be checked with `shadowgraph ledger verify-proof`.", ref("Proof")),
      { parameters: [RUN] },
    ),
  },
  "/runs/{run}/cancel": {
    post: operation(
      "runs",
      "cancel_run",
      "End a run that goes on, or rests.",
      answer("Its state.", { type: "object" }),
      { parameters: [RUN] },
    ),
  },
  "/runs/{run}/resume": {
    post: operation(
      "runs",
      "resume_run",
      "Answer what a run waits for, and go on with it.",
      answer("The run has ended.", ref("Ended")),
      { parameters: [RUN], ...given_(ANSWERS), ...ENDED_OR_NOT },
    ),
  },
  "/runs/{run}/undo": {
    post: operation(
      "runs",
      "undo_run",
      "Take back what an ended run did.",
      answer("How far that went.", ref("Undone")),
      {
        parameters: [RUN],
        ...given_(object({ leave: listOf(TEXT), cancel: { type: "boolean" } })),
        ...ENDED_OR_NOT,
      },
    ),
  },
  "/events/{name}": {
    post: operation(
      "runs",
      "tell_event",
      "Say that something happened, to every run that waits for it.",
      answer("The runs that went on.", object({ event: TEXT, runs: listOf(TEXT) }, ["event", "runs"])),
      {
        parameters: [{ name: "name", in: "path", required: true, description: "The event's name.", schema: TEXT }],
        ...given_(object({ value: {} })),
      },
    ),
  },
  "/health": {
    get: operation(
      "server",
      "health",
      "Does the server live?",
      answer(
        "It does.",
        object({ ok: { const: true }, graphs: WHOLE, streams: WHOLE, running: WHOLE, waiting: WHOLE }, ["ok"]),
      ),
      { security: [] },
    ),
  },
  "/ready": {
    get: operation(
      "server",
      "ready",
      "Does it take on runs?",
      answer("It does.", object({ ready: { const: true } }, ["ready"])),
      { security: [] },
    ),
  },
}
