/** Changes by somebody who only knows SQL: bits, rows, columns, numbers; of entries, of the list of runs, of the log. */
import { type HeadRow, openLeaf } from "../../audit/mod.ts"
import type { Row } from "../../kernel/mod.ts"
import type { Chance } from "../hostile/chance.ts"
import {
  change,
  deleteRun,
  type Expected,
  either,
  flipped,
  inLog,
  inRun,
  insert,
  KEY,
  keyOf,
  logOf,
  type Sql,
  someRow,
  type Tamper,
} from "./change.ts"
import { runsOf } from "./ledger.ts"

/** Flips one bit of a column, if it has any. */
const editing = (column: "entry" | "hash" | "data" | "asked" | "told"): Tamper => ({
  name: `one bit of ${column}`,
  make: async (made, chance) => {
    const row = await someRow(made, chance, (r) => (r[column] ?? null) !== null)
    if (row === undefined) return undefined
    change(made, `UPDATE ledger SET ${column} = ? WHERE ${KEY}`, flipped(row[column]!, chance), ...keyOf(row))
    return inRun(row, row.seq)
  },
})
const removing = (column: "data" | "asked" | "told"): Tamper => ({
  name: `${column} removed without a note`,
  make: async (made, chance) => {
    const row = await someRow(made, chance, (r) => (r[column] ?? null) !== null)
    if (row === undefined) return undefined
    change(made, `UPDATE ledger SET ${column} = NULL WHERE ${KEY}`, ...keyOf(row))
    return inRun(row, row.seq)
  },
})
const column = (
  name: string,
  sql: (chance: Chance) => [string, ...Sql[]],
  expected: (row: Row) => Expected,
): Tamper => ({
  name,
  make: async (made, chance) => {
    const row = await someRow(made, chance)
    if (row === undefined) return undefined
    const [set, ...params] = sql(chance)
    change(made, `UPDATE ledger SET ${set} WHERE ${KEY}`, ...params, ...keyOf(row))
    return expected(row)
  },
})

/** What runs are replayed from is kept beside them, by its hash. */
const keeping: Tamper = {
  name: "one bit of a kept plan",
  make: async (made, chance) => {
    const kept = chance.pick(await made.ledger.archive.keptAfter(null, 100))
    if (kept === undefined) return undefined
    change(made, "UPDATE ledger_blob SET bytes = ? WHERE hash = ?", flipped(kept.bytes, chance), kept.hash)
    return ({ at }) => "kept" in at && at.kept === kept.hash
  },
}

export const PLAIN: readonly Tamper[] = [
  keeping,
  editing("entry"),
  editing("hash"),
  editing("data"),
  editing("asked"),
  editing("told"),
  removing("data"),
  removing("asked"),
  removing("told"),
  column(
    "another kind",
    () => ["kind = 'note'"],
    (row) => inRun(row, row.seq),
  ),
  column(
    "another number",
    (c) => ["seq = ?", 5_000 + c.below(9)],
    (row) => inRun(row, Math.max(0, row.seq - 1), row.seq),
  ),
  column(
    "an entry moved to another run",
    () => ["run = 'elsewhere'"],
    (row) => either(inRun(row, Math.max(0, row.seq - 1), row.seq), inRun({ ...row, run: "elsewhere" }, 0)),
  ),
  column(
    "an entry moved to another space",
    () => ["space = 'elsewhere'"],
    (row) => either(inRun(row, Math.max(0, row.seq - 1), row.seq), inRun({ ...row, space: "elsewhere" }, 0)),
  ),
  {
    name: "an entry deleted",
    make: async (made, chance) => {
      const row = await someRow(made, chance)
      if (row === undefined) return undefined
      change(made, `DELETE FROM ledger WHERE ${KEY}`, ...keyOf(row))
      return inRun(row, Math.max(0, row.seq - 1), row.seq)
    },
  },
  {
    name: "the end of a run cut off",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made, 1))
      if (rows === undefined) return undefined
      const from = 1 + chance.below(rows.length - 1)
      change(made, "DELETE FROM ledger WHERE space = ? AND run = ? AND seq >= ?", rows[0]!.space, rows[0]!.run, from)
      return inRun(rows[0]!, from - 1)
    },
  },
  {
    name: "two entries of a run swapped",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made, 1))
      if (rows === undefined) return undefined
      const i = chance.below(rows.length - 1)
      const j = i + 1 + chance.below(rows.length - 1 - i)
      change(made, `UPDATE ledger SET seq = -1 WHERE ${KEY}`, ...keyOf(rows[i]!))
      change(made, `UPDATE ledger SET seq = ? WHERE ${KEY}`, i, ...keyOf(rows[j]!))
      change(
        made,
        `UPDATE ledger SET seq = ? WHERE space = ? AND run = ? AND seq = -1`,
        j,
        rows[i]!.space,
        rows[i]!.run,
      )
      return inRun(rows[i]!, i)
    },
  },
  {
    name: "what stands beside two entries swapped",
    make: async (made, chance) => {
      const rows = (await runsOf(made)).flat().filter((r) => r.data !== null)
      const [a, b] = [chance.pick(rows), chance.pick(rows)]
      if (a === undefined || b === undefined || Buffer.compare(a.data!, b.data!) === 0) return undefined
      const set = `UPDATE ledger SET data = ?, asked = ?, told = ? WHERE ${KEY}`
      change(made, set, b.data, b.asked ?? null, b.told ?? null, ...keyOf(a))
      change(made, set, a.data, a.asked ?? null, a.told ?? null, ...keyOf(b))
      const sameRun = a.run === b.run && a.space === b.space
      return inRun(a, sameRun ? Math.min(a.seq, b.seq) : a.seq)
    },
  },
  {
    name: "an entry put in, the later ones moved up",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made, 1))
      const row = rows?.[chance.below(rows.length)]
      if (row === undefined) return undefined
      for (const r of [...rows!].reverse())
        if (r.seq >= row.seq) change(made, `UPDATE ledger SET seq = seq + 1 WHERE ${KEY}`, ...keyOf(r))
      insert(made, row)
      return inRun(row, row.seq, row.seq + 1)
    },
  },
  {
    name: "a whole run deleted",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made))
      if (rows === undefined) return undefined
      deleteRun(made, rows[0]!, chance.once(2))
      return inRun(rows[0]!, 0)
    },
  },
  {
    name: "the list of runs says something else",
    make: async (made, chance) => {
      const row = (await someRow(made, chance))!
      const all = (await made.ledger.entries(row.space, row.run)).rows
      const set = chance.pick(["seq = seq + 1", "kind = 'elsewhere'", "hash = x'00'", ""])!
      if (set === "kind = 'elsewhere'" && all.at(-1)!.kind !== "end") return undefined
      change(
        made,
        set === ""
          ? "DELETE FROM ledger_head WHERE space = ? AND run = ?"
          : `UPDATE ledger_head SET ${set} WHERE space = ? AND run = ?`,
        row.space,
        row.run,
      )
      return inRun(row, all.length - 1)
    },
  },
]

