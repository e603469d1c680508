/** The tree of RFC 9162, held against its recursive definition and against the roots of the reference implementation. */
import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { consistencyProof, inclusionProof } from "../deploy/ledger/merkle_proof.ts"
import type { Digest } from "../graph/mod.ts"
import { appended, continues, EMPTY_TREE, type Frontier, includes, merkleLeaf, peakCount, rootOf } from "./merkle.ts"

const digest: Digest = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest())
const hex = (b: Uint8Array) => Buffer.from(b).toString("hex")

/** MTH of the RFC, word by word. */
function mth(data: readonly Uint8Array[]): Uint8Array {
  if (data.length === 0) return digest(new Uint8Array())
  if (data.length === 1) return digest(new Uint8Array([0, ...data[0]!]))
  let k = 1
  while (k * 2 < data.length) k *= 2
  return digest(new Uint8Array([1, ...mth(data.slice(0, k)), ...mth(data.slice(k))]))
}
const MAX = 33
const data = Array.from({ length: MAX }, (_, i) => new Uint8Array([i, i * 7]))
const leaves = data.map((d) => merkleLeaf(d, digest))
const frontiers: Frontier[] = [EMPTY_TREE]
for (const leaf of leaves) frontiers.push(appended(frontiers.at(-1)!, leaf, digest))
const roots = frontiers.map((f) => rootOf(f, digest))
const flipped = (b: Uint8Array) => b.map((x, i) => (i === 5 ? x ^ 1 : x))

const node = (a: Uint8Array, b: Uint8Array) => digest(new Uint8Array([1, ...a, ...b]))

describe("who chooses the roots to fit a proof of the wrong form", () => {
  const [x, c, d, e] = leaves as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const shown = (size: number, index: number, root: Uint8Array, ...path: Uint8Array[]) =>
    includes({ leaf: x, index, size, root }, path, digest)
  const goesOn = (m: number, first: Uint8Array, n: number, second: Uint8Array, ...path: Uint8Array[]) =>
    continues({ size: m, root: first }, { size: n, root: second }, path, digest)

  test("shows no leaf to be in a tree", () => {
    expect(shown(2, 0, node(x, c), c)).toBe(true)
    // Longer than the tree is deep, shorter, of a size or at a place that is none.
    expect(shown(1, 0, node(c, x), c)).toBe(false)
    expect(shown(4, 0, node(x, c), c)).toBe(false)
    expect(shown(2.5, 0, node(x, c), c)).toBe(false)
    expect(shown(2, 0.5, node(x, c), c)).toBe(false)
    expect(shown(2, -2, node(x, c), c)).toBe(false)
    expect(shown(2, 2, node(x, c), c)).toBe(false)
    expect(shown(Number.NaN, 0, x)).toBe(false)
  })

  test("shows no log to go on", () => {
    expect(goesOn(3, node(node(x, c), d), 4, node(node(x, c), node(d, e)), d, e, node(x, c))).toBe(true)
    // A smaller one.
    expect(goesOn(3, x, 2, node(x, c), x, c)).toBe(false)
    // Sizes that are none.
    expect(goesOn(1.5, x, 2, node(x, c), x, c)).toBe(false)
    expect(goesOn(-1, x, 2, node(x, c), x, c)).toBe(false)
    expect(goesOn(1, x, 2.5, node(x, c), c)).toBe(false)
    // Nothing where a proof belongs, a proof where nothing belongs.
    expect(goesOn(3, x, 4, x)).toBe(false)
    expect(goesOn(2, x, 2, x)).toBe(true)
    expect(goesOn(2, x, 2, x, c)).toBe(false)
    expect(goesOn(2, x, 2, c)).toBe(false)
    expect(goesOn(0, roots[0]!, 2, x)).toBe(true)
    expect(goesOn(0, roots[0]!, 2, x, c)).toBe(false)
    // Longer than the trees are deep, and shorter.
    expect(goesOn(3, node(e, node(d, x)), 4, node(e, node(d, node(x, c))), x, c, d, e)).toBe(false)
    expect(goesOn(3, node(d, x), 8, node(d, node(x, c)), x, c, d)).toBe(false)
  })

  test("adds no byte to a hash: it would be cut off where two are joined", () => {
    const longer = (path: readonly Uint8Array[], i: number) => path.with(i, new Uint8Array([...path[i]!, 7]))
    for (const size of [2, 5, 8, 13]) {
      for (let index = 0; index < size; index++) {
        const path = inclusionProof(leaves.slice(0, size), index, digest)
        for (const i of path.keys())
          expect(includes({ leaf: leaves[index]!, index, size, root: roots[size]! }, longer(path, i), digest)).toBe(
            false,
          )
        if (index === 0) continue
        const later = consistencyProof(leaves.slice(0, size), index, digest)
        const [first, second] = [index, size].map((n) => ({ size: n, root: roots[n]! }))
        for (const i of later.keys()) expect(continues(first!, second!, longer(later, i), digest)).toBe(false)
      }
    }
  })

  test("is not asked for a proof of what is not there", () => {
    expect(consistencyProof(leaves.slice(0, 5), 6, digest)).toEqual([])
    expect(consistencyProof(leaves.slice(0, 5), 5, digest)).toEqual([])
    expect(consistencyProof(leaves.slice(0, 5), 0, digest)).toEqual([])
    expect(consistencyProof(leaves.slice(0, 5), -1, digest)).toEqual([])
  })
})

