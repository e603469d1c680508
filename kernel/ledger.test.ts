/** The chain as data: canonical entries, and every way of tampering with one that a reader could meet. */

import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { encode as msgpack } from "@msgpack/msgpack"
import { type Digest, encode, hex, sha256, type Value } from "../graph/mod.ts"
import { KernelError } from "./errors.ts"
import {
  dataHash,
  type Entry,
  type EntryBody,
  type EntryKind,
  GENESIS,
  type Head,
  openEntry,
  openRow,
  type Row,
  seal,
} from "./ledger.ts"
import { type Verdict, verifyChain } from "./walk.ts"

const digest: Digest = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest())

/** A run with reads, one write and an end, as rows; `n` reads. */
function chainOf(run: string, n: number, space = "acme"): Row[] {
  const rows: Row[] = []
  let prev = GENESIS
  const add = (body: EntryBody, data: Uint8Array | null) => {
    const row = seal({ space, run, seq: rows.length, prev, at: 1_000 + rows.length, body }, data, digest)
    rows.push(row)
    prev = row.hash
  }
  const hashed = (v: Parameters<typeof encode>[0]) => {
    const data = encode(v)
    return { data, hash: digest(data) }
  }
  const input = hashed({ order: "A17" })
  add({ kind: "start", graph: "ab".repeat(32), plan: "cd".repeat(32), pins: null, input: input.hash }, input.data)
  for (let i = 0; i < n; i++) {
    const found = hashed(["value", { i }])
    const path = ["items", i, "get"]
    const read = { path, resource: "db:shop", input: input.hash, outcome: found.hash, message: null, attempts: 1 }
    add({ kind: "read", ...read, cachedMs: null }, found.data)
  }
  add({ kind: "intent", path: ["send"], resource: "host:x", input: input.hash, key: "ef".repeat(32) }, null)
  const failed = hashed(["failure", { failure: "Timeout", data: null }])
  add(
    { kind: "outcome", intent: n + 1, how: "uncertain", outcome: failed.hash, message: "late", attempts: 2 },
    failed.data,
  )
  const asked = hashed({ question: "well?" })
  add({ kind: "parked", path: ["ask"], why: "ask", input: input.hash, request: asked.hash, until: 5_000 }, asked.data)
  add({ kind: "resume", by: "person" }, null)
  const yes = hashed(["value", true])
  const said = { path: ["ask"], how: "answered", by: "person", outcome: yes.hash, message: null } as const
  add({ kind: "answer", ...said }, yes.data)
  add({ kind: "answer", path: ["send"], how: "again", by: "person", outcome: null, message: null }, null)
  add({ kind: "end", outcome: failed.hash, message: "late", trace: "00".repeat(32) }, failed.data)
  return rows
}

const check = (rows: readonly Row[], head?: Head, run = "r1", before: Head | null = null): Verdict =>
  verifyChain({ before, rows }, { digest, space: "acme", run, ...(head ? { head } : {}) })
const headOf = (rows: readonly Row[]): Head => ({ seq: rows.length - 1, hash: rows.at(-1)!.hash })

const HASH = sha256(new Uint8Array([1]))
const OTHER = sha256(new Uint8Array([2]))
const call = { path: ["a", 2, "b"], resource: "db:x", input: HASH }
const came = { outcome: OTHER, message: "late" }
/** One of each kind, with what must not be left of it after a redaction: the call's and the rest's. */
const EVERY: { readonly [K in EntryKind]: readonly [EntryBody & { readonly kind: K }, asked: string, told: string] } = {
  start: [{ kind: "start", graph: "g", plan: "p", pins: "q", input: HASH }, "", "input"],
  read: [{ kind: "read", ...call, ...came, attempts: 2, cachedMs: 5, spent: [1] }, "input", "outcome message"],
  intent: [{ kind: "intent", ...call, key: "k" }, "input", ""],
  outcome: [{ kind: "outcome", intent: 3, how: "refused", ...came, attempts: 2, spent: null }, "", "outcome message"],
  part: [{ kind: "part", path: ["a"], n: 3, input: HASH, outcome: OTHER, spent: null }, "input", "outcome"],
  parked: [{ kind: "parked", path: ["a"], why: "ask", input: HASH, request: OTHER, until: 7 }, "input", "request"],
  answer: [{ kind: "answer", path: ["a"], how: "answered", by: "me", ...came }, "", "outcome message"],
  taken: [{ kind: "taken", ...call, effect: "read", ...came, from: "r0" }, "input", "outcome message"],
  guess: [
    {
      kind: "guess",
      path: ["a"],
      input: HASH,
      verdict: "hit",
      by: "w",
      alpha: 0.1,
      confidence: 0.9,
      why: null,
      outcome: OTHER,
    } as never,
    "input",
    "outcome",
  ],
  discarded: [{ kind: "discarded", ...call, on: ["b"], attempts: 1, spent: null } as never, "input", ""],
  met: [{ kind: "met", path: ["a"], ...came }, "", "outcome message"],
  resume: [{ kind: "resume", by: "me" }, "", ""],
  undo: [{ kind: "undo", by: "me", left: [], ...came } as never, "", "outcome message"],
  end: [{ kind: "end", ...came, trace: "tt" }, "", "outcome message trace"],
}

