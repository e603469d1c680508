// What a collector gets of real runs: every request held against the official schema of OTLP, and the tree of spans and the
// figures against what the runs really did.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { compile } from "../../compile/mod.ts"
import { Engine, MemoryLedger, openTelemetry, type RunResult, type Telemetry } from "../../deploy/mod.ts"
import { systemChance } from "../../deploy/services/chance.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { createHttp } from "../../deploy/services/http.ts"
import { METRICS } from "../../deploy/telemetry/metrics.ts"
import { CALL_ATTRIBUTES, NODE_ATTRIBUTES, RUN_ATTRIBUTES, SPAN_EVENTS } from "../../deploy/telemetry/span.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { registry, type Value } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { attributes, type Collector, type Json, openCollector, throughSchema, withoutEmpty } from "./collector.ts"

setDefaultTimeout(60_000)

/** A server whose answers the test knows, and which remembers what trace each request came with. */
const seen: { readonly path: string; readonly traceparent: string | undefined }[] = []
let flaky = 0
const tool: Server = createServer((request, response) => {
  const path = request.url ?? ""
  seen.push({ path, traceparent: request.headers["traceparent"] as string | undefined })
  const status = path.startsWith("/gone") ? 410 : path.startsWith("/flaky") && flaky++ % 2 === 0 ? 503 : 200
  response.writeHead(status, { "content-type": "application/json" }).end('"the-answer-SECRET"')
})
let host = ""
let collector: Collector
beforeAll(async () => {
  await new Promise<void>((ok) => tool.listen(0, "127.0.0.1", ok))
  host = `127.0.0.1:${(tool.address() as AddressInfo).port}`
  collector = await openCollector()
})
afterAll(async () => {
  tool.close()
  await collector.close()
})

const TRIP = (at: string) => `graph: trip
input: { word: string, end: string }
nodes:
  known: { http: "GET http://${at}/known?q=\${ input.word }", output: string, cache: 1m }
  again: { http: "GET http://${at}/flaky?q=\${ known }", output: string, retry: { times: 3, delay: 1ms } }
  both:
    after: [again]
    map: '[1, 2]'
    as: i
    do: { http: "POST http://${at}/send?i=\${ i }", effect: write, body: "\${ input.word }", output: string }
  last: { http: "GET http://${at}/\${ input.end }", output: string, after: [both] }
output: last
`

interface Made {
  readonly run: (input: Value, traceparent?: string) => Promise<RunResult>
  readonly telemetry: Telemetry | undefined
  readonly close: () => Promise<void>
}

async function world(
  telemetry?: Telemetry,
  text = TRIP(host),
  { clock = systemClock, bounded = true } = {},
): Promise<Made> {
  const kinds = registry(...standardKinds.values())
  const { checked, problems } = checkFile({ file: "trip.graph.yaml", text }, { registry: kinds })
  if (checked === undefined)
    throw new RangeError(problems.flatMap((p) => (p.severity === "error" ? [p.message] : [])).join("\n"))
  const services = { clock, chance: systemChance, http: createHttp() }
  const store = new MemoryLedger()
  const engine = new Engine({
    registry: kinds,
    services,
    store,
    observe: telemetry,
    ...(bounded ? { budget: { calls: 100 } } : {}),
  })
  const ready = await engine.prepare(compile(checked).bytes, { grants: [...checked.needs, "net:private"] })
  return {
    run: async (input, traceparent) => await ready.run(input, traceparent === undefined ? {} : { traceparent }),
    telemetry,
    close: async () => {
      await engine.close()
      await telemetry?.close()
    },
  }
}

const telemetryTo = (url: string, more: object = {}): Telemetry =>
  openTelemetry({
    resource: { "service.name": "trips", "deployment.environment": "test" },
    traces: { url: `${url}/v1/traces`, headers: { "x-key": "k" } },
    metrics: { url: `${url}/v1/metrics` },
    ...more,
  })

