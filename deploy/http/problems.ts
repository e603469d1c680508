/**
 * What the server answers where something is wrong: problem documents (RFC 9457), each of a kind that has a page; and the
 * few forms that every answer is written in.
 */
import { type JsonOptions, jsonText, printPath, type Value } from "../../graph/mod.ts"
import type { AdmissionError } from "../../kernel/mod.ts"
import type { Overloaded } from "../slots.ts"
import type { Holder } from "./holder.ts"

/** The kinds of problem, by the last part of their `type`: status, title, and a page. */
export const PROBLEMS = {
  "unknown-graph": [404, "No such graph", "GET /graphs lists the graphs that are served."],
  "not-found": [404, "Nothing here", "GET /openapi.json says what there is; GET /graphs lists the graphs."],
  "wrong-method": [405, "Wrong method", "A run is begun with POST, everything else is read with GET."],
  "not-json": [415, "Not JSON", 'Send content-type: application/json and { "input": { … } }.'],
  "bad-body": [400, "Body cannot be read", 'The body is JSON of the form { "input": { … } }.'],
  "too-large": [413, "Body too large", "The server limits the size of a body."],
  "slow-body": [408, "Body too slow", "The server limits the time that a body may take to arrive. Send again."],
  "bad-query": [400, "Query cannot be read", "GET /openapi.json says which parameters there are, and their form."],
  "wrong-input": [422, "Input does not fit", "GET /graphs/<name> has the JSON Schema of the input."],
  "capability-not-granted": [
    403,
    "Capability not granted",
    "Whoever starts the server grants: --grant, or shadowgraph.project.json.",
  ],
  "token-missing": [
    401,
    "No token",
    "Send authorization: Bearer <token>; whoever runs the server makes one: shadowgraph token add.",
  ],
  "token-unknown": [401, "Token not known", "Check that the whole token was sent, and to the right server."],
  "token-expired": [401, "Token expired", "Ask whoever runs the server for another one."],
  "token-revoked": [
    401,
    "Token revoked",
    "It was good once and is no longer. Ask whoever runs the server for another one.",
  ],
  "tokens-unreadable": [
    503,
    "Tokens cannot be read",
    "The server lets nobody in until its file of tokens is right; its log says more.",
  ],
  "graph-not-allowed": [403, "Graph not allowed", "The token is for other graphs; GET /graphs lists them."],
  "not-admitted": [500, "Plan not admitted", "The server refused the plan; its log says why."],
  "unknown-hook": [404, "No such hook", "Hooks are declared in shadowgraph.project.json."],
  "hook-not-ready": [
    503,
    "Hook not ready",
    "The server lacks the secret that the sender signs with; whoever runs it sets it. Send again later.",
  ],
  "signature-missing": [401, "Not signed", "The sender signs the body; the hook's declaration says in which form."],
  "signature-wrong": [
    401,
    "Signature wrong",
    "Sender and server have another secret, or the body was changed on its way.",
  ],
  "signature-old": [401, "Signature too old", "It was signed too long ago, or the clocks differ. Send again."],
  "wrong-delivery": [
    422,
    "Delivery cannot be told apart",
    "The hook's `delivery` finds no text or number in the request, so a delivery that is made again would run twice.",
  ],
  "no-such-run": [404, "No such run", "The ledger has none of that id, or the token is for other graphs."],
  missing: [404, "Not kept", "What the run needs to go on, its plan, is not in the ledger."],
  closed: [409, "The run has ended", "Nothing can be answered or resumed any more. A new run has a new id."],
  answer: [422, "The answer does not fit", "GET /runs/<id> says what the run waits for, and where."],
  conflict: [409, "Another has it", "Another request or server goes on with the run just now. Look again in a moment."],
  undone: [409, "The run was undone", "What it had done was taken back."],
  diverged: [
    409,
    "The run goes another way",
    "A call came out with other arguments than on record; the message names what feeds it.",
  ],
  "wrong-host": [403, "Wrong host", "The request names a host that is not this server's."],
  busy: [
    503,
    "Too many runs at once",
    "As many run and wait as the server takes on. Retry-After says when to try again.",
  ],
  "over-budget": [
    422,
    "The run's budget is used up",
    "`data` says which. Whoever starts the server states it: --budget.",
  ],
  "tenant-budget": [
    429,
    "Your budget is used up",
    "`data` says which; it is for a window of time, so try again later.",
  ],
  "idempotency-key-reused": [
    422,
    "Key used for something else",
    "The same Idempotency-Key came with another input before. A new request has a new key.",
  ],
  "idempotency-key-wrong": [400, "Key cannot be used", "An Idempotency-Key has 1 to 255 visible ASCII characters."],
  "in-progress": [409, "On its way", "The run of this key goes on, elsewhere. Ask again in a moment."],
  cancelled: [409, "Run cancelled", "Somebody ended the run; the ledger has what was done until then."],
  "no-proof": [
    404,
    "No proof",
    "The server keeps its ledger in memory, or without a key; such runs have no signed proof.",
  ],
  "too-many-streams": [
    503,
    "Too many streams",
    "As many streams are open as the server keeps up with. Retry-After says when to try again; GET /runs/<id> needs none.",
  ],
  "graph-taken": [409, "Name taken", "A graph of that name is served from a file, or was uploaded with another token."],
  "plan-refused": [422, "Plan refused", "`refusals` says what is wrong with it, and where."],
  "upload-not-granted": [
    403,
    "Uploads not granted",
    "A token uploads plans where both it and the server were granted serve:upload.",
  ],
  "not-ready": [503, "Not ready", "The server takes on no runs just now; `detail` says why. Try again a little later."],
  "too-slow": [504, "Run took too long", "The server limits the time of a run."],
  "run-failed": [500, "The graph failed", "`code` says how, `node` where; the ledger has what was done until then."],
  "shutting-down": [503, "Server stops", "Try again a little later."],
  internal: [500, "Internal error", "A defect of the server; its log says more."],
} as const satisfies Record<string, readonly [status: number, title: string, page: string]>
export type ProblemKind = keyof typeof PROBLEMS

