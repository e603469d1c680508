/**
 * The ledger in memory: for runs that need no more than their trace, and for tests. It answers at once, so that a commit
 * costs no promise. It is bounded: entries live in two generations, and when the younger is full the older is let go of as
 * a whole, which costs next to nothing. What is left of a run still verifies from the last entry that went.
 */
import {
  type Chain,
  EndRow,
  type Head,
  kernelError,
  type LedgerStore,
  type Row,
  type RunHead,
  StartRow,
  sealed,
} from "../../kernel/mod.ts"
import { ShortRuns } from "./short_runs.ts"

export interface MemoryLedgerOptions {
  /** Entries that are kept at most, and bytes of them (of their data, and `ENTRY_BYTES` each); at least half as many, unless fewer came. */
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
  /** Runs are numbered as they begin. */
  readonly began: number
  /** Rows of the younger and of the older generation. */
  rows: Row[]
  older: readonly Row[]
  before: Head | null
  last: Row
  /** Of a run that is parked: when it is due by itself. */
  due: number | null
}

/** The runs of one tenant. Those that ended are let go of a generation at a time: to take each out by itself would cost more than a run. */
class Runs {
  readonly #space: string
  /** Those that go on, and were not appended to last. */
  readonly open = new Map<string, Tail>()
  /** Those that ended in this generation, and in the one before. */
  young = new Map<string, Tail>()
  old = new Map<string, Tail>()
  /** Likewise, those that were nothing but their beginning and their end. */
  #short = new ShortRuns()
  #shortOld = new ShortRuns()
  /** Of the young, those whose first rows are of the generation before. */
  #across: Tail[] = []

  constructor(space: string) {
    this.#space = space
  }

  of(run: string): Tail | undefined {
    return this.open.get(run) ?? this.young.get(run) ?? this.old.get(run) ?? this.#unfolded(run)
  }

