/**
 * The ledger in a durable store, SQLite or Postgres, through the storage port. Entries of one turn of the event
 * loop go in one batch, so that a hundred commits cost one wait for the disk. The tables take appends only, and no entry without the one before it.
 */

import {
  continueLog,
  EMPTY_LOG,
  type HeadRow,
  type LogState,
  type Note,
  noteHeads,
  type SignedHead,
  type Signer,
  signedHeadOf,
} from "../../audit/mod.ts"
import { type Digest, hex, sameBytes, sha256 } from "../../graph/mod.ts"
import {
  type Chain,
  KernelError,
  kernelError,
  LEDGER_FORMAT,
  type LedgerStore,
  type Redactions,
  type Row,
  type RunHead,
} from "../../kernel/mod.ts"
import { SqlMarks } from "../engine/marks.ts"
import { formatAsked } from "../storage/format.ts"
import type { Statement, Storage } from "../storage/port.ts"
import { leavesOf, SqlArchive } from "./archive.ts"
import { HeldRuns, type HolderOptions } from "./held.ts"
import { redactionOf } from "./redaction.ts"
import { Refused, type Waiting } from "./refused.ts"
import { bytes, headOf, ROW_COLUMNS, rowOf } from "./rows.ts"
import { type Dialect, formatTable, LEDGER_PART, ledgerTables } from "./tables.ts"

