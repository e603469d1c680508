/** The bounds against published values, against the definition, and against the sum that the shares must keep to. */
import { describe, expect, test } from "bun:test"
import { alphaOf, casesFor, errorBound, wrongMax } from "./bound.ts"

describe("a bound on the share of wrong answers", () => {
  // Upper Clopper-Pearson bounds: quantiles of the beta distribution, from SciPy 1.16.
  test.each([
    [1, 10, 0.05, 0.39416330243650466],
    [5, 100, 0.025, 0.11283491110546275],
    [50, 1000, 0.05, 0.06286340351237973],
    [900, 1000, 0.05, 0.9152152323315307],
    [100_000, 1_000_000, 0.05, 0.1004948119954619],
  ])("%d wrong in %d at %d", (wrong, cases, alpha, want) => {
    expect(Math.abs(errorBound(wrong, cases, alpha) - want)).toBeLessThan(1e-12)
  })

  test("with none wrong it is 1 − alpha^(1/n)", () => {
    for (const cases of [1, 2, 10, 2995, 100_000])
      for (const alpha of [0.5, 0.05, 1e-6])
        expect(Math.abs(errorBound(0, cases, alpha) - (1 - alpha ** (1 / cases)))).toBeLessThan(1e-12)
  })

  test("with all wrong it says nothing, and with more than all", () => {
    expect(errorBound(5, 5, 0.05)).toBe(1)
    expect(errorBound(6, 5, 0.05)).toBe(1)
    expect(errorBound(0, 0, 0.05)).toBe(1)
  })

  test("is met exactly where it can be", () => {
    // With one case, p is the probability of a wrong one; with two, (1 − p)².
    for (const [cases, alpha] of [
      [1, 0.5],
      [2, 0.25],
    ] as const) {
      expect(errorBound(0, cases, alpha)).toBeLessThanOrEqual(0.5)
      expect(errorBound(0, cases, alpha)).toBeGreaterThan(0.5 - 1e-15)
    }
    expect([casesFor(0.5, 0.25), casesFor(0.5, 0.125), casesFor(0.5, 0.0625)]).toEqual([2, 3, 4])
    expect(wrongMax(1, 0.5, 0.5)).toBe(0)
    expect(wrongMax(100, errorBound(3, 100, 0.05), 0.05)).toBe(3)
    for (const alpha of [0.05, 1e-9])
      for (const cases of [1, 2, 3, 17, 100]) {
        const all = errorBound(cases - 1, cases, alpha)
        // All but one wrong: 1 − p^n = alpha.
        expect(Math.abs(all - (1 - alpha) ** (1 / cases))).toBeLessThan(1e-12)
        expect(all).toBeLessThanOrEqual(1)
      }
  })

  test("2,995 cases without a wrong one bound the error by 0.1 % at 95 %, 2,994 do not", () => {
    expect(casesFor(0.001, 0.05)).toBe(2995)
    expect(errorBound(0, 2995, 0.05)).toBeLessThanOrEqual(0.001)
    expect(errorBound(0, 2994, 0.05)).toBeGreaterThan(0.001)
  })

  test("how many may be wrong follows from the bound", () => {
    expect(wrongMax(2994, 0.001, 0.05)).toBe(-1)
    expect(wrongMax(2995, 0.001, 0.05)).toBe(0)
    const most = wrongMax(20_000, 0.001, 0.05)
    expect(most).toBeGreaterThan(5)
    expect(errorBound(most, 20_000, 0.05)).toBeLessThanOrEqual(0.001)
    expect(errorBound(most + 1, 20_000, 0.05)).toBeGreaterThan(0.001)
  })
})

test("the shares of all submissions add up to 5 %", () => {
  let sum = 0
  for (let m = 1; m <= 1_000_000; m++) sum += alphaOf(m)
  expect(sum).toBeLessThan(0.05)
  expect(sum).toBeGreaterThan(0.0499)
})
