// Smallest cases that random graphs found: what a run took and how it ended, computed again from its record.
import { expect, test } from "bun:test"
import { anew, replay, resume } from "../../deploy/engine/again.ts"
import { Engine } from "../../deploy/engine/engine.ts"
import { systemChance } from "../../deploy/services/chance.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { fail, type NodeKind, T } from "../../graph/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

test("a small int64 of the input is one again when the run goes on, is replayed and is begun anew", async () => {
  const world = new World()
  const store = ledger()
  const bytes = world.plan(`
graph: whole
input: { n: int64 }
nodes:
  a: { expr: "input.n + int64(1)" }
  b: { look: "double(a)" }
output: { a: a, b: b }
`)
  const ready = await world.engine(store).prepare(bytes, { grants: GRANTS })
  const whole = await ready.run({ n: 3n })
  expect(whole.outcome).toEqual({ ok: true, value: { a: 4n, b: 5 } })
  expect(await replay(world.engine(store), whole.run)).toMatchObject({ same: true, outcome: whole.outcome })
  expect(await anew(world.engine(store), whole.run, { grants: GRANTS })).toMatchObject({ outcome: whole.outcome })
  const kept = ledger()
  await kept.putBlob(ready.admitted.hash, bytes)
  kept.append(store.entries("", whole.run).rows[0]!)
  const later = await resume(world.engine(kept), whole.run, { grants: GRANTS })
  expect(later).toMatchObject({ outcome: whole.outcome, trace: whole.trace })
})

test("of two failures that do not depend on each other the replay ends in the one on record", async () => {
  const world = new World()
  const slow: NodeKind = {
    kind: "slow",
    about: "Pure, and fails after a while.",
    main: { form: "cel", type: T.number, required: true, about: "How long." },
    fields: {},
    takesWith: false,
    sign: () => ({ effect: "pure", resource: null, needs: [], output: T.number }),
    open: () => ({
      execute: async (args) => {
        await new Promise((ok) => setTimeout(ok, (args as { readonly slow: number }).slow))
        throw fail("Late", "later")
      },
    }),
  }
  Object.assign(world, { kinds: new Map([...world.kinds, ["slow", slow]]) })
  world.failing.add("look 1")
  const store = ledger()
  const bytes = world.plan(`
graph: two
input: { n: number }
nodes:
  a: { slow: "30" }
  b: { look: input.n }
  c: { look: b + 1 }
output: { a: a, c: c }
`)
  const whole = await (await world.engine(store).prepare(bytes, { grants: GRANTS })).run({ n: 1 })
  expect(whole.outcome).toMatchObject({ ok: false, failure: { code: "Broken" } })
  const again = await replay(world.engine(store), whole.run)
  expect(again).toMatchObject({ same: true, trace: whole.trace, outcome: { failure: { code: "Broken" } } })
  expect(world.calls).toEqual(["look 1"])
})

test("a plan that is only looked at bounds nobody's calls", async () => {
  const world = new World()
  const seen = { now: 0, most: 0 }
  const busy: NodeKind = {
    ...world.kind("look", "read", false),
    open: () => ({
      execute: async (args) => {
        seen.most = Math.max(seen.most, ++seen.now)
        await new Promise((done) => setTimeout(done, 3))
        seen.now--
        return (args as { readonly look: number }).look
      },
    }),
  }
  const kinds = new Map(world.kinds).set("look", busy)
  Object.assign(world, { kinds })
  const text = (concurrent: number) => `graph: many
limits: { looks: { concurrent: ${concurrent} } }
nodes:
  all: { map: "[1, 2, 3, 4]", as: x, parallel: 4, do: { look: x } }
output: all
`
  const store = ledger()
  const before = await world.engine(store).prepare(world.plan(text(1)), { grants: GRANTS })
  const { run } = await before.run({})
  expect(seen.most).toBe(1)
  const engine = world.engine(store)
  const now = await engine.prepare(world.plan(text(4)), { grants: GRANTS })
  expect(await replay(engine, run)).toMatchObject({ same: true })
  await now.run({})
  expect(seen.most).toBe(4)
})

