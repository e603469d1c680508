/**
 * Every sort of change that somebody with the database but without the key can make, each with where it must be found. The
 * later ones know our format: they compute every hash anew that needs no key.
 */
import { decode, encode, type Value } from "../../graph/mod.ts"
import {
  appended,
  EMPTY_TREE,
  type Finding,
  type HeadRow,
  type Leaf,
  leafBytes,
  merkleLeaf,
  openLeaf,
  peaksBytes,
  type Row,
  rootOf,
  rowLink,
  type Signer,
  treeHeadBytes,
} from "../../kernel/mod.ts"
import type { Chance } from "../hostile/chance.ts"
import { digest, type Made, runsOf } from "./ledger.ts"

/** Is this finding one of the change that was made? */
export type Expected = (finding: Finding) => boolean
export interface Tamper {
  readonly name: string
  /** Changes the database; undefined where this ledger has nothing of the sort. */
  readonly make: (made: Made, chance: Chance, foreign: Signer) => Promise<Expected | undefined>
  /** Only heads that were kept elsewhere can show it. */
  readonly external?: true
}

const inRun =
  ({ space, run }: Pick<Row, "space" | "run">, from: number, to = from): Expected =>
  ({ at }) =>
    "run" in at && at.space === space && at.run === run && at.seq >= from && at.seq <= to
const inLog =
  (from: number, to = from): Expected =>
  ({ at }) =>
    "log" in at && at.index >= from && at.index <= to
const either =
  (...of: readonly Expected[]): Expected =>
  (finding) =>
    of.some((is) => is(finding))

type Sql = string | number | Uint8Array | null
const change = ({ storage }: Made, sql: string, ...params: Sql[]) => void storage.all(sql, params)
const KEY = "space = ? AND run = ? AND seq = ?"
const keyOf = (r: Row): [string, string, number] => [r.space, r.run, r.seq]

function flipped(bytes: Uint8Array, chance: Chance): Uint8Array {
  const out = bytes.slice()
  if (out.length === 0) return Uint8Array.of(1)
  const at = chance.below(out.length)
  out[at] = out[at]! ^ (1 << chance.below(8))
  return out
}

async function someRow(made: Made, chance: Chance, fits: (row: Row) => boolean = () => true): Promise<Row | undefined> {
  return chance.pick((await runsOf(made)).flat().filter(fits))
}

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

