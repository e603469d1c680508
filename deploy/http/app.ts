/**
 * Graphs over HTTP: list them, say what each takes and gives, run one. Errors are problem documents (RFC 9457); a body, a
 * run and the number of runs at once have limits. Plain requests in and responses out, so that any host can serve it.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono"
import {
  acceptStrict,
  type Clock,
  Failure,
  isRecord,
  jsonOf,
  printPath,
  type Rec,
  readJson,
  type Type,
  toJsonSchema,
  type Value,
} from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { undoneJson } from "../ending.ts"
import type { Ready, RunResult } from "../engine.ts"
import { systemClock } from "../services/clock.ts"
import { Overloaded, RunSlots } from "../slots.ts"
import { type Caller, Callers, type CallersOptions } from "./callers.ts"
import { type Holder, TokenError } from "./holder.ts"
import { addHooks, type HooksOptions, type ServedHook } from "./hooks.ts"
import type { McpMeans } from "./mcp.ts"
import { bytesOf, json, overloaded, PROBLEMS, type ProblemKind, problem, refused } from "./problems.ts"
import { addRuns, type RunsHost, waitsOf } from "./runs.ts"

/** A graph that is served: ready, or refused with the reason that a caller is told. */
export interface Served {
  readonly name: string
  readonly about?: string | undefined
  readonly needs: readonly string[]
  readonly input: Type
  readonly output: Type
  readonly ready: Ready | AdmissionError
  /** The same for one who holds a token: ready with what both the server and the token grant, or refused. */
  readonly readyFor?: (holder: Pick<Holder, "name" | "grants">) => Promise<Ready | AdmissionError>
}

export interface HttpLimits {
  readonly bodyBytesMax: number
  readonly runMsMax: number
  /** Requests for runs that are worked on at once, and that wait for their turn. */
  readonly runsMax: number
  readonly waitingMax: number
}
export const HTTP_LIMITS: HttpLimits = { bodyBytesMax: 1 << 20, runMsMax: 60_000, runsMax: 64, waitingMax: 256 }

export interface GraphsOptions extends CallersOptions {
  readonly graphs: readonly Served[]
  /** Engines whose runs can be looked at and resumed. */
  readonly runs?: readonly RunsHost[]
  /** What requests of other servers start, each known by its signature. */
  readonly hooks?: readonly ServedHook[]
  readonly limits?: Partial<HttpLimits>
  /** What the host serves beside runs. */
  readonly ways?: readonly ((app: Hono, means: McpMeans) => void)[]
  /** Host names that requests may carry; a page of another site that found its way to this machine carries its own. */
  readonly hosts?: readonly string[]
  readonly clock?: Clock
  /** Aborted when the server stops: runs that are on their way end. */
  readonly signal?: AbortSignal
  /** Hears of errors that are none of the graphs' and none of the callers'. */
  readonly onDefect?: (cause: unknown) => void
  readonly onRun?: (told: {
    readonly graph: string
    readonly status: number
    readonly ms: number
    readonly run?: string
  }) => void
  readonly onHook?: HooksOptions["onRun"]
}