const INPUT = { word: "an-argument-SECRET", end: "end" }
const PARENT = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`

describe("a run", () => {
  let spans: readonly Json[]
  let results: readonly RunResult[]
  /** Spans of a run and of its calls; those of its other nodes are for `nodes.test.ts`. */
  const of = (result: RunResult) =>
    spans.filter((s) => {
      const told = attributes(s.attributes)
      return told["shadowgraph.run.id"] === result.run && told["shadowgraph.effect"] !== "pure"
    })
  beforeAll(async () => {
    seen.length = 0
    flaky = 0
    const made = await world(telemetryTo(collector.url))
    const first = await made.run(INPUT, PARENT)
    const second = await made.run({ ...INPUT, end: "gone" })
    results = [first, second]
    await made.close()
    spans = collector.spans()
  })

  test("is handed over in the words of OTLP, and in no others", () => {
    expect(collector.took.map((t) => t.path).sort()).toEqual(["/v1/metrics", "/v1/traces"])
    for (const { path, headers, body } of collector.took) {
      expect(headers["content-type"]).toBe("application/json")
      expect(throughSchema(path, body)).toEqual(withoutEmpty(body))
    }
    expect(collector.took.find((t) => t.path === "/v1/traces")!.headers["x-key"]).toBe("k")
    const { resource } = collector.took[0]!.body.resourceSpans?.[0] ?? collector.took[1]!.body.resourceSpans[0]
    expect(attributes(resource.attributes)).toEqual({ "service.name": "trips", "deployment.environment": "test" })
  })

  test("is a span below its caller's, with one span below it for each call", () => {
    const [run, ...calls] = [...of(results[0]!)].reverse()
    expect([run.name, run.traceId, run.parentSpanId, run.kind, run.status]).toEqual([
      "run trip",
      "ab".repeat(16),
      "cd".repeat(8),
      2,
      {},
    ])
    expect(attributes(run.attributes)).toMatchObject({
      "shadowgraph.graph": "trip",
      "shadowgraph.run.outcome": "ok",
      "shadowgraph.run.trace": results[0]!.trace,
      "shadowgraph.ledger.position": results[0]!.ledger.position,
      "shadowgraph.spent.calls": 6,
    })
    expect(calls.map((s) => s.parentSpanId)).toEqual(calls.map(() => run.spanId))
    const told = calls.map((s) => attributes(s.attributes))
    expect(
      told
        .map((a) => [
          a["shadowgraph.node.path"],
          a["shadowgraph.effect"],
          a["shadowgraph.attempts"],
          a["shadowgraph.outcome"],
        ])
        .sort((a, b) => (a[0]! < b[0]! ? -1 : 1)),
    ).toEqual([
      ["again", "read", 2, "ok"],
      ["both[0].do", "write", 1, "ok"],
      ["both[1].do", "write", 1, "ok"],
      ["known", "read", 1, "ok"],
      ["last", "read", 1, "ok"],
    ])
    for (const a of told)
      expect(a).toMatchObject({
        "shadowgraph.node.kind": "http",
        "shadowgraph.resource": `host:${host}`,
        "shadowgraph.capabilities": [`net:${host}`],
      })
    const retried = calls.find((s) => attributes(s.attributes)["shadowgraph.node.path"] === "again")
    expect(retried.events.map((e: Json) => [e.name, attributes(e.attributes)])).toEqual([
      ["attempt", { "shadowgraph.attempt": 2 }],
    ])
    for (const s of calls) expect(BigInt(s.endTimeUnixNano) >= BigInt(s.startTimeUnixNano)).toBe(true)
  })

  test("that fails says with what code, and what the cache answered is told as such; its trace is made of its id", () => {
    const all = of(results[1]!)
    const run = all.at(-1)
    expect(run.status).toEqual({ code: 2, message: "HttpStatus" })
    expect(run.kind).toBe(1)
    expect(run.parentSpanId).toBeUndefined()
    expect(new Set(all.map((s) => s.traceId)).size).toBe(1)
    expect(attributes(run.attributes)).toMatchObject({
      "shadowgraph.run.outcome": "failed",
      "error.type": "HttpStatus",
    })
    const byPath = Object.fromEntries(all.map((s) => [attributes(s.attributes)["shadowgraph.node.path"], s]))
    expect(attributes(byPath["known"].attributes)).toMatchObject({
      "shadowgraph.outcome": "cached",
      "shadowgraph.attempts": 0,
    })
    expect(attributes(byPath["last"].attributes)).toMatchObject({
      "shadowgraph.outcome": "failed",
      "error.type": "HttpStatus",
    })
    expect(byPath["last"].status.code).toBe(2)
  })

  test("hands its place on to the servers that it asks", () => {
    const first = of(results[0]!)
    const place = (s: Json) => `00-${s.traceId}-${s.spanId}-01`
    const asked = seen.filter((x) => x.traceparent?.includes("ab".repeat(16)))
    expect(asked.map((x) => x.traceparent).sort()).toEqual(
      first
        .slice(0, -1)
        .flatMap((s) => (s.events.length > 0 ? [place(s), place(s)] : [place(s)]))
        .sort(),
    )
  })

  test("says nothing of arguments and answers", () => {
    expect(JSON.stringify(collector.took.map((t) => t.body))).not.toContain("SECRET")
  })

  test("every attribute and event that comes stands in the tables", () => {
    const known = { ...RUN_ATTRIBUTES, ...CALL_ATTRIBUTES, ...NODE_ATTRIBUTES }
    for (const s of spans) {
      for (const { key } of s.attributes) expect(Object.keys(known)).toContain(key)
      for (const { name } of s.events) expect(Object.keys(SPAN_EVENTS)).toContain(name)
    }
  })

  test("is counted", () => {
    const figures = collector.metrics()
    for (const name of Object.keys(figures)) expect(Object.keys(METRICS)).toContain(name)
    const sums = (name: string) =>
      Object.fromEntries(
        figures[name].sum.dataPoints.map((p: Json) => [Object.values(attributes(p.attributes)).join(" "), p.asDouble]),
      )
    expect(sums("shadowgraph.runs")).toEqual({ "trip ok": 1, "trip failed HttpStatus": 1 })
    expect(sums("shadowgraph.calls")).toEqual({
      "http read ok": 4,
      "http read cached": 1,
      "http read failed": 1,
      "http write ok": 4,
    })
    expect(sums("shadowgraph.retries")).toEqual({ "http read": 2 })
    const durations = figures["shadowgraph.call.duration"].histogram.dataPoints
    expect(durations.map((p: Json) => p.count)).toEqual(["5", "4"])
    expect(figures["shadowgraph.runs.active"].gauge.dataPoints[0].asDouble).toBe(0)
  })
})

test("a run that nobody observes makes no event, and asks no clock for one", async () => {
  let ticks = 0
  const tick = () => {
    ticks++
    return systemClock.tick()
  }
  const text = `graph: g\nnodes:\n  a: { http: "GET http://${host}/a", output: string }\noutput: a\n`
  const more = { clock: { ...systemClock, tick }, bounded: false }
  const silent = await world(undefined, text, more)
  seen.length = 0
  ticks = 0
  await silent.run({})
  const alone = ticks
  await silent.close()
  expect(seen).toEqual([{ path: "/a", traceparent: undefined }])
  const heard = await world(openTelemetry({ figures: true }), text, more)
  ticks = 0
  await heard.run({})
  // A start and an end, of the call and of the run.
  expect(ticks - alone).toBe(4)
  await heard.close()
})

test("what is not sampled is counted, makes no span, and tells so to whom it asks", async () => {
  const before = collector.spans().length
  seen.length = 0
  const made = await world(telemetryTo(collector.url, { sampler: { ratio: 0, parent: true } }))
  await made.run(INPUT, PARENT.replace(/01$/, "00"))
  await made.run(INPUT)
  await made.close()
  expect(collector.spans()).toHaveLength(before)
  expect(seen[0]!.traceparent).toBe(PARENT.replace(/01$/, "00"))
  expect(seen.at(-1)!.traceparent).toBeUndefined()
  expect(collector.metrics()["shadowgraph.runs"].sum.dataPoints[0].asDouble).toBe(2)
})
