/** Files made to break their reader: refused quickly, by name, with nothing thrown. */
import { describe, expect, test } from "bun:test"
import { hostileFiles } from "../tests/hostile/files.ts"
import { sample } from "../tests/kinds.ts"
import { check } from "./check.ts"
import { checkFile } from "./check-file.ts"
import { FILE_LENGTH_MAX } from "./file/read.ts"
import type { Graph, Node, Scope } from "./ir.ts"
import { T, type Type } from "./type.ts"

/** Milliseconds that a test on a crowded machine may take. */
const SLOW = 240_000

const run = (text: string, file = "a.graph.yaml") => checkFile({ file, text }, { registry: sample })
const codes = (text: string, file?: string) => [...new Set(run(text, file).problems.map((p) => p.code))]

describe("files made to break their reader", () => {
  test(
    "10,000 mutants of the corpus",
    () => {
      const { mutants, accepted, crashes } = hostileFiles(10_000)
      expect(crashes).toEqual([])
      expect(mutants).toBe(10_000)
      expect(accepted).toBeGreaterThan(300)
    },
    SLOW,
  )

  test("50 MB are refused by name, unread", () => {
    const { problems } = run("x".repeat(50_000_000))
    expect(problems.map((p) => p.message)).toEqual(["The file has 50 MB; a graph file may have 20 MB."])
    expect(FILE_LENGTH_MAX).toBe(20_000_000)
  })

  for (const [name, open, close] of [
    ["lists", "[", "]"],
    ["mappings", "{a: ", "}"],
    ["sequences in one line", "- ", ""],
    ["explicit keys", "? ", ""],
  ] as const) {
    for (const depth of [10_000, 100_000]) {
      test(`${depth} nested ${name}`, () => {
        expect(codes(`a: \n  ${open.repeat(depth)}x${close.repeat(depth)}`)).toEqual(["G006"])
      })
    }
  }

  test("10,000 nested lists of JSON", () => {
    expect(codes("[".repeat(10_000) + "]".repeat(10_000), "a.json")).toEqual(["G006"])
  })

  test("words of JavaScript where an operator should stand", () => {
    for (const word of ["__proto__", "constructor", "toString"]) {
      const { problems } = run(`graph: g\nnodes:\n  a: { expr: 1 ${word} 2 }\noutput: a\n`)
      expect(problems.map((p) => [p.code, typeof (p.fix ?? "")])).toEqual([["G103", "string"]])
    }
  })

  test("an anchor bomb", () => {
    let text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for (let i = 1; i < 30; i++) text += `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]\n`
    expect(codes(text)).toEqual(["G008"])
  })

  test(
    "100,000 nodes: read and checked, in the order that they wait",
    () => {
      const n = 100_000
      const lines = Array.from({ length: n }, (_, i) => `  n${i}: { expr: ${i + 1 < n ? `n${i + 1} + 1` : "1"} }`)
      const { checked, problems } = run(`graph: big\nnodes:\n${lines.join("\n")}\noutput: n0\n`)
      expect(problems).toEqual([])
      expect(checked!.scopes.get(checked!.graph.body)!.order[0]!.name).toBe(`n${n - 1}`)
    },
    SLOW,
  )

  test(
    "a circle of 100,000 nodes",
    () => {
      const n = 100_000
      const nodes = Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, { expr: `n${(i + 1) % n}` }]))
      const { problems } = run(JSON.stringify({ graph: "big", nodes, output: "n0" }), "a.json")
      expect(problems.map((p) => p.code)).toEqual(["G007"])
      expect(problems[0]!.message.length).toBeLessThan(300)
    },
    SLOW,
  )

  test(
    "100,000 writes without an order, and with one",
    () => {
      const n = 100_000
      const file = (after: boolean) => {
        const put = (i: number) => ({
          put: "box",
          key: "k",
          with: { text: "x" },
          ...(after && i > 0 ? { after: `n${i - 1}` } : {}),
        })
        const nodes = Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, put(i)]))
        return run(JSON.stringify({ graph: "big", nodes, output: "1" }), "a.json")
      }
      expect(file(false).problems.length).toBe(n - 1)
      expect(file(true).problems).toEqual([])
    },
    SLOW,
  )

  test(
    "folds in folds: the search for the type of what goes round stays bounded",
    () => {
      let body = "{ expr: acc0 }"
      for (let i = 40; i >= 0; i--) body = `{ fold: "[1]", from: [], into: acc${i}, as: item${i}, do: ${body} }`
      expect(run(`graph: g\nnodes:\n  a: ${body}\noutput: a\n`).problems.every((p) => p.message.length < 2000)).toBe(
        true,
      )
    },
    SLOW,
  )

  test("subgraphs that double at every level are counted, not unfolded", () => {
    const file = (i: number) =>
      i === 0
        ? "graph: g0\nnodes: { a: { expr: 1 } }\noutput: a\n"
        : `graph: g${i}\nnodes:\n  a: { graph: g${i - 1} }\n  b: { graph: g${i - 1} }\noutput: a + b\n`
    const { problems } = checkFile(
      { file: "g40", text: file(40) },
      { registry: sample, load: (path) => ({ file: path, text: file(Number(path.slice(1))) }) },
    )
    expect([...new Set(problems.map((p) => p.code))]).toEqual(["G006"])
  })
})

