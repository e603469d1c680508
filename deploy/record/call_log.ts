/**
 * The call log on a disk: `.shadowgraph/calls.db`, SQLite, which any number of processes of a folder share. Calls are
 * gathered and written together; those that a process had not written when it was killed are lost, and so may be the last
 * ones when the power fails, which is no harm: the log is for learning. What SQLite has not finished writing it does not show.
 */
import { join } from "node:path"
import { KernelError } from "../../kernel/mod.ts"
import {
  bytesOf,
  CALL_LOG_BOUNDS,
  type CallLog,
  type CallLogBounds,
  type CallSource,
  type KeptCall,
  LearnError,
  learnError,
  openCall,
  type RecordedCall,
  ROOM_SHARE,
  type ToolOnLog,
  type VersionOnLog,
} from "../../learn/mod.ts"
import { makeOwnFolder, OWN_FOLDER } from "../project/own_folder.ts"
import { formatAsked, formatNoted } from "../storage/format.ts"
import { Gathering } from "../storage/gathering.ts"
import type { Statement, StorageRow } from "../storage/port.ts"
import { SqliteStorage } from "../storage/sqlite.ts"

/** Raised whenever a log written before cannot be read as it was meant. */
export const CALL_LOG_FORMAT = 1
export const callLogFile = (folder: string): string => join(folder, OWN_FOLDER, "calls.db")

/** The call log of a folder; makes it where there is none. Fails with `LearnError`. */
export function openCallLog(folder: string): FileCallLog {
  const file = callLogFile(folder)
  try {
    makeOwnFolder(folder)
  } catch (cause) {
    throw learnError("log", `Cannot make the folder of the call log "${file}": ${(cause as Error).message}`, cause)
  }
  return new FileCallLog({ file })
}

/** Calls that wait to be written together. */
const GATHERED_MAX = 512
/** Among the parts of a store that a format is noted of. */
const PART = "calls"

const TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS call (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, tool TEXT NOT NULL, version TEXT NOT NULL,
     at REAL NOT NULL, ms REAL, source TEXT NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL)`,
  "CREATE INDEX IF NOT EXISTS call_tool ON call (space, tool, seq)",
  `CREATE TABLE IF NOT EXISTS call_tool_sum (
     space TEXT NOT NULL, tool TEXT NOT NULL, calls INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL,
     refused INTEGER NOT NULL, PRIMARY KEY (space, tool)) WITHOUT ROWID`,
]
const ADD = "INSERT INTO call (space, tool, version, at, ms, source, bytes, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
const COUNT = `INSERT INTO call_tool_sum (space, tool, calls, bytes, dropped, refused) VALUES (?, ?, ?, ?, 0, ?)
  ON CONFLICT (space, tool) DO UPDATE SET calls = calls + excluded.calls, bytes = bytes + excluded.bytes, refused = refused + excluded.refused`

export interface FileCallLogOptions {
  /** A path, or `:memory:`. */
  readonly file: string
  readonly bounds?: Partial<CallLogBounds>
  /** Is told, once each, that calls could not be written; the calls themselves go on. Default: nobody is. */
  readonly onLost?: (error: LearnError, calls: number) => void
}

interface Sum {
  calls: number
  bytes: number
  refused: number
}

/** Fails with `LearnError`: `version` for a log of another version, `log` for one that cannot be opened, read or written. */
export class FileCallLog implements CallLog {
  readonly #file: string
  readonly #bounds: CallLogBounds
  readonly #db: SqliteStorage
  readonly #onLost: FileCallLogOptions["onLost"]
  #gathered: Statement[] = []
  readonly #sums = new Map<string, Sum>()
  readonly #gathering = new Gathering(GATHERED_MAX, () => this.#written())

  constructor({ file, bounds, onLost }: FileCallLogOptions) {
    this.#file = file
    this.#bounds = { ...CALL_LOG_BOUNDS, ...bounds }
    this.#onLost = onLost
    this.#db = told("open", file, () => new SqliteStorage({ file, lasting: false }))
    try {
      this.#prepare()
    } catch (cause) {
      this.#db.close()
      throw cause
    }
  }

  /** Asks which version wrote it before any table of its own is touched. */
  #prepare(): void {
    told("open", this.#file, () => this.#db.batch(formatNoted(PART, CALL_LOG_FORMAT)))
    const [row] = this.#all(...formatAsked(PART))
    if (row?.["format"] !== CALL_LOG_FORMAT) {
      throw learnError(
        "version",
        `Cannot use the call log "${this.#file}": it has format ${String(row?.["format"])}, wanted ${CALL_LOG_FORMAT}; another version of shadowgraph wrote it. Move it away to begin a new one`,
      )
    }
    told("open", this.#file, () => this.#db.batch(TABLES.map((sql): Statement => [sql, []])))
  }

  add(call: RecordedCall): void {
    const data = bytesOf(call)
    const refused = data === undefined || data.length > this.#bounds.callBytesMax
    const { space, tool, version, at, ms, source } = call
    if (!refused) this.#gathered.push([ADD, [space, tool, version, at, ms, source, data.length, data]])
    const key = JSON.stringify([space, tool])
    const sum = this.#sums.get(key) ?? { calls: 0, bytes: 0, refused: 0 }
    if (refused) sum.refused++
    else {
      sum.calls++
      sum.bytes += data.length
    }
    this.#sums.set(key, sum)
    this.#gathering.came(this.#gathered.length)
  }

  /** Writes what was gathered; what cannot be written is let go of, and told. */
  #written(): void {
    try {
      this.flush()
    } catch (cause) {
      if (!(cause instanceof LearnError)) throw cause
      this.#onLost?.(cause, this.#gathered.length)
      this.#gathered = []
      this.#sums.clear()
    }
  }

  flush(): void {
    this.#gathering.over()
    if (this.#sums.size === 0) return
    const tools = [...this.#sums.keys()].map((key) => JSON.parse(key) as [string, string])
    const counted = [...this.#sums].map(([key, { calls, bytes, refused }]): Statement => {
      return [COUNT, [...(JSON.parse(key) as [string, string]), calls, bytes, refused]]
    })
    const gathered = this.#gathered
    this.#write([...gathered, ...counted])
    this.#gathered = []
    this.#sums.clear()
    for (const [space, tool] of tools) this.#makeRoom(space, tool)
  }

  /** The oldest calls of a tool go, down to below the bounds. */
  #makeRoom(space: string, tool: string): void {
    const { callsMax, bytesMax } = this.#bounds
    const [sum] = this.#all("SELECT calls, bytes FROM call_tool_sum WHERE space = ? AND tool = ?", [space, tool])
    const calls = Number(sum?.["calls"] ?? 0)
    const bytes = Number(sum?.["bytes"] ?? 0)
    if (calls <= callsMax && bytes <= bytesMax) return
    const callsTo = callsMax - Math.floor(callsMax * ROOM_SHARE)
    const bytesTo = bytesMax - Math.floor(bytesMax * ROOM_SHARE)
    let gone = 0
    let freed = 0
    let last = 0
    for (let from = 0; gone < calls - 1 && (calls - gone > callsTo || bytes - freed > bytesTo); ) {
      const rows = this.#all(
        "SELECT seq, bytes FROM call WHERE space = ? AND tool = ? AND seq > ? ORDER BY seq LIMIT 1000",
        [space, tool, from],
      )
      if (rows.length === 0) break
      for (const row of rows) {
        if (gone >= calls - 1 || (calls - gone <= callsTo && bytes - freed <= bytesTo)) break
        gone++
        freed += Number(row["bytes"])
        last = Number(row["seq"])
      }
      from = Number(rows.at(-1)!["seq"])
    }
    this.#write([
      ["DELETE FROM call WHERE space = ? AND tool = ? AND seq <= ?", [space, tool, last]],
      [
        "UPDATE call_tool_sum SET calls = calls - ?, bytes = bytes - ?, dropped = dropped + ? WHERE space = ? AND tool = ?",
        [gone, freed, gone, space, tool],
      ],
    ])
  }

  tools(space: string): readonly ToolOnLog[] {
    this.flush()
    const sums = this.#all("SELECT * FROM call_tool_sum WHERE space = ? ORDER BY tool", [space])
    const versions = this.#all(
      "SELECT tool, version, count(*) AS calls, min(seq) AS first, max(seq) AS last FROM call WHERE space = ? GROUP BY tool, version ORDER BY first",
      [space],
    )
    return sums.map((row) => ({
      tool: String(row["tool"]),
      calls: Number(row["calls"]),
      bytes: Number(row["bytes"]),
      dropped: Number(row["dropped"]),
      refused: Number(row["refused"]),
      versions: versions.filter((v) => v["tool"] === row["tool"]).map(versionOf),
    }))
  }

  page(space: string, tool: string, after: number, limit: number): readonly KeptCall[] {
    this.flush()
    const rows = this.#all(
      "SELECT seq, version, at, ms, source, data FROM call WHERE space = ? AND tool = ? AND seq > ? ORDER BY seq LIMIT ?",
      [space, tool, after, limit],
    )
    return rows.map((row) => ({
      seq: Number(row["seq"]),
      space,
      tool,
      version: String(row["version"]),
      at: Number(row["at"]),
      ms: row["ms"] === null ? null : Number(row["ms"]),
      source: String(row["source"]) as CallSource,
      ...openCall(new Uint8Array(row["data"] as Uint8Array)),
    }))
  }

  forget(space: string, tool: string): number {
    this.flush()
    const [row] = this.#all("SELECT calls FROM call_tool_sum WHERE space = ? AND tool = ?", [space, tool])
    this.#write([
      ["DELETE FROM call WHERE space = ? AND tool = ?", [space, tool]],
      ["DELETE FROM call_tool_sum WHERE space = ? AND tool = ?", [space, tool]],
    ])
    // What was deleted is overwritten in the file, and no copy of it stays in the write-ahead log.
    told("empty", this.#file, () => this.#db.forget())
    return Number(row?.["calls"] ?? 0)
  }

  /** What is wrong with the file, or null. Reads all of it. */
  damage(): string | null {
    return told("read", this.#file, () => this.#db.damage())
  }

  close(): void {
    try {
      this.flush()
    } finally {
      this.#db.close()
    }
  }

  #all(sql: string, params: Parameters<SqliteStorage["all"]>[1]): readonly StorageRow[] {
    return told("read", this.#file, () => this.#db.all(sql, params))
  }
  #write(statements: readonly Statement[]): void {
    told("write", this.#file, () => this.#db.batch(statements))
  }
}

const versionOf = (row: StorageRow): VersionOnLog => ({
  version: String(row["version"]),
  calls: Number(row["calls"]),
  first: Number(row["first"]),
  last: Number(row["last"]),
})

/** What SQLite says as what the call log says. */
function told<A>(action: string, file: string, work: () => A): A {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause
    const why = cause.message.replace(/^Cannot \w+ "[^"]*": /, "")
    const fix = cause.reason === "corrupt" ? ". Move it away to begin a new one" : ""
    throw learnError("log", `Cannot ${action} the call log "${file}": ${why}${fix}`, cause)
  }
}
