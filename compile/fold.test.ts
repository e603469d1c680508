// Constants are computed at compile time, and only what certainly succeeds: the value is the reference evaluator's, what
// would fail still fails in the run at its own node, and no call of a tool is folded away.
import { describe, expect, test } from "bun:test"
import { parseCel } from "../graph/file/mod.ts"
import { evaluate, type Value } from "../graph/mod.ts"
import { changesOf, compiledOf, ran, type Sample, same, textAfter } from "../tests/machine/passes.ts"

const graph = (nodes: string, output: string, input = "{ n: number }"): Sample => ({
  text: `graph: folded\ninput: ${input}\nnodes:\n${nodes.replace(/^/gm, "  ")}\noutput: ${output}\n`,
})

describe("fold", () => {
  test("what depends on nothing is its value, and says so", () => {
    const compiled = compiledOf(graph('rate: { expr: 0.4 * 2 }\ntotal: { expr: "input.n * rate + (1 + 2)" }', "total"))
    expect(textAfter(compiled, "fold")).toContain("total = input.n * 0.8 + 3")
    expect(changesOf(compiled, "fold")).toEqual(["rate: is the constant 0.8"])
  })

  test("sees through names, records and choices on constants", () => {
    const text = textAfter(
      compiledOf(
        graph(
          [
            "amount: { expr: input.n * 2 }",
            `settings: { expr: "{ 'unit': 'kg', 'on': true, 'amount': amount }" }`,
            "same: { expr: settings }",
            `text: { expr: "same.on ? same.unit + '!' : 'none'" }`,
          ].join("\n"),
          '"[text, string(same.amount)]"',
        ),
      ),
      "fold",
    )
    expect(text).toContain('text = "kg!"')
    expect(text).toContain('["kg!", string(amount)]')
  })

  // The table is the builtins' own semantics: whatever is folded is what the evaluator gives for the same text.
  for (const cel of [
    "1.0 / 3.0",
    "0.1 + 0.2",
    "0.0 / 0.0",
    "-0.0",
    "1e308 * 10.0",
    "int64(9007199254740993) + int64(1)",
    "'ä'.size()",
    "[3, 1, 2].map(x, x * 2)",
    "{'b': 1, 'a': [true, null]}",
    "'a' in ['a', 'b'] && !false",
    "round(2.675, 2)",
    "[1, 2, 3].sum() > 5 ? 'much' : 'little'",
  ]) {
    test(`the value of ${cel} is the evaluator's`, async () => {
      const sample = graph(`it: { expr: "${cel}" }`, "\"{ 'it': it, 'n': input.n }\"")
      const parsed = parseCel(cel)
      const value = "expr" in parsed ? evaluate(parsed.expr, () => null) : null
      const { out } = await ran(sample, { n: 1 })
      await same(sample, { n: 1 }, "fold")
      expect(out).toBe(await printedAs({ it: value, n: 1 }))
    })
  }

  test("what would fail is left to fail in the run, at its node, where it can be met", async () => {
    for (const bad of ["[1][3]", "{'a': 1}['b']", "int64(9223372036854775807) + int64(1)", "'x'.matches('(')"]) {
      const failing = graph(`bad: { expr: "${bad}" }`, '"[bad, input.n]"')
      let sample: Sample = failing
      try {
        compiledOf(sample)
      } catch {
        continue // The checker says it already.
      }
      const { on } = await same(sample, { n: 1 }, "fold")
      expect(on.out).toEndWith("at bad")
      sample = graph(`bad: { expr: "${bad}", catch: { expr: "7" } }`, '"[bad, input.n]"')
      await same(sample, { n: 1 }, "fold")
    }
  })

  test("folding is no computation: a large result stays an expression", () => {
    const compiled = compiledOf(graph('many: { expr: "range(5000).map(x, x * 2)" }', "many.size() + input.n"))
    expect(textAfter(compiled, "fold")).toContain("range(5000)")
  })

  test("a call with constant arguments is made in every run, reads and writes as well", async () => {
    const sample: Sample = {
      ...graph(
        [
          "a: { read: look, on: db, with: { key: one }, output: number }",
          "b: { write: put, on: db, with: { key: one }, output: number, after: a }",
          "c: { pure: once, with: { key: one }, output: number }",
          "d: { expr: 'true ? c : a' }",
        ].join("\n"),
        "b + d + input.n",
      ),
      tools: { look: () => 1, put: () => 2, once: () => 3 },
    }
    const { on, off } = await same(sample, { n: 1 }, "fold")
    expect(on.effects).toEqual(["read db a", "write db b"])
    expect(off.effects).toEqual(on.effects)
    expect(on.pure).toMatchObject({ look: 1, put: 1, once: 1 })
  })

  test("a choice that folding decides takes no effect with it", async () => {
    const sample: Sample = {
      ...graph(
        [
          "a: { read: look, on: db, output: number }",
          "b: { expr: 'false ? a : 5' }",
          "c: { when: 'true', then: { write: put, on: db, output: number, after: a }, else: { expr: 1 } }",
        ]
          .join("\n")
          .replace(", after: a }, else", " }, else")
          .replace("c: { when: 'true',", "c: { when: 'true', after: a,"),
        "b + c + input.n",
      ),
      tools: { look: () => 1, put: () => 2 },
    }
    const { on } = await same(sample, { n: 1 }, "fold")
    expect(on.effects).toEqual(["read db a", "write db c.then"])
  })
})

/** How an outcome prints in these tests. */
async function printedAs(value: Value): Promise<string> {
  const sample: Sample = {
    text: "graph: given\ninput: { n: number }\nnodes:\n  g: { read: give, on: x, output: unknown }\noutput: g\n",
    tools: { give: () => value },
  }
  return (await ran(sample, { n: 1 })).out
}
