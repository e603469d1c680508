/** Bins and curves by hand. */
import { expect, test } from "bun:test"
import type { Scored } from "./calibrate.ts"
import { coverageError, reliability } from "./reliability.ts"

const cases = (said: readonly (readonly [number, boolean])[]): Scored[] =>
  said.map(([confidence, right]) => ({ confidence, right }))

test("bins hold about as many cases each, and equal confidences stay together", () => {
  const said = cases([
    [0.1, false],
    [0.2, true],
    [0.5, true],
    [0.5, false],
    [0.5, true],
    [0.9, true],
  ])
  const bins = reliability(said, 3)
  expect(bins.map((b) => [b.cases, b.right])).toEqual([
    [2, 0.5],
    [3, 2 / 3],
    [1, 1],
  ])
  expect(bins.map((b) => b.confidence)).toEqual([0.15000000000000002, 0.5, 0.9])
})

test("an interval is Clopper and Pearson's: 8 of 10 right is 0.4439 to 0.9748", () => {
  const [bin] = reliability(cases(Array.from({ length: 10 }, (_, i) => [0.5, i < 8] as const)), 1)
  expect(bin!.low).toBeCloseTo(0.4439, 4)
  expect(bin!.high).toBeCloseTo(0.9748, 4)
})

test("coverage against error: every confidence that somebody has is a point, the surest first", () => {
  const said = cases([
    [0.9, true],
    [0.8, false],
    [0.8, true],
    [0.1, false],
    [Number.NaN, false],
  ])
  expect(coverageError(said)).toEqual([
    { threshold: 0.9, coverage: 0.2, error: 0 },
    { threshold: 0.8, coverage: 0.6, error: 1 / 3 },
    { threshold: 0.1, coverage: 0.8, error: 0.5 },
  ])
  expect(coverageError([])).toEqual([])
})

test("a curve of very many points keeps its ends", () => {
  const many = cases(Array.from({ length: 5_000 }, (_, i) => [1 - i / 10_000, true] as const))
  const curve = coverageError(many, 100)
  expect(curve.length).toBeLessThanOrEqual(101)
  expect([curve[0]!.coverage, curve.at(-1)!.coverage]).toEqual([1 / 5_000, 1])
})
