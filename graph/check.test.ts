/** The checker on whole files: what passes, what is minted, and what is refused. */
import { describe, expect, test } from "bun:test"
import { sample } from "../tests/kinds.ts"
import { check, isChecked, leastNeeds } from "./check.ts"
import { checkFile } from "./check-file.ts"
import { printType } from "./type.ts"

const run = (text: string, files: Record<string, string> = {}) =>
  checkFile(
    { file: "main.graph.yaml", text },
    {
      registry: sample,
      load: (path) => {
        const found = files[path]
        return found === undefined ? { problem: "there is no such file" } : { file: path, text: found }
      },
    },
  )
const codes = (text: string, files: Record<string, string> = {}) =>
  run(text, files).problems.map((p) => `${p.code} ${p.path}`)
const graph = (nodes: string, output = "1", more = "") => `graph: g\n${more}nodes:\n${nodes}\noutput: ${output}\n`

describe("minting", () => {
  test("a checked graph is frozen, and known by this very object", () => {
    const { checked } = run(graph("  a: { expr: 1 }", "a"))
    expect(isChecked(checked)).toBe(true)
    expect(isChecked({ ...checked })).toBe(false)
    expect(Object.isFrozen(checked)).toBe(true)
    expect(Object.isFrozen(checked!.graph.body.nodes[0])).toBe(true)
  })

  test("a graph with parts that could not be read is never minted, not even without its places", () => {
    const { graph: draft, checked } = run(graph("  a: { expr: 1 + }", "a"))
    expect(checked).toBeUndefined()
    expect(check(draft!, { registry: sample }).checked).toBeUndefined()
  })
})

describe("facts", () => {
  test("order follows data and `after`, the author's order otherwise", () => {
    const { checked } = run(
      graph("  c: { expr: b + 1 }\n  a: { expr: 1 }\n  b: { expr: a }\n  d: { expr: 2, after: c }", "c + d"),
    )
    const facts = checked!.scopes.get(checked!.graph.body)!
    expect(facts.order.map((n) => n.name)).toEqual(["a", "b", "c", "d"])
    const [c] = checked!.graph.body.nodes
    expect(facts.waits.get(c!)!.map((n) => n.name)).toEqual(["b"])
  })

  test("needs are gathered from every body, and reduced to the least", () => {
    const { checked } = run(
      graph("  a: { map: '[1, 2]', do: { take: box, key: '\"k\"' } }\n  t: { clock: now }", "[a, t]"),
    )
    expect(checked!.needs).toEqual(["shelf:box:read", "time"])
    expect(leastNeeds(checked!)).toEqual(["shelf:box:read", "time"])
  })

  test("`follows` names the nearest effects that come before", () => {
    const { checked } = run(
      graph(
        [
          "  a: { put: box, key: k, with: { text: one } }",
          "  b: { take: box, key: '\"k\"', after: a }",
          "  c: { take: box, key: '\"k\"', after: a }",
          "  d: { put: box, key: k, with: { text: two }, after: [b, c] }",
        ].join("\n"),
        "[b, c]",
      ),
    )
    const facts = checked!.scopes.get(checked!.graph.body)!
    const named = Object.fromEntries([...facts.follows].map(([n, on]) => [n.name, on.map((m) => m.name)]))
    expect(named).toEqual({ b: ["a"], c: ["a"], d: ["a", "b", "c"] })
  })
})

