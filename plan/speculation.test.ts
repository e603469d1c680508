/** What a plan says about looking ahead: where guesses are possible, what they take back, what waits for certainty. */
import { expect, test } from "bun:test"
import { compiledOf } from "../tests/machine/passes.ts"
import { marksOf } from "./speculation.ts"
import { disasm } from "./text.ts"

const text = `graph: g
input: { x: number }
nodes:
  a: { read: f, on: "at:a", with: { n: "\${ input.x }" }, output: number }
  b: { read: f, on: "at:b", with: { n: "\${ a + 1 }" }, output: number, speculate: true }
  all: { map: "[b, 2]", as: m, do: { read: f, on: "at:m", with: { n: "\${ m }" }, output: number, speculate: true } }
  w: { write: w, with: { n: "\${ all.sum() }" }, output: number }
  last: { read: f, on: "at:last", with: { n: "\${ w }" }, output: number }
output: "[last, b]"
`
const sample = { text, tools: {} }

test("guesses, what is done again after a wrong one, what may be called early, and what waits", () => {
  const { plan } = compiledOf(sample)
  const marks = marksOf(plan)!
  const named = plan.scopes[0]!.steps.map((step, s) => [step.op[0], marks[0]![s]!] as const)
  const of = (i: number) => named.filter(([op]) => op === "invoke" || op === "map")[i]![1]
  const [a, b, all, w, last] = [0, 1, 2, 3, 4].map(of)
  expect([a, b, all, w, last].map((m) => [m!.guess, m!.early, m!.waits.length > 0])).toEqual([
    [true, false, false],
    [true, true, false],
    // The list itself is nobody's answer; nothing after it may be called early.
    [false, false, false],
    [false, false, true],
    // Nothing that comes after it may be called early.
    [false, false, false],
  ])
  // What a write waits for is never done on a guess, so it is never done again.
  const write = named.findIndex(([, m]) => m === w)
  expect(a!.again.every((t) => t < write)).toBe(true)
})

test("in the plan's text, where a read is marked, and nowhere else", () => {
  const { plan, hash } = compiledOf(sample)
  const lines = disasm(plan, hash).split("\n")
  expect(lines.find((line) => line.includes("at:a "))).toMatch(/guess ↺ b1 e1 b2 e2 b3$/)
  expect(lines.find((line) => line.includes("at:b "))).toMatch(/speculate {3}guess ↺ /)
  expect(lines.find((line) => line.includes(" write "))).toMatch(/certain e0 e1/)
  const bare = compiledOf({ ...sample, text: text.replaceAll(", speculate: true", "") })
  expect(marksOf(bare.plan)).toBeUndefined()
  expect(disasm(bare.plan, bare.hash)).not.toContain("guess")
})
