/**
 * Graphs over HTTP at the edge: which there are, what each takes and gives, run one. Errors are problem documents (RFC 9457), of
 * the same kinds as those of `shadowgraph serve`. A plain request in and a response out; all that a server answers beside this is
 * in `http.ts`, for programs that want it.
 */
import { AdmissionError } from "../../kernel/mod.ts"
import { Overloaded } from "../engine/slots.ts"
import { answerOf } from "../http/answers.ts"
import type { BodyLimits } from "../http/body.ts"
import { barred, type Caller, type Callers } from "../http/callers.ts"
import { TokenError } from "../http/holder.ts"
import { readInput } from "../http/input.ts"
import { givenSchema, takenSchema } from "../http/port_schema.ts"
import { Answer, defect, json, overloaded, problemOf, refused } from "../http/problems.ts"
import { Stop } from "../http/stop.ts"
import type { EdgeReady } from "./edge.ts"

export interface AppLimits extends BodyLimits {
  readonly runMsMax: number
}
const LIMITS: AppLimits = { bodyBytesMax: 1 << 20, bodyMsMax: 15_000, runMsMax: 30_000 }

interface Serving {
  readonly graphs: () => Promise<ReadonlyMap<string, EdgeReady>>
  readonly callers: Callers
  readonly limits?: Partial<AppLimits> | undefined
  readonly onDefect?: ((cause: unknown) => void) | undefined
}

export async function answer(request: Request, serving: Serving): Promise<Response> {
  try {
    const said = await routed(request, serving)
    return said instanceof Answer ? said.response() : said
  } catch (cause) {
    serving.onDefect?.(cause)
    return defect(cause).response()
  }
}

/** Who makes the request, or why it is not let in. */
export async function callerOf(
  request: Request,
  { callers, onDefect }: Pick<Serving, "callers" | "onDefect">,
): Promise<Caller | Answer> {
  try {
    await callers.admit(request)
  } catch (cause) {
    if (cause instanceof TokenError) return barred(cause, onDefect)
    throw cause
  }
  return callers.of(request)
}

async function routed(request: Request, serving: Serving): Promise<Response | Answer> {
  const parts = new URL(request.url).pathname.split("/").slice(1).map(decoded)
  const reads = request.method === "GET" || request.method === "HEAD"
  const readOnly = () =>
    problemOf("wrong-method", `${request.method} changes nothing here.`, {}, { allow: "GET, HEAD" })
  if (parts[0] === "health" && parts.length === 1) return reads ? json(200, { ok: true }) : readOnly()
  if (parts[0] !== "graphs" || parts.length > 3 || (parts.length === 3 && parts[2] !== "runs"))
    return problemOf("not-found", "Known: GET /health, GET /graphs, GET /graphs/<name>, POST /graphs/<name>/runs.")
  const caller = await callerOf(request, serving)
  if (caller instanceof Answer) return caller
  if (!reads && parts.length < 3) return readOnly()
  const graphs = await serving.graphs()
  if (parts.length === 1) return json(200, [...graphs.values()].filter((g) => caller.may(g.name)).map(summary))
  const name = parts[1]!
  const graph = graphs.get(name)
  if (graph === undefined) return problemOf("unknown-graph", `There is no graph "${name}".`)
  if (!caller.may(name)) return problemOf("graph-not-allowed", `The token is not for the graph "${name}".`)
  if (parts.length === 2) return json(200, described(graph))
  if (request.method !== "POST")
    return problemOf("wrong-method", `${request.method} begins no run.`, {}, { allow: "POST" })
  return await runOf(request, graph, caller, { ...LIMITS, ...serving.limits })
}

const summary = ({ name, about, needs }: EdgeReady) => ({
  name,
  ...(about === undefined ? {} : { about }),
  needs,
  admitted: true,
  url: `/graphs/${name}`,
})
const described = (graph: EdgeReady) => ({
  ...summary(graph),
  input: givenSchema(graph.input),
  output: takenSchema(graph.output),
  runs: `/graphs/${graph.name}/runs`,
})

async function runOf(request: Request, graph: EdgeReady, caller: Caller, limits: AppLimits): Promise<Answer> {
  const { holder, runs } = caller
  const ready = holder === undefined ? graph.ready : await graph.readyFor(holder)
  if (ready instanceof AdmissionError) return refused(graph.name, ready, holder)
  const input = await readInput(request, graph, limits)
  if (input instanceof Answer) return input
  const stop = new Stop(limits.runMsMax, request.signal)
  try {
    return answerOf(await ready.run(input, { ...runs, signal: stop.signal }), { graph: graph.name, stop })
  } catch (cause) {
    if (cause instanceof Overloaded) return overloaded(cause)
    if (cause instanceof AdmissionError) return problemOf("not-admitted", cause.message)
    throw cause
  } finally {
    stop.off()
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // A broken escape names nothing; as it stands it will not be found.
    return part
  }
}
