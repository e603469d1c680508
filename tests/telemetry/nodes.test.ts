// Spans of nodes without an effect: one for each, whatever the compiler made of them; and none of it where nobody traces.
import { afterAll, beforeAll, expect, test } from "bun:test"
import { compile } from "../../compile/mod.ts"
import { Engine, openTelemetry, type TelemetryOptions } from "../../deploy/mod.ts"
import { systemChance } from "../../deploy/services/chance.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { checkFile } from "../../graph/file/mod.ts"
import type { Value } from "../../graph/mod.ts"
import { kindsOf, type Tools } from "../machine/machine.ts"
import { attributes, type Collector, type Json, openCollector } from "./collector.ts"

let collector: Collector
beforeAll(async () => {
  collector = await openCollector()
})
afterAll(() => collector.close())

const ORDER = `graph: order
input: { quantity: number, price: number, codes: "[number]" }
nodes:
  net: { expr: input.quantity * input.price }
  discount: { expr: "net > 100 ? net * 0.1 : 0.0" }
  tax: { expr: (net - discount) * 0.19 }
  rounded: { pure: round, with: { n: "\${ net - discount + tax }" }, output: number }
  later: { pure: later, with: { n: "\${ rounded }" }, output: number }
  each:
    map: input.codes
    as: code
    do:
      nodes:
        looked: { read: look, with: { n: "\${ code }" }, output: number }
        twice: { expr: looked * 2 + net }
      output: twice
  sort:
    when: later > 10
    then: { expr: "'much'" }
    else: { expr: "'little'" }
output: { total: later, each: each, sort: sort }
`
const TOOLS: Tools = {
  round: ({ n }) => Math.round(n),
  later: async ({ n }) => {
    await new Promise((wake) => setTimeout(wake, 5))
    return n
  },
  look: ({ n }) => n + 1,
}

/** Spans of one run, by path, in the order in which they came; and what it came to. */
async function traced(text: string, input: Value, tools: Tools, more: Partial<TelemetryOptions> = {}) {
  const before = collector.spans().length
  const kinds = kindsOf(tools)
  const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry: kinds })
  if (checked === undefined) throw new RangeError(problems.map((p) => p.message).join("\n"))
  const telemetry = openTelemetry({ traces: { url: `${collector.url}/v1/traces` }, ...more })
  const services = { clock: systemClock, chance: systemChance }
  const { bytes } = compile(checked)
  const once = async (observe?: typeof telemetry) => {
    const engine = new Engine({ registry: kinds, services, ...(observe ? { observe } : {}) })
    const { outcome, trace } = await (await engine.prepare(bytes, { grants: checked.needs })).run(input)
    await engine.close()
    return { outcome, trace }
  }
  const came = await once(telemetry)
  await telemetry.close()
  // What a run comes to is the same when nobody looks.
  const alone = await once()
  expect([came.outcome.ok, came.trace]).toEqual([alone.outcome.ok, alone.trace])
  if (came.outcome.ok) expect(alone.outcome).toEqual(came.outcome as never)
  const spans = collector.spans().slice(before)
  const run = spans.find((s) => s.name.startsWith("run "))
  const told = spans.map((s): Json => ({ ...attributes(s.attributes), span: s }))
  return { ...came, run, nodes: told.filter((a) => a["shadowgraph.node.path"] !== undefined) }
}

const pathsOf = (nodes: readonly Json[]): readonly string[] => nodes.map((a) => a["shadowgraph.node.path"]).sort()

