// The audit over a ledger of five runs: everything that was changed has its name and its place, and whatever was not
// changed is left alone. The campaign in tests/tamper does the same over random ledgers in a database.
import { beforeAll, describe, expect, test } from "bun:test"
import { sha256 } from "../graph/mod.ts"
import { archiveOf, headNote, listedOf, logOf, runOf, type Sealed, signerOf } from "../tests/sealed.ts"
import { type Audit, type AuditOptions, auditLedger, FINDINGS_MAX } from "./audit.ts"
import {
  continueLog,
  type HeadRow,
  leafBytes,
  type Note,
  noteHeads,
  openLeaf,
  type SignedHead,
  treeHeadBytes,
} from "./heads.ts"
import { EMPTY_TREE, rootOf } from "./merkle.ts"

const own = signerOf("a")
const foreign = signerOf("b")
const audited = (made: Sealed, more: Partial<AuditOptions> = {}): Promise<Audit> =>
  auditLedger(archiveOf(made), { digest: sha256, verify: own.verify, ...more })

// Six runs: two that ended, one of another space by a name that is used twice, one that rests, two in flight.
const RUNS = [
  runOf("a", ["start", "resume", "resume", "end"]),
  runOf("b", ["start", "end"]),
  runOf("e", ["start", "resume", "end"], { space: "other" }),
  runOf("c", ["start", "parked"]),
  runOf("d", ["start", "resume", "resume"]),
  runOf("e", ["start", "resume"], { salt: 5 }),
]
const [A, B, OTHER, C, D, E] = RUNS as [
  (typeof RUNS)[0],
  (typeof RUNS)[0],
  (typeof RUNS)[0],
  (typeof RUNS)[0],
  (typeof RUNS)[0],
  (typeof RUNS)[0],
]
/** Eleven leaves in five groups. */
const GROUPS: readonly (readonly Note[])[] = [
  [headNote(A[0]!), headNote(B[0]!)],
  [headNote(OTHER[0]!), headNote(C[0]!), headNote(D[0]!)],
  [headNote(A[3]!)],
  [headNote(B[1]!), headNote(OTHER[2]!), headNote(C[1]!)],
  [headNote(D[1]!), headNote(E[1]!)],
]
let log: HeadRow[]
let kept: SignedHead
beforeAll(async () => {
  log = await logOf(GROUPS, own)
  kept = (await audited(whole())).heads[0]!
})
const whole = (): Sealed => ({ rows: RUNS.flat(), heads: RUNS.map(listedOf), log })
const without = <T>(list: readonly T[], ...gone: readonly T[]): T[] => list.filter((x) => !gone.includes(x))
/** The ledger as it would be had it been written with other leaves by who has the key. */
const relogged = async (groups: readonly (readonly Note[])[], more: Partial<Sealed> = {}): Promise<Sealed> => ({
  ...whole(),
  log: await logOf(groups, own),
  ...more,
})

describe("a ledger that nobody touched", () => {
  test("is whole, and is counted, however small the pieces are that it is read in", async () => {
    for (const piece of [1, 2, 3, 7, 1_000]) {
      expect(await audited(whole(), { piece, heads: [kept] })).toEqual({
        ok: true,
        runs: 6,
        entries: 16,
        leaves: 11,
        redacted: 0,
        // The last entry of the run in flight.
        unsigned: 1,
        unkept: 6,
        findings: [],
        heads: [kept],
      })
    }
    expect(kept).toMatchObject({ log: own.log, size: 11, signature: log.at(-1)!.signature! })
  })

  test("that has nothing in it is whole too", async () => {
    const nothing = await audited({ rows: [], heads: [], log: [] })
    expect(nothing).toMatchObject({ ok: true, runs: 0, entries: 0, leaves: 0, heads: [] })
  })

  test("fits every head that it had before, also the one before the first leaf", async () => {
    const earlier: SignedHead[] = []
    for (let n = 1; n <= GROUPS.length; n++) {
      const then = await audited({ ...whole(), log: await logOf(GROUPS.slice(0, n), own) })
      earlier.push(then.heads[0]!)
    }
    const none = { log: own.log, size: 0, root: rootOf(EMPTY_TREE, sha256) }
    earlier.push({ ...none, signature: await own.sign(treeHeadBytes(none)) })
    expect(earlier.map((h) => h.size)).toEqual([2, 5, 6, 9, 11, 0])
    expect(await audited(whole(), { heads: earlier })).toMatchObject({ ok: true, findings: [] })
    expect(await audited(whole(), { heads: earlier, piece: 1 })).toMatchObject({ ok: true, findings: [] })
  })
})

