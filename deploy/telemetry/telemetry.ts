/**
 * Telemetry of a process: watches the runs of engines, hands their spans and figures to a collector, and shows the
 * figures to whoever asks. Give it to engines as their observer, and close it when they are closed.
 */
import type { Chance, Clock } from "../../graph/mod.ts"
import type { Begun, Observer, Watch } from "../engine/observe.ts"
import type { RunSlots } from "../engine/slots.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import { EXPORT_LIMITS, Exporter, type ExportLimits } from "./exporter.ts"
import { type Figures, Metrics } from "./metrics.ts"
import { metricsOf, type Resource, tracesOf } from "./otlp.ts"
import { prometheusText } from "./prometheus.ts"
import { type RunTold, RunWatch } from "./run_watch.ts"
import { ALL, METRICS_EVERY_MS, type Target, type TelemetrySettings } from "./settings.ts"
import type { Attribute, AttributeValue, EventAttributes, Span, SpanStart, Tracing } from "./span.ts"
import { freshSpanId, isSampled, type Place, readTraceparent, TracePlace } from "./trace_context.ts"

export interface TelemetryOptions extends Partial<Omit<TelemetrySettings, "limits">> {
  readonly limits?: Partial<ExportLimits>
  /** Keep figures although no collector wants them, for `prometheus`? Default: where `metrics` names a collector. */
  readonly figures?: boolean
  /** Hears of every run that ends or comes to rest. */
  readonly onRun?: (told: RunTold) => void
  /** Hears, once for each reason, why things are lost. */
  readonly onLost?: (why: string) => void
  readonly clock?: Clock
  readonly chance?: Pick<Chance, "next">
  readonly fetch?: typeof globalThis.fetch
}

/** Events of one span; what comes then is counted and left out. */
const EVENTS_MAX = 128
/** Milliseconds that what waits may take at the end. */
const CLOSE_MS = 3_000

/** Fails with nothing: what cannot be handed over is counted. */
export function openTelemetry(options: TelemetryOptions = {}): Telemetry {
  return new Telemetry(options)
}

export class Telemetry implements Observer {
  readonly metrics: Metrics | undefined
  readonly #options: TelemetryOptions
  readonly #clock: Clock
  readonly #spans: Exporter<Span> | undefined
  readonly #reports: Exporter<object> | undefined
  readonly #since: number
  readonly #resource: Resource
  readonly #closing = new AbortController()
  readonly #told = new Set<string>()

  constructor(options: TelemetryOptions) {
    const { traces, metrics, clock = systemClock, resource = { "service.name": "shadowgraph" } } = options
    this.#options = options
    this.#clock = clock
    this.#resource = resource
    this.#since = clock.now()
    this.metrics = (options.figures ?? metrics !== undefined) ? new Metrics() : undefined
    this.#spans = traces && this.#exporter("spans", traces, (spans) => tracesOf(resource, spans))
    // Reports are sums: of several that wait, the last says it all.
    this.#reports = metrics && this.#exporter("metrics", metrics, (reports) => reports.at(-1)!, { batchMax: 1 })
    if (metrics !== undefined) void this.#every(metrics.everyMs ?? METRICS_EVERY_MS)
  }

  run(begun: Begun): Watch {
    const { sampler = ALL, propagates = true, nodes = true, onRun } = this.#options
    const from = readTraceparent(begun.from)
    const place = new TracePlace(begun.record.run, from)
    const tracing = this.#spans !== undefined && isSampled(sampler, place) ? this.#tracing : undefined
    const { metrics } = this
    return new RunWatch(begun, place, { tracing, metrics, nodes, propagates, onEnd: onRun })
  }

  /** Shows who waits for a place, and who was turned away. */
  watchSlots(slots: Pick<RunSlots, "load" | "shed">): void {
    this.metrics?.look("shadowgraph.queue.running", () => [{ labels: {}, value: slots.load.running }])
    this.metrics?.look("shadowgraph.queue.waiting", () => [{ labels: {}, value: slots.load.waiting }])
    this.metrics?.look("shadowgraph.shed", () =>
      Object.entries(slots.shed).map(([reason, value]) => ({ labels: { reason }, value })),
    )
  }

  /** Shows how many runs rest. */
  watchParked(count: () => Promise<number>): void {
    this.metrics?.look("shadowgraph.runs.parked", async () => [{ labels: {}, value: await count() }])
  }

  async figures(): Promise<readonly Figures[]> {
    return (await this.metrics?.read()) ?? []
  }

  /** The figures as Prometheus reads them. */
  async prometheus(): Promise<string> {
    return prometheusText(await this.figures())
  }

  /** Hands over what there is. */
  async flush(): Promise<void> {
    await this.#report()
    await Promise.all([this.#spans?.flush(), this.#reports?.flush()])
  }

  /** Hands over what there is, for so long at most. */
  async close(graceMs = CLOSE_MS): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    await this.#report()
    await Promise.all([this.#spans?.close(graceMs), this.#reports?.close(graceMs)])
  }

  readonly #tracing: Tracing = (start) => new LiveSpan(start, (span) => this.#spans!.push(span))

  #exporter<A>(
    signal: string,
    { url, headers = {}, timeoutMs }: Target,
    body: (items: readonly A[]) => object,
    more: Partial<ExportLimits> = {},
  ): Exporter<A> {
    const { limits, chance = systemChance, fetch = globalThis.fetch } = this.#options
    return new Exporter({
      url,
      headers,
      body,
      clock: this.#clock,
      chance,
      fetch,
      limits: { ...EXPORT_LIMITS, ...limits, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...more },
      onLost: (count, why) => {
        this.metrics?.add("shadowgraph.telemetry.dropped", { signal }, count)
        const words = `${signal} are lost: ${why}`
        if (this.#told.has(words)) return
        this.#told.add(words)
        this.#options.onLost?.(words)
      },
    })
  }

  async #report(): Promise<void> {
    if (this.#reports === undefined) return
    const figures = await this.figures()
    if (figures.length > 0) this.#reports.push(metricsOf(this.#resource, figures, this.#since, this.#clock.now()))
  }

  async #every(ms: number): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await this.#clock.sleep(ms, signal).catch(() => {})
      if (!signal.aborted) await this.#report()
    }
  }
}

/** A span that is handed on when it ends. */
class LiveSpan {
  readonly place: Place
  readonly #start: SpanStart
  readonly #done: (span: Span) => void
  readonly #attributes = new Map<Attribute, AttributeValue>()
  readonly #events: { readonly name: string; readonly at: number; readonly attributes: EventAttributes }[] = []
  #dropped = 0

  constructor(start: SpanStart, done: (span: Span) => void) {
    this.place = { traceId: start.traceId, spanId: freshSpanId(), sampled: true }
    this.#start = start
    this.#done = done
  }
  set(attribute: Attribute, value: AttributeValue): void {
    this.#attributes.set(attribute, value)
  }
  event(name: string, at: number, attributes: EventAttributes): void {
    if (this.#events.length < EVENTS_MAX) this.#events.push({ name, at, attributes })
    else this.#dropped++
  }
  end(at: number, error?: string): void {
    this.#done({
      place: this.place,
      start: this.#start,
      attributes: this.#attributes,
      events: this.#events,
      eventsDropped: this.#dropped,
      endedAt: at,
      error,
    })
  }
}
