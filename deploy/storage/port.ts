/**
 * Where durable things are kept: a port of two methods, so that SQLite, Postgres and the stores of edge hosts each need
 * one small adapter. The ledger's tables, marks and leaves are written through it; the kernel knows nothing of tables.
 */
import type { Awaitable } from "../../graph/mod.ts"

export type StorageValue = null | number | string | Uint8Array
export type StorageRow = { readonly [column: string]: StorageValue }
export type Statement = readonly [sql: string, params: readonly StorageValue[]]

/** Both methods fail with `KernelError` (`locked`, `corrupt`, `full`, `conflict`, `unavailable`, `readonly`, `closed`, `storage`), its cause the store's own error. */
export interface Storage {
  /** The rows of one query. */
  readonly all: (sql: string, params: readonly StorageValue[]) => Awaitable<readonly StorageRow[]>
  /** Every statement or none, durable when it returns. */
  readonly batch: (statements: readonly Statement[]) => Awaitable<void>
  /** Reads all of it and says the first thing that is wrong with it, or null; for stores that keep files of their own. */
  readonly damage?: () => Awaitable<string | null>
  /** Makes sure that what was deleted or overwritten is not left in files that the store keeps. */
  readonly forget?: () => Awaitable<void>
  readonly close: () => Awaitable<void>
}