const PLAIN: readonly Tamper[] = [
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

function insert(made: Made, r: Row): void {
  change(
    made,
    "INSERT INTO ledger (space, run, seq, kind, entry, data, asked, told, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[r.space, r.run, r.seq, r.kind, r.entry, r.data, r.asked ?? null, r.told ?? null, r.hash],
  )
}
function deleteRun(made: Made, { space, run }: Row, listed: boolean): void {
  change(made, "DELETE FROM ledger WHERE space = ? AND run = ?", space, run)
  if (listed) change(made, "DELETE FROM ledger_head WHERE space = ? AND run = ?", space, run)
}

// ---- the log

const logOf = async ({ ledger, signer }: Made): Promise<HeadRow[]> => [
  ...(await ledger.archive.logFrom(signer.log, 0, 100_000)),
]
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
const LOG: readonly Tamper[] = [
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

// ---- with every hash computed anew that needs no key

/** The run from entry `from` on with one thing changed, and every later entry made to continue it. */
function rewritten(
  rows: readonly Row[],
  from: number,
  chance: Chance,
  fields: { run?: string; space?: string } = {},
): Row[] {
  const out = rows.slice(0, from)
  for (const row of rows.slice(from)) {
    const list = [...(decode(row.entry) as Value[])]
    if (fields.space !== undefined) list[1] = fields.space
    if (fields.run !== undefined) list[2] = fields.run
    if (out.length > 0) list[4] = out.at(-1)!.hash
    if (row.seq === from && Object.keys(fields).length === 0) list[5] = (list[5] as number) + 1 + chance.below(9)
    const entry = encode(list)
    out.push({ ...row, ...fields, entry, hash: digest(entry) })
  }
  return out
}
function replaceRun(made: Made, rows: readonly Row[], by: readonly Row[]): void {
  deleteRun(made, rows[0]!, true)
  for (const row of by) insert(made, row)
  list(made, by)
}
function list(made: Made, rows: readonly Row[]): void {
  const { space, run, seq, kind, hash } = rows.at(-1)!
  change(
    made,
    "INSERT INTO ledger_head (space, run, seq, kind, hash) VALUES (?, ?, ?, ?, ?)",
    space,
    run,
    seq,
    kind,
    hash,
  )
}

/** The whole log anew, with some leaves changed; signatures are kept, or made with a key of the attacker's. */
async function relog(made: Made, rows: readonly HeadRow[], edit: (leaf: Leaf) => Leaf | undefined, signer?: Signer) {
  change(made, "DELETE FROM ledger_log WHERE log = ?", made.signer.log)
  let tree = EMPTY_TREE
  let link: Uint8Array = new Uint8Array(32)
  for (const row of rows) {
    const leaf = edit(openLeaf(row.leaf))
    if (leaf === undefined) continue
    const { log } = made.signer
    const text = leafBytes({ ...leaf, index: tree.size, prev: link })
    tree = appended(tree, merkleLeaf(text, digest), digest)
    const head = { log, size: tree.size, root: rootOf(tree, digest) }
    const signature = !leaf.closes ? null : signer ? await signer.sign(treeHeadBytes(head)) : row.signature
    const next: HeadRow = {
      log,
      space: leaf.note.space,
      index: tree.size - 1,
      leaf: text,
      peaks: leaf.closes ? peaksBytes(tree) : null,
      signature,
    }
    const into = "INSERT INTO ledger_log (log, idx, space, leaf, peaks, signature) VALUES (?, ?, ?, ?, ?, ?)"
    change(made, into, log, next.index, next.space, next.leaf, next.peaks, next.signature)
    link = rowLink(next, digest)
  }
}
/** The group of leaves, up to a signature, that holds the first leaf noting this run at or after the entry. */
function groupOf(rows: readonly HeadRow[], of: Row, seq: number): [number, number] {
  const at = rows.findIndex((r) => {
    const { note } = openLeaf(r.leaf)
    return note.run === of.run && note.space === of.space && note.kind === "head" && note.seq >= seq
  })
  let [from, to] = [at, at]
  while (from > 0 && rows[from - 1]!.signature === null) from--
  while (rows[to]!.signature === null) to++
  return [from, to]
}

/** A run rewritten from an entry on, and its notes with it. */
const withNotes = (name: string, forged: boolean): Tamper => ({
  name,
  make: async (made, chance, foreign) => {
    const rows = chance.pick(await runsOf(made))
    if (rows === undefined) return undefined
    const from = chance.below(rows.length)
    const by = rewritten(rows, from, chance)
    const log = await logOf(made)
    replaceRun(made, rows, by)
    const edit = (leaf: Leaf): Leaf => {
      const { note } = leaf
      const ours = note.kind === "head" && note.run === rows[0]!.run && note.space === rows[0]!.space
      return ours && note.seq >= from ? { ...leaf, note: { ...note, hash: by[note.seq]!.hash } } : leaf
    }
    await relog(made, log, edit, forged ? foreign : undefined)
    // With a key of the attacker's the very first signature is wrong; else the first over a leaf that was changed.
    return forged ? inLog(0) : inLog(...groupOf(log, rows[0]!, from))
  },
})

const KNOWING: readonly Tamper[] = [
  {
    name: "a run rewritten from an entry on, hashes and list with it",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made))
      if (rows === undefined) return undefined
      const from = chance.below(rows.length)
      replaceRun(made, rows, rewritten(rows, from, chance))
      return inRun(rows[0]!, Math.max(0, from - 64), from)
    },
  },
  {
    name: "a run cut short, its list with it",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made, 1))
      if (rows === undefined) return undefined
      const by = rows.slice(0, 1 + chance.below(rows.length - 1))
      replaceRun(made, rows, by)
      return inRun(rows[0]!, by.length - 1)
    },
  },
  {
    name: "an entry cut out, the later ones numbered and linked anew",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made, 2))
      if (rows === undefined) return undefined
      const at = 1 + chance.below(rows.length - 1)
      const by: Row[] = rows.slice(0, at)
      for (const row of rows.slice(at + 1)) {
        const list = [...(decode(row.entry) as Value[])]
        list[3] = row.seq - 1
        list[4] = by.at(-1)!.hash
        const entry = encode(list)
        by.push({ ...row, seq: row.seq - 1, entry, hash: digest(entry) })
      }
      replaceRun(made, rows, by)
      // Of a redacted run the numbers in the notes do not fit any more either.
      return inRun(rows[0]!, Math.max(0, at - 64), rows.length)
    },
  },
  {
    name: "a run put in that never was",
    make: async (made, chance) => {
      const rows = chance.pick(
        (await runsOf(made)).filter((r) => r.every((x) => x.data !== null || x.kind === "intent")),
      )
      if (rows === undefined) return undefined
      const by = rewritten(rows, 0, chance, { run: "forged" })
      for (const row of by) insert(made, row)
      list(made, by)
      return inRun(by[0]!, 0)
    },
  },
  {
    name: "a run moved to another space, hashes with it",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made))
      if (rows === undefined) return undefined
      const by = rewritten(rows, 0, chance, { space: "elsewhere" })
      replaceRun(made, rows, by)
      return either(inRun(rows[0]!, 0), inRun(by[0]!, 0, rows.length))
    },
  },
  withNotes("a run and its notes rewritten, old signatures kept", false),
  withNotes("a run and its notes rewritten, signed with another key", true),
  {
    name: "a run and all its notes removed",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made))
      if (rows === undefined) return undefined
      const log = await logOf(made)
      deleteRun(made, rows[0]!, true)
      await relog(made, log, (leaf) =>
        leaf.note.run === rows[0]!.run && leaf.note.space === rows[0]!.space && !leaf.closes ? undefined : leaf,
      )
      return either(inLog(0, log.length), inRun(rows[0]!, 0))
    },
  },
  {
    name: "data removed, with a note that is not signed by the key",
    make: async (made, chance, foreign) => {
      const row = await someRow(made, chance, (r) => r.told !== undefined)
      if (row === undefined) return undefined
      const log = await logOf(made)
      change(made, `UPDATE ledger SET data = NULL, asked = NULL, told = NULL WHERE ${KEY}`, ...keyOf(row))
      const { space, run, seq } = row
      const leaf: Leaf = {
        ...openLeaf(log.at(-1)!.leaf),
        note: { kind: "redacted", space, run, seqs: [seq], inputs: [] },
      }
      const all = [...log, { ...log.at(-1)!, leaf: leafBytes(leaf) }]
      await relog(made, all, (l) => l, chance.once(2) ? foreign : undefined)
      return inLog(0, log.length)
    },
  },
  {
    name: "a log of the attacker's own beside ours",
    make: async (made, chance, foreign) => {
      const rows = chance.pick(await runsOf(made))
      if (rows === undefined) return undefined
      const by = rewritten(rows, 0, chance, { run: "forged" })
      for (const row of by) insert(made, row)
      list(made, by)
      const { space, run, seq, hash } = by.at(-1)!
      const note = { kind: "head", space, run, seq, hash, state: "ended" } as const
      const theirs: Made = { ...made, signer: foreign }
      const leaf = leafBytes({ log: foreign.log, index: 0, prev: new Uint8Array(32), at: 0, closes: true, note })
      const row = { log: foreign.log, space, index: 0, leaf, peaks: null, signature: null }
      await relog(theirs, [row], (l) => ({ ...l, log: foreign.log }), foreign)
      return ({ fault, at }) => fault === "key" && "log" in at && at.log === foreign.log
    },
  },
  {
    name: "the whole database put back to an earlier signed state",
    external: true,
    make: async (made, chance) => {
      const log = await logOf(made)
      const cuts = log.filter((r) => r.signature !== null && r.index < log.length - 1)
      const cut = chance.pick(cuts)
      if (cut === undefined) return undefined
      const kept = new Map<string, number>()
      for (const r of log.slice(0, cut.index + 1)) {
        const { note } = openLeaf(r.leaf)
        if (note.kind === "head") kept.set(JSON.stringify([note.space, note.run]), note.seq)
      }
      change(made, "DELETE FROM ledger_log WHERE idx > ?", cut.index)
      for (const rows of await runsOf(made)) {
        const { space, run } = rows[0]!
        const last = kept.get(JSON.stringify([space, run]))
        deleteRun(made, rows[0]!, true)
        if (last === undefined) continue
        for (const row of rows.slice(0, last + 1)) insert(made, row)
        list(made, rows.slice(0, last + 1))
      }
      return ({ fault, at }) => fault === "head" && "log" in at && at.index === cut.index + 1
    },
  },
]

export const TAMPERS: readonly Tamper[] = [...PLAIN, ...LOG, ...KNOWING]
