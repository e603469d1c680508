// Subgraphs move into the scope that uses them: what stands where afterwards, that paths and the order of effects stay,
// and that a subgraph in the body of a control node is moved as well.
import { describe, expect, test } from "bun:test"
import { changesOf, compiledOf, type Sample, same, textAfter } from "../tests/machine/passes.ts"

const PART = `graph: part
input: { n: number, extra: number = 1 }
nodes:
  seen: { read: look, on: db, output: number }
  kept: { write: keep, on: db, with: { n: "\${ seen + input.n }" }, output: number, after: seen }
output: kept + input.extra
`
const tools = () => {
  let kept = 0
  return {
    look: () => kept,
    keep: ({ n }: { n: number }) => {
      kept = kept * 10 + n
      return kept
    },
  }
}
const NESTED: Sample = {
  text: `graph: whole
input: { n: number }
nodes:
  before: { write: keep, on: db, with: { n: 3 }, output: number }
  part: { graph: ./part.graph.yaml, with: { n: "\${ input.n }" }, after: before }
  after: { write: keep, on: db, with: { n: 4 }, output: number, after: part }
output: "[before, part, after]"
`,
  files: { "./part.graph.yaml": PART },
}
const sample = (): Sample => ({ ...NESTED, tools: tools() })

describe("inline", () => {
  test("a subgraph's operations stand in the scope around it, under their own paths", () => {
    const compiled = compiledOf(sample())
    expect(textAfter(compiled, "resolve")).toContain("part = enter")
    expect(textAfter(compiled, "inline")).toBe(
      [
        'before = write {"n": 3}   [write]',
        'part.input = {"n": input.n}   [as { n: number, extra: number = 1 }]',
        "part.seen = read {}   [read; after before]",
        'part.kept = write {"n": part.seen + part.input.n}   [write; after part.seen, before]',
        "part = part.kept + part.input.extra",
        'after = write {"n": 4}   [write; after part.seen, part.kept]',
        "→ [before, part, after]",
      ].join("\n"),
    )
    expect(changesOf(compiled, "inline")).toEqual(["part: 2 operations of the subgraph now stand beside it"])
  })

  test("the plan has one scope, and a body less for each subgraph", () => {
    expect(compiledOf(sample()).plan.scopes.length).toBe(1)
    expect(compiledOf(sample(), { without: ["inline"] }).plan.scopes.length).toBe(2)
  })

  test("what had to wait for the whole subgraph, or it for that, still does; paths are those of the file", async () => {
    // One world for each run: what is kept depends on the order.
    for (const n of [1, 5]) {
      const fresh: Sample = { ...NESTED, tools: shared() }
      const { on } = await same(fresh, { n }, "inline")
      expect(on.effects).toEqual(["write db before", "read db part.seen", "write db part.kept", "write db after"])
    }
  })

  test("subgraphs three deep and in the body of a map are moved as well, once for each use", async () => {
    const deep: Sample = {
      text: `graph: deep
input: { xs: [number] }
nodes:
  each: { map: input.xs, as: x, do: { graph: ./one.graph.yaml, with: { n: "\${ x }" } } }
  alone: { graph: ./one.graph.yaml, with: { n: 7 } }
output: "[each.sum(), alone]"
`,
      files: {
        "./one.graph.yaml":
          'graph: one\ninput: { n: number }\nnodes:\n  two: { graph: ./two.graph.yaml, with: { n: "${ input.n + 1 }" } }\noutput: two\n',
        "./two.graph.yaml":
          'graph: two\ninput: { n: number }\nnodes:\n  f: { pure: square, with: { n: "${ input.n }" }, output: number }\noutput: f\n',
      },
      tools: { square: ({ n }: { n: number }) => n * n },
    }
    expect(textAfter(compiledOf(deep), "inline")).not.toContain("enter")
    const { on } = await same(deep, { xs: [1, 2, 3] }, "inline")
    expect(on.pure).toEqual({ square: 4 })
  })

  test("a failure inside keeps its path, and is met by the handler of the subgraph's node", async () => {
    const failing = (more: string): Sample => ({
      text: `graph: failing\ninput: { n: number }\nnodes:\n  part:\n    graph: ./bad.graph.yaml\n    with: { n: "\${ input.n }" }\n${more}output: part\n`,
      files: {
        "./bad.graph.yaml": "graph: bad\ninput: { n: number }\nnodes:\n  at: { expr: '[1, 2][input.n]' }\noutput: at\n",
      },
    })
    const { on } = await same(failing(""), { n: 9 }, "inline")
    expect(on.out).toBe("Missing at part.at")
    await same(failing("    catch: { expr: '0 - 1' }\n"), { n: 9 }, "inline")
  })
})

/** Tools whose answers depend on what was kept in the same run: the run's first write begins it anew. */
function shared() {
  let kept = 0
  return {
    look: () => kept,
    keep: ({ n }: { n: number }) => {
      kept = n === 3 ? 3 : kept * 10 + n
      return kept
    },
  }
}
