/**
 * Graphs over HTTP, as a handler of requests: nothing in it, nor in what it imports, belongs to one host, or reads graph
 * files, or compiles. A host hands in plans that were admitted and the ways that it can serve beside runs (hooks, MCP,
 * uploads). Errors are problem documents (RFC 9457); bodies, runs, batches and streams have limits.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono"
import type { Clock } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { Overloaded, RunSlots } from "../engine/slots.ts"
import { systemClock } from "../services/clock.ts"
import { addBeginnings } from "./begin_runs.ts"
import { barred, type Caller, Callers, type CallersOptions } from "./callers.ts"
import { Catalogue, type Served } from "./catalogue.ts"
import { corsFor } from "./cors.ts"
import type { Draining } from "./draining.ts"
import { Flights } from "./flights.ts"
import { onlyFor, straightTo } from "./front.ts"
import { TokenError } from "./holder.ts"
import type { HttpLimits, Means, RunsHost, RunTold, Way } from "./means.ts"
import { Patience } from "./patience.ts"
import { givenSchema, takenSchema } from "./port_schema.ts"
import { PROBLEM_PAGES } from "./problem_pages.ts"
import { defect, json, overloaded, PROBLEMS, type ProblemKind, problemOf, SAFE } from "./problems.ts"
import { addRuns } from "./runs.ts"
import { Streams } from "./streams.ts"
import { AT_ONCE, Turns } from "./turns.ts"

export type { Served } from "./catalogue.ts"
export type { HttpLimits, RunsHost, Way } from "./means.ts"

export const HTTP_LIMITS: HttpLimits = {
  bodyBytesMax: 1 << 20,
  bodyMsMax: 15_000,
  runMsMax: 60_000,
  backgroundMsMax: 3_600_000,
  runsMax: 64,
  waitingMax: 256,
  tokenRunsMax: 64,
  batchMax: 100,
  batchRunsMax: 8,
  streamsMax: 1_000,
  tokenStreamsMax: 1_000,
  heartbeatMs: 15_000,
  stalledMsMax: 60_000,
  feedEventsMax: 1_000,
  feedBytesMax: 1 << 20,
  endedKeptMax: 1_000,
  endedKeptMs: 300_000,
}

export interface GraphsOptions extends CallersOptions {
  readonly graphs: Catalogue | readonly Served[]
  /** Engines whose runs can be looked at and resumed. */
  readonly runs?: readonly RunsHost[]
  /** What the host serves beside runs. */
  readonly ways?: readonly Way[]
  readonly limits?: Partial<HttpLimits>
  /** Host names that requests may carry; a page of another site that found its way to this machine carries its own. */
  readonly hosts?: readonly string[]
  /** Origins whose pages may ask and read: `https://app.example.com`. Default: none. */
  readonly origins?: readonly string[]
  readonly clock?: Clock
  /** May requests share a timer, and a turn of the event loop? Where each is a world of its own (workerd), what one began no other may touch. Default: no. */
  readonly shared?: boolean
  /** Takes on no run any more, then ends those that go on. */
  readonly draining?: Draining
  /** Is the server fit to take runs? What is not, in words. Default: it is. */
  readonly fit?: () => Promise<string | undefined>
  /** Hears of errors that are none of the graphs' and none of the callers'. */
  readonly onDefect?: (cause: unknown) => void
  readonly onRun?: (told: RunTold) => void
}

/** The application; hand its `fetch` to a server. */
export function graphsApp(options: GraphsOptions): Hono {
  const means = meansOf(options)
  const { catalogue, slots, streams, callerOf, admit } = means
  const app = new Hono()
  if (options.origins !== undefined && options.origins.length > 0) app.use(corsFor(options.origins))
  if (options.holderOf !== undefined)
    for (const path of ["/graphs", "/graphs/*", "/runs", "/runs/*", "/events/*"]) app.use(path, admit)
  app.get("/health", () => json(200, { ok: true, graphs: catalogue.size, streams: streams.size, ...slots.load }))
  app.get("/ready", async () => {
    const unfit = options.draining?.signal.aborted === true ? "The server stops." : await options.fit?.()
    return unfit === undefined
      ? json(200, { ready: true })
      : problemOf("not-ready", unfit, {}, { "retry-after": "5" }).response()
  })
  app.get("/problems/:kind", (c) => {
    const kind = c.req.param("kind")
    if (!Object.hasOwn(PROBLEMS, kind)) return problemOf("not-found", `There is no problem "${kind}".`).response()
    const [status, title] = PROBLEMS[kind as ProblemKind]
    const headers = { ...SAFE, "content-type": "text/plain; charset=utf-8" }
    return new Response(`${title} (${status})\n\n${PROBLEM_PAGES[kind as ProblemKind]}\n`, { headers })
  })
  app.get("/graphs", (c) => {
    const { may } = callerOf(c)
    return json(
      200,
      catalogue
        .all()
        .filter((g) => may(g.name))
        .map(summary),
    )
  })
  app.get("/graphs/:name", (c) => {
    const name = c.req.param("name")
    const graph = catalogue.get(name)
    if (graph === undefined) return problemOf("unknown-graph", `There is no graph "${name}".`).response()
    if (!callerOf(c).may(name))
      return problemOf("graph-not-allowed", `The token is not for the graph "${name}".`).response()
    return json(200, described(graph))
  })
  const begin = addBeginnings(app, means)
  addRuns(app, means)
  for (const way of options.ways ?? []) way(app, means)
  app.notFound((c) => {
    const { method, path } = c.req
    const allow = methodsAt(app, path)
    return allow.length === 0
      ? problemOf("not-found", `There is nothing at ${path}.`).response()
      : problemOf("wrong-method", `${method} does nothing at ${path}.`, {}, { allow: allow.join(", ") }).response()
  })
  const failed = (cause: unknown): Response => {
    // Its engine may have bounds of its own.
    if (cause instanceof Overloaded) return overloaded(cause).response()
    options.onDefect?.(cause)
    return defect(cause).response()
  }
  app.onError(failed)
  straightTo(app, catalogue, (request, graph) => {
    try {
      const begun = begin(request, graph)
      return begun instanceof Promise ? begun.catch(failed) : begun
    } catch (cause) {
      return failed(cause)
    }
  })
  if (options.hosts !== undefined) onlyFor(options.hosts, app)
  return app
}

