/**
 * Runs that rest, over HTTP: what a run waits for, an answer to it, an event that several may wait for. The bodies are small
 * JSON objects; what a run comes to is told as for a run that was just begun.
 */
import type { Context, Hono } from "hono"
import { Failure, isRecord, jsonOf, parsePath, printPath, readJson, type Value } from "../../graph/mod.ts"
import { AdmissionError, KernelError, type KernelReason, type Reply, type Wait } from "../../kernel/mod.ts"
import { cancel, graphOf, resume, undo, waitingFor, waitText } from "../again.ts"
import { undoneJson } from "../ending.ts"
import type { Engine, RunResult } from "../engine.ts"
import type { Caller } from "./callers.ts"
import { bytesOf, json, type ProblemKind, problem } from "./problems.ts"

/** Engines whose runs are served, each with what its runs are granted. */
export interface RunsHost {
  readonly engine: Engine
  readonly grants: readonly string[]
}

export const waitsOf = (parked: readonly Wait[]): readonly object[] =>
  parked.map((wait) => ({
    path: printPath(wait.path),
    why: wait.why,
    ...(wait.until === null ? {} : { until: new Date(wait.until).toISOString() }),
    text: waitText(wait),
  }))

/** `callerOf`: whose request it is; another's graph has no runs for it. Adds `GET /runs/:run`, `POST /runs/:run/resume`, `POST /runs/:run/undo` and `POST /events/:name`. */
export function addRuns(
  app: Hono,
  hosts: readonly RunsHost[],
  bodyBytesMax: number,
  callerOf: (request: Request) => Caller,
): void {
  app.get("/runs/:run", async (c) => {
    const found = await hostOf(hosts, c.req.param("run"), callerOf(c.req.raw))
    if (found === undefined) return noSuchRun(c)
    const { run, end, waits } = await found.engine.history(c.req.param("run"))
    const ended = end === undefined ? {} : { ok: end.outcome.ok, trace: end.trace }
    return json(c, 200, {
      run,
      status: end ? "ended" : waits.size > 0 ? "parked" : "unfinished",
      ...ended,
      parked: waitsOf([...waits.values()]),
    })
  })
  app.post("/runs/:run/resume", async (c) => {
    const caller = callerOf(c.req.raw)
    const found = await hostOf(hosts, c.req.param("run"), caller)
    if (found === undefined) return noSuchRun(c)
    return await answered(c, async () => {
      const replies = repliesOf(await bodyOf(c, bodyBytesMax))
      return told(
        c,
        await resume(found.engine, c.req.param("run"), {
          grants: found.grants,
          ...caller.within,
          ...caller.runs,
          replies,
          by: caller.holder?.name ?? "http",
        }),
      )
    })
  })
  app.post("/runs/:run/undo", async (c) => {
    const caller = callerOf(c.req.raw)
    const run = c.req.param("run")
    const found = await hostOf(hosts, run, caller)
    if (found === undefined) return noSuchRun(c)
    return await answered(c, async () => {
      const { cancels, left } = undoingOf(await bodyOf(c, bodyBytesMax))
      const by = caller.holder?.name ?? "http"
      const { engine, grants } = found
      if (cancels && (await engine.history(run)).end === undefined) await cancel(engine, run, by)
      const result = await undo(engine, run, { grants, ...caller.within, ...caller.runs, left, by })
      if (result.parked !== undefined) return told(c, result)
      const { outcome, trace, ledger, undone } = result
      return json(c, 200, { run, ok: outcome.ok, trace, ledger, ...undoneJson(undone) })
    })
  })
  app.post("/events/:name{.+}", async (c) =>
    answered(c, async () => {
      const body = await bodyOf(c, bodyBytesMax)
      const value = isRecord(body) && Object.hasOwn(body, "value") ? body["value"]! : null
      const name = c.req.param("name")
      const caller = callerOf(c.req.raw)
      const runs: string[] = []
      for (const { engine, grants } of hosts) {
        for (const { run, waits } of await waitingFor(engine, name)) {
          if (!(await mayTouch(engine, run, caller))) continue
          const replies = waits.map(({ path }): Reply => ({ path, how: "answered", value }))
          await resume(engine, run, { grants, ...caller.within, ...caller.runs, replies, by: "event" })
          runs.push(run)
        }
      }
      return json(c, 200, { event: name, runs })
    }),
  )
}

/** Where a run is on record; nowhere for one who may not touch it, so that nobody learns which runs there are. */
async function hostOf(hosts: readonly RunsHost[], run: string, caller: Caller): Promise<RunsHost | undefined> {
  for (const host of hosts) {
    const { engine } = host
    if ((await engine.store.entries(engine.space, run)).rows.length === 0) continue
    return (await mayTouch(engine, run, caller)) ? host : undefined
  }
  return undefined
}

/** A token for some graphs is for the runs of these. A run's graph has the name that its own plan has, whatever is served by now. */
async function mayTouch(engine: Engine, run: string, { holder, may }: Caller): Promise<boolean> {
  if (holder?.graphs === undefined) return true
  const graph = await graphOf(engine, run)
  return graph !== undefined && may(graph)
}

const noSuchRun = (c: Context): Response => problem(c, "no-such-run", "The ledger has no such run that you may see.")

/** `{ answers: { path: value }, refuse: { path: why }, send: [path] }`. Fails with `Failure` `BadBody`. */
function repliesOf(body: Value): readonly Reply[] {
  const bad = (why: string) => new Failure({ code: "BadBody", message: why, data: null })
  if (!isRecord(body)) throw bad("The body is no JSON object.")
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
  const left = Array.isArray(leave) ? leave.map((path) => (typeof path === "string" ? parsePath(path) : undefined)) : []
  if (!Array.isArray(leave) || left.includes(undefined) || typeof cancel !== "boolean")
    throw new Failure({ code: "BadBody", message: 'Wanted { "leave": [path], "cancel": true }.', data: null })
  return { left: left.map((path) => printPath(path!)), cancels: cancel }
}

async function bodyOf(c: Context, bytesMax: number): Promise<Value> {
  // Also what keeps pages of other sites out: without leave a browser sends no such type to another origin.
  if (!/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? ""))
    throw new Failure({ code: "BadBody", message: "Send content-type: application/json.", data: null })
  const bytes = await bytesOf(c.req.raw, bytesMax)
  if (bytes === undefined)
    throw new Failure({ code: "TooLarge", message: `The body must have at most ${bytesMax} bytes.`, data: null })
  return bytes.length === 0 ? {} : readJson(new TextDecoder().decode(bytes))
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

async function answered(c: Context, act: () => Promise<Response>): Promise<Response> {
  try {
    return await act()
  } catch (cause) {
    if (cause instanceof Failure) return problem(c, cause.code === "TooLarge" ? "too-large" : "bad-body", cause.message)
    if (cause instanceof AdmissionError) return problem(c, "capability-not-granted", cause.message)
    if (cause instanceof KernelError && TOLD.has(cause.reason))
      return problem(c, cause.reason as ProblemKind, cause.message)
    throw cause
  }
}

function told(c: Context, { run, outcome, parked, trace, ledger, undone }: RunResult): Response {
  if (parked !== undefined) return json(c, 202, { run, parked: waitsOf(parked), ledger })
  const back = undoneJson(undone)
  if (outcome.ok)
    return json(c, 200, { run, output: jsonOf(outcome.value, { nonFinite: "text" }), trace, ledger, ...back })
  const { code, message, path } = outcome.failure
  const node = path === undefined ? {} : { node: printPath(path) }
  return problem(c, "run-failed", message, { run, code, ...node, trace, ledger, ...back })
}
