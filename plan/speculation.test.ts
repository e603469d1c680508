/** What a plan says about looking ahead: where guesses are possible, what they take back, what waits for certainty. */
import { describe, expect, test } from "bun:test"
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

describe("a write waits for what is guessed", () => {
  const certain = (nodes: string, output: string): readonly string[] => {
    const { plan, hash } = compiledOf({
      text: `graph: g\ninput: { x: number }\nnodes:\n${nodes}output: ${output}\n`,
      tools: {},
    })
    return disasm(plan, hash)
      .split("\n")
      .filter((line) => / write +write /.test(line))
      .map((line) => /certain (.*?)(?: {3}|$)/.exec(line)?.[1] ?? "")
  }
  const guessed = (deep: string) => `
${deep}a: { read: f, on: "at:a", with: { n: "\${ m }" }, output: number }
${deep}b: { read: f, on: "at:b", with: { n: "\${ a + 1 }" }, output: number, speculate: true }
`
  const write = (n: string) => `  w: { write: w, with: { n: "\${ ${n} }" }, output: number }\n`
  const map = `  all:\n    map: "[1, 2]"\n    as: m\n    do:\n      nodes:${guessed("        ")}      output: b\n`

  test("inside of a map before it, which nothing after it leads to", () => {
    expect(certain(map + write("all.sum()"), "w")).toEqual(["e0"])
  })

  test("around the body that it is in, and in the rounds before its own", () => {
    const around = guessed("  ").replaceAll("m }", "input.x }")
    const inMap = `  done:\n    map: "[b]"\n    as: i\n    do: { write: w, with: { n: "\${ i }" }, output: number }\n`
    expect(certain(around + inMap, "done")).toEqual(["e0"])
    const fold = `  sum:
    fold: "[1, 2]"
    from: "0"
    as: m
    do:
      nodes:${guessed("        ")}        w: { write: w, with: { n: "\${ b + acc }" }, output: number }
      output: w
`
    expect(certain(fold, "sum")).toEqual(["e0 e1 e2"])
  })
})
