/**
 * The ledger in a durable store, SQLite or Postgres, through the storage port. Entries of one turn of the event
 * loop go in one batch, so that a hundred commits cost one wait for the disk. The tables take appends only, and no entry without the one before it.
 */
import {
  type Chain,
  type EntryKind,
  KernelError,
  kernelError,
  LEDGER_FORMAT,
  type LedgerStore,
  type Row,
  type RunHead,
  type Statement,
  type Storage,
  type StorageRow,
} from "../kernel/mod.ts"
import { type Dialect, formatTable, ledgerTables } from "./ledger_tables.ts"

const INSERT = "INSERT INTO ledger (space, run, seq, kind, entry, data, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
const HEAD = `INSERT INTO ledger_head (space, run, seq, kind, hash) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (space, run) DO UPDATE SET seq = excluded.seq, kind = excluded.kind, hash = excluded.hash`

const PARK = `INSERT INTO ledger_parked (space, run, due) VALUES (?, ?, ?)
  ON CONFLICT (space, run) DO UPDATE SET due =
    CASE WHEN ledger_parked.due IS NULL OR excluded.due < ledger_parked.due
    THEN coalesce(excluded.due, ledger_parked.due) ELSE ledger_parked.due END`
const UNPARK = "DELETE FROM ledger_parked WHERE space = ? AND run = ?"
const BLOB = "INSERT INTO ledger_blob (hash, bytes) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"

interface Blob {
  readonly hash: string
  readonly bytes: Uint8Array
}
interface Waiting {
  readonly row?: Row
  readonly blob?: Blob
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

/** Hashes of blobs that this process remembers to have kept. */
const BLOBS_KNOWN_MAX = 10_000

export interface SqlLedgerOptions {
  readonly storage: Storage
  /** Whose SQL the storage speaks. Default: SQLite's. */
  readonly dialect?: Dialect
  /** Entries that may wait for the disk; the next one fails with `full`. */
  readonly queueMax?: number
}

export class SqlLedger implements LedgerStore {
  readonly #storage: Storage
  readonly #queueMax: number
  #waiting: Waiting[] = []
  #flushing: Promise<void> | undefined
  #open = true
  /** Blobs that are known to be kept. */
  readonly #blobs = new Set<string>()

  /** Makes the tables where they are missing. Fails with `KernelError` (`format` where another version wrote them). */
  static async open({ storage, dialect = "sqlite", queueMax = 65_536 }: SqlLedgerOptions): Promise<SqlLedger> {
    await storage.batch(formatTable(dialect))
    const found = (await storage.all("SELECT format FROM shadowgraph_format WHERE part = 'ledger'", []))[0]?.["format"]
    if (found !== LEDGER_FORMAT) {
      throw kernelError("format", `Cannot open the ledger: its format must be ${LEDGER_FORMAT}, found ${String(found)}`)
    }
    await storage.batch(ledgerTables(dialect))
    return new SqlLedger(storage, queueMax)
  }

  private constructor(storage: Storage, queueMax: number) {
    this.#storage = storage
    this.#queueMax = queueMax
  }

  append(row: Row): Promise<void> {
    return this.#keep({ row })
  }