describe("an audit of one space", () => {
  const counts = ({ ok, runs, entries, unsigned, findings }: Audit) => [ok, runs, entries, unsigned, findings.length]
  test("counts and tells what is of that space, and whatever is wrong with the log", async () => {
    expect(counts(await audited(whole(), { space: "acme" }))).toEqual([true, 5, 13, 1, 0])
    expect(counts(await audited(whole(), { space: "other" }))).toEqual([true, 1, 3, 0, 0])
    const edited = rowsWith([A[1]!, { entry: A[2]!.entry }])
    expect(counts(await audited(edited, { space: "other" }))).toEqual([true, 1, 3, 0, 0])
    expect((await audited(edited, { space: "acme" })).findings).toMatchObject([{ fault: "edited" }])
    const removed = { ...whole(), rows: without(whole().rows, ...OTHER), heads: whole().heads }
    expect(await audited(removed, { space: "acme" })).toMatchObject({ ok: true })
    expect(await audited(removed, { space: "other" })).toMatchObject({ ok: false })
    const cut = { ...whole(), log: without(log, log[2]!) }
    expect((await audited(cut, { space: "other" })).findings).not.toEqual([])
  })
})

test("a run that goes on after its end is whole where that was signed, and told where it was not", async () => {
  const undone = runOf("a", ["start", "end", "undo", "resume"])
  const audit = async (...signed: number[]) =>
    await audited({
      rows: undone,
      heads: [listedOf(undone)],
      log: await logOf([signed.map((seq) => headNote(undone[seq]!))], own),
    })
  expect(await audit(0, 1, 2)).toMatchObject({ ok: true, unsigned: 1, findings: [] })
  expect(await audit(0, 1)).toMatchObject({ ok: false, findings: [{ fault: "unsigned", at: { seq: 2 } }] })
})

interface Change {
  readonly name: string
  readonly make: () => Sealed | Promise<Sealed>
  readonly heads?: () => SignedHead[]
  /** The first finding: what, where, and words of its message. */
  readonly finds: readonly [fault: string, at: object, says: string]
  /** How many there are in all. Default 1. */
  readonly count?: number
}
const run = (space: string, name: string, seq: number) => ({ space, run: name, seq })
const leafAt = (index: number, of = own.log) => ({ log: of, index })
const rowsWith = (...change: (readonly [from: object, to: object])[]): Sealed => ({
  ...whole(),
  rows: whole().rows.map((r) => {
    const found = change.find(([from]) => from === r)
    return found === undefined ? r : { ...r, ...found[1] }
  }),
})
const logWith = (index: number, change: Partial<HeadRow>): Sealed => ({
  ...whole(),
  log: log.map((r) => (r.index === index ? { ...r, ...change } : r)),
})
const leafWith = (index: number, change: object): Sealed => {
  const leaf = { ...openLeaf(log[index]!.leaf), ...change } as never
  return logWith(index, { leaf: leafBytes(leaf) })
}

