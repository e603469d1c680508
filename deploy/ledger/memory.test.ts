/** The ledger in memory against a list that forgets nothing: order, bounds to the entry and byte, what is known of runs. */
import { describe, expect, test } from "bun:test"
import { encode, sha256 } from "../../graph/mod.ts"
import { type Chain, type EntryBody, GENESIS, type Head, type Row, seal } from "../../kernel/ledger.ts"
import { verifyChain } from "../../kernel/walk.ts"
import { MemoryLedger } from "./memory.ts"

const NOTHING = new Uint8Array(0)
const EMPTY = sha256(NOTHING)

/** Entries of a run that follow each other, one for each letter: start, resume, parked, end; of `parked` also when it is due. */
function rowsOf(run: string, kinds: readonly (EntryBody["kind"] | number | null)[], space = "acme"): Row[] {
  const rows: Row[] = []
  for (const kind of kinds) {
    const body: EntryBody =
      kind === "start"
        ? { kind, graph: "", plan: "", pins: null, input: EMPTY }
        : kind === "end"
          ? { kind, outcome: EMPTY, message: null, trace: "" }
          : kind === "resume"
            ? { kind, by: "x" }
            : { kind: "parked", path: ["n"], why: "ask", input: EMPTY, request: EMPTY, until: kind as number | null }
    const prev = rows.at(-1)?.hash ?? GENESIS
    const data = body.kind === "resume" ? null : NOTHING
    rows.push(seal({ space, run, seq: rows.length, prev, at: 0, body }, data, sha256))
  }
  return rows
}
const going = (run: string, n: number, space = "acme") =>
  rowsOf(run, ["start", ...(Array(n - 1).fill("resume") as "resume"[])], space)
const ended = (run: string, space = "acme") => rowsOf(run, ["start", "end"], space)
const sizeOf = (r: Row): number => 256 + (r.data?.length ?? 0)

const keep = (ledger: MemoryLedger, rows: readonly Row[]): MemoryLedger => {
  for (const row of rows) ledger.append(row)
  return ledger
}
const headOf = (rows: readonly Row[]): Head => ({ seq: rows.length - 1, hash: rows.at(-1)!.hash })
const verdictOf = (chain: Chain, run: string, head: Head) =>
  verifyChain(chain, { digest: sha256, space: "acme", run, head })
const runsOf = (ledger: MemoryLedger, space = "acme") => ledger.runs(space, 1_000).map((r) => r.run)

describe("entries", () => {
  test("are kept as they were given, run by run and space by space", () => {
    const ledger = new MemoryLedger()
    const rows = rowsOf("r1", ["start", "resume", "end"])
    const others = going("r1", 2, "other")
    for (const i of [0, 1, 2]) {
      ledger.append(rows[i]!)
      if (i < 2) ledger.append(others[i]!)
    }
    expect(ledger.entries("acme", "r1")).toEqual({ before: null, rows })
    expect(ledger.entries("other", "r1")).toEqual({ before: null, rows: others })
    expect(ledger.entries("third", "r1")).toEqual({ before: null, rows: [] })
    expect(ledger.entries("acme", "r2")).toEqual({ before: null, rows: [] })
    expect(ledger.runs("acme", 10)).toEqual([{ space: "acme", run: "r1", ...headOf(rows), ended: true }])
    expect(ledger.runs("other", 10)).toEqual([{ space: "other", run: "r1", ...headOf(others), ended: false }])
    expect(ledger.runs("third", 10)).toEqual([])
  })

  test("come in order: a gap, a repetition, a run without its start are refused with the number that comes next", () => {
    const ledger = new MemoryLedger()
    const rows = going("r1", 4)
    keep(ledger, rows.slice(0, 2))
    for (const row of [rows[0]!, rows[1]!, rows[3]!])
      expect(() => ledger.append(row)).toThrow(`Cannot append entry ${row.seq} to run "r1": entry 2 comes next`)
    expect(() => ledger.append(going("r2", 2)[1]!)).toThrow('to run "r2": entry 0 comes next')
    // Also where another run was appended to last.
    expect(() => ledger.append(rows[3]!)).toThrow("entry 2 comes next")
    const first = ledger.append.bind(ledger, ended("r3")[0]!)
    first()
    expect(first).toThrow("entry 1 comes next")
    expect(ledger.entries("acme", "r1").rows).toEqual(rows.slice(0, 2))
  })
})

