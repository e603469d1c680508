/** Draws are the same for the same seed, fair, and of the type that was asked for. */
import { describe, expect, test } from "bun:test"
import { accepts, encode, hex, printType, sha256, T, type Type, unhex } from "../graph/mod.ts"
import { Draw } from "./draw.ts"
import { KernelError } from "./errors.ts"

const seed = (n: number) => sha256(Uint8Array.of(n))

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

  const types: readonly Type[] = [
    ...[T.null, T.boolean, T.number, T.int64, T.string, T.bytes, T.unknown, T.enum("a", "b"), T.list(T.number)],
    ...[T.map(T.int64), T.union(T.string, T.null), T.tensor("f32", [2, null]), T.tensor("bool", null)],
    T.record({ a: T.number, b: T.optional(T.list(T.record({ c: T.bytes }))) }),
  ]
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
    expect(() => new Draw(seed(5)).value(type)).toThrow(KernelError)
  })
})