/** The application; hand its `fetch` to a server. */
export function graphsApp(options: GraphsOptions): Hono {
  const limits = { ...HTTP_LIMITS, ...options.limits }
  const graphs = new Map(options.graphs.map((g) => [g.name, g]))
  const clock = options.clock ?? systemClock
  const slots = new RunSlots(clock, { runsMax: limits.runsMax, waitingMax: limits.waitingMax })
  const callers = new Callers(options, clock)
  // Who waits when the server stops is told so; what runs is ended by the same signal.
  options.signal?.addEventListener("abort", () => void slots.close(0), { once: true })
  const app = new Hono()
  app.use(async (c, next) => {
    // A hook is known by its signature; it comes through whatever stands between the sender and this machine.
    if (c.req.path.startsWith("/hooks/")) return next()
    const host = hostOf(c.req.header("host"))
    if (options.hosts !== undefined && (host === undefined || !options.hosts.includes(host))) {
      return problem(c, "wrong-host", `The request is for "${host ?? ""}".`)
    }
    return next()
  })
  const admit: MiddlewareHandler = async (c, next) => {
    try {
      await callers.admit(c.req.raw)
    } catch (cause) {
      if (!(cause instanceof TokenError)) throw cause
      return barred(c, cause, options.onDefect)
    }
    return next()
  }
  for (const path of ["/graphs", "/graphs/*", "/runs/*", "/events/*"]) app.use(path, admit)
  const callerOf = (c: Context): Caller => callers.of(c.req.raw)
  app.get("/health", (c) => json(c, 200, { ok: true, graphs: graphs.size, ...slots.load }))
  app.get("/problems/:kind", (c) => {
    const kind = c.req.param("kind")
    if (!Object.hasOwn(PROBLEMS, kind)) return problem(c, "not-found", `There is no problem "${kind}".`)
    const [status, title, page] = PROBLEMS[kind as ProblemKind]
    return c.text(`${title} (${status})\n\n${page}\n`)
  })
  app.get("/graphs", (c) => json(c, 200, options.graphs.filter((g) => callerOf(c).may(g.name)).map(summary)))
  app.get("/graphs/:name", (c) => {
    const graph = graphs.get(c.req.param("name"))
    if (graph === undefined) return unknownGraph(c)
    return callerOf(c).may(graph.name) ? json(c, 200, described(graph)) : notAllowed(c)
  })
  app.post("/graphs/:name/runs", async (c) => {
    const graph = graphs.get(c.req.param("name"))
    if (graph === undefined) return unknownGraph(c)
    const caller = callerOf(c)
    if (!caller.may(graph.name)) return notAllowed(c)
    const begun = performance.now()
    try {
      await slots.enter(caller.places, c.req.raw.signal)
    } catch (cause) {
      if (cause instanceof Overloaded) return overloaded(c, cause)
      throw cause
    }
    try {
      const { response, run } = await answer(c, graph, caller, limits, options.signal)
      options.onRun?.({
        graph: graph.name,
        status: response.status,
        ms: performance.now() - begun,
        ...(run ? { run } : {}),
      })
      return response
    } finally {
      slots.leave(caller.places)
    }
  })
  app.all("/graphs/:name/runs", (c) =>
    problem(c, "wrong-method", `${c.req.method} begins no run.`, {}, { allow: "POST" }),
  )
  if (options.runs !== undefined) addRuns(app, options.runs, limits.bodyBytesMax, (request) => callers.of(request))
  const { hooks, onDefect, onHook } = options
  if (hooks !== undefined) {
    const placesOf = (hook: string) => callers.named(`hook ${hook}`)
    const { bodyBytesMax } = limits
    addHooks(app, { hooks, bodyBytesMax, clock, slots, placesOf, onDefect, onRun: onHook })
  }
  const means = { clock, slots, hosts: options.runs ?? [], limits, admit, callerOf, onDefect }
  for (const way of options.ways ?? []) way(app, means)
  app.notFound((c) => problem(c, "not-found", `There is nothing at ${c.req.path}.`))
  app.onError((cause, c) => {
    options.onDefect?.(cause)
    return problem(c, "internal", "The server met a defect of its own.")
  })
  return app
}

const notAllowed = (c: Context): Response =>
  problem(c, "graph-not-allowed", `The token is not for the graph "${c.req.param("name")}".`)

/** Why a request without a right token is not answered. */
function barred(c: Context, { reason, message, cause }: TokenError, onDefect: GraphsOptions["onDefect"]): Response {
  if (!reason.startsWith("token-")) {
    onDefect?.(cause ?? message)
    return problem(c, "tokens-unreadable", "The server cannot tell who may run its graphs.")
  }
  const error = reason === "token-missing" ? "" : ', error="invalid_token"'
  return problem(c, reason as ProblemKind, message, {}, { "www-authenticate": `Bearer realm="shadowgraph"${error}` })
}

const unknownGraph = (c: Context): Response =>
  problem(c, "unknown-graph", `There is no graph "${c.req.param("name")}".`)

const summary = ({ name, about, needs, ready }: Served) => ({
  name,
  ...(about === undefined ? {} : { about }),
  needs,
  admitted: !(ready instanceof AdmissionError),
  url: `/graphs/${name}`,
})

