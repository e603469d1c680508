/** One graph, written in a file and built in TypeScript: one hash. And what is no part of it: names, order, wording. */
import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import { sample } from "../tests/kinds.ts"
import { bool, fold, graph, map, match, num, sum, when } from "./build/mod.ts"
import { check } from "./check.ts"
import { checkFile } from "./check-file.ts"
import { printGraph } from "./file/print.ts"

const Line = v.object({ weight: v.number(), distance: v.number() })
const lineCost = graph("line_cost", { input: Line }, (line) => num`${line.weight} * 0.4 + ${line.distance} * 0.12`)
const built = graph(
  "quote",
  { input: { lines: v.array(Line), mode: v.picklist(["a", "b"]), margin: v.optional(v.number(), 1.2) } },
  function* (input) {
    const cost = yield* map("cost", input.lines, lineCost, { parallel: 16 })
    const total = yield* when(
      "total",
      bool`${sum(cost)} > 1`,
      () => 0,
      () => num`${sum(cost)} * ${input.margin}`,
    )
    const weight = yield* fold("weight", input.lines, 0, (acc, line) => num`${acc} + ${line.weight}`)
    const factor = yield* match("factor", input.mode, { a: () => 1, b: () => 2 })
    return { total, weight, factor, cost }
  },
)
const files: Record<string, string> = {
  "quote.graph.yaml": `
graph: quote
about: The same, in a file.
types:
  Line: { distance: number, weight: number }
input: { lines: [Line], mode: b | a, margin: number = 1.2 }
nodes:
  factor: { switch: input.mode, cases: { b: { expr: 2 }, a: { expr: 1 } } }
  weight: { fold: input.lines, from: 0, do: { expr: acc + item.weight } }
  total:
    when: cost.sum() > 1
    then: { expr: 0 }
    else: { expr: cost.sum() * input.margin }
  cost:
    map: input.lines
    parallel: 16
    do: { graph: ./line.yaml, with: "\${ item }" }
output: { total: total, weight: weight, factor: factor, cost: cost }
`,
  "./line.yaml": `
graph: line_cost
input: { weight: number, distance: number }
nodes: {}
output: input.weight * 0.4 + input.distance * 0.12
`,
}
const load = (path: string) => {
  const text = files[path]
  return text === undefined ? { problem: "there is no such file" } : { file: path, text }
}
const hashOf = (text: string, options = { registry: sample, load }) => {
  const { checked, problems } = checkFile({ file: "g.yaml", text }, options)
  expect(problems.filter((p) => p.severity === "error")).toEqual([])
  return checked!.hash
}

describe("the hash of a graph", () => {
  test("is the same for a file and for the TypeScript builder", () => {
    const { checked, problems } = check(built.ir, { registry: sample })
    expect(problems).toEqual([])
    expect(hashOf(files["quote.graph.yaml"]!)).toBe(checked!.hash)
  })

  test("a graph built in TypeScript prints as a file with that hash", () => {
    const printed = (path: string) =>
      path === "./line_cost.graph.yaml" ? { file: path, text: printGraph(lineCost.ir, sample) } : { problem: "no" }
    const { checked } = check(built.ir, { registry: sample })
    expect(hashOf(printGraph(built.ir, sample), { registry: sample, load: printed })).toBe(checked!.hash)
  })

  const base =
    "graph: g\ninput: { x: number }\nnodes:\n  a: { expr: input.x + 1 }\n  b: { put: box, key: k, with: { text: t } }\noutput: a\n"
  const same: Record<string, string> = {
    "other wording": `graph: g\nabout: Text.\ninput:\n  x: number\nnodes:\n  a:\n    about: More.\n    expr: "input.x  +  1"\n  b:\n    put: box\n    key: "k"\n    with:\n      text: t\noutput: a\n`,
    "another order of nodes": base.replace(/( {2}a: .*\n)( {2}b: .*\n)/, "$2$1"),
    "a named type": base.replace("input: { x: number }", "types: { N: number }\ninput: { x: N }"),
    "needs that are stated": base.replace("nodes:", "needs: [shelf:box]\nnodes:"),
    "an output type that is what it is anyway": base.replace("output: a", "returns: number\noutput: a"),
  }
  for (const [what, text] of Object.entries(same)) {
    test(`does not change with ${what}`, () => expect(hashOf(text)).toBe(hashOf(base)))
  }
  const other: Record<string, string> = {
    "a constant": base.replace("+ 1", "+ 2"),
    "an input type": base.replace("x: number", "x: number = 1"),
    "a resource": base.replace("put: box", "put: other"),
    "an order of effects": base.replace("with: { text: t }", "with: { text: t }, after: a"),
    "a retry": base.replace("with: { text: t }", "with: { text: t }, retry: 1"),
    "a node's name": base.replace("  b:", "  c:"),
    "an output type": base.replace("expr: input.x + 1 }", "expr: input.x + 1, output: number | string }"),
  }
  for (const [what, text] of Object.entries(other)) {
    test(`changes with ${what}`, () => {
      expect(text).not.toBe(base)
      expect(hashOf(text)).not.toBe(hashOf(base))
    })
  }
})
