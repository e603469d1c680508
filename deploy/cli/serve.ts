/** `serve`: graphs over HTTP, on this machine by default. Grants are given once, at the start. */

import { compile } from "../../compile/mod.ts"
import { parseDuration, parseSize, type Type } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import type { Ready } from "../engine.ts"
import { graphsApp, HTTP_LIMITS, type HttpLimits, type Served } from "../http.ts"
import { LEASE_MS_MAX } from "../ledger_held.ts"
import { listen } from "../listen.ts"
import { openSession, type Session } from "../project.ts"
import { systemClock } from "../services/clock.ts"
import type { Holder } from "../tokens.ts"
import { printMs } from "../view/bars.ts"
import { wake } from "../waker.ts"
import { missingGrants } from "./admit.ts"
import { budgetsOf } from "./budget.ts"
import { loadAll, type Named, showProblems } from "./check.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable, showError } from "./errors.ts"
import { ledgerOf } from "./ledger_option.ts"
import { speculateOf } from "./speculate.ts"
import { tokensOf } from "./token.ts"

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
  const sessions: Session[] = []
  try {
    const served = await serveAll(call, graphs, sessions, leaseMs)
    const stopping = new AbortController()
    const tokens = tokensOf(call)
    const guarded = call.text("tokens") !== undefined || (await tokens.entries()).length > 0
    const holderOf = (request: Request) => tokens.holder(request.headers.get("authorization"), systemClock.now())
    const loopback = LOOPBACK.includes(host)
    const { err } = terminal
    const { dim, red, green } = err.colours
    const app = graphsApp({
      graphs: served,
      runs: sessions,
      limits,
      signal: stopping.signal,
      ...(loopback ? { hosts: LOOPBACK } : {}),
      ...(guarded ? { holderOf } : {}),
      onDefect: (cause) => void showError(cause, terminal, !!terminal.env["SHADOWGRAPH_DEBUG"]),
      onRun: ({ graph, status, ms, run: id }) => {
        if (call.on("quiet")) return
        const word = status < 400 ? green(String(status)) : red(String(status))
        err.write(
          `${word}  ${printable(graph)}  ${dim(`${printMs(ms)}${id === undefined ? "" : `  run ${id.slice(0, 10)}…`}`)}\n`,
        )
      },
    })
    const server = await listen((request) => app.fetch(request), { host, port })
    terminal.out.write(`${server.url}\n`)
    announce(call, served, server.url, loopback, guarded)
    const waking = wake({
      hosts: sessions,
      clock: systemClock,
      signal: stopping.signal,
      onDefect: (cause) => void showError(cause, terminal, false),
      onRun: ({ run: id, why, result }) => {
        const word = result.parked !== undefined ? "rests" : result.outcome.ok ? "ended" : "failed"
        if (!call.on("quiet")) err.write(`${dim(`${why}  run ${id.slice(0, 10)}… ${word}`)}\n`)
      },
    })
    const exit = await interrupted(call)
    stopping.abort()
    await server.close(GRACE_MS)
    await waking
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
): Promise<readonly Served[]> {
  const { env } = call.terminal
  const ledger = ledgerOf(call)
  const budgets = budgetsOf(call)
  const served: Served[] = []
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
      const prepare = (within?: readonly (readonly string[])[]) =>
        session
          .prepare(bytes, inline, { graph: checked!.hash, ...(within ? { within } : {}) })
          .catch((cause: unknown) => {
            if (cause instanceof AdmissionError && missingGrants(cause) !== undefined) return cause
            throw cause
          })
      const ready = await prepare()
      served.push({
        name,
        about,
        needs: plan.needs,
        input: plan.types[plan.input] as Type,
        output: plan.types[plan.output]!,
        ready,
        readyFor: byGrants(prepare),
      })
    }
  }
  return served
}

/** Plans admitted for tokens, one for all tokens with the same grants. */
function byGrants(prepare: (within: readonly (readonly string[])[]) => Promise<Ready | AdmissionError>) {
  const known = new Map<string, Promise<Ready | AdmissionError>>()
  return ({ grants }: Holder): Promise<Ready | AdmissionError> => {
    const key = grants.join("\n")
    const before = known.get(key)
    if (before !== undefined) return before
    const made = prepare([grants])
    made.catch(() => known.delete(key))
    known.set(key, made)
    return made
  }
}

function announce(call: Call, served: readonly Served[], url: string, loopback: boolean, guarded: boolean): void {
  const { err } = call.terminal
  if (call.on("quiet")) return
  const { dim, yellow, green } = err.colours
  const width = Math.max(...served.map((s) => s.name.length))
  for (const { name, ready } of served) {
    const missing = ready instanceof AdmissionError ? missingGrants(ready) : undefined
    if (missing === undefined)
      err.write(`  ${green("POST")} ${url}/graphs/${name.padEnd(width)}/runs\n`.replace(/(\S+)( +)\/runs/, "$1/runs$2"))
    else err.write(`  ${yellow("403 ")} ${name}  ${dim(`not granted: ${missing.join(", ")}`)}\n`)
  }
  if (guarded) err.write(`${dim("Requests carry a token: shadowgraph token add <name> makes one.")}\n`)
  else if (!loopback) err.write(`${yellow("note")}  everybody who reaches this address may run these graphs\n`)
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
