// What a server does by itself: runs whose time has come and runs whose process died are gone on with, once, by one server,
// and a run that cannot go on hides no other. Time is the test's own; the ledger is a real file of SQLite.
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { undo } from "../../deploy/engine/again.ts"
import type { Engine } from "../../deploy/engine/engine.ts"
import { type WakerOptions, wake } from "../../deploy/engine/waker.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { openRow } from "../../kernel/mod.ts"
import { GRANTS, World } from "./house.ts"

const folder = mkdtempSync(join(tmpdir(), "waker-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0

const LEASE_MS = 60_000
const SLEEPS = `
graph: sleeps
input: { n: number }
nodes:
  seen: { look: input.n }
  rest: { sleep: 3d, after: seen }
  sent: { post: seen, after: rest }
output: sent
`
const LOOKS = `
graph: looks
input: { n: number }
nodes:
  sent: { post: input.n }
  seen: { look: sent }
  more: { post: seen }
output: more
`

class House {
  readonly world = new World()
  readonly file = join(folder, `${++made}.db`)
  readonly #open: { readonly stop: AbortController; readonly engine: Engine; readonly done?: Promise<void> }[] = []

  async engine(id: string): Promise<Engine> {
    const storage = new SqliteStorage({ file: this.file })
    const store = await SqlLedger.open({ storage, now: () => this.world.now, holder: { id, leaseMs: LEASE_MS } })
    const engine = this.world.engine(store)
    this.#open.push({ stop: new AbortController(), engine })
    return engine
  }

  /** A server: what it took up, what it could not, and how to stop it. */
  async server(id: string, options: Partial<WakerOptions> = {}, grants = GRANTS) {
    const engine = await this.engine(id)
    const stop = new AbortController()
    const took: string[] = []
    const told: unknown[] = []
    const clock = {
      now: () => this.world.now,
      tick: () => this.world.now,
      sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 1)),
    }
    const done = wake({
      hosts: [{ engine, grants }],
      clock,
      signal: stop.signal,
      onRun: ({ run, why }) => void took.push(`${why} ${run}`),
      onDefect: (cause) => void told.push(cause),
      ...options,
    })
    this.#open.push({ stop, engine, done })
    return { engine, took, told }
  }

  async begin(engine: Engine, text: string, n: number): Promise<string> {
    const ready = await engine.prepare(this.world.plan(text), { grants: GRANTS })
    const id = engine.id()
    void Promise.resolve(ready.run({ n }, { id })).catch(() => {})
    await until(async () => (await engine.store.entries("", id)).rows.length > 0)
    return id
  }

  async close(): Promise<void> {
    for (const { stop, engine, done } of this.#open) {
      stop.abort()
      await done
      await engine.close(1)
    }
  }
}

async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (await is()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new RangeError("it never came to that")
}
const moments = () => new Promise((resolve) => setTimeout(resolve, 30))
const kinds = async (engine: Engine, run: string): Promise<readonly string[]> =>
  (await engine.store.entries("", run)).rows.map((row) => openRow(row).body.kind)
const ended = (engine: Engine, run: string) => async () => (await kinds(engine, run)).at(-1) === "end"

describe("a run whose time has come", () => {
  test("goes on by itself, and not before; a clock that goes backwards makes it late and loses nothing", async () => {
    const house = new House()
    const { world } = house
    const { engine, took } = await house.server("a")
    const run = await house.begin(engine, SLEEPS, 1)
    await until(async () => (await kinds(engine, run)).at(-1) === "parked")
    world.now += 2 * 86_400_000
    await moments()
    world.now -= 86_400_000
    await moments()
    expect(took).toEqual([])
    world.now += 2 * 86_400_000
    await until(ended(engine, run))
    await until(() => took.length > 0)
    expect(took).toEqual([`due ${run}`])
    expect(world.calls).toEqual(["look 1", "post 2"])
    await house.close()
  })

  test("that cannot go on is told of once, and hides no other", async () => {
    const house = new House()
    const { world } = house
    const other = await house.engine("other")
    const ready = await other.prepare(world.plan(SLEEPS), { grants: GRANTS })
    for (let n = 0; n < 12; n++) await ready.run({ n })
    const good = await house.begin(other, "graph: good\nnodes:\n  rest: { sleep: 4d }\noutput: '1'\n", 0)
    await until(async () => (await kinds(other, good)).at(-1) === "parked")
    const { engine, took, told } = await house.server("a", { atOnceMax: 2 }, ["app:look"])
    world.now += 5 * 86_400_000
    await until(ended(engine, good))
    await moments()
    expect(took).toEqual([`due ${good}`])
    expect(told).toHaveLength(12)
    expect(told[0]).toMatchObject({ _tag: "AdmissionError", reason: "not-granted" })
    // It is looked at again later, in case that somebody granted what is missing, and is not told again.
    world.now += 3_600_000
    await moments()
    expect(told).toHaveLength(12)
    await house.close()
  })
})

