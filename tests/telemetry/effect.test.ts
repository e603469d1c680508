// Runs inside programs of Effect that trace: their spans are children of the program's, made with its own tracer.
import { expect, test } from "bun:test"
import { Effect, Tracer } from "effect"
import * as v from "valibot"
import { openTelemetry } from "../../deploy/mod.ts"
import { fn, graph, runner } from "../../mod.ts"
import { openCollector } from "./collector.ts"

const look = fn("look", { input: { n: v.number() }, output: v.number(), effect: "read" }, ({ n }) => n + 1)
const twice = graph("twice", { input: { n: v.number() } }, function* ({ n }) {
  return yield* look({ n })
})

test("with the program's own tracer, where nothing else is said", async () => {
  const made: Tracer.Span[] = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      made.push(span)
      return span
    },
  })
  const program = runner()(twice, { n: 1 }).pipe(Effect.withSpan("outer"), Effect.withTracer(tracer))
  expect(await Effect.runPromise(program)).toBe(2)
  expect(made.map((s) => s.name)).toEqual(["outer", "run twice", "fn look"])
  const [outer, run, call] = made
  expect(run!.parent).toMatchObject({ value: { spanId: outer!.spanId } })
  expect(call!.parent).toMatchObject({ value: { spanId: run!.spanId } })
  expect(new Set(made.map((s) => s.traceId)).size).toBe(1)
  expect(call!.attributes.get("shadowgraph.outcome")).toBe("ok")
  expect(made.every((s) => s.status._tag === "Ended")).toBe(true)
})

test("to a collector of its own, below the program's span", async () => {
  const collector = await openCollector()
  const telemetry = openTelemetry({ traces: { url: `${collector.url}/v1/traces` } })
  const program = Effect.gen(function* () {
    const span = yield* Effect.currentSpan
    yield* runner({ telemetry })(twice, { n: 1 })
    return span
  }).pipe(Effect.withSpan("outer"))
  const span = await Effect.runPromise(program)
  await telemetry.close()
  expect(collector.spans().map((s) => [s.name, s.traceId])).toEqual([
    ["fn look", span.traceId],
    ["run twice", span.traceId],
  ])
  expect(collector.spans()[1].parentSpanId).toBe(span.spanId)
  await collector.close()
})

test("nowhere, where nothing traces", async () => {
  expect(await Effect.runPromise(runner()(twice, { n: 1 }))).toBe(2)
})