describe("types of nodes", () => {
  /** The type of the graph's output, for nodes and an output expression. */
  const typeOf = (nodes: string, output: string, more = "") => {
    const { checked, problems } = run(graph(nodes, output, more))
    expect(problems.filter((p) => p.severity === "error")).toEqual([])
    return printType(checked!.output)
  }
  const cases: Record<string, readonly [nodes: string, output: string, type: string]> = {
    "an expression": ["  a: { expr: { x: 1, y: 'input.s' } }", "a", "{ x: number, y: string }"],
    "a declared output": ["  a: { expr: input.n, output: number | null }", "a", "number | null"],
    "when, both sides": ["  a: { when: input.b, then: { expr: 1 }, else: { expr: input.s } }", "a", "number | string"],
    "when without else": ["  a: { when: input.b, then: { expr: 1 } }", "a", "number | null"],
    "switch, all cases": [
      "  a: { switch: input.e, cases: { x: { expr: 1 }, y: { expr: input.s } } }",
      "a",
      "number | string",
    ],
    "map, with its index": ["  a: { map: input.l, index: i, do: { expr: [item, i] } }", "a", "[[number]]"],
    "map over a stream, a stream again": [
      "  s: { lines: input.s }\n  t: { map: s, do: { expr: item.size() } }\n  a: { fold: t, from: 0, do: { expr: acc + item } }",
      "a",
      "number",
    ],
    "fold, from a number": ["  a: { fold: input.l, from: 0, do: { expr: acc + item } }", "a", "number"],
    "fold, from an empty list": ["  a: { fold: input.l, from: [], do: { expr: 'acc + [item]' } }", "a", "[number]"],
    "fold, from nothing": ["  a: { fold: input.l, from: null, do: { expr: item } }", "a", "null | number"],
    "fold over a stream": [
      "  s: { lines: input.s }\n  a: { fold: s, from: '\"\"', output: string, do: { expr: acc + item } }",
      "a",
      "string",
    ],
    loop: [
      "  a: { loop: { n: 0 }, while: state.n < 3, max: 5, do: { expr: { n: state.n + 1 } } }",
      "a",
      "{ n: number }",
    ],
    "a failure that is caught": ["  a: { clock: now, catch: error.code }", "a", "number | string"],
    "a failure caught by a node": [
      "  a: { take: box, key: input.s, catch: { expr: 0 } }",
      "a",
      "string | null | number",
    ],
    "a body of several nodes": [
      "  a: { when: input.b, then: { nodes: { p: { expr: 1 }, q: { expr: p + 1 } }, output: '[p, q]' } }",
      "a",
      "[number] | null",
    ],
    "what is optional": ["  a: { expr: input.?o.orValue(1) }", "a", "number"],
  }
  const input = "input: { s: string, n: number, b: boolean, e: x | y, l: [number], o?: number }\n"
  for (const [what, [nodes, output, type]] of Object.entries(cases)) {
    test(what, () => expect(typeOf(nodes, output, input)).toBe(type))
  }

  test("arguments and outputs say whether they must be looked at", () => {
    const { checked } = run(
      graph(
        "  a: { put: box, key: '${ input.u }', with: { text: x } }\n  b: { expr: input.u, output: number }\n  c: { expr: 1, output: number }",
        "[b, c]",
        "input: { u: unknown }\n",
      ),
    )
    const facts = checked!.graph.body.nodes.map((node) => checked!.nodes.get(node)!)
    expect(facts.map((f) => [f.argFits, f.outFits])).toEqual([
      ["check", "yes"],
      ["yes", "check"],
      ["yes", "yes"],
    ])
    expect(facts[0]!.signature!.effect).toBe("write")
    expect(facts.map((f) => f.effect)).toEqual(["write", "pure", "pure"])
  })

  test("a subgraph has facts of its own, counted wherever it is used", () => {
    const sub = "graph: sub\ninput: { n: number = 1 }\nnodes: { t: { clock: now } }\noutput: t + input.n\n"
    const { checked } = run(graph("  a: { graph: ./sub }\n  b: { graph: ./sub, with: { n: 2 } }", "a + b"), {
      "./sub": sub,
    })
    const [a, b] = checked!.graph.body.nodes
    expect(a!.graph).toBe(b!.graph)
    expect(checked!.graphs.get(a!.graph!)!.size).toBe(1)
    expect(checked!.size).toBe(4)
    expect(checked!.touches).toEqual([{ resource: "time", write: false }])
    expect(checked!.effect).toBe("read")
  })
})

describe("what is refused", () => {
  test("conflicting effects without an order", () => {
    expect(
      codes(graph("  a: { put: box, key: k, with: { text: one } }\n  b: { take: box, key: '\"k\"' }", "b")),
    ).toEqual(["G301 nodes.b"])
  })

  test("cycles, each once", () => {
    const { problems } = run(graph("  a: { expr: c }\n  b: { expr: a }\n  c: { expr: b }\n  d: { expr: d }", "a + d"))
    expect(problems.map((p) => p.message)).toEqual([
      "Nodes wait for one another in a circle: a → c → b → a.",
      'The node "d" waits for itself.',
    ])
  })

  test("needs that are not declared", () => {
    expect(codes(graph("  a: { clock: now }", "a", "needs: []\n"))).toEqual(["G302 needs"])
    expect(codes(graph("  a: { clock: now }", "a", "needs: [time]\n"))).toEqual([])
  })

  test("text that is a path", () => {
    const text = graph("  a: { put: box, key: k, with: { text: input.name } }", "a", "input: { name: string }\n")
    expect(codes(text)).toEqual(["G107 nodes.a.with.text"])
    // A name that cannot be meant: it would wait for itself.
    const own = graph("  a: { put: box, key: k, with: { text: a.json } }", "a")
    expect(codes(own)).toEqual([])
  })
})
