/**
 * The delays of the network, written down before the first run: log-normal with σ = 0.25, or constant. A delay is a function
 * of a seed, the tool, the run and how many requests of that run the tool has had, so that every contestant meets the same
 * ones. The arithmetic is our own (+ − × ÷ √), so they are the same on every host.
 */
import { Chance } from "../../tests/laws/chance.ts"

/** Milliseconds at the median. Large enough that a call's own work (some milliseconds on a busy machine) is small beside it. */
export const MEDIAN_MS = 40
/** Standard deviation of the delay's natural logarithm. */
export const SIGMA = 0.25
export const SEED = "speculate"

export type Network = "none" | "constant" | "log-normal"

export function delayMs(network: Network, tool: number, run: number, request: number): number {
  if (network === "none") return 0
  if (network === "constant") return MEDIAN_MS
  return logNormal(new Chance(`${SEED} ${tool} ${run} ${request}`))
}

/** One draw of the network's delay. */
export const logNormal = (c: Chance): number => MEDIAN_MS * exp(SIGMA * normal(c))

/** A standard normal draw, by Marsaglia's polar method (SIAM Review 6, 1964). */
function normal(c: Chance): number {
  for (;;) {
    const [u, v] = [2 * c.unit() - 1, 2 * c.unit() - 1]
    const s = u * u + v * v
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * ln(s)) / s)
  }
}

/** e to the power of x for |x| below 20, to 12 digits: a short series, squared ten times. */
function exp(x: number): number {
  const r = x / 1024
  let y = 1
  for (let n = 8; n > 0; n--) y = 1 + (r / n) * y
  for (let i = 0; i < 10; i++) y *= y
  return y
}

/** The natural logarithm of a number in (0, 1], by Halley's method on `exp`. */
function ln(x: number): number {
  let [m, k] = [x, 0]
  for (; m < 0.5; k--) m *= 2
  // Near enough to begin with: the first terms of the series around 1.
  let y = (m - 1) * (1.5 - 0.5 * m)
  for (let i = 0; i < 3; i++) {
    const e = exp(y)
    y += (2 * (m - e)) / (m + e)
  }
  return y + k * Math.LN2
}
