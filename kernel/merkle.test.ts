/** The tree of RFC 9162, held against its recursive definition and against the roots of the reference implementation. */
import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import type { Digest } from "../graph/mod.ts"
import {
  appended,
  consistencyProof,
  continues,
  EMPTY_TREE,
  type Frontier,
  includes,
  inclusionProof,
  merkleLeaf,
  peakCount,
  rootOf,
} from "./merkle.ts"

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
