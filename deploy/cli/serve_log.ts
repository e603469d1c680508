/** What `serve` says on its error stream: what is served, and a line for each request and each run that it begins or goes on with. */
import { AdmissionError } from "../../kernel/mod.ts"
import type { RunResult } from "../engine/engine.ts"
import type { WakerOptions } from "../engine/waker.ts"
import type { GraphsOptions, Served } from "../http/app.ts"
import type { HooksOptions } from "../http/hooks.ts"
import type { McpServing } from "../mcp/serving.ts"
import { ScheduleError, type SchedulerOptions } from "../triggers/scheduler.ts"
import type { Started } from "../triggers/start.ts"
import { printMs } from "../view/bars.ts"
import { missingGrants } from "./admit.ts"
import type { Call } from "./command.ts"
import { printable, showError } from "./errors.ts"

export interface Announced {
  readonly served: readonly Served[]
  readonly started: Started
  readonly url: string
  readonly loopback: boolean
  readonly guarded: boolean
  /** Where figures are shown. */
  readonly metrics: string | undefined
}

/** Says what is served where, what starts by itself, and who may run it. */
export function announce(call: Call, at: Announced): void {
  const { served, started, url, loopback, guarded, metrics } = at
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
  err.write(`  ${green("MCP ")} ${url}/mcp\n`)
  if (metrics !== undefined) err.write(`  ${green("GET ")} ${metrics}/metrics\n`)
  for (const { hook } of started.hooks)
    err.write(`  ${green("POST")} ${url}/hooks/${hook.name}  ${dim(`starts ${hook.graph}`)}\n`)
  for (const { schedule } of started.schedules) {
    const { name, graph, cron, timezone } = schedule
    err.write(`  ${green("cron")} ${name}  ${dim(`starts ${graph} at ${cron}, ${timezone}`)}\n`)
  }
  for (const { name, graph, ready } of [...started.schedules.map(lacking), ...started.hooks.map(lacking)]) {
    const missing = ready instanceof AdmissionError ? (missingGrants(ready) ?? []) : undefined
    if (missing !== undefined)
      err.write(`  ${yellow("none")} ${name} cannot start ${graph}  ${dim(`not granted: ${missing.join(", ")}`)}\n`)
  }
  if (started.left.length > 0)
    err.write(`${dim(`Not started here, since their graphs are not served: ${started.left.join(", ")}`)}\n`)
  if (guarded) err.write(`${dim("Requests carry a token: shadowgraph token add <name> makes one.")}\n`)
  else if (!loopback) err.write(`${yellow("note")}  everybody who reaches this address may run these graphs\n`)
}

const lacking = (x: Started["schedules"][number] | Started["hooks"][number]) => {
  const { name, graph } = "schedule" in x ? x.schedule : x.hook
  return { name, graph, ready: x.ready }
}

export interface ServeLog {
  readonly onDefect: (cause: unknown) => void
  readonly onRequest: NonNullable<GraphsOptions["onRun"]>
  readonly onWoken: NonNullable<WakerOptions["onRun"]>
  readonly onTick: NonNullable<SchedulerOptions["onRun"]>
  readonly onHook: NonNullable<HooksOptions["onRun"]>
  readonly onTool: NonNullable<McpServing["onRun"]>
}

export function serveLog(call: Call): ServeLog {
  const { terminal } = call
  const { err } = terminal
  const { dim, red, green, yellow } = err.colours
  const say = (line: string): void => {
    if (!call.on("quiet")) err.write(`${line}\n`)
  }
  const short = (run: string): string => `run ${run.slice(0, 10)}…`
  const end = (result: RunResult | undefined): string =>
    result === undefined ? "began" : result.parked !== undefined ? "rests" : result.outcome.ok ? "ended" : "failed"
  return {
    onDefect: (cause) => {
      // A tick that is passed over is no defect of anybody.
      if (cause instanceof ScheduleError) say(`${yellow(cause.reason)}  ${printable(cause.message)}`)
      else void showError(cause, terminal, !!terminal.env["SHADOWGRAPH_DEBUG"])
    },
    onRequest: ({ graph, status, ms, run }) => {
      const word = status < 400 ? green(String(status)) : red(String(status))
      say(`${word}  ${printable(graph)}  ${dim(`${printMs(ms)}${run === undefined ? "" : `  ${short(run)}`}`)}`)
    },
    onWoken: ({ run, why, result }) => say(dim(`${why}  ${short(run)} ${end(result)}`)),
    onTick: ({ schedule, run, result }) => say(`${green("cron")}  ${schedule}  ${dim(`${short(run)} ${end(result)}`)}`),
    onTool: ({ graph, run, ended, ms }) =>
      say(
        `${ended === "failed" ? red("mcp") : green("mcp")}  ${printable(graph)}  ${dim(`${printMs(ms)}  ${short(run)} ${ended}`)}`,
      ),
    onHook: ({ hook, run, result }) => say(`${green("hook")}  ${hook}  ${dim(`${short(run)} ${end(result)}`)}`),
  }
}
