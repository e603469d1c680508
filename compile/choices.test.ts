// What lowering tells of its choices: every message names a place of the graph and a reason, and says what the plan is.
import { expect, test } from "bun:test"
import { changesOf, compiledOf, type Sample } from "../tests/machine/passes.ts"

const SAMPLE: Sample = {
  text: `graph: told
input: { n: number }
nodes:
  quick: { read: look, on: a, output: number }
  first: { read: look, on: b, output: number }
  second: { read: look, on: c, with: { n: "\${ first + 1 }" }, output: number }
  each:
    map: "[1, 2]"
    as: x
    do: { nodes: { p: { expr: x + 1 }, q: { expr: p * p } }, output: q + input.n }
output: quick + second + each.sum()
`,
  tools: { look: () => 1 },
}

test("blocks, order and slots are said by the place of their nodes, with the reason", () => {
  const compiled = compiledOf(SAMPLE)
  const said = (name: string) => changesOf(compiled, name)
  expect(said("fuse")).toContain(
    "each.do.p: runs as one block with each.do.q, do: they become ready at the same moment",
  )
  expect(said("schedule").some((line) => line.startsWith("first: is looked at "))).toBe(true)
  for (const line of [...said("fuse"), ...said("schedule")])
    expect(line).toMatch(/^[a-z_.]+( \(its arguments\))?: .*: (they|the longest)/)
})

test("the slots that are said are those of the plan", () => {
  const compiled = compiledOf(SAMPLE)
  const said = changesOf(compiled, "slots")
  expect(said.length).toBe(compiled.plan.scopes.length)
  compiled.plan.scopes.forEach((scope, i) => {
    expect(said[i]).toStartWith(i === 0 ? "the graph: " : `scope ${i}: `)
    expect(said[i]).toMatch(new RegExp(`\\d+ values?, with parameters and parts, in ${scope.slots} slots`))
  })
})
