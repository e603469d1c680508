/** The delays of the bench are what they are said to be. */
import { expect, test } from "bun:test"
import { Chance } from "../../tests/laws/chance.ts"
import { delayMs, logNormal, MEDIAN_MS, SIGMA } from "./delays.ts"

test("log-normal delays have their median and their spread", () => {
  const c = new Chance("delays")
  const draws = Array.from({ length: 40_000 }, () => logNormal(c)).sort((a, b) => a - b)
  const at = (q: number) => draws[Math.floor(q * draws.length)]!
  expect(at(0.5) / MEDIAN_MS).toBeCloseTo(1, 2)
  // The quantiles of a normal distribution at one and two standard deviations.
  expect(Math.log(at(0.8413) / MEDIAN_MS) / SIGMA).toBeCloseTo(1, 1)
  expect(Math.log(at(0.02275) / MEDIAN_MS) / SIGMA).toBeCloseTo(-2, 1)
})

test("a delay depends on what it is of, and on nothing else", () => {
  expect(delayMs("log-normal", 1, 7, 0)).toBe(delayMs("log-normal", 1, 7, 0))
  expect(delayMs("log-normal", 1, 7, 0)).not.toBe(delayMs("log-normal", 1, 7, 1))
  expect(delayMs("constant", 1, 7, 0)).toBe(MEDIAN_MS)
  expect(delayMs("none", 1, 7, 0)).toBe(0)
})
