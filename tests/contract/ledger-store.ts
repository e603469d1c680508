/**
 * What every place that a ledger is kept in does: one contract, said once, for whichever host runs it. `ledger-store.test.ts` holds
 * memory, SQLite and Postgres to it on Bun; `tests/hosts` runs it on the other hosts, with what these have.
 */
import { describe, expect, test } from "bun:test"
import { begin } from "../../deploy/engine/begin.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import type { SqlLedger, SqlLedgerOptions } from "../../deploy/ledger/sql.ts"
import { encode, fail, hex, sameBytes, sha256 } from "../../graph/mod.ts"
import {
  admit,
  type EntryBody,
  GENESIS,
  type LedgerStore,
  openRun,
  type Row,
  seal,
  verifyChain,
} from "../../kernel/mod.ts"
import { GRANTS, World } from "../durable/house.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../plans/shop.ts"

const digest = sha256
const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest })
const ORDER = { order: "A17" }

/** A fresh store, and another opening of the same one. */
export interface Opened {
  readonly store: LedgerStore
  readonly again: (more?: Partial<SqlLedgerOptions>) => Promise<LedgerStore>
}
export interface Place {
  readonly name: string
  readonly open: () => Promise<Opened>
  /** What is kept outlives the store object. */
  readonly durable: boolean
  /** What one value may have at most, where that is less than the contract tries. */
  readonly valueBytesMax?: number
}

export const IN_MEMORY: Place = {
  name: "memory",
  durable: false,
  open: async () => ({ store: new MemoryLedger(), again: async () => new MemoryLedger() }),
}

/** One run of the shop: `n` reads that overlap, a write that nobody knows the end of. */
export async function shopping(store: LedgerStore, run: string, { n = 3, space = "acme" } = {}) {
  const record = openRun(plan, { store, digest, clock: { now: () => 1_000 }, run, space, input: ORDER })
  await Promise.all(Array.from({ length: n }, (_, i) => record.read(["lines", i], SHOP.lookup, ORDER, i, 1)))
  const intent = await record.intent(["store"], SHOP.store, ORDER)
  await record.delivered(intent, fail("Timeout", "no answer"), "uncertain")
  return record.end(n)
}

export async function rowsOf(n: number, run = "r1", space = "acme"): Promise<readonly Row[]> {
  const memory = new MemoryLedger()
  await shopping(memory, run, { n, space })
  return memory.entries(space, run).rows
}

export async function reasonOf(action: () => unknown): Promise<string> {
  try {
    await action()
  } catch (cause) {
    const { _tag, reason } = cause as { readonly _tag?: string; readonly reason?: string }
    return _tag === "KernelError" ? String(reason) : String(cause)
  }
  return "none"
}

