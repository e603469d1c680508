/** The first and last entries of runs, sealed late or at once: what stores are given, and what the end of a run proves. */
import { describe, expect, test } from "bun:test"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { hex, sha256 } from "../graph/mod.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../tests/plans/shop.ts"
import { admit } from "./admit.ts"
import { openHistory } from "./history.ts"
import { EndRow, StartRow } from "./late.ts"
import { type LedgerStore, openEntry, type Row } from "./ledger.ts"
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