// ---- the log

/** One change of a leaf's row. A signature that fails tells the leaves that it signs, from the one after the signature before. */
const onLeaf = (
  name: string,
  sql: (row: HeadRow, chance: Chance) => [string, ...Sql[]] | undefined,
  from: number | "signed" = 0,
  to = 0,
): Tamper => ({
  name,
  make: async (made, chance) => {
    const rows = await logOf(made)
    const row = chance.pick(rows)
    const set = row && sql(row, chance)
    if (row === undefined || set === undefined) return undefined
    change(made, `${set[0]} WHERE log = ? AND idx = ?`, ...set.slice(1), row.log, row.index)
    const before = rows.findLast((r) => r.index < row.index && r.signature !== null)?.index ?? -1
    return inLog(from === "signed" ? before + 1 : Math.max(0, row.index + from), row.index + to)
  },
})
export const LOG: readonly Tamper[] = [
  onLeaf("one bit of a leaf", (row, c) => ["UPDATE ledger_log SET leaf = ?", flipped(row.leaf, c)], 0, 1),
  // The last of them may have been all that was signed of a run in flight: only a head kept elsewhere remembers that.
  { ...onLeaf("a leaf deleted", () => ["DELETE FROM ledger_log"], -1), external: true },
  onLeaf("a leaf of another space", () => ["UPDATE ledger_log SET space = 'elsewhere'"]),
  onLeaf("a leaf of another number", () => ["UPDATE ledger_log SET idx = 90000"], -1),
  onLeaf(
    "one bit of a signature",
    (row, c) =>
      row.signature === null ? undefined : ["UPDATE ledger_log SET signature = ?", flipped(row.signature, c)],
    "signed",
    1,
  ),
  onLeaf("a signature removed", (row) =>
    row.signature === null ? undefined : ["UPDATE ledger_log SET signature = NULL"],
  ),
  onLeaf("one bit of the roots", (row, c) =>
    row.peaks === null ? undefined : ["UPDATE ledger_log SET peaks = ?", flipped(row.peaks, c)],
  ),
  {
    name: "the log's end cut off",
    external: true,
    make: async (made, chance) => {
      const rows = await logOf(made)
      const from = chance.below(rows.length)
      change(made, "DELETE FROM ledger_log WHERE log = ? AND idx >= ?", made.signer.log, from)
      // What was noted after the cut is without a signature; of notes that removed data, the data are gone without one.
      const lost = rows.slice(from).map((r) => openLeaf(r.leaf).note)
      return either(inLog(from - 1, from), ...lost.map((note) => inRun(note, 0, 10_000)))
    },
  },
  {
    name: "two leaves swapped",
    make: async (made, chance) => {
      const rows = await logOf(made)
      if (rows.length < 2) return undefined
      const i = chance.below(rows.length - 1)
      const j = i + 1 + chance.below(rows.length - 1 - i)
      const set = "UPDATE ledger_log SET space = ?, leaf = ?, peaks = ?, signature = ? WHERE log = ? AND idx = ?"
      const put = (a: HeadRow, at: number) => change(made, set, a.space, a.leaf, a.peaks, a.signature, a.log, at)
      put(rows[i]!, j)
      put(rows[j]!, i)
      return inLog(i)
    },
  },
]
