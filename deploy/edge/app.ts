/**
 * Graphs over HTTP at the edge: which there are, what each takes and gives, run one. Errors are problem documents (RFC 9457), of
 * the same kinds as those of `shadowgraph serve`. A plain request in and a response out.
 */
import {
  acceptStrict,
  Failure,
  hex,
  isRecord,
  jsonOf,
  jsonText,
  printPath,
  type Rec,
  readJson,
  sha256,
  toJsonSchema,
  type Value,
} from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { undoneJson } from "../ending.ts"
import type { RunResult } from "../engine.ts"
import { bytesOf, PROBLEMS, type ProblemKind } from "../http/problems.ts"
import { Overloaded } from "../slots.ts"
import type { EdgeReady } from "./edge.ts"

export interface AppLimits {
  readonly bodyBytesMax: number
  readonly runMsMax: number
}
const LIMITS: AppLimits = { bodyBytesMax: 1 << 20, runMsMax: 30_000 }

interface Serving {
  readonly graphs: () => Promise<ReadonlyMap<string, EdgeReady>>
  readonly tokens?: readonly string[] | undefined
  readonly limits?: Partial<AppLimits> | undefined
  readonly onDefect?: ((cause: unknown) => void) | undefined
}

/** On every response: it is data, it is not kept, and no page may frame it, run it or read it from another site. */
const SAFE: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
}

export async function answer(request: Request, serving: Serving): Promise<Response> {
  try {
    return await routed(request, serving)
  } catch (cause) {
    serving.onDefect?.(cause)
    return problem("internal", "The server met a defect of its own.")
  }
}

async function routed(request: Request, serving: Serving): Promise<Response> {
  const parts = new URL(request.url).pathname.split("/").slice(1).map(decoded)
  if (parts[0] === "health" && parts.length === 1) return json(200, { ok: true })
  if (parts[0] !== "graphs" || parts.length > 3 || (parts.length === 3 && parts[2] !== "runs"))
    return problem("not-found", "Known: GET /health, GET /graphs, GET /graphs/<name>, POST /graphs/<name>/runs.")
  const barred = notAllowed(request, serving.tokens)
  if (barred !== undefined) return barred
  const graphs = await serving.graphs()
  if (parts.length === 1) return json(200, [...graphs.values()].map(summary))
  const graph = graphs.get(parts[1]!)
  if (graph === undefined) return problem("unknown-graph", `There is no graph "${parts[1]}".`)
  if (parts.length === 2) return json(200, described(graph))
  if (request.method !== "POST")
    return problem("wrong-method", `${request.method} begins no run.`, {}, { allow: "POST" })
  const input = await inputOf(request, graph, { ...LIMITS, ...serving.limits })
  return input instanceof Response ? input : await runOf(request, graph, input, { ...LIMITS, ...serving.limits })
}

const summary = ({ name, needs }: EdgeReady) => ({ name, needs, admitted: true, url: `/graphs/${name}` })
const described = (graph: EdgeReady) => ({
  ...summary(graph),
  input: toJsonSchema(graph.input, "given"),
  output: toJsonSchema(graph.output, "taken"),
  runs: `/graphs/${graph.name}/runs`,
})

async function runOf(request: Request, graph: EdgeReady, input: Rec, { runMsMax }: AppLimits): Promise<Response> {
  const late = AbortSignal.timeout(runMsMax)
  let result: RunResult
  try {
    result = await graph.ready.run(input, { signal: AbortSignal.any([late, request.signal]) })
  } catch (cause) {
    if (cause instanceof Overloaded)
      return problem("busy", cause.message, {}, { "retry-after": String(Math.ceil(cause.retryMs / 1000)) })
    if (cause instanceof AdmissionError) return problem("not-admitted", cause.message)
    throw cause
  }
  const { run, outcome, trace, ledger, undone } = result
  const proof = { trace, ledger, ...undoneJson(undone) }
  if (outcome.ok) return json(200, { run, output: jsonOf(outcome.value, { nonFinite: "text" }), ...proof })
  const more = { graph: graph.name, run, ...proof }
  if (late.aborted) return problem("too-slow", `The run did not end within ${runMsMax} ms.`, more)
  const { code, message, data, path } = outcome.failure
  const node = path === undefined ? {} : { node: printPath(path) }
  const kind: ProblemKind = code === "Fuel" || code === "Budget" ? "over-budget" : "run-failed"
  return problem(kind, message, { ...more, code, data: jsonOf(data, { nonFinite: "text" }), ...node })
}

/** The input of a run, or the problem with it. */
async function inputOf(request: Request, graph: EdgeReady, { bodyBytesMax }: AppLimits): Promise<Rec | Response> {
  const type = request.headers.get("content-type") ?? ""
  // Also what keeps pages of other sites out: without leave a browser sends no such type to another origin.
  if (!/^application\/(json|[\w.+-]*\+json)\s*(;|$)/i.test(type))
    return problem("not-json", `The content-type is "${type}".`)
  const bytes = await bytesOf(request, bodyBytesMax)
  if (bytes === undefined) return problem("too-large", `The body must have at most ${bodyBytesMax} bytes.`)
  let body: Value
  try {
    body = bytes.length === 0 ? {} : readJson(new TextDecoder().decode(bytes))
  } catch (cause) {
    return problem("bad-body", (cause as Failure).message)
  }
  const stray = isRecord(body) ? Object.keys(body).find((key) => key !== "input") : undefined
  if (!isRecord(body)) return problem("bad-body", "The body is no JSON object.")
  if (stray !== undefined) return problem("bad-body", `The body has no key "${stray}"; wanted { "input": { … } }.`)
  try {
    return acceptStrict(graph.input)(body["input"] ?? {}) as Rec
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    const data = jsonOf(cause.data, { nonFinite: "text" })
    return problem("wrong-input", cause.message, { graph: graph.name, data })
  }
}

/** Why a request without a right token is not answered. Hashes are compared, so how long it takes says nothing of a token. */
function notAllowed(request: Request, tokens: readonly string[] | undefined): Response | undefined {
  if (tokens === undefined) return undefined
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1]
  const challenge = (error: string) => ({ "www-authenticate": `Bearer realm="shadowgraph"${error}` })
  if (given === undefined) return problem("token-missing", "The request carries no token.", {}, challenge(""))
  if (tokens.includes(hex(sha256(new TextEncoder().encode(given))))) return undefined
  return problem("token-unknown", "No such token is known here.", {}, challenge(', error="invalid_token"'))
}

function problem(
  kind: ProblemKind,
  detail: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  const [status, title] = PROBLEMS[kind]
  const body = { type: `/problems/${kind}`, title, status, detail, ...more }
  return json(status, body, { ...headers, "content-type": "application/problem+json" })
}

/** Schemas hold bounds of int64, so the text is made by `jsonText`. */
const json = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(jsonText(body as Value), {
    status,
    headers: { ...SAFE, "content-type": "application/json", ...headers },
  })

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // A broken escape names nothing; as it stands it will not be found.
    return part
  }
}
