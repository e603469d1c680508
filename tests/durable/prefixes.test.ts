// A process may die after any entry of its ledger. For graphs with choices, loops, items, failures that are met and writes of
// both sorts, every beginning of the chain is gone on with: the outcome and the trace are those of the whole run, and no
// write whose end is on record is made again.
import { describe, expect, test } from "bun:test"
import { replay, resume } from "../../deploy/engine/again.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { printPath } from "../../graph/mod.ts"
import { openEntry, type Reply } from "../../kernel/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

const GRAPHS: readonly (readonly [name: string, text: string])[] = [
  [
    "choices, loops and items",
    `
graph: shapes
input: { n: number }
nodes:
  a: { look: input.n }
  b: { when: a > 1, then: { send: a }, else: { post: a } }
  c:
    map: "[10, 20, 30]"
    as: x
    parallel: 3
    after: [b]
    do:
      nodes:
        one: { look: x }
        two: { send: one }
      output: one + two
  d:
    loop: { i: 0, sum: 0 }
    as: s
    while: s.i < 3
    max: 5
    after: [b]
    do:
      nodes: { p: { post: "s.i + 100" } }
      output: { i: s.i + 1, sum: s.sum + p }
output: { b: b, c: c.sum(), d: d.sum }
`,
  ],
  [
    "failures that are met",
    `
graph: met
input: { n: number }
nodes:
  a: { look: input.n, catch: { expr: "40" } }
  b:
    map: "[1, 2, 3]"
    as: x
    do:
      nodes:
        q: { look: "x + 50", catch: { expr: "7" } }
        r: { send: q }
      output: r
  c: { post: a + b.sum() }
output: c
`,
  ],
]

const FAILING = ["look 1", "look 52"]

describe("every beginning of a chain", () => {
  for (const [name, text] of GRAPHS) {
    test(`of ${name} leads to the same end`, async () => {
      const fails = name.startsWith("failures") ? FAILING : []
      const world = new World()
      for (const at of fails) world.failing.add(at)
      const store = ledger()
      const bytes = world.plan(text)
      const ready = await world.engine(store).prepare(bytes, { grants: GRANTS })
      const whole = await ready.run({ n: 1 })
      expect(whole.outcome.ok).toBe(true)
      const { rows } = store.entries("", whole.run)
      for (let cut = 1; cut < rows.length; cut++) {
        const later = new World()
        for (const at of fails) later.failing.add(at)
        const kept = ledger()
        await kept.putBlob(ready.admitted.hash, bytes)
        for (const row of rows.slice(0, cut)) kept.append(row)
        const bodies = rows.slice(0, cut).map((row) => openEntry(row.entry).body)
        let result = await resume(later.engine(kept), whole.run, { grants: GRANTS })
        // A write without a key that stood open: a person says that it never arrived.
        while (result.parked !== undefined) {
          const replies = result.parked.map(({ path }): Reply => ({ path, how: "again" }))
          result = await resume(later.engine(kept), whole.run, { grants: GRANTS, replies })
        }
        expect(result.outcome).toEqual(whole.outcome)
        expect(result.trace).toBe(whole.trace)
        const settled = bodies.filter((b) => b.kind === "outcome").length
        const reads = bodies.filter((b) => b.kind === "read").length
        expect(later.calls.length).toBe(world.calls.length - settled - reads)
        expect(await replay(later.engine(kept), whole.run)).toMatchObject({ same: true })
      }
    })
  }

  test("with an outcome that a function called pure changes is refused, and the function is named", async () => {
    let salt = 1
    const world = new World()
    const store = ledger()
    const kinds = new Map(world.kinds)
    kinds.set("shady", {
      kind: "shady",
      about: "Says that it is pure.",
      main: { form: "cel", required: true, about: "What with." },
      fields: {},
      takesWith: false,
      sign: () => ({ effect: "pure", resource: null, needs: [], output: { kind: "number" } }),
      open: () => ({ execute: (args) => (args as { readonly shady: number }).shady + salt }),
    })
    Object.assign(world, { kinds })
    const bytes = world.plan(`
graph: shady
input: { n: number }
nodes:
  a: { look: input.n }
  b: { shady: a }
  c: { look: b }
  d: { post: c }
output: d
`)
    const ready = await world.engine(store).prepare(bytes, { grants: GRANTS })
    const { run } = await ready.run({ n: 1 })
    salt = 2
    const found = await replay(world.engine(store), run)
    expect(found.same).toBe(false)
    expect(found.divergences.map(({ path, feeds }) => [printPath(path), feeds.map(printPath)])).toEqual([["c", ["b"]]])
    const half = new MemoryLedger({ entriesMax: 1e6 })
    await half.putBlob(ready.admitted.hash, bytes)
    for (const row of store.entries("", run).rows.slice(0, 3)) half.append(row)
    const before = world.calls.length
    await expect(resume(world.engine(half), run, { grants: GRANTS })).rejects.toMatchObject({
      _tag: "KernelError",
      reason: "diverged",
      message: expect.stringContaining("c is called with other arguments than on record; its arguments come from b"),
    })
    expect(world.calls.length).toBe(before)
  })
})
