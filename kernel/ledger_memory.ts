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
  readonly space: string
  readonly run: string
  rows: Row[]
  /** Rows before this index were let go of; the array is cut when half of it is gone. */
  first: number
  before: Head | null
  last: Row
}

export class MemoryLedger implements LedgerStore {
  readonly #tails = new Map<string, Tail>()
  /** Runs that have rows left, and runs that have ended, each in order of becoming so. */
  readonly #filled = new Map<string, Tail>()
  readonly #ended = new Map<string, Tail>()
  readonly #max: Required<MemoryLedgerOptions>
  #entries = 0
  #bytes = 0

  constructor(options: MemoryLedgerOptions = {}) {
    this.#max = { perRunMax: 10_000, entriesMax: 100_000, bytesMax: 64 << 20, runsMax: 100_000, ...options }
  }

  append(row: Row): void {
    const key = keyOf(row.space, row.run)
    let tail = this.#tails.get(key)
    const next = tail === undefined ? 0 : tail.last.seq + 1
    if (row.seq !== next) {
      throw kernelError("conflict", `Cannot append entry ${row.seq} to run "${row.run}": entry ${next} comes next`)
    }
    if (tail === undefined) {
      tail = { space: row.space, run: row.run, rows: [], first: 0, before: null, last: row }
      this.#tails.set(key, tail)
      this.#filled.set(key, tail)
    } else if (tail.first === tail.rows.length) this.#filled.set(key, tail)
    tail.rows.push(row)
    tail.last = row
    this.#entries++
    this.#bytes += sizeOf(row)
    if (row.kind === "end") {
      this.#ended.set(key, tail)
      if (this.#ended.size > this.#max.runsMax) this.#forgetRun()
    }
    if (tail.rows.length - tail.first > this.#max.perRunMax) this.#letGo(key, tail)
    while (this.#entries > this.#max.entriesMax || this.#bytes > this.#max.bytesMax) {
      const [oldestKey, oldest] = this.#filled.entries().next().value!
      this.#letGo(oldestKey, oldest)
    }
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

  #letGo(key: string, tail: Tail): void {
    const row = tail.rows[tail.first]!
    tail.before = { seq: row.seq, hash: row.hash }
    tail.first++
    this.#entries--
    this.#bytes -= sizeOf(row)
    if (tail.first === tail.rows.length) this.#filled.delete(key)
    if (tail.first * 2 >= tail.rows.length) {
      tail.rows = tail.rows.slice(tail.first)
      tail.first = 0
    }
  }

  #forgetRun(): void {
    const [key, tail] = this.#ended.entries().next().value!
    while (tail.first < tail.rows.length) this.#letGo(key, tail)
    this.#ended.delete(key)
    this.#tails.delete(key)
  }
}

const sizeOf = (row: Row): number => row.entry.length + row.hash.length + (row.data?.length ?? 0)
/** Neither part may run into the other: the length of the first leads. */
const keyOf = (space: string, run: string): string => `${space.length}:${space}${run}`