/** How values are written in answers. */
export const JSON_FORM: JsonOptions = { nonFinite: "text" }
export const JSON_TYPE = "application/json"
const NONE: Readonly<Record<string, string>> = {}

/** What is said to a caller, before it is a response: also a part of a batch, and the last event of a stream. */
export class Answer {
  readonly status: number
  readonly body: object
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, body: object, headers: Readonly<Record<string, string>> = NONE) {
    this.status = status
    this.body = body
    this.headers = headers
  }

  response(more?: Readonly<Record<string, string>>): Response {
    const { headers: own, status } = this
    const headers = own === NONE && more === undefined ? PLAIN_HEADERS : { ...PLAIN, ...own, ...more }
    return new Response(this.text(), { status, headers })
  }

  /** The body as JSON: numbers that JSON has no word for are texts, and int64 beyond 2^53 too. */
  text(): string {
    return jsonText(this.body as Value, JSON_FORM)
  }
}

/** On every response: it is nothing but data, it is not kept, and no page may frame it, run it or read it from another site. */
export const SAFE: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
}
const PLAIN: Readonly<Record<string, string>> = { ...SAFE, "content-type": JSON_TYPE }
/** Made once: a response copies them sooner than it reads a record. */
const PLAIN_HEADERS = new Headers(PLAIN)

export function problemOf(
  kind: ProblemKind,
  detail: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const [status, title] = PROBLEMS[kind]
  const body = { type: `/problems/${kind}`, title, status, detail, ...more }
  return new Answer(status, body, { ...headers, "content-type": "application/problem+json" })
}

export const problem = (...said: Parameters<typeof problemOf>): Response => problemOf(...said).response()

export const json = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response =>
  new Answer(status, body, headers).response()

export function overloaded({ reason, message, retryMs }: Overloaded): Answer {
  const kind = reason === "closing" ? "shutting-down" : "busy"
  return problemOf(kind, message, { reason }, { "retry-after": String(Math.ceil(retryMs / 1000)) })
}

export function refused(graph: string, { reason, refusals }: AdmissionError, holder: Holder | undefined): Answer {
  const first = refusals[0]
  const node = first === undefined || first.path.length === 0 ? {} : { node: printPath(first.path) }
  if (reason !== "not-granted")
    return problemOf("not-admitted", "The plan was refused when the server started.", { graph })
  const missing = [...new Set(refusals.flatMap((r) => r.capability ?? []))]
  return problemOf(
    "capability-not-granted",
    holder === undefined
      ? `The run needs ${missing.join(", ")}, which this server was not granted.`
      : `The run needs ${missing.join(", ")}; the token "${holder.name}" grants ${holder.grants.join(", ") || "nothing"}, of what the server was granted.`,
    { graph, ...node, missing },
  )
}
