// The chain of a run as it grows over stores that answer at once, later, wrongly or never again.
import { describe, expect, test } from "bun:test"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { hex, sha256 } from "../graph/mod.ts"
import { GrowingChain, LateRow } from "./chain.ts"
import { kernelError } from "./errors.ts"
import { GENESIS, type LedgerStore, openEntry, openRow, type Row, SALT_BYTES } from "./ledger.ts"
import { verifyChain } from "./walk.ts"

const DATA = new Uint8Array([1, 2, 3])
const INPUT = sha256(DATA)
const START = { kind: "start", graph: "", plan: "", pins: null, input: INPUT } as const
const RESUME = { kind: "resume", by: "x" } as const
const named = { digest: sha256, clock: { now: () => 7 }, run: "r1", space: "acme" }
const check = (store: MemoryLedger) =>
  verifyChain(store.entries("acme", "r1"), { digest: sha256, space: "acme", run: "r1" })

/** A store that keeps rows in memory, its answer left to `how`. */
function storing(how: (row: Row, memory: MemoryLedger) => void | Promise<void>) {
  const memory = new MemoryLedger()
  const store: LedgerStore = { ...NOTHING, append: (row) => how(row, memory) }
  return { memory, store }
}
const NOTHING = new MemoryLedger() as LedgerStore

describe("a chain", () => {
  test("links each entry to the one before, from the first on", () => {
    const store = new MemoryLedger()
    const chain = new GrowingChain({ ...named, store })
    expect([chain.position, chain.head]).toEqual([-1, hex(GENESIS)])
    expect(chain.append(START, DATA)).toBeUndefined()
    chain.append(RESUME, null)
    const { rows } = store.entries("acme", "r1")
    expect(rows.map((r) => [r.seq, openEntry(r.entry).at])).toEqual([
      [0, 7],
      [1, 7],
    ])
    expect([chain.position, chain.head]).toEqual([1, hex(rows[1]!.hash)])
    expect(check(store)).toMatchObject({ ok: true, entries: 2 })
  })

  test("goes on after an entry that is there already", () => {
    const store = new MemoryLedger()
    new GrowingChain({ ...named, store }).append(START, DATA)
    const [first] = store.entries("acme", "r1").rows
    const chain = new GrowingChain({ ...named, store }, { seq: 0, hash: first!.hash })
    expect([chain.position, chain.head]).toEqual([0, hex(first!.hash)])
    chain.append(RESUME, null)
    expect(check(store)).toMatchObject({ ok: true, entries: 2 })
  })

  test("salts its entries where the store keeps for good and somebody has salt to give", () => {
    const salt = (n: number) => new Uint8Array(n).fill(9)
    for (const [salted, given, expected] of [
      [true, true, true],
      [true, false, false],
      [undefined, true, false],
    ] as const) {
      const rows: Row[] = []
      const store = { ...NOTHING, append: (row: Row) => void rows.push(row), ...(salted ? { salted } : {}) }
      const chain = new GrowingChain({ ...named, store, ...(given ? { salt } : {}) })
      chain.append(START, DATA)
      expect(rows[0]!.told !== undefined).toBe(expected)
      if (expected) expect(rows[0]!.told!.slice(0, SALT_BYTES / 2)).toEqual(salt(SALT_BYTES / 2))
      expect(openRow(rows[0]!).body).toEqual(START)
    }
  })

  test("gives a store that is late the very entry that others are given at once", () => {
    const late: Row[] = []
    const early: Row[] = []
    const { late: _, ...prompt } = NOTHING
    for (const [rows, store] of [
      [late, { ...NOTHING, late: true, append: (row: Row) => void late.push(row) }],
      [early, { ...prompt, append: (row: Row) => void early.push(row) }],
    ] as const) {
      const chain = new GrowingChain({ ...named, store })
      chain.appendLate(
        new (class extends LateRow {
          kind = "start" as const
          override fields = () => [START.graph, START.plan, START.pins, START.input]
        })(chain, DATA),
      )
      expect(chain.head).toBe(hex(rows[0]!.hash))
    }
    expect(late[0]!.entry).toEqual(early[0]!.entry)
    expect(openEntry(late[0]!.entry).body).toEqual(START)
  })

  test("that was closed takes nothing more, and says of which run", () => {
    const store = new MemoryLedger()
    const chain = new GrowingChain({ ...named, store })
    chain.append(START, DATA)
    chain.close()
    expect(() => chain.append(RESUME, null)).toThrow('Cannot record a resume of run "r1": it has ended')
    expect(store.entries("acme", "r1").rows).toHaveLength(1)
  })
})

describe("after an entry that could not be kept nothing of the run is", () => {
  const full = kernelError("full", "no room")
  test("where the store throws", () => {
    let asked = 0
    const { store } = storing(() => {
      asked++
      throw full
    })
    const chain = new GrowingChain({ ...named, store })
    for (let i = 0; i < 2; i++) expect(() => chain.append(START, DATA)).toThrow(full)
    expect(asked).toBe(1)
  })

  test("where its promise breaks: those on their way too, and the first cause is told to all", async () => {
    const answers: ((error: unknown) => void)[] = []
    const { store } = storing(() => new Promise<void>((_, reject) => void answers.push(reject)))
    const chain = new GrowingChain({ ...named, store })
    const kept = [chain.append(START, DATA), chain.append(RESUME, null)] as Promise<void>[]
    answers[0]!(full)
    await expect(kept[0]!).rejects.toBe(full)
    expect(() => chain.append(RESUME, null)).toThrow(full)
    answers[1]!(kernelError("conflict", "a gap"))
    await expect(kept[1]!).rejects.toBe(full)
    expect(answers).toHaveLength(2)
  })

  test("where whoever writes it finds that it must not go on", () => {
    const store = new MemoryLedger()
    const chain = new GrowingChain({ ...named, store })
    chain.append(START, DATA)
    const diverged = kernelError("diverged", "other arguments")
    expect(() => chain.break(diverged)).toThrow(diverged)
    expect(() => chain.break(full)).toThrow(diverged)
    expect(() => chain.append(RESUME, null)).toThrow(diverged)
    expect(store.entries("acme", "r1").rows).toHaveLength(1)
  })

  test("and what is kept later is told later", async () => {
    const { store, memory } = storing(async (row, into) => {
      await Promise.resolve()
      into.append(row)
    })
    const chain = new GrowingChain({ ...named, store })
    const kept = chain.append(START, DATA)
    expect(kept).toBeInstanceOf(Promise)
    expect(memory.entries("acme", "r1").rows).toHaveLength(0)
    await kept
    expect(memory.entries("acme", "r1").rows).toHaveLength(1)
  })
})