describe("bounds", () => {
  test("of entries: half of them is a generation, and the two latest are kept", () => {
    const ledger = new MemoryLedger({ entriesMax: 6 })
    const rows = going("r1", 20)
    for (const [i, row] of rows.entries()) {
      ledger.append(row)
      // Generations of three: the one being filled, and the one before.
      const kept = i < 3 ? i + 1 : 3 + (i % 3) + 1
      const chain = ledger.entries("acme", "r1")
      expect(chain.rows).toEqual(rows.slice(i + 1 - kept, i + 1))
      const gone = rows[i - kept]
      expect(chain.before).toEqual(gone === undefined ? null : { seq: gone.seq, hash: gone.hash })
      expect(verdictOf(chain, "r1", headOf(rows.slice(0, i + 1)))).toMatchObject({ ok: true, entries: kept })
    }
  })

  test("of bytes: to the byte, with the data beside an entry", () => {
    const rows = going("r1", 3)
    const [a, b] = [rows[0]!, { ...rows[1]!, data: new Uint8Array(1_000) }]
    const both = 2 * (sizeOf(a) + sizeOf(b))
    for (const [bytesMax, left] of [
      [both, 3],
      [both - 1, 2],
    ] as const) {
      const ledger = keep(new MemoryLedger({ bytesMax }), [a, b])
      // One more opens a generation; another big one lets go of what is not in the latest two.
      expect(ledger.entries("acme", "r1").rows).toHaveLength(2)
      keep(ledger, [{ ...rows[2]!, data: new Uint8Array(bytesMax / 2 - 200) }])
      expect(ledger.entries("acme", "r1").rows.length).toBe(left)
    }
  })

  test("of runs: those that ended go, the oldest first; those that go on are always known", () => {
    const ledger = new MemoryLedger({ runsMax: 4 })
    const on = going("on", 3)
    keep(ledger, on.slice(0, 1))
    for (let i = 0; i < 9; i++) keep(ledger, ended(`r${i}`))
    // Generations of two that ended: r8 is in the third since r4 and r5.
    expect(runsOf(ledger)).toEqual(["r8", "r7", "r6", "on"])
    expect(ledger.entries("acme", "r5")).toEqual({ before: null, rows: [] })
    // Its own rows went with their generation, and it goes on where it was.
    expect(ledger.entries("acme", "on")).toEqual({ before: headOf(on.slice(0, 1)), rows: [] })
    keep(ledger, on.slice(1))
    expect(verdictOf(ledger.entries("acme", "on"), "on", headOf(on))).toMatchObject({ ok: true, entries: 2 })
    // A run that was let go of is not there: what would follow it does not.
    const gone = ended("r5")
    expect(() => ledger.append({ ...gone[1]!, seq: 2 })).toThrow("entry 0 comes next")
  })

  test("of runs: half of those that may be kept is a generation", () => {
    const ledger = new MemoryLedger({ runsMax: 4 })
    for (let n = 1; n <= 9; n++) {
      keep(ledger, ended(`r${n}`))
      expect(runsOf(ledger).length).toBe(n < 2 ? n : 2 + (n % 2))
    }
  })

  test("of runs: a space is there as long as one of its runs is", () => {
    const ledger = new MemoryLedger({ runsMax: 4 })
    keep(ledger, going("on", 1, "a"))
    keep(ledger, ended("over", "b"))
    keep(ledger, ended("r0", "c"))
    expect([runsOf(ledger, "a"), runsOf(ledger, "b")]).toEqual([["on"], ["over"]])
    for (let n = 1; n < 5; n++) keep(ledger, ended(`r${n}`, "c"))
    expect([runsOf(ledger, "a"), runsOf(ledger, "b")]).toEqual([["on"], []])
    keep(ledger, going("on", 2, "a").slice(1))
    expect(ledger.entries("a", "on").rows).toHaveLength(1)
  })

  test("of runs: a row that is refused moves none to another space", () => {
    const ledger = keep(new MemoryLedger(), ended("r1").slice(0, 1))
    expect(() => ledger.append(ended("r2", "other")[1]!)).toThrow("entry 0 comes next")
    keep(ledger, ended("r1").slice(1))
    expect([runsOf(ledger), runsOf(ledger, "other")]).toEqual([["r1"], []])
    expect(ledger.entries("other", "r1").rows).toEqual([])
  })

  test("of runs: the run that was appended to last is not known for longer than its entries", () => {
    const ledger = keep(new MemoryLedger({ runsMax: 1 }), ended("r0"))
    expect(runsOf(ledger)).toEqual(["r0"])
    keep(ledger, ended("r1"))
    expect(runsOf(ledger)).toEqual(["r1"])
    keep(ledger, ended("r0"))
    expect(ledger.entries("acme", "r0").rows).toHaveLength(2)
  })

  test("over many runs hold at once, and every head that is left verifies", () => {
    const ledger = new MemoryLedger({ entriesMax: 40, bytesMax: 20_000, runsMax: 30 })
    keep(ledger, going("going on", 3))
    const heads = new Map<string, Head>()
    for (let i = 0; i < 60; i++) {
      const rows = rowsOf(`r${i}`, ["start", ...(Array(i % 9).fill("resume") as "resume"[]), "end"])
      heads.set(`r${i}`, headOf(rows))
      keep(ledger, rows)
      const kept = ledger.runs("acme", 1_000).flatMap((r) => ledger.entries("acme", r.run).rows)
      expect(kept.length).toBeLessThanOrEqual(40)
      expect(kept.reduce((n, r) => n + sizeOf(r), 0)).toBeLessThanOrEqual(20_000)
    }
    const runs = ledger.runs("acme", 1_000)
    const over = runs.filter((r) => r.ended).map((r) => r.run)
    expect(over.length).toBeGreaterThan(1)
    expect(over).toEqual(over.map((_, i) => `r${59 - i}`))
    expect(runs.filter((r) => !r.ended).map((r) => r.run)).toEqual(["going on"])
    for (const run of over)
      expect(verdictOf(ledger.entries("acme", run), run, heads.get(run)!)).toMatchObject({ ok: true })
  })
})