  putBlob(hash: string, bytes: Uint8Array): Promise<void> {
    if (this.#blobs.has(hash)) return Promise.resolve()
    const kept = this.#keep({ blob: { hash, bytes: bytes.slice() } })
    return kept.then(() => {
      if (this.#blobs.size >= BLOBS_KNOWN_MAX) this.#blobs.clear()
      this.#blobs.add(hash)
    })
  }

  async getBlob(hash: string): Promise<Uint8Array | undefined> {
    const row = (await this.#storage.all("SELECT bytes FROM ledger_blob WHERE hash = ?", [hash]))[0]
    return row === undefined ? undefined : bytes(row, "bytes")
  }

  #keep(what: Pick<Waiting, "row" | "blob">): Promise<void> {
    if (!this.#open) return Promise.reject(kernelError("closed", "Cannot append to the ledger: it was closed"))
    if (this.#waiting.length >= this.#queueMax) {
      return Promise.reject(
        kernelError("full", `Cannot append to the ledger: ${this.#queueMax} entries already wait for the disk`),
      )
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...what, resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  async runs(space: string, limit: number): Promise<readonly RunHead[]> {
    const rows = await this.#storage.all(
      `SELECT h.run, seq, kind, hash, due FROM ledger_head h LEFT JOIN ledger_parked p ON p.space = h.space AND p.run = h.run
       WHERE h.space = ? ORDER BY position DESC LIMIT ?`,
      [space, limit],
    )
    return rows.map((r) => headOf(space, r))
  }

  async parked(space: string, limit: number, dueBy?: number): Promise<readonly RunHead[]> {
    const rows = await this.#storage.all(
      `SELECT h.run, seq, kind, hash, due FROM ledger_parked p JOIN ledger_head h ON p.space = h.space AND p.run = h.run
       WHERE p.space = ? ${dueBy === undefined ? "" : "AND due <= ?"} ORDER BY due IS NULL, due, position LIMIT ?`,
      dueBy === undefined ? [space, limit] : [space, dueBy, limit],
    )
    return rows.map((r) => headOf(space, r))
  }

  async entries(space: string, run: string): Promise<Chain> {
    const rows = await this.#storage.all(
      "SELECT seq, kind, entry, data, hash FROM ledger WHERE space = ? AND run = ? ORDER BY seq",
      [space, run],
    )
    return {
      before: null,
      rows: rows.map((r) => ({
        space,
        run,
        seq: whole(r, "seq"),
        kind: text(r, "kind") as EntryKind,
        entry: bytes(r, "entry"),
        data: r["data"] === null ? null : bytes(r, "data"),
        hash: bytes(r, "hash"),
      })),
    }
  }

  /** Waits for what was appended, then closes the store. */
  async close(): Promise<void> {
    this.#open = false
    await this.#flushing
    await this.#storage.close()
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      // The rest of this turn, its I/O callbacks included, may append too.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const group = this.#waiting
      this.#waiting = []
      await this.#write(group)
    }
    this.#flushing = undefined
  }

  /** One batch; where an entry conflicts, one batch for each run, so that a run fails for its own entries only. */
  async #write(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#storage.batch(statements(group))
    } catch (cause) {
      const byRun = Map.groupBy(group, ({ row }) => (row === undefined ? "" : runKey(row)))
      if (cause instanceof KernelError && cause.reason === "conflict" && byRun.size > 1) {
        for (const ofRun of byRun.values()) await this.#write(ofRun)
      } else for (const { reject } of group) reject(cause)
      return
    }
    for (const { resolve } of group) resolve()
  }
}

function statements(group: readonly Waiting[]): readonly Statement[] {
  const out: Statement[] = []
  const heads = new Map<string, Statement>()
  for (const { row, blob } of group) {
    if (blob !== undefined) out.push([BLOB, [blob.hash, blob.bytes]])
    if (row === undefined) continue
    const { space, run, seq, kind, hash } = row
    out.push([INSERT, [space, run, seq, kind, row.entry, row.data, hash]])
    heads.set(runKey(row), [HEAD, [space, run, seq, kind, hash]])
    if (kind === "parked") out.push([PARK, [space, run, row.due ?? null]])
    // Only a run that goes on after a stop can have been parked.
    else if (kind === "resume" || kind === "answer") out.push([UNPARK, [space, run]])
  }
  return [...out, ...heads.values()]
}

const runKey = ({ space, run }: Row): string => `${space.length}:${space}${run}`

const headOf = (space: string, r: StorageRow): RunHead => ({
  space,
  run: text(r, "run"),
  seq: whole(r, "seq"),
  hash: bytes(r, "hash"),
  ended: r["kind"] === "end",
  ...(r["kind"] === "parked" ? { parked: { due: r["due"] === null ? null : whole(r, "due") } } : {}),
})

function column<A>(row: StorageRow, name: string, want: string, is: (v: unknown) => v is A): A {
  const v = row[name]
  if (is(v)) return v
  throw kernelError(
    "corrupt",
    `Cannot read the ledger: column "${name}" must be ${want}, found ${v === null ? "null" : typeof v}`,
  )
}
const text = (row: StorageRow, name: string): string => column(row, name, "text", (v) => typeof v === "string")
const whole = (row: StorageRow, name: string): number => column(row, name, "a number", (v) => typeof v === "number")
const bytes = (row: StorageRow, name: string): Uint8Array => column(row, name, "bytes", (v) => v instanceof Uint8Array)
