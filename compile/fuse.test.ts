// Expressions that become ready at the same moment are one block, and no others: a block waits for nothing that one of its
// members does not wait for, which is held against a plain computation of what each member rests on.
import { describe, expect, test } from "bun:test"
import { changesOf, checkedOf, compiledOf, type Sample, same } from "../tests/machine/passes.ts"
import { fold } from "./fold.ts"
import { fuse, type Unit } from "./fuse.ts"
import { type Body, uses } from "./mid.ts"
import { resolve } from "./resolve.ts"
import { split } from "./split.ts"

const unitsOf = (sample: Sample): { readonly body: Body; readonly units: readonly Unit[] } => {
  const mid = resolve(checkedOf(sample))
  split.run(mid)
  fold.run(mid)
  return { body: mid.body, units: fuse(mid.body) }
}
const names = (units: readonly Unit[]) => units.filter((u) => u.block).map((u) => u.ops.map((op) => op.name).join(" "))

const MIXED: Sample = {
  text: `graph: mixed
input: { n: number }
nodes:
  a: { expr: input.n + 1 }
  slow: { read: look, on: one, with: { n: "\${ a }" }, output: number }
  b: { expr: a * 2 }
  late: { expr: slow + b }
  other: { read: look, on: two, with: { n: "\${ b }" }, output: number }
  c: { expr: b + 7 }
  late2: { expr: late * c }
  both: { expr: late2 + other }
  both2: { expr: both + slow }
output: "[c, late2, both2]"
`,
  tools: { look: ({ n }: { n: number }) => n },
}

describe("fuse", () => {
  test("what rests on the same unfinished work is one block, in an order that holds", () => {
    const { units } = unitsOf(MIXED)
    // All rests on the input alone: on nothing unfinished, but for what the reads gave.
    expect(names(units)).toEqual(["a slow.args b other.args c", "late late2", "both both2 #output0"])
  })

  test("nothing waits for a node whose output it does not use", () => {
    const { body, units } = unitsOf(MIXED)
    const unitOf = new Map(units.flatMap((u) => u.ops.map((op) => [op.name, u] as const)))
    const byName = new Map(body.ops.map((op) => [op.name, op]))
    /** What an operation cannot begin without, of the work that takes time. */
    const rests = (name: string): Set<string> => {
      const op = byName.get(name)
      if (op === undefined) return new Set()
      const before = [...uses(op), ...op.after].flatMap((x) => {
        const made = byName.get(x)
        return made === undefined ? [] : made.kind === "expr" ? [...rests(x)] : [x]
      })
      return new Set(before)
    }
    /** The same of the unit that it is in. */
    const waits = (unit: Unit): Set<string> =>
      new Set([...unit.deps].flatMap((d) => (d.block ? [...waits(d)] : d.ops.map((op) => op.name))))
    for (const op of body.ops) expect([...waits(unitOf.get(op.name)!)].sort()).toEqual([...rests(op.name)].sort())
  })

  test("an expression that waits by order alone has a block of its own", () => {
    const { units } = unitsOf({
      text: `graph: ordered
input: { n: number }
nodes:
  w: { write: put, on: db, output: number }
  a: { expr: input.n + 1, after: w }
  b: { expr: input.n + 2 }
output: "[a, b, w]"
`,
      tools: { put: () => 1 },
    })
    expect(names(units)).toEqual(["w.args b", "a", "#output0"])
  })

  test("blocks are bounded: a chain of 1,000 is several", () => {
    const nodes = Array.from({ length: 1_000 }, (_, i) => `  n${i}: { expr: ${i === 0 ? "input.n" : `n${i - 1}`} + 1 }`)
    const { units } = unitsOf({
      text: `graph: chain\ninput: { n: number }\nnodes:\n${nodes.join("\n")}\noutput: n999\n`,
    })
    const sizes = units.map((u) => u.ops.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256)
    expect(sizes.length).toBe(4)
  })

  test("explain says what runs as one block, and the graph means the same", async () => {
    expect(changesOf(compiledOf(MIXED), "fuse")).toEqual([
      "a: runs as one block with slow (its arguments), b, other (its arguments), c: they become ready at the same moment",
      "late: runs as one block with late2: they become ready at the same moment",
      "both: runs as one block with both2, output: they become ready at the same moment",
    ])
    await same(MIXED, { n: 3 }, "share")
  })
})
