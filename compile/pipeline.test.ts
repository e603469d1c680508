// The compiler as a whole: a function of the graph, byte for byte, in this process and in another; linear in its size; and
// every pass can be left out without a change of what the graph means.
import { describe, expect, test } from "bun:test"
import { checkFile } from "../graph/file/mod.ts"
import type { NodeKind } from "../graph/mod.ts"
import { sample } from "../tests/kinds.ts"
import { changesOf, checkedOf, compiledOf, type Sample, same } from "../tests/machine/passes.ts"
import { COMPILED, FAULTS } from "../tests/plans/compiled.ts"
import { CompileError, compile, PASSES } from "./mod.ts"

const WHOLE: Sample = {
  text: `graph: whole
input: { n: number, xs: [number], on: boolean }
nodes:
  part: { graph: ./part.graph.yaml, with: { n: "\${ input.n }" } }
  again: { graph: ./part.graph.yaml, with: { n: "\${ input.n }" } }
  rate: { expr: 2 * 3 }
  lost: { expr: "{ 'a': part, 'b': rate }" }
  seen: { map: input.xs, as: x, parallel: 4, do: { read: look, on: db, with: { n: "\${ x * rate }" }, output: number } }
  kept: { write: put, on: db, with: { n: "\${ lost.a }" }, output: number, after: seen }
  then_seen: { read: look, on: db, with: { n: 1 }, output: number, after: kept }
  chosen: { when: input.on, then: { write: put, on: db, with: { n: 9 }, output: number }, else: { expr: "0.5" }, after: then_seen }
output: part + again + seen.sum() + kept + chosen
`,
  files: {
    "./part.graph.yaml":
      'graph: part\ninput: { n: number }\nnodes:\n  f: { pure: f, with: { n: "${ input.n * 2 }" }, output: number }\n  g: { expr: f + 1 }\noutput: g * g\n',
  },
  tools: {
    f: ({ n }: { n: number }) => n,
    look: ({ n }: { n: number }) => n,
    put: ({ n }: { n: number }) => n + 1,
  },
}
const INPUT = { n: 2, xs: [1, 2, 3], on: true }

describe("the same bytes for the same files", () => {
  test("compiled twice, and from a file read again", () => {
    expect(compiledOf(WHOLE).hash).toBe(compiledOf(WHOLE).hash)
    for (const [name, plan] of Object.entries(COMPILED)) expect([name, plan()]).toEqual([name, plan()])
    expect(FAULTS).toEqual([])
  })

  test("keys of records and settings in another order, and comments, are the same file", () => {
    const other = WHOLE.text
      .replace(
        "{ read: look, on: db, with: { n: 1 }, output: number, after: kept }",
        "{ after: kept, output: number, with: { n: 1 }, on: db, read: look } # as before",
      )
      .replace("input: { n: number, xs: [number], on: boolean }", "input:\n  on: boolean\n  xs: [number]\n  n: number")
    expect(other).not.toBe(WHOLE.text)
    expect(compiledOf({ ...WHOLE, text: other }).hash).toBe(compiledOf(WHOLE).hash)
  })

  test("kinds registered in another order, tables kept from another graph: no state is carried over", () => {
    const text = "graph: g\ninput: { key: string }\nnodes:\n  a: { take: box, key: input.key }\noutput: a\n"
    const hash = (kinds: ReadonlyMap<string, NodeKind>) => {
      const { checked } = checkFile({ file: "g.graph.yaml", text }, { registry: kinds })
      return compile(checked!).hash
    }
    const first = hash(sample)
    compiledOf(WHOLE)
    expect(hash(new Map([...sample].reverse()))).toBe(first)
  })

  test("on every host: these bytes", () => {
    // The hash stands here so that Bun, Deno and every other process must agree on it. A change of it is a change of plans.
    expect(compiledOf(WHOLE).hash).toBe("9525729a258e0e44fb79dfec10e1241bfc9ded3be10290b8ed36b006be611162")
  })
})

