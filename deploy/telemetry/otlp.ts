/**
 * Spans and figures in the words of the OpenTelemetry protocol, in its JSON form: ids as hex, 64-bit numbers as text, enum
 * values as numbers. Source: OTLP 1.10, "JSON Protobuf Encoding"; opentelemetry-proto, trace/v1 and metrics/v1.
 */
import { BOUNDS, type Figures, METRICS } from "./metrics.ts"
import type { AttributeValue, Span, SpanStart } from "./span.ts"

/** What is said of the process: `service.name` and others. */
export type Resource = { readonly [name: string]: string }

const SCOPE = { name: "shadowgraph" }
const KINDS: { readonly [K in SpanStart["kind"]]: number } = { internal: 1, server: 2, client: 3 }
const STATUS_ERROR = 2
const CUMULATIVE = 2
const SAMPLED = 1

/** `ExportTraceServiceRequest`. */
export function tracesOf(resource: Resource, spans: readonly Span[]): object {
  return {
    resourceSpans: [{ resource: resourceOf(resource), scopeSpans: [{ scope: SCOPE, spans: spans.map(spanOf) }] }],
  }
}

/** `ExportMetricsServiceRequest`. Times in milliseconds since the epoch: of the process's first figure, and of these. */
export function metricsOf(resource: Resource, figures: readonly Figures[], since: number, at: number): object {
  const times = { startTimeUnixNano: nanos(since), timeUnixNano: nanos(at) }
  const metrics = figures.map(({ name, points }) => {
    const { kind, unit, about } = METRICS[name]
    const head = { name, unit, description: about }
    if (kind === "histogram") {
      const dataPoints = points.map(({ labels, value, buckets = [] }) => ({
        attributes: attributesOf(Object.entries(labels)),
        ...times,
        count: String(buckets.reduce((sum, n) => sum + n, 0)),
        sum: value,
        bucketCounts: buckets.map(String),
        explicitBounds: BOUNDS,
      }))
      return { ...head, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } }
    }
    const dataPoints = points.map(({ labels, value }) => ({
      attributes: attributesOf(Object.entries(labels)),
      ...times,
      asDouble: value,
    }))
    if (kind === "gauge") return { ...head, gauge: { dataPoints } }
    return { ...head, sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true } }
  })
  return { resourceMetrics: [{ resource: resourceOf(resource), scopeMetrics: [{ scope: SCOPE, metrics }] }] }
}

function spanOf({ place, start, attributes, events, eventsDropped, endedAt, error }: Span): object {
  return {
    traceId: place.traceId,
    spanId: place.spanId,
    ...(start.parent === undefined ? {} : { parentSpanId: start.parent.spanId }),
    flags: SAMPLED,
    name: start.name,
    kind: KINDS[start.kind],
    startTimeUnixNano: nanos(start.at),
    endTimeUnixNano: nanos(endedAt),
    attributes: attributesOf(attributes),
    events: events.map(({ name, at, attributes: more }) => ({
      timeUnixNano: nanos(at),
      name,
      attributes: attributesOf(Object.entries(more)),
    })),
    ...(eventsDropped === 0 ? {} : { droppedEventsCount: eventsDropped }),
    status: error === undefined ? {} : { code: STATUS_ERROR, message: error },
  }
}

const resourceOf = (resource: Resource): object => ({ attributes: attributesOf(Object.entries(resource)) })

const attributesOf = (attributes: Iterable<readonly [string, AttributeValue]>): readonly object[] =>
  Array.from(attributes, ([key, value]) => ({ key, value: valueOf(value) }))

function valueOf(value: AttributeValue): object {
  if (typeof value === "string") return { stringValue: value }
  if (typeof value === "boolean") return { boolValue: value }
  if (typeof value !== "number") return { arrayValue: { values: value.map((v) => ({ stringValue: v })) } }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** To the microsecond, which is what clocks have, and what a double holds. */
const nanos = (ms: number): string => `${Math.round(ms * 1000)}000`
