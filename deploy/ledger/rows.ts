/** Rows of a durable ledger as the kernel knows them; a column that holds something else is a corrupt database. */

import type { HeadRow } from "../../audit/mod.ts"
import { type EntryKind, kernelError, type Row, type RunHead } from "../../kernel/mod.ts"
import type { StorageRow } from "../storage/port.ts"

export const ROW_COLUMNS = "seq, kind, entry, data, asked, told, hash"

export function rowOf(r: StorageRow, space = text(r, "space"), run = text(r, "run")): Row {
  return {
    space,
    run,
    seq: whole(r, "seq"),
    kind: text(r, "kind") as EntryKind,
    entry: bytes(r, "entry"),
    data: r["data"] === null ? null : bytes(r, "data"),
    hash: bytes(r, "hash"),
    ...(r["asked"] === null ? {} : { asked: bytes(r, "asked") }),
    ...(r["told"] === null ? {} : { told: bytes(r, "told") }),
  }
}

export const headOf = (r: StorageRow, space = text(r, "space")): RunHead => ({
  space,
  run: text(r, "run"),
  seq: whole(r, "seq"),
  hash: bytes(r, "hash"),
  ended: r["kind"] === "end",
  ...(r["kind"] === "parked" ? { parked: { due: r["due"] === null ? null : whole(r, "due") } } : {}),
})

export const headRowOf = (r: StorageRow): HeadRow => ({
  log: text(r, "log"),
  space: text(r, "space"),
  index: whole(r, "idx"),
  leaf: bytes(r, "leaf"),
  peaks: r["peaks"] === null ? null : bytes(r, "peaks"),
  signature: r["signature"] === null ? null : bytes(r, "signature"),
})

function column<A>(row: StorageRow, name: string, want: string, is: (v: unknown) => v is A): A {
  const v = row[name]
  if (is(v)) return v
  throw kernelError(
    "corrupt",
    `Cannot read the ledger: column "${name}" must be ${want}, found ${v === null ? "null" : typeof v}`,
  )
}
const text = (row: StorageRow, name: string): string => column(row, name, "text", (v) => typeof v === "string")
const whole = (row: StorageRow, name: string): number => column(row, name, "a number", (v) => typeof v === "number")
export const bytes = (row: StorageRow, name: string): Uint8Array =>
  column(row, name, "bytes", (v) => v instanceof Uint8Array)
