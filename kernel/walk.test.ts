// A chain in which every hash is right and something else is wrong: where, and by which name. Every changed byte and every
// moved row is in ledger.test.ts.
import { describe, expect, test } from "bun:test"
import { encode, sha256, type Value } from "../graph/mod.ts"
import { runOf } from "../tests/sealed.ts"
import { type Chain, type EntryBody, GENESIS, LEDGER_FORMAT, openEntry, type Row, seal } from "./ledger.ts"
import { ChainWalk, type Redactions, type VerifyOptions, verifyChain } from "./walk.ts"

const named = { digest: sha256, space: "acme", run: "r1" }
const check = (rows: readonly Row[], more: Partial<VerifyOptions> = {}, before: Chain["before"] = null) =>
  verifyChain({ before, rows }, { ...named, ...more })
const KINDS = ["start", "parked", "resume", "end"] as const
const plain = runOf("r1", KINDS)
const salted = runOf("r1", KINDS, { salt: 9 })
const NOTHING = new Uint8Array(0)
const redacting = (seqs: number[], inputs: number[] = []): { redactions: Redactions } => ({
  redactions: { seqs: new Set(seqs), inputs: new Set(inputs) },
})
const wrong = (seq: number, reason: string, says = "") => ({
  ok: false,
  seq,
  reason,
  message: expect.stringContaining(says) as never,
})

test("a chain that is whole is counted, plain and salted", () => {
  for (const rows of [plain, salted]) {
    const head = { seq: 3, hash: rows[3]!.hash }
    expect(check(rows)).toEqual({ ok: true, entries: 4, head, ended: true })
    expect(check(rows, { head })).toMatchObject({ ok: true })
    expect(check(rows.slice(0, 3))).toMatchObject({ ok: true, entries: 3, ended: false })
  }
})

test("a chain whose beginning was let go of goes on from its last entry", () => {
  const before = { seq: 1, hash: plain[1]!.hash }
  expect(check(plain.slice(2), {}, before)).toMatchObject({ ok: true, entries: 2, head: { seq: 3 } })
  expect(check([], {}, before)).toEqual({ ok: true, entries: 0, head: before, ended: false })
  expect(check(plain.slice(2))).toMatchObject(wrong(0, "order", "Entry 0 must follow, found entry 2"))
  expect(check(plain.slice(2), {}, { seq: 1, hash: plain[0]!.hash })).toMatchObject(wrong(2, "unlinked"))
  expect(check(plain.slice(1), {}, before)).toMatchObject(wrong(2, "order"))
})

describe("with every hash right", () => {
  const sealed = (seq: number, body: EntryBody, data: Uint8Array | null, prev: Uint8Array): Row =>
    seal({ space: "acme", run: "r1", seq, prev, at: 0, body }, data, sha256)
  const bodyOf = (i: number) => openEntry(plain[i]!.entry).body

  test("bytes that are no entry", () => {
    const entry = new Uint8Array([0xc1])
    const odd = { ...plain[0]!, entry, hash: sha256(entry) }
    expect(check([odd])).toMatchObject(wrong(0, "edited", "Cannot read a ledger entry"))
  })

  test("a run that begins with something else, or begins twice", () => {
    const first = sealed(0, bodyOf(2), null, GENESIS)
    expect(check([first])).toMatchObject(wrong(0, "order", 'Entry 0 is of kind "resume"'))
    const again = sealed(1, bodyOf(0), NOTHING, plain[0]!.hash)
    expect(check([plain[0]!, again])).toMatchObject(wrong(1, "order", 'Entry 1 is of kind "start"'))
  })

  test("entries after the end", () => {
    const more = sealed(4, bodyOf(2), null, plain[3]!.hash)
    expect(check([...plain, more])).toMatchObject(wrong(4, "order", "Entry 4 stands after the end of the run"))
  })

  test("columns that say something else than the bytes, each by its name", () => {
    for (const [change, says] of [
      [{ space: "other" }, 'space must be "acme", found "other"'],
      [{ run: "r2" }, 'run must be "r1", found "r2"'],
      [{ kind: "end" }, 'kind must be "resume", found "end"'],
    ] as const)
      expect(check(plain.with(2, { ...plain[2]!, ...change }))).toMatchObject(wrong(2, "column", says))
    expect(check(plain, { space: "other" })).toMatchObject(wrong(0, "column", 'space must be "acme", found "other"'))
    expect(check(plain, { run: "r2" })).toMatchObject(wrong(0, "column", 'run must be "r1", found "r2"'))
    const moved = sealed(1, bodyOf(2), null, plain[0]!.hash)
    const bytes = { ...sealed(5, bodyOf(2), null, plain[0]!.hash), seq: 1 }
    expect(check([plain[0]!, moved])).toMatchObject({ ok: true })
    expect(check([plain[0]!, bytes])).toMatchObject(wrong(1, "column", 'seq must be "5", found "1"'))
  })

  test("a head of another number with the hash of this one", () => {
    const head = { seq: 3, hash: plain[3]!.hash }
    expect(check(plain, { head: { ...head, seq: 4 } })).toMatchObject(wrong(3, "truncated", "must end at entry 4"))
    expect(check(plain, { head: { ...head, hash: plain[2]!.hash } })).toMatchObject(wrong(3, "truncated"))
    expect(check([])).toMatchObject(wrong(0, "empty", 'Run "r1" has no entries'))
  })
})

