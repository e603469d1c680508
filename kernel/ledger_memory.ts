/**
 * The ledger in memory: for runs that need no more than their trace, and for tests. It answers at once, so that a commit
 * costs no promise. It is bounded: the oldest entries are let go of, the head of each run is kept, and what is left of a
 * run still verifies from the last entry that went.
 */
import { kernelError } from "./errors.ts"
import type { Chain, Head, LedgerStore, Row, RunHead } from "./ledger.ts"

export interface MemoryLedgerOptions {
  /** Entries kept of one run. */
  readonly perRunMax?: number
  /** Entries kept of all runs, and bytes of them. */
  readonly entriesMax?: number
  readonly bytesMax?: number
  /** Ended runs whose head is kept. */
  readonly runsMax?: number
}

interface Tail {
  readonly key: string
  readonly space: string
  readonly run: string
  rows: Row[]
  /** Rows before this index were let go of; the array is cut when half of it is gone. */
  first: number
  before: Head | null
  last: Row
}

/** First in, first out, from an array: a map that is eaten from its front is slow to iterate on some engines. */
class Queue<A> {
  #items: A[] = []
  #head = 0
  get size(): number {
    return this.#items.length - this.#head
  }
  push(x: A): void {
    this.#items.push(x)
  }
  first(): A | undefined {
    return this.#items[this.#head]
  }
  shift(): void {
    this.#head++
    if (this.#head * 2 > this.#items.length && this.#head > 64) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }
}

export class MemoryLedger implements LedgerStore {
  readonly #tails = new Map<string, Tail>()
  /** Runs that had rows when they were put here, and runs that have ended, each in order of becoming so. */
  readonly #filled = new Queue<Tail>()
  readonly #ended = new Queue<Tail>()
  readonly #max: Required<MemoryLedgerOptions>
  /** The run that was appended to last: mostly the next entry is of the same one. */
  #recent: Tail | undefined
  #entries = 0
  #bytes = 0

  constructor(options: MemoryLedgerOptions = {}) {
    this.#max = { perRunMax: 10_000, entriesMax: 20_000, bytesMax: 64 << 20, runsMax: 10_000, ...options }
  }

  append(row: Row): void {
    const tail = this.#tailOf(row)
    tail.rows.push(row)
    tail.last = row
    this.#entries++
    this.#bytes += sizeOf(row)
    if (row.kind === "end") {
      this.#ended.push(tail)
      if (this.#ended.size > this.#max.runsMax) this.#forgetRun()
    }
    if (tail.rows.length - tail.first > this.#max.perRunMax) this.#letGo(tail)
    while (this.#entries > this.#max.entriesMax || this.#bytes > this.#max.bytesMax) {
      const oldest = this.#filled.first()!
      if (oldest.first < oldest.rows.length) this.#letGo(oldest)
      else this.#filled.shift()
    }
  }

  #tailOf(row: Row): Tail {
    const recent = this.#recent
    let tail =
      recent !== undefined && recent.run === row.run && recent.space === row.space
        ? recent
        : this.#tails.get(keyOf(row.space, row.run))
    const next = tail === undefined ? 0 : tail.last.seq + 1
    if (row.seq !== next) {
      throw kernelError("conflict", `Cannot append entry ${row.seq} to run "${row.run}": entry ${next} comes next`)
    }
    if (tail === undefined) {
      const key = keyOf(row.space, row.run)
      tail = { key, space: row.space, run: row.run, rows: [], first: 0, before: null, last: row }
      this.#tails.set(key, tail)
      this.#filled.push(tail)
    } else if (tail.first === tail.rows.length) this.#filled.push(tail)
    this.#recent = tail
    return tail
  }

  runs(space: string, limit: number): readonly RunHead[] {
    const out: RunHead[] = []
    for (const { run, last, space: of } of [...this.#tails.values()].reverse()) {
      if (out.length >= limit) break
      if (of === space) out.push({ space, run, seq: last.seq, hash: last.hash, ended: last.kind === "end" })
    }
    return out
  }

  entries(space: string, run: string): Chain {
    const tail = this.#tails.get(keyOf(space, run))
    return tail === undefined ? { before: null, rows: [] } : { before: tail.before, rows: tail.rows.slice(tail.first) }
  }

  close(): void {}

  #letGo(tail: Tail): void {
    const row = tail.rows[tail.first]!
    tail.before = { seq: row.seq, hash: row.hash }
    tail.first++
    this.#entries--
    this.#bytes -= sizeOf(row)
    if (tail.first * 2 >= tail.rows.length) {
      tail.rows = tail.rows.slice(tail.first)
      tail.first = 0
    }
  }

  #forgetRun(): void {
    const tail = this.#ended.first()!
    this.#ended.shift()
    while (tail.first < tail.rows.length) this.#letGo(tail)
    this.#tails.delete(tail.key)
    if (this.#recent === tail) this.#recent = undefined
  }
}

const sizeOf = (row: Row): number => row.entry.length + row.hash.length + (row.data?.length ?? 0)
/** Neither part may run into the other: the length of the first leads. */
const keyOf = (space: string, run: string): string => `${space.length}:${space}${run}`
