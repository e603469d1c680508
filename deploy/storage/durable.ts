/**
 * The storage port on the SQLite of a Durable Object, as workerd hands it to the object: synchronous, one writer, a batch in one
 * transaction. A value there has at most 2 MB, so a run whose argument or answer is larger fails as it does on a full disk.
 */

import { kernelError } from "../../kernel/mod.ts"
import type { Statement, Storage, StorageRow, StorageValue } from "./port.ts"
import { sqliteError } from "./sqlite_errors.ts"

/** What of `ctx.storage` of a Durable Object this adapter uses. Source: developers.cloudflare.com/durable-objects/api/sqlite-storage-api. */
export interface DurableObjectStorage {
  readonly sql: {
    readonly exec: (
      sql: string,
      ...params: readonly (null | number | string | ArrayBuffer)[]
    ) => { readonly toArray: () => readonly { readonly [column: string]: null | number | string | ArrayBuffer }[] }
  }
  readonly transactionSync: <A>(act: () => A) => A
}

/** Answers at once. Fails with `KernelError`: `full`, `conflict`, `closed`, `storage`. */
export class DurableStorage implements Storage {
  readonly #storage: DurableObjectStorage
  #open = true

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  all(sql: string, params: readonly StorageValue[]): readonly StorageRow[] {
    this.#mustBeOpen("read")
    try {
      return this.#exec([sql, params]).map(rowOf)
    } catch (cause) {
      throw sqliteError("read", WHERE, cause)
    }
  }

  batch(statements: readonly Statement[]): void {
    this.#mustBeOpen("write")
    try {
      this.#storage.transactionSync(() => {
        for (const statement of statements) this.#exec(statement)
      })
    } catch (cause) {
      throw sqliteError("write", WHERE, cause)
    }
  }

  /** The object's storage goes on; calls of this adapter after it fail with `closed`. */
  close(): void {
    this.#open = false
  }

  #exec([sql, params]: Statement) {
    return this.#storage.sql.exec(sql, ...params.map((p) => (p instanceof Uint8Array ? bufferOf(p) : p))).toArray()
  }

  #mustBeOpen(action: string): void {
    if (!this.#open) throw kernelError("closed", `Cannot ${action} ${WHERE}: it was closed`)
  }
}

const WHERE = "the object's storage"

const bufferOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

const rowOf = (row: { readonly [column: string]: null | number | string | ArrayBuffer }): StorageRow =>
  Object.fromEntries(Object.entries(row).map(([name, v]) => [name, v instanceof ArrayBuffer ? new Uint8Array(v) : v]))
