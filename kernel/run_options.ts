/** What a run is recorded with, and what its record says to a call. */
import type { Awaitable, Clock, Digest, Value } from "../graph/mod.ts"
import type { AdmittedExtern } from "./admit.ts"
import type { Meter } from "./budget.ts"
import type { AgedCache } from "./cache.ts"
import type { Commit } from "./commit.ts"
import type { Wait } from "./history.ts"
import type { LedgerStore } from "./ledger.ts"

export interface RunOptions {
  readonly store: LedgerStore
  readonly digest: Digest
  /** What bounds the wait for a validator that answers later is `sleep`; without it none is waited for. */
  readonly clock: Pick<Clock, "now"> & Partial<Pick<Clock, "sleep" | "tick">>
  /** The run's id, unique in its space. */
  readonly run: string
  readonly space: string
  /** The id was drawn for this run, so nobody has used it: a store in this process need not look. */
  readonly fresh?: boolean
  readonly input: Value
  /** When it begins, by the clock, where that was just read. */
  readonly began?: number
  /** Random bytes, for stores that want entries salted: without it nothing of the run can be redacted later. */
  readonly salt?: (bytes: number) => Uint8Array
  /** Outcomes of nodes with `cache:`, shared by the runs of a host. */
  readonly cache?: AgedCache
  /** May the run rest and go on another day? Then a write of which nobody knows what came of it parks it. Default: no. */
  readonly parks?: boolean
  /** What the run may spend, and has spent. */
  readonly meter?: Meter | undefined
}

/** What the record says to a call: it is answered, or it waits. */
export type Recalled = { readonly commit: Awaitable<Commit>; readonly seq: number } | { readonly wait: Wait }

/** A write that was announced and has no outcome yet. */
export interface Announced {
  readonly extern: AdmittedExtern
  readonly args: Value
  readonly input: Uint8Array
}