test("each node has one, below the run's: fused, called, awaited, in a body, and the bodies themselves", async () => {
  const { run, nodes, outcome } = await traced(ORDER, { quantity: 3, price: 50, codes: [1, 2] }, TOOLS)
  expect(outcome).toEqual({ ok: true, value: { total: 161, each: [154, 156], sort: "much" } })
  for (const { span } of nodes) expect([span.parentSpanId, span.traceId]).toEqual([run.spanId, run.traceId])
  const byPath = Object.fromEntries(nodes.map((a) => [a["shadowgraph.node.path"], a]))
  for (const path of ["net", "discount", "tax"])
    expect(byPath[path]).toMatchObject({
      "shadowgraph.node.kind": "expr",
      "shadowgraph.effect": "pure",
      "shadowgraph.outcome": "ok",
    })
  for (const path of ["rounded", "later"]) expect(byPath[path]).toMatchObject({ "shadowgraph.node.kind": "pure" })
  const ms = ({ span }: Json) => Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6
  expect(ms(byPath["later"])).toBeGreaterThan(3)
  expect(byPath["later"].span.kind).toBe(1)
  expect(byPath["each[1].do.looked"]).toMatchObject({ "shadowgraph.effect": "read", "shadowgraph.attempts": 1 })
  expect(pathsOf(nodes).filter((path) => path.startsWith("each"))).toEqual([
    "each",
    "each[0].do.looked",
    "each[0].do.twice",
    "each[1].do.looked",
    "each[1].do.twice",
  ])
  expect(byPath["each"]).toMatchObject({ "shadowgraph.node.kind": "map" })
  expect(byPath["each[0].do.twice"].span.name).toBe("expr each.do.twice")
})

test("one that fails says with what code, and one that waits when the run ends that it was not finished", async () => {
  const text = `graph: fails
input: { at: number }
nodes:
  fine: { expr: input.at + 1 }
  slow: { pure: never, with: { n: "\${ fine }" }, output: number }
  wrong: { expr: "[1, 2][input.at]" }
output: [slow, wrong]
`
  const { nodes, run } = await traced(text, { at: 7 }, { never: () => new Promise(() => {}) })
  const outcomes = Object.fromEntries(
    nodes.map((a) => [a["shadowgraph.node.path"], [a["shadowgraph.outcome"], a["error.type"]]]),
  )
  const { message } = run.status
  expect(outcomes["fine"]).toEqual(["ok", undefined])
  expect(outcomes["wrong"]).toEqual(["failed", message])
  if (outcomes["slow"] !== undefined) expect(outcomes["slow"]).toEqual(["unfinished", undefined])
})

test("a loop has 1,000 of them; how many there were beyond that stands on the run's", async () => {
  const text = `graph: counts
nodes:
  c: { loop: 0, while: state < 1500, max: 2000, do: { nodes: { n: { pure: next, with: { n: "\${ state }" }, output: number } }, output: n } }
output: c
`
  const { nodes, run, outcome } = await traced(text, {}, { next: ({ n }) => n + 1 }, { limits: { queueMax: 5_000 } })
  expect(outcome).toEqual({ ok: true, value: 1500 })
  expect(nodes).toHaveLength(1_000)
  expect(attributes(run.attributes)["shadowgraph.nodes.untold"]).toBeGreaterThanOrEqual(501)
})

test("none where they are not wanted, and none where the run is not sampled", async () => {
  const input = { quantity: 1, price: 1, codes: [1] }
  const { nodes } = await traced(ORDER, input, TOOLS, { nodes: false })
  expect(pathsOf(nodes)).toEqual(["each[0].do.looked"])
  const silent = await traced(ORDER, input, TOOLS, { sampler: { ratio: 0, parent: true } })
  expect(silent.nodes).toEqual([])
})

test("figures alone leave a run on the quick way: its clock is asked for the run and the calls", async () => {
  let ticks = 0
  const tick = () => {
    ticks++
    return systemClock.tick()
  }
  const kinds = kindsOf({})
  const text = `graph: chain\ninput: { n: number }\nnodes:\n  a: { expr: input.n + 1 }\n  b: { expr: a * 2 }\noutput: b\n`
  const { checked } = checkFile({ file: "chain.graph.yaml", text }, { registry: kinds })
  const ticked = async (observe?: ReturnType<typeof openTelemetry>) => {
    const services = { clock: { ...systemClock, tick }, chance: systemChance }
    const engine = new Engine({ registry: kinds, services, ...(observe ? { observe } : {}) })
    const ready = await engine.prepare(compile(checked!).bytes, { grants: [] })
    ticks = 0
    await ready.run({ n: 1 })
    const asked = ticks
    await engine.close()
    return asked
  }
  const alone = await ticked()
  expect((await ticked(openTelemetry({ figures: true }))) - alone).toBe(2)
})
