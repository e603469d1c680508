/**
 * The Merkle tree of RFC 9162 (section 2.1): a log's root commits to every leaf and its place; one leaf is shown to be in it,
 * and an older root to be a beginning of it, by about log₂ n hashes. Leaves and nodes are told apart by their first byte.
 * Proofs are checked here and made elsewhere: one that was made wrong is one that does not check.
 */
import { type Digest, sameBytes } from "../graph/mod.ts"

const LEAF = 0
const NODE = 1

/** SHA-256 of a zero byte and the leaf. */
export function merkleLeaf(bytes: Uint8Array, digest: Digest): Uint8Array {
  const out = new Uint8Array(bytes.length + 1)
  out[0] = LEAF
  out.set(bytes, 1)
  return digest(out)
}

function node(left: Uint8Array, right: Uint8Array, digest: Digest): Uint8Array {
  const out = new Uint8Array(65)
  out[0] = NODE
  out.set(left, 1)
  out.set(right, 33)
  return digest(out)
}

/** What is needed of a tree to append to it: the roots of its whole subtrees, the largest first. */
export interface Frontier {
  readonly size: number
  readonly peaks: readonly Uint8Array[]
}
export const EMPTY_TREE: Frontier = { size: 0, peaks: [] }

export function appended({ size, peaks }: Frontier, leaf: Uint8Array, digest: Digest): Frontier {
  const out = [...peaks]
  let top = leaf
  for (let n = size; n % 2 === 1; n = (n - 1) / 2) top = node(out.pop()!, top, digest)
  out.push(top)
  return { size: size + 1, peaks: out }
}

/** The root; of no leaves, the digest of nothing. */
export const rootOf = ({ peaks }: Frontier, digest: Digest): Uint8Array =>
  peaks.length === 0 ? digest(new Uint8Array(0)) : peaks.reduceRight((right, left) => node(left, right, digest))

/** How many subtrees a tree of `size` leaves has at its edge. */
export function peakCount(size: number): number {
  let count = 0
  for (let n = size; n > 0; n = Math.floor(n / 2)) count += n % 2
  return count
}

/** Is `leaf` at `index` of the tree of `size` leaves with this root? (RFC 9162, section 2.1.3.2.) */
export function includes(
  { leaf, index, size, root }: { leaf: Uint8Array; index: number; size: number; root: Uint8Array },
  path: readonly Uint8Array[],
  digest: Digest,
): boolean {
  if (!isPlace(index) || !isPlace(size) || index >= size) return false
  let [fn, sn, hash] = [index, size - 1, leaf]
  for (const p of path) {
    if (sn === 0 || p.length !== 32) return false
    if (fn % 2 === 1 || fn === sn) {
      hash = node(p, hash, digest)
      // Not 0: sn would be 0 too.
      while (fn % 2 === 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else hash = node(hash, p, digest)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 && sameBytes(hash, root)
}

export interface TreeRoot {
  readonly size: number
  readonly root: Uint8Array
}

/** Is `first` a beginning of `second`? (RFC 9162, section 2.1.4.2.) Nothing is a beginning of everything. */
export function continues(first: TreeRoot, second: TreeRoot, path: readonly Uint8Array[], digest: Digest): boolean {
  if (!isPlace(first.size) || !isPlace(second.size) || first.size > second.size) return false
  if (path.some((p) => p.length !== 32)) return false
  if (first.size === second.size) return path.length === 0 && sameBytes(first.root, second.root)
  if (first.size === 0) return path.length === 0
  const hashes = isPowerOfTwo(first.size) ? [first.root, ...path] : [...path]
  let [fn, sn] = [first.size - 1, second.size - 1]
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  const start = hashes.shift()
  if (start === undefined) return false
  let [one, two] = [start, start]
  for (const c of hashes) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      one = node(c, one, digest)
      two = node(c, two, digest)
      while (fn % 2 === 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else two = node(two, c, digest)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 && sameBytes(one, first.root) && sameBytes(two, second.root)
}

const isPlace = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
const isPowerOfTwo = (n: number): boolean => {
  let m = n
  while (m % 2 === 0) m /= 2
  return m === 1
}
