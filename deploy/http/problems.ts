/**
 * What the server answers where something is wrong: problem documents (RFC 9457), each of a kind that has a page; and the
 * few forms that every answer is written in.
 */
import type { Context } from "hono"
import { jsonText, printPath, type Value } from "../../graph/mod.ts"
import type { AdmissionError } from "../../kernel/mod.ts"
import type { Overloaded } from "../slots.ts"
import type { Holder } from "./holder.ts"

/** The kinds of problem, by the last part of their `type`: status, title, and a page. */
export const PROBLEMS = {
  "unknown-graph": [404, "No such graph", "GET /graphs lists the graphs that are served."],
  "not-found": [
    404,
    "Nothing here",
    "Known: GET /health, GET /graphs, GET /graphs/<name>, POST /graphs/<name>/runs, POST /hooks/<name>.",
  ],
  "wrong-method": [405, "Wrong method", "A run is begun with POST, everything else is read with GET."],
  "not-json": [415, "Not JSON", 'Send content-type: application/json and { "input": { … } }.'],
  "bad-body": [400, "Body cannot be read", 'The body is JSON of the form { "input": { … } }.'],
  "too-large": [413, "Body too large", "The server limits the size of a body."],
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
  "too-slow": [504, "Run took too long", "The server limits the time of a run."],
  "run-failed": [500, "The graph failed", "`code` says how, `node` where; the ledger has what was done until then."],
  "shutting-down": [503, "Server stops", "Try again a little later."],
  internal: [500, "Internal error", "A defect of the server; its log says more."],
} as const satisfies Record<string, readonly [status: number, title: string, page: string]>
export type ProblemKind = keyof typeof PROBLEMS

export function problem(
  c: Context,
  kind: ProblemKind,
  detail: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  const [status, title] = PROBLEMS[kind]
  return json(
    c,
    status,
    { type: `/problems/${kind}`, title, status, detail, ...more },
    { ...headers, "content-type": "application/problem+json" },
  )
}

/** Schemas hold bounds of int64, so the text is made by `jsonText`. */
export const json = (
  c: Context,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Response => c.body(jsonText(body as Value), status as 200, { "content-type": "application/json", ...headers })

export function overloaded(c: Context, { reason, message, retryMs }: Overloaded): Response {
  const kind = reason === "closing" ? "shutting-down" : "busy"
  return problem(c, kind, message, { reason }, { "retry-after": String(Math.ceil(retryMs / 1000)) })
}

export function refused(
  c: Context,
  graph: string,
  { reason, refusals }: AdmissionError,
  holder: Holder | undefined,
): Response {
  const first = refusals[0]
  const node = first === undefined || first.path.length === 0 ? {} : { node: printPath(first.path) }
  if (reason !== "not-granted")
    return problem(c, "not-admitted", "The plan was refused when the server started.", { graph })
  const missing = [...new Set(refusals.flatMap((r) => r.capability ?? []))]
  return problem(
    c,
    "capability-not-granted",
    holder === undefined
      ? `The run needs ${missing.join(", ")}, which this server was not granted.`
      : `The run needs ${missing.join(", ")}; the token "${holder.name}" grants ${holder.grants.join(", ") || "nothing"}, of what the server was granted.`,
    { graph, ...node, missing },
  )
}

/** The bytes of a body, or undefined where there are more; no more than that are read. */
export async function bytesOf(request: Request, bytesMax: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) return undefined
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > bytesMax) return undefined
    chunks.push(chunk)
  }
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
