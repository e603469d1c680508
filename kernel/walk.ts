/**
 * Walking a run's chain, one entry after another, so that a chain of any length is held to what its entries say about each
 * other and about what stands beside them.
 */
import { type Digest, hex, sameBytes } from "../graph/mod.ts"
import {
  type Chain,
  dataHash,
  type EntryBody,
  GENESIS,
  type Head,
  putBack,
  type Read,
  type Row,
  readEntry,
} from "./ledger.ts"

export type Verdict =
  | { readonly ok: true; readonly entries: number; readonly head: Head; readonly ended: boolean }
  | { readonly ok: false; readonly seq: number; readonly reason: Broken; readonly message: string }
export type Broken =
  /** The bytes of the entry do not have the hash that is kept with them, or cannot be read. */
  | "edited"
  /** A column says something else than the bytes. */
  | "column"
  /** The input or outcome beside the entry is not the one that the entry names. */
  | "data"
  /** What stood beside a salted entry was removed, and no note of that was given. */
  | "redacted"
  /** An entry is not where its number says: something was deleted, inserted, repeated or swapped. */
  | "order"
  /** The entry does not continue the one before it: one of the two was replaced. */
  | "unlinked"
  /** The chain stops before the head that was given, or has another head. */
  | "truncated"
  | "empty"

export interface VerifyOptions {
  readonly digest: Digest
  readonly space: string
  readonly run: string
  /** The head as somebody else kept it. Without one, cutting off the end and rewriting all of the rest go unnoticed. */
  readonly head?: Head
  /** Entries alone, as a proof carries them: what stands beside them is not looked at. */
  readonly withoutData?: boolean
  /** What was removed, by the notes of it. Default: nothing. */
  readonly redactions?: Redactions | undefined
}
export interface Redactions {
  /** Entries without their data. */
  readonly seqs: ReadonlySet<number>
  /** Entries without their input's hash alone. */
  readonly inputs: ReadonlySet<number>
}

export type Refused = Extract<Verdict, { ok: false }>
const broken = (seq: number, reason: Broken, message: string): Refused => ({ ok: false, seq, reason, message })
const NONE: Redactions = { seqs: new Set(), inputs: new Set() }

/** Where a walk stands. `redacted` counts entries whose data were removed, with a note of it. */
export class ChainWalk {
  readonly #options: VerifyOptions
  #seq: number
  #prev: Uint8Array
  entries = 0
  redacted = 0
  ended = false

  constructor(options: VerifyOptions, before: Head | null = null) {
    this.#options = options
    this.#seq = before === null ? 0 : before.seq + 1
    this.#prev = before === null ? GENESIS : before.hash
  }

  /** Of the last entry that was stepped over. */
  get head(): Head {
    return { seq: this.#seq - 1, hash: this.#prev }
  }

  /** Takes the next row; gives what is wrong with it. */
  step(row: Row): Refused | undefined {
    const { digest, space, run } = this.#options
    const seq = this.#seq
    if (row.seq !== seq) return broken(seq, "order", `Entry ${seq} must follow, found entry ${row.seq}`)
    if (!sameBytes(digest(row.entry), row.hash)) return broken(seq, "edited", `Entry ${seq} does not have its own hash`)
    let read: Read
    try {
      read = readEntry(row.entry)
    } catch (cause) {
      return broken(seq, "edited", (cause as Error).message)
    }
    const { entry } = read
    const { body } = entry
    if (this.ended && body.kind !== "undo") return broken(seq, "order", `Entry ${seq} stands after the end of the run`)
    for (const [name, says, kept] of [
      ["space", entry.space, row.space],
      ["space", entry.space, space],
      ["run", entry.run, row.run],
      ["run", entry.run, run],
      ["seq", entry.seq, row.seq],
      ["kind", body.kind, row.kind],
    ] as const) {
      if (says !== kept) return broken(seq, "column", `Entry ${seq}: ${name} must be "${says}", found "${kept}"`)
    }
    if (!sameBytes(entry.prev, this.#prev))
      return broken(seq, "unlinked", `Entry ${seq} does not continue entry ${seq - 1}`)
    if ((seq === 0) !== (body.kind === "start")) return broken(seq, "order", `Entry ${seq} is of kind "${body.kind}"`)
    const wrong = this.#options.withoutData ? undefined : this.#beside(row, read)
    if (wrong !== undefined) return wrong
    this.ended = body.kind === "end"
    this.#prev = row.hash
    this.#seq++
    this.entries++
    return undefined
  }

  /** Is what stands beside the entry what it names, or gone with a note of that? */
  #beside(row: Row, read: Read): Refused | undefined {
    const { entry, hidden } = read
    const { digest, redactions = NONE } = this.#options
    const { seq } = row
    const { kind } = entry.body
    const not = (what: string) => broken(seq, "data", `Entry ${seq}: the ${what} beside it is not the one it names`)
    if (hidden === undefined) {
      if (row.asked !== undefined || row.told !== undefined) return not("salt")
      return sameData(row, dataHash(entry.body), digest) ? undefined : not(wordOf(kind))
    }
    const gone = redactions.seqs.has(seq)
    const parts = [
      ["input's hash", hidden[0], row.asked, gone || redactions.inputs.has(seq)],
      ["record", hidden[1], row.told, gone],
    ] as const
    for (const [word, want, found, removed] of parts) {
      if (want === null || removed) {
        if (found !== undefined) return not(word)
      } else if (found === undefined) return broken(seq, "redacted", `Entry ${seq}: the ${word} beside it was removed`)
      else if (!sameBytes(digest(found), want)) return not(word)
    }
    if (gone) {
      this.redacted++
      return row.data === null ? undefined : not(wordOf(kind))
    }
    let told: EntryBody
    try {
      told = putBack(read, row).body
    } catch {
      return not("record")
    }
    if (row.data === null && dataHash(told) !== null)
      return broken(seq, "redacted", `Entry ${seq}: the ${wordOf(kind)} beside it was removed`)
    return sameData(row, dataHash(told), digest) ? undefined : not(wordOf(kind))
  }

  /** What is wrong once there are no more rows. */
  end(): Refused | undefined {
    const { run, head } = this.#options
    if (this.#seq === 0) return broken(0, "empty", `Run "${run}" has no entries`)
    const { seq, hash } = this.head
    if (head === undefined || (head.seq === seq && sameBytes(head.hash, hash))) return undefined
    return broken(
      seq,
      "truncated",
      `The chain must end at entry ${head.seq} with hash ${hex(head.hash)}, found entry ${seq} with hash ${hex(hash)}`,
    )
  }
}

const wordOf = (kind: string): string =>
  kind === "start" ? "input" : kind === "parked" ? "request" : kind === "intent" ? "arguments" : "outcome"

const sameData = ({ data }: Row, want: Uint8Array | null, digest: VerifyOptions["digest"]): boolean =>
  want === null ? data === null : data !== null && sameBytes(digest(data), want)

/** Walks a chain and says where it breaks first. Finds every edit, deletion, insertion and swap; with `head`, also a cut end. */
export function verifyChain(chain: Chain, options: VerifyOptions): Verdict {
  const walk = new ChainWalk(options, chain.before)
  for (const row of chain.rows) {
    const wrong = walk.step(row)
    if (wrong !== undefined) return wrong
  }
  return walk.end() ?? { ok: true, entries: walk.entries, head: walk.head, ended: walk.ended }
}
