/** What a record hands back: outcomes that are on record, writes that may be sent, and the proof of the whole. */
import { type Digest, hashValue, hex, type Outcome, type Path } from "../graph/mod.ts"

/** An outcome that is on record. Minted here; `isCommit` tells it from a look-alike. */
export interface Commit {
  readonly space: string
  readonly run: string
  /** The entry that proves it. */
  readonly seq: number
  readonly path: Path
  readonly outcome: Outcome
}

/** A write that is on record and may be sent now. `key` goes to tools that honour one. */
export interface Intent {
  readonly path: Path
  readonly key: string
  readonly seq: number
}

export interface Ended {
  /** The trace hash. */
  readonly trace: string
  /** Hash of the last entry, hex, and its number: together they prove the whole run. */
  readonly head: string
  readonly position: number
}

const commits = new WeakSet<object>()
export const isCommit = (x: unknown): x is Commit => commits.has(x as object)

/** SHA-256 of `[run, path]`, of a tenant's `[space, run, path]`, hex: the same for every attempt of a call, and different for every other call. */
export const idempotencyKey = ({ space, run, digest }: Of, path: Path): string =>
  hex(hashValue(space === "" ? [run, path] : [space, run, path], digest))
type Of = { readonly space: string; readonly run: string; readonly digest: Digest }

/** Only a `RunRecord` mints commits, and only when their entry is kept. */
export function mintCommit(commit: Commit): Commit {
  commits.add(commit)
  return commit
}
