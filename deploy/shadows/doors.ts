/**
 * What served shadows were seen to get right and wrong, on a disk: `.shadowgraph/verifications.db`. Each verification is a row
 * without anything of the call; a door is what its rows come to, in their order, so all processes of a folder see the same
 * one, and one that drift has shut stays shut in the next process, until the calls say otherwise (`learn/door.ts`).
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { KernelError } from "../../kernel/mod.ts"
import { type DoorState, LivingDoor, type Verification } from "../../learn/mod.ts"
import type { Doorway, Promised } from "../../shadow/mod.ts"
import { makeOwnFolder, OWN_FOLDER } from "../project/own_folder.ts"
import { systemClock } from "../services/clock.ts"
import { formatAsked, formatNoted } from "../storage/format.ts"
import { Gathering } from "../storage/gathering.ts"
import type { Statement, StorageRow } from "../storage/port.ts"
import { SqliteStorage } from "../storage/sqlite.ts"
import { ShadowStoreError } from "./card.ts"

/** Raised whenever doors that were kept before cannot be read as they were meant. */
const FORMAT = 1
const TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS verification (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, shadow TEXT NOT NULL, at REAL NOT NULL, used INTEGER NOT NULL,
     confidence REAL, ok INTEGER NOT NULL)`,
  "CREATE INDEX IF NOT EXISTS verification_shadow ON verification (shadow, seq)",
  "CREATE TABLE IF NOT EXISTS door (shadow TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
]
const ADD = "INSERT INTO verification (shadow, at, used, confidence, ok) VALUES (?, ?, ?, ?, ?)"
const KEEP = `INSERT INTO door (shadow, seq, state) VALUES (?, ?, ?)
  ON CONFLICT (shadow) DO UPDATE SET seq = excluded.seq, state = excluded.state WHERE excluded.seq > door.seq`

/** Verifications that wait to be written together. */
const GATHERED_MAX = 256
/** Among the parts of a store that a format is noted of. */
const PART = "verifications"
/** Rows that stay behind a kept state: another process may still be at them. */
const BEHIND = 10_000

export const verificationsFile = (folder: string): string => join(folder, OWN_FOLDER, "verifications.db")

export interface DoorsOptions {
  /** The folder of the project. */
  readonly folder: string
  readonly now?: () => number
  /** Is told, once, that verifications could not be written; the calls themselves go on. */
  readonly onLost?: (error: ShadowStoreError) => void
}

/** The doors of a folder's shadows. No file is made before there is something to keep. */
export class Doors {
  readonly #options: DoorsOptions
  readonly #file: string
  readonly #doors = new Map<string, KeptDoor>()
  #db: SqliteStorage | undefined
  readonly #gathering = new Gathering(GATHERED_MAX, () => this.#written())
  #lost = false

  /** Fails with `ShadowStoreError` (`unreadable`) where there is a file that cannot be used. */
  constructor(options: DoorsOptions) {
    this.#options = options
    this.#file = verificationsFile(options.folder)
    if (existsSync(this.#file)) this.#db = this.#open()
  }

  /** The door of a shadow, by the hash of its file. */
  of(shadow: string, promised: Promised): KeptDoor {
    const known = this.#doors.get(shadow)
    if (known !== undefined) return known
    const { now = systemClock.now } = this.#options
    const door = new KeptDoor(promised, now, () => this.#later())
    this.#doors.set(shadow, door)
    this.#catchUp(shadow, door)
    return door
  }

  /** Writes what was seen, and reads what other processes have seen. Fails with `ShadowStoreError`. */
  flush(): void {
    this.#gathering.over()
    const fresh = [...this.#doors].filter(([, door]) => door.pending.length > 0)
    if (fresh.length === 0) return
    this.#db ??= this.#open()
    const db = this.#db
    const rows = fresh.flatMap(([shadow, { pending }]) =>
      pending.map(({ at, confidence, right }): Statement => {
        // SQLite has no NaN: no confidence is less than any.
        const sure = confidence === null ? null : Number.isNaN(confidence) ? -1 : confidence
        return [ADD, [shadow, at, confidence === null ? 1 : 0, sure, right ? 1 : 0]]
      }),
    )
    this.#told(() => db.batch(rows))
    for (const [, { pending }] of fresh) pending.length = 0
    for (const [shadow, door] of this.#doors) this.#catchUp(shadow, door)
    const kept = fresh.flatMap(([shadow, { seq, state }]): Statement[] => [
      [KEEP, [shadow, seq, JSON.stringify(state)]],
      ["DELETE FROM verification WHERE shadow = ? AND seq <= ?", [shadow, seq - BEHIND]],
    ])
    this.#told(() => db.batch(kept))
  }

  close(): void {
    try {
      this.flush()
    } catch (cause) {
      this.#giveUp(cause)
    }
    this.#gathering.over()
    this.#db?.close()
    this.#db = undefined
  }

  /** Everything up to the newest row, own and others', in the order in which they were written. */
  #catchUp(shadow: string, door: KeptDoor): void {
    if (this.#db === undefined) return
    const [kept] = this.#all("SELECT seq, state FROM door WHERE shadow = ? AND seq > ?", [shadow, door.seq])
    if (kept !== undefined) door.adopt(Number(kept["seq"]), parsed(String(kept["state"]), this.#file))
    const rows = this.#all(
      "SELECT seq, at, used, confidence, ok FROM verification WHERE shadow = ? AND seq > ? ORDER BY seq",
      [shadow, door.seq],
    )
    door.go(rows.map((row) => ({ seq: Number(row["seq"]), ...verificationOf(row) })))
  }

  #later(): void {
    const waiting = [...this.#doors.values()].reduce((sum, { pending }) => sum + pending.length, 0)
    this.#gathering.came(waiting)
  }

  #written(): void {
    try {
      this.flush()
    } catch (cause) {
      this.#giveUp(cause)
    }
  }

  /** What cannot be written counts for this process alone. */
  #giveUp(cause: unknown): void {
    if (!(cause instanceof ShadowStoreError)) throw cause
    for (const { pending } of this.#doors.values()) pending.length = 0
    if (!this.#lost) this.#options.onLost?.(cause)
    this.#lost = true
  }

  #open(): SqliteStorage {
    return this.#told(() => {
      makeOwnFolder(this.#options.folder)
      const db = new SqliteStorage({ file: this.#file, lasting: false })
      try {
        prepare(db, this.#file)
      } catch (cause) {
        db.close()
        throw cause
      }
      return db
    })
  }

  #all(sql: string, params: readonly (string | number)[]): readonly StorageRow[] {
    return this.#told(() => this.#db!.all(sql, params))
  }

  #told<A>(work: () => A): A {
    try {
      return work()
    } catch (cause) {
      if (cause instanceof ShadowStoreError) throw cause
      const damaged = cause instanceof KernelError && cause.reason === "corrupt"
      throw new ShadowStoreError({
        reason: damaged ? "unreadable" : "disk",
        message: `Cannot use the verifications of shadows "${this.#file}": ${(cause as Error).message}; without them nobody knows which doors are shut. Move the file away to begin anew`,
        cause,
      })
    }
  }
}

/** One door: as the rows say, and what this process has seen and not yet written on top of it. */
export class KeptDoor implements Doorway {
  readonly #promised: Promised
  readonly #now: () => number
  readonly #seen: () => void
  readonly pending: Verification[] = []
  /** The last row that it knows of. */
  seq = 0
  #kept: LivingDoor
  #live: LivingDoor

  constructor(promised: Promised, now: () => number, seen: () => void) {
    this.#promised = promised
    this.#now = now
    this.#seen = seen
    this.#kept = this.#door()
    this.#live = this.#kept
  }

  get closed(): boolean {
    return this.#live.closed
  }
  get threshold(): number {
    return this.#live.threshold
  }
  /** As the rows say. */
  get state(): DoorState {
    return this.#kept.state
  }

  saw(right: boolean): void {
    this.#add({ at: this.#now(), confidence: null, right })
  }
  heard(confidence: number, right: boolean): void {
    this.#add({ at: this.#now(), confidence, right })
  }

  adopt(seq: number, state: DoorState): void {
    this.seq = seq
    this.#kept = this.#door(state)
    this.#again()
  }
  go(rows: readonly (Verification & { readonly seq: number })[]): void {
    if (rows.length === 0) return
    const next = this.#door(this.#kept.state)
    for (const row of rows) next.take(row)
    this.seq = rows.at(-1)!.seq
    this.#kept = next
    this.#again()
  }

  #add(one: Verification): void {
    if (this.#live === this.#kept) this.#live = this.#door(this.#kept.state)
    this.#live.take(one)
    this.pending.push(one)
    this.#seen()
  }
  #again(): void {
    this.#live = this.#kept
    if (this.pending.length === 0) return
    this.#live = this.#door(this.#kept.state)
    for (const one of this.pending) this.#live.take(one)
  }
  #door(from?: DoorState): LivingDoor {
    return new LivingDoor(this.#promised, { now: this.#now }, from)
  }
}

/** Asks which version wrote it before any table of its own is touched. */
function prepare(db: SqliteStorage, file: string): void {
  db.batch(formatNoted(PART, FORMAT))
  const [row] = db.all(...formatAsked(PART))
  if (row?.["format"] !== FORMAT) {
    const message = `Cannot use the verifications of shadows "${file}": they have format ${String(row?.["format"])}, wanted ${FORMAT}; another version of shadowgraph wrote them. Move the file away to begin anew`
    throw new ShadowStoreError({ reason: "unreadable", message })
  }
  db.batch(TABLES.map((sql): Statement => [sql, []]))
}

function verificationOf(row: StorageRow): Verification {
  const sure = Number(row["confidence"])
  const confidence = row["used"] === 1 ? null : sure < 0 ? Number.NaN : sure
  return { at: Number(row["at"]), confidence, right: row["ok"] === 1 }
}

function parsed(text: string, file: string): DoorState {
  try {
    return JSON.parse(text) as DoorState
  } catch (cause) {
    const message = `Cannot use the verifications of shadows "${file}": a state in it is no JSON. Move the file away to begin anew`
    throw new ShadowStoreError({ reason: "unreadable", message, cause })
  }
}
