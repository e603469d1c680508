/** The first and last entries of runs, sealed late or at once: what stores are given, and what the end of a run proves. */
import { describe, expect, test } from "bun:test"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { type Digest, encode, hex, sha256 } from "../graph/mod.ts"
import { Random, randomText, randomValue } from "../graph/random.sample.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../tests/plans/shop.ts"
import { type Admitted, admit } from "./admit.ts"
import { GrowingChain } from "./chain.ts"
import { openHistory } from "./history.ts"
import { EndRow, HeldStartRow, StartRow } from "./late.ts"
import { GENESIS, type LedgerStore, openEntry, type Row } from "./ledger.ts"
import { taking } from "./past.ts"
import { resumeRun } from "./resume.ts"
import { openRun, type RunRecord } from "./run.ts"

const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest: sha256 })
const clock = { now: () => 7, tick: () => 0 }
const named = { digest: sha256, clock, run: "r1", space: "acme" }

/** A store that keeps what it is given as it is given. */
function keeping(more: Partial<LedgerStore> = {}): { readonly rows: Row[]; readonly store: LedgerStore } {
  const rows: Row[] = []
  const nothing = { runs: () => [], entries: () => ({ before: null, rows: [] }), parked: () => [] }
  const blobs = { putBlob: () => {}, getBlob: () => undefined, close: () => {} }
  return { rows, store: { ...nothing, ...blobs, append: (row) => void rows.push(row), ...more } }
}
const proofOf = (record: RunRecord) => record.end(1) as { readonly head: string; readonly position: number }

describe("a store that looks late", () => {
  test("is given rows that say what they are before they are sealed", () => {
    const { rows, store } = keeping({ late: true })
    proofOf(openRun(plan, { ...named, store, input: 1 }))
    expect(rows.map(({ kind, seq, run, space }) => [kind, seq, run, space])).toEqual([
      ["start", 0, "r1", "acme"],
      ["end", 1, "r1", "acme"],
    ])
  })

  test("finds the start of a run at its end, where nothing stands between", () => {
    const { rows, store } = keeping({ late: true })
    proofOf(openRun(plan, { ...named, store, input: 1 }))
    expect(rows[0]).toBeInstanceOf(StartRow)
    expect((rows[1] as EndRow).start).toBe(rows[0] as StartRow)
  })

  test("and not where the start says more than those of others", async () => {
    const ledger = new MemoryLedger()
    openRun(plan, { ...named, store: ledger, input: { order: "A17" } })
    const past = openHistory(ledger.entries("acme", "r1"), named)
    const { rows, store } = keeping({ late: true })
    const held = await taking(past, plan, { held: true, pinned: [] }, named)
    proofOf(openRun(plan, { ...named, store, input: { order: "A17" } }, held))
    expect(openEntry(rows[0]!.entry).body).toMatchObject({ kind: "start", held: true })
    expect((rows[1] as EndRow).start).toBeUndefined()
  })

  test("and not where something does, or where the run began before", () => {
    const { rows, store } = keeping({ late: true })
    const record = openRun(plan, { ...named, store, input: 1 })
    record.read(["lines"], SHOP.lookup, { order: "A17" }, 12.5, 1)
    proofOf(record)
    expect(rows[2]).toBeInstanceOf(EndRow)
    expect((rows[2] as EndRow).start).toBeUndefined()

    const ledger = new MemoryLedger()
    openRun(plan, { ...named, store: ledger, input: { order: "A17" } })
    const again = keeping({ late: true })
    const past = openHistory(ledger.entries("acme", "r1"), named)
    proofOf(resumeRun(plan, past, { ...named, store: again.store }))
    expect(again.rows.at(-1)).toBeInstanceOf(EndRow)
    expect((again.rows.at(-1) as EndRow).start).toBeUndefined()
  })
})

test("the end of a run proves the entry that its store keeps, also a salted one", () => {
  for (const more of [{ late: true }, {}, { salted: true }] as const) {
    const { rows, store } = keeping(more)
    const salt = (n: number) => new Uint8Array(n).fill(9)
    const { head, position } = proofOf(openRun(plan, { ...named, store, salt, input: 1 }))
    expect({ head, position }).toEqual({ head: hex(rows[1]!.hash), position: 1 })
    expect(rows[1]!.told !== undefined).toBe("salted" in more)
  }
})

test("the hash of a late row is that of the bytes that it is sealed to, whichever is asked for first", () => {
  const mirrored: Digest = (bytes) => sha256(bytes).reverse()
  for (let seed = 0; seed < 500; seed++) {
    const r = new Random(seed)
    const digest = r.chance(0.5) ? sha256 : mirrored
    const pins = r.chance(0.5) ? null : { hash: hex(r.bytes(32)), bytes: r.bytes(3) }
    const admitted: Admitted = { ...plan, graph: randomText(r), hash: hex(r.bytes(32)), pins }
    const ticking = { now: () => r.below(2) * 1.5 + r.below(2 ** 31) * 2 ** r.below(20) }
    const [input, outcome] = [encode(randomValue(r)), encode(randomValue(r))]
    const message = r.chance(0.5) ? null : `${randomText(r)}\ud800`
    const Start = r.chance(0.5) ? HeldStartRow : StartRow
    const chain = new GrowingChain({
      store: { append: () => {}, late: true },
      digest,
      clock: ticking,
      run: randomText(r).repeat(1 + r.below(300)),
      space: randomText(r),
    })
    const start = new Start(chain, input, admitted)
    chain.appendLate(start)
    // Of a run that something stands in: what its end follows is sealed already.
    if (r.chance(0.3)) chain.append({ kind: "resume", by: randomText(r) }, null)
    const end = new EndRow(chain, outcome, message, admitted, start, undefined)
    chain.appendLate(end)
    for (const row of r.chance(0.5) ? [start, end] : [end, start]) {
      const hashed = r.chance(0.5) ? row.hash : undefined
      const { entry, hash, data } = row.seal()
      const said = `seed ${seed} ${row.kind}`
      expect([said, hex(hashed ?? row.hash)]).toEqual([said, hex(digest(entry))])
      expect(hex(hash)).toBe(hex(digest(entry)))
      const { space, run, seq, prev, at, body } = openEntry(entry)
      expect([space, run, seq, at]).toEqual([row.space.toWellFormed(), row.run.toWellFormed(), row.seq, row.at])
      expect(Object.keys(body).sort()).toEqual(Object.keys(row.body()).sort())
      expect(hex(prev)).toBe(hex(row.prev))
      expect(data).toBe(row.data)
    }
    expect([hex(start.prev), chain.head]).toEqual([hex(GENESIS), end.head])
  }
})
