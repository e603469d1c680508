/** `valid:`: how it is checked, printed and hashed, and what it says of an answer. */
import { describe, expect, test } from "bun:test"
import { sample } from "../tests/kinds.ts"
import { parseCel } from "./cel.ts"
import { check } from "./check.ts"
import { checkFile } from "./check-file.ts"
import { printGraph } from "./file/print.ts"
import { readGraph } from "./file/read.ts"
import type { Graph } from "./ir.ts"
import { printProblemShort } from "./problem.ts"
import { T } from "./type.ts"
import { hashWith, VALID_LEVELS_MAX, VALID_PARTS_MAX, validatorOf, validProblem, validsOf } from "./valid.ts"
import { verdictOf } from "./validator.ts"

const TAKE = "take: box, key: \"'k'\""
const file = (nodes: string, output = "a"): string => `graph: g\nnodes:\n${nodes}\noutput: ${output}\n`
const checked = (text: string, subgraphs: { readonly [file: string]: string } = {}) => {
  const result = checkFile({ file: "g.graph.yaml", text }, {
    registry: sample,
    load: (name: string) => (subgraphs[name] === undefined ? undefined : { file: name, text: subgraphs[name] }),
  } as never)
  return { ...result, said: result.problems.map(printProblemShort) }
}
const expr = (text: string) => {
  const read = parseCel(text)
  if (!("expr" in read)) throw new RangeError(text)
  return read.expr
}

describe("the check", () => {
  const cases: readonly (readonly [valid: string, says: string])[] = [
    ["out == null || out.size() < 100", ""],
    ["out != args.key", ""],
    ["true", ""],
    ["out == null ? 1 : 2", "`valid` is number, wanted boolean"],
    ["args.kez == 'k'", "Write args.key."],
    ["input.x == 1", '"input" is no name in scope. In scope: out, args.'],
    ["a == ''", '"a" is no name in scope'],
    ["out == ", "nodes.a.valid"],
  ]
  for (const [valid, says] of cases) {
    test(valid, () => {
      const { said } = checked(file(`  a: { ${TAKE}, valid: "${valid}" }`))
      if (says === "") expect(said).toEqual([])
      else expect(said.join("\n")).toContain(says)
    })
  }
  test("not on control nodes, and not on a stream", () => {
    expect(checked(file("  a: { expr: 1, valid: out > 0 }")).said.join()).toContain("G207")
    expect(
      checked(file('  b: { lines: "\'x\'", valid: "true" }\n  a: { map: b, do: { expr: item } }')).said.join(),
    ).toContain("A stream is used item by item")
  })
  test("not on a control node of a graph that a program made either", () => {
    const { graph } = checked(file("  a: { expr: 1 }"))
    const [node] = graph!.body.nodes
    const made: Graph = {
      ...graph!,
      body: { ...graph!.body, nodes: [{ ...node!, settings: { valid: expr("true") } }] },
    }
    expect(check(made, { registry: sample }).problems.map((p) => p.code)).toEqual(["G207"])
  })
  test("small enough to be looked at at each call", () => {
    const wide = `[${Array.from({ length: VALID_PARTS_MAX }, () => "1").join(", ")}].size()`
    const deep = `${"(1 + ".repeat(VALID_LEVELS_MAX)}1${")".repeat(VALID_LEVELS_MAX)}`
    for (const [valid, says] of [
      [`${wide} > 0`, "more than 1000 parts"],
      [`${deep} > 0`, "deeper than 64 levels"],
    ] as const) {
      expect(validProblem(expr(valid), T.number, T.unknown)).toContain(says)
      expect(checked(file(`  a: { ${TAKE}, valid: "${valid}" }`)).said.join()).toContain(says)
    }
  })
})

test("a file prints it and reads it back", () => {
  const text = file(`  a: { ${TAKE}, valid: "out == null || out.size() < 100" }`)
  const once = checked(text)
  const printed = printGraph(once.graph!, sample)
  expect(printed).toContain("valid: out == null || out.size() < 100")
  const again = readGraph({ file: "g.graph.yaml", text: printed }, { registry: sample })
  expect(check(again.graph!, { registry: sample }).checked!.hash).toBe(once.checked!.hash)
})

describe("the hash", () => {
  const SUB = file(`  inner: { ${TAKE}, valid: out != 'x' }`, "inner")
  const hashOf = (text: string, sub = SUB) => {
    const { checked: found, said } = checked(text, { "sub.graph.yaml": sub, "./sub.graph.yaml": sub })
    expect(said).toEqual([])
    return found!
  }
  const plain = hashOf(file(`  a: { ${TAKE} }`))

  test("without one is what it always was", () => {
    expect(plain.hash).toBe(plain.core)
    expect(validsOf(plain.graph)).toEqual([])
  })
  test("tells apart: none, one, another one, another node's", () => {
    const two = (a: string, b: string) => hashOf(file(`  a: { ${TAKE}${a} }\n  b: { ${TAKE}${b} }`, "[a, b]"))
    const says = ", valid: out != 'x'"
    const all = [two("", ""), two(says, ""), two("", says), two(says, says), two(", valid: out != 'y'", "")]
    expect(new Set(all.map((g) => g.hash)).size).toBe(5)
    expect(new Set(all.map((g) => g.core)).size).toBe(1)
    for (const g of all) expect(g.hash).toBe(hashWith(g.core, validsOf(g.graph)))
  })
  test("one in a subgraph, a body, a handler is found by its path", () => {
    const g = hashOf(
      file(
        `  a: { graph: ./sub.graph.yaml }
  b: { map: "[1]", do: { ${TAKE}, valid: out != 'b' } }
  c: { map: "[1]", do: { nodes: { n: { ${TAKE}, valid: out != 'c' } }, output: n } }
  d: { expr: "[1][2]", catch: { ${TAKE}, valid: out != 'd' } }
  e: { panel: q, tools: { t: { do: { ${TAKE}, valid: out != 'e' } } } }`,
        "[a, b, c, d, e]",
      ),
    )
    expect(validsOf(g.graph).map((v) => v.path.join("."))).toEqual(["a.inner", "b.do", "c.do.n", "d.catch", "e.t"])
    const other = hashOf(file("  a: { graph: ./sub.graph.yaml }"), file(`  inner: { ${TAKE} }`, "inner"))
    const same = hashOf(file("  a: { graph: ./sub.graph.yaml }"))
    expect(same.core).toBe(other.core)
    expect(same.hash).not.toBe(other.hash)
  })
})

describe("its validator", () => {
  const says = (valid: string, out: unknown, args: unknown = {}) =>
    verdictOf(validatorOf(expr(valid)), out as never, args as never)
  test("holds, or refuses with its own words", () => {
    expect(says("out >= args.least", 3, { least: 2 })).toBeUndefined()
    expect(says("out >= args.least", 1, { least: 2 })).toMatchObject({
      code: "Mismatch",
      message: "The answer was refused by its property validator (out >= args.least): it does not hold",
      data: { path: "", want: "out >= args.least", level: "property" },
    })
  })
  test("one that fails, says something else, or never ends, refuses", () => {
    const list = Array.from({ length: 400 }, (_, i) => i)
    for (const [valid, out] of [
      ["out.a > 1", {}],
      ["out.size()", "x"],
      ["1 / 0 > out.x", 1],
      ["out.all(a, out.all(b, out.all(c, a + b + c >= 0)))", list],
    ] as const) {
      expect(says(valid, out)?.code).toBe("Mismatch")
    }
  })
})
