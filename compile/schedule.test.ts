// The order of a scope's units: a topological one, led by the longest way to the end, the author's order among equals. Held
// against a plain recursive computation of the longest way.
import { describe, expect, test } from "bun:test"
import { changesOf, checkedOf, compiledOf, type Sample } from "../tests/machine/passes.ts"
import { fuse, type Unit } from "./fuse.ts"
import { resolve } from "./resolve.ts"
import { schedule } from "./schedule.ts"
import { split } from "./split.ts"

const unitsOf = (sample: Sample): Unit[] => {
  const mid = resolve(checkedOf(sample))
  split.run(mid)
  return fuse(mid.body)
}
const tools = { look: () => 1, f: () => 1 }
const placed = (order: readonly Unit[]) => order.flatMap((u) => (u.block ? [] : [u.ops[0]!.name]))

describe("schedule", () => {
  test("what the longest way to the end leads through comes first, wherever it was written", () => {
    const text = `graph: paths
input: { n: number }
nodes:
  short: { read: look, on: a, output: number }
  one: { read: look, on: b, output: number }
  two: { read: look, on: c, with: { n: "\${ one }" }, output: number }
  three: { read: look, on: d, with: { n: "\${ two }" }, output: number }
output: short + three
`
    expect(placed(schedule(unitsOf({ text, tools })))).toEqual(["one", "two", "short", "three"])
    expect(changesOf(compiledOf({ text, tools }), "schedule")[0]).toMatch(
      /^one: is looked at \d+ places? earlier than written: the longest way to the end leads through it$/,
    )
  })

  test("a way through effects weighs more than one through as many pure calls", () => {
    const text = `graph: weights
input: { n: number }
nodes:
  p1: { pure: f, with: { n: "\${ input.n }" }, output: number }
  r1: { read: look, on: a, with: { n: "\${ input.n }" }, output: number }
  p2: { pure: f, with: { n: "\${ p1 }" }, output: number }
  p3: { pure: f, with: { n: "\${ p2 }" }, output: number }
output: p3 + r1
`
    expect(placed(schedule(unitsOf({ text, tools })))[0]).toBe("r1")
  })

  test("equals keep the author's order", () => {
    const lines = ["d", "b", "a", "c"].map((x) => `  ${x}: { read: look, on: ${x}, output: number }\n`)
    const text = `graph: equals\ninput: { n: number }\nnodes:\n${lines.join("")}output: a + b + c + d\n`
    expect(placed(schedule(unitsOf({ text, tools })))).toEqual(["d", "b", "a", "c"])
    expect(changesOf(compiledOf({ text, tools }), "schedule")).toEqual([])
  })

  test("on random graphs: topological, and at each place a ready unit of the longest way", () => {
    let state = 7
    const below = (n: number) => {
      state = (state * 48_271) % 2_147_483_647
      return state % n
    }
    for (let round = 0; round < 30; round++) {
      const size = 3 + below(25)
      const nodes = Array.from({ length: size }, (_, i) => {
        const uses = [...new Set(Array.from({ length: below(3) }, () => below(i + 1)))].filter((k) => k < i)
        const terms = ["input.n", ...uses.map((k) => `n${k}`)].join(" + ")
        return below(2) === 0
          ? `  n${i}: { expr: ${terms} }`
          : `  n${i}: { read: look, on: r${i}, with: { n: "\${ ${terms} }" }, output: number }`
      })
      const all = Array.from({ length: size }, (_, i) => `n${i}`).join(" + ")
      const units = unitsOf({
        text: `graph: random\ninput: { n: number }\nnodes:\n${nodes.join("\n")}\noutput: ${all}\n`,
        tools,
      })
      const order = schedule(units)
      expect(order.length).toBe(units.length)
      const cost = (u: Unit) => (u.block ? 0.001 * u.ops.length : 10)
      const rest = (u: Unit): number =>
        cost(u) + Math.max(0, ...units.filter((next) => next.deps.has(u)).map((next) => rest(next)))
      const done = new Set<Unit>()
      for (const u of order) {
        const ready = units.filter((x) => !done.has(x) && [...x.deps].every((d) => done.has(d)))
        expect(ready).toContain(u)
        expect(Math.max(...ready.map(rest)) - rest(u)).toBeLessThan(1e-9)
        done.add(u)
      }
    }
  })
})
