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
  jsonText,
  printPath,
  type Rec,
  readJson,
  type Type,
  toJsonSchema,
  type Value,
} from "../graph/mod.ts"
import { AdmissionError, Overloaded, RunSlots } from "../kernel/mod.ts"
import { type Caller, Callers, type CallersOptions } from "./callers.ts"
import { undoneJson } from "./ending.ts"
import type { Ready, RunResult } from "./engine.ts"
import { addRuns, type RunsHost, waitsOf } from "./http_runs.ts"
import { systemClock } from "./services/clock.ts"
import { type Holder, TokenError } from "./tokens.ts"

/** A graph that is served: ready, or refused with the reason that a caller is told. */
export interface Served {
  readonly name: string
  readonly about?: string | undefined
  readonly needs: readonly string[]
  readonly input: Type
  readonly output: Type
  readonly ready: Ready | AdmissionError
  /** The same for one who holds a token: ready with what both the server and the token grant, or refused. */
  readonly readyFor?: (holder: Holder) => Promise<Ready | AdmissionError>
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
  readonly limits?: Partial<HttpLimits>
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
}

/** The kinds of problem, by the last part of their `type`: status, title, and a page. */
const PROBLEMS = {
  "unknown-graph": [404, "No such graph", "GET /graphs lists the graphs that are served."],
  "not-found": [404, "Nothing here", "Known: GET /health, GET /graphs, GET /graphs/<name>, POST /graphs/<name>/runs."],
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
type ProblemKind = keyof typeof PROBLEMS

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

function overloaded(c: Context, { reason, message, retryMs }: Overloaded): Response {
  const kind = reason === "closing" ? "shutting-down" : "busy"
  return problem(c, kind, message, { reason }, { "retry-after": String(Math.ceil(retryMs / 1000)) })
}

function failed(c: Context, { code, message, data, path }: Failure, more: object): Response {
  const node = path === undefined ? {} : { node: printPath(path) }
  const whose = code === "Budget" ? (data as { readonly of?: Value } | null)?.of : undefined
  const shared = whose === "tenant" || whose === "caller"
  const kind = shared ? "tenant-budget" : code === "Fuel" || whose === "run" ? "over-budget" : "run-failed"
  return problem(c, kind, message, { ...more, code, data: jsonOf(data, { nonFinite: "text" }), ...node })
}

function refused(
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

/** The input of a run, or the problem with it. */
async function inputOf(c: Context, graph: Served, limits: HttpLimits): Promise<Rec | Response> {
  // Also what keeps pages of other sites out: without leave a browser sends no such type to another origin.
  if (!/^application\/(json|[\w.+-]*\+json)\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
    return problem(c, "not-json", `The content-type is "${c.req.header("content-type") ?? ""}".`)
  }
  const text = await bodyOf(c.req.raw, limits.bodyBytesMax)
  if (text === undefined) return problem(c, "too-large", `The body must have at most ${limits.bodyBytesMax} bytes.`)
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

/** The body as text, or undefined where it is larger; no more than that is read. */
async function bodyOf(request: Request, bytesMax: number): Promise<string | undefined> {
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
  return new TextDecoder().decode(whole)
}

function problem(
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
const json = (c: Context, status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response =>
  c.body(jsonText(body as Value), status as 200, { "content-type": "application/json", ...headers })

/** The name in a Host header, without its port. */
const hostOf = (header: string | undefined): string | undefined => header?.replace(/:\d+$/, "").toLowerCase()