describe("passes", () => {
  for (const { name } of PASSES) {
    test(`with and without ${name} the graph means the same`, async () => {
      const { on, off } = await same(WHOLE, INPUT, name)
      // Pure work may be done less often, never more.
      for (const [f, calls] of Object.entries(on.pure)) expect(calls).toBeLessThanOrEqual(off.pure[f]!)
    })
  }

  test("each says what it changed in a graph that has something for it", () => {
    for (const { name } of PASSES) {
      expect([name, changesOf(compiledOf(WHOLE), name).length > 0]).toEqual([name, true])
    }
  })

  test("their order is the one that explain shows, with what lowering chose behind it", () => {
    expect(compiledOf(WHOLE).passes.map((p) => p.name)).toEqual([
      "resolve",
      ...PASSES.map((p) => p.name),
      "fuse",
      "schedule",
      "slots",
    ])
  })

  test("one that breaks a rule is named with the rule", () => {
    const passes = PASSES as unknown as {
      name: string
      about: string
      run: (mid: { body: { ops: unknown[] } }) => []
    }[]
    passes.push({ name: "bad", about: "forgets a value", run: (mid) => mid.body.ops.splice(0, 1).slice(1) as [] })
    try {
      expect(() => compiledOf(WHOLE)).toThrow(CompileError)
      expect(() => compiledOf(WHOLE)).toThrow(/^Pass "bad" broke "every name it uses is defined before it" at /)
    } finally {
      passes.pop()
    }
  })
})

describe("size", () => {
  /** A graph of `size` nodes, chains and joins, calls and expressions by turns. */
  const mixed = (size: number): Sample => ({
    text: `graph: mixed\ninput: { n: number }\nnodes:\n${Array.from({ length: size }, (_, i) => {
      const [a, b] = i === 0 ? ["input.n", "input.n"] : [`n${i - 1}`, `n${Math.floor(i / 2)}`]
      return i % 2 === 0
        ? `  n${i}: { expr: ${a} * 0.5 + ${b} }`
        : `  n${i}: { pure: f, with: { n: "\${ ${a} }", m: "\${ ${b} }" }, output: number }`
    }).join("\n")}\noutput: n${size - 1}\n`,
    tools: { f: () => 1 },
  })

  test("the plan of twice the graph is twice as long: steps, constants and bytes", () => {
    const sizes = [250, 500, 1_000].map((size) => {
      const { plan, bytes } = compiledOf(mixed(size), { checked: false, texts: false })
      const [scope] = plan.scopes
      const instrs = scope!.steps.reduce((n, s) => n + (s.instrs?.length ?? 0), 0)
      return { steps: scope!.steps.length, instrs, constants: plan.constants.length, bytes: bytes.length }
    })
    for (const what of ["steps", "instrs", "constants", "bytes"] as const) {
      const [one, two, four] = sizes.map((s) => s[what]) as [number, number, number]
      expect([what, (four - two) / (two - one) < 2.3]).toEqual([what, true])
    }
  })

  test("the work of compiling twice the graph is twice the work", () => {
    const [one, two, four] = [250, 500, 1_000].map((size) => lookUps(mixed(size))) as [number, number, number]
    expect(one).toBeGreaterThan(250)
    expect((four - two) / (two - one)).toBeLessThan(2.2)
  })
})

/** How often a table is asked or a list is searched while a graph is compiled: work that is counted and not timed. */
function lookUps(each: Sample): number {
  const checked = checkedOf(each)
  let n = 0
  const counted = [
    [Map.prototype, ["get", "set", "has"]],
    [Set.prototype, ["has", "add"]],
    [Array.prototype, ["push", "includes", "indexOf", "find", "findIndex", "filter", "map", "some", "every", "slice"]],
  ] as unknown as readonly (readonly [Record<string, (...args: unknown[]) => unknown>, readonly string[]])[]
  const kept = counted.flatMap(([of, names]) => names.map((name) => ({ of, name, was: of[name]! })))
  for (const { of, name, was } of kept) {
    const whole = Array.isArray(of) && name !== "push"
    of[name] = function (this: { readonly length: number }, ...args: unknown[]) {
      n += whole ? this.length : 1
      return was.apply(this, args)
    }
  }
  try {
    compile(checked)
  } finally {
    for (const { of, name, was } of kept) of[name] = was
  }
  return n
}