const described = (graph: Served) => ({
  ...summary(graph),
  input: toJsonSchema(graph.input, "given"),
  output: toJsonSchema(graph.output, "taken"),
  runs: `/graphs/${graph.name}/runs`,
})

interface Answered {
  readonly response: Response
  readonly run?: string
}

async function answer(
  c: Context,
  graph: Served,
  { holder, runs }: Caller,
  limits: HttpLimits,
  stopping: AbortSignal | undefined,
): Promise<Answered> {
  const { name } = graph
  const ready = holder === undefined ? graph.ready : await (graph.readyFor?.(holder) ?? graph.ready)
  if (ready instanceof AdmissionError) return { response: refused(c, name, ready, holder) }
  const read = await inputOf(c, graph, limits)
  if (read instanceof Response) return { response: read }
  const late = AbortSignal.timeout(limits.runMsMax)
  const signals = [late, c.req.raw.signal, ...(stopping ? [stopping] : [])]
  const result = await ready.run(read, { signal: AbortSignal.any(signals), ...runs })
  const { run } = result
  if (result.outcome.ok)
    return {
      run,
      response: json(c, 200, { run, output: jsonOf(result.outcome.value, { nonFinite: "text" }), ...proof(result) }),
    }
  if (result.parked !== undefined) {
    const parked = { run, parked: waitsOf(result.parked), resume: `/runs/${run}/resume`, ledger: result.ledger }
    return { run, response: json(c, 202, parked, { location: `/runs/${run}` }) }
  }
  const more = { graph: name, run, ...proof(result) }
  if (late.aborted)
    return { run, response: problem(c, "too-slow", `The run did not end within ${limits.runMsMax} ms.`, more) }
  if (stopping?.aborted)
    return { run, response: problem(c, "shutting-down", "The server stops, and the run was ended.", more) }
  return { run, response: failed(c, result.outcome.failure, more) }
}

const proof = ({ trace, ledger, undone }: RunResult) => ({ trace, ledger, ...undoneJson(undone) })

function failed(c: Context, { code, message, data, path }: Failure, more: object): Response {
  const node = path === undefined ? {} : { node: printPath(path) }
  const whose = code === "Budget" ? (data as { readonly of?: Value } | null)?.of : undefined
  const shared = whose === "tenant" || whose === "caller"
  const kind = shared ? "tenant-budget" : code === "Fuel" || whose === "run" ? "over-budget" : "run-failed"
  return problem(c, kind, message, { ...more, code, data: jsonOf(data, { nonFinite: "text" }), ...node })
}

/** The input of a run, or the problem with it. */
async function inputOf(c: Context, graph: Served, limits: HttpLimits): Promise<Rec | Response> {
  // Also what keeps pages of other sites out: without leave a browser sends no such type to another origin.
  if (!/^application\/(json|[\w.+-]*\+json)\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
    return problem(c, "not-json", `The content-type is "${c.req.header("content-type") ?? ""}".`)
  }
  const bytes = await bytesOf(c.req.raw, limits.bodyBytesMax)
  if (bytes === undefined) return problem(c, "too-large", `The body must have at most ${limits.bodyBytesMax} bytes.`)
  const text = new TextDecoder().decode(bytes)
  let body: Value
  try {
    body = text === "" ? {} : readJson(text)
  } catch (cause) {
    return problem(c, "bad-body", (cause as Failure).message)
  }
  const stray = isRecord(body) ? Object.keys(body).find((k) => k !== "input") : undefined
  if (!isRecord(body) || stray !== undefined) {
    return problem(
      c,
      "bad-body",
      stray === undefined
        ? "The body is no JSON object."
        : `The body has no key "${stray}"; wanted { "input": { … } }.`,
    )
  }
  try {
    return acceptStrict(graph.input)(body["input"] ?? {}) as Rec
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    return problem(c, "wrong-input", cause.message, {
      graph: graph.name,
      data: jsonOf(cause.data, { nonFinite: "text" }),
    })
  }
}

/** The name in a Host header, without its port. */
const hostOf = (header: string | undefined): string | undefined => header?.replace(/:\d+$/, "").toLowerCase()
