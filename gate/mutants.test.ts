// Answers that are wrong on purpose: each changes what it says it changes and nothing else, and the same answer comes back
// where there is nothing to change. About one case in a hundred is the rare one, always the same.
import { describe, expect, test } from "bun:test"
import { encode, type Value } from "../graph/mod.ts"
import { nearMisses } from "./mutants.ts"

const miss = (name: string, right: Value): Value => nearMisses.find((m) => m.name === name)!.wrong(null, right)

describe("a near miss", () => {
  const TABLE: readonly (readonly [name: string, right: Value, wrong: Value])[] = [
    ["one more", 1, 2],
    ["one more", 1n, 2n],
    ["one more", "1", "1"],
    ["one more", { b: 5, a: ["x", 1, 1] }, { b: 5, a: ["x", 2, 1] }],
    ["one more", [["x"], { k: "y" }, 3], [["x"], { k: "y" }, 4]],
    ["the sign", 2, -2],
    ["the sign", 2n, -2n],
    ["the sign", [true, 2], [true, -2]],
    ["a hundredth", 100, 101],
    ["a hundredth", 100n, 100n],
    ["the other way", true, false],
    ["the other way", { a: 1, b: false }, { a: 1, b: true }],
    ["the last letter", "abc", "ab"],
    ["the last letter", ["", "ab"], ["", "a"]],
    ["the last letter", 1, 1],
    ["a space", "", " "],
    ["a space", "a", "a "],
    ["a space", [1, null], [1, null]],
    ["one bit", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
    ["one bit", new Uint8Array(0), new Uint8Array(0)],
    ["one bit", { a: [new Uint8Array([0])] }, { a: [new Uint8Array([1])] }],
    ["the last item", [1, 2], [1]],
    ["the last item", { a: [[1]], b: [2] }, { a: [], b: [2] }],
    ["the last item", "ab", "ab"],
    ["nothing", 5, null],
    ["nothing", null, null],
  ]
  for (const [i, [name, right, wrong]] of TABLE.entries())
    test(`${name}, ${i}`, () => {
      const before = encode(right)
      expect(miss(name, right)).toEqual(wrong)
      // What was handed in is the oracle's, and stays as it is.
      expect(encode(right)).toEqual(before)
    })

  test("changes the first thing in the order of keys that records are encoded in", () => {
    expect(miss("one more", { b: 1, a: 1 })).toEqual({ b: 1, a: 2 })
    expect(miss("one more", { "\u{e000}": 1, "🐘": 1 })).toEqual({ "\u{e000}": 2, "🐘": 1 })
  })

  test("comes everywhere, and on about one case in a hundred", () => {
    expect(nearMisses.map((m) => m.name).filter((n) => n.includes("one more"))).toEqual([
      "one more",
      "one more, one case in a hundred",
    ])
    const rare = nearMisses.find((m) => m.name === "one more, one case in a hundred")!
    const hit = Array.from({ length: 20_000 }, (_, i) => i).filter((i) => rare.wrong(i, 0) === 1)
    expect(hit.length).toBeGreaterThan(120)
    expect(hit.length).toBeLessThan(280)
    // Always the same ones: FNV-1a over the canonical bytes, of which these are computed by another hand.
    expect(hit.slice(0, 3)).toEqual(RARE)
    for (const i of hit) expect(rare.wrong(i, 0)).toBe(1)
  })
})

/** The first whole numbers whose canonical bytes have an FNV-1a hash that ends in 00, in BigInt arithmetic. */
const RARE = Array.from({ length: 1_000 }, (_, i) => i)
  .filter((i) => {
    let hash = 0x811c9dc5n
    for (const byte of encode(i)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffff_ffffn
    return hash % 100n === 0n
  })
  .slice(0, 3)