const CHANGES: readonly Change[] = [
  {
    name: "an entry's bytes",
    make: () => rowsWith([A[1]!, { entry: A[2]!.entry }]),
    finds: ["edited", run("acme", "a", 1), "does not have its own hash"],
  },
  {
    name: "an entry cut out",
    make: () => ({ ...whole(), rows: without(whole().rows, A[1]!) }),
    finds: ["order", run("acme", "a", 1), "must follow"],
  },
  {
    name: "the end of a run cut off",
    make: () => ({ ...whole(), rows: without(whole().rows, A[2]!, A[3]!) }),
    finds: ["truncated", run("acme", "a", 1), "Entry 3 was signed, and the run stops at entry 1"],
  },
  {
    name: "a run written anew from its beginning, every hash right",
    make: () => {
      const anew = runOf("b", ["start", "resume", "end"])
      return { ...whole(), rows: [...without(whole().rows, ...B), ...anew], heads: RUNS.with(1, anew).map(listedOf) }
    },
    finds: ["rewritten", run("acme", "b", 1), "Entry 1 is not the one that was signed: found hash"],
  },
  {
    name: "a run written anew between two signatures",
    make: () => {
      const anew = runOf("a", ["start", "resume", "parked", "end"])
      return { ...whole(), rows: [...without(whole().rows, ...A), ...anew] }
    },
    finds: ["rewritten", run("acme", "a", 1), "An entry from 1 to 3 is not the one that was signed"],
  },
  {
    name: "a run that nobody signed put in",
    make: () => {
      const more = runOf("z", ["start", "end"])
      return { ...whole(), rows: [...whole().rows, ...more], heads: [...whole().heads, listedOf(more)] }
    },
    finds: ["unsigned", run("acme", "z", 0), 'No signed log has the run "z"'],
  },
  {
    name: "an end put to a run in flight",
    make: () => {
      const ends = runOf("d", ["start", "resume", "resume", "end"])
      return { ...whole(), rows: [...whole().rows, ends[3]!], heads: RUNS.with(4, ends).map(listedOf) }
    },
    finds: ["unsigned", run("acme", "d", 3), "The run's end, entry 3, is in no signed log"],
  },
  {
    name: "a run moved to another space",
    make: () => ({ ...whole(), rows: whole().rows.map((r) => (B.includes(r) ? { ...r, space: "other" } : r)) }),
    finds: ["column", run("other", "b", 0), "space must be"],
    count: 2,
  },
  {
    name: "a run removed, which the log has",
    make: () => ({ ...whole(), rows: without(whole().rows, ...B), heads: without(whole().heads) }),
    finds: ["missing", run("acme", "b", 0), 'The signed log has the run "b", and it has no entries'],
  },
  {
    name: "a run that is only listed",
    make: () => ({ ...whole(), heads: [...whole().heads, { ...listedOf(B), run: "y" }] }),
    finds: ["missing", run("acme", "y", 0), 'The run is listed "y", and it has no entries'],
  },
  {
    name: "a run of which there is only a note of a redaction",
    make: () => relogged([...GROUPS, [{ kind: "redacted", space: "acme", run: "x", seqs: [0], inputs: [] }]]),
    finds: ["missing", run("acme", "x", 0), 'A note is of the run "x"'],
  },
  {
    name: "a run taken off the list",
    make: () => ({ ...whole(), heads: whole().heads.slice(1) }),
    finds: ["listed", run("acme", "a", 3), "The list of runs says something else than entry 3"],
  },
  ...([{ seq: 2 }, { hash: B[0]!.hash }, { ended: false }] as const).map(
    (odd): Change => ({
      name: `what is listed of a run: ${Object.keys(odd)}`,
      make: () => ({ ...whole(), heads: whole().heads.with(0, { ...listedOf(A), ...odd }) }),
      finds: ["listed", run("acme", "a", 3), "The list of runs says"],
    }),
  ),
  {
    name: "data removed without a note",
    make: () => rowsWith([E[0]!, { data: null, told: undefined }]),
    finds: ["redacted", run("acme", "e", 0), "was removed"],
  },
  {
    name: "a signature of an end that is none",
    make: async () => relogged([...GROUPS, [{ ...headNote(D[2]!), state: "ended" } as Note]]),
    finds: ["rewritten", run("acme", "d", 2), "Entry 2 was signed as the run's end, and is none"],
  },
  // ---- the log of heads
  {
    name: "a leaf cut out",
    make: () => ({ ...whole(), log: without(log, log[3]!) }),
    finds: ["log", leafAt(3), "Leaf 3 must follow, found leaf 4"],
  },
  {
    name: "a leaf that cannot be read",
    make: () => logWith(3, { leaf: new Uint8Array([0xc1]) }),
    finds: ["log", leafAt(3), "Cannot read a leaf of the log of heads"],
  },
  {
    name: "a leaf of another number",
    make: () => leafWith(3, { index: 4 }),
    finds: ["log", leafAt(3), "Leaf 3 is that of another place"],
  },
  {
    name: "a leaf of another log",
    make: () => leafWith(3, { log: foreign.log }),
    finds: ["log", leafAt(3), "Leaf 3 is that of another place"],
  },
  {
    name: "a leaf that does not continue the one before",
    make: () => leafWith(3, { prev: sha256(new Uint8Array([9])) }),
    finds: ["log", leafAt(3), "Leaf 3 does not continue leaf 2"],
  },
  {
    name: "a signature taken away",
    make: () => logWith(4, { signature: null }),
    finds: ["log", leafAt(4), "Leaf 4 must be signed"],
  },
  {
    name: "roots taken away",
    make: () => logWith(4, { peaks: null }),
    finds: ["log", leafAt(4), "Leaf 4 must be signed"],
  },
  {
    name: "a signature where none belongs",
    make: () => logWith(3, { signature: log[4]!.signature }),
    finds: ["log", leafAt(3), "Leaf 3 must not be signed"],
  },
  {
    name: "roots where none belong",
    make: () => logWith(3, { peaks: log[4]!.peaks }),
    finds: ["log", leafAt(3), "Leaf 3 must not be signed"],
  },
  {
    name: "the column of a leaf's space",
    make: () => logWith(3, { space: "other" }),
    finds: ["log", leafAt(3), 'Leaf 3 is of space "acme", listed in "other"'],
  },
  {
    name: "the roots beside a leaf",
    make: () => logWith(4, { peaks: log[4]!.peaks!.map((b) => b ^ 1) }),
    finds: ["log", leafAt(4), "The roots beside leaf 4 are not those of the leaves up to it"],
  },
  {
    name: "the log's end cut off within a group",
    make: () => ({ ...whole(), log: log.slice(0, 10) }),
    finds: ["log", leafAt(9), "The log must end in a signature: leaves after 9 were cut off"],
    count: 2,
  },
  {
    name: "the last signature",
    make: () => logWith(10, { signature: new Uint8Array(32) }),
    finds: ["log", leafAt(9), 'A leaf from 9 to 10 is not as it was signed (run "e" or one noted just before)'],
  },
  {
    name: "a log written anew from its third group on by who has no key",
    make: async () => {
      const signer = { ...own, sign: async () => new Uint8Array(32) }
      let state = await continueLog(log[4], own, sha256)
      const forged = log.slice(0, 5)
      for (const group of GROUPS.slice(2)) {
        const { rows, next } = await noteHeads(state, group, { signer, digest: sha256, at: 0 })
        forged.push(...rows)
        state = next
      }
      return { ...whole(), log: forged }
    },
    finds: ["log", leafAt(5), 'Leaf 5 is not as it was signed (run "a"'],
    count: 1,
  },
  {
    name: "a log of a key that was not given",
    make: async () => ({ ...whole(), log: await logOf(GROUPS, foreign) }),
    finds: ["key", leafAt(10, foreign.log), `The key of log ${"b".repeat(12)}… was not given`],
  },
  // ---- against a head kept elsewhere
  {
    name: "the whole end of a log cut off",
    make: () => ({ ...whole(), log: log.slice(0, 9), rows: without(whole().rows, ...E, D[1]!, D[2]!), heads: [] }),
    heads: () => [kept],
    finds: ["head", leafAt(9), "The log must have 11 leaves, found 9: its end was cut off"],
    count: 6,
  },
  {
    name: "a whole log removed",
    make: () => ({ rows: [], heads: [], log: [] }),
    heads: () => [kept],
    finds: ["head", leafAt(0), "The log must have 11 leaves, found 0"],
  },
  {
    name: "a log written anew by who has the key",
    make: () => relogged([[headNote(B[0]!), headNote(A[0]!)], ...GROUPS.slice(1)]),
    heads: () => [kept],
    finds: ["head", leafAt(10), "The first 11 leaves are not those that were signed then"],
  },
  {
    name: "a head that was not signed",
    make: whole,
    heads: () => [{ ...kept, signature: new Uint8Array(32) }],
    finds: ["head", leafAt(10), "The head of 11 leaves that was given is not signed by its key"],
  },
  {
    name: "a head of a key that was not given",
    make: whole,
    heads: () => [{ ...kept, log: foreign.log }],
    finds: ["key", leafAt(10, foreign.log), "was not given"],
  },
]

