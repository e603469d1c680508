// Three hundred seeded worlds; `npm run sim` lives through ten thousand. Whatever fails in them: no effect happens twice,
// none is lost, the ledger holds, nothing ungranted is called, and every run ends.
import { describe, expect, test } from "bun:test"
import { live, scenarioOf } from "./live.ts"
import { FAULTS, type Strike } from "./world.ts"

const SEEDS = 300
const PART = 50

for (let from = 0; from < SEEDS; from += PART) {
  test(`worlds ${from} to ${from + PART - 1}`, async () => {
    const wrong: string[] = []
    let taken = 0
    for (let i = from; i < from + PART; i++) {
      const lived = await live(scenarioOf(`test ${i}`))
      taken += lived.processes - 1
      wrong.push(...lived.wrong.map((w) => `test ${i}: ${w}`))
    }
    expect(wrong).toEqual([])
    // They are worth something: processes did die.
    expect(taken).toBeGreaterThan(3)
  }, 240_000)
}

describe("one fault at every operation of one small world", () => {
  const nodes = [
    'n0: { look: "input.n", timeout: 1s }',
    'n1: { send: "n0", timeout: 1s }',
    'n2: { post: "n1", timeout: 1s, after: n1 }',
  ]
  for (const fault of FAULTS) {
    test(fault, async () => {
      for (let at = 0; at < 24; at++) {
        const strikes: Strike[] = [{ at, fault }]
        const { wrong } = await live({ seed: fault, nodes, inputs: [1], strikes, withheld: undefined })
        expect(wrong.map((w) => `${at}: ${w}`)).toEqual([])
      }
    }, 120_000)
  }
})
