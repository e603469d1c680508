/**
 * The ledger in memory: for runs that need no more than their trace, and for tests. It answers at once, so that a commit
 * costs no promise. It is bounded: entries live in two generations, and when the younger is full the older is let go of as
 * a whole, which costs next to nothing. What is left of a run still verifies from the last entry that went.
 */
import { kernelError } from "./errors.ts"
import type { Chain, Head, LedgerStore, Row, RunHead } from "./ledger.ts"

export interface MemoryLedgerOptions {
  /** Entries that are kept at most, and bytes of them; at least half as many, unless fewer came. */
  readonly entriesMax?: number
  readonly bytesMax?: number
  /** Ended runs that are kept at most. Runs that go on are always known. */
  readonly runsMax?: number
  /** Bytes of blobs that are kept at most; the oldest go first. */
  readonly blobBytesMax?: number
}

interface Tail {
  readonly space: string
  readonly run: string
  /** Rows of the younger and of the older generation. */
  rows: Row[]
  older: readonly Row[]
  before: Head | null
  last: Row
  /** Of a run that is parked: when it is due by itself. */
  due: number | null
}
type Generation = Map<string, Map<string, Tail>>

export class MemoryLedger implements LedgerStore {
  /** Runs by space and id: those that wrote in this generation or go on, and those that ended in the one before. */
  #young: Generation = new Map()
  #old: Generation = new Map()
  readonly #max: Required<MemoryLedgerOptions>
  /** The run that was appended to last: mostly the next entry is of the same one. */
  #recent: Tail | undefined
  #entries = 0
  #bytes = 0
  #ended = 0
  readonly #blobs = new Map<string, Uint8Array>()
  #blobBytes = 0

  constructor(options: MemoryLedgerOptions = {}) {
    this.#max = { entriesMax: 4_000, bytesMax: 64 << 20, runsMax: 2_000, blobBytesMax: 64 << 20, ...options }
  }

  append(row: Row): void {
    const tail = this.#tailOf(row)
    const { entriesMax, bytesMax, runsMax } = this.#max
    const bytes = row.entry.length + row.hash.length + (row.data === null ? 0 : row.data.length)
    if ((this.#entries + 1) * 2 > entriesMax || (this.#bytes + bytes) * 2 > bytesMax) this.#turn()
    tail.rows.push(row)
    if (row.kind === "parked") tail.due = earlier(tail.last.kind === "parked" ? tail.due : null, row.due ?? null)
    tail.last = row
    this.#entries++
    this.#bytes += bytes
    if (row.kind === "end" && ++this.#ended * 2 >= runsMax) this.#turn()
  }

  #tailOf(row: Row): Tail {
    const { space, run, seq } = row
    const recent = this.#recent
    if (recent !== undefined && recent.run === run && recent.space === space) return next(recent, row)
    const known = this.#find(space, run)
    if (known !== undefined) {
      this.#recent = known
      return next(known, row)
    }
    if (seq !== 0) throw conflict(row, 0)
    const tail: Tail = { space, run, rows: [], older: NONE, before: null, last: row, due: null }
    put(this.#young, tail)
    this.#recent = tail
    return tail
  }

  #find(space: string, run: string): Tail | undefined {
    return this.#young.get(space)?.get(run) ?? this.#old.get(space)?.get(run)
  }

  /** The older generation goes; the younger becomes the older, but for runs that go on. */
  #turn(): void {
    const young: Generation = new Map()
    for (const tails of this.#young.values()) {
      for (const tail of tails.values()) {
        const gone = tail.older.at(-1)
        if (gone !== undefined) tail.before = { seq: gone.seq, hash: gone.hash }
        tail.older = tail.rows
        tail.rows = []
        if (tail.last.kind === "end") continue
        tails.delete(tail.run)
        put(young, tail)
      }
    }
    this.#old = this.#young
    this.#young = young
    this.#recent = undefined
    this.#entries = 0
    this.#bytes = 0
    this.#ended = 0
  }

  runs(space: string, limit: number): readonly RunHead[] {
    const of = (g: Generation) => [...(g.get(space)?.values() ?? [])].reverse()
    return [...of(this.#young), ...of(this.#old)].slice(0, limit).map(headOf)
  }

  parked(space: string, limit: number, dueBy?: number): readonly RunHead[] {
    const of = (g: Generation) => [...(g.get(space)?.values() ?? [])]
    const due = ({ due }: Tail) => due ?? Number.POSITIVE_INFINITY
    return (
      [...of(this.#young), ...of(this.#old)]
        .filter((t) => t.last.kind === "parked" && (dueBy === undefined || due(t) <= dueBy))
        // Of two that somebody has to answer the difference is NaN, which sorts as equal.
        .sort((a, b) => due(a) - due(b))
        .slice(0, limit)
        .map(headOf)
    )
  }

  putBlob(hash: string, bytes: Uint8Array): void {
    if (this.#blobs.has(hash)) return
    this.#blobs.set(hash, bytes.slice())
    this.#blobBytes += bytes.length
    for (const [oldest, kept] of this.#blobs) {
      if (this.#blobBytes <= this.#max.blobBytesMax || oldest === hash) break
      this.#blobs.delete(oldest)
      this.#blobBytes -= kept.length
    }
  }
  getBlob(hash: string): Uint8Array | undefined {
    return this.#blobs.get(hash)?.slice()
  }

  entries(space: string, run: string): Chain {
    const tail = this.#find(space, run)
    return tail === undefined
      ? { before: null, rows: [] }
      : { before: tail.before, rows: [...tail.older, ...tail.rows] }
  }

  close(): void {}
}

const NONE: readonly Row[] = []

const headOf = ({ space, run, last, due }: Tail): RunHead => ({
  space,
  run,
  seq: last.seq,
  hash: last.hash,
  ended: last.kind === "end",
  ...(last.kind === "parked" ? { parked: { due } } : {}),
})

/** The earlier of two moments; null stands for none. */
const earlier = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)

function put(generation: Generation, tail: Tail): void {
  let tails = generation.get(tail.space)
  if (tails === undefined) generation.set(tail.space, (tails = new Map()))
  tails.set(tail.run, tail)
}

function next(tail: Tail, row: Row): Tail {
  const seq = tail.last.seq + 1
  if (row.seq !== seq) throw conflict(row, seq)
  return tail
}

const conflict = (row: Row, seq: number) =>
  kernelError("conflict", `Cannot append entry ${row.seq} to run "${row.run}": entry ${seq} comes next`)