describe("runs", () => {
  test("are listed with the latest started first, and no more than asked for", () => {
    const ledger = new MemoryLedger({ runsMax: 4 })
    for (const run of ["a", "b", "c"]) keep(ledger, ended(run))
    keep(ledger, going("d", 1))
    expect(runsOf(ledger)).toEqual(["d", "c", "b", "a"])
    expect(ledger.runs("acme", 2).map((r) => r.run)).toEqual(["d", "c"])
    expect(ledger.runs("acme", 3).map((r) => r.run)).toEqual(["d", "c", "b"])
    const before = (run: string, limit = 9) => ledger.runs("acme", limit, run).map((r) => r.run)
    expect([before("d"), before("c", 1), before("a"), before("x")]).toEqual([["c", "b", "a"], ["b"], [], []])
  })

  test("that rest are listed with those first that are due first, also those of an earlier generation", () => {
    const ledger = new MemoryLedger({ entriesMax: 8 })
    keep(ledger, rowsOf("nobody", ["start", null]))
    keep(ledger, rowsOf("late", ["start", 9_000]))
    keep(ledger, rowsOf("soon", ["start", 2_000]))
    keep(ledger, rowsOf("two", ["start", 5_000, 4_000, null]))
    keep(ledger, rowsOf("one of two", ["start", null, 3_000]))
    keep(ledger, rowsOf("woken", ["start", 1_000, "resume"]))
    keep(ledger, rowsOf("again", ["start", 1_000, "resume", 6_000]))
    keep(ledger, rowsOf("elsewhere", ["start", 1_000], "other"))
    const told = (limit = 99, dueBy?: number) =>
      ledger.parked("acme", limit, dueBy).map((r) => [r.run, r.parked!.due] as const)
    const all = [
      ["soon", 2_000],
      ["one of two", 3_000],
      ["two", 4_000],
      ["again", 6_000],
      ["late", 9_000],
      ["nobody", null],
    ] as const
    expect(told()).toEqual([...all])
    expect(told(2)).toEqual(all.slice(0, 2))
    expect(told(99, 4_000)).toEqual(all.slice(0, 3))
    expect(told(99, 3_999)).toEqual(all.slice(0, 2))
    expect(told(1, 4_000)).toEqual(all.slice(0, 1))
    expect(ledger.parked("third", 9)).toEqual([])
    const heads = new Map(ledger.runs("acme", 99).map((r) => [r.run, r.parked]))
    expect(heads.get("two")).toEqual({ due: 4_000 })
    expect(heads.get("nobody")).toEqual({ due: null })
    expect(heads.get("woken")).toBeUndefined()
  })

  test("that are due at one moment keep the order in which they rest", () => {
    const ledger = new MemoryLedger()
    for (const run of ["a", "b", "c"]) keep(ledger, rowsOf(run, ["start", 1_000]))
    expect(ledger.parked("acme", 9).map((r) => r.run)).toEqual(["a", "b", "c"])
  })
})

