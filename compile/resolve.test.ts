// From a checked graph to the compiler's own form: one name for each value in the whole graph, tools with their signatures,
// the orders that the author and the checker know of, and only nodes that run.
import { describe, expect, test } from "bun:test"
import { checkedOf, compiledOf, ran, type Sample, textAfter } from "../tests/machine/passes.ts"
import { bodiesOf } from "./mid.ts"
import { resolve } from "./resolve.ts"
import { checkMid } from "./spec.ts"

const SAMPLE: Sample = {
  text: `graph: names
input: { xs: [number], on: boolean }
nodes:
  a: { read: look, on: db, output: number, retry: 2, timeout: 1s }
  one: { when: input.on, then: { nodes: { b: { expr: a + 1 } }, output: b }, else: { nodes: { b: { expr: a + 2 } }, output: b } }
  two: { map: input.xs, as: x, do: { nodes: { b: { expr: x + a } }, output: b } }
  three: { fold: two, from: 0, as: x, do: { expr: acc + x } }
  four: { write: put, on: db, with: { n: "\${ three }" }, output: number, catch: { expr: 0 - 1 } }
output: "[one, three, four]"
`,
  tools: { look: () => 1, put: ({ n }: { n: number }) => n },
}

describe("resolve", () => {
  test("a name is used once in the whole graph, though scopes use the same one", () => {
    const mid = resolve(checkedOf(SAMPLE))
    checkMid(mid, "resolve", new Set(["resolve"]))
    const names = [...bodiesOf(mid)].flatMap((body) => body.ops.map((op) => op.name))
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain("one.then.b")
    expect(names).toContain("one.else.b")
    expect(names).toContain("two.do.b")
    for (const name of names) expect(mid.types.has(name)).toBe(true)
  })

  test("a tool carries its registration's effect, resource and needs, and the node's settings but for its order", () => {
    const tool = resolve(checkedOf(SAMPLE)).body.ops.find((op) => op.name === "a")!.tool!
    expect({ ...tool, config: null, input: null }).toMatchObject({
      kind: "read",
      effect: "read",
      resource: "db",
      needs: ["app:look"],
      settings: { timeoutMs: 1_000, retry: { times: 2 } },
    })
    expect(tool.settings).not.toHaveProperty("after")
  })

  test("an effect waits for the one that it conflicts with, also where only data says so", () => {
    expect(textAfter(compiledOf(SAMPLE), "resolve")).toMatch(/four = catch .*after a\]/)
  })

  test("what the evaluator leaves out is left out: pure nodes that nothing uses, and never an effect", async () => {
    const unused: Sample = {
      text: `graph: unused
input: { n: number }
nodes:
  lost: { expr: "[1, 2][7]" }
  called: { pure: f, output: number }
  seen: { read: look, on: db, output: number }
output: input.n
`,
      tools: { f: () => 1, look: () => 1 },
    }
    expect(textAfter(compiledOf(unused), "resolve")).toBe("seen = read {}   [read]\n→ input.n")
    const { effects, pure } = await ran(unused, { n: 1 })
    expect([effects, pure]).toEqual([["read db seen"], { look: 1 }])
  })

  test("a map whose body writes has one item at a time, whatever the file says", () => {
    const bound = (effect: string) => {
      const text = `graph: g\ninput: { xs: [number] }\nnodes:\n  m: { map: input.xs, as: x, parallel: 8, do: { ${effect}: f, on: db, output: number } }\noutput: m\n`
      return resolve(checkedOf({ text, tools: { f: () => 1 } })).body.ops.find((op) => op.kind === "map")!.bound
    }
    expect([bound("read"), bound("write")]).toEqual([8, 1])
  })
})
