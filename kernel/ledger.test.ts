/** The chain as data: canonical entries, and every way of tampering with one that a reader could meet. */

import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { encode as msgpack } from "@msgpack/msgpack"
import { type Digest, encode, hex, sha256 } from "../graph/mod.ts"
import { KernelError } from "./errors.ts"
import { type Entry, type EntryBody, GENESIS, type Head, openEntry, type Row, seal, type Verdict } from "./ledger.ts"
import { verifyChain } from "./walk.ts"

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