describe("a run whose process died", () => {
  const dead = async (house: House) => {
    const { calls, hangs } = house.world
    const before = calls.length
    hangs.add("look 2")
    const run = await house.begin(await house.engine("dead"), LOOKS, 1)
    await until(() => calls.length === before + 2)
    hangs.clear()
    return run
  }

  test("goes on when the process has been silent for as long as it said that it could be", async () => {
    const house = new House()
    const run = await dead(house)
    const { engine, took } = await house.server("a")
    house.world.now += LEASE_MS
    await moments()
    expect(took).toEqual([])
    house.world.now += 1
    await until(ended(engine, run))
    await until(() => took.length > 0)
    expect(took).toEqual([`left ${run}`])
    expect(house.world.calls).toEqual(["post 1", "look 2", "look 2", "post 3"])
    expect(await kinds(engine, run)).toEqual("start intent outcome resume read intent outcome end".split(" "))
    expect(await engine.store.left?.("", 9)).toEqual([])
    await house.close()
  })

  test("goes on in one of several servers, and nothing is done twice", async () => {
    const house = new House()
    const runs = [await dead(house), await dead(house), await dead(house)]
    const before = house.world.calls.length
    const servers = await Promise.all(["a", "b", "c"].map((id) => house.server(id)))
    house.world.now += LEASE_MS + 1
    for (const run of runs) await until(ended(servers[0]!.engine, run))
    await moments()
    const took = servers.flatMap((s) => s.took)
    expect(took.sort()).toEqual(runs.map((run) => `left ${run}`).sort())
    expect(servers.flatMap((s) => s.told)).toEqual([])
    expect(house.world.calls.slice(before).sort()).toEqual(["look 2", "look 2", "look 2", "post 3", "post 3", "post 3"])
    await house.close()
  })

  test("with a write of which nobody knows what came of it rests for a person", async () => {
    const house = new House()
    house.world.hangs.add("post 1")
    const run = await house.begin(await house.engine("dead"), LOOKS, 1)
    await until(() => house.world.calls.length > 0)
    const { engine } = await house.server("a")
    house.world.now += LEASE_MS + 1
    await until(async () => (await kinds(engine, run)).at(-1) === "parked")
    await moments()
    expect(await kinds(engine, run)).toEqual(["start", "intent", "resume", "parked"])
    expect(house.world.calls).toEqual(["post 1"])
    await house.close()
  })

  test("goes on also where the clock has gone back by years since", async () => {
    const house = new House()
    house.world.now = 2_000_000_000_000
    const run = await dead(house)
    house.world.now = 1_700_000_000_000
    const { engine } = await house.server("a")
    await until(ended(engine, run))
    await house.close()
  })

  test("or was closed in good order while the run went on: it goes on at once, and the closing left no trace", async () => {
    const house = new House()
    house.world.hangs.add("look 2")
    const first = await house.engine("first")
    const run = await house.begin(first, LOOKS, 1)
    await until(() => house.world.calls.includes("look 2"))
    await first.close(1)
    house.world.hangs.clear()
    const { engine, took } = await house.server("a")
    await until(ended(engine, run))
    await until(() => took.length > 0)
    expect(took).toEqual([`left ${run}`])
    expect(await kinds(engine, run)).toEqual("start intent outcome resume read intent outcome end".split(" "))
    await house.close()
  })

  test("while it was being undone goes on being undone", async () => {
    const house = new House()
    const { world } = house
    const text =
      'graph: t\ninput: { n: number }\nnodes:\n  sent: { send: input.n, undo: { send: "-1 - out" } }\noutput: sent\n'
    const first = await house.engine("dead")
    const run = await house.begin(first, text, 1)
    await until(ended(first, run))
    world.hangs.add("send -3")
    void undo(first, run, { grants: GRANTS }).catch(() => {})
    await until(() => world.calls.includes("send -3"))
    world.hangs.clear()
    const { engine, took } = await house.server("a")
    world.now += LEASE_MS + 1
    await until(() => took.length > 0)
    expect(took).toEqual([`left ${run}`])
    expect(world.calls).toEqual(["send 1", "send -3", "send -3"])
    expect([...world.delivered.values()]).toEqual([1, 1])
    expect(await engine.store.left?.("", 9)).toEqual([])
    await house.close()
  })

  test("is known only of those that are in flight", async () => {
    const house = new House()
    const engine = await house.engine("a")
    const ready = await engine.prepare(house.world.plan(LOOKS), { grants: GRANTS })
    for (let n = 0; n < 3; n++) await ready.run({ n })
    const pure = await engine.prepare(house.world.plan("graph: p\nnodes:\n  x: { expr: '1' }\noutput: x\n"), {
      grants: [],
    })
    await pure.run({})
    const storage = new SqliteStorage({ file: house.file })
    expect(storage.all("SELECT * FROM ledger_held", [])).toEqual([])
    storage.close()
    await house.close()
  })
})
