/**
 * The disk of a simulated world. Mostly a database in memory, of which nothing can break; a real file where the seed has a
 * disk that tears what it writes or forgets what it said it kept. The loss of power is a copy of the files as they stand,
 * without what never got there, opened anew.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqliteStorage } from "../../deploy/mod.ts"
import type { Chance } from "../laws/chance.ts"

/** `torn`: of the last transaction some sectors got there. `half`: a page is half moved from the log into the file. `forgotten`: it said that it kept the last one, and did not. */
export type Loss = "torn" | "half" | "forgotten"

const SECTOR = 512
const LOG_HEADER = 32
const FRAME_HEADER = 24

export class Disk {
  readonly #folder: string | undefined
  #file: string
  #copies = 0
  storage: SqliteStorage

  constructor(real: boolean) {
    this.#folder = real ? mkdtempSync(join(tmpdir(), "shadowgraph-sim-")) : undefined
    this.#file = this.#folder === undefined ? ":memory:" : join(this.#folder, "0.db")
    this.storage = new SqliteStorage({ file: this.#file, lasting: false })
  }

  /** Bytes of the write-ahead log so far. */
  get written(): number {
    return statSync(`${this.#file}-wal`, { throwIfNoEntry: false })?.size ?? 0
  }

  /** The power goes off: what was written from byte `from` of the log on is lost, or some of it. */
  losePower(from: number, loss: Loss, chance: Chance): void {
    if (this.#folder === undefined) return
    const log = readFileSync(`${this.#file}-wal`)
    const copy = join(this.#folder, `${++this.#copies}.db`)
    if (loss === "half") this.storage.all("PRAGMA wal_checkpoint(PASSIVE)", [])
    copyFileSync(this.#file, copy)
    if (loss === "half") tearPage(copy, log, chance)
    writeFileSync(
      `${copy}-wal`,
      loss === "forgotten" ? log.subarray(0, from) : loss === "torn" ? torn(log, from, chance) : log,
    )
    this.storage.close()
    this.#file = copy
    this.storage = new SqliteStorage({ file: copy, lasting: false })
  }

  close(): void {
    this.storage.close()
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** The log cut somewhere in its last transaction, or with sectors of that which are still empty. */
function torn(log: Buffer, from: number, chance: Chance): Buffer {
  if (log.length <= from) return log
  if (chance.percent(50)) return log.subarray(0, from + chance.below(log.length - from))
  const out = Buffer.from(log)
  for (let at = from - (from % SECTOR); at < out.length; at += SECTOR)
    if (chance.percent(50)) out.fill(0, Math.max(at, from), Math.min(at + SECTOR, out.length))
  return out
}

/** A page that the log has: only half of it is in the file. */
function tearPage(file: string, log: Buffer, chance: Chance): void {
  const size = log.readUInt32BE(8)
  const frames = Math.floor((log.length - LOG_HEADER) / (size + FRAME_HEADER))
  if (frames === 0) return
  const page = log.readUInt32BE(LOG_HEADER + chance.below(frames) * (size + FRAME_HEADER))
  const bytes = readFileSync(file)
  bytes.fill(0, (page - 1) * size + size / 2, page * size)
  writeFileSync(file, bytes)
}
