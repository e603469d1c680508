/** Draws are the same for the same seed, fair, and of the type that was asked for. */
import { describe, expect, test } from "bun:test"
import { accepts, encode, hex, printType, sha256, T, type Type, unhex } from "../graph/mod.ts"
import { Draw } from "./draw.ts"
import { GateError } from "./errors.ts"

const seed = (n: number) => sha256(Uint8Array.of(n))
const types: readonly Type[] = [
  ...[T.null, T.boolean, T.number, T.int64, T.string, T.bytes, T.unknown, T.enum("a", "b"), T.list(T.number)],
  ...[T.map(T.int64), T.union(T.string, T.null), T.tensor("f32", [2, null]), T.tensor("bool", null)],
  T.record({ a: T.number, b: T.optional(T.list(T.record({ c: T.bytes }))) }),
]

describe("a draw", () => {
  test("follows the published generator", () => {
    // xoshiro128** from the state 1, 2, 3, 4, by the reference implementation in C.
    const draw = new Draw(unhex("00000001000000020000000300000004"))
    expect([draw.bits(), draw.bits(), draw.bits(), draw.bits()]).toEqual([11520, 0, 5927040, 70819200])
  })

  test("is the same for the same seed and another for another", () => {
    const type = T.list(T.unknown)
    const [a, b, c] = [1, 1, 2].map((n) => new Draw(seed(n)))
    const first = hex(encode(a!.value(type)))
    expect(hex(encode(b!.value(type)))).toBe(first)
    expect(hex(encode(c!.value(type)))).not.toBe(first)
  })

  test("of a seed is this, today and in a year: a verdict names the seed of its cases", () => {
    const draw = new Draw(seed(7))
    const drawn = Array.from({ length: 400 }, (_, i) => draw.value(types[i % types.length]!))
    expect(hex(sha256(encode(drawn)))).toBe("eaaa0574604b22f317f736eda9bb18f7879d1c89495f4d6de5681c894ff73ea8")
  })

  test("below n is every one of the numbers and no other, also where they do not divide what is drawn", () => {
    const bits = new Draw(seed(8))
    const all = Array.from({ length: 200 }, () => bits.bits())
    for (const n of [1, 2, 3, 2 ** 31 + 1, 3 * 2 ** 30, 2 ** 32]) {
      const fair = n * Math.floor(2 ** 32 / n)
      const wanted = all.filter((b) => b < fair).map((b) => b % n)
      const draw = new Draw(seed(8))
      expect(wanted.slice(0, 50).map(() => draw.below(n))).toEqual(wanted.slice(0, 50))
    }
    // The first number that is not fair, exactly: of those below n > 2^31 it is n itself.
    const big = [1, 2, 3, 4, 5, 6].find((n) => new Draw(seed(n)).bits() > 2 ** 31)!
    const first = new Draw(seed(big)).bits()
    expect(first).toBeGreaterThan(2 ** 31)
    const next = new Draw(seed(big))
    next.bits()
    expect(new Draw(seed(big)).below(first)).toBe(next.below(first))
  })

  test("between two numbers takes one draw where 32 bits are enough, both ends within", () => {
    const [a, b] = [new Draw(seed(9)), new Draw(seed(9))]
    expect(a.between(0, 2 ** 32 - 1)).toBe(b.bits())
    expect(a.between(-5, 2 ** 32 - 6)).toBe(b.bits() - 5)
    expect(a.between(0, 2 ** 32)).toBe(Math.floor(b.unit() * (2 ** 32 + 1)))
    const few = new Set(Array.from({ length: 200 }, () => a.between(-1, 1)))
    expect(few).toEqual(new Set([-1, 0, 1]))
    expect(() => new Draw(seed(1).slice(0, 15))).toThrow()
  })

  test("a seed of zeros is one too", () => {
    const draw = new Draw(new Uint8Array(16))
    expect(new Set(Array.from({ length: 20 }, () => draw.bits())).size).toBeGreaterThan(10)
  })

  test("is fair", () => {
    const draw = new Draw(seed(3))
    const counts = new Array<number>(7).fill(0)
    for (let i = 0; i < 70_000; i++) counts[draw.below(7)]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  test.each(types.map((type) => [printType(type), type] as const))("of %s holds the type", (_, type) => {
    const draw = new Draw(seed(4))
    const takes = accepts(type)
    for (let i = 0; i < 300; i++) {
      const value = draw.value(type)
      expect(takes(value)).toBe(true)
      encode(value)
    }
  })

  test.each(["stream<number>", "never"])("of %s is refused", (text) => {
    const type: Type = text === "never" ? T.never : T.stream(T.number)
    expect(() => new Draw(seed(5)).value(type)).toThrow(GateError)
  })
})
