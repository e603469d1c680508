/**
 * What leaves a ledger as JSON: signed heads, to be kept where the database is not; and the proof of one run, which
 * somebody with the public key alone can check. Bytes are base64.
 */
import { existsSync } from "node:fs"
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import process from "node:process"
import {
  continues,
  includes,
  merkleLeaf,
  openLeaf,
  type SignedHead,
  signedHeadOf,
  treeHeadBytes,
  type Verify,
} from "../../audit/mod.ts"
import { type Digest, hex, type Rec, sha256, type Value } from "../../graph/mod.ts"
import { ChainWalk, KernelError, kernelError, openEntry } from "../../kernel/mod.ts"
import { leavesOf } from "./archive.ts"
import { consistencyProof, inclusionProof } from "./merkle_proof.ts"
import type { SqlLedger } from "./sql.ts"

const FORMAT = 1
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")
const digest: Digest = sha256

interface HeadJson {
  readonly log: string
  readonly size: number
  readonly root: string
  readonly signature: string
}
const headJson = ({ log, size, root, signature }: SignedHead): HeadJson => ({
  log,
  size,
  root: base64(root),
  signature: base64(signature),
})

/** `heads.json`: heads to be kept elsewhere; with earlier ones, the proof that each is a beginning of its log. */
export interface HeadsFile {
  readonly shadowgraph: "heads"
  readonly format: number
  /** Public keys of the logs, raw, in base64. */
  readonly keys: readonly string[]
  readonly heads: readonly HeadJson[]
  readonly continues?: readonly { readonly from: HeadJson; readonly path: readonly string[] }[]
}

/** Signs what is not signed yet, and gives the heads as they stand. */
export async function exportHeads(
  ledger: SqlLedger,
  keys: readonly string[],
  since: readonly SignedHead[] = [],
): Promise<HeadsFile> {
  await ledger.sign()
  const heads: SignedHead[] = []
  const steps: { readonly from: HeadJson; readonly path: readonly string[] }[] = []
  for (const log of await ledger.archive.logs()) {
    const { leaves, head } = await treeOf(ledger, log)
    heads.push(head)
    for (const from of since.filter((h) => h.log === log))
      steps.push({ from: headJson(from), path: consistencyProof(leaves, from.size, digest).map(base64) })
  }
  return {
    shadowgraph: "heads",
    format: FORMAT,
    keys,
    heads: heads.map(headJson),
    ...(since.length > 0 ? { continues: steps } : {}),
  }
}

/**
 * Keeps a head in a file, unless one of the same log stands there that is later, or that the log does not go on from: then the
 * ledger was put back, verify says so, and goes on saying so however much is written after that. Fails with `KernelError`:
 * `full`, `readonly`, `storage`.
 */
export async function keepHeads(
  file: string,
  keys: readonly string[],
  head: SignedHead,
  goesOnFrom: (before: SignedHead) => Promise<boolean>,
): Promise<void> {
  const draft = `${file}.${process.pid}`
  try {
    const before = existsSync(file) ? readHeads(await readFile(file, "utf8"), file).heads : []
    const last = before.find((h) => h.log === head.log)
    if (last !== undefined && (last.size > head.size || !(await goesOnFrom(last)))) return
    const heads = [...before.filter((h) => h.log !== head.log), head].map(headJson)
    const text: HeadsFile = { shadowgraph: "heads", format: FORMAT, keys, heads }
    await writeFile(draft, `${JSON.stringify(text, null, 2)}\n`)
    await rename(draft, file)
  } catch (cause) {
    if (cause instanceof KernelError) throw cause
    await rm(draft, { force: true }).catch(() => {})
    const { code = "", message } = cause as NodeJS.ErrnoException
    const what = `Cannot keep the signed head of the ledger in "${file}"`
    throw kernelError(WHY.get(code) ?? "storage", `${what}: ${message}; the entries are kept`, cause)
  }
}

const WHY: ReadonlyMap<string, KernelError["reason"]> = new Map([
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EACCES", "readonly"],
  ["EPERM", "readonly"],
  ["EROFS", "readonly"],
])

