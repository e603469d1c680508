/**
 * What telemetry is to do, as the standard names of the environment say it. Nothing is on unless an endpoint is named: a
 * process that nobody asked to report reports nothing.
 * Source: OpenTelemetry, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter".
 */
import * as Data from "effect/Data"
import { EXPORT_LIMITS, type ExportLimits } from "./exporter.ts"
import type { Resource } from "./otlp.ts"
import type { Sampler } from "./trace_context.ts"

/** A setting that does not read. */
export class TelemetryError extends Data.TaggedError("TelemetryError")<{
  readonly reason: "setting"
  /** Its name. */
  readonly setting: string
  readonly message: string
}> {}

/** A collector's address for one signal, and what requests to it carry. */
export interface Target {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds of one request. Default: 10,000. */
  readonly timeoutMs?: number
}

export interface TelemetrySettings {
  /** What is said of the process; `service.name` among it. */
  readonly resource: Resource
  readonly traces?: Target | undefined
  readonly metrics?: (Target & { readonly everyMs?: number }) | undefined
  readonly sampler: Sampler
  /** Have nodes without an effect spans of their own? Otherwise reads and writes alone have. */
  readonly nodes: boolean
  /** Do requests of calls carry `traceparent`? */
  readonly propagates: boolean
  readonly limits: ExportLimits
}

export const ALL: Sampler = { ratio: 1, parent: true }
export const METRICS_EVERY_MS = 60_000

type Env = { readonly [name: string]: string | undefined }

/** Undefined where nothing is asked for. Fails with `TelemetryError`. */
export function settingsFrom(env: Env): TelemetrySettings | undefined {
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return undefined
  const traces = targetOf(env, "TRACES", "/v1/traces")
  const metrics = targetOf(env, "METRICS", "/v1/metrics")
  if (traces === undefined && metrics === undefined) return undefined
  return {
    resource: resourceFrom(env),
    traces,
    metrics: metrics && { ...metrics, everyMs: countOf(env, "OTEL_METRIC_EXPORT_INTERVAL") ?? METRICS_EVERY_MS },
    sampler: samplerOf(env),
    nodes: nodesIn(env),
    propagates: propagatesIn(env),
    limits: {
      ...EXPORT_LIMITS,
      queueMax: countOf(env, "OTEL_BSP_MAX_QUEUE_SIZE") ?? EXPORT_LIMITS.queueMax,
      batchMax: countOf(env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE") ?? EXPORT_LIMITS.batchMax,
      delayMs: countOf(env, "OTEL_BSP_SCHEDULE_DELAY") ?? EXPORT_LIMITS.delayMs,
    },
  }
}

/** `service.name` and what `OTEL_RESOURCE_ATTRIBUTES` adds. */
export function resourceFrom(env: Env): Resource {
  const attributes = pairsOf(env, "OTEL_RESOURCE_ATTRIBUTES")
  const name = said(env, "OTEL_SERVICE_NAME") ?? attributes["service.name"] ?? "shadowgraph"
  return {
    "telemetry.sdk.name": "shadowgraph",
    "telemetry.sdk.language": "nodejs",
    ...attributes,
    "service.name": name,
  }
}

function targetOf(env: Env, signal: "TRACES" | "METRICS", path: string): Target | undefined {
  const exporter = `OTEL_${signal}_EXPORTER`
  const to = said(env, exporter) ?? "otlp"
  if (to === "none") return undefined
  if (to !== "otlp") throw wrong(exporter, to, "otlp or none")
  const of = (name: string): readonly [string, string] | undefined => {
    for (const key of [`OTEL_EXPORTER_OTLP_${signal}_${name}`, `OTEL_EXPORTER_OTLP_${name}`]) {
      const value = said(env, key)
      if (value !== undefined) return [key, value]
    }
    return undefined
  }
  const own = said(env, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)
  const shared = said(env, "OTEL_EXPORTER_OTLP_ENDPOINT")
  if (own === undefined && shared === undefined) return undefined
  const name = own === undefined ? "OTEL_EXPORTER_OTLP_ENDPOINT" : `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`
  const text = own ?? `${shared!.replace(/\/+$/, "")}${path}`
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null
  if (url === null) throw wrong(name, own ?? shared!, "an http(s) URL, as in http://127.0.0.1:4318")
  const protocol = of("PROTOCOL")
  // A collector takes both forms of HTTP at the same address.
  if (protocol !== undefined && !/^http\/(json|protobuf)$/.test(protocol[1]))
    throw wrong(protocol[0], protocol[1], "http/json (a collector takes it at port 4318)")
  const timeout = of("TIMEOUT")
  const headers = of("HEADERS")
  return {
    url: url.href,
    ...(headers === undefined ? {} : { headers: pairsOf(env, headers[0]) }),
    ...(timeout === undefined ? {} : { timeoutMs: countOf(env, timeout[0])! }),
  }
}

function samplerOf(env: Env): Sampler {
  const name = "OTEL_TRACES_SAMPLER"
  const text = said(env, name) ?? "parentbased_always_on"
  const parent = text.startsWith("parentbased_")
  switch (parent ? text.slice("parentbased_".length) : text) {
    case "always_on":
      return { ratio: 1, parent }
    case "always_off":
      return { ratio: 0, parent }
    case "traceidratio": {
      const arg = said(env, `${name}_ARG`) ?? "1"
      const ratio = Number(arg)
      if (!(ratio >= 0 && ratio <= 1)) throw wrong(`${name}_ARG`, arg, "a number from 0 to 1")
      return { ratio, parent }
    }
    default:
      throw wrong(name, text, "always_on, always_off or traceidratio, perhaps with parentbased_ before it")
  }
}

/** The one setting that the standard has no name for. */
function nodesIn(env: Env): boolean {
  const name = "SHADOWGRAPH_TRACE_NODES"
  const text = said(env, name) ?? "all"
  if (text !== "all" && text !== "effects") throw wrong(name, text, "all or effects")
  return text === "all"
}

/** Of the propagators that the standard names, this one is there. */
const propagatesIn = (env: Env): boolean =>
  (said(env, "OTEL_PROPAGATORS") ?? "tracecontext").split(",").some((word) => word.trim() === "tracecontext")

function countOf(env: Env, name: string): number | undefined {
  const text = said(env, name)
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return text === undefined ? undefined : Number(text)
  throw wrong(name, text, "a whole number from 1")
}

/** `key=value,key=value`, each percent-decoded. */
function pairsOf(env: Env, name: string): Record<string, string> {
  const pairs: Record<string, string> = {}
  for (const part of (said(env, name) ?? "").split(",")) {
    if (part.trim() === "") continue
    const at = part.indexOf("=")
    try {
      if (at < 1) throw new RangeError("no key")
      pairs[decodeURIComponent(part.slice(0, at).trim())] = decodeURIComponent(part.slice(at + 1).trim())
    } catch {
      // What stands there may be a credential: it is not shown.
      const wanted = "key=value,key=value, with % codes for what is not plain"
      throw new TelemetryError({ reason: "setting", setting: name, message: `Cannot read ${name}: wanted ${wanted}` })
    }
  }
  return pairs
}

/** An empty value is none, as the specification has it. */
const said = (env: Env, name: string): string | undefined => {
  const text = env[name]?.trim()
  return text === "" ? undefined : text
}

const wrong = (setting: string, found: string, wanted: string): TelemetryError =>
  new TelemetryError({
    reason: "setting",
    setting,
    message: `Cannot read ${setting}: wanted ${wanted}, found "${found}"`,
  })
