/**
 * The ledger in a durable store, SQLite or Postgres, through the storage port. Entries of one turn of the event loop go in one batch, so that
 * a hundred commits cost one wait for the disk. The tables take appends only, and no entry without the one before it.
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

interface Waiting {
  readonly row: Row
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

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
    if (!this.#open) return Promise.reject(kernelError("closed", "Cannot append to the ledger: it was closed"))
    if (this.#waiting.length >= this.#queueMax) {
      return Promise.reject(
        kernelError("full", `Cannot append to the ledger: ${this.#queueMax} entries already wait for the disk`),
      )
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  async runs(space: string, limit: number): Promise<readonly RunHead[]> {
    const rows = await this.#storage.all(
      "SELECT run, seq, kind, hash FROM ledger_head WHERE space = ? ORDER BY position DESC LIMIT ?",
      [space, limit],
    )
    return rows.map((r) => ({
      space,
      run: text(r, "run"),
      seq: whole(r, "seq"),
      hash: bytes(r, "hash"),
      ended: r["kind"] === "end",
    }))
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
      const byRun = Map.groupBy(group, ({ row }) => `${row.space.length}:${row.space}${row.run}`)
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
  for (const { row } of group) {
    out.push([INSERT, [row.space, row.run, row.seq, row.kind, row.entry, row.data, row.hash]])
    heads.set(`${row.space.length}:${row.space}${row.run}`, [HEAD, [row.space, row.run, row.seq, row.kind, row.hash]])
  }
  return [...out, ...heads.values()]
}

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
