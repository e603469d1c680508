// Guesses on spans: what was called ahead, what became of the guess, and what was called in vain.
import { expect, test } from "bun:test"
import { compile } from "../../compile/mod.ts"
import { Engine, openTelemetry } from "../../deploy/mod.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { kindsOf } from "../machine/machine.ts"
import { sure, TestShadow } from "../machine/shadows.ts"
import { attributes, openCollector } from "./collector.ts"

const text = `graph: g
input: { x: number }
nodes:
  a: { read: f, on: "at:a", with: { n: "\${ input.x }" }, output: number }
  b: { read: f, on: "at:b", with: { n: "\${ a }" }, output: number, speculate: true }
output: b
`

async function watched(guess: (n: number) => number) {
  const collector = await openCollector()
  const telemetry = openTelemetry({
    traces: { url: `${collector.url}/v1/traces` },
    metrics: { url: `${collector.url}/v1/metrics` },
  })
  const f = async ({ n }: { readonly n: number }) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return n + 1
  }
  const kinds = kindsOf({ f })
  const { checked } = checkFile({ file: "g.graph.yaml", text }, { registry: kinds })
  const shadows = { of: () => new TestShadow((args) => sure(guess((args as { n: number }).n))) }
  const services = { clock: systemClock, chance: { next: () => 0.5, bytes: (n: number) => new Uint8Array(n) }, shadows }
  const engine = new Engine({ registry: kinds, services, speculate: {}, observe: telemetry })
  const ready = await engine.prepare(compile(checked!).bytes, { grants: checked!.needs })
  const { outcome } = await ready.run({ x: 1 })
  await engine.close()
  await telemetry.close()
  await collector.close()
  const calls = collector.spans().map((s) => attributes(s.attributes))
  const of = (path: string) => calls.filter((a) => a["shadowgraph.node.path"] === path)
  const verdicts = collector.metrics()["shadowgraph.guesses"].sum.dataPoints
  return { outcome, of, verdicts: Object.values(attributes(verdicts[0].attributes)) }
}

test("a guess that was kept stands on the call's span, and the call after it was made ahead", async () => {
  const { outcome, of, verdicts } = await watched((n) => n + 1)
  expect(outcome).toEqual({ ok: true, value: 3 })
  expect(of("a")).toMatchObject([
    { "shadowgraph.guess": "kept", "shadowgraph.guess.alpha": 0.01, "shadowgraph.outcome": "ok" },
  ])
  expect(of("b")).toMatchObject([{ "shadowgraph.ahead": true, "shadowgraph.outcome": "ok", "shadowgraph.attempts": 1 }])
  expect(verdicts).toEqual(["kept"])
})

test("one that was wrong: what rested on it is told as discarded, and called again", async () => {
  const { outcome, of, verdicts } = await watched((n) => n + 7)
  expect(outcome).toEqual({ ok: true, value: 3 })
  expect(of("a")).toMatchObject([{ "shadowgraph.guess": "wrong", "shadowgraph.outcome": "ok" }])
  expect(of("b").map((a) => [a["shadowgraph.ahead"], a["shadowgraph.outcome"]])).toEqual([
    [true, "discarded"],
    [undefined, "ok"],
  ])
  expect(verdicts).toEqual(["wrong"])
})
