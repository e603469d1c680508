// What nothing uses goes, where it could not have failed; what could fail stays, as do all reads and writes.
import { describe, expect, test } from "bun:test"
import { changesOf, compiledOf, type Sample, same, textAfter } from "../tests/machine/passes.ts"

describe("dead", () => {
  test("a value that folding left without a reader goes, and those that only it used", () => {
    const compiled = compiledOf({
      text: `graph: unused
input: { n: number }
nodes:
  a: { expr: input.n * 2 }
  b: { expr: a + 1 }
  c: { expr: "{ 'kept': a, 'lost': b }" }
output: c.kept + 2
`,
    })
    expect(textAfter(compiled, "share")).toContain("b = a + 1")
    expect(textAfter(compiled, "dead")).toBe("a = input.n * 2\n#output0 = a + 2\n→ #output0")
    expect(changesOf(compiled, "dead")).toEqual(["c: nothing uses it", "b: nothing uses it"])
  })

  test("what may fail stays, though nothing uses it", async () => {
    const sample: Sample = {
      text: `graph: failing
input: { xs: [number], n: number }
nodes:
  a: { expr: "input.xs[2]" }
  b: { expr: "{ 'kept': input.n, 'lost': a }" }
output: b.kept
`,
    }
    expect(textAfter(compiledOf(sample), "dead")).toContain("a = input.xs[2]")
    const { on } = await same(sample, { xs: [1], n: 4 }, "dead")
    expect(on.out).toBe("Missing at a")
    await same(sample, { xs: [1, 2, 3], n: 4 }, "dead")
  })

  test("reads, writes and calls of functions stay, each once", async () => {
    const sample: Sample = {
      text: `graph: effects
input: { n: number }
nodes:
  a: { read: look, on: db, output: number }
  b: { write: put, on: db, with: { n: "\${ a }" }, output: number }
  c: { pure: count, with: { n: "\${ input.n }" }, output: number }
  d: { expr: "{ 'kept': input.n, 'lost': [a, b, c] }" }
output: d.kept
`,
      tools: { look: () => 1, put: () => 2, count: () => 3 },
    }
    const { on, off } = await same(sample, { n: 1 }, "dead")
    expect(on.effects).toEqual(["read db a", "write db b"])
    expect(on.pure).toEqual({ look: 1, put: 1, count: 1 })
    expect(on.pure).toEqual(off.pure)
  })

  test("what came before a dropped value still comes before what was to come after it", async () => {
    const sample: Sample = {
      text: `graph: between
input: { n: number }
nodes:
  first: { write: put, on: one, with: { n: 1 }, output: number }
  middle: { expr: first + 1 }
  last: { write: put, on: two, with: { n: 2 }, output: number, after: middle }
output: last + input.n
`,
      tools: { put: ({ n }: { n: number }) => n },
    }
    expect(changesOf(compiledOf(sample), "dead")).toEqual(["middle: nothing uses it"])
    expect(textAfter(compiledOf(sample), "dead")).toContain("after first")
    const { on } = await same(sample, { n: 1 }, "dead")
    expect(on.effects).toEqual(["write one first", "write two last"])
  })
})