/** What may be asked of a path: what its routes have beside the handlers that every request goes through. */
function methodsAt({ router }: Hono, path: string): readonly string[] {
  const handlers = (method: string) => router.match(method, path)[0].length
  const all = handlers("none")
  return METHODS.filter((method) => handlers(method) > all).flatMap((method) =>
    method === "GET" ? ["GET", "HEAD"] : [method],
  )
}
const METHODS = ["GET", "POST", "PUT", "DELETE"]

function meansOf(options: GraphsOptions): Means {
  const { graphs, clock = systemClock, onDefect, onRun, draining } = options
  const said = { ...HTTP_LIMITS, ...options.limits }
  // One caller may have all that there is, unless somebody says what each may have.
  const { tokenRunsMax: runsOfOne = said.runsMax, tokenStreamsMax: streamsOfOne = said.streamsMax } =
    options.limits ?? {}
  const own = { ...said, tokenRunsMax: runsOfOne, tokenStreamsMax: streamsOfOne }
  const limits = options.shared === true ? { ...own, patience: new Patience(own.bodyMsMax) } : own
  const { runsMax, waitingMax, tokenRunsMax } = limits
  const each = options.holderOf === undefined ? {} : { tenantRunsMax: Math.min(tokenRunsMax, runsMax) }
  const slots = new RunSlots(clock, { runsMax, waitingMax, ...each })
  const flights = new Flights(limits, clock, onDefect)
  const streams = new Streams(limits, clock)
  const callers = new Callers(options, clock)
  draining?.holds({
    // Who waits for a place is told so at once; what goes on has its time.
    drain: (graceMs) => slots.close(graceMs),
    end: () => {
      flights.close()
      streams.close()
    },
  })
  return {
    limits,
    clock,
    catalogue: graphs instanceof Catalogue ? graphs : new Catalogue(graphs),
    callers,
    slots,
    flights,
    streams,
    worker: options.shared === true ? new Turns() : AT_ONCE,
    hosts: options.runs ?? [],
    origins: options.origins ?? [],
    admit: admission(callers, onDefect),
    admitReader: admission(callers, onDefect, true),
    callerOf: (c: Context): Caller => callers.of(c.req.raw),
    onDefect,
    onRun,
  }
}

/** `reader`: of what a browser shows and nothing is done by, so the token may be the password that a browser asks for. */
const admission =
  (callers: Callers, onDefect: GraphsOptions["onDefect"], reader = false): MiddlewareHandler =>
  async (c, next) => {
    try {
      await callers.admit(c.req.raw, reader ? withPassword(c.req.raw) : c.req.raw)
    } catch (cause) {
      if (!(cause instanceof TokenError)) throw cause
      return barred(cause, onDefect, reader ? ', Basic realm="shadowgraph", charset="UTF-8"' : "").response()
    }
    return next()
  }

/** The request with its password (RFC 7617) as the token; whoever it is sent for, the name is not looked at. */
function withPassword(request: Request): Request {
  const [, given] = /^Basic +([A-Za-z0-9+/]{1,1024}={0,2}) *$/i.exec(request.headers.get("authorization") ?? "") ?? []
  if (given === undefined || given.replace(/=+$/, "").length % 4 === 1) return request
  const [, password] = /^[^:]*:([!-~]+)$/.exec(atob(given)) ?? []
  if (password === undefined) return request
  return new Request(request.url, { headers: { authorization: `Bearer ${password}` } })
}

const summary = ({ name, about, needs, ready, uploadedBy }: Served) => ({
  name,
  ...(about === undefined ? {} : { about }),
  needs,
  admitted: !(ready instanceof AdmissionError),
  ...(uploadedBy === undefined ? {} : { uploaded: true }),
  url: `/graphs/${name}`,
})

const described = (graph: Served) => ({
  ...summary(graph),
  input: givenSchema(graph.input),
  output: takenSchema(graph.output),
  runs: `/graphs/${graph.name}/runs`,
  batch: `/graphs/${graph.name}/batch`,
})
