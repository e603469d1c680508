// A small ledger in memory with its signed log of heads, as lists that a test changes and an auditor reads: what a store
// has, without one.

import {
  EMPTY_LOG,
  type HeadRow,
  type Kept,
  type LedgerArchive,
  type Note,
  noteHeads,
  type Signer,
} from "../audit/mod.ts"
import { encode, sameBytes, sha256 } from "../graph/mod.ts"
import { type EntryBody, GENESIS, type Row, type RunHead, seal } from "../kernel/mod.ts"

const NOTHING = new Uint8Array(0)
const EMPTY = sha256(NOTHING)

/** Signs with a secret that stands in no ledger. It knows its own log alone. */
export function signerOf(name: string): Signer {
  const log = `${name.repeat(64)}`.slice(0, 64)
  const made = (bytes: Uint8Array) => sha256(encode(["secret of", name, bytes]))
  return {
    log,
    sign: async (bytes) => made(bytes),
    verify: async (of, bytes, signature) => (of === log ? sameBytes(made(bytes), signature) : undefined),
  }
}

/** Rows of a run of these kinds, each with empty data; salted where a salt is given. */
export function runOf(
  run: string,
  kinds: readonly ("start" | "resume" | "parked" | "undo" | "end")[],
  {
    space = "acme",
    salt,
    plan = "",
    pins = null,
  }: { readonly space?: string; readonly salt?: number; readonly plan?: string; readonly pins?: string | null } = {},
): Row[] {
  const rows: Row[] = []
  for (const kind of kinds) {
    const bodies: { readonly [K in typeof kind]: EntryBody } = {
      start: { kind: "start", graph: "", plan, pins, input: EMPTY },
      resume: { kind: "resume", by: "x" },
      parked: { kind: "parked", path: ["n"], why: "ask", input: EMPTY, request: EMPTY, until: null },
      undo: { kind: "undo", by: "x", left: [], outcome: EMPTY, message: null },
      end: { kind: "end", outcome: EMPTY, message: null, trace: "" },
    }
    const entry = { space, run, seq: rows.length, prev: rows.at(-1)?.hash ?? GENESIS, at: 0, body: bodies[kind] }
    const grains = salt === undefined ? undefined : new Uint8Array(32).fill(salt)
    rows.push(seal(entry, kind === "resume" ? null : NOTHING, sha256, grains))
  }
  return rows
}

/** What a log notes of an entry. */
export const headNote = ({ space, run, seq, hash, kind }: Row): Note => ({
  kind: "head",
  space,
  run,
  seq,
  hash,
  state: kind === "end" ? "ended" : kind === "parked" ? "parked" : "open",
})

export interface Sealed {
  rows: Row[]
  heads: RunHead[]
  log: HeadRow[]
  /** What is kept by its hash. */
  kept?: Kept[]
}

/** The rows of a log over groups of notes, each group signed at its end. */
export async function logOf(groups: readonly (readonly Note[])[], signer: Signer): Promise<HeadRow[]> {
  const log: HeadRow[] = []
  let state = EMPTY_LOG
  for (const group of groups) {
    const { rows, next } = await noteHeads(state, group, { signer, digest: sha256, at: 0 })
    log.push(...rows)
    state = next
  }
  return log
}

export const listedOf = (rows: readonly Row[]): RunHead => {
  const { space, run, seq, hash, kind } = rows.at(-1)!
  return { space, run, seq, hash, ended: kind === "end" }
}

const order = (a: readonly (string | number)[], b: readonly (string | number)[]): number => {
  const at = a.findIndex((x, i) => x !== b[i])
  return at === -1 ? 0 : a[at]! < b[at]! ? -1 : 1
}

/** What an auditor reads of these lists. */
export function archiveOf({ rows, heads, log, kept = [] }: Sealed): LedgerArchive {
  const placeOf = (r: { readonly space: string; readonly run: string; readonly seq?: number }) => [
    r.space,
    r.run,
    r.seq ?? 0,
  ]
  const sorted = [...rows].sort((a, b) => order(placeOf(a), placeOf(b)))
  const listed = [...heads].sort((a, b) => order([a.space, a.run], [b.space, b.run]))
  return {
    rowsAfter: (after, limit) =>
      sorted.filter((r) => after === null || order(placeOf(r), placeOf(after)) > 0).slice(0, limit),
    headsAfter: (after, limit) =>
      listed.filter((h) => after === null || order([h.space, h.run], [after.space, after.run]) > 0).slice(0, limit),
    logs: () => [...new Set(log.map((r) => r.log))],
    logFrom: (name, index, limit) =>
      log
        .filter((r) => r.log === name && r.index >= index)
        .sort((a, b) => a.index - b.index)
        .slice(0, limit),
    keptAfter: (after, limit) =>
      kept
        .filter(({ hash }) => after === null || hash > after)
        .sort((a, b) => order([a.hash], [b.hash]))
        .slice(0, limit),
  }
}
