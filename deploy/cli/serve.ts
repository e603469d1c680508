/** `serve`: graphs over HTTP, on this machine by default. Grants are given once, at the start. */

import { coverage, schemesOf } from "../../graph/mod.ts"
import { wake } from "../engine/waker.ts"
import { graphsApp } from "../http/app.ts"
import { Catalogue } from "../http/catalogue.ts"
import { describingWay } from "../http/describing.ts"
import { Draining } from "../http/draining.ts"
import { hooksWay } from "../http/hooks.ts"
import { mcpWay } from "../http/mcp.ts"
import { uploadsWay } from "../http/uploads.ts"
import { listen } from "../listen.ts"
import type { Session } from "../project/project.ts"
import { systemClock } from "../services/clock.ts"
import { metricsApp } from "../telemetry/metrics_page.ts"
import { runSchedules } from "../triggers/scheduler.ts"
import { loadAll, showProblems } from "./check.ts"
import { type Call, EXIT } from "./command.ts"
import { jsonLog } from "./json_log.ts"
import { mcpOf } from "./mcp_options.ts"
import { watchGraphs } from "./reload.ts"
import { durationOf, leaseOf, limitsOf, originsOf, portOf } from "./serve_limits.ts"
import { announce, serveLog } from "./serve_log.ts"
import { byFolder, serveAll } from "./served.ts"
import { isJson, metricsPlace, reportsOf } from "./telemetry.ts"
import { tokensOf } from "./token.ts"
import { triggersOf } from "./triggers.ts"
import { shelfOf, shelved } from "./uploads.ts"
import { versionOf } from "./version.ts"

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
  const json = isJson(call) ? jsonLog(call) : undefined
  const figures = metricsPlace(call)
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
  const stopping = new AbortController()
  const reports = await reportsOf(call, { figures: figures !== undefined, onRun: json?.onEnd })
  try {
    const { served, started } = await serveAll(call, graphs, sessions, leaseMs, reports.telemetry)
    reports.parked(sessions)
    const catalogue = new Catalogue(served)
    const files = {
      call,
      words: call.words,
      catalogue,
      served,
      sessions: byFolder(graphs, sessions),
      signal: stopping.signal,
    }
    const mcp = mcpOf(call, graphs, served)
    const draining = new Draining()
    const tokens = tokensOf(call, new Set(graphs.flatMap((g) => [...schemesOf(g.project.registry)])))
    // Read at once, also where a request would: what is wrong with the file is told before anybody is let in.
    const some = (await tokens.entries()).length > 0
    const guarded = some || call.text("tokens") !== undefined
    const holderOf = (request: Request) => tokens.holder(request.headers.get("authorization"), systemClock.now())
    const loopback = LOOPBACK.includes(host)
    const log = json ?? serveLog(call)
    const { signal } = stopping
    const { onDefect } = log
    const [folder, first] = [...files.sessions][0]!
    const shelf = shelfOf(folder, first, () => files.served)
    await shelved(folder, shelf, catalogue, onDefect)
    const app = graphsApp({
      graphs: catalogue,
      runs: sessions,
      ways: [
        describingWay({ version: versionOf(), guarded, uploads: coverage(first.grants)("serve:upload") }),
        uploadsWay(shelf),
        hooksWay({ hooks: started.hooks, onRun: log.onHook }),
        mcpWay({ ...mcp, draining, names: loopback ? LOOPBACK : undefined, onRun: log.onTool }),
        (_, { slots }) => reports.slots(slots),
      ],
      limits,
      origins,
      draining,
      shared: true,
      ...(loopback ? { hosts: LOOPBACK } : {}),
      ...(guarded ? { holderOf } : {}),
      onDefect,
      ...(call.on("quiet") ? {} : { onRun: log.onRequest }),
    })
    const stopped = interrupted(call)
    const server = await listen((request) => app.fetch(request), { host, port })
    const page = figures && (await listen(metricsApp(reports.telemetry!), figures))
    terminal.out.write(`${server.url}\n`)
    if (json === undefined) announce(call, { served, started, url: server.url, loopback, guarded, metrics: page?.url })
    else json.serving({ url: server.url, graphs: served.map((s) => s.name), ...(page ? { metrics: page.url } : {}) })
    const { schedules } = started
    const byItself = Promise.all([
      wake({ hosts: sessions, clock: systemClock, signal, onDefect, onRun: log.onWoken }),
      call.on("watch") ? watchGraphs(files) : undefined,
      runSchedules({ schedules, clock: systemClock, signal, onDefect, onRun: log.onTick }),
    ])
    const exit = await stopped
    stopping.abort()
    await draining.stop(graceMs)
    await Promise.all([server.close(LAST_MS), page?.close(0)])
    await byItself
    return exit
  } finally {
    for (const session of sessions) await session.close()
    await reports.close()
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
