/** Seeded models and inputs for tests: nothing in them is learned, everything in them is the same everywhere. */
import type { Digit } from "../encode.ts"
import type { Mlp } from "./mlp.ts"

/** A linear congruential generator (Numerical Recipes), uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let x = seed >>> 0
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 4294967296
  }
}

/** Weights of the size that training gives them; a part of them is 0, −0 or subnormal. */
export function randomMlp(widths: readonly number[], seed: number): Mlp {
  const next = seeded(seed)
  const odd = [0, -0, 1e-42, -1e-42]
  const weight = (inputs: number): number =>
    next() < 0.02 ? odd[Math.floor(next() * 4)]! : (2 * next() - 1) * Math.sqrt(6 / inputs)
  return {
    widths,
    weights: widths.slice(1).map((n, l) => Float32Array.from({ length: n * widths[l]! }, () => weight(widths[l]!))),
    biases: widths.slice(1).map((n) => Float32Array.from({ length: n }, () => weight(9))),
  }
}

/** Thermometers of 15 beads, and what is left as one one-hot digit. */
export function digitsOf(inputs: number): Digit[] {
  const digits: Digit[] = []
  let at = 0
  for (; at + 15 <= inputs; at += 15) digits.push({ at, width: 15, states: 16, code: "thermometer" })
  const rest = inputs - at
  if (rest > 0) digits.push({ at, width: rest, states: rest, code: "one-hot" })
  return digits
}

export function randomStates(digits: readonly Digit[], rows: number, seed: number): Uint16Array {
  const next = seeded(seed)
  return Uint16Array.from({ length: rows * digits.length }, (_, i) =>
    Math.floor(next() * digits[i % digits.length]!.states),
  )
}

/** The features that states stand for. */
export function featuresOf(digits: readonly Digit[], states: Uint16Array): Float32Array {
  const width = digits.reduce((n, d) => n + d.width, 0)
  const features = new Float32Array((states.length / digits.length) * width)
  for (const [i, state] of states.entries()) {
    const digit = digits[i % digits.length]!
    const at = Math.floor(i / digits.length) * width + digit.at
    if (digit.code === "one-hot") features[at + state] = 1
    else features.fill(1, at, at + state)
  }
  return features
}

/** The same function in float64, in the plainest way. */
export function reference({ widths, weights, biases }: Mlp, x: ArrayLike<number>): number[] {
  let h = Array.from(x)
  for (const [l, w] of weights.entries()) {
    const n = widths[l + 1]!
    h = Array.from({ length: n }, (_, j) => h.reduce((sum, xk, k) => sum + xk * w[k * n + j]!, biases[l]![j]!))
    if (l < weights.length - 1) h = h.map((y) => Math.max(0, y))
  }
  return h
}

/** The largest difference, relative to the largest number of the row, or to 1 where that is larger: near 0 sums cancel. */
export function farthest(found: ArrayLike<number>, want: ArrayLike<number>): number {
  const scale = Array.from(want).reduce((most, x) => Math.max(most, Math.abs(x)), 1)
  return Array.from(found).reduce((most, x, i) => Math.max(most, Math.abs(x - want[i]!) / scale), 0)
}
