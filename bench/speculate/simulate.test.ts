/** The simulation agrees with the closed form where that holds, and with its bounds. */
import { expect, test } from "bun:test"
import { closedForm, simulated } from "./simulate.ts"

const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length
const left = (right: number, network: "constant" | "log-normal" = "constant") => {
  const { on, off } = simulated(network, 200, Array(5).fill(0), Array(5).fill(right))
  return mean(on) / mean(off)
}

test("calls of equal length: the closed form", () => {
  for (const right of [0, 0.5, 0.9, 0.99, 1]) expect(left(right)).toBeCloseTo(closedForm(5, right), 2)
  expect(closedForm(5, 1)).toBe(0.2)
  expect(closedForm(5, 0)).toBe(1)
})

test("with calls of different lengths the slowest is left: about 74 % can be saved at σ = 0.25", () => {
  expect(left(1, "log-normal")).toBeGreaterThan(0.25)
  expect(left(1, "log-normal")).toBeLessThan(0.28)
  expect(left(0, "log-normal")).toBeCloseTo(1, 9)
})
