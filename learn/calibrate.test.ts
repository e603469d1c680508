/** Calibration against the truth: sources whose error is known exactly, calibrated hundreds of times. */
import { describe, expect, test } from "bun:test"
import { casesFor } from "../gate/mod.ts"
import { seeded } from "../shadow/model/random.sample.ts"
import { calibrate, type Scored, thresholdsOf } from "./calibrate.ts"

/** A source: its confidence is uniform, and an answer of confidence c is wrong with probability `risk(c)`. */
interface Source {
  readonly name: string
  readonly risk: (c: number) => number
  /** The true share of wrong answers among those with confidence ≥ t: the integral over [t, 1], by a sum of 10⁴ parts. */
}
const SOURCES: readonly Source[] = [
  { name: "well calibrated", risk: (c) => (1 - c) ** 2 },
  { name: "overconfident", risk: (c) => (c > 0.9 ? 0.012 : 0.2) },
  { name: "just at alpha", risk: () => 0.01 },
  { name: "wrong where it is surest", risk: (c) => (c > 0.98 ? 0.05 : 0.002) },
  { name: "always right", risk: () => 0 },
]
function riskFrom({ risk }: Source, t: number): number {
  let sum = 0
  for (let i = 0; i < 10_000; i++) sum += risk(t + ((1 - t) * (i + 0.5)) / 10_000)
  return sum / 10_000
}
function sample({ risk }: Source, n: number, next: () => number): Scored[] {
  return Array.from({ length: n }, () => {
    const confidence = next()
    return { confidence, right: next() >= risk(confidence) }
  })
}

describe("the promise", () => {
  for (const source of SOURCES)
    test(`of 200 calibrations of a source that is ${source.name}, at most 5 % accept more than 1 % wrong`, () => {
      const next = seeded(20_261)
      let breaks = 0
      let coverage = 0
      for (let i = 0; i < 200; i++) {
        const thresholds = thresholdsOf(sample(source, 500, next).map((s) => s.confidence))
        const found = calibrate(sample(source, 2_000, next), { alpha: 0.01, thresholds })
        if (!("threshold" in found)) continue
        coverage += found.coverage
        if (riskFrom(source, found.threshold) > 0.01 + 1e-9) breaks++
      }
      expect(breaks).toBeLessThanOrEqual(10)
      if (source.name === "always right") expect(coverage / 200).toBe(1)
    })
})

describe("thresholds", () => {
  test("are passed from the strictest on, and the first that fails ends the search", () => {
    // 500 sure and right, then 500 of which a tenth is wrong, then 500 that are right again.
    const cases: Scored[] = Array.from({ length: 1_500 }, (_, i) => ({
      confidence: 1 - i / 2_000,
      right: i < 500 || i >= 1_000 || i % 10 !== 0,
    }))
    const found = calibrate(cases, { alpha: 0.01, delta: 0.05, thresholds: [0.8, 0.75, 0.6, 0] })
    expect(found).toMatchObject({ threshold: 0.75 + 0, accepted: 501, wrong: 1 })
  })
  test("accept the shares that they were made for", () => {
    const next = seeded(7)
    const confidences = Array.from({ length: 10_000 }, next)
    const thresholds = thresholdsOf(confidences, [0.25, 0.5, 1])
    expect(thresholds.map((t) => confidences.filter((c) => c >= t).length)).toEqual([2_500, 5_000, 10_000])
  })
  test("of confidences that are all the same are that one, and none at all", () => {
    expect(thresholdsOf([1, 1, 1])).toEqual([1, 0])
  })
})

describe("no calibration", () => {
  test("of too few cases, with the number that would do: 1 − 0.02^(1/n) ≤ 0.01", () => {
    expect(casesFor(0.01, 0.02)).toBe(Math.ceil(Math.log(0.02) / Math.log(0.99)))
    const few = Array.from({ length: 389 }, (): Scored => ({ confidence: 1, right: true }))
    expect(calibrate(few, { thresholds: [0] })).toMatchObject({ reason: "too-few" })
    expect(calibrate([...few, few[0]!], { thresholds: [0] })).toMatchObject({ threshold: 0, accepted: 390, wrong: 0 })
  })
  test("of a shadow that is often wrong where it is surest", () => {
    const bad = Array.from({ length: 3_000 }, (_, i): Scored => ({ confidence: 1 - i / 3_000, right: i % 20 !== 0 }))
    expect(calibrate(bad, { thresholds: [0.5, 0] })).toMatchObject({ reason: "too-wrong" })
  })
  test("NaN is no confidence: such a case is never accepted", () => {
    const cases = Array.from(
      { length: 1_000 },
      (_, i): Scored => ({ confidence: i < 400 ? Number.NaN : 1, right: i >= 400 }),
    )
    expect(calibrate(cases, { thresholds: [0] })).toMatchObject({ accepted: 600, wrong: 0, coverage: 0.6 })
  })
  test.each([
    [{ alpha: 0, thresholds: [0] }, "alpha must lie between 0 and 1, found 0"],
    [{ delta: 1, thresholds: [0] }, "delta must lie between 0 and 1, found 1"],
    [{ thresholds: [] }, "at least one threshold"],
    [{ thresholds: [0.5, 0.6] }, "found 0.6 at number 1"],
    [{ thresholds: [Number.NaN] }, "found NaN at number 0"],
  ])("%j", (options, says) => {
    expect(calibrate([], options)).toMatchObject({
      _tag: "LearnError",
      message: expect.stringContaining(says) as string,
    })
  })
})