describe("an entry with salt", () => {
  const salt = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
  const saltedOf = (body: EntryBody, grains = salt): Row =>
    seal({ space: "acme", run: "r1", seq: 4, prev: GENESIS, at: 9, body }, null, digest, grains)
  const words = (text: string) => text.split(" ").filter((w) => w !== "")

  test("of every kind holds nothing that data could be guessed from, and is read back with what stands beside it", () => {
    for (const [body, asked, told] of Object.values(EVERY)) {
      const row = saltedOf(body)
      const bare = openEntry(row.entry).body as unknown as Record<string, unknown>
      for (const field of words(`${asked} ${told}`)) expect(bare[field]).toBeNull()
      expect(openRow(row)).toStrictEqual({ ...openEntry(row.entry), body, redacted: false })
      expect(row.asked?.slice(0, 16)).toEqual(asked === "" ? undefined : salt.slice(0, 16))
      expect(row.told?.slice(0, 16)).toEqual(told === "" ? undefined : salt.slice(16))
      // Another salt, other bytes.
      const other = saltedOf(body, new Uint8Array(32))
      expect(hex(other.entry) === hex(row.entry)).toBe(asked + told === "")
    }
  })

  test("of every kind says what is gone, and has nothing in its place", () => {
    const NOTHING = new Uint8Array(0)
    for (const [body, asked, told] of Object.values(EVERY)) {
      const { asked: a, told: t, ...rest } = saltedOf(body)
      const without = (field: string): Value => (field === "message" ? null : field === "trace" ? "" : NOTHING)
      const emptied = (fields: readonly string[]) => ({
        ...body,
        ...Object.fromEntries(fields.map((f) => [f, without(f)])),
      })
      const kept = { ...(a ? { asked: a } : {}), ...(t ? { told: t } : {}) }
      expect(openRow(rest)).toMatchObject({ body: emptied(words(`${asked} ${told}`)), redacted: asked + told !== "" })
      if (a)
        expect(openRow({ ...rest, ...(t ? { told: t } : {}) })).toMatchObject({
          body: emptied([asked]),
          redacted: true,
        })
      if (t)
        expect(openRow({ ...rest, ...(a ? { asked: a } : {}) })).toMatchObject({
          body: emptied(words(told)),
          redacted: true,
        })
      expect(openRow({ ...rest, ...kept }).redacted).toBe(false)
    }
  })

  test("beside which stands something else is refused", () => {
    const { entry } = saltedOf(EVERY.end[0])
    for (const says of [encode("abc"), encode("text"), encode([]), encode([1, 2]), encode([1, 2, 3, 4])])
      expect(() => openRow({ entry, told: new Uint8Array([...salt.slice(16), ...says]) })).toThrow(
        "Cannot read what stands beside ledger entry 4",
      )
  })
})