test("a run is replayed with the fuel that it had, not with what the host gives today", async () => {
  const world = new World()
  const store = ledger()
  const bytes = world.plan(`
graph: long
input: { n: number }
nodes:
  a: { look: input.n }
  b: { expr: "range(0, 200).map(i, i * a).sum()" }
output: b
`)
  const ready = await world.engine(store).prepare(bytes, { grants: GRANTS })
  const little = await ready.run({ n: 1 }, { fuel: 100 })
  expect(little.outcome).toMatchObject({ ok: false, failure: { code: "Fuel", data: { limit: 100 } } })
  expect(await replay(world.engine(store), little.run)).toMatchObject({ same: true, trace: little.trace })
  const enough = await ready.run({ n: 1 })
  const poor = new Engine({
    registry: world.kinds,
    services: { clock: systemClock, chance: systemChance },
    store,
    fuel: 100,
  })
  expect(await replay(poor, enough.run)).toMatchObject({ same: true, outcome: enough.outcome, trace: enough.trace })
  // That a tool fails by this name says nothing of the run's own.
  const named: NodeKind = {
    ...world.kinds.get("look")!,
    kind: "burn",
    main: { form: "cel", type: T.number, required: true, about: "What with." },
    sign: () => ({
      effect: "read",
      resource: "burns",
      needs: [],
      input: T.record({ burn: T.number }),
      output: T.number,
    }),
    open: () => ({
      execute: async () => {
        throw fail("Fuel", "its own", { data: { limit: 1 } })
      },
    }),
  }
  Object.assign(world, { kinds: new Map([...world.kinds, ["burn", named]]) })
  const burns = world.plan(
    "graph: burns\ninput: { n: number }\nnodes:\n  a: { burn: input.n }\n  b: { expr: a + 1 }\noutput: b\n",
  )
  const { run } = await (await world.engine(store).prepare(burns, { grants: GRANTS })).run({ n: 1 })
  const again = await replay(world.engine(store), run)
  expect(again).toMatchObject({ same: true })
  expect((again.outcome as { failure: { message: string } }).failure.message).toBe("its own")
})

test("the replay of a run that did not end comes to an end by the fuel of the host", async () => {
  const world = new World()
  const store = ledger()
  const bytes = world.plan(`
graph: endless
input: { n: number }
nodes:
  a: { look: input.n }
  b:
    loop: { i: 0 }
    after: a
    as: s
    while: s.i >= 0
    do:
      nodes:
        next: { expr: s.i + 1 }
      output: { i: next }
    max: 1000000
output: b.i
`)
  const engine = new Engine({
    registry: world.kinds,
    services: { clock: systemClock, chance: systemChance },
    store,
    fuel: 10_000,
  })
  const { run } = await (await engine.prepare(bytes, { grants: GRANTS })).run({ n: 1 })
  // As its process leaves it that dies in the loop.
  const kept = ledger()
  await kept.putBlob((await engine.history(run)).plan, bytes)
  for (const row of (await store.entries("", run)).rows.slice(0, -1)) kept.append(row)
  const dead = new Engine({
    registry: world.kinds,
    services: { clock: systemClock, chance: systemChance },
    store: kept,
    fuel: 10_000,
  })
  expect(await replay(dead, run)).toMatchObject({ same: true, outcome: { ok: false, failure: { code: "Fuel" } } })
})

test("a run with another input takes over what was asked with the same arguments, and asks the rest", async () => {
  const world = new World()
  const store = ledger()
  const bytes = world.plan(`
graph: other
input: { n: number }
nodes:
  same: { look: "5" }
  mine: { look: input.n }
  sent: { send: "7", after: same }
  posted: { post: mine }
output: { same: same, mine: mine, sent: sent, posted: posted }
`)
  const ready = await world.engine(store).prepare(bytes, { grants: GRANTS })
  const first = await ready.run({ n: 1 })
  world.calls.length = 0
  const other = await anew(world.engine(store), first.run, { grants: GRANTS, input: { n: 2 } })
  expect(other.outcome).toEqual({ ok: true, value: { same: 6, mine: 3, sent: 8, posted: 4 } })
  expect(world.calls).toEqual(["look 2", "post 3"])
  const taken = store.entries("", other.run).rows.filter(({ kind }) => kind === "taken")
  expect(taken).toHaveLength(2)
  expect(await replay(world.engine(store), other.run)).toMatchObject({ same: true })
  // Begun anew with its own input it asks for everything.
  world.calls.length = 0
  await anew(world.engine(store), first.run, { grants: GRANTS })
  expect(world.calls.toSorted()).toEqual(["look 1", "look 5", "post 2", "send 7"])
})
