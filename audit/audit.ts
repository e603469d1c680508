/**
 * The audit of a whole ledger: every run's chain, what is listed of it, and the signed log of heads, each held against the
 * others. It reads in pieces and holds some hundred bytes of each run. What an attacker with the database but without the
 * key can do to entries, runs, spaces or the log does not fit together any more, and this says where.
 */
import { type Awaitable, type Digest, hex, sameBytes } from "../graph/mod.ts"
import { type Broken, ChainWalk, type Row, type RunHead } from "../kernel/mod.ts"
import {
  type HeadRow,
  type Leaf,
  openLeaf,
  peaksBytes,
  rowLink,
  type SignedHead,
  signedHeadOf,
  treeHeadBytes,
  type Verify,
} from "./heads.ts"
import { type Kept, keptIn, wantedBy } from "./kept.ts"
import { appended, EMPTY_TREE, merkleLeaf, rootOf } from "./merkle.ts"

export interface RunName {
  readonly space: string
  readonly run: string
}
/** What an auditor reads of a store: everything, in order, in pieces. */
export interface LedgerArchive {
  /** Rows after this place, by space, run and number. */
  readonly rowsAfter: (after: (RunName & { readonly seq: number }) | null, limit: number) => Awaitable<readonly Row[]>
  /** What is listed of runs, by space and run. */
  readonly headsAfter: (after: RunName | null, limit: number) => Awaitable<readonly RunHead[]>
  readonly logs: () => Awaitable<readonly string[]>
  readonly logFrom: (log: string, index: number, limit: number) => Awaitable<readonly HeadRow[]>
  /** What is kept by its hash beside the entries, after this hash: plans, what their tools were pinned to, bundles of code. */
  readonly keptAfter: (after: string | null, limit: number) => Awaitable<readonly Kept[]>
}

export type Fault =
  | Broken
  /** The run, or its end, is in no signed log. */
  | "unsigned"
  /** The run's entry is not the one whose hash was signed: it was written anew from some entry on. */
  | "rewritten"
  /** The log has the run, the ledger has not. */
  | "missing"
  /** The list of runs says something else than the run's entries. */
  | "listed"
  /** A leaf of the log of heads was changed, moved, removed or put in; or its signature is not its key's. */
  | "log"
  /** The log is not one that goes on from a head kept elsewhere. */
  | "head"
  /** A log is signed with a key that was not given. */
  | "key"
  /** What is kept by its hash has another one. */
  | "kept"

export interface AuditFinding {
  readonly fault: Fault
  /** Where: a run with its entry, a log with its leaf, or what is kept as a hash. */
  readonly at:
    | (RunName & { readonly seq: number })
    | { readonly log: string; readonly index: number }
    | { readonly kept: string }
  readonly message: string
}

export interface Audit {
  readonly ok: boolean
  readonly runs: number
  readonly entries: number
  readonly leaves: number
  /** Entries whose data were removed, each with a signed note. */
  readonly redacted: number
  /** Entries of runs in flight that came after the last signature: an attacker could still cut these off. */
  readonly unsigned: number
  /** Runs whose plan, or what its tools were pinned to, is not kept: they can be shown, and neither replayed nor taken up. */
  readonly unkept: number
  /** The first findings; at most `FINDINGS_MAX`. */
  readonly findings: readonly AuditFinding[]
  /** The logs' heads as they stand: to be kept elsewhere. */
  readonly heads: readonly SignedHead[]
}
export const FINDINGS_MAX = 100

export interface AuditOptions {
  readonly digest: Digest
  readonly verify: Verify
  /** Heads that were kept elsewhere. */
  readonly heads?: readonly SignedHead[]
  /** Rows that are read at once. */
  readonly piece?: number
  /** Only what is of this space is counted and told, beside the logs, which are everybody's. */
  readonly space?: string
}

/** What is known of a run before its entries are read. */
interface Facts {
  listed?: RunHead
  /** Entries whose hashes were signed, in the order of the log. */
  readonly signed: { readonly seq: number; readonly hash: Uint8Array; readonly ended: boolean }[]
  redacted?: { readonly seqs: Set<number>; readonly inputs: Set<number> }
  seen?: true
}