/** The proof of one run: its entries without their data, the leaf that notes its last one, and the way up to a signed root. */
export interface RunProof {
  readonly shadowgraph: "run"
  readonly format: number
  readonly keys: readonly string[]
  readonly head: HeadJson
  readonly leaf: string
  readonly index: number
  readonly path: readonly string[]
  readonly entries: readonly string[]
}

/** Fails with `KernelError` (`misuse`) for a run that no log has. */
export async function proveRun(
  ledger: SqlLedger,
  keys: readonly string[],
  { space, run }: { readonly space: string; readonly run: string },
): Promise<RunProof> {
  await ledger.sign()
  for (const log of await ledger.archive.logs()) {
    const { leaves, head, last } = await treeOf(ledger, log, (note) => note.space === space && note.run === run)
    if (last === undefined) continue
    const { rows } = await ledger.entries(space, run)
    return {
      shadowgraph: "run",
      format: FORMAT,
      keys,
      head: headJson(head),
      leaf: base64(last.leaf),
      index: last.index,
      path: inclusionProof(leaves, last.index, digest).map(base64),
      entries: rows.map((row) => base64(row.entry)),
    }
  }
  throw kernelError("misuse", `Cannot prove run "${run}": no signed log has it`)
}

async function treeOf(
  ledger: SqlLedger,
  log: string,
  wanted: (note: { readonly space: string; readonly run: string }) => boolean = () => false,
) {
  const leaves: Uint8Array[] = []
  let head: SignedHead | undefined
  let last: { readonly leaf: Uint8Array; readonly index: number } | undefined
  for await (const { note, row } of leavesOf(ledger.archive, log)) {
    leaves.push(merkleLeaf(row.leaf, digest))
    head = signedHeadOf(row, digest) ?? head
    if (note.kind === "head" && wanted(note)) last = row
  }
  if (head === undefined || head.size !== leaves.length)
    throw kernelError(
      "corrupt",
      `Cannot use log ${log}: it does not end in a signature; shadowgraph ledger verify says more`,
    )
  return { leaves, head, last }
}

// ---- reading

/** Heads and keys of a file that `ledger heads` wrote. Fails with `KernelError` (`format`). */
export function readHeads(
  text: string,
  file: string,
): { readonly heads: readonly SignedHead[]; readonly keys: readonly string[] } {
  const json = parsed(text, file)
  if (json["shadowgraph"] !== "heads") throw notOurs(file, 'a file of "shadowgraph ledger heads"')
  return { heads: list(json, "heads", file).map((h) => headOf(h, file)), keys: texts(json, "keys", file) }
}

export interface Checked {
  readonly ok: boolean
  /** What was shown, or what is wrong, a line each. */
  readonly says: readonly string[]
}

/** Checks a proof without any ledger: signatures by `verify`, all else by digests. Fails with `KernelError` (`format`). */
export async function checkProof(text: string, file: string, verify: Verify): Promise<Checked> {
  const json = parsed(text, file)
  if (json["shadowgraph"] === "run") return await checkRun(json, file, verify)
  if (json["shadowgraph"] === "heads") return await checkHeads(json, file, verify)
  throw notOurs(file, 'a file of "shadowgraph ledger prove" or "ledger heads"')
}

/** Public keys that a proof brings; they prove nothing until somebody says that they are the right ones. */
export const keysOf = (text: string, file: string): readonly string[] => texts(parsed(text, file), "keys", file)

