/**
 * The exponential function from + − × ÷ alone: confidences are compared across hosts, and `Math.exp` differs between
 * engines in its last bits.
 */

/** ln 2 in two parts: the first has 21 zero bits at its end, so that k times it is exact (Cody and Waite). */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** e to the power of x: within 2 units in the last place where the result is normal; 0 below −708, Infinity above 709. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x
  if (x > 709) return Number.POSITIVE_INFINITY
  if (x < -708) return 0
  const k = Math.round(x * Math.LOG2E)
  const r = x - k * LN2_HIGH - k * LN2_LOW
  // Taylor's series to r^13: |r| is at most ln 2 / 2, so that what is left out is below 1e-17.
  let sum = 1
  for (let n = 13; n > 0; n--) sum = 1 + (r / n) * sum
  return sum * powerOfTwo(k)
}

/** 2 to the power of k for |k| up to 1023: its bits, no multiplication. */
function powerOfTwo(k: number): number {
  BITS.setUint32(0, (k + 1023) << 20)
  return BITS.getFloat64(0)
}
const BITS = new DataView(new ArrayBuffer(8))
