/**
 * Graphs over HTTP at the edge: which there are, what each takes and gives, run one. Errors are problem documents (RFC 9457), of
 * the same kinds as those of `shadowgraph serve`. A plain request in and a response out.
 */
import { hex, sha256, toJsonSchema } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { answerOf } from "../http/answers.ts"
import type { BodyLimits } from "../http/body.ts"
import { inputOf } from "../http/input.ts"
import { Answer, json, overloaded, problemOf } from "../http/problems.ts"
import { Stop } from "../http/stop.ts"
import { Overloaded } from "../slots.ts"
import type { EdgeReady } from "./edge.ts"

export interface AppLimits extends BodyLimits {
  readonly runMsMax: number
}
const LIMITS: AppLimits = { bodyBytesMax: 1 << 20, bodyMsMax: 15_000, runMsMax: 30_000 }

interface Serving {
  readonly graphs: () => Promise<ReadonlyMap<string, EdgeReady>>
  readonly tokens?: readonly string[] | undefined
  readonly limits?: Partial<AppLimits> | undefined
  readonly onDefect?: ((cause: unknown) => void) | undefined
}

export async function answer(request: Request, serving: Serving): Promise<Response> {
  try {
    const said = await routed(request, serving)
    return said instanceof Answer ? said.response() : said
  } catch (cause) {
    serving.onDefect?.(cause)
    return problemOf("internal", "The server met a defect of its own.").response()
  }
}

async function routed(request: Request, serving: Serving): Promise<Response | Answer> {
  const parts = new URL(request.url).pathname.split("/").slice(1).map(decoded)
  if (parts[0] === "health" && parts.length === 1) return json(200, { ok: true })
  if (parts[0] !== "graphs" || parts.length > 3 || (parts.length === 3 && parts[2] !== "runs"))
    return problemOf("not-found", "Known: GET /health, GET /graphs, GET /graphs/<name>, POST /graphs/<name>/runs.")
  const refusal = barred(request, serving.tokens)
  if (refusal !== undefined) return refusal
  const graphs = await serving.graphs()
  if (parts.length === 1) return json(200, [...graphs.values()].map(summary))
  const graph = graphs.get(parts[1]!)
  if (graph === undefined) return problemOf("unknown-graph", `There is no graph "${parts[1]}".`)
  if (parts.length === 2) return json(200, described(graph))
  if (request.method !== "POST")
    return problemOf("wrong-method", `${request.method} begins no run.`, {}, { allow: "POST" })
  return await runOf(request, graph, { ...LIMITS, ...serving.limits })
}

const summary = ({ name, needs }: EdgeReady) => ({ name, needs, admitted: true, url: `/graphs/${name}` })
const described = (graph: EdgeReady) => ({
  ...summary(graph),
  input: toJsonSchema(graph.input, "given"),
  output: toJsonSchema(graph.output, "taken"),
  runs: `/graphs/${graph.name}/runs`,
})

async function runOf(request: Request, graph: EdgeReady, limits: AppLimits): Promise<Answer> {
  const input = await inputOf(request, graph, limits)
  if (input instanceof Answer) return input
  const stop = new Stop(limits.runMsMax, request.signal)
  try {
    return answerOf(await graph.ready.run(input, { signal: stop.signal }), { graph: graph.name, stop })
  } catch (cause) {
    if (cause instanceof Overloaded) return overloaded(cause)
    if (cause instanceof AdmissionError) return problemOf("not-admitted", cause.message)
    throw cause
  } finally {
    stop.off()
  }
}

/** Why a request without a right token is not answered. Hashes are compared, so how long it takes says nothing of a token. */
export function barred(request: Request, tokens: readonly string[] | undefined): Answer | undefined {
  if (tokens === undefined) return undefined
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1]
  const challenge = (error: string) => ({ "www-authenticate": `Bearer realm="shadowgraph"${error}` })
  if (given === undefined) return problemOf("token-missing", "The request carries no token.", {}, challenge(""))
  if (tokens.includes(hex(sha256(new TextEncoder().encode(given))))) return undefined
  return problemOf("token-unknown", "No such token is known here.", {}, challenge(', error="invalid_token"'))
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // A broken escape names nothing; as it stands it will not be found.
    return part
  }
}
