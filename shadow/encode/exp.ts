/**
 * The exponential function from + − × ÷ alone: confidences are compared across hosts, and `Math.exp` differs between
 * engines in its last bits.
 */

/** ln 2 in two parts: the first has 21 zero bits at its end, so that k times it is exact (Cody and Waite). */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** e to the power of x: within 2 units in the last place where the result is normal; 0 below −708, Infinity above 709. */
export function exp(x: number): number {
  // Also where it is NaN.
  if (!(x >= -708 && x <= 709)) return x < 0 ? 0 : x > 0 ? Number.POSITIVE_INFINITY : x
  const k = Math.floor(x * Math.LOG2E + 0.5) | 0
  const r = x - k * LN2_HIGH - k * LN2_LOW
  // Taylor's series to r^13: |r| is at most ln 2 / 2, so that what is left out is below 1e-17. Even and odd powers apart, for
  // a processor does the two at once.
  const s = r * r
  const even = 1 + s * (C2 + s * (C4 + s * (C6 + s * (C8 + s * (C10 + s * C12)))))
  const odd = 1 + s * (C3 + s * (C5 + s * (C7 + s * (C9 + s * (C11 + s * C13)))))
  return (even + r * odd) * POWERS[k + 1023]!
}

/** 1 / n! */
const C2 = 1 / 2
const C3 = 1 / 6
const C4 = 1 / 24
const C5 = 1 / 120
const C6 = 1 / 720
const C7 = 1 / 5_040
const C8 = 1 / 40_320
const C9 = 1 / 362_880
const C10 = 1 / 3_628_800
const C11 = 1 / 39_916_800
const C12 = 1 / 479_001_600
const C13 = 1 / 6_227_020_800

/** 2 to the power of −1022 to 1023, from place 1 on: doubling is exact. */
const POWERS = new Float64Array(2_047)
POWERS[1_023] = 1
for (let k = 1_024; k < POWERS.length; k++) POWERS[k] = POWERS[k - 1]! * 2
for (let k = 1_022; k > 0; k--) POWERS[k] = POWERS[k + 1]! / 2