describe("a row", () => {
  test("says when it is due where it rests until then, and nothing of it elsewhere", () => {
    const rowOf = (body: EntryBody) => seal({ space: "", run: "r", seq: 1, prev: GENESIS, at: 0, body }, null, digest)
    const [parked] = EVERY.parked
    expect(rowOf(parked).due).toBe(7)
    expect(Object.hasOwn(rowOf({ ...parked, until: null }), "due")).toBe(false)
    expect(Object.hasOwn(rowOf(EVERY.resume[0]), "due")).toBe(false)
  })

  test("has data by the hash that its entry names, or none", () => {
    const found = Object.entries(EVERY).map(([kind, [body]]) => {
      const hash = dataHash(body)
      return `${kind} ${hash === null ? "none" : hex(hash) === hex(HASH) ? "input" : "other"}`
    })
    expect(found).toEqual([
      "start input",
      "read other",
      "intent none",
      "outcome other",
      "part other",
      "parked other",
      "answer other",
      "taken other",
      "guess none",
      "discarded none",
      "met other",
      "resume none",
      "undo other",
      "end other",
    ])
    expect(dataHash({ ...EVERY.intent[0], args: true })).toEqual(HASH)
  })
})

describe("entries", () => {
  test("are canonical msgpack, the same bytes that another encoder writes", () => {
    const entry: Entry = {
      space: "acme",
      run: "r1",
      seq: 3,
      prev: GENESIS,
      at: 1_700_000_000_000,
      body: { kind: "intent", path: ["a", 2, "b"], resource: null, input: GENESIS, key: "00" },
    }
    const row = seal(entry, null, digest)
    const list = [1, "acme", "r1", 3, GENESIS, 1_700_000_000_000, "intent", ["a", 2, "b"], null, GENESIS, "00"]
    expect(hex(row.entry)).toBe(hex(msgpack(list, { useBigInt64: false })))
    expect(hex(row.hash)).toBe(createHash("sha256").update(row.entry).digest("hex"))
    expect(openEntry(row.entry)).toEqual(entry)
  })

  test("of every kind are read back as they were written", () => {
    for (const row of chainOf("r1", 2)) {
      const entry = openEntry(row.entry)
      expect(entry.body.kind).toBe(row.kind)
      expect(hex(seal(entry, row.data, digest).entry)).toBe(hex(row.entry))
    }
  })

  test("of another version or form are refused by name", () => {
    const reasonOf = (bytes: Uint8Array): string => {
      try {
        openEntry(bytes)
      } catch (cause) {
        return cause instanceof KernelError ? `${cause.reason}: ${cause.message}` : `not ours: ${String(cause)}`
      }
      return "read"
    }
    expect(reasonOf(encode([2, "acme"]))).toBe("format: Cannot read a ledger entry: format must be 1, found 2")
    expect(reasonOf(new Uint8Array([0xc1]))).toStartWith("corrupt:")
    expect(reasonOf(encode({ a: 1 }))).toStartWith("corrupt:")
    expect(reasonOf(encode([1, "acme", "r", 0, GENESIS, 0, "toString"]))).toStartWith("corrupt:")
    expect(reasonOf(encode([1, "acme", "r", 0, GENESIS, 0, "end", GENESIS]))).toStartWith("corrupt:")
    expect(reasonOf(new Uint8Array([0xc1]))).toContain("of 1 bytes: Cannot decode")
    const resume = [1, "acme", "r", 0, GENESIS, 0, "resume", "me"]
    expect(reasonOf(encode(resume))).toBe("read")
    const form = (kind: string) => `corrupt: Cannot read a ledger entry: it has not the form of "${kind}"`
    for (const at of [1, 2, 3, 4, 5]) expect(reasonOf(encode((resume as Value[]).with(at, true)))).toBe(form("resume"))
    expect(reasonOf(encode((resume as Value[]).with(6, ["resume"])))).toBe(form("resume"))
    expect(reasonOf(encode([...resume, null]))).toBe(form("resume"))
    expect(reasonOf(encode([...resume, null, null, null]))).toBe(form("resume"))
    expect(reasonOf(encode([...resume, null, null]))).toBe("read")
    expect(reasonOf(encode([...resume, GENESIS, GENESIS]))).toBe("read")
    const none = "corrupt: Cannot read a ledger entry: its digests are none"
    expect(reasonOf(encode([...resume, "x", null]))).toBe(none)
    expect(reasonOf(encode([...resume, null, "x"]))).toBe(none)
    const intent = [1, "acme", "r", 0, GENESIS, 0, "intent", ["a"], null, GENESIS, "k"]
    for (const [more, reads] of [
      [[], true],
      [[true], true],
      [[false], false],
      [[null, null], true],
      [[true, null, null], true],
      [[false, null, null], false],
    ] as const)
      expect(reasonOf(encode([...intent, ...more]))).toBe(reads ? "read" : form("intent"))
    expect(openEntry(encode([...intent, true])).body).toMatchObject({ args: true })
    expect(openEntry(encode([...intent, null, null])).body).not.toHaveProperty("args")
  })
})

