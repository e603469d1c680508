/**
 * SQLite by `node:sqlite`, the one driver that Bun, Deno and Node 22 share. One connection serves all nodes of a
 * session that use the same file in the same way; a read-only one is opened so that SQLite itself refuses to write.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { Failure, fail, type SqlDatabase, type Sqlite, type Value } from "../../graph/mod.ts"

/** @param base The graph file's folder, from which relative paths count. */
export function sqliteService(base: string): Sqlite & { readonly close: () => void } {
  const shared = new Map<string, Connection>()
  return {
    open: async (file, { readOnly, busyMs }) => {
      const driver = await loadDriver()
      const memory = file === ":memory:"
      const path = memory ? file : resolve(base, file)
      // A database in memory is its connection: readers and writers have to share it.
      const key = memory ? path : `${readOnly ? "r" : "w"} ${path}`
      let connection = shared.get(key)
      if (connection === undefined) {
        connection = new Connection(driver, path, file, readOnly && !memory, busyMs)
        shared.set(key, connection)
      }
      return connection.hold(readOnly, () => shared.delete(key))
    },
    close: () => {
      for (const connection of shared.values()) connection.close()
      shared.clear()
    },
  }
}

type Driver = typeof import("node:sqlite")

async function loadDriver(): Promise<Driver> {
  try {
    return await import("node:sqlite")
  } catch (cause) {
    throw fail(
      "Unavailable",
      "Cannot open a database: this host has no node:sqlite; use Bun, Deno, or Node from 22.13 on",
      {
        data: { service: "SQLite" },
        undelivered: true,
        cause,
      },
    )
  }
}

class Connection {
  readonly #driver: Driver
  readonly #path: string
  readonly #file: string
  readonly #readOnly: boolean
  readonly #busyMs: number
  readonly #statements = new Map<string, StatementSync>()
  #db: DatabaseSync | undefined
  #holders = 0

  constructor(driver: Driver, path: string, file: string, readOnly: boolean, busyMs: number) {
    this.#driver = driver
    this.#path = path
    this.#file = file
    this.#readOnly = readOnly
    this.#busyMs = busyMs
  }

  hold(readOnly: boolean, last: () => void): SqlDatabase {
    this.#holders++
    const guarded = readOnly && !this.#readOnly
    let held = true
    return {
      all: (sql, params) =>
        this.#told(() => this.#guard(guarded, () => this.#statement(sql).all(...bound(params)))) as Row[],
      run: (sql, params) =>
        this.#told(() => {
          const { changes, lastInsertRowid } = this.#guard(guarded, () => this.#statement(sql).run(...bound(params)))
          return { changes: Number(changes), lastRowId: Number(lastInsertRowid) }
        }),
      close: () => {
        if (!held) return
        held = false
        if (--this.#holders > 0) return
        this.close()
        last()
      },
    }
  }

  close(): void {
    this.#statements.clear()
    this.#db?.close()
    this.#db = undefined
  }

  /** Opened at the first statement, so that a missing file is a failure of the node that needs it. */
  #open(): DatabaseSync {
    if (this.#db !== undefined) return this.#db
    if (this.#path !== ":memory:" && !existsSync(this.#path)) {
      throw fail("MissingFile", `Cannot open the database "${this.#file}": there is no such file`, {
        data: { file: this.#file },
        undelivered: true,
      })
    }
    const db = new this.#driver.DatabaseSync(this.#path, { readOnly: this.#readOnly })
    try {
      // By statement: the option of the same meaning is ignored for read-only connections on Deno 2.9.
      db.exec(`PRAGMA busy_timeout = ${Math.floor(this.#busyMs)}`)
      if (!this.#readOnly) db.exec("PRAGMA foreign_keys = ON")
    } catch (cause) {
      db.close()
      throw cause
    }
    this.#db = db
    return db
  }

  #statement(sql: string): StatementSync {
    const db = this.#open()
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = db.prepare(sql)
      statement.setReadBigInts(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** On a shared connection, a read is kept from writing by a switch around it. */
  #guard<A>(guarded: boolean, work: () => A): A {
    if (!guarded) return work()
    const db = this.#open()
    db.exec("PRAGMA query_only = ON")
    try {
      return work()
    } finally {
      db.exec("PRAGMA query_only = OFF")
    }
  }

  #told<A>(work: () => A): A {
    try {
      return work()
    } catch (cause) {
      throw cause instanceof Failure ? cause : this.#failure(cause)
    }
  }

  #failure(cause: unknown): Failure {
    const e = cause as { message?: string; errcode?: number }
    const detail = e.message ?? String(cause)
    const known = KINDS.find((k) => k.primary === ((e.errcode ?? 0) & 0xff) || k.text.test(detail))
    const what = known?.what ?? "the statement fails"
    return fail(known?.code ?? "SqlError", `Cannot use the database "${this.#file}": ${what}: ${detail}`, {
      data: { detail },
      retryable: known?.retryable ?? false,
      // One statement outside a transaction: it took effect whole or not at all, and it did not.
      undelivered: true,
      cause,
    })
  }
}

type Row = { readonly [column: string]: Value }
type Params = Parameters<SqlDatabase["all"]>[1]
type Bound = Record<string, string | number | bigint | Uint8Array | null>

/** As the driver takes them: a list spread out, a record as the one argument. */
const bound = (params: Params): [Bound] => (Array.isArray(params) ? params : [params]) as unknown as [Bound]

/** Primary result codes (sqlite.org/rescode.html); the text is for hosts that do not hand over the number. */
const KINDS: readonly { primary: number; code: string; text: RegExp; what: string; retryable?: boolean }[] = [
  { primary: 5, code: "Locked", text: /database is locked/, what: "another connection holds it", retryable: true },
  { primary: 6, code: "Locked", text: /table is locked/, what: "another connection holds it", retryable: true },
  { primary: 8, code: "ReadOnly", text: /readonly database/, what: "it is open for reading only" },
  { primary: 11, code: "Corrupt", text: /disk image is malformed/, what: "the file is damaged" },
  { primary: 26, code: "Corrupt", text: /file is not a database/, what: "the file is no SQLite database" },
  { primary: 14, code: "MissingFile", text: /unable to open database file/, what: "the file cannot be opened" },
  { primary: 13, code: "DiskFull", text: /disk is full/, what: "the disk is full" },
  { primary: 19, code: "Constraint", text: /constraint failed/, what: "a constraint refuses the change" },
]