  /** All that are known, the latest started first; of those that are asked for a tail is made. */
  all(): readonly { readonly run: string; readonly began: number; readonly tail: () => Tail }[] {
    const { open, young, old } = this
    const tails = [...open.values(), ...young.values(), ...old.values()]
    const known = tails.map((tail) => ({ run: tail.run, began: tail.began, tail: () => tail }))
    for (const short of [this.#short, this.#shortOld])
      for (const i of short.places())
        known.push({ run: short.runAt(i), began: short.began(i), tail: () => this.#tailOf(short, i) })
    return known.sort((a, b) => b.began - a.began)
  }
  /** Those that are more than their beginning and their end. */
  long(): readonly Tail[] {
    return [...this.open.values(), ...this.young.values(), ...this.old.values()].sort((a, b) => b.began - a.began)
  }

  /** Takes a run that has ended with its second entry; false where it is too large for that. */
  short(start: StartRow, end: EndRow, began: number): boolean {
    return this.#short.put(start, end, began)
  }

  #tailOf(short: ShortRuns, place: number): Tail {
    const [start, end] = short.rows(place, this.#space)
    const rows = [start, end]
    const young = short === this.#short
    const { space, run } = start
    const began = short.began(place)
    return {
      space,
      run,
      began,
      rows: young ? rows : [],
      older: young ? NONE : rows,
      before: null,
      last: end,
      due: null,
    }
  }
  #unfolded(run: string): Tail | undefined {
    for (const short of [this.#short, this.#shortOld]) {
      const place = short.find(run)
      if (place !== undefined) return this.#tailOf(short, place)
    }
    return undefined
  }

  end(tail: Tail): void {
    this.open.delete(tail.run)
    this.young.set(tail.run, tail)
    if (tail.older.length > 0) this.#across.push(tail)
  }

  /** A run that had ended goes on. */
  reopen(tail: Tail): void {
    if (this.old.delete(tail.run)) aged(tail)
    else if (!this.young.delete(tail.run)) for (const short of [this.#short, this.#shortOld]) short.remove(tail.run)
  }

  turn(): void {
    this.old = this.young
    this.young = new Map()
    const emptied = this.#shortOld
    this.#shortOld = this.#short
    this.#short = emptied
    emptied.clear()
    for (const tail of this.#across) letGo(tail)
    this.#across = []
    for (const tail of this.open.values()) aged(tail)
  }

  get size(): number {
    return this.open.size + this.young.size + this.old.size + this.#short.size + this.#shortOld.size
  }
}

export class MemoryLedger implements LedgerStore {
  readonly late = true
  #spaces = new Map<string, Runs>()
  readonly #max: Required<MemoryLedgerOptions>
  /** The run that was appended to last: mostly the next entry is of the same one, and most end before another is touched. */
  #recent: Tail | undefined
  /** The start of a run of which nothing else is here yet, as long as nothing else comes. */
  #first: StartRow | undefined
  #began = 0
  #entries = 0
  #bytes = 0
  #ended = 0
  readonly #blobs = new Map<string, Uint8Array>()
  #blobBytes = 0

  constructor(options: MemoryLedgerOptions = {}) {
    this.#max = { entriesMax: 4_000, bytesMax: 64 << 20, runsMax: 2_000, blobBytesMax: 64 << 20, ...options }
  }

  append(row: Row): void {
    const bytes = ENTRY_BYTES + (row.data === null ? 0 : row.data.length)
    const { entriesMax, bytesMax } = this.#max
    const full = (this.#entries + 1) * 2 > entriesMax || (this.#bytes + bytes) * 2 > bytesMax
    if (full || !this.#short(row)) this.#appendTo(this.#tailOf(row), row, full)
    this.#entries++
    this.#bytes += bytes
    if (row.kind === "end" && ++this.#ended * 2 >= this.#max.runsMax) this.#turn()
  }

  /** Most runs begin and end before another does anything: nothing is made for these. */
  #short(row: Row): boolean {
    const first = this.#first
    if (row instanceof EndRow && first !== undefined && row.start === first) {
      const taken = this.#of(row.space).short(first, row, this.#began - 1)
      if (taken) this.#first = undefined
      return taken
    }
    if (!(row instanceof StartRow) || !row.fresh) return false
    this.#settle()
    this.#first = row
    this.#began++
    return true
  }

  #appendTo(tail: Tail, row: Row, full: boolean): void {
    if (full) this.#turn()
    tail.rows.push(row)
    if (row.kind === "parked") tail.due = earlier(tail.last.kind === "parked" ? tail.due : null, row.due ?? null)
    tail.last = row
    if (row.kind === "end") {
      this.#recent = undefined
      this.#of(tail.space).end(tail)
    }
  }

  /** The run that the row continues; it goes on from here, also one that had ended. */
  #tailOf(row: Row): Tail {
    this.#unfold()
    const { space, run, seq } = row
    const recent = this.#recent
    if (recent !== undefined && recent.run === run && recent.space === space) return next(recent, row)
    this.#settle()
    const runs = this.#spaces.get(space)
    const known = runs?.of(run)
    if (known !== undefined) {
      next(known, row)
      if (known.last.kind === "end") runs!.reopen(known)
      this.#recent = known
      return known
    }
    if (seq !== 0) throw conflict(row, 0)
    return (this.#recent = begun(row, this.#began++))
  }

  /** The run that has begun is one like any other. */
  #unfold(): void {
    const first = this.#first
    if (first === undefined) return
    this.#first = undefined
    this.#recent = { ...begun(first, this.#began - 1), rows: [first] }
  }

  #of(space: string): Runs {
    let runs = this.#spaces.get(space)
    if (runs === undefined) this.#spaces.set(space, (runs = new Runs(space)))
    return runs
  }

  /** The recent run is not recent any more: where it goes on it is to be found among those that do. */
  #settle(): void {
    this.#unfold()
    const recent = this.#recent
    if (recent !== undefined) this.#of(recent.space).open.set(recent.run, recent)
    this.#recent = undefined
  }

  /** What is of the older generation goes; the younger becomes the older. Runs that go on stay, with the younger of their rows. */
  #turn(): void {
    this.#settle()
    for (const [space, runs] of this.#spaces) {
      runs.turn()
      // A tenant of which nothing is left is forgotten.
      if (runs.size === 0) this.#spaces.delete(space)
    }
    this.#entries = 0
    this.#bytes = 0
    this.#ended = 0
  }

  runs(space: string, limit: number, before?: string): readonly RunHead[] {
    this.#settle()
    const all = this.#spaces.get(space)?.all() ?? []
    const after = all.findIndex(({ run }) => run === before) + 1
    return before !== undefined && after === 0 ? [] : all.slice(after, after + limit).map(({ tail }) => headOf(tail()))
  }

  parked(space: string, limit: number, dueBy?: number): readonly RunHead[] {
    this.#settle()
    const due = ({ due }: Tail) => due ?? Number.POSITIVE_INFINITY
    return (
      [...(this.#spaces.get(space)?.long() ?? [])]
        .reverse()
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
    this.#settle()
    const tail = this.#spaces.get(space)?.of(run)
    return tail === undefined
      ? { before: null, rows: [] }
      : { before: tail.before, rows: [...tail.older, ...tail.rows].map(sealed) }
  }

  close(): void {}
}

const NONE: readonly Row[] = []

/** What an entry counts beside its data: as much as most of them take, so that none has to be sealed to be counted. */
const ENTRY_BYTES = 256

const begun = (row: Row, began: number): Tail => {
  const { space, run } = row
  return { space, run, began, rows: [], older: NONE, before: null, last: row, due: null }
}

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

/** One generation on. */
function aged(tail: Tail): void {
  letGo(tail)
  tail.older = tail.rows
  tail.rows = []
}

/** The older rows go; what is left still verifies from the last of them. */
function letGo(tail: Tail): void {
  const gone = tail.older.at(-1)
  if (gone !== undefined) tail.before = { seq: gone.seq, hash: gone.hash }
  tail.older = NONE
}

function next(tail: Tail, row: Row): Tail {
  const seq = tail.last.seq + 1
  if (row.seq !== seq) throw conflict(row, seq)
  return tail
}

const conflict = (row: Row, seq: number) =>
  kernelError("conflict", `Cannot append entry ${row.seq} to run "${row.run}": entry ${seq} comes next`)