describe("verifyChain", () => {
  const rows = chainOf("r1", 6)
  const head = headOf(rows)

  test("accepts a chain as it was written, whole, open or empty of effects", () => {
    expect(check(rows, head)).toEqual({ ok: true, entries: rows.length, head, ended: true })
    expect(check(rows)).toMatchObject({ ok: true })
    expect(check(rows.slice(0, 4))).toMatchObject({ ok: true, ended: false })
    expect(check([])).toMatchObject({ ok: false, reason: "empty" })
  })

  test("finds every single byte that was changed, in every part of every row, and says where", () => {
    let tampers = 0
    for (const [i, row] of rows.entries()) {
      for (const part of ["entry", "data", "hash"] as const) {
        const bytes = row[part]
        if (bytes === null) continue
        for (let b = 0; b < bytes.length; b++) {
          const changed = bytes.slice()
          changed[b]! ^= 1 << (b % 8)
          const verdict = check(rows.with(i, { ...row, [part]: changed }), head)
          expect(verdict).toMatchObject({ ok: false, seq: i })
          tampers++
        }
      }
    }
    expect(tampers).toBeGreaterThan(1_000)
  })

  test("finds every changed column, every dropped or added data", () => {
    for (const [i, row] of rows.entries()) {
      const changes: Partial<Row>[] = [
        { space: "other" },
        { run: "r2" },
        { seq: row.seq + 1 },
        { kind: row.kind === "read" ? "intent" : "read" },
        { data: row.data === null ? new Uint8Array([1]) : null },
      ]
      for (const change of changes)
        expect(check(rows.with(i, { ...row, ...change }), head)).toMatchObject({ ok: false, seq: i })
    }
  })

  test("finds every deletion, repetition and swap of rows, renumbered or not", () => {
    const renumbered = (list: readonly Row[]) => list.map((row, seq) => ({ ...row, seq }))
    for (let i = 0; i < rows.length; i++) {
      for (const make of [(l: readonly Row[]) => l, renumbered]) {
        const gone = check(make(rows.toSpliced(i, 1)), head)
        expect(gone.ok).toBe(false)
        expect(check(make(rows.toSpliced(i, 0, rows[i]!)), head).ok).toBe(false)
        for (let j = 0; j < i; j++) {
          const swapped = check(make(rows.with(i, rows[j]!).with(j, rows[i]!)), head)
          expect(swapped).toMatchObject({ ok: false, seq: j })
        }
      }
    }
  })

  test("finds an entry forged with a right hash of its own, at the entry after it or at the head", () => {
    for (const [i, row] of rows.entries()) {
      const forged = seal({ ...openEntry(row.entry), at: 7 }, row.data, digest)
      const verdict = check(rows.with(i, forged), head)
      const last = i === rows.length - 1
      expect(verdict).toMatchObject({ ok: false, seq: last ? i : i + 1, reason: last ? "truncated" : "unlinked" })
    }
  })

  test("finds every truncation and a rewritten end, given the head", () => {
    for (let n = 1; n < rows.length; n++)
      expect(check(rows.slice(0, n), head)).toMatchObject({ ok: false, reason: "truncated" })
    const other = chainOf("r1", 7)
    expect(check(other, head)).toMatchObject({ ok: false, reason: "truncated" })
  })

  test("finds a chain that begins or ends where none may", () => {
    expect(check(rows.slice(1))).toMatchObject({ ok: false, seq: 0, reason: "order" })
    const end = seal({ ...openEntry(rows[1]!.entry), seq: rows.length, prev: head.hash }, rows[1]!.data, digest)
    expect(check([...rows, end])).toMatchObject({ ok: false, seq: rows.length, reason: "order" })
    expect(check(chainOf("r2", 1), undefined, "r1")).toMatchObject({ ok: false, seq: 0, reason: "column" })
  })
})

test("the digest is only a digest: two implementations give one chain", () => {
  const entry = openEntry(chainOf("r1", 1)[1]!.entry)
  expect(hex(seal(entry, null, sha256).hash)).toBe(hex(seal(entry, null, digest).hash))
})
