/** The checker on whole files: what passes, what is minted, and what is refused. */
import { describe, expect, test } from "bun:test"
import { sample } from "../tests/kinds.ts"
import { check, isChecked, leastNeeds } from "./check.ts"
import { checkFile } from "./check-file.ts"

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
  })
})