export async function auditLedger(archive: LedgerArchive, options: AuditOptions): Promise<Audit> {
  const auditor = new Auditor(archive, options)
  await auditor.logs()
  await auditor.listed()
  await auditor.kept()
  await auditor.rows()
  return auditor.verdict()
}

class Auditor {
  readonly #archive: LedgerArchive
  readonly #options: AuditOptions
  readonly #piece: number
  readonly #facts = new Map<string, Facts>()
  readonly #findings: AuditFinding[] = []
  readonly #heads: SignedHead[] = []
  readonly #kept = new Set<string>()
  #found = 0
  #runs = 0
  #entries = 0
  #leaves = 0
  #redacted = 0
  #unsigned = 0
  #unkept = 0
  /** A log is broken: what it does not say of a run says nothing. */
  #blind = false

  constructor(archive: LedgerArchive, options: AuditOptions) {
    this.#archive = archive
    this.#options = options
    this.#piece = options.piece ?? 4_000
  }

  verdict(): Audit {
    return {
      ok: this.#found === 0,
      runs: this.#runs,
      entries: this.#entries,
      leaves: this.#leaves,
      redacted: this.#redacted,
      unsigned: this.#unsigned,
      unkept: this.#unkept,
      findings: this.#findings,
      heads: this.#heads,
    }
  }

