/**
 * The storage port on SQLite, through `node:sqlite`: one adapter for Bun, Deno and Node 22. Write-ahead log, and
 * `synchronous=FULL`: what a batch returned from survives the loss of power.
 */
import { statfsSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { kernelError } from "../../kernel/mod.ts"
import type { Statement, Storage, StorageRow, StorageValue } from "./port.ts"
import { sqliteError } from "./sqlite_errors.ts"

export interface SqliteOptions {
  /** A path, or `:memory:`. */
  readonly file: string
  /** Milliseconds to wait for another process's lock. Waiting blocks the thread. */
  readonly busyMs?: number
  /** False: what was written last may be lost with the power, not with the process; a write then costs no wait for the disk. Default: true. */
  readonly lasting?: boolean
}

/** Statements that stay prepared; the kernel uses a handful. */
const PREPARED_MAX = 64

/** Databases up to this size are looked through when the process before did not close them: about a second a gigabyte. */
const LOOK_BYTES_MAX = 256 << 20

/** How often a process takes its turn while others make a new file's write-ahead log. */
const WAL_TRIES = 20

/**
 * For the first log of a file SQLite takes a lock that it does not wait for, whatever `busy_timeout` says: of two processes that
 * open a new file at once one would fail. Who finds another at it waits for a lock to write, for which SQLite does wait, and asks again.
 */
function intoWal(db: DatabaseSync): void {
  for (let tries = 1; ; tries++) {
    try {
      return db.exec("PRAGMA journal_mode = WAL")
    } catch (cause) {
      if (tries === WAL_TRIES || sqliteError("open", "", cause).reason !== "locked") throw cause
      db.exec("BEGIN IMMEDIATE")
      db.exec("COMMIT")
    }
  }
}

/** Answers at once. Fails with `KernelError`: `locked`, `corrupt`, `full`, `conflict`, `unavailable`, `readonly`, `closed`, `storage`. */
export class SqliteStorage implements Storage {
  readonly #db: DatabaseSync
  readonly #file: string
  readonly #prepared = new Map<string, StatementSync>()
  #open = true

  constructor({ file, busyMs = 5_000, lasting = true }: SqliteOptions) {
    this.#file = file
    let db: DatabaseSync | undefined
    try {
      const before = sizes(file)
      db = new DatabaseSync(file)
      db.exec(`PRAGMA busy_timeout = ${Math.max(0, Math.floor(busyMs))}`)
      intoWal(db)
      db.exec(`PRAGMA synchronous = ${lasting ? "FULL" : "NORMAL"}`)
      db.exec("PRAGMA foreign_keys = ON")
      // What a redaction takes away is overwritten in the file, not only unlinked.
      db.exec("PRAGMA secure_delete = ON")
      this.#db = db
      if (before !== undefined) this.#look(before)
    } catch (cause) {
      db?.close()
      throw sqliteError("open", `"${file}"`, cause, roomFor(file))
    }
  }

  /** A short file SQLite refuses by itself; pages that a crash left in disorder it would meet later, or never. */
  #look({ bytes, wal }: Sizes): void {
    if (wal === 0 || bytes > LOOK_BYTES_MAX) return
    const found = Object.values(this.#db.prepare("PRAGMA quick_check(1)").get() ?? {})[0]
    if (found !== "ok") throw kernelError("corrupt", String(found))
  }

  /** Brings the write-ahead log, where old pages still stand, into the file, and empties it. */
  forget(): void {
    const [found] = this.all("PRAGMA wal_checkpoint(TRUNCATE)", [])
    if (found?.["busy"] !== 0)
      throw kernelError(
        "locked",
        `Cannot empty the write-ahead log of "${this.#file}": another process reads it; try again`,
      )
  }

  /** Reads every page and compares indexes with tables. */
  damage(): string | null {
    const found = Object.values(this.all("PRAGMA integrity_check(1)", [])[0] ?? {})[0]
    return found === "ok" ? null : String(found)
  }

  all(sql: string, params: readonly StorageValue[]): readonly StorageRow[] {
    this.#mustBeOpen("read")
    try {
      return this.#prepare(sql).all(...params) as unknown as readonly StorageRow[]
    } catch (cause) {
      throw sqliteError("read", `"${this.#file}"`, cause)
    }
  }

  batch(statements: readonly Statement[]): void {
    this.#mustBeOpen("write")
    try {
      this.#db.exec("BEGIN IMMEDIATE")
    } catch (cause) {
      throw sqliteError("write", `"${this.#file}"`, cause, roomFor(this.#file))
    }
    try {
      for (const [sql, params] of statements) this.#prepare(sql).run(...params)
      this.#db.exec("COMMIT")
    } catch (cause) {
      try {
        this.#db.exec("ROLLBACK")
      } catch {
        // SQLite rolls back by itself on a full disk or an I/O error; the first error is the one to tell.
      }
      throw sqliteError("write", `"${this.#file}"`, cause, roomFor(this.#file))
    }
  }

  /** Ends the connection. Calls after it fail with `closed`; closing twice is no error. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#prepared.clear()
    this.#db.close()
  }

  #mustBeOpen(action: string): void {
    if (!this.#open) throw kernelError("closed", `Cannot ${action} "${this.#file}": it was closed`)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear()
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}

/** Is there room where the file lies? Where that cannot be told, there is. */
function roomFor(file: string): boolean {
  if (file === ":memory:") return true
  try {
    const { bavail } = statfsSync(dirname(file))
    return bavail > 0
  } catch {
    return true
  }
}

interface Sizes {
  readonly bytes: number
  /** Of the write-ahead log: more than none where the process before did not close, or another one is at work. */
  readonly wal: number
}

/** Sizes before anything is opened; undefined for a database that is not there yet. */
function sizes(file: string): Sizes | undefined {
  if (file === ":memory:") return undefined
  const main = statSync(file, { throwIfNoEntry: false })
  if (main === undefined) return undefined
  if (main.isDirectory()) throw kernelError("unavailable", "it is a folder; a ledger is one file")
  return { bytes: main.size, wal: statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0 }
}
