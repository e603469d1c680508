/** `serve`: graphs over HTTP, on this machine by default. Grants are given once, at the start. */

import { compile } from "../../compile/mod.ts"
import type { Type } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import type { Ready } from "../engine.ts"
import { graphsApp, type Served } from "../http/app.ts"
import { Draining } from "../http/draining.ts"
import type { Holder } from "../http/holder.ts"
import { hooksWay } from "../http/hooks.ts"
import { listen } from "../listen.ts"
import { openSession, type Session } from "../project.ts"
import { systemClock } from "../services/clock.ts"
import { runSchedules } from "../triggers/scheduler.ts"
import { type Prepare, type StartableGraph, type Started, startable } from "../triggers/serve.ts"
import { wake } from "../waker.ts"
import { missingGrants } from "./admit.ts"
import { budgetsOf } from "./budget.ts"
import { loadAll, type Named, showProblems } from "./check.ts"
import { type Call, CliError, EXIT } from "./command.ts"
import { ledgerOf } from "./ledger_option.ts"
import { durationOf, leaseOf, limitsOf, originsOf, portOf } from "./serve_limits.ts"
import { announce, serveLog } from "./serve_log.ts"
import { speculateOf } from "./speculate.ts"
import { tokensOf } from "./token.ts"
import { triggersOf } from "./triggers.ts"

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]", "::1"]
/** Runs get so long to end when the server stops, and responses so long to go out after that. */
const GRACE_MS = 5_000
const LAST_MS = 1_000

export async function run(call: Call): Promise<number> {
  const { terminal } = call
  const limits = limitsOf(call)
  const graceMs = durationOf(call, "grace") ?? GRACE_MS
  const origins = originsOf(call)
  const leaseMs = leaseOf(call)
  const host = call.text("host") ?? "127.0.0.1"
  const port = portOf(call)
  const graphs = await loadAll(call, call.words)
  showProblems(
    call,
    graphs.flatMap((g) => g.problems),
    graphs,
  )
  if (!graphs.every((g) => g.checked !== undefined)) return EXIT.failed
  const wrong = await triggersOf(call, graphs)
  showProblems(call, wrong.problems, [wrong])
  if (wrong.problems.length > 0) return EXIT.failed
  const sessions: Session[] = []
  try {
    const { served, started } = await serveAll(call, graphs, sessions, leaseMs)
    const stopping = new AbortController()
    const draining = new Draining()
    const tokens = tokensOf(call)
    const guarded = call.text("tokens") !== undefined || (await tokens.entries()).length > 0
    const holderOf = (request: Request) => tokens.holder(request.headers.get("authorization"), systemClock.now())
    const loopback = LOOPBACK.includes(host)
    const log = serveLog(call)
    const { signal } = stopping
    const { onDefect } = log
    const app = graphsApp({
      graphs: served,
      runs: sessions,
      ways: [hooksWay({ hooks: started.hooks, onRun: log.onHook })],
      limits,
      origins,
      draining,
      ...(loopback ? { hosts: LOOPBACK } : {}),
      ...(guarded ? { holderOf } : {}),
      onDefect,
      onRun: log.onRequest,
    })
    const stopped = interrupted(call)
    const server = await listen((request) => app.fetch(request), { host, port })
    terminal.out.write(`${server.url}\n`)
    announce(call, { served, started, url: server.url, loopback, guarded })
    const { schedules } = started
    const byItself = Promise.all([
      wake({ hosts: sessions, clock: systemClock, signal, onDefect, onRun: log.onWoken }),
      runSchedules({ schedules, clock: systemClock, signal, onDefect, onRun: log.onTick }),
    ])
    const exit = await stopped
    stopping.abort()
    await draining.stop(graceMs)
    await server.close(LAST_MS)
    await byItself
    return exit
  } finally {
    for (const session of sessions) await session.close()
  }
}

/** Each graph admitted with what is granted; one that lacks a grant is served as a refusal. Fails where the plan is refused otherwise. */
async function serveAll(
  call: Call,
  graphs: readonly Named[],
  sessions: Session[],
  leaseMs: number | undefined,
): Promise<{ readonly served: readonly Served[]; readonly started: Started }> {
  const { env } = call.terminal
  const ledger = ledgerOf(call)
  const budgets = budgetsOf(call)
  const served: Served[] = []
  const started: { -readonly [K in keyof Started]: Started[K] } = { schedules: [], hooks: [], left: [] }
  for (const [project, own] of Map.groupBy(graphs, (g) => g.project)) {
    const all = call.on("yes") ? own.flatMap((g) => g.checked!.needs) : []
    const grants = [...project.file.grants, ...call.list("grant"), ...all]
    const session = await openSession(project, {
      grants,
      ledger,
      env,
      budgets,
      leaseMs,
      ...speculateOf(call, project.file),
    })
    sessions.push(session)
    const startables: StartableGraph[] = []
    for (const { checked, inline } of own) {
      const { plan, bytes } = compile(checked!)
      const { name, about } = checked!.graph
      if (served.some((s) => s.name === name)) {
        throw new CliError({
          reason: "failed",
          message: `Two graphs are called "${name}"`,
          hints: ["A graph is served by its name: rename one."],
          exit: EXIT.failed,
        })
      }
      const prepare: Prepare = (options = {}) =>
        session.prepare(bytes, inline, { graph: checked!.hash, ...options }).catch((cause: unknown) => {
          if (cause instanceof AdmissionError && missingGrants(cause) !== undefined) return cause
          throw cause
        })
      const ready = await prepare()
      const input = plan.types[plan.input] as Type
      startables.push({ name, input, prepare })
      served.push({
        name,
        about,
        needs: plan.needs,
        input,
        output: plan.types[plan.output]!,
        engine: session.engine,
        ready,
        readyFor: byGrants(prepare),
      })
    }
    const here = await startable(project, session, startables, env)
    started.schedules = [...started.schedules, ...here.schedules]
    started.hooks = [...started.hooks, ...here.hooks]
    started.left = [...started.left, ...here.left]
  }
  return { served, started }
}

/** Plans admitted for tokens, one for all tokens with the same grants. */
function byGrants(prepare: Prepare) {
  const known = new Map<string, Promise<Ready | AdmissionError>>()
  return ({ grants }: Pick<Holder, "grants">): Promise<Ready | AdmissionError> => {
    const key = grants.join("\n")
    const before = known.get(key)
    if (before !== undefined) return before
    const made = prepare({ within: [grants] })
    made.catch(() => known.delete(key))
    known.set(key, made)
    return made
  }
}

const interrupted = (call: Call): Promise<number> =>
  new Promise((resolve) => {
    let first = true
    call.terminal.onInterrupt((exit) => {
      if (!first) call.terminal.quit(exit)
      first = false
      resolve(EXIT.ok)
    })
  })
