/**
 * What a command reports of its runs to others: to a collector, as the environment says it, to Prometheus, and as lines of
 * JSON. Nothing of it is loaded where nobody asks.
 */

import type { RunSlots } from "../engine/slots.ts"
import type { Session } from "../project/project.ts"
import type { RunTold } from "../telemetry/run_watch.ts"
import type { Telemetry } from "../telemetry/telemetry.ts"
import { type Call, usage } from "./command.ts"
import { printable } from "./errors.ts"

/** Who hears of the runs of a command besides the terminal. */
export interface Reports {
  /** Undefined where nobody does. */
  readonly telemetry: Telemetry | undefined
  /** Shows who waits for a place here, and who was turned away. */
  readonly slots: (slots: RunSlots) => void
  /** Shows how many runs rest in the ledgers of these. */
  readonly parked: (sessions: readonly Session[]) => void
  /** Hands over what there is. */
  readonly close: () => Promise<void>
}

export interface ReportsOptions {
  /** Figures are wanted here, whether or not a collector wants them. */
  readonly figures?: boolean
  /** Hears of every run that ended or rests. */
  readonly onRun?: ((told: RunTold) => void) | undefined
}

/** Fails with `TelemetryError` where the environment says what does not read. */
export async function reportsOf(call: Call, { figures = false, onRun }: ReportsOptions = {}): Promise<Reports> {
  const { env, err } = call.terminal
  const asked = Object.keys(env).some((name) => /^OTEL_EXPORTER_OTLP_(\w+_)?ENDPOINT$/.test(name))
  if (!asked && !figures && onRun === undefined)
    return { telemetry: undefined, slots: () => {}, parked: () => {}, close: async () => {} }
  const [{ openTelemetry }, { resourceFrom, settingsFrom }] = await Promise.all([
    import("../telemetry/telemetry.ts"),
    import("../telemetry/settings.ts"),
  ])
  const settings = settingsFrom(env) ?? { resource: resourceFrom(env) }
  const telemetry = openTelemetry({
    ...settings,
    ...(figures ? { figures } : {}),
    ...(onRun ? { onRun } : {}),
    onLost: (why) => {
      if (!call.on("quiet")) err.write(isJson(call) ? line("warn", "lost", { why }) : `${printable(why)}\n`)
    },
  })
  return {
    telemetry,
    slots: (slots) => telemetry.watchSlots(slots),
    parked: (sessions) => {
      for (const { engine } of sessions)
        telemetry.watchParked(async () => (await engine.store.parked(engine.space, PARKED_MAX)).length)
    },
    close: () => telemetry.close(),
  }
}

/** Heads of runs that are read to count them. */
const PARKED_MAX = 1_000

/** Fails with `CliError` (`usage`). */
export function isJson(call: Call): boolean {
  const form = call.text("log") ?? "text"
  if (form === "text" || form === "json") return form === "json"
  throw usage(`--log wants text or json, found "${form}"`)
}

export type Level = "info" | "warn" | "error"

/** A line of a log: `time`, `level` and `event` first. No value of a run stands in one. */
export const line = (level: Level, event: string, more: { readonly [key: string]: unknown }): string =>
  `${JSON.stringify({ time: new Date().toISOString(), level, event, ...more })}\n`

/** A run as a line of a log. */
export const runLine = ({ run, graph, outcome, code, ms, trace, traceId, spanId }: RunTold): string =>
  line(outcome === "failed" || outcome === "broken" ? "error" : "info", "run", {
    run,
    graph,
    outcome,
    ...(code === undefined ? {} : { code }),
    ms: Math.round(ms * 1000) / 1000,
    ...(trace === "" ? {} : { trace_hash: trace }),
    trace_id: traceId,
    ...(spanId === undefined ? {} : { span_id: spanId }),
  })

/** Where figures are shown: `9464`, or `0.0.0.0:9464`. Undefined where they are not. Fails with `CliError` (`usage`). */
export function metricsPlace(call: Call): { readonly host: string; readonly port: number } | undefined {
  const text = call.text("metrics")
  if (text === undefined) return undefined
  const [, host = "127.0.0.1", digits] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits ?? Number.NaN)
  if (Number.isInteger(port) && port < 65_536) return { host: host.replace(/^\[(.*)\]$/, "$1"), port }
  throw usage(`--metrics wants a port, found "${text}"`, "Write 9464, or 0.0.0.0:9464 for every address.")
}
