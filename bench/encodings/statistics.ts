/** Means over seeds with their intervals by Student's t, and whether two of them are apart. */

export interface Interval {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** The 97.5 % quantile of Student's t for 1 to 30 degrees of freedom (Abramowitz and Stegun, table 26.10, to more places). */
const T975 = [12.706, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281]
  .concat([2.201, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086])
  .concat([2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423])

/** The mean of shares with its 95 % interval, cut off at 0 and 1; of a single one there is no interval but all of it. */
export function intervalOf(shares: readonly number[]): Interval {
  const n = shares.length
  const mean = shares.reduce((a, b) => a + b, 0) / n
  if (n < 2) return { mean, low: 0, high: 1 }
  const variance = shares.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / (n - 1)
  const half = T975[Math.min(n - 1, T975.length) - 1]! * Math.sqrt(variance / n)
  return { mean, low: Math.max(0, mean - half), high: Math.min(1, mean + half) }
}

/** 1 where a lies above b and their intervals do not overlap, −1 where below, 0 where they are not separated. */
export const separated = (a: Interval, b: Interval): -1 | 0 | 1 => (a.low > b.high ? 1 : a.high < b.low ? -1 : 0)
