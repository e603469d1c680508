/** What tampering is made of: SQL behind the ledger's back, and where a change must be found. */
import type { AuditFinding, HeadRow, Signer } from "../../audit/mod.ts"
import type { Row } from "../../kernel/mod.ts"
import type { Chance } from "../hostile/chance.ts"
import { type Made, runsOf } from "./ledger.ts"

/** Is this finding one of the change that was made? */
export type Expected = (finding: AuditFinding) => boolean
export interface Tamper {
  readonly name: string
  /** Changes the database; undefined where this ledger has nothing of the sort. */
  readonly make: (made: Made, chance: Chance, foreign: Signer) => Promise<Expected | undefined>
  /** Only heads that were kept elsewhere can show it. */
  readonly external?: true
}

export const inRun =
  ({ space, run }: Pick<Row, "space" | "run">, from: number, to = from): Expected =>
  ({ at }) =>
    "run" in at && at.space === space && at.run === run && at.seq >= from && at.seq <= to
export const inLog =
  (from: number, to = from): Expected =>
  ({ at }) =>
    "log" in at && at.index >= from && at.index <= to
export const either =
  (...of: readonly Expected[]): Expected =>
  (finding) =>
    of.some((is) => is(finding))

export type Sql = string | number | Uint8Array | null
export const change = ({ storage }: Made, sql: string, ...params: Sql[]) => void storage.all(sql, params)
export const KEY = "space = ? AND run = ? AND seq = ?"
export const keyOf = (r: Row): [string, string, number] => [r.space, r.run, r.seq]

export function flipped(bytes: Uint8Array, chance: Chance): Uint8Array {
  const out = bytes.slice()
  if (out.length === 0) return Uint8Array.of(1)
  const at = chance.below(out.length)
  out[at] = out[at]! ^ (1 << chance.below(8))
  return out
}

export async function someRow(
  made: Made,
  chance: Chance,
  fits: (row: Row) => boolean = () => true,
): Promise<Row | undefined> {
  return chance.pick((await runsOf(made)).flat().filter(fits))
}

export function insert(made: Made, r: Row): void {
  change(
    made,
    "INSERT INTO ledger (space, run, seq, kind, entry, data, asked, told, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[r.space, r.run, r.seq, r.kind, r.entry, r.data, r.asked ?? null, r.told ?? null, r.hash],
  )
}
export function deleteRun(made: Made, { space, run }: Row, listed: boolean): void {
  change(made, "DELETE FROM ledger WHERE space = ? AND run = ?", space, run)
  if (listed) change(made, "DELETE FROM ledger_head WHERE space = ? AND run = ?", space, run)
}

export const logOf = async ({ ledger, signer }: Made): Promise<HeadRow[]> => [
  ...(await ledger.archive.logFrom(signer.log, 0, 100_000)),
]