describe("blobs", () => {
  test("are copies both ways, once for each hash", () => {
    const ledger = new MemoryLedger()
    const bytes = encode(["a plan"])
    const before = bytes.slice()
    ledger.putBlob("ab", bytes)
    bytes.fill(0)
    ledger.putBlob("ab", new Uint8Array(9))
    ledger.getBlob("ab")!.fill(7)
    expect(ledger.getBlob("ab")).toEqual(before)
    expect(ledger.getBlob("cd")).toBeUndefined()
  })

  test("are bounded in bytes: the oldest go, the latest stays however large it is", () => {
    const ledger = new MemoryLedger({ blobBytesMax: 10 })
    const known = () => ["a", "b", "c", "d"].filter((hash) => ledger.getBlob(hash) !== undefined).join("")
    ledger.putBlob("a", new Uint8Array(4))
    ledger.putBlob("b", new Uint8Array(6))
    expect(known()).toBe("ab")
    ledger.putBlob("a", new Uint8Array(4))
    expect(known()).toBe("ab")
    ledger.putBlob("c", new Uint8Array(1))
    expect(known()).toBe("bc")
    ledger.putBlob("a", new Uint8Array(4))
    expect(known()).toBe("ac")
    ledger.putBlob("d", new Uint8Array(11))
    expect(known()).toBe("d")
    ledger.putBlob("a", new Uint8Array(1))
    expect(known()).toBe("a")
  })
})

describe("a run that had ended and is undone", () => {
  const undo = (rows: readonly Row[]): Row =>
    seal(
      {
        space: "acme",
        run: rows[0]!.run,
        seq: rows.length,
        prev: rows.at(-1)!.hash,
        at: 0,
        body: { kind: "undo", by: "x", left: [], outcome: EMPTY, message: null },
      },
      NOTHING,
      sha256,
    )
  test("goes on: it is listed once, and not let go of with those that ended", () => {
    const ledger = new MemoryLedger({ runsMax: 4 })
    const rows = ended("r0")
    keep(ledger, rows)
    keep(ledger, [undo(rows)])
    expect(ledger.runs("acme", 9)).toMatchObject([{ run: "r0", seq: 2, ended: false }])
    for (let i = 1; i < 9; i++) keep(ledger, ended(`r${i}`))
    expect(runsOf(ledger).filter((run) => run === "r0")).toEqual(["r0"])
    expect(ledger.runs("acme", 99).find((r) => r.run === "r0")).toMatchObject({ seq: 2, ended: false })
  })

  test("also where it had ended a generation ago", () => {
    const ledger = new MemoryLedger({ runsMax: 4 })
    const rows = ended("r0")
    keep(ledger, rows)
    keep(ledger, ended("r1"))
    keep(ledger, [undo(rows)])
    expect(runsOf(ledger).sort()).toEqual(["r0", "r1"])
    for (let i = 2; i < 9; i++) keep(ledger, ended(`r${i}`))
    expect(runsOf(ledger)).toContain("r0")
  })

  test("its entries count as any other's: of those of an earlier generation the older go first", () => {
    const ledger = new MemoryLedger({ entriesMax: 8 })
    const rows = rowsOf("r0", ["start", "resume", "end"])
    keep(ledger, rows)
    keep(ledger, going("on", 2))
    keep(ledger, [undo(rows)])
    // Generations of four: r0's first three and one of the other's; then these two.
    expect(ledger.entries("acme", "r0").rows).toHaveLength(4)
    keep(ledger, going("more", 3))
    const chain = ledger.entries("acme", "r0")
    expect(chain.rows.map((r) => r.seq)).toEqual([3])
    expect(chain.before).toEqual({ seq: 2, hash: rows[2]!.hash })
  })
})

describe("a run that ended in the generation after the one it began in", () => {
  test("loses its first entries with theirs, and still verifies", () => {
    const ledger = new MemoryLedger({ entriesMax: 6 })
    const rows = rowsOf("r0", ["start", "resume", "resume", "resume", "end"])
    keep(ledger, rows)
    expect(ledger.entries("acme", "r0").rows).toHaveLength(5)
    keep(ledger, going("on", 2))
    const chain = ledger.entries("acme", "r0")
    expect(chain).toEqual({ before: { seq: 2, hash: rows[2]!.hash }, rows: rows.slice(3) })
    expect(verdictOf(chain, "r0", headOf(rows))).toMatchObject({ ok: true, entries: 2 })
    keep(ledger, going("on", 5).slice(2))
    expect(ledger.entries("acme", "r0")).toEqual({ before: null, rows: [] })
  })
})
