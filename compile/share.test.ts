// Pure work that is written twice is done once; reads and writes that look alike are not. Every call is counted.
import { describe, expect, test } from "bun:test"
import { changesOf, compiledOf, type Sample, same, textAfter } from "../tests/machine/passes.ts"

const square = ({ n }: { n: number }) => n * n

describe("share", () => {
  test("the same expression under two names is one, and says which", () => {
    const compiled = compiledOf({
      text: `graph: twice
input: { n: number }
nodes:
  a: { expr: input.n * 2 + 1 }
  b: { expr: input.n * 2 + 1 }
  c: { expr: input.n * 2 + 2 }
output: "[a, b, c]"
`,
    })
    expect(changesOf(compiled, "share")).toEqual(["b: is the same as a"])
    expect(textAfter(compiled, "share")).toContain("[a, a, c]")
  })

  test("a pure function is called once for the same arguments, and again for others", async () => {
    const sample: Sample = {
      text: `graph: calls
input: { n: number }
nodes:
  a: { pure: square, with: { n: "\${ input.n + 1 }" }, output: number }
  b: { pure: square, with: { n: "\${ input.n + 1 }" }, output: number }
  c: { pure: square, with: { n: "\${ input.n + 2 }" }, output: number }
output: a + b + c
`,
      tools: { square },
    }
    const { on, off } = await same(sample, { n: 1 }, "share")
    expect(on.pure).toEqual({ square: 2 })
    expect(off.pure).toEqual({ square: 3 })
  })

  test("never a read, never a write: two that look alike are two calls, in their order", async () => {
    let n = 0
    const sample: Sample = {
      text: `graph: effects
input: { n: number }
nodes:
  a: { read: look, on: db, with: { key: "\${ input.n }" }, output: number }
  b: { read: look, on: db, with: { key: "\${ input.n }" }, output: number, after: a }
  c: { write: put, on: db, with: { key: "\${ input.n }" }, output: number, after: b }
  d: { write: put, on: db, with: { key: "\${ input.n }" }, output: number, after: c }
  e: { read: look, on: db, with: { key: "\${ input.n }" }, output: number, after: d }
output: "[a, b, c, d, e]"
`,
      tools: { look: () => 1 + 0 * n++, put: () => 2 },
    }
    // Their arguments are one value; the calls are not.
    expect(changesOf(compiledOf(sample), "share")).toEqual([
      "b: takes what a takes",
      "c: takes what a takes",
      "d: takes what a takes",
      "e: takes what a takes",
    ])
    const { on, off } = await same(sample, { n: 1 }, "share")
    expect(on.effects).toEqual(["read db a", "read db b", "write db c", "write db d", "read db e"])
    expect(off.effects).toEqual(on.effects)
    expect(on.pure).toEqual({ look: 3, put: 2 })
  })

  test("only with work that certainly runs: from the scope around, not from a sibling's body", async () => {
    const sample: Sample = {
      text: `graph: scopes
input: { n: number, on: boolean }
nodes:
  outer: { pure: square, with: { n: "\${ input.n }" }, output: number }
  one:
    when: input.on
    then: { nodes: { again: { pure: square, with: { n: "\${ input.n }" }, output: number } }, output: again + 1 }
    else: { expr: "0.5" }
  other:
    when: input.on
    then: { nodes: { own: { pure: cube, with: { n: "\${ input.n }" }, output: number } }, output: own }
    else: { nodes: { mine: { pure: cube, with: { n: "\${ input.n }" }, output: number } }, output: mine + 1 }
output: outer + one + other
`,
      tools: { square, cube: ({ n }: { n: number }) => n ** 3 },
    }
    expect(changesOf(compiledOf(sample), "share")).toEqual([
      "one.then.again: takes what outer takes",
      "one.then.again: is the same as outer",
      "other: takes what one takes",
      "other.then.own: takes what outer takes",
      "other.else.mine: takes what outer takes",
    ])
    for (const on of [true, false]) {
      const runs = await same(sample, { n: 3, on }, "share")
      expect(runs.on.pure).toEqual({ square: 1, cube: 1 })
      expect(runs.off.pure).toEqual({ square: on ? 2 : 1, cube: 1 })
    }
  })

  test("an int64 and a number of the same bytes are two constants, and so are values of two types", async () => {
    const sample: Sample = {
      text: `graph: typed
input: { n: int64, m: number }
nodes:
  a: { expr: "string(input.n + int64(1))" }
  b: { expr: "string(input.m + 1)" }
  wide: { expr: "[1, 2]", output: [number] }
  open: { expr: "[1, 2]", output: [unknown] }
output: "{ 'a': a, 'b': b, 'wide': wide, 'open': open }"
`,
    }
    await same(sample, { n: 9_007_199_254_740_993n, m: 1 }, "share")
  })

  test("one that fails is one failure, at the first of its places, and a handler meets its own", async () => {
    const sample: Sample = {
      text: `graph: failing
input: { xs: [number] }
nodes:
  a: { expr: "input.xs[3]", catch: { expr: "1" } }
  b: { expr: "input.xs[3]", catch: { expr: "2" } }
output: a + b
`,
    }
    await same(sample, { xs: [1] }, "share")
  })
})
