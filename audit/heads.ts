/**
 * The log of heads: every run's beginning, rests and end, and every so many entries between, are noted in a log that is
 * itself a hash chain and a Merkle tree, and whose root is signed each time with a key that the database does not have.
 * So what the ledger's own chains cannot show, a cut end, a run that is gone or was written anew, does not fit the log.
 */
import { type Digest, decode, encode, sameBytes, type Value } from "../graph/mod.ts"
import { kernelError } from "../kernel/mod.ts"
import { appended, EMPTY_TREE, type Frontier, merkleLeaf, peakCount, rootOf } from "./merkle.ts"

export const HEADS_FORMAT = 1

/** What a leaf says. `hash` is that of the run's entry `seq`. */
export type Note =
  | {
      readonly kind: "head"
      readonly space: string
      readonly run: string
      readonly seq: number
      readonly hash: Uint8Array
      readonly state: "open" | "parked" | "ended"
    }
  /** The data beside these entries of the run were removed; of those in `inputs`, only what would tell the input. */
  | {
      readonly kind: "redacted"
      readonly space: string
      readonly run: string
      readonly seqs: readonly number[]
      readonly inputs: readonly number[]
    }

export interface Leaf {
  /** Who signs: SHA-256 of the public key, in hexadecimal. */
  readonly log: string
  readonly index: number
  /** Digest of the row before, its root and signature included; zero bytes for the first. */
  readonly prev: Uint8Array
  readonly at: number
  /** The last of a group: root and signature stand beside it. */
  readonly closes: boolean
  readonly note: Note
}

/** A leaf as it is kept. */
export interface HeadRow {
  readonly log: string
  /** The tenant that the note is of: the column repeats what the leaf says. */
  readonly space: string
  readonly index: number
  readonly leaf: Uint8Array
  /** Of a closing leaf: roots of the whole subtrees, from which appending goes on, and the signature of the tree head. */
  readonly peaks: Uint8Array | null
  readonly signature: Uint8Array | null
}

/** What is signed: this log has so many leaves, and this root. */
export interface TreeHead {
  readonly log: string
  readonly size: number
  readonly root: Uint8Array
}
export interface SignedHead extends TreeHead {
  readonly signature: Uint8Array
}

/** Signs with a key that is kept outside the database. */
export interface Signer {
  readonly log: string
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>
  readonly verify: Verify
}
/** Is this the signature of log's key? Undefined where that key is not known. */
export type Verify = (log: string, bytes: Uint8Array, signature: Uint8Array) => Promise<boolean | undefined>

export const treeHeadBytes = ({ log, size, root }: TreeHead): Uint8Array =>
  encode(["shadowgraph tree head", HEADS_FORMAT, log, size, root])

const ZERO = new Uint8Array(32)
const HEAD_FIELDS = ["space", "run", "seq", "hash", "state"] as const
const REDACTED_FIELDS = ["space", "run", "seqs", "inputs"] as const
const fieldsOf = (kind: unknown) => (kind === "head" ? HEAD_FIELDS : kind === "redacted" ? REDACTED_FIELDS : undefined)

export function leafBytes({ log, index, prev, at, closes, note }: Leaf): Uint8Array {
  const fields = note as unknown as { readonly [field: string]: Value }
  return encode([
    HEADS_FORMAT,
    log,
    index,
    prev,
    at,
    closes,
    note.kind,
    ...fieldsOf(note.kind)!.map((field) => fields[field]!),
  ])
}

/** Fails with `KernelError` (`corrupt`, `format`). */
export function openLeaf(bytes: Uint8Array): Leaf {
  let list: Value
  try {
    list = decode(bytes)
  } catch (cause) {
    throw kernelError("corrupt", `Cannot read a leaf of the log of heads: ${(cause as Error).message}`, cause)
  }
  const [format, log, index, prev, at, closes, kind, ...rest] = (Array.isArray(list) ? list : []) as Value[]
  if (typeof format === "number" && format !== HEADS_FORMAT) {
    throw kernelError(
      "format",
      `Cannot read a leaf of the log of heads: its format must be ${HEADS_FORMAT}, found ${format}`,
    )
  }
  const fields = fieldsOf(kind)
  if (fields === undefined || rest.length !== fields.length || !(prev instanceof Uint8Array)) {
    throw kernelError("corrupt", "Cannot read a leaf of the log of heads: it has not the form of one")
  }
  const note = Object.fromEntries([["kind", kind], ...fields.map((field, i) => [field, rest[i]])]) as unknown as Note
  return { log, index, prev, at, closes, note } as Leaf
}