const INSERT = `INSERT INTO ledger (space, run, seq, kind, entry, data, asked, told, hash)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
const LOG = "INSERT INTO ledger_log (log, idx, space, leaf, peaks, signature) VALUES (?, ?, ?, ?, ?, ?)"
const HEAD = `INSERT INTO ledger_head (space, run, seq, kind, hash) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (space, run) DO UPDATE SET seq = excluded.seq, kind = excluded.kind, hash = excluded.hash`

const PARK = `INSERT INTO ledger_parked (space, run, due) VALUES (?, ?, ?)
  ON CONFLICT (space, run) DO UPDATE SET due =
    CASE WHEN ledger_parked.due IS NULL OR excluded.due < ledger_parked.due
    THEN coalesce(excluded.due, ledger_parked.due) ELSE ledger_parked.due END`
const UNPARK = "DELETE FROM ledger_parked WHERE space = ? AND run = ?"
const BLOB = "INSERT INTO ledger_blob (hash, bytes) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"

/** Of a run in flight, every so many entries are signed; its beginning, its rests and its end always are. */
const SIGNED_EVERY = 64
/** Milliseconds between two times that the head is handed out. */
const HEAD_KEPT_MS = 1_000
/** Hashes of blobs that this process remembers to have kept. */
const BLOBS_KNOWN_MAX = 10_000

export interface SqlLedgerOptions {
  readonly storage: Storage
  /** Whose SQL the storage speaks. Default: SQLite's. */
  readonly dialect?: Dialect
  /** SHA-256, of the host where it has a faster one. */
  readonly digest?: Digest
  /** Signs the log of heads; without it there is none. */
  readonly signer?: Signer
  readonly now?: () => number
  /** Is given the signed head, when the ledger closes and now and then before: to be kept where the database is not. Where it fails, no entry does. */
  readonly keepHead?: (head: SignedHead) => Promise<void>
  /** Who this process is to others on the same store: without it nobody goes on with its runs when it dies. */
  readonly holder?: HolderOptions
  /** Entries that may wait for the disk; the next one fails with `full`. */
  readonly queueMax?: number
}

export class SqlLedger implements LedgerStore {
  readonly salted = true
  readonly archive: SqlArchive
  readonly marks: SqlMarks
  readonly #storage: Storage
  readonly #signer: Signer | undefined
  readonly #digest: Digest
  readonly #now: () => number
  readonly #keepHead: SqlLedgerOptions["keepHead"]
  #head: SignedHead | undefined
  #headKeptAt = 0
  /** Why it could not be handed out the last time. It is tried again, and told in the end. */
  #notHanded: { readonly cause: unknown } | undefined
  readonly #queueMax: number
  readonly #held: HeldRuns | undefined
  /** Where our log of heads stands, and the last entry that was signed of each run in flight. */
  #log: LogState = EMPTY_LOG
  readonly #signed = new Map<string, number>()
  #waiting: Waiting[] = []
  #refused = new Refused()
  #flushing: Promise<void> | undefined
  #open = true
  /** Blobs that are known to be kept. */
  readonly #blobs = new Set<string>()

  /** Makes the tables where they are missing. Fails with `KernelError` (`format` where another version wrote them). */
  static async open(options: SqlLedgerOptions): Promise<SqlLedger> {
    const { storage, dialect = "sqlite" } = options
    await storage.batch(formatTable(dialect))
    const found = (await storage.all(...formatAsked(LEDGER_PART)))[0]?.["format"]
    if (found !== LEDGER_FORMAT) {
      throw kernelError("format", `Cannot open the ledger: its format must be ${LEDGER_FORMAT}, found ${String(found)}`)
    }
    await storage.batch(ledgerTables(dialect))
    const ledger = new SqlLedger(options)
    await ledger.#catchUp()
    return ledger
  }

  private constructor(options: SqlLedgerOptions) {
    const { storage, digest = sha256, signer, keepHead, now = Date.now, queueMax = 65_536, holder } = options
    this.#storage = storage
    this.#digest = digest
    this.#held = holder && new HeldRuns(storage, holder, now)
    this.#signer = signer
    this.#now = now
    this.#keepHead = keepHead
    this.#queueMax = queueMax
    this.archive = new SqlArchive(storage)
    this.marks = new SqlMarks(storage)
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
    if (row === undefined) return undefined
    const kept = bytes(row, "bytes")
    if (hex(this.#digest(kept)) === hash) return kept
    throw kernelError("corrupt", `Cannot use what the ledger keeps as ${hash}: it has another hash, so it was changed`)
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

  async runs(space: string, limit: number, before?: string): Promise<readonly RunHead[]> {
    const older = "AND position < (SELECT position FROM ledger_head WHERE space = ? AND run = ?)"
    const rows = await this.#storage.all(
      `SELECT h.run, seq, kind, hash, due FROM ledger_head h LEFT JOIN ledger_parked p ON p.space = h.space AND p.run = h.run
       WHERE h.space = ? ${before === undefined ? "" : older} ORDER BY position DESC LIMIT ?`,
      before === undefined ? [space, limit] : [space, space, before, limit],
    )
    return rows.map((r) => headOf(r, space))
  }

  async parked(space: string, limit: number, dueBy?: number): Promise<readonly RunHead[]> {
    const rows = await this.#storage.all(
      `SELECT h.run, seq, kind, hash, due FROM ledger_parked p JOIN ledger_head h ON p.space = h.space AND p.run = h.run
       WHERE p.space = ? ${dueBy === undefined ? "" : "AND due <= ?"} ORDER BY due IS NULL, due, position LIMIT ?`,
      dueBy === undefined ? [space, limit] : [space, dueBy, limit],
    )
    return rows.map((r) => headOf(r, space))
  }

  async left(space: string, limit: number): Promise<readonly RunHead[]> {
    return (await this.#held?.left(space, limit)) ?? []
  }

  async entries(space: string, run: string): Promise<Chain> {
    const rows = await this.#storage.all(`SELECT ${ROW_COLUMNS} FROM ledger WHERE space = ? AND run = ? ORDER BY seq`, [
      space,
      run,
    ])
    return { before: null, rows: rows.map((r) => rowOf(r, space, run)) }
  }

  /** Waits for what was appended, then closes the store. Fails where the head could not be handed out: all that was kept is kept. */
  async close(): Promise<void> {
    this.#open = false
    await this.#flushing
    await this.#handOut()
    try {
      await this.#held?.close()
    } finally {
      this.#head = undefined
      await this.#storage.close()
    }
    if (this.#notHanded !== undefined) throw this.#notHanded.cause
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      // The rest of this turn, its I/O callbacks included, may append too.
      await new Promise<void>((resolve) => setImmediate(resolve))
      // What was appended before its writer knew that the entry before was refused is here now, and not later.
      this.#refused = this.#refused.ofLast()
      const group = this.#refused.without(this.#waiting)
      this.#waiting = []
      if (group.length > 0) await this.#write(group)
    }
    this.#flushing = undefined
  }

  /**
   * One batch; where an entry conflicts, one batch for each run, so that a run fails for its own entries only, and of a run one
   * for each entry: of two that write it the first has it.
   */
  async #write(group: readonly Waiting[]): Promise<void> {
    const rows = group.flatMap(({ row }) => row ?? [])
    try {
      await this.#commit([...statements(group), ...(this.#held?.statements(rows) ?? [])], this.#notes(group))
    } catch (cause) {
      const conflicts = cause instanceof KernelError && cause.reason === "conflict"
      if (conflicts && group.length > 1) {
        const byRun = Map.groupBy(group, ({ row }) => (row === undefined ? "" : runKey(row)))
        const parts = byRun.size > 1 ? [...byRun.values()] : group.map((one) => [one])
        for (const part of parts) {
          const sound = this.#refused.without(part)
          if (sound.length > 0) await this.#write(sound)
        }
      } else for (const one of group) this.#refused.refuse(one, cause, conflicts && (await this.#has(one)))
      return
    }
    this.#held?.kept(rows)
    for (const row of rows) if (isLast(row)) this.#signed.delete(runKey(row))
    for (const { resolve } of group) resolve()
  }

  /** Is it on record? An entry that came a second time is refused, and what hangs on it is not. */
  async #has({ row }: Waiting): Promise<boolean> {
    if (row === undefined) return false
    const { space, run, seq } = row
    const of = "SELECT hash FROM ledger WHERE space = ? AND run = ? AND seq = ?"
    try {
      const found = (await this.#storage.all(of, [space, run, seq]))[0]
      return found !== undefined && sameBytes(bytes(found, "hash"), row.hash)
    } catch {
      // A store that cannot say is asked no more: why it refused is told already.
      return false
    }
  }

  /** Keeps statements together with the signed notes of them: an end that is kept is an end that is signed. */
  async #commit(what: readonly Statement[], notes: readonly Note[]): Promise<void> {
    const signer = this.#signer
    if (signer === undefined || notes.length === 0) return this.#storage.batch(what)
    for (;;) {
      const before = this.#log
      const { rows, next } = await noteHeads(before, notes, { signer, digest: this.#digest, at: this.#now() })
      try {
        await this.#storage.batch([...what, ...rows.map(logStatement)])
      } catch (cause) {
        // Somebody else with the same key may have signed meanwhile: then their leaves come first.
        const conflict = cause instanceof KernelError && cause.reason === "conflict"
        if (conflict && ((await this.#catchUp()) || this.#log !== before)) continue
        throw cause
      }
      this.#log = next
      this.#head = signedHeadOf(rows.at(-1)!, this.#digest)
      // Whichever way the clock went: set back, it must not keep the head from being handed out.
      if (Math.abs(this.#now() - this.#headKeptAt) > HEAD_KEPT_MS) await this.#handOut()
      for (const note of notes) if (note.kind === "head") this.#signed.set(runKey(note), note.seq)
      return
    }
  }

  async #handOut(): Promise<void> {
    this.#headKeptAt = this.#now()
    if (this.#head === undefined) return
    try {
      await this.#keepHead?.(this.#head)
      this.#notHanded = undefined
    } catch (cause) {
      // The entries are kept and signed, whatever becomes of the head: who waits for them must not hear that they are not.
      this.#notHanded = { cause }
    }
  }

  /** Takes over what was added to our log since; was there anything? */
  async #catchUp(): Promise<boolean> {
    const signer = this.#signer
    if (signer === undefined) return false
    const row = (await this.#storage.all("SELECT max(idx) AS idx FROM ledger_log WHERE log = ?", [signer.log]))[0]?.[
      "idx"
    ]
    if (typeof row !== "number" || row < this.#log.tree.size) return false
    const last: HeadRow | undefined = (await this.archive.logFrom(signer.log, row, 1))[0]
    this.#log = await continueLog(last, signer, this.#digest)
    return true
  }

  /** What of a group is to be signed. */
  #notes(group: readonly Waiting[]): readonly Note[] {
    if (this.#signer === undefined) return []
    const last = new Map<string, Row>()
    for (const { row } of group) if (row !== undefined) last.set(runKey(row), row)
    return [...last].flatMap(([key, row]) => {
      const signed = this.#signed.get(key)
      const due = signed === undefined || row.seq >= signed + SIGNED_EVERY || isLast(row) || row.kind === "parked"
      return due ? [noteOf(row)] : []
    })
  }

  /**
   * Removes what stands beside the entries of an ended run, all of it or that of one effect, and signs a note of that. With
   * one effect go the run's outcome and trace hash, and the hashes of later inputs, from which a guess could be tested.
   * Gives the number of entries. Fails with `KernelError` (`misuse`).
   */
  async redact(space: string, run: string, path?: string): Promise<number> {
    await this.#flushing
    if (this.#signer === undefined) throw kernelError("misuse", "Cannot redact: this ledger was opened without its key")
    const { rows } = await this.entries(space, run)
    const { seqs, inputs } = redactionOf(run, rows, path)
    if (seqs.length + inputs.length === 0) return 0
    const where = "WHERE space = ? AND run = ? AND seq = ?"
    await this.#commit(
      [
        ...seqs.map(
          (seq): Statement => [`UPDATE ledger SET data = NULL, asked = NULL, told = NULL ${where}`, [space, run, seq]],
        ),
        ...inputs.map((seq): Statement => [`UPDATE ledger SET asked = NULL ${where}`, [space, run, seq]]),
      ],
      [{ kind: "redacted", space, run, seqs, inputs }],
    )
    await this.#storage.forget?.()
    return seqs.length
  }

  /** The signed notes of what was removed from a run. */
  async redactions(space: string, run: string): Promise<Redactions> {
    const [seqs, inputs] = [new Set<number>(), new Set<number>()]
    for (const log of await this.archive.logs())
      for await (const { note } of leavesOf(this.archive, log)) {
        if (note.kind !== "redacted" || note.space !== space || note.run !== run) continue
        for (const seq of note.seqs) seqs.add(seq)
        for (const seq of note.inputs) inputs.add(seq)
      }
    return { seqs, inputs }
  }

  /** What is wrong with the database itself, below its rows; null where nothing is, or the server looks after that. */
  async damage(): Promise<string | null> {
    return (await this.#storage.damage?.()) ?? null
  }

  /** Signs the last entries of runs in flight too, so that nothing here is without a signature. */
  async sign(): Promise<void> {
    await this.#flushing
    const signed = new Map<string, number>()
    if (this.#signer === undefined) return
    for await (const { note } of leavesOf(this.archive, this.#signer.log))
      if (note.kind === "head") signed.set(runKey(note), note.seq)
    const notes: Note[] = []
    for (let after: RunHead | null = null; ; ) {
      const heads: readonly RunHead[] = await this.archive.headsAfter(after, 1_000)
      for (const head of heads)
        if (!head.ended && (signed.get(runKey(head)) ?? -1) < head.seq)
          notes.push(noteOf({ ...head, kind: head.parked ? "parked" : "read" }))
      after = heads.at(-1) ?? after
      if (heads.length < 1_000) break
    }
    await this.#commit([], notes)
  }
}

const isLast = (row: Pick<Row, "kind">): boolean => row.kind === "end"
const noteOf = ({ space, run, seq, hash, kind }: Pick<Row, "space" | "run" | "seq" | "hash" | "kind">): Note => ({
  kind: "head",
  space,
  run,
  seq,
  hash,
  state: kind === "end" ? "ended" : kind === "parked" ? "parked" : "open",
})
const logStatement = ({ log, index, space, leaf, peaks, signature }: HeadRow): Statement => [
  LOG,
  [log, index, space, leaf, peaks, signature],
]

function statements(group: readonly Waiting[]): readonly Statement[] {
  const out: Statement[] = []
  const heads = new Map<string, Statement>()
  for (const { row, blob } of group) {
    if (blob !== undefined) out.push([BLOB, [blob.hash, blob.bytes]])
    if (row === undefined) continue
    const { space, run, seq, kind, hash } = row
    out.push([INSERT, [space, run, seq, kind, row.entry, row.data, row.asked ?? null, row.told ?? null, hash]])
    heads.set(runKey(row), [HEAD, [space, run, seq, kind, hash]])
    if (kind === "parked") out.push([PARK, [space, run, row.due ?? null]])
    // Only a run that goes on after a stop, or is undone once more, can have been parked.
    else if (kind === "resume" || kind === "answer" || kind === "undo") out.push([UNPARK, [space, run]])
  }
  return [...out, ...heads.values()]
}

const runKey = ({ space, run }: { readonly space: string; readonly run: string }): string =>
  `${space.length}:${space}${run}`
