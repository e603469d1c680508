/**
 * Runs by their ids: which there are, what one has come to, its events, its proof; an answer to one that rests, an end to one
 * that goes on, the way back for one that has ended. What a run comes to is told as for a run that was just begun.
 */
import type { Context, Hono } from "hono"
import { Failure, isRecord, parsePath, printPath, type Rec, type Value } from "../../graph/mod.ts"
import { AdmissionError, KernelError, type KernelReason, type Reply, type RunHead } from "../../kernel/mod.ts"
import { cancel, graphOf, resume, undo, waitingFor } from "../engine/again.ts"
import { besidesJson } from "../engine/ending.ts"
import { Overloaded } from "../engine/slots.ts"
import { answerOf, resultOnRecord, waitsOf } from "./answers.ts"
import { jsonBody } from "./body.ts"
import type { Caller } from "./callers.ts"
import { feedSource } from "./flights.ts"
import { type Means, placeFor, type RunsHost } from "./means.ts"
import { Answer, overloaded, type ProblemKind, problemOf } from "./problems.ts"
import { afterEntry, notKept, recordSource } from "./record_events.ts"

export type { RunsHost } from "./means.ts"

/**
 * Adds `GET /runs`, `GET /runs/:run`, its `/events` and `/proof`, `POST /runs/:run/cancel`, `/resume` and `/undo`, and `POST
 * /events/:name`. Another's graph has no runs for a caller.
 */
export function addRuns(app: Hono, means: Means): void {
  app.get("/runs", (c) => answered(() => list(c, means)))
  const one =
    (act: (of: OneRun) => Promise<Answer | Response>) =>
    (c: Context): Promise<Response> =>
      answered(async () => {
        const of = await found(c, means)
        if (of === undefined) return noSuchRun()
        try {
          return await act(of)
        } catch (cause) {
          return (await notKept(of.host.engine, of.run, cause)) ?? refusal(cause)
        }
      })
  app.get("/runs/:run", one(inspect))
  app.get("/runs/:run/events", one(events))
  app.get("/runs/:run/proof", one(proof))
  app.post("/runs/:run/cancel", one(stop))
  app.post("/runs/:run/resume", one(goOn))
  app.post("/runs/:run/undo", one(takeBack))
  app.post("/events/:name{.+}", (c) => answered(() => happened(c, means)))
}

interface OneRun {
  readonly c: Context
  readonly means: Means
  readonly caller: Caller
  readonly run: string
  readonly host: RunsHost
  readonly graph: string | undefined
}

/** Where a run is on record; nowhere for one who may not touch it, so that nobody learns which runs there are. */
async function found(c: Context, means: Means): Promise<OneRun | undefined> {
  const run = c.req.param("run")!
  const caller = means.callerOf(c)
  const flight = means.flights.of(run)
  for (const host of means.hosts) {
    const { engine } = host
    // A run in memory is on record no sooner than its first entry is sealed.
    const here = flight !== undefined && means.catalogue.get(flight.graph)?.engine === engine
    if (!here && (await engine.store.entries(engine.space, run)).rows.length === 0) continue
    const graph = flight?.graph ?? (await graphOf(engine, run).catch(unreadable))
    return mayTouch(graph, caller) ? { c, means, caller, run, host, graph } : undefined
  }
  return undefined
}

const unreadable = (cause: unknown): undefined => {
  if (cause instanceof KernelError) return undefined
  throw cause
}

/** A token for some graphs is for the runs of these. A run's graph has the name that its own plan has, whatever is served by now. */
const mayTouch = (graph: string | undefined, { holder, may }: Caller): boolean =>
  holder?.graphs === undefined || (graph !== undefined && may(graph))

const noSuchRun = (): Answer => problemOf("no-such-run", "The ledger has no such run that you may see.")

// ---- looking

const PAGE = 50
const PAGE_MAX = 500

