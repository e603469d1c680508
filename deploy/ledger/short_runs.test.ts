/** Short runs in the ledger in memory, which keeps them as bytes, against the same ledger given every entry sealed, as any other store is. */
import { describe, expect, test } from "bun:test"
import { type Failure, fail, sha256, type Value } from "../../graph/mod.ts"
import { admit, type LedgerStore, openRun, type RunRecord } from "../../kernel/mod.ts"
import { verifyChain } from "../../kernel/walk.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../../tests/plans/shop.ts"
import { MemoryLedger, type MemoryLedgerOptions } from "./memory.ts"

const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest: sha256 })

/** The same runs in two ledgers: one that looks late, and one to which every row comes sealed. */
class Both {
  readonly late: MemoryLedger
  readonly sealed: MemoryLedger
  readonly #stores: readonly LedgerStore[]
  #now = 0

  constructor(options: MemoryLedgerOptions = {}) {
    this.late = new MemoryLedger(options)
    const sealed = new MemoryLedger(options)
    this.sealed = sealed
    const { append, runs, entries, parked, putBlob, getBlob, close } = MemoryLedger.prototype
    const prompt = { append, runs, entries, parked, putBlob, getBlob, close }
    const bound = Object.entries(prompt).map(([name, f]) => [name, (f as () => unknown).bind(sealed)])
    this.#stores = [this.late, Object.fromEntries(bound) as LedgerStore]
  }

  begin(run: string, input: Value, fresh = true, space = "acme"): Pair {
    const at = this.#now++
    const records = this.#stores.map((store) => {
      let next = at * 1_000
      return openRun(plan, { store, digest: sha256, clock: { now: () => next++ }, run, fresh, space, input })
    })
    return new Pair(records)
  }

  /** Nothing tells the two apart. */
  same(space = "acme"): void {
    const listed = this.sealed.runs(space, 1_000)
    expect(this.late.runs(space, 1_000)).toEqual(listed)
    expect(this.late.parked(space, 1_000)).toEqual([...this.sealed.parked(space, 1_000)])
    for (const { run } of listed) {
      const chain = this.late.entries(space, run)
      expect(chain).toEqual(this.sealed.entries(space, run))
      expect(verifyChain(chain, { digest: sha256, space, run })).toMatchObject({ ok: true })
    }
    const second = listed[1]?.run
    expect(this.late.runs(space, 3, second)).toEqual(this.sealed.runs(space, 3, second))
  }
}

class Pair {
  readonly #records: readonly RunRecord[]
  constructor(records: readonly RunRecord[]) {
    this.#records = records
  }
  read(): void {
    for (const record of this.#records) void record.read(["lines"], SHOP.lookup, { order: "A17" }, 12.5, 1)
  }
  end(outcome: Value | Failure): void {
    const [late, sealed] = this.#records.map((record) => {
      const { trace, head, position } = record.end(outcome) as { trace: string; head: string; position: number }
      return { trace, head, position }
    })
    expect(late).toEqual(sealed!)
  }
}

/** Source: mulberry32, in the public domain. */
function numbers(seed: number): (below: number) => number {
  let a = seed
  return (below) => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

describe("short runs in memory", () => {
  test("are the entries that any store is given, with values, failures and texts of any size", () => {
    const both = new Both()
    const texts = ["", "x", "é".repeat(40), "y".repeat(900), "z".repeat(5_000)]
    for (const [i, input] of texts.entries())
      for (const [j, text] of texts.entries())
        both.begin(`r${i}.${j}`, { input }).end(j % 2 === 0 ? { text } : fail("Odd", text, { data: { n: j, text } }))
    both.same()
    expect(both.late.runs("acme", 99)).toHaveLength(25)
  })

  test("are found beside runs that go on and runs that have more entries, however these begin and end", () => {
    for (const seed of [1, 2, 3, 4]) {
      const pick = numbers(seed)
      const both = new Both({ entriesMax: 60, runsMax: 24, bytesMax: 30_000 })
      const open: { readonly pair: Pair; readonly space: string }[] = []
      for (let i = 0; i < 160; i++) {
        const space = pick(4) === 0 ? "other" : "acme"
        const pair = both.begin(
          `run ${i}`,
          { n: i, text: "t".repeat(pick(3) === 0 ? 700 : pick(20)) },
          pick(3) > 0,
          space,
        )
        const how = pick(8)
        if (how === 0) open.push({ pair, space })
        else {
          if (how === 1) pair.read()
          pair.end(how === 2 ? fail("Odd", "so") : i)
        }
        if (pick(5) === 0) open.splice(pick(open.length + 1), 1)[0]?.pair.end(i)
        if (i % 16 === 0 || i > 150) {
          both.same("acme")
          both.same("other")
        }
      }
    }
  })

  test("a run that has only begun is listed, and its id is taken", () => {
    const both = new Both()
    const first = both.begin("r1", 1)
    both.same()
    expect(both.late.runs("acme", 9)).toMatchObject([{ run: "r1", seq: 0, ended: false }])
    expect(() => both.begin("r1", 2, false)).toThrow('Cannot append entry 0 to run "r1": entry 1 comes next')
    first.end(3)
    both.same()
  })

  test("an id that was given, and not drawn, is looked for among them", () => {
    const both = new Both()
    both.begin("r1", 1).end(1)
    expect(() => both.begin("r1", 2, false)).toThrow('Cannot append entry 0 to run "r1": entry 2 comes next')
    both.same()
  })

  test("goes on where something is appended to one, also of the generation before", () => {
    for (const later of [0, 2, 3]) {
      const both = new Both({ runsMax: 8 })
      for (const run of ["r0", "r1"]) both.begin(run, run).end(1)
      for (let i = 0; i < later; i++) both.begin(`later ${i}`, i).end(i)
      const [, end] = both.sealed.entries("acme", "r0").rows
      for (const ledger of [both.late, both.sealed]) ledger.append({ ...end!, seq: 2, kind: "undo" })
      const known = (ledger: MemoryLedger) => ({
        runs: ledger.runs("acme", 99).map(({ run, seq, ended }) => ({ run, seq, ended })),
        r0: ledger.entries("acme", "r0"),
      })
      expect(known(both.late)).toEqual(known(both.sealed))
      for (let i = 0; i < 9; i++) {
        both.begin(`last ${i}`, i).end(i)
        expect(known(both.late)).toEqual(known(both.sealed))
      }
    }
  })

  test("are let go of where their entries or bytes are too many, as any others", () => {
    for (const options of [{ entriesMax: 8 }, { entriesMax: 9 }, { bytesMax: 4_000 }]) {
      const both = new Both(options)
      for (let i = 0; i < 14; i++) {
        both.begin(`r${i}`, "x".repeat(i * 7)).end(i)
        both.same()
      }
    }
  })
})
