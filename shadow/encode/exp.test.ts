/** Our exponential function against the host's, which is right to a unit in the last place. */
import { expect, test } from "bun:test"
import { Random } from "../../graph/random.sample.ts"
import { exp } from "./exp.ts"

test("within two units in the last place of the host's", () => {
  const r = new Random(5)
  let worst = 0
  for (let i = 0; i < 20_000; i++) {
    const x = ((r.u32() / 2 ** 32) * 2 - 1) * (i % 2 === 0 ? 700 : 2)
    worst = Math.max(worst, Math.abs(exp(x) / Math.exp(x) - 1))
  }
  expect(worst).toBeLessThan(3 * 2 ** -52)
})

test("at the edges", () => {
  expect(exp(0)).toBe(1)
  expect(exp(-0)).toBe(1)
  expect(exp(Number.NEGATIVE_INFINITY)).toBe(0)
  expect(exp(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
  expect(exp(Number.NaN)).toBeNaN()
  expect(exp(709)).toBeLessThan(Number.MAX_VALUE)
  expect(exp(-708)).toBeGreaterThan(2 ** -1022)
})