/** `?limit=50&before=<run>&graph=<name>`: the latest begun first; `next` where there are more. */
async function list(c: Context, means: Means): Promise<Answer> {
  const { limit: size = String(PAGE), before, graph: only, ...stray } = c.req.query()
  const [word] = Object.keys(stray)
  if (word !== undefined) return problemOf("bad-query", `There is no parameter "${word}"; known: limit, before, graph.`)
  const limit = Number(size)
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX)
    return problemOf("bad-query", `"limit" wants a whole number from 1 to ${PAGE_MAX}, found "${size}".`)
  const caller = means.callerOf(c)
  const runs: object[] = []
  let more: string | undefined
  // One page of each engine's runs; mostly there is one engine.
  const heads: { readonly head: RunHead; readonly host: RunsHost }[] = []
  for (const host of means.hosts)
    for (const head of await host.engine.store.runs(host.engine.space, limit + 1, before)) heads.push({ head, host })
  heads.sort((a, b) => (a.head.run < b.head.run ? 1 : -1))
  for (const { head, host } of heads.slice(0, limit)) {
    more = head.run
    const told = await brief(head, host)
    if (mayTouch(told.graph, caller) && (only === undefined || only === told.graph)) runs.push(told)
  }
  const next =
    heads.length > limit && more !== undefined
      ? { next: `/runs?limit=${limit}&before=${more}${only === undefined ? "" : `&graph=${encodeURIComponent(only)}`}` }
      : {}
  return new Answer(200, { runs, ...next })
}

async function brief({ run, ended, parked, seq }: RunHead, { engine }: RunsHost) {
  const history = await engine.history(run).catch(unreadable)
  const graph = await graphOf(engine, run).catch(unreadable)
  return {
    run,
    ...(graph === undefined ? {} : { graph }),
    status: ended ? "ended" : parked === undefined ? "unfinished" : "parked",
    ...(history?.end === undefined ? {} : { ok: history.end.outcome.ok }),
    ...(history === undefined ? {} : { began: new Date(history.began).toISOString() }),
    entries: seq + 1,
    url: `/runs/${run}`,
  }
}

async function inspect({ means, host, run, graph }: OneRun): Promise<Answer> {
  const named = { run, ...(graph === undefined ? {} : { graph }) }
  const flight = means.flights.of(run)
  // What lasts may have been undone since then, by another server too: its record is asked.
  if (flight?.ended !== undefined && !flight.lasts) return statusOf(flight.ended, named, flight.began)
  if (flight !== undefined && flight.ended === undefined) {
    const began = new Date(flight.began).toISOString()
    return new Answer(200, { ...named, status: "running", began, events: `/runs/${run}/events`, parked: [] })
  }
  const history = await host.engine.history(run)
  const { began, waits } = history
  const result = resultOnRecord(history)
  if (result !== undefined) return statusOf(answerOf(result, { graph }), named, began)
  const status = means.flights.goesOn(run) ? "running" : "unfinished"
  return new Answer(200, {
    ...named,
    status,
    began: new Date(began).toISOString(),
    parked: waitsOf([...waits.values()]),
  })
}

/** What a run came to, as its state: a look at a run that failed is no failure. */
function statusOf({ status, body }: Answer, named: object, began: number): Answer {
  const at = { began: new Date(began).toISOString() }
  const { run: _, ...said } = body as { readonly run?: string; readonly trace?: string }
  if (status === 202) return new Answer(200, { ...named, ...at, status: "parked", ...said })
  if (status === 200) return new Answer(200, { ...named, ...at, status: "ended", ok: true, parked: [], ...said })
  const proof = said.trace === undefined ? {} : { trace: said.trace }
  return new Answer(200, { ...named, ...at, status: "ended", ok: false, parked: [], ...proof, problem: body })
}

