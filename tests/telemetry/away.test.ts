// A collector that is busy, broken, slow or away; settings that do not read; what Prometheus is shown.
import { describe, expect, test } from "bun:test"
import { systemChance } from "../../deploy/services/chance.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { EXPORT_LIMITS, Exporter } from "../../deploy/telemetry/exporter.ts"
import { Metrics } from "../../deploy/telemetry/metrics.ts"
import { prometheusText } from "../../deploy/telemetry/prometheus.ts"
import { settingsFrom } from "../../deploy/telemetry/settings.ts"
import { readTraceparent, writeTraceparent } from "../../deploy/telemetry/trace_context.ts"
import { type Collector, openCollector } from "./collector.ts"

function exporterTo(url: string, more: Partial<typeof EXPORT_LIMITS> = {}) {
  const lost: [number, string][] = []
  const exporter = new Exporter<number>({
    url,
    headers: {},
    body: (items) => ({ items }),
    clock: systemClock,
    chance: systemChance,
    fetch: globalThis.fetch,
    onLost: (count, why) => lost.push([count, why]),
    limits: { ...EXPORT_LIMITS, pauseMs: 1, ...more },
  })
  return { exporter, lost }
}
const bodies = (collector: Collector) => collector.took.map((t) => t.body.items)

describe("an exporter", () => {
  test("sends again what a busy collector did not take, and nothing else", async () => {
    const collector = await openCollector()
    collector.answers.push({ status: 503 }, { status: 429, headers: { "retry-after": "0.01" } })
    const { exporter, lost } = exporterTo(collector.url)
    exporter.push(1)
    exporter.push(2)
    await exporter.flush()
    expect(bodies(collector)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    collector.answers.push({ status: 400 })
    exporter.push(3)
    await exporter.flush()
    collector.answers.push({ status: 200, body: { partialSuccess: { rejectedSpans: "1" } } })
    exporter.push(4)
    await exporter.flush()
    expect(lost).toEqual([
      [1, "the collector answered 400"],
      [1, "the collector refused them"],
    ])
    await exporter.close(100)
    await collector.close()
  })

  test("counts what does not fit, and what nobody takes", async () => {
    const { exporter, lost } = exporterTo("http://127.0.0.1:9", { queueMax: 2, attemptsMax: 2 })
    for (const n of [1, 2, 3]) exporter.push(n)
    await exporter.close(2_000)
    expect(lost[0]).toEqual([1, "the queue is full"])
    expect(lost[1]![0]).toBe(2)
    expect(lost[1]![1]).toStartWith("the collector was not reached")
  })
})

describe("settings", () => {
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/" }
  test("are those of the standard; nothing is on where no address is", () => {
    expect(settingsFrom({})).toBeUndefined()
    expect(settingsFrom({ ...base, OTEL_SDK_DISABLED: "true" })).toBeUndefined()
    const all = settingsFrom({
      ...base,
      OTEL_EXPORTER_OTLP_HEADERS: "a=b%20c,d=e",
      OTEL_SERVICE_NAME: "s",
      OTEL_RESOURCE_ATTRIBUTES: "x=y",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_METRICS_EXPORTER: "none",
      OTEL_PROPAGATORS: "b3",
    })!
    expect(all.traces).toEqual({ url: "http://c:4318/v1/traces", headers: { a: "b c", d: "e" } })
    expect([all.metrics, all.sampler, all.propagates]).toEqual([undefined, { ratio: 0.25, parent: false }, false])
    expect([all.nodes, settingsFrom({ ...base, SHADOWGRAPH_TRACE_NODES: "effects" })!.nodes]).toEqual([true, false])
    expect(all.resource).toMatchObject({ "service.name": "s", x: "y" })
  })

  test("that do not read are refused by name; what may be secret is not shown", () => {
    for (const [name, value] of Object.entries({
      OTEL_EXPORTER_OTLP_ENDPOINT: "c:4318",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_TRACES_SAMPLER: "sometimes",
      OTEL_TRACES_EXPORTER: "jaeger",
      OTEL_BSP_MAX_QUEUE_SIZE: "many",
      SHADOWGRAPH_TRACE_NODES: "some",
    }))
      expect(() => settingsFrom({ ...base, [name]: value })).toThrow(name)
    expect(() => settingsFrom({ ...base, OTEL_EXPORTER_OTLP_HEADERS: "hunter2" })).not.toThrow("hunter2")
    expect(() => settingsFrom({ ...base, OTEL_EXPORTER_OTLP_HEADERS: "hunter2" })).toThrow("key=value")
  })
})

test("a traceparent is read as the recommendation has it", () => {
  const good = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`
  expect(writeTraceparent(readTraceparent(good)!)).toBe(good)
  expect(readTraceparent(`cc-${"a".repeat(32)}-${"b".repeat(16)}-01-more`)?.sampled).toBe(true)
  const bad = [
    good.replace("00", "ff"),
    `${good}-more`,
    good.toUpperCase(),
    good.replace(/a{32}/, "0".repeat(32)),
    "",
    "x",
  ]
  for (const text of bad) expect(readTraceparent(text)).toBeUndefined()
})

test("Prometheus is shown names, units, sums and buckets by its rules", async () => {
  const metrics = new Metrics()
  metrics.add("shadowgraph.runs", { graph: 'a"b\n', outcome: "ok" })
  metrics.record("shadowgraph.run.duration", { graph: "g", outcome: "ok" }, 0.02)
  const text = prometheusText(await metrics.read())
  expect(text).toContain('shadowgraph_runs_total{graph="a\\"b\\n",outcome="ok"} 1\n')
  expect(text).toContain('shadowgraph_run_duration_seconds_bucket{graph="g",outcome="ok",le="0.01"} 0\n')
  expect(text).toContain('shadowgraph_run_duration_seconds_bucket{graph="g",outcome="ok",le="0.025"} 1\n')
  expect(text).toContain('shadowgraph_run_duration_seconds_bucket{graph="g",outcome="ok",le="+Inf"} 1\n')
  expect(text).toContain('shadowgraph_run_duration_seconds_sum{graph="g",outcome="ok"} 0.02\n')
})
