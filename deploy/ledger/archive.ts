/** A durable ledger as its auditor reads it: everything, in order, in pieces, from the storage port. */
import {
  type HeadRow,
  type Kept,
  type Leaf,
  type LedgerArchive,
  openLeaf,
  type RunName,
  type SignedHead,
  signedHeadOf,
} from "../../audit/mod.ts"
import { type Digest, sameBytes } from "../../graph/mod.ts"
import type { Row, RunHead } from "../../kernel/mod.ts"
import type { Storage, StorageValue } from "../storage/port.ts"
import { bytes, headOf, headRowOf, ROW_COLUMNS, rowOf } from "./rows.ts"

export class SqlArchive implements LedgerArchive {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  async rowsAfter(after: (RunName & { readonly seq: number }) | null, limit: number): Promise<readonly Row[]> {
    const [where, params]: [string, StorageValue[]] =
      after === null ? ["", []] : ["WHERE (space, run, seq) > (?, ?, ?)", [after.space, after.run, after.seq]]
    const rows = await this.#storage.all(
      `SELECT space, run, ${ROW_COLUMNS} FROM ledger ${where} ORDER BY space, run, seq LIMIT ?`,
      [...params, limit],
    )
    return rows.map((r) => rowOf(r))
  }

  async headsAfter(after: RunName | null, limit: number): Promise<readonly RunHead[]> {
    const [where, params]: [string, StorageValue[]] =
      after === null ? ["", []] : ["WHERE (space, run) > (?, ?)", [after.space, after.run]]
    const rows = await this.#storage.all(
      `SELECT space, run, seq, kind, hash, NULL AS due FROM ledger_head ${where} ORDER BY space, run LIMIT ?`,
      [...params, limit],
    )
    return rows.map((r) => headOf(r))
  }

  /** The spaces that have runs. */
  async spaces(): Promise<readonly string[]> {
    const rows = await this.#storage.all("SELECT DISTINCT space FROM ledger_head ORDER BY space", [])
    return rows.map((r) => String(r["space"]))
  }

  async logs(): Promise<readonly string[]> {
    return (await this.#storage.all("SELECT DISTINCT log FROM ledger_log ORDER BY log", [])).map((r) =>
      String(r["log"]),
    )
  }

  async logFrom(log: string, index: number, limit: number): Promise<readonly HeadRow[]> {
    const rows = await this.#storage.all(
      "SELECT log, space, idx, leaf, peaks, signature FROM ledger_log WHERE log = ? AND idx >= ? ORDER BY idx LIMIT ?",
      [log, index, limit],
    )
    return rows.map(headRowOf)
  }

  /** Was this head signed here? Its log then goes on from it. */
  async holds({ log, size, root }: SignedHead, digest: Digest): Promise<boolean> {
    const [row] = await this.logFrom(log, size - 1, 1)
    const there = row?.index === size - 1 ? signedHeadOf(row, digest) : undefined
    return there !== undefined && sameBytes(there.root, root)
  }

  async keptAfter(after: string | null, limit: number): Promise<readonly Kept[]> {
    const rows = await this.#storage.all("SELECT hash, bytes FROM ledger_blob WHERE hash > ? ORDER BY hash LIMIT ?", [
      after ?? "",
      limit,
    ])
    return rows.map((r) => ({ hash: String(r["hash"]), bytes: bytes(r, "bytes") }))
  }
}

/** The leaves of a log, one after another. Fails with `KernelError` where one cannot be read. */
export async function* leavesOf(archive: LedgerArchive, log: string): AsyncGenerator<Leaf & { readonly row: HeadRow }> {
  for (let index = 0; ; ) {
    const rows = await archive.logFrom(log, index, 4_000)
    for (const row of rows) yield { ...openLeaf(row.leaf), row }
    const last = rows.at(-1)
    if (last === undefined) return
    index = last.index + 1
  }
}
