/**
 * The trace hash (`semantics.md`): a Merkle tree over scopes of what a run did to and learned from the world. It depends
 * on paths, never on time, so it is the same wherever and in whatever order a run went. Iterations are folded into one
 * running hash as they finish, so that a loop of any length holds one hash.
 */
import type { Failure } from "./failure.ts"
import { failureIdentity } from "./failure.ts"
import type { Effect, Path } from "./ir.ts"
import { compareKeys, type Digest, encode, hashValue, hex, sha256, unhex, type Value } from "./value.ts"

export type Outcome = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly failure: Failure }

/** SHA-256 of `["value", v]` or `["failure", {…}]`, so that no value can pass for a failure. */
export const outcomeHash = (outcome: Outcome, digest: Digest = sha256): Uint8Array =>
  hashValue(outcome.ok ? ["value", outcome.value] : ["failure", failureIdentity(outcome.failure)], digest)

/** What one read or write adds: its path, what it was, what went in and what came out, as hashes. */
export const leafHash = (
  path: Path,
  effect: Effect,
  resource: string | null,
  input: Uint8Array,
  outcome: Uint8Array,
  digest: Digest = sha256,
): Uint8Array => digest(encode(["effect", path, effect, resource, input, outcome]))

interface Branch {
  leaf: Uint8Array | undefined
  /** Children by name: nodes and subgraphs. */
  named: Map<string, Branch> | undefined
  /** Children by number that are not folded yet: map items, iterations. */
  items: Map<number, Branch> | undefined
  /** The running hash of the items below `next`. */
  folded: Uint8Array | undefined
  next: number
}
const branch = (): Branch => ({ leaf: undefined, named: undefined, items: undefined, folded: undefined, next: 0 })

/** Nothing was recorded here: so of every run that asked nothing of the world. */
const isBare = ({ leaf, named, items, folded }: Branch): boolean =>
  leaf === undefined && named === undefined && items === undefined && folded === undefined

/** Collects the leaves of one run and folds them as scopes finish. */
export class TraceTree {
  readonly #digest: Digest
  readonly #root = branch()
  /** What was undone, apart: by then scopes have been folded. */
  #undone: TraceTree | undefined

  constructor(digest: Digest = sha256) {
    this.#digest = digest
  }

  /** Records the leaf of the effect at `path`. */
  add(path: Path, leaf: Uint8Array): void {
    let at = this.#root
    for (const part of path) at = typeof part === "number" ? item(at, part) : named(at, part)
    at.leaf = leaf
  }

  /** Records the leaf of an undo, whose path is `path`. */
  addUndone(path: Path, leaf: Uint8Array): void {
    this.#undone ??= new TraceTree(this.#digest)
    this.#undone.add(path, leaf)
  }

  /** The items of the node at `path` with an index below `upTo` are finished: fold them into one hash. */
  seal(path: Path, upTo: number): void {
    let at: Branch | undefined = this.#root
    for (const part of path) {
      at = typeof part === "number" ? at.items?.get(part) : at.named?.get(part)
      if (at === undefined) return
    }
    this.#fold(at, upTo)
  }

  /** The hash of everything recorded, or null where nothing was. */
  root(): Uint8Array | null {
    const done = this.#hash(this.#root)
    return this.#undone === undefined ? done : this.#digest(encode(["undone", done, this.#undone.root()]))
  }

  #fold(at: Branch, upTo: number): void {
    const { items } = at
    if (items === undefined) return
    const ready = [...items.keys()].filter((i) => i < upTo).sort((a, b) => a - b)
    for (const i of ready) {
      const hash = this.#hash(items.get(i)!)
      items.delete(i)
      if (hash !== null) at.folded = this.#digest(encode(["items", at.folded ?? null, i, hash]))
    }
    at.next = Math.max(at.next, upTo)
  }

  #hash(at: Branch): Uint8Array | null {
    if (isBare(at)) return null
    this.#fold(at, Number.POSITIVE_INFINITY)
    const children: Value[] = []
    if (at.named) {
      for (const name of [...at.named.keys()].sort(compareKeys)) {
        const hash = this.#hash(at.named.get(name)!)
        if (hash !== null) children.push([name, hash])
      }
    }
    if (at.leaf === undefined && children.length === 0 && at.folded === undefined) return null
    return this.#digest(encode(["scope", at.leaf ?? null, children, at.folded ?? null]))
  }
}

function named(at: Branch, part: string): Branch {
  at.named ??= new Map()
  let child = at.named.get(part)
  if (child === undefined) at.named.set(part, (child = branch()))
  return child
}
function item(at: Branch, part: number): Branch {
  at.items ??= new Map()
  let child = at.items.get(part)
  if (child === undefined) at.items.set(part, (child = branch()))
  return child
}

/** The trace hash of a run, in hexadecimal: the checked graph, the input, the effects, the outcome. */
export const traceHash = (
  graph: string | Uint8Array,
  input: Uint8Array,
  effects: Uint8Array | null,
  outcome: Uint8Array,
  digest: Digest = sha256,
): string =>
  hex(hashValue(["trace", 1, typeof graph === "string" ? unhex(graph) : graph, input, effects, outcome], digest))