async function events({ c, means, host, run, caller }: OneRun): Promise<Answer | Response> {
  const { streams, flights, clock } = means
  const full = streams.full(caller.places)
  if (full !== undefined) return full
  // Whoever asks for the head takes no body, and a stream that nobody takes would stay open.
  if (c.req.raw.method === "HEAD") return streams.head()
  const lastId = c.req.header("last-event-id") ?? c.req.query("after")
  const flight = flights.of(run)
  if (flight !== undefined) return streams.response(feedSource(flight.feed, lastId), caller.places)
  const place = lastId === undefined ? 0 : afterEntry(lastId)
  const gap = place === undefined ? { after: lastId, why: "told from the record, from its beginning" } : undefined
  return streams.response(recordSource(host.engine, run, place ?? 0, clock, gap), caller.places)
}

async function proof({ host, run }: OneRun): Promise<Answer> {
  const made = await host.prove?.(run)
  return made === undefined ? problemOf("no-proof", "The ledger of this server signs nothing.") : new Answer(200, made)
}

// ---- acting

async function stop(of: OneRun): Promise<Answer> {
  const { c, means, host, run, caller } = of
  if (c.req.header("origin") !== undefined) {
    // A page says what it sends, as everywhere: without leave a browser sends no such type to another origin.
    const body = await jsonBody(c.req.raw, means.limits)
    if (body instanceof Answer) return body
  }
  const flight = means.flights.of(run)
  if (means.flights.cancel(run)) await flight?.answer
  else {
    await cancel(host.engine, run, byOf(caller))
    means.flights.forget(run)
  }
  return await inspect(of)
}

const byOf = ({ holder }: Caller): string => holder?.name ?? "http"

async function goOn({ c, means, host, run, graph, caller }: OneRun): Promise<Answer> {
  const body = await jsonBody(c.req.raw, means.limits)
  if (body instanceof Answer) return body
  const replies = repliesOf(body)
  const leave = await placeFor(means, caller.places, c.req.raw)
  if (leave instanceof Answer) return leave
  try {
    const { engine, grants } = host
    const options = { grants, ...caller.within, ...caller.runs, replies, by: byOf(caller) }
    return answerOf(await resume(engine, run, options), { graph })
  } finally {
    leave()
  }
}

async function takeBack({ c, means, host, run, caller }: OneRun): Promise<Answer> {
  const body = await jsonBody(c.req.raw, means.limits)
  if (body instanceof Answer) return body
  const { cancels, left } = undoingOf(body)
  const { engine, grants } = host
  const by = byOf(caller)
  means.flights.forget(run)
  if (cancels && (await engine.history(run)).end === undefined) await cancel(engine, run, by)
  const result = await undo(engine, run, { grants, ...caller.within, ...caller.runs, left, by })
  if (result.parked !== undefined) return answerOf(result)
  const { outcome, trace, ledger } = result
  return new Answer(200, { run, ok: outcome.ok, trace, ledger, ...besidesJson(result) })
}

async function happened(c: Context, means: Means): Promise<Answer> {
  const body = await jsonBody(c.req.raw, means.limits)
  if (body instanceof Answer) return body
  if (!isRecord(body)) return problemOf("bad-body", "The body is no JSON object.")
  onlyKeys(body, ["value"])
  const { value = null } = body
  const name = c.req.param("name")!
  const caller = means.callerOf(c)
  const runs: string[] = []
  const failed: { readonly run: string; readonly cause: unknown }[] = []
  for (const { engine, grants } of means.hosts) {
    for (const { run, waits } of await waitingFor(engine, name)) {
      const graph = caller.holder?.graphs === undefined ? undefined : await graphOf(engine, run).catch(unreadable)
      if (!mayTouch(graph, caller)) continue
      const replies = waits.map(({ path }): Reply => ({ path, how: "answered", value }))
      try {
        await resume(engine, run, { grants, ...caller.within, ...caller.runs, replies, by: "event" })
        runs.push(run)
      } catch (cause) {
        failed.push({ run, cause })
      }
    }
  }
  // A run that does not take the event keeps it from no other.
  const refused = failed.map(({ run, cause }) => ({ run, answer: refusal(cause) }))
  if (runs.length === 0 && refused.length > 0) return refused[0]!.answer
  const told = refused.map(({ run, answer }) => ({ ...answer.body, run }))
  return new Answer(200, { event: name, runs, ...(told.length === 0 ? {} : { refused: told }) })
}

