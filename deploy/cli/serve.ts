/** `serve`: graphs over HTTP, on this machine by default. Grants are given once, at the start. */

import { parseDuration, parseSize } from "../../graph/mod.ts"
import { graphsApp, HTTP_LIMITS, type HttpLimits } from "../http/app.ts"
import { mcpWay } from "../http/mcp.ts"
import { LEASE_MS_MAX } from "../ledger_held.ts"
import { listen } from "../listen.ts"
import type { Session } from "../project.ts"
import { systemClock } from "../services/clock.ts"
import { runSchedules } from "../triggers/scheduler.ts"
import { wake } from "../waker.ts"
import { loadAll, showProblems } from "./check.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { mcpOf } from "./mcp_options.ts"
import { announce, serveLog } from "./serve_log.ts"
import { serveAll } from "./served.ts"
import { tokensOf } from "./token.ts"
import { triggersOf } from "./triggers.ts"

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]", "::1"]
/** Runs get so long to end when the server stops. */
const GRACE_MS = 2_000

export async function run(call: Call): Promise<number> {
  const { terminal } = call
  const limits = limitsOf(call)
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
    const mcp = mcpOf(call, graphs, served)
    const stopping = new AbortController()
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
      hooks: started.hooks,
      ways: [
        mcpWay({
          ...mcp,
          graphs: () => served,
          stopping: signal,
          hosts: loopback ? LOOPBACK : undefined,
          onRun: log.onTool,
        }),
      ],
      limits,
      signal,
      ...(loopback ? { hosts: LOOPBACK } : {}),
      ...(guarded ? { holderOf } : {}),
      onDefect,
      onRun: log.onRequest,
      onHook: log.onHook,
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
    await server.close(GRACE_MS)
    await byItself
    return exit
  } finally {
    for (const session of sessions) await session.close()
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

function portOf(call: Call): number {
  const text = call.text("port") ?? "8787"
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw usage(`--port wants a number up to 65535, found "${text}"`)
}

function leaseOf(call: Call): number | undefined {
  const text = call.text("lease")
  if (text === undefined) return undefined
  const read = parseDuration(text)
  if ("value" in read && read.value >= 500 && read.value <= LEASE_MS_MAX) return read.value
  throw usage(`--lease wants a duration from 500ms to 10m, found "${text}"`)
}

function limitsOf(call: Call): HttpLimits {
  const time = call.text("timeout")
  const body = call.text("body")
  const runs = call.text("concurrent")
  const waiting = call.text("waiting")
  const ms = time === undefined ? undefined : parseDuration(time)
  const bytes = body === undefined ? undefined : parseSize(body)
  if (ms !== undefined && !("value" in ms))
    throw usage(`--timeout wants a duration, found "${time}"`, "Write 30s or 5m.")
  if (bytes !== undefined && !("value" in bytes))
    throw usage(`--body wants a size, found "${body}"`, "Write 100kB or 5MB.")
  if (runs !== undefined && !/^[1-9]\d{0,5}$/.test(runs))
    throw usage(`--concurrent wants a whole number, found "${runs}"`)
  if (waiting !== undefined && !/^\d{1,6}$/.test(waiting))
    throw usage(`--waiting wants a whole number, found "${waiting}"`)
  return {
    bodyBytesMax: bytes?.value ?? HTTP_LIMITS.bodyBytesMax,
    runMsMax: ms?.value ?? HTTP_LIMITS.runMsMax,
    runsMax: runs === undefined ? HTTP_LIMITS.runsMax : Number(runs),
    waitingMax: waiting === undefined ? HTTP_LIMITS.waitingMax : Number(waiting),
  }
}