describe("graphs made to break their checker, without a file", () => {
  const node = (name: string, more: Partial<Node> = {}): Node => ({
    name,
    kind: "expr",
    config: {},
    args: { op: "const", value: 1 },
    scopes: {},
    settings: {},
    ...more,
  })
  const graph = (nodes: readonly Node[], more: Partial<Graph> = {}): Graph => ({
    name: "g",
    types: {},
    input: T.record({}) as Graph["input"],
    resources: {},
    body: { params: [], nodes, output: { op: "const", value: 1 } },
    ...more,
  })
  const problems = (g: Graph) => check(g, { registry: sample }).problems.map((p) => `${p.code} ${p.path}`)

  test("a scope that holds itself", () => {
    const nodes: Node[] = []
    const scope: Scope = { name: "then", params: [], nodes, output: { op: "const", value: 1 } }
    nodes.push(node("a", { kind: "when", scopes: { then: scope, else: scope } }))
    expect(problems(graph(nodes))).toEqual(["G006 "])
  })

  test("one node object at two places", () => {
    const twice = node("a")
    const body: Scope = { name: "do", params: ["item"], nodes: [twice], output: { op: "ref", name: "a" } }
    const map = node("b", { kind: "map", args: { op: "list", items: [] }, scopes: { do: body } })
    const found = problems(
      graph([map, node("c", { kind: "map", args: { op: "list", items: [] }, scopes: { do: body } })]),
    )
    expect(found).toEqual(["G003 nodes.c.do.nodes.a"])
  })

  test("names and constants that are none", () => {
    expect(problems(graph([node("__proto__")]))).toEqual(["G004 nodes.__proto__"])
    expect(problems(graph([node("a", { config: { f: (() => 1) as never } })]))).toEqual(["G008 "])
    expect(problems(graph([node("a", { kind: "toString" })]))).toEqual(["G201 nodes.a"])
    expect(problems(graph([node("a", { kind: "map" })]))).toEqual(["G101 nodes.a.map", "G005 nodes.a"])
  })

  test("an expression too deep, a type too large", () => {
    let args: Node["args"] = { op: "const", value: true }
    for (let i = 0; i < 100_000; i++) args = { op: "call", fn: "!", args: [args] }
    expect(problems(graph([node("a", { args })]))).toEqual(["G006 nodes.a.expr"])
    let shared: Node["args"] = { op: "ref", name: "input" }
    for (let i = 0; i < 60; i++) shared = { op: "list", items: [shared, shared] }
    expect(problems(graph([node("a", { args: shared })]))).toEqual(["G006 nodes.a.expr"])
    let type: Type = T.number
    for (let i = 0; i < 40; i++) type = T.record({ a: type, b: type })
    expect(problems(graph([node("a", { output: type })]))).toContain("G006 nodes.a.output")
  })
})
