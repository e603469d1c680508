// Three hundred seeded worlds; `npm run sim` lives through ten thousand. Whatever fails in them: no effect happens twice,
// none is lost, the ledger holds, nothing ungranted is called, and every run ends.
import { describe, expect, test } from "bun:test"
import { live, scenarioOf } from "./live.ts"
import { FAULTS, type Fault, type Strike } from "./world.ts"

const SEEDS = 300
const PART = 50

for (let from = 0; from < SEEDS; from += PART) {
  test(`worlds ${from} to ${from + PART - 1}`, async () => {
    const wrong: string[] = []
    let taken = 0
    let undone = 0
    const guesses = { kept: 0, wrong: 0 }
    for (let i = from; i < from + PART; i++) {
      const lived = await live(scenarioOf(`test ${i}`))
      taken += lived.processes - 1
      undone += lived.undone
      guesses.kept += lived.guesses.kept
      guesses.wrong += lived.guesses.wrong
      wrong.push(...lived.wrong.map((w) => `test ${i}: ${w}`))
    }
    expect(wrong).toEqual([])
    // They are worth something: processes did die.
    expect(taken).toBeGreaterThan(3)
    expect(undone).toBeGreaterThan(3)
    expect(guesses.kept).toBeGreaterThan(3)
    expect(guesses.wrong).toBeGreaterThan(3)
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
        const { wrong } = await live({
          seed: fault,
          nodes,
          inputs: [1],
          strikes,
          withheld: undefined,
          undo: "never",
          ahead: false,
        })
        expect(wrong.map((w) => `${at}: ${w}`)).toEqual([])
      }
    }, 120_000)
  }
})

describe("one fault at every operation of one small world that looks ahead", () => {
  const nodes = [
    'n0: { look: "input.n", timeout: 1s }',
    'n1: { look: "n0", timeout: 1s, speculate: true }',
    'n2: { look: "n1 + n0", timeout: 1s, speculate: true }',
    'n3: { send: "n2", timeout: 1s, after: n2 }',
    'n4: { look: "n1 + 3", timeout: 1s, speculate: true, after: n3 }',
  ]
  for (const fault of FAULTS) {
    test(fault, async () => {
      let guessed = 0
      for (let at = 0; at < 24; at++) {
        const strikes: Strike[] = [{ at, fault }]
        const seed = `${fault} ${at}`
        const { wrong, guesses } = await live({
          ...{ seed, nodes, inputs: [1], strikes, withheld: undefined },
          ...{ undo: "never", ahead: true },
        })
        expect(wrong.map((w) => `${at}: ${w}`)).toEqual([])
        guessed += guesses.kept + guesses.wrong
      }
      expect(guessed).toBeGreaterThan(3)
    }, 120_000)
  }
})

test("somebody ends a run at every operation of one small world, whatever else goes wrong", async () => {
  const nodes = [
    'n0: { send: "input.n", timeout: 1s, undo: { send: "-1 - out", timeout: 1s } }',
    'n1: { ask: "Go on?", output: boolean, within: 3d, after: n0 }',
    'n2: { post: "n1 ? 1 : 2", timeout: 1s, after: n0, undo: { post: "-1 - args.post", timeout: 1s } }',
    // 36 is what no tool can deal with.
    'n3: { send: "n2 + 34", timeout: 1s, after: n2 }',
  ]
  let stopped = 0
  let rivals = 0
  for (const undo of ["never", "on failure", "asked"] as const)
    for (const fault of [undefined, "tool slow", "tool silent", "killed after"] as const)
      for (let at = 0; at < 36; at += fault === undefined ? 1 : 4) {
        const strikes: Strike[] = fault === undefined ? [] : [{ at: at - 1, fault }]
        const stops = [{ at, run: "run-0" }]
        const scenario = {
          seed: `${undo} ${fault}`,
          nodes,
          inputs: [1],
          strikes,
          withheld: undefined,
          undo,
          ahead: false,
        }
        const lived = await live({ ...scenario, stops, rivals: true, redacts: at % 5 === 0 })
        expect(lived.wrong.map((w) => `${undo} ${fault} ${at}: ${w}`)).toEqual([])
        stopped += lived.stopped
        rivals += lived.rivals
      }
  expect(stopped).toBeGreaterThan(90)
  expect(rivals).toBeGreaterThan(2)
}, 240_000)

describe("one fault at every operation of one small world that is undone", () => {
  const nodes = [
    'n0: { send: "input.n", timeout: 1s, undo: { send: "-1 - out", timeout: 1s } }',
    'n1: { post: "n0", timeout: 1s, after: n0, undo: { post: "-1 - args.post", timeout: 1s } }',
    // 36 is what no tool can deal with.
    'n2: { send: "n1 + 33", timeout: 1s, after: n1 }',
  ]
  const hard: readonly Fault[] = ["killed before", "killed after", "disk silent", "tool silent", "tool twice"]
  for (const undo of ["on failure", "asked"] as const)
    for (const fault of undo === "asked" ? hard : FAULTS) {
      test(`${undo}: ${fault}`, async () => {
        for (let at = 0; at < 32; at++) {
          const strikes: Strike[] = [{ at, fault }]
          const lived = await live({
            seed: fault,
            nodes,
            inputs: [1],
            strikes,
            withheld: undefined,
            undo,
            ahead: false,
          })
          expect(lived.wrong.map((w) => `${at}: ${w}`)).toEqual([])
          // One whose answer does not count ends the run earlier, and so does one that never got there.
          if (fault !== "tool lies" && fault !== "tool down") expect([at, lived.undone]).toEqual([at, 2])
        }
      }, 120_000)
    }
})
