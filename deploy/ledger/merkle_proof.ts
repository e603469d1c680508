/**
 * Proofs over the Merkle tree of a log (RFC 9162, section 2.1): that one leaf is in it, and that an earlier tree is a beginning
 * of it. Nobody has to trust them: whoever is given one checks it with `audit`.
 */
import { appended, EMPTY_TREE, rootOf } from "../../audit/mod.ts"
import type { Digest } from "../../graph/mod.ts"

/** The hashes that show leaf `index` to be in the tree of these leaf hashes, the deepest first. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number, digest: Digest): readonly Uint8Array[] {
  const path: Uint8Array[] = []
  let [from, to] = [0, leaves.length]
  while (to - from > 1) {
    const middle = from + half(to - from)
    const left = index < middle
    path.push(left ? subtree(leaves, middle, to, digest) : subtree(leaves, from, middle, digest))
    if (left) to = middle
    else from = middle
  }
  return path.reverse()
}

/** The hashes that show the tree of the first `first` leaves to be a beginning of the tree of all of them. */
export function consistencyProof(leaves: readonly Uint8Array[], first: number, digest: Digest): readonly Uint8Array[] {
  const walk = (m: number, from: number, to: number, whole: boolean): Uint8Array[] => {
    const n = to - from
    if (m === n) return whole ? [] : [subtree(leaves, from, to, digest)]
    const k = half(n)
    return m <= k
      ? [...walk(m, from, from + k, whole), subtree(leaves, from + k, to, digest)]
      : [...walk(m - k, from + k, to, false), subtree(leaves, from, from + k, digest)]
  }
  return first <= 0 || first >= leaves.length ? [] : walk(first, 0, leaves.length, true)
}

/** The largest power of two below `n`, for `n` ≥ 2. */
function half(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

function subtree(leaves: readonly Uint8Array[], from: number, to: number, digest: Digest): Uint8Array {
  let frontier = EMPTY_TREE
  for (let i = from; i < to; i++) frontier = appended(frontier, leaves[i]!, digest)
  return rootOf(frontier, digest)
}
