/** Changes by somebody who knows our format: every hash that needs no key is computed anew, so that all fits but the signature. */

import {
  appended,
  EMPTY_TREE,
  type HeadRow,
  type Leaf,
  leafBytes,
  merkleLeaf,
  openLeaf,
  peaksBytes,
  rootOf,
  rowLink,
  type Signer,
  treeHeadBytes,
} from "../../audit/mod.ts"
import { decode, encode, type Value } from "../../graph/mod.ts"
import { type Row, seal } from "../../kernel/mod.ts"
import type { Chance } from "../hostile/chance.ts"
import { change, deleteRun, either, inLog, inRun, insert, KEY, keyOf, logOf, someRow, type Tamper } from "./change.ts"
import { digest, type Made, runsOf } from "./ledger.ts"

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

/** The last entry of the run before this one that was signed: what was changed lies after it, and no more can be said. */
async function signedBefore(made: Made, of: Row, seq: number): Promise<number> {
  const notes = (await logOf(made)).map((row) => openLeaf(row.leaf).note)
  const signed = notes.flatMap((n) => (n.kind === "head" && n.run === of.run && n.space === of.space ? [n.seq] : []))
  return Math.max(-1, ...signed.filter((s) => s < seq))
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

export const KNOWING: readonly Tamper[] = [
  {
    name: "a run rewritten from an entry on, hashes and list with it",
    make: async (made, chance) => {
      const rows = chance.pick(await runsOf(made))
      if (rows === undefined) return undefined
      const from = chance.below(rows.length)
      const sure = await signedBefore(made, rows[0]!, from)
      replaceRun(made, rows, rewritten(rows, from, chance))
      return inRun(rows[0]!, sure + 1, from)
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
      const sure = await signedBefore(made, rows[0]!, at)
      replaceRun(made, rows, by)
      // Of a redacted run the numbers in the notes do not fit any more either.
      return inRun(rows[0]!, Math.max(0, Math.min(sure + 1, at - 1)), rows.length)
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
    name: "a run that has ended is said to be undone, hashes and list with it",
    make: async (made, chance) => {
      const rows = chance.pick((await runsOf(made)).filter((r) => r.at(-1)!.kind === "end"))
      if (rows === undefined) return undefined
      const { space, run, seq: last, hash } = rows.at(-1)!
      const data = encode(["value", 1])
      const undo = { kind: "undo", by: "nobody", left: [], outcome: digest(data), message: null } as const
      const salt = Uint8Array.from({ length: 32 }, () => chance.below(256))
      const first = seal({ space, run, seq: last + 1, prev: hash, at: 1e12, body: undo }, data, digest, salt)
      const end = { kind: "end", outcome: digest(data), message: null, trace: "00".repeat(32) } as const
      const second = seal({ space, run, seq: last + 2, prev: first.hash, at: 1e12, body: end }, data, digest, salt)
      replaceRun(made, rows, chance.once(2) ? [...rows, first] : [...rows, first, second])
      return inRun(first, last + 1)
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