describe("what was changed is found, and where", () => {
  for (const { name, make, heads, finds, count = 1 } of CHANGES) {
    test(name, async () => {
      const made = await make()
      for (const piece of [2, 1_000]) {
        const { ok, findings } = await audited(made, { piece, ...(heads ? { heads: heads() } : {}) })
        const [first] = findings
        expect(first?.fault).toBe(finds[0] as never)
        expect(first?.at).toEqual(finds[1] as never)
        expect(first?.message).toContain(finds[2])
        expect(ok).toBe(false)
        expect(findings.length).toBe(count)
      }
    })
  }

  test("a log that breaks says nothing more of runs: that they are in none is not said of each", async () => {
    const { findings } = await audited(leafWith(0, { index: 7 }))
    expect(findings).toHaveLength(1)
    // What is wrong with a run's own entries is said all the same.
    const both = { ...leafWith(0, { index: 7 }), rows: without(whole().rows, A[1]!) }
    expect((await audited(both)).findings.map((f) => f.fault)).toEqual(["log", "order"])
    // A head that is kept elsewhere has nothing to be held against.
    expect((await audited(leafWith(0, { index: 7 }), { heads: [kept] })).findings).toHaveLength(1)
  })

  test("a store that answers with rows of another log is not believed", async () => {
    const archive = archiveOf(whole())
    const other: HeadRow[] = log.map((r) => (r.index === 3 ? { ...r, log: foreign.log } : r))
    const { findings } = await auditLedger(
      { ...archive, logs: () => [own.log], logFrom: (_, from) => other.slice(from) },
      { digest: sha256, verify: own.verify },
    )
    expect(findings[0]).toMatchObject({ fault: "log", at: leafAt(3), message: "Leaf 3 is that of another place" })
  })

  test("two logs are each held to their own", async () => {
    const more = runOf("z", ["start", "end"])
    const other = await logOf([[headNote(more[0]!)], [headNote(more[1]!)]], foreign)
    const made: Sealed = {
      rows: [...whole().rows, ...more],
      heads: [...whole().heads, listedOf(more)],
      log: [...log, ...other],
    }
    const verify = async (of: string, bytes: Uint8Array, signature: Uint8Array) =>
      (await own.verify(of, bytes, signature)) ?? (await foreign.verify(of, bytes, signature))
    const both = await audited(made, { verify })
    expect(both).toMatchObject({ ok: true, runs: 7, leaves: 13, unsigned: 1 })
    expect(both.heads.map((h) => [h.log, h.size])).toEqual([
      [own.log, 11],
      [foreign.log, 2],
    ])
    expect(await audited(made, { verify, heads: both.heads })).toMatchObject({ ok: true })
  })

  test("entries that were redacted are counted, and held against their notes", async () => {
    const note: Note = { kind: "redacted", space: "acme", run: "e", seqs: [0], inputs: [] }
    const groups = [...GROUPS, [note]]
    const { data: _, told: __, ...bare } = E[0]!
    const gone = { ...bare, data: null } as (typeof E)[0]
    const rows = whole().rows.map((r) => (r === E[0] ? gone : r))
    expect(await audited(await relogged(groups, { rows }))).toMatchObject({ ok: true, redacted: 1, unsigned: 1 })
    // Two notes add up, and one without its removal is no lie that stays unnoticed.
    const twice = [...GROUPS, [{ ...note, seqs: [], inputs: [1] } as Note], [note]]
    expect(await audited(await relogged(twice, { rows }))).toMatchObject({ ok: true, redacted: 1 })
    const kept0 = await audited(await relogged(groups))
    expect(kept0.findings.map((f) => [f.fault, f.at])).toEqual([["data", run("acme", "e", 0)]])
  })

  test(`no more than ${FINDINGS_MAX} findings are told, and a ledger with more is not whole either`, async () => {
    const many = Array.from({ length: FINDINGS_MAX + 1 }, (_, i) => runOf(`r${i}`, ["start"]))
    const rows = many.flat()
    const { ok, findings, runs } = await audited({ rows, heads: many.map(listedOf), log: [] })
    expect([ok, findings.length, runs]).toEqual([false, FINDINGS_MAX, FINDINGS_MAX + 1])
  })
})