/** Declares the contract of these places. */
export function ledgerContract(places: readonly Place[]): void {
  describe.each(places.filter((p) => p.durable))("a ledger in $name that hosts share", ({ open }) => {
    test("says which runs were left by a holder that has been silent for too long, and whose they are by then", async () => {
      const { again } = await open()
      let at = 1_000
      const now = () => at
      // So long that nobody says it is there by the clock on the wall while this test goes on, however busy the machine is.
      const leaseMs = 300_000
      const [a, b] = await Promise.all(
        ["a", "b"].map((id) => again({ now, holder: { id, leaseMs } }) as Promise<Required<LedgerStore>>),
      )
      await shopping(a!, "ended")
      for (const run of ["r1", "r2"]) for (const row of (await rowsOf(1, run)).slice(0, 3)) await a!.append(row)
      const left = async (store: Required<LedgerStore>) => (await store.left("acme", 9)).map((h) => `${h.run} ${h.seq}`)
      expect([await left(a!), await left(b!)]).toEqual([[], []])
      at = 1_001 + leaseMs
      expect([await left(a!), await left(b!)]).toEqual([[], ["r1 2", "r2 2"]])
      expect(await b!.left("elsewhere", 9)).toEqual([])
      for (const row of (await rowsOf(1, "r1")).slice(3)) await b!.append(row)
      expect(await left(b!)).toEqual(["r2 2"])
      // A lease of a clock that was years ahead is none.
      at = -1e12
      expect(await left(b!)).toEqual(["r2 2"])
      at = 1_500
      expect(await left(b!)).toEqual([])
      await a!.close()
      expect(await left(b!)).toEqual(["r2 2"])
      await b!.close()
    })
  })

  describe.each(places.filter((p) => p.durable))("a ledger in $name that starts runs by itself", ({ open }) => {
    const TEXT = "graph: t\ninput: { n: number }\nnodes:\n  sent: { post: input.n }\noutput: sent\n"

    test("lets one of two servers begin each run, and remembers what was seen to for both", async () => {
      const { store, again } = await open()
      const world = new World()
      const engines = [world.engine(store), world.engine(await again())]
      const readies = await Promise.all(engines.map((e) => e.prepare(world.plan(TEXT), { grants: GRANTS })))
      for (let i = 0; i < 10; i++) {
        const input = { n: i }
        const both = await Promise.all(engines.map((engine, j) => begin(engine, readies[j]!, `run${i}`, input)))
        expect(both.filter((b) => b !== undefined)).toHaveLength(1)
        for (const begun of both) await begun?.result
      }
      expect(world.calls.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `post ${i}`))
      const [one, two] = engines.map((e) => (e.store as SqlLedger).marks)
      expect(await one!.get("", "a")).toBeUndefined()
      await one!.set("", "a", { seen: 1_800_000_000_123, run: null })
      await two!.set("", "a", { seen: 1_800_000_000_124, run: "r" })
      await two!.set("other", "a", { seen: 1, run: "x" })
      expect(await one!.get("", "a")).toEqual({ seen: 1_800_000_000_124, run: "r" })
      for (const engine of engines) await engine.close()
    })
  })

  describe.each([...places])("a ledger in $name", ({ open, durable, valueBytesMax = 8 << 20 }) => {
    test("keeps the entries of a run in order, and says who began last", async () => {
      const { store } = await open()
      const end = await shopping(store, "r1")
      await shopping(store, "r2")
      const chain = await store.entries("acme", "r1")
      expect(chain.rows.map((r) => [r.seq, r.kind])).toEqual([
        [0, "start"],
        [1, "read"],
        [2, "read"],
        [3, "read"],
        [4, "intent"],
        [5, "outcome"],
        [6, "end"],
      ])
      expect(chain.rows).toEqual([...(await rowsOf(3))])
      expect(verifyChain(chain, { digest, space: "acme", run: "r1" })).toMatchObject({
        ok: true,
        entries: 7,
        ended: true,
      })
      const heads = await store.runs("acme", 10)
      expect(heads.map((h) => h.run)).toEqual(["r2", "r1"])
      expect(heads[1]).toMatchObject({ space: "acme", seq: end.position, ended: true })
      expect(hex(heads[1]!.hash)).toBe(end.head)
      expect((await store.runs("acme", 1)).map((h) => h.run)).toEqual(["r2"])
      await store.close()
    })

    test("keeps spaces apart: the same run id twice, and no look into the other", async () => {
      const { store } = await open()
      await shopping(store, "r1", { n: 1 })
      await shopping(store, "r1", { n: 2, space: "other" })
      expect((await store.entries("acme", "r1")).rows).toHaveLength(5)
      expect((await store.entries("other", "r1")).rows).toHaveLength(6)
      expect((await store.entries("third", "r1")).rows).toEqual([])
      expect((await store.runs("other", 9)).map((h) => [h.space, h.run, h.seq])).toEqual([["other", "r1", 5]])
      expect(await store.runs("third", 9)).toEqual([])
      await store.close()
    })

    test("refuses a gap, a repeated entry, another entry of the same number, a run that begins in the middle", async () => {
      const { store } = await open()
      const rows = await rowsOf(3)
      await store.append(rows[0]!)
      expect(await reasonOf(() => store.append(rows[2]!))).toBe("conflict")
      expect(await reasonOf(() => store.append(rows[0]!))).toBe("conflict")
      await store.append(rows[1]!)
      expect(await reasonOf(() => store.append({ ...rows[1]!, hash: new Uint8Array(32) }))).toBe("conflict")
      expect(await reasonOf(async () => store.append((await rowsOf(1, "r9"))[1]!))).toBe("conflict")
      await store.append(rows[2]!)
      expect((await store.entries("acme", "r1")).rows).toEqual(rows.slice(0, 3))
      await store.close()
    })

    test("a run whose id was used fails alone; others of the same turn are kept", async () => {
      const { store } = await open()
      await shopping(store, "r1")
      const ends = await Promise.allSettled(["r1", "r2", "r3"].map(async (run) => shopping(store, run)))
      expect(ends.map((e) => e.status)).toEqual(["rejected", "fulfilled", "fulfilled"])
      expect(ends[0]).toMatchObject({ reason: { _tag: "KernelError", reason: "conflict" } })
      for (const run of ["r1", "r2", "r3"])
        expect(verifyChain(await store.entries("acme", run), { digest, space: "acme", run })).toMatchObject({
          ok: true,
        })
      await store.close()
    })

    test("two who write to one run: one of them goes on, and the chain is whole", async () => {
      const { store, again } = await open()
      const other = durable ? await again() : store
      const ends = await Promise.allSettled([
        (async () => shopping(store, "r1", { n: 2 }))(),
        (async () => shopping(other, "r1", { n: 5 }))(),
      ])
      expect(ends.map((e) => e.status).sort()).toEqual(["fulfilled", "rejected"])
      expect(ends.find((e) => e.status === "rejected")).toMatchObject({ reason: { reason: "conflict" } })
      const verdict = verifyChain(await store.entries("acme", "r1"), { digest, space: "acme", run: "r1" })
      expect(verdict).toMatchObject({ ok: true, ended: true })
      await store.close()
      if (other !== store) await other.close()
    })

    test("two who write one entry in one turn: the first has it, with what hangs on it", async () => {
      const { store } = await open()
      const [first] = await rowsOf(1)
      const kept = (of: readonly Row[]) => Promise.allSettled(of.map(async (row) => store.append(row)))
      await store.append(first!)
      const entry = (seq: number, prev: Uint8Array, at: number): Row =>
        seal({ space: "acme", run: "r1", seq, prev, at, body: { kind: "resume", by: `${at}` } }, null, digest)
      const [a1, b1] = [entry(1, first!.hash, 1), entry(1, first!.hash, 2)]
      const [a2, b2] = [entry(2, a1.hash, 1), entry(2, b1.hash, 2)]
      const ends = await kept([a1, b1, a2, b2])
      expect(ends.map((e) => e.status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"])
      expect((await store.entries("acme", "r1")).rows.map((row) => hex(row.hash))).toEqual(
        [first!, a1, a2].map((row) => hex(row.hash)),
      )
      await store.close()
    })

    test("takes every byte, and rows of megabytes", async () => {
      const { store } = await open()
      const [start, read] = await rowsOf(1)
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const big = new Uint8Array(valueBytesMax).map((_, i) => (i * 2_654_435_761) >>> 24)
      await store.append({ ...start!, data: every })
      await store.append({ ...read!, data: big })
      const { rows } = await store.entries("acme", "r1")
      expect(rows[0]!.data).toEqual(every)
      expect(sameBytes(rows[1]!.data!, big)).toBe(true)
      expect(rows[1]!.data!.constructor).toBe(Uint8Array)
      await store.close()
    })

    test("tells names apart that differ in one sign only, whatever letters they have", async () => {
      const { store } = await open()
      const names = ["run", "Run", "rün", "ru\u0308n", "run ", "'; DROP TABLE ledger; --", "運行"]
      for (const run of names) await shopping(store, run, { n: 0, space: run })
      for (const run of names) {
        expect((await store.runs(run, 9)).map((h) => h.run)).toEqual([run])
        expect(verifyChain(await store.entries(run, run), { digest, space: run, run }).ok).toBe(true)
      }
      await store.close()
    })

    test("of a hundred runs at once keeps each chain whole", async () => {
      const { store } = await open()
      const runs = Array.from({ length: 100 }, (_, i) => `r${i}`)
      await Promise.all(runs.map((run, i) => shopping(store, run, { n: i % 7 })))
      for (const run of runs)
        expect(verifyChain(await store.entries("acme", run), { digest, space: "acme", run }).ok).toBe(true)
      const all = (await store.runs("acme", 1_000)).map((h) => h.run)
      expect(all).toHaveLength(100)
      // In pages too, each from before the last of the one before.
      expect((await store.runs("acme", 7, all[20])).map((h) => h.run)).toEqual(all.slice(21, 28))
      expect(await store.runs("acme", 7, all[99])).toEqual([])
      expect(await store.runs("acme", 7, "nobody")).toEqual([])
      await store.close()
    })

    test("knows which runs rest and when they are due, and keeps bytes under their hash", async () => {
      const { store } = await open()
      const data = encode({})
      const input = digest(data)
      for (const [run, untils] of Object.entries({
        a: [9_000, 4_000],
        b: [null],
        c: [3_000, null],
        d: [1_000],
        e: [],
        f: [null],
      })) {
        const bodies: EntryBody[] = [{ kind: "start", graph: "", plan: "", pins: null, input }]
        for (const until of untils)
          bodies.push({ kind: "parked", path: ["n"], why: "event", input, request: input, until })
        if (run === "d") bodies.push({ kind: "resume", by: "person" })
        // One that rested while it was undone, and is undone once more.
        if (run === "f") bodies.push({ kind: "undo", by: "person", left: ["n"], outcome: input, message: null })
        let prev = GENESIS
        for (const [seq, body] of bodies.entries()) {
          const beside = body.kind === "resume" ? null : data
          const row = seal({ space: "acme", run, seq, prev, at: 0, body }, beside, digest)
          await store.append(row)
          prev = row.hash
        }
      }
      const told = async (dueBy?: number) =>
        (await store.parked("acme", 10, dueBy)).map((r) => [r.run, r.parked?.due ?? null])
      expect(await told()).toEqual([
        ["c", 3_000],
        ["a", 4_000],
        ["b", null],
      ])
      expect(await told(3_999)).toEqual([["c", 3_000]])
      expect(await store.parked("other", 10)).toEqual([])
      expect((await store.runs("acme", 10)).map((r) => r.parked?.due)).toEqual([
        undefined,
        undefined,
        undefined,
        3_000,
        null,
        4_000,
      ])
      const hash = hex(sha256(data))
      await store.putBlob(hash, data)
      await store.putBlob(hash, data)
      expect(await store.getBlob(hash)).toEqual(data)
      expect(await store.getBlob("cd")).toBeUndefined()
      await store.close()
    })

    test.skipIf(!durable)("what it said it kept is there when it is opened again", async () => {
      const { store, again } = await open()
      await shopping(store, "r1")
      const rows = await rowsOf(3, "r2")
      for (const row of rows.slice(0, 4)) await store.append(row)
      await store.close()
      const next = await again()
      expect((await next.entries("acme", "r1")).rows).toEqual([...(await rowsOf(3))])
      expect((await next.runs("acme", 9)).map((h) => [h.run, h.seq, h.ended])).toEqual([
        ["r2", 3, false],
        ["r1", 6, true],
      ])
      await next.append(rows[4]!)
      expect((await next.entries("acme", "r2")).rows).toEqual(rows.slice(0, 5))
      await next.close()
    })

    test.skipIf(!durable)("once closed it refuses, after what was on its way is kept", async () => {
      const { store, again } = await open()
      const rows = await rowsOf(3)
      const kept = Promise.all(rows.slice(0, 3).map((row) => store.append(row)))
      await store.close()
      await kept
      await store.close()
      expect(await reasonOf(() => store.append(rows[3]!))).toBe("closed")
      expect(await reasonOf(() => store.entries("acme", "r1"))).toBe("closed")
      expect(await reasonOf(() => store.runs("acme", 1))).toBe("closed")
      const next = await again()
      expect((await next.entries("acme", "r1")).rows).toEqual(rows.slice(0, 3))
      await next.close()
    })
  })
}
