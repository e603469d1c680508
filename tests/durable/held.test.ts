// Runs that begin from the middle of another: none of their writes is sent without leave for that one.
import { describe, expect, test } from "bun:test"
import { anew, replay, resume } from "../../deploy/engine/again.ts"
import type { Reply } from "../../kernel/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

describe("a run whose writes are held", () => {
  const TEXT = `
graph: writes
on_failure: undo
input: { n: number }
nodes:
  a: { send: input.n, undo: { send: "-1 - out" } }
  b: { post: a, after: a }
  c: { look: b }
output: c
`
  const SEND = (...path: string[]) => [{ path, how: "again" }] as const

  test("waits before each of them, however often it goes on, and whatever process began it", async () => {
    const world = new World()
    const store = ledger()
    const ready = await world.engine(store).prepare(world.plan(TEXT), { grants: GRANTS })
    const first = await ready.run({ n: 1 })
    world.calls.length = 0
    const other = await anew(world.engine(store), first.run, { grants: GRANTS, held: true })
    // Its process died before the wait was on record.
    const young = ledger()
    const [start] = store.entries("", other.run).rows
    young.append(start!)
    const { hash, pins } = ready.admitted
    for (const kept of [hash, pins?.hash ?? ""]) young.putBlob(kept, store.getBlob(kept) ?? new Uint8Array())
    const engine = world.engine(young)
    const on = (replies: readonly Reply[] = []) => resume(engine, other.run, { grants: GRANTS, replies })
    const waits = async (result: ReturnType<typeof on>) => (await result).parked?.map(({ why, path }) => [why, ...path])
    expect(await waits(on())).toEqual([["held", "a"]])
    expect(await waits(on())).toEqual([["held", "a"]])
    expect(world.calls).toEqual([])
    expect(await waits(on(SEND("a")))).toEqual([["held", "b"]])
    expect(await waits(on())).toEqual([["held", "b"]])
    // What was sent is taken back without further leave.
    world.failing.add("look 3")
    expect((await on(SEND("b"))).undone?.undone).toEqual([["a"]])
    expect(world.calls).toEqual(["send 1", "post 2", "look 3", "send -3"])
    expect(await replay(engine, other.run)).toMatchObject({ same: true })
  })

  test("and says that nobody knows, of one that nobody knows the end of", async () => {
    const world = new World()
    const store = ledger()
    const ready = await world.engine(store).prepare(world.plan(TEXT), { grants: GRANTS })
    const first = await ready.run({ n: 1 })
    const other = await anew(world.engine(store), first.run, { grants: GRANTS, from: ["b"], held: true })
    world.late.set("post 2", "done")
    const engine = world.engine(store)
    const lost = await resume(engine, other.run, { grants: GRANTS, replies: SEND("b") })
    expect(lost.parked).toMatchObject([{ path: ["b"], why: "uncertain" }])
    expect((await resume(engine, other.run, { grants: GRANTS })).parked).toMatchObject([{ why: "uncertain" }])
  })
})