async function checkRun(json: Rec, file: string, verify: Verify): Promise<Checked> {
  const wrong = (says: string): Checked => ({ ok: false, says: [says] })
  const head = headOf(json["head"] as Rec, file)
  const signature = await signatureFault(head, verify)
  if (signature !== undefined) return wrong(signature)
  const leaf = bytesOf(json["leaf"], file)
  const path = texts(json, "path", file).map((p) => bytesOf(p, file))
  const place = { leaf: merkleLeaf(leaf, digest), index: Number(json["index"]), size: head.size, root: head.root }
  if (!includes(place, path, digest)) return wrong("The leaf is not in the signed tree at that place")
  const { note, index, at } = openLeaf(leaf)
  if (index !== place.index || note.kind !== "head") return wrong("The leaf is not that of a run's head")
  const walk = new ChainWalk({ digest, space: note.space, run: note.run, withoutData: true })
  const entries = texts(json, "entries", file).map((e) => bytesOf(e, file))
  for (const [seq, entry] of entries.slice(0, note.seq + 1).entries()) {
    let kind: ReturnType<typeof openEntry>["body"]["kind"]
    try {
      kind = openEntry(entry).body.kind
    } catch (cause) {
      return wrong(`Entry ${seq}: ${(cause as Error).message}`)
    }
    const fault = walk.step({ space: note.space, run: note.run, seq, kind, entry, data: null, hash: digest(entry) })
    if (fault !== undefined) return wrong(fault.message)
  }
  if (walk.head.seq !== note.seq || hex(walk.head.hash) !== hex(note.hash))
    return wrong(`The entries do not lead to the signed head, entry ${note.seq} with hash ${hex(note.hash)}`)
  return {
    ok: true,
    says: [
      `Run ${note.run}${note.space === "" ? "" : ` of space "${note.space}"`}: ${note.seq + 1} entries, ${note.state}, head ${hex(note.hash)}`,
      `is leaf ${index} of ${head.size} in log ${head.log}, signed ${new Date(at).toISOString()}`,
    ],
  }
}

async function checkHeads(json: Rec, file: string, verify: Verify): Promise<Checked> {
  const says: string[] = []
  const faults: string[] = []
  const heads = list(json, "heads", file).map((h) => headOf(h, file))
  for (const head of heads) {
    const fault = await signatureFault(head, verify)
    if (fault === undefined) says.push(`Log ${head.log}: ${head.size} leaves, root ${hex(head.root)}, signed`)
    else faults.push(fault)
  }
  for (const step of json["continues"] === undefined ? [] : list(json, "continues", file)) {
    const from = headOf(step["from"] as Rec, file)
    const to = heads.find((h) => h.log === from.log)
    const path = texts(step, "path", file).map((p) => bytesOf(p, file))
    const fault = await signatureFault(from, verify)
    if (fault !== undefined) faults.push(fault)
    else if (to === undefined || !continues(from, to, path, digest))
      faults.push(`Log ${from.log} does not go on from its head of ${from.size} leaves`)
    else says.push(`Log ${from.log} goes on from its head of ${from.size} leaves`)
  }
  return { ok: faults.length === 0, says: [...faults, ...says] }
}

async function signatureFault(head: SignedHead, verify: Verify): Promise<string | undefined> {
  const signed = await verify(head.log, treeHeadBytes(head), head.signature)
  if (signed === undefined) return `The key of log ${head.log} was not given: add --key`
  return signed ? undefined : `The head of log ${head.log} is not signed by its key`
}

const notOurs = (file: string, wanted: string) => kernelError("format", `Cannot read "${file}": want ${wanted}`)

function parsed(text: string, file: string): Rec {
  let json: Value
  try {
    json = JSON.parse(text) as Value
  } catch (cause) {
    throw kernelError("format", `Cannot read "${file}": it is not JSON: ${(cause as Error).message}`, cause)
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw notOurs(file, "a JSON object")
  if ((json as Rec)["format"] !== FORMAT)
    throw notOurs(file, `format ${FORMAT}, found ${String((json as Rec)["format"])}`)
  return json as Rec
}
function list(json: Rec, key: string, file: string): readonly Rec[] {
  const value = json[key]
  if (Array.isArray(value) && value.every((x) => typeof x === "object" && x !== null)) return value as readonly Rec[]
  throw notOurs(file, `a list "${key}"`)
}
function texts(json: Rec, key: string, file: string): readonly string[] {
  const value = json[key]
  if (Array.isArray(value) && value.every((x) => typeof x === "string")) return value as readonly string[]
  throw notOurs(file, `a list of texts "${key}"`)
}
function bytesOf(value: Value | undefined, file: string): Uint8Array {
  if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw notOurs(file, "bytes in base64")
  return new Uint8Array(Buffer.from(value, "base64"))
}
function headOf(json: Rec | undefined, file: string): SignedHead {
  const { log, size, root, signature } = json ?? {}
  if (typeof log !== "string" || typeof size !== "number") throw notOurs(file, "a head with log, size, root, signature")
  return { log, size, root: bytesOf(root, file), signature: bytesOf(signature, file) }
}
