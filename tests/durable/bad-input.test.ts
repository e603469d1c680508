// What must not cost a durable run anything: a validator that never says anything, also across the death of its process, and a
// clock that goes back. Real files, the real waker; what is on record afterwards is held against what the tools saw.
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { auditLedger } from "../../audit/mod.ts"
import { compile } from "../../compile/mod.ts"
import { left, replay, resume } from "../../deploy/engine/again.ts"
import { Engine } from "../../deploy/engine/engine.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { systemChance } from "../../deploy/services/chance.ts"
import { openLedgerKey, verifier } from "../../deploy/services/ledger_key.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { registry, sha256, validated } from "../../graph/mod.ts"
import { openRow, verifyChain } from "../../kernel/mod.ts"
import { GRANTS, World } from "./house.ts"

const folder = mkdtempSync(join(tmpdir(), "bad-input-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0
const key = await openLedgerKey(join(folder, "own.key"))

const graph = (kind: string) => `
graph: judged
input: { n: number }
nodes:
  first: { post: input.n }
  asked: { ${kind}: first }
  last: { post: asked }
output: last
`

class House {
  readonly world = new World()
  readonly file = join(folder, `${++made}.db`)
  /** Does the validator say anything? */
  hangs = true
  readonly #engines: Engine[] = []

  async engine(id: string, timeoutMs: number): Promise<Engine> {
    const judge = () => [
      {
        level: "oracle" as const,
        about: "a second look",
        by: "code:second",
        timeoutMs,
        check: () => (this.hangs ? new Promise<boolean>(() => {}) : true),
      },
    ]
    const kinds = new Map(this.world.kinds)
    for (const kind of ["look", "send"]) kinds.set(kind, validated(kinds.get(kind)!, judge))
    const holder = { id, leaseMs: 60_000 }
    const storage = new SqliteStorage({ file: this.file })
    const now = () => this.world.now
    const store = await SqlLedger.open({ storage, now, holder, signer: key.signer })
    const clock = {
      now,
      tick: () => performance.now(),
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, ms)
          signal?.addEventListener("abort", () => {
            clearTimeout(timer)
            reject(signal.reason)
          })
        }),
    }
    const engine = new Engine({
      registry: registry(...kinds.values()),
      services: { clock, chance: systemChance },
      store,
      parks: true,
    })
    this.#engines.push(engine)
    return engine
  }

  async prepared(engine: Engine, kind: string) {
    const { checked } = checkFile({ file: "t.graph.yaml", text: graph(kind) }, { registry: this.world.kinds })
    return await engine.prepare(compile(checked!).bytes, { grants: GRANTS })
  }

  async close(): Promise<void> {
    for (const engine of this.#engines) await engine.close(1)
  }
}
const kinds = async (engine: Engine, run: string): Promise<readonly string[]> =>
  (await engine.store.entries("", run)).rows.map((row) => openRow(row).body.kind)
const until = async (is: () => boolean) => {
  for (let i = 0; i < 1000 && !is(); i++) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(is()).toBe(true)
}

describe("a validator that hangs", () => {
  for (const kind of ["look", "send"])
    test(`after a ${kind} is waited for until its time is over; the answer does not count, and the record says so`, async () => {
      const house = new House()
      const engine = await house.engine("a", 20)
      const ready = await house.prepared(engine, kind)
      const { run, outcome } = await ready.run({ n: 1 })
      expect(outcome).toMatchObject({
        ok: false,
        failure: { code: "Mismatch", path: ["asked"], data: { level: "oracle" } },
      })
      expect(String((outcome as { failure?: Error }).failure?.message)).toContain("no verdict after 20 ms")
      // What was done stays done, and is on record as done: nothing comes after it.
      expect(house.world.calls).toEqual(["post 1", `${kind} 2`])
      const asked = kind === "look" ? ["read"] : ["intent", "outcome"]
      expect(await kinds(engine, run)).toEqual(["start", "intent", "outcome", ...asked, "end"])
      expect(await replay(engine, run)).toMatchObject({ same: true })
      await house.close()
    })

  test("until its process dies: a read is asked again, and nothing that was done is done again", async () => {
    const house = new House()
    const first = await house.engine("dead", 3_600_000)
    const id = first.id()
    const ready = await house.prepared(first, "look")
    void Promise.resolve(ready.run({ n: 1 }, { id })).catch(() => {})
    await until(() => house.world.calls.length === 2)
    house.world.now += 60_001
    house.hangs = false
    const second = await house.engine("b", 3_600_000)
    expect((await left(second)).map((h) => h.run)).toEqual([id])
    expect((await resume(second, id, { grants: GRANTS })).outcome).toEqual({ ok: true, value: 4 })
    expect(house.world.calls).toEqual(["post 1", "look 2", "look 2", "post 3"])
    await house.close()
  })

  test("over a write until its process dies: the write counts as one of which nobody knows, and is sent again under its key", async () => {
    const house = new House()
    const first = await house.engine("dead", 3_600_000)
    const id = first.id()
    const ready = await house.prepared(first, "send")
    void Promise.resolve(ready.run({ n: 1 }, { id })).catch(() => {})
    await until(() => house.world.calls.length === 2)
    house.world.now += 60_001
    house.hangs = false
    const second = await house.engine("b", 3_600_000)
    expect((await resume(second, id, { grants: GRANTS })).outcome).toEqual({ ok: true, value: 4 })
    expect([...house.world.delivered.values()]).toEqual([1, 1, 1])
    await house.close()
  })
})

