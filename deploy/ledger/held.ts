/**
 * Which process goes on with which run. A process that has runs in flight says so every few seconds; when it has been silent
 * for longer than it said it could be, it is dead, and its runs are free for another. Nothing here decides what counts: two
 * that go on with one run would write the same entry, and the store lets one of them.
 */
import type { EntryKind, Row, RunHead } from "../../kernel/mod.ts"
import type { Statement, Storage } from "../storage/port.ts"
import { headOf } from "./rows.ts"

export interface HolderOptions {
  /** Of this process, unique. */
  readonly id: string
  /** Milliseconds that it may be silent. */
  readonly leaseMs: number
}

/** No lease is longer: a time beyond that was written by a clock that has gone backwards since. */
export const LEASE_MS_MAX = 600_000
/** A holder that was silent for so long is forgotten. */
const FORGOTTEN_MS = 86_400_000

const HOLD = `INSERT INTO ledger_held (space, run, holder) VALUES (?, ?, ?)
  ON CONFLICT (space, run) DO UPDATE SET holder = excluded.holder`
const LET_GO = "DELETE FROM ledger_held WHERE space = ? AND run = ?"
const SAY = `INSERT INTO ledger_holder (id, until) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until`

/** With these a process takes a run on. */
const BEGINS: ReadonlySet<EntryKind> = new Set(["start", "resume", "undo"])

export class HeldRuns {
  readonly #holder: HolderOptions
  readonly #now: () => number
  readonly #storage: Storage
  /** Runs in flight here that are on record as held. */
  readonly #held = new Set<string>()
  #saidAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(storage: Storage, holder: HolderOptions, now: () => number) {
    this.#storage = storage
    this.#holder = holder
    this.#now = now
  }

  /** What goes with these rows. A run that begins and ends in one batch leaves nothing. */
  statements(rows: readonly Row[]): readonly Statement[] {
    const out: Statement[] = []
    const begun = new Map<string, Row>()
    for (const row of rows) {
      const key = keyOf(row)
      if (BEGINS.has(row.kind)) begun.set(key, row)
      else if (row.kind === "end" || row.kind === "parked") {
        const started = begun.get(key)?.kind === "start"
        begun.delete(key)
        // Of one that goes on here after another had it, there may be a note of the other.
        if (!started) out.push([LET_GO, [row.space, row.run]])
      }
    }
    for (const { space, run } of begun.values()) out.push([HOLD, [space, run, this.#holder.id]])
    if (begun.size > 0 && this.#silentMs() > this.#holder.leaseMs / 3) out.push(...this.#say())
    return out
  }

  /** These rows are kept. */
  kept(rows: readonly Row[]): void {
    for (const row of rows) {
      if (BEGINS.has(row.kind)) this.#held.add(keyOf(row))
      else if (row.kind === "end" || row.kind === "parked") this.#held.delete(keyOf(row))
    }
    if (this.#held.size === 0 || this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.#renew(), this.#holder.leaseMs / 3)
    // What keeps a process alive is its work, not its telling of it; a worker or a page has no process.
    ;(this.#timer as { readonly unref?: () => void }).unref?.()
  }

  /** Runs whose holder has been silent for too long, the first that began first. */
  async left(space: string, limit: number): Promise<readonly RunHead[]> {
    const now = this.#now()
    const rows = await this.#storage.all(
      `SELECT h.run, seq, kind, hash, NULL AS due FROM ledger_held g
       JOIN ledger_head h ON h.space = g.space AND h.run = g.run LEFT JOIN ledger_holder o ON o.id = g.holder
       WHERE g.space = ? AND g.holder <> ? AND h.kind NOT IN ('end', 'parked') AND (o.until IS NULL OR o.until < ? OR o.until > ?) ORDER BY h.position LIMIT ?`,
      [space, this.#holder.id, now, now + LEASE_MS_MAX, limit],
    )
    return rows.map((r) => headOf(r, space))
  }

  /** What is still in flight here is free for others at once. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const some = this.#held.size > 0
    this.#held.clear()
    if (some) await this.#storage.batch([["DELETE FROM ledger_holder WHERE id = ?", [this.#holder.id]]])
  }

  #silentMs(): number {
    const ms = this.#now() - this.#saidAt
    // A clock that went backwards says nothing about how long it was.
    return ms < 0 ? Number.POSITIVE_INFINITY : ms
  }

  #say(): readonly Statement[] {
    const now = this.#now()
    this.#saidAt = now
    return [
      [SAY, [this.#holder.id, now + this.#holder.leaseMs]],
      ["DELETE FROM ledger_holder WHERE until < ?", [now - FORGOTTEN_MS]],
    ]
  }

  async #renew(): Promise<void> {
    if (this.#held.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    try {
      await this.#storage.batch(this.#say())
    } catch {
      // A store that is busy or away now is told next time; if it stays away, no entry can be kept either, and that is told.
      this.#saidAt = Number.NEGATIVE_INFINITY
    }
  }
}

const keyOf = ({ space, run }: Row): string => `${space.length}:${space}${run}`