/** What the leaf after this row holds as `prev`. */
export function rowLink({ leaf, peaks, signature }: HeadRow, digest: Digest): Uint8Array {
  return digest(encode([leaf, peaks, signature]))
}

export function peaksBytes({ peaks }: Frontier): Uint8Array {
  const out = new Uint8Array(peaks.length * 32)
  for (const [i, peak] of peaks.entries()) out.set(peak, i * 32)
  return out
}
function frontierOf(size: number, bytes: Uint8Array): Frontier | undefined {
  const count = peakCount(size)
  if (bytes.length !== count * 32) return undefined
  return { size, peaks: Array.from({ length: count }, (_, i) => bytes.slice(i * 32, i * 32 + 32)) }
}

/** The head that a closing row signs; undefined for a row that closes nothing, or has not the form. */
export function signedHeadOf({ log, index, peaks, signature }: HeadRow, digest: Digest): SignedHead | undefined {
  const frontier = peaks === null ? undefined : frontierOf(index + 1, peaks)
  if (frontier === undefined || signature === null) return undefined
  return { log, size: index + 1, root: rootOf(frontier, digest), signature }
}

/** Where a log stands: enough to append to it. */
export interface LogState {
  readonly tree: Frontier
  readonly link: Uint8Array
}
export const EMPTY_LOG: LogState = { tree: EMPTY_TREE, link: ZERO }

/**
 * The state after the last row of a log, which must be one that this key signed: whoever can write to the database must
 * not have a row of theirs continued. Fails with `KernelError` (`corrupt`).
 */
export async function continueLog(last: HeadRow | undefined, signer: Signer, digest: Digest): Promise<LogState> {
  if (last === undefined) return EMPTY_LOG
  const refuse = (why: string) =>
    kernelError(
      "corrupt",
      `Cannot continue the log of heads after leaf ${last.index}: ${why}; shadowgraph ledger verify says more`,
    )
  const head = signedHeadOf(last, digest)
  if (head === undefined) throw refuse("it carries no signature")
  if ((await signer.verify(head.log, treeHeadBytes(head), head.signature)) !== true)
    throw refuse("its signature is not that of this ledger's key")
  const tree = frontierOf(head.size, last.peaks!)!
  // The peaks are vouched for by the signature; the leaf itself must be the one that they hold.
  const alone = head.size % 2 === 1
  if (alone && !sameBytes(tree.peaks.at(-1)!, merkleLeaf(last.leaf, digest)))
    throw refuse("it is not the leaf that was signed")
  return { tree, link: rowLink(last, digest) }
}

/** Rows for these notes, the last of them closing and signed; and the state after them, to be taken once they are kept. */
export async function noteHeads(
  state: LogState,
  notes: readonly Note[],
  { signer, digest, at }: { readonly signer: Signer; readonly digest: Digest; readonly at: number },
): Promise<{ readonly rows: readonly HeadRow[]; readonly next: LogState }> {
  const { log } = signer
  const rows: HeadRow[] = []
  let { tree, link } = state
  for (const [i, note] of notes.entries()) {
    const index = tree.size
    const closes = i === notes.length - 1
    const leaf = leafBytes({ log, index, prev: link, at, closes, note })
    tree = appended(tree, merkleLeaf(leaf, digest), digest)
    const head = { log, size: tree.size, root: closes ? rootOf(tree, digest) : ZERO }
    const signature = closes ? await signer.sign(treeHeadBytes(head)) : null
    const row: HeadRow = { log, space: note.space, index, leaf, peaks: closes ? peaksBytes(tree) : null, signature }
    rows.push(row)
    link = rowLink(row, digest)
  }
  return { rows, next: { tree, link } }
}
