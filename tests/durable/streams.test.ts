// Streams in runs that rest and that are replayed: one that breaks, or that nobody reads on, holds up nobody.
import { expect, test } from "bun:test"
import { replay, resume } from "../../deploy/engine/again.ts"
import { fail, type NodeKind, T } from "../../graph/mod.ts"
import type { Reply } from "../../kernel/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

const feed: NodeKind = {
  kind: "feed",
  about: "Three items, or two and a failure.",
  main: { form: "cel", type: T.number, required: true, about: "Where it breaks." },
  fields: {},
  takesWith: false,
  sign: () => ({
    effect: "read",
    resource: "feeds",
    needs: [],
    input: T.record({ feed: T.number }),
    output: T.stream(T.number),
  }),
  open: () => ({
    execute: async function* (args) {
      for (let i = 0; i < 3; i++) {
        if (i === (args as { readonly feed: number }).feed) throw fail("Broke", "it broke")
        yield i
      }
    },
  }),
}
const house = () => {
  const world = new World()
  Object.assign(world, { kinds: new Map([...world.kinds, ["feed", feed]]) })
  return world
}

/** The items go into writes, so that the stream is read to its end first; or they do not. */
const text = (reader: string) => `
graph: fed
input: { n: number }
nodes:
  sums:
    map: "[input.n]"
    as: x
    do:
      nodes:
        f: { feed: x }
        s: { fold: f, from: 0, do: { nodes: { w: { ${reader} } }, output: acc + w } }
      output: s
    catch: "[7]"
  sure: { ask: "Is \${ sums[0] } right?", output: boolean, within: 2d, after: sums }
output: { all: "sums[0]", sure: sure }
`

for (const reader of ["post: item", "look: item", "expr: item"]) {
  for (const at of [0, 2, 9]) {
    test(`a stream read by ${reader} that ends at ${at}: the run rests after it, and goes on`, async () => {
      const world = house()
      const store = ledger()
      const ready = await world.engine(store).prepare(world.plan(text(reader)), { grants: GRANTS })
      const rested = await ready.run({ n: at })
      expect(rested.parked?.map(({ why }) => why)).toEqual(["ask"])
      const calls = world.calls.length
      const replies: Reply[] = [{ path: ["sure"], how: "answered", value: true }]
      const done = await resume(world.engine(store), rested.run, { grants: GRANTS, replies })
      const sum = reader === "expr: item" ? 3 : 6
      expect(done.outcome).toEqual({ ok: true, value: { all: at < 3 ? 7 : sum, sure: true } })
      expect(world.calls.length).toBe(calls)
      expect(await replay(world.engine(store), rested.run)).toMatchObject({ same: true })
    }, 10_000)
  }
}

const ASKED = `
graph: asked
input: { n: number }
nodes:
  f: { feed: input.n }
  s: { fold: f, from: 0, do: { nodes: { a: { ask: "Take \${ item }?", output: number, within: 2d } }, output: acc + a } }
output: s
`
test("a run that rests in the middle of a stream has read it to its end first, and reads it no more", async () => {
  const world = house()
  const store = ledger()
  const ready = await world.engine(store).prepare(world.plan(ASKED), { grants: GRANTS })
  let result = await ready.run({ n: 9 })
  const waits: unknown[] = []
  for (let i = 0; i < 3; i++) {
    waits.push(result.parked?.map(({ path }) => path))
    const replies: Reply[] = [{ path: ["s", i, "do", "a"], how: "answered", value: 10 + i }]
    result = await resume(world.engine(store), result.run, { grants: GRANTS, replies })
  }
  expect(waits).toEqual([0, 1, 2].map((i) => [["s", i, "do", "a"]]))
  expect(result.outcome).toEqual({ ok: true, value: 33 })
  expect((await replay(world.engine(store), result.run)).same).toBe(true)
})

test("out of budget in the middle of a stream, a run goes on with a larger one", async () => {
  const world = house()
  const store = ledger()
  const text =
    "graph: poor\ninput: { n: number }\nnodes:\n  f: { feed: input.n }\n  s: { fold: f, from: 0, do: { nodes: { l: { look: item } }, output: acc + l } }\noutput: s\n"
  const ready = await world.engine(store).prepare(world.plan(text), { grants: GRANTS })
  const poor = await ready.run({ n: 9 }, { budget: { calls: 3 } })
  expect(poor.parked).toMatchObject([{ why: "budget" }])
  const rich = await resume(world.engine(store), poor.run, { grants: GRANTS, budget: { calls: 9 } })
  expect(rich.outcome).toEqual({ ok: true, value: 6 })
  expect(world.calls).toEqual(["look 0", "look 1", "look 2"])
})