describe("beside an entry", () => {
  const with_ = (rows: readonly Row[], i: number, change: Partial<Row>) => rows.with(i, { ...rows[i]!, ...change })
  const not = (what: string) => `the ${what} beside it is not the one it names`

  test("that is plain stands what it names, and no salt", () => {
    for (const [i, word] of [
      [0, "input"],
      [1, "request"],
      [3, "outcome"],
    ] as const) {
      expect(check(with_(plain, i, { data: new Uint8Array([1]) }))).toMatchObject(wrong(i, "data", not(word)))
      expect(check(with_(plain, i, { data: null }))).toMatchObject(wrong(i, "data", not(word)))
    }
    expect(check(with_(plain, 2, { data: NOTHING }))).toMatchObject(wrong(2, "data", not("outcome")))
    const intent = {
      kind: "intent",
      path: ["n"],
      resource: null,
      input: sha256(NOTHING),
      key: "k",
      args: true,
    } as const
    const kept = seal({ space: "acme", run: "r1", seq: 1, prev: plain[0]!.hash, at: 0, body: intent }, NOTHING, sha256)
    expect(check([plain[0]!, kept])).toMatchObject({ ok: true })
    expect(check([plain[0]!, { ...kept, data: null }])).toMatchObject(wrong(1, "data", not("arguments")))
    expect(check(with_(plain, 0, { asked: NOTHING }))).toMatchObject(wrong(0, "data", not("salt")))
    expect(check(with_(plain, 0, { told: NOTHING }))).toMatchObject(wrong(0, "data", not("salt")))
    expect(check(with_(plain, 0, { data: null }), { withoutData: true })).toMatchObject({ ok: true })
  })

  test("that is salted stand both halves, as its digests name them, and its data", () => {
    for (const [change, says] of [
      [{ asked: NOTHING }, not("input's hash")],
      [{ told: NOTHING }, not("record")],
      [{ data: new Uint8Array([1]) }, not("request")],
    ] as const)
      expect(check(with_(salted, 1, change))).toMatchObject(wrong(1, "data", says))
    for (const [change, says] of [
      [{ asked: undefined }, "the input's hash beside it was removed"],
      [{ told: undefined }, "the record beside it was removed"],
      [{ data: null }, "the request beside it was removed"],
    ] as const)
      expect(check(with_(salted, 1, change as never))).toMatchObject(wrong(1, "redacted", says))
    // Of a beginning there is no call, of a resumption nothing at all.
    expect(check(with_(salted, 0, { asked: NOTHING }))).toMatchObject(wrong(0, "data", not("input's hash")))
    expect(check(with_(salted, 2, { told: NOTHING }))).toMatchObject(wrong(2, "data", not("record")))
    expect(check(with_(salted, 2, { data: NOTHING }))).toMatchObject(wrong(2, "data", not("outcome")))
  })

  test("whose digest is right and whose record is none", () => {
    for (const says of [encode("text"), encode([]), encode([GENESIS, GENESIS])] as const) {
      const told = new Uint8Array([...new Uint8Array(16), ...says])
      const list: Value[] = [
        LEDGER_FORMAT,
        "acme",
        "r1",
        0,
        GENESIS,
        0,
        "start",
        "",
        "",
        null,
        null,
        null,
        sha256(told),
      ]
      const entry = encode(list)
      const row: Row = { ...salted[0]!, entry, hash: sha256(entry), told }
      expect(check([row])).toMatchObject(wrong(0, "data", not("record")))
    }
  })

  test("nothing is left of what was redacted, and more than a note says is not gone", () => {
    const gone = { asked: undefined, told: undefined, data: null } as never
    const redacted = with_(salted, 1, gone)
    expect(check(redacted)).toMatchObject(wrong(1, "redacted"))
    expect(check(redacted, redacting([1]))).toMatchObject({ ok: true, entries: 4 })
    const walk = new ChainWalk({ ...named, ...redacting([1]) })
    for (const row of redacted) expect(walk.step(row)).toBeUndefined()
    expect(walk.redacted).toBe(1)
    for (const [left, says] of [
      [{ asked: salted[1]!.asked }, not("input's hash")],
      [{ told: salted[1]!.told }, not("record")],
      [{ data: salted[1]!.data }, not("request")],
    ] as const)
      expect(check(with_(redacted, 1, left as never), redacting([1]))).toMatchObject(wrong(1, "data", says))
    // Only what would tell the input.
    const input = with_(salted, 1, { asked: undefined } as never)
    expect(check(input, redacting([], [1]))).toMatchObject({ ok: true })
    expect(check(salted, redacting([], [1]))).toMatchObject(wrong(1, "data", not("input's hash")))
    expect(check(redacted, redacting([], [1]))).toMatchObject(wrong(1, "redacted", "the record"))
    expect(check(redacted, redacting([0]))).toMatchObject(wrong(0, "data", not("record")))
  })
})
