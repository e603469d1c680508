// Operands get names of their own, which is what the passes after it and lowering rest on; nothing else changes.
import { describe, expect, test } from "bun:test"
import { changesOf, checkedOf, compiledOf, type Sample, same, textAfter } from "../tests/machine/passes.ts"
import { bodiesOf } from "./mid.ts"
import { resolve } from "./resolve.ts"
import { split } from "./split.ts"

const EVERYTHING: Sample = {
  text: `graph: everything
input: { xs: [number], on: boolean, word: A | B, limit: number }
nodes:
  asked: { read: ask, on: db, with: { n: "\${ input.limit * 2 }" }, output: number }
  chosen: { when: input.on && asked > 1, then: { expr: asked + 1 }, else: { read: ask, on: db, with: { n: 5 }, output: number } }
  cased: { switch: input.word, cases: { A: { expr: input.limit } }, else: { expr: "0.5" } }
  mapped: { map: "input.xs.filter(x, x > 0)", as: x, do: { pure: twice, with: { n: "\${ x + 1 }" }, output: number } }
  folded: { fold: "mapped.filter(x, x > 2)", from: input.limit - 1, as: x, do: { expr: acc + x } }
  looped: { loop: folded + 1, as: n, max: 40, while: n < 100, do: { expr: n * 2 } }
  met: { read: fail, on: other, with: { n: "\${ looped }" }, output: number, catch: { expr: "error.code.size() + 0.0" } }
output: "{ 'sum': asked + chosen + cased + folded + looped + met, 'mapped': mapped }"
`,
  tools: {
    ask: ({ n }: { n: number }) => n + 1,
    twice: ({ n }: { n: number }) => n * 2,
    fail: () => {
      throw new RangeError("always")
    },
  },
}

describe("split", () => {
  test("after it every operation but an expression takes plain names, and every scope ends in one", () => {
    const mid = resolve(checkedOf(EVERYTHING))
    split.run(mid)
    const kinds = new Set<string>()
    for (const body of bodiesOf(mid)) {
      expect(body.output.op).toBe("ref")
      expect(body.outputAccept).toBeUndefined()
      for (const op of body.ops) {
        kinds.add(op.kind)
        if (op.kind === "expr" || op.kind === "catch" || op.kind === "enter") continue
        const operands = op.expr.op === "record" ? op.expr.fields.map((f) => f[1]) : [op.expr]
        expect(operands.map((e) => e.op)).toEqual(operands.map(() => "ref"))
        expect(op.accept).toBeUndefined()
      }
    }
    expect([...kinds].sort()).toEqual(["catch", "expr", "fold", "loop", "map", "switch", "tool", "when"])
  })

  test("an operand keeps the path of its node; what is a name already stays one", () => {
    const compiled = compiledOf({
      text: `graph: names
input: { r: { n: number } }
nodes:
  a: { expr: "{ 'n': input.r.n + 1 }" }
  b: { pure: f, with: { n: "\${ input.r.n * 3 }" }, output: number }
output: b + a.n
`,
      tools: { f: ({ n }: { n: number }) => n },
    })
    expect(textAfter(compiled, "split")).toBe(
      [
        'a = {"n": input.r.n + 1}',
        'b.args = {"n": input.r.n * 3}',
        "b = pure b.args",
        "#output0 = b + a.n",
        "→ #output0",
      ].join("\n"),
    )
    expect(changesOf(compiled, "split")).toEqual(["b: what it takes is an expression of its own"])
  })

  test("the graph means the same, with everything that has an operand in it", async () => {
    for (const input of [
      { xs: [1, -2, 3], on: true, word: "A", limit: 2 },
      { xs: [], on: false, word: "B", limit: 3 },
    ])
      await same(EVERYTHING, input, "fold")
  })

  test("a failing operand fails at its node", async () => {
    const failing: Sample = {
      text: `graph: failing
input: { xs: [number], i: number }
nodes:
  a: { pure: f, with: { n: "\${ input.xs[input.i] }" }, output: number }
output: a
`,
      tools: { f: ({ n }: { n: number }) => n },
    }
    const { on } = await same(failing, { xs: [1], i: 4 }, "share")
    expect([on.out, on.pure]).toEqual(["Missing at a", {}])
  })
})
