/**
 * What the server answers where something is wrong: problem documents (RFC 9457), each of a kind that has a page; and the
 * few forms that every answer is written in.
 */
import { type JsonOptions, jsonText, printPath, type Value } from "../../graph/mod.ts"
import { type AdmissionError, KernelError, type KernelReason } from "../../kernel/mod.ts"
import type { Overloaded } from "../engine/slots.ts"
import type { Holder } from "./holder.ts"

/** The kinds of problem, by the last part of their `type`: status and title. Their pages are in `problem_pages.ts`. */
export const PROBLEMS = {
  "unknown-graph": [404, "No such graph"],
  "not-found": [404, "Nothing here"],
  "wrong-method": [405, "Wrong method"],
  "not-json": [415, "Not JSON"],
  "encoded-body": [415, "Body is encoded"],
  "bad-body": [400, "Body cannot be read"],
  "too-large": [413, "Body too large"],
  "slow-body": [408, "Body too slow"],
  "bad-query": [400, "Query cannot be read"],
  "wrong-input": [422, "Input does not fit"],
  "capability-not-granted": [403, "Capability not granted"],
  "token-missing": [401, "No token"],
  "token-unknown": [401, "Token not known"],
  "token-expired": [401, "Token expired"],
  "token-revoked": [401, "Token revoked"],
  "tokens-unreadable": [503, "Tokens cannot be read"],
  "graph-not-allowed": [403, "Graph not allowed"],
  "not-admitted": [500, "Plan not admitted"],
  "unknown-hook": [404, "No such hook"],
  "hook-not-ready": [503, "Hook not ready"],
  "signature-missing": [401, "Not signed"],
  "signature-wrong": [401, "Signature wrong"],
  "signature-old": [401, "Signature too old"],
  "wrong-delivery": [422, "Delivery cannot be told apart"],
  "no-such-run": [404, "No such run"],
  missing: [404, "Not kept"],
  closed: [409, "The run has ended"],
  answer: [422, "The answer does not fit"],
  conflict: [409, "Another has it"],
  undone: [409, "The run was undone"],
  diverged: [409, "The run goes another way"],
  "wrong-host": [403, "Wrong host"],
  busy: [503, "Too many runs at once"],
  "over-budget": [422, "The run's budget is used up"],
  "tenant-budget": [429, "Your budget is used up"],
  "idempotency-key-reused": [422, "Key used for something else"],
  "idempotency-key-wrong": [400, "Key cannot be used"],
  "in-progress": [409, "On its way"],
  cancelled: [409, "Run cancelled"],
  "no-proof": [404, "No proof"],
  "too-many-streams": [503, "Too many streams"],
  "graph-taken": [409, "Name taken"],
  "plan-refused": [422, "Plan refused"],
  "upload-not-granted": [403, "Uploads not granted"],
  "not-ready": [503, "Not ready"],
  "too-slow": [504, "Run took too long"],
  "run-failed": [500, "The graph failed"],
  "shutting-down": [503, "Server stops"],
  "not-kept": [503, "The ledger keeps nothing now"],
  internal: [500, "Internal error"],
} as const satisfies { readonly [kind: string]: readonly [status: number, title: string] }

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
  #text: string | undefined

  constructor(status: number, body: object, headers: Readonly<Record<string, string>> = NONE) {
    this.status = status
    this.body = body
    this.headers = headers
  }

  response(more?: Readonly<Record<string, string>>): Response {
    const { headers: own, status } = this
    const headers = own === NONE && more === undefined ? PLAIN_HEADERS : { ...PLAIN, ...own, ...more }
    const text = this.text()
    // Runs that have ended keep their answers for a while, for who asks again: not as text beside.
    this.#text = undefined
    return new Response(text, { status, headers })
  }

  /** The body as JSON, kept until there is a response: numbers that JSON has no word for are texts, and int64 beyond 2^53 too. */
  text(): string {
    return (this.#text ??= this.written())
  }

  protected written(): string {
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

/** Of an error that nobody expected. That the ledger cannot be written or read is said, with the reason; of anything else no more than that there is something. */
export function defect(cause: unknown, more: object = {}): Answer {
  if (cause instanceof KernelError && UNKEPT.has(cause.reason)) {
    const { reason } = cause
    const detail = `The ledger cannot be used: ${reason}. What is on record counts.`
    return problemOf("not-kept", detail, { ...more, reason }, { "retry-after": "5" })
  }
  return problemOf("internal", "The server met a defect of its own.", more)
}
const UNKEPT: ReadonlySet<KernelReason> = new Set(["full", "readonly", "unavailable", "locked", "storage"])

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