describe("the Merkle tree", () => {
  test("has the roots of RFC 9162's definition, and of Certificate Transparency's reference tests", () => {
    for (let n = 0; n <= MAX; n++) {
      expect(hex(roots[n]!)).toBe(hex(mth(data.slice(0, n))))
      expect(frontiers[n]!.peaks).toHaveLength(peakCount(n))
    }
    // github.com/google/certificate-transparency, merkletree/merkle_tree_test.cc: eight leaves.
    const theirs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    let tree = EMPTY_TREE
    for (const leaf of theirs) tree = appended(tree, merkleLeaf(Buffer.from(leaf, "hex"), digest), digest)
    expect(hex(rootOf(tree, digest))).toBe("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
  })

  test("every leaf of every tree is shown to be in it, at its place and nowhere else", () => {
    for (let size = 1; size <= MAX; size++)
      for (let index = 0; index < size; index++) {
        const path = inclusionProof(leaves.slice(0, size), index, digest)
        const claim = { leaf: leaves[index]!, index, size, root: roots[size]! }
        expect(includes(claim, path, digest)).toBe(true)
        expect(includes({ ...claim, leaf: flipped(claim.leaf) }, path, digest)).toBe(false)
        expect(includes({ ...claim, root: flipped(claim.root) }, path, digest)).toBe(false)
        expect(includes({ ...claim, index: index + 1 }, path, digest)).toBe(false)
        expect(includes(claim, [...path, leaves[0]!], digest)).toBe(false)
        if (path.length > 0) {
          expect(includes(claim, path.slice(1), digest)).toBe(false)
          expect(includes(claim, [flipped(path[0]!), ...path.slice(1)], digest)).toBe(false)
        }
      }
    expect(includes({ leaf: leaves[0]!, index: 0.5, size: 1, root: roots[1]! }, [], digest)).toBe(false)
  })

  test("every tree is shown to continue every earlier one, and no other", () => {
    for (let n = 0; n <= MAX; n++)
      for (let m = 0; m <= n; m++) {
        const path = consistencyProof(leaves.slice(0, n), m, digest)
        const [first, second] = [
          { size: m, root: roots[m]! },
          { size: n, root: roots[n]! },
        ]
        expect(continues(first, second, path, digest)).toBe(true)
        if (m === 0) continue
        expect(continues({ ...first, root: flipped(first.root) }, second, path, digest)).toBe(false)
        expect(continues(first, { ...second, root: flipped(second.root) }, path, digest)).toBe(false)
        if (m < n) expect(continues(second, first, path, digest)).toBe(false)
        if (path.length > 0) expect(continues(first, second, path.slice(0, -1), digest)).toBe(false)
      }
  })
})