  #tells(space: string): boolean {
    return this.#options.space === undefined || this.#options.space === space
  }
  #say(fault: Fault, at: AuditFinding["at"], message: string): void {
    if ("space" in at && !this.#tells(at.space)) return
    if (++this.#found <= FINDINGS_MAX) this.#findings.push({ fault, at, message })
  }
  #of(name: RunName): Facts {
    const key = keyOf(name)
    let facts = this.#facts.get(key)
    if (facts === undefined) this.#facts.set(key, (facts = { signed: [] }))
    return facts
  }

  // ---- the logs

  async logs(): Promise<void> {
    const { heads = [] } = this.#options
    const logs = new Set([...(await this.#archive.logs()), ...heads.map((h) => h.log)])
    for (const log of logs)
      await this.#log(
        log,
        heads.filter((h) => h.log === log),
      )
  }

  async #log(log: string, kept: readonly SignedHead[]): Promise<void> {
    const { digest, verify } = this.#options
    const roots = new Map<number, Uint8Array>(kept.map((h) => [h.size, EMPTY]))
    roots.set(0, rootOf(EMPTY_TREE, digest))
    let tree = EMPTY_TREE
    let link: Uint8Array = new Uint8Array(32)
    let last: HeadRow | undefined
    let whole = true
    for (;;) {
      const rows = await this.#archive.logFrom(log, last === undefined ? 0 : last.index + 1, this.#piece)
      for (const row of rows) {
        const wrong = this.#leafFault(row, log, tree.size, link)
        if (wrong !== undefined) {
          this.#say("log", { log, index: tree.size }, wrong)
          whole = false
        }
        tree = appended(tree, merkleLeaf(row.leaf, digest), digest)
        if (row.peaks !== null && wrong === undefined && !sameBytes(row.peaks, peaksBytes(tree))) {
          this.#say(
            "log",
            { log, index: row.index },
            `The roots beside leaf ${row.index} are not those of the leaves up to it`,
          )
          whole = false
        }
        link = rowLink(row, digest)
        last = row
        if (roots.has(tree.size)) roots.set(tree.size, rootOf(tree, digest))
        if (!whole) break
      }
      if (!whole || rows.length < this.#piece) break
    }
    this.#leaves += tree.size
    if (last !== undefined && whole) await this.#signature(log, last)
    if (!whole) this.#blind = true
    for (const head of kept) {
      const at = { log, index: head.size - 1 }
      const signed = await verify(log, treeHeadBytes(head), head.signature)
      if (signed === undefined) this.#say("key", at, `The key of log ${short(log)} was not given`)
      else if (!signed) this.#say("head", at, `The head of ${head.size} leaves that was given is not signed by its key`)
      else if (tree.size < head.size && whole)
        this.#say(
          "head",
          { log, index: tree.size },
          `The log must have ${head.size} leaves, found ${tree.size}: its end was cut off`,
        )
      else if (whole && !sameBytes(roots.get(head.size)!, head.root))
        this.#say("head", at, `The first ${head.size} leaves are not those that were signed then`)
    }
  }

  /** What is wrong with one row of a log, as its neighbours see it; what it notes is taken in. */
  #leafFault(row: HeadRow, log: string, index: number, link: Uint8Array): string | undefined {
    if (row.index !== index) return `Leaf ${index} must follow, found leaf ${row.index}`
    let leaf: Leaf
    try {
      leaf = openLeaf(row.leaf)
    } catch (cause) {
      return (cause as Error).message
    }
    if (leaf.log !== log || row.log !== log || leaf.index !== index) return `Leaf ${index} is that of another place`
    if (!sameBytes(leaf.prev, link)) return `Leaf ${index} does not continue leaf ${index - 1}`
    if (leaf.closes !== (row.signature !== null) || leaf.closes !== (row.peaks !== null))
      return leaf.closes ? `Leaf ${index} must be signed` : `Leaf ${index} must not be signed`
    const { note } = leaf
    if (row.space !== note.space) return `Leaf ${index} is of space "${note.space}", listed in "${row.space}"`
    const facts = this.#of(note)
    if (note.kind === "head") facts.signed.push({ seq: note.seq, hash: note.hash, ended: note.state === "ended" })
    else {
      facts.redacted ??= { seqs: new Set(), inputs: new Set() }
      for (const seq of note.seqs) facts.redacted.seqs.add(seq)
      for (const seq of note.inputs) facts.redacted.inputs.add(seq)
    }
    return undefined
  }

  /** The last signature vouches for all leaves; where it does not hold, the first that does not says where. */
  async #signature(log: string, last: HeadRow): Promise<void> {
    const { digest, verify } = this.#options
    const head = signedHeadOf(last, digest)
    if (head === undefined) {
      this.#say(
        "log",
        { log, index: last.index },
        `The log must end in a signature: leaves after ${last.index} were cut off`,
      )
      return
    }
    const signed = await verify(log, treeHeadBytes(head), head.signature)
    if (signed) {
      this.#heads.push(head)
      return
    }
    if (signed === undefined) {
      this.#say("key", { log, index: last.index }, `The key of log ${short(log)} was not given`)
      return
    }
    let from = 0
    for (let next = 0; next <= last.index; ) {
      const rows = await this.#archive.logFrom(log, next, this.#piece)
      for (const row of rows) {
        const at = signedHeadOf(row, digest)
        if (at === undefined) continue
        if ((await verify(log, treeHeadBytes(at), at.signature)) !== true) {
          const which = from === row.index ? `Leaf ${from} is` : `A leaf from ${from} to ${row.index} is`
          const { note } = openLeaf(row.leaf)
          this.#say(
            "log",
            { log, index: from },
            `${which} not as it was signed (run "${note.run}" or one noted just before)`,
          )
          return
        }
        from = row.index + 1
      }
      next += Math.max(1, rows.length)
    }
  }

  // ---- the runs

  async listed(): Promise<void> {
    let after: RunName | null = null
    for (;;) {
      const heads: readonly RunHead[] = await this.#archive.headsAfter(after, this.#piece)
      for (const head of heads) this.#of(head).listed = head
      after = heads.at(-1) ?? after
      if (heads.length < this.#piece) return
    }
  }

  async kept(): Promise<void> {
    for await (const { hash, whole } of keptIn(this.#archive, this.#options.digest)) {
      if (whole) this.#kept.add(hash)
      else this.#say("kept", { kept: hash }, "It has another hash: it is not what was kept")
    }
  }

  async rows(): Promise<void> {
    let after: (RunName & { readonly seq: number }) | null = null
    let walk: RunWalk | undefined
    for (;;) {
      const rows: readonly Row[] = await this.#archive.rowsAfter(after, this.#piece)
      for (const row of rows) {
        if (walk === undefined || walk.run !== row.run || walk.space !== row.space) {
          this.#ended(walk)
          walk = new RunWalk(row, this.#of(row), this.#options.digest)
        }
        walk.step(row)
      }
      after = rows.at(-1) ?? after
      if (rows.length < this.#piece) break
    }
    this.#ended(walk)
    for (const [key, { seen, signed, listed }] of this.#facts) {
      if (seen) continue
      const [space, run] = JSON.parse(key) as [string, string]
      const what =
        signed.length > 0 ? "The signed log has the run" : listed ? "The run is listed" : "A note is of the run"
      this.#say("missing", { space, run, seq: 0 }, `${what} "${run}", and it has no entries: all of them were removed`)
    }
  }

  #ended(walk: RunWalk | undefined): void {
    if (walk === undefined) return
    walk.facts.seen = true
    if (!this.#tells(walk.space)) return
    this.#runs++
    this.#entries += walk.chain.entries
    this.#redacted += walk.chain.redacted
    if (walk.wants.some((hash) => !this.#kept.has(hash))) this.#unkept++
    const fault = walk.end()
    if (fault?.fault === "unsigned" && this.#blind) return
    if (fault !== undefined) this.#say(fault.fault, { space: walk.space, run: walk.run, seq: fault.seq }, fault.message)
    else this.#unsigned += walk.unsigned
  }
}

interface RunFault {
  readonly fault: Fault
  readonly seq: number
  readonly message: string
}

/** One run's entries, held against its own chain and against what was signed and listed of it. */
class RunWalk {
  readonly space: string
  readonly run: string
  readonly facts: Facts
  readonly chain: ChainWalk
  /** Hashes of what it is replayed from. */
  wants: readonly string[] = []
  /** Signed hashes by number of entry. */
  readonly #signed: Map<number, Uint8Array>
  /** The last entry that was as signed; -1 before any. */
  #sure = -1
  /** The last entry from which on the run was undone. */
  #reopened = -1
  #fault: RunFault | undefined

  constructor({ space, run }: RunName, facts: Facts, digest: Digest) {
    this.space = space
    this.run = run
    this.facts = facts
    this.chain = new ChainWalk({ digest, space, run, redactions: facts.redacted })
    this.#signed = new Map(facts.signed.map((s) => [s.seq, s.hash]))
  }

  step(row: Row): void {
    if (this.#fault !== undefined) return
    const wrong = this.chain.step(row)
    if (wrong !== undefined) {
      this.#fault = { fault: wrong.reason, seq: wrong.seq, message: wrong.message }
      return
    }
    if (row.kind === "undo") this.#reopened = row.seq
    if (row.kind === "start") this.wants = wantedBy(row)
    const signed = this.#signed.get(row.seq)
    if (signed === undefined) return
    if (sameBytes(signed, row.hash)) this.#sure = row.seq
    else {
      const from = this.#sure + 1
      const which = from === row.seq ? `Entry ${from}` : `An entry from ${from} to ${row.seq}`
      this.#fault = {
        fault: "rewritten",
        seq: from,
        message: `${which} is not the one that was signed: found hash ${hex(row.hash)}`,
      }
    }
  }

  get unsigned(): number {
    return this.chain.head.seq - this.#sure
  }

  end(): RunFault | undefined {
    if (this.#fault !== undefined) return this.#fault
    const { head, ended } = this.chain
    const { signed, listed } = this.facts
    const last = Math.max(-1, ...signed.map((s) => s.seq))
    if (last > head.seq)
      return {
        fault: "truncated",
        seq: head.seq,
        message: `Entry ${last} was signed, and the run stops at entry ${head.seq}`,
      }
    if (signed.some((s) => s.ended && s.seq === head.seq) && !ended)
      return { fault: "rewritten", seq: last, message: `Entry ${last} was signed as the run's end, and is none` }
    if (signed.length === 0) return { fault: "unsigned", seq: 0, message: `No signed log has the run "${this.run}"` }
    if (this.#reopened > this.#sure)
      return {
        fault: "unsigned",
        seq: this.#reopened,
        message: `Entry ${this.#reopened} goes on after the run's end, and is in no signed log`,
      }
    if (ended && this.#sure !== head.seq)
      return { fault: "unsigned", seq: head.seq, message: `The run's end, entry ${head.seq}, is in no signed log` }
    if (listed === undefined || listed.seq !== head.seq || !sameBytes(listed.hash, head.hash) || listed.ended !== ended)
      return { fault: "listed", seq: head.seq, message: `The list of runs says something else than entry ${head.seq}` }
    return undefined
  }
}

const EMPTY = new Uint8Array(0)
const keyOf = ({ space, run }: RunName): string => JSON.stringify([space, run])
const short = (log: string): string => `${log.slice(0, 12)}…`