describe("a clock that goes back", () => {
  test("between entries leaves chains and the signed log whole, and two runs of one moment apart", async () => {
    const house = new House()
    house.hangs = false
    const { world } = house
    const engine = await house.engine("a", 1_000)
    const ready = await house.prepared(engine, "look")
    const runs: string[] = []
    const times = [1_800_000_000_000, 1_500_000_000_000, 1_500_000_000_000, 1_800_000_000_000, 0]
    for (const at of times) {
      world.now = at
      runs.push((await ready.run({ n: 1 })).run)
    }
    expect(new Set(runs).size).toBe(times.length)
    const store = engine.store as SqlLedger
    for (const run of runs) {
      const chain = await store.entries("", run)
      expect(verifyChain(chain, { digest: sha256, space: "", run })).toMatchObject({ ok: true, ended: true })
    }
    // The latest first is the one that began last, whatever time it says.
    expect((await store.runs("", 9)).map((r) => r.run)).toEqual(runs.toReversed())
    const verify = await verifier([key.publicKey])
    const report = await auditLedger(store.archive, { digest: sha256, verify })
    expect(report).toMatchObject({ ok: true, runs: times.length })
    await house.close()
  })

  test("does not keep the signed head from being handed out", async () => {
    let now = 1_800_000_000_000
    const sizes: number[] = []
    const keepHead = async ({ size }: { readonly size: number }) => void sizes.push(size)
    const storage = new SqliteStorage({ file: join(folder, `${++made}.db`) })
    const store = await SqlLedger.open({ storage, now: () => now, signer: key.signer, keepHead })
    const world = new World()
    const engine = world.engine(store)
    const ready = await engine.prepare(world.plan("graph: t\nnodes:\n  x: { look: 1 }\noutput: x\n"), {
      grants: GRANTS,
    })
    for (const at of [1_800_000_000_000, 1_500_000_000_000, 1_500_000_000_500, 1_500_000_002_000]) {
      now = at
      await ready.run({})
    }
    expect(sizes.length).toBeGreaterThanOrEqual(3)
    expect(sizes.toSorted((a, b) => a - b)).toEqual(sizes)
    await engine.close()
  })

  test("a head that nobody takes fails no run: it is offered again, and told when the ledger closes", async () => {
    const run = async (keepHead: () => Promise<void>) => {
      const storage = new SqliteStorage({ file: join(folder, `${++made}.db`) })
      let now = 1_800_000_000_000
      const store = await SqlLedger.open({ storage, now: () => (now += 60_000), signer: key.signer, keepHead })
      const world = new World()
      const engine = world.engine(store)
      const text = "graph: t\nnodes:\n  x: { look: 1 }\n  y: { post: x }\noutput: y\n"
      const ready = await engine.prepare(world.plan(text), { grants: GRANTS })
      const { run, outcome } = await ready.run({})
      const chain = await store.entries("", run)
      const told = await engine.close().catch((cause: Error) => cause.message)
      return { ok: outcome.ok, ended: verifyChain(chain, { digest: sha256, space: "", run }), told }
    }
    const whole = { ok: true, ended: { ok: true, ended: true } }
    const broken = () => Promise.reject(new TypeError("no room"))
    expect(await run(broken)).toMatchObject({ ...whole, told: "no room" })
    let offered = 0
    const later = async () => (++offered === 1 ? broken() : undefined)
    const healed = await run(later)
    expect(healed).toMatchObject(whole)
    expect([healed.told, offered > 1]).toEqual([undefined, true])
  })

  test("makes nothing due that was not, and nothing undue for ever", async () => {
    const house = new House()
    const { world } = house
    world.now = 1_800_000_000_000
    const engine = await house.engine("a", 1_000)
    const text = "graph: t\nnodes:\n  rest: { sleep: 2h }\noutput: '1'\n"
    const { checked } = checkFile({ file: "t.graph.yaml", text }, { registry: world.kinds })
    const ready = await engine.prepare(compile(checked!).bytes, { grants: [] })
    const { run } = await ready.run({})
    world.now -= 86_400_000
    // Asked for by a person before its time: it rests on, until the same moment.
    const still = await resume(engine, run, { grants: [] })
    expect(still.parked).toMatchObject([{ path: ["rest"], until: 1_800_000_000_000 + 7_200_000 }])
    world.now = 1_800_000_000_000 + 7_200_000
    expect((await resume(engine, run, { grants: [], by: "time" })).outcome).toMatchObject({ ok: true })
    await house.close()
  })
})
