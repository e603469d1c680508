/** Supports against sets of what was seen: never more is covered than that, and hardly less. */
import { describe, expect, test } from "bun:test"
import { T, type Value } from "../graph/mod.ts"
import { EncodingRefused } from "./encode/refused.ts"
import { encodingOf } from "./encode.ts"
import { seeded } from "./model/random.sample.ts"
import { Support } from "./support.ts"

const digitsOf = (states: readonly number[]) => states.map((s) => ({ states: s }))
const rowsOf = (rows: readonly (readonly number[])[]) => Uint16Array.from(rows.flat())

describe("a support", () => {
  test("covers what it was made from", () => {
    const next = seeded(3)
    const states = [2, 16, 16, 5]
    const rows = Array.from({ length: 2_000 }, () => states.map((s) => Math.floor(next() * s)))
    const support = Support.of(digitsOf(states), rowsOf(rows), rows.length)
    for (const row of rows) expect(support.covers(Uint16Array.from(row))).toBe(true)
  })
  test("does not cover a state that no input had, nor one that no digit has", () => {
    const support = Support.of(
      digitsOf([4, 4]),
      rowsOf([
        [0, 1],
        [1, 0],
        [0, 0],
      ]),
      3,
    )
    expect(support.covers(Uint16Array.from([2, 0]))).toBe(false)
    expect(support.covers(Uint16Array.from([0, 9]))).toBe(false)
    expect(support.covers(Uint16Array.from([0, 0]))).toBe(true)
  })
  test("does not cover two states that were never seen together, where the log can tell", () => {
    // Digit 0 says which half of digit 1 is used, thousands of times.
    const next = seeded(4)
    const rows = Array.from({ length: 4_000 }, () => {
      const half = next() < 0.5 ? 0 : 1
      return [half, half * 8 + Math.floor(next() * 8)]
    })
    const support = Support.of(digitsOf([2, 16]), rowsOf(rows), rows.length)
    for (let d = 0; d < 16; d++)
      for (const half of [0, 1]) expect(support.covers(Uint16Array.from([half, d]))).toBe(Math.floor(d / 8) === half)
  })
  test("does not ask for pairs of which the log has seen too few: it would cover next to nothing", () => {
    const next = seeded(5)
    const states = [200, 200, 3]
    const rows = Array.from({ length: 6_000 }, () => states.map((s) => Math.floor(next() * s)))
    const support = Support.of(digitsOf(states), rowsOf(rows), rows.length)
    expect(support.data.pairs).toEqual([
      [0, 2],
      [1, 2],
    ])
  })
  test("covers about 99 % of further inputs of the same source, or more", () => {
    const next = seeded(6)
    const draw = () => [Math.floor(next() ** 2 * 16), Math.floor(next() * 16), Math.floor(next() * 7)]
    const rows = Array.from({ length: 5_000 }, draw)
    const support = Support.of(digitsOf([16, 16, 7]), rowsOf(rows), rows.length)
    let covered = 0
    for (let i = 0; i < 5_000; i++) if (support.covers(Uint16Array.from(draw()))) covered++
    expect(covered / 5_000).toBeGreaterThan(0.98)
  })
  test("of numbers below 1000 covers none that is larger by a digit, nor a fraction", () => {
    const encoding = encodingOf(T.number)
    if (encoding instanceof EncodingRefused) throw encoding
    const next = seeded(8)
    const n = encoding.digits.length
    const rows = new Uint16Array(4_000 * n)
    for (let r = 0; r < 4_000; r++) encoding.states(Math.floor(next() * 1_000) as Value, rows, r * n)
    const support = Support.of(encoding.digits, rows, 4_000)
    const covers = (x: number) => {
      const row = new Uint16Array(n)
      encoding.states(x, row, 0)
      return support.covers(row)
    }
    for (const x of [4_096, 5_000, 100_000, 1e12, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(covers(x)).toBe(false)
  })
  test("opens from what was kept, for the same digits alone", () => {
    const digits = digitsOf([4, 4])
    const { data } = Support.of(
      digits,
      rowsOf([
        [0, 1],
        [1, 0],
      ]),
      2,
    )
    expect(Support.open(data, digits)!.covers(Uint16Array.from([0, 1]))).toBe(true)
    expect(Support.open(data, digitsOf([4, 5]))).toBeUndefined()
    expect(Support.open({ ...data, seen: new Uint8Array(2) }, digits)).toBeUndefined()
    expect(Support.open({ ...data, pairs: [[1, 1]] }, digits)).toBeUndefined()
  })
})