/** `{ answers: { path: value }, refuse: { path: why }, send: [path] }`. Fails with `Failure` `BadBody`. */
function repliesOf(body: Value): readonly Reply[] {
  const bad = (why: string) => new Failure({ code: "BadBody", message: why, data: null })
  if (!isRecord(body)) throw bad("The body is no JSON object.")
  onlyKeys(body, ["answers", "delivered", "refuse", "send"])
  const at = (text: string) => {
    const path = parsePath(text)
    if (path === undefined) throw bad(`"${text}" is no path of a node.`)
    return path
  }
  const { answers = {}, delivered = {}, refuse: no = {}, send = [] } = body
  if (!isRecord(answers) || !isRecord(delivered) || !isRecord(no) || !Array.isArray(send))
    throw bad(
      'Wanted { "answers": { path: value }, "delivered": { path: value }, "refuse": { path: why }, "send": [path] }.',
    )
  return [
    ...Object.entries(answers).map(([path, value]): Reply => ({ path: at(path), how: "answered", value })),
    ...Object.entries(delivered).map(([path, value]): Reply => ({ path: at(path), how: "delivered", value })),
    ...Object.entries(no).map(([path, why]): Reply => ({ path: at(path), how: "refused", message: String(why) })),
    ...send.map((path): Reply => ({ path: at(String(path)), how: "again" })),
  ]
}

/** `{ leave: [path], cancel: true }`, both optional. Fails with `Failure` `BadBody`. */
function undoingOf(body: Value): { readonly left: readonly string[]; readonly cancels: boolean } {
  const { leave = [], cancel = false } = isRecord(body) ? body : { leave: null }
  if (isRecord(body)) onlyKeys(body, ["leave", "cancel"])
  const left = Array.isArray(leave) ? leave.map((path) => (typeof path === "string" ? parsePath(path) : undefined)) : []
  if (!Array.isArray(leave) || left.includes(undefined) || typeof cancel !== "boolean")
    throw new Failure({ code: "BadBody", message: 'Wanted { "leave": [path], "cancel": true }.', data: null })
  return { left: left.map((path) => printPath(path!)), cancels: cancel }
}

/** A key that nobody reads is an answer that nobody hears. Fails with `Failure` `BadBody`. */
function onlyKeys(body: Rec, known: readonly string[]): void {
  const other = Object.keys(body).find((key) => !known.includes(key))
  if (other === undefined) return
  const message = `The body has no key "${other}"; known: ${known.join(", ")}.`
  throw new Failure({ code: "BadBody", message, data: null })
}

/** What a request may run into that is the run's state and no defect; each has a page of its own. */
const TOLD: ReadonlySet<string> = new Set([
  "missing",
  "closed",
  "answer",
  "conflict",
  "undone",
  "diverged",
] satisfies readonly (KernelReason & ProblemKind)[])

async function answered(act: () => Promise<Answer | Response>): Promise<Response> {
  try {
    const said = await act()
    return said instanceof Answer ? said.response() : said
  } catch (cause) {
    return refusal(cause).response()
  }
}

function refusal(cause: unknown): Answer {
  if (cause instanceof Failure) return problemOf("bad-body", cause.message)
  if (cause instanceof AdmissionError) return problemOf("capability-not-granted", cause.message)
  if (cause instanceof KernelError && TOLD.has(cause.reason))
    return problemOf(cause.reason as ProblemKind, cause.message)
  if (cause instanceof Overloaded) return overloaded(cause)
  // What was removed from a record is not there for anybody.
  if (cause instanceof KernelError && cause.reason === "redacted") return problemOf("missing", cause.message)
  if (cause instanceof KernelError && cause.reason === "misuse") return problemOf("no-proof", cause.message)
  throw cause
}
