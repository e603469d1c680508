/** The part of the OpenAPI document that is the same whatever the graphs are: runs by their ids, the server itself, and what answers look like. */
import { PROBLEMS } from "./problems.ts"

export type Json = { readonly [key: string]: unknown }

export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
export const json = (schema: Json): Json => ({ "application/json": { schema } })
export const answer = (description: string, schema: Json, more: Json = {}): Json => ({
  description,
  content: { ...json(schema), ...more },
})
export const PROBLEM: Json = {
  description: "A problem document; `type` says which of the kinds.",
  content: { "application/problem+json": { schema: ref("Problem") } },
}
export const STREAM: Json = { "text/event-stream": { schema: { type: "string" } } }

export const header = (name: string, description: string): Json => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" },
})
const TEXT = { type: "string" }
const WHOLE = { type: "integer" }
const object = (properties: Json, required: readonly string[] = []): Json => ({
  type: "object",
  properties,
  ...(required.length === 0 ? {} : { required }),
})
const listOf = (items: Json): Json => ({ type: "array", items })

const UNCERTAIN: Json = {
  ...listOf(TEXT),
  description: "Paths of writes of which nobody knows whether they were done; left out where there are none.",
}
const LEDGER = object({ position: WHOLE, head: TEXT }, ["position", "head"])
export const ANSWER_SCHEMAS: { readonly [name: string]: Json } = {
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
      uncertain: UNCERTAIN,
    },
    ["type", "title", "status", "detail"],
  ),
  Ledger: LEDGER,
  Ended: object({ run: TEXT, output: {}, trace: TEXT, ledger: ref("Ledger"), uncertain: UNCERTAIN }, [
    "run",
    "trace",
    "ledger",
  ]),
  GoesOn: object({ run: TEXT, status: { const: "running" }, url: TEXT, events: TEXT }, [
    "run",
    "status",
    "url",
    "events",
  ]),
  Wait: object({ path: TEXT, why: TEXT, until: TEXT, text: TEXT, question: TEXT, type: TEXT, choices: listOf(TEXT) }, [
    "path",
    "why",
    "text",
  ]),
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
      undone: {},
      uncertain: UNCERTAIN,
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
  Undone: object(
    { run: TEXT, ok: { type: "boolean" }, trace: TEXT, ledger: ref("Ledger"), undone: {}, uncertain: UNCERTAIN },
    ["run", "ok", "trace", "ledger"],
  ),
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

export const COMMON_PATHS: { readonly [path: string]: Json } = {
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
    post: operation("runs", "cancel_run", "End a run that goes on, or rests.", answer("Its state.", ref("State")), {
      parameters: [RUN],
    }),
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
      answer(
        "The runs that went on, and why others did not; where none did, it is the problem of the first.",
        object({ event: TEXT, runs: listOf(TEXT), refused: listOf(ref("Problem")) }, ["event", "runs"]),
      ),
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

const UPLOADED = object({ name: TEXT, needs: listOf(TEXT), url: TEXT, replaced: { type: "boolean" } }, [
  "name",
  "needs",
  "url",
  "replaced",
])
export const UPLOAD_PATHS: { readonly [path: string]: Json } = {
  "/plans": {
    post: operation(
      "graphs",
      "upload_plan",
      "Bring a compiled plan, to be served by its own name.",
      answer("It took the place of the one before.", UPLOADED),
      {
        requestBody: {
          required: true,
          content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
        },
        responses: { 201: answer("It is served.", UPLOADED) },
      },
    ),
  },
  "/plans/{name}": {
    delete: operation(
      "graphs",
      "delete_plan",
      "Serve a plan no more that this token brought.",
      answer("It is gone.", object({ name: TEXT, deleted: { const: true } }, ["name", "deleted"])),
      {
        parameters: [{ name: "name", in: "path", required: true, description: "The plan's name.", schema: TEXT }],
      },
    ),
  },
}
