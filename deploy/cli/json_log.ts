/**
 * The log of a server as lines of JSON, for whoever collects logs: the same as for people, with whole ids, and the id of
 * the trace that a run belongs to. Arguments and answers are in none of them.
 */
import type { RunResult } from "../engine/engine.ts"
import type { RunTold } from "../telemetry/run_watch.ts"
import { ScheduleError } from "../triggers/scheduler.ts"
import type { Call } from "./command.ts"
import type { ServeLog } from "./serve_log.ts"
import { type Level, line, runLine } from "./telemetry.ts"

/** Runs of which the trace is remembered for lines that follow. */
const TRACES_MAX = 1_000

export interface JsonLog extends ServeLog {
  readonly onEnd: (told: RunTold) => void
  /** The server is there. */
  readonly serving: (more: { readonly [key: string]: unknown }) => void
}

export function jsonLog(call: Call): JsonLog {
  const traces = new Map<string, string>()
  const say = (text: string): void => {
    if (!call.on("quiet")) call.terminal.err.write(text)
  }
  const of = (run: string | undefined) => {
    const trace = run === undefined ? undefined : traces.get(run)
    return { ...(run === undefined ? {} : { run }), ...(trace === undefined ? {} : { trace_id: trace }) }
  }
  const end = (result: RunResult | undefined): string =>
    result === undefined ? "began" : result.parked !== undefined ? "rests" : result.outcome.ok ? "ended" : "failed"
  const word = (failed: boolean): Level => (failed ? "error" : "info")
  return {
    onEnd: (told) => {
      traces.set(told.run, told.traceId)
      if (traces.size > TRACES_MAX) traces.delete(traces.keys().next().value!)
      say(runLine(told))
    },
    serving: (more) => say(line("info", "serving", more)),
    onDefect: (cause) => {
      const { _tag: tag } = (cause ?? {}) as { readonly _tag?: unknown }
      const message = cause instanceof Error ? cause.message : String(cause)
      const passed = cause instanceof ScheduleError
      say(line(passed ? "warn" : "error", passed ? "schedule" : "defect", { ...(tag ? { tag } : {}), message }))
    },
    onRequest: ({ graph, status, ms, run }) =>
      say(line(status < 500 ? "info" : "error", "request", { graph, status, ms: round(ms), ...of(run) })),
    onWoken: ({ run, why, result }) => say(line("info", "woken", { why, ended: end(result), ...of(run) })),
    onTick: ({ schedule, run, result }) => say(line("info", "tick", { schedule, ended: end(result), ...of(run) })),
    onTool: ({ graph, run, ended, ms }) =>
      say(line(word(ended === "failed"), "tool", { graph, ended, ms: round(ms), ...of(run) })),
    onHook: ({ hook, run, result }) => say(line("info", "hook", { hook, ended: end(result), ...of(run) })),
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000
