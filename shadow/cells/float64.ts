/**
 * float64 by cells: sums, products and quotients of every pair of numbers, rounded to the nearest and half to even, as
 * IEEE 754 has it and every host computes it. Taking a number apart, moving bits and the tables of special cases are
 * wired; all sums, differences and products of digits, and the last step up when a result is rounded, are the cells'.
 */
import { type Arithmetic, isZero } from "./arithmetic.ts"
import type { Operation } from "./int64.ts"

/** Nibbles of a fraction with its leading 1: 53 bits. */
const FRACTION = 14
/** Room for a product, for a fraction moved by 60 bits, and for a dividend. */
const WIDE = 32
const BITS = new DataView(new ArrayBuffer(8))
/** Bits behind the last place that decide the rounding: beyond them only whether there is anything matters. */
const GUARD = 58

/** A finite number but 0: `fraction × 2^exponent`, with bit 52 of the fraction set. */
interface Split {
  negative: boolean
  exponent: number
  readonly fraction: Uint8Array
}

export class Float64 {
  readonly #cells: Arithmetic
  readonly #x: Split = { negative: false, exponent: 0, fraction: new Uint8Array(WIDE) }
  readonly #y: Split = { negative: false, exponent: 0, fraction: new Uint8Array(WIDE) }
  readonly #out = new Uint8Array(2 * WIDE)
  readonly #moved = new Uint8Array(WIDE)
  readonly #rest = new Uint8Array(FRACTION + 1)
  constructor(cells: Arithmetic) {
    this.#cells = cells
  }

  of(operation: Operation, a: number, b: number): number {
    switch (operation) {
      case "add":
        return this.#sum(a, b)
      case "subtract":
        return this.#sum(a, -b)
      case "multiply":
        return this.#product(a, b)
      case "divide":
        return this.#quotient(a, b)
    }
  }

  #sum(a: number, b: number): number {
    if (!Number.isFinite(a) || !Number.isFinite(b)) return sumOfSpecial(a, b)
    if (a === 0) return b === 0 && !(Object.is(a, -0) && Object.is(b, -0)) ? 0 : b
    if (b === 0) return a
    this.#split(a, this.#x)
    this.#split(b, this.#y)
    const [large, small] = this.#x.exponent >= this.#y.exponent ? [this.#x, this.#y] : [this.#y, this.#x]
    const apart = large.exponent - small.exponent
    // The larger moves up as far as counts; of what of the smaller lies still lower only its being there counts, as a last bit.
    const up = Math.min(apart, GUARD)
    const [p, q, out] = [this.#out, this.#moved, this.#out]
    moveUp(large.fraction, up + 1, p)
    const lost = moveDown(small.fraction, apart - up, q)
    moveUp(q, 1, q)
    q[0]! |= lost ? 1 : 0
    const exponent = small.exponent + (apart - up) - 1
    if (large.negative === small.negative) {
      this.#cells.add(p, q, 0, out, WIDE)
      return this.#rounded(large.negative, exponent, out)
    }
    if (this.#cells.subtract(p, q, out, WIDE) === 1) {
      return isZero(out, WIDE) ? 0 : this.#rounded(large.negative, exponent, out)
    }
    // The smaller one by its exponent was the larger by its fraction: the complement is turned round.
    q.fill(0)
    this.#cells.subtract(q, out, out, WIDE)
    return this.#rounded(small.negative, exponent, out)
  }

  #product(a: number, b: number): number {
    const negative = isNegative(a) !== isNegative(b)
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      return Number.isNaN(a) || Number.isNaN(b) || a === 0 || b === 0 ? Number.NaN : infinity(negative)
    }
    if (a === 0 || b === 0) return zero(negative)
    this.#split(a, this.#x)
    this.#split(b, this.#y)
    this.#out.fill(0)
    this.#cells.multiply(this.#x.fraction, FRACTION, this.#y.fraction, FRACTION, this.#out)
    return this.#rounded(negative, this.#x.exponent + this.#y.exponent, this.#out)
  }

  #quotient(a: number, b: number): number {
    const negative = isNegative(a) !== isNegative(b)
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
    if (!Number.isFinite(a)) return Number.isFinite(b) ? infinity(negative) : Number.NaN
    if (b === 0) return a === 0 ? Number.NaN : infinity(negative)
    if (a === 0 || !Number.isFinite(b)) return zero(negative)
    this.#split(a, this.#x)
    this.#split(b, this.#y)
    const [dividend, out] = [this.#moved, this.#out]
    moveUp(this.#x.fraction, GUARD, dividend)
    out.fill(0)
    this.#cells.divide(dividend, WIDE, this.#y.fraction, FRACTION, out, this.#rest)
    moveUp(out, 1, out)
    out[0]! |= isZero(this.#rest, FRACTION + 1) ? 0 : 1
    return this.#rounded(negative, this.#x.exponent - this.#y.exponent - GUARD - 1, out)
  }

  /** Takes a finite number but 0 apart. A subnormal one is moved up to have its leading 1. */
  #split(value: number, to: Split): void {
    BITS.setFloat64(0, value)
    const high = BITS.getUint32(0)
    let low = BITS.getUint32(4)
    const biased = (high >>> 20) & 0x7ff
    let top = (high & 0xfffff) | (biased === 0 ? 0 : 0x100000)
    to.negative = high >>> 31 === 1
    to.fraction.fill(0)
    for (let i = 0; i < 8; i++) {
      to.fraction[i] = low & 15
      to.fraction[i + 8] = top & 15
      low >>>= 4
      top >>>= 4
    }
    to.exponent = Math.max(biased, 1) - 1075
    if (biased !== 0) return
    const up = 52 - topBit(to.fraction)
    moveUp(to.fraction, up, to.fraction)
    to.exponent -= up
  }

  /** The float64 nearest to `digits × 2^exponent`, half to even. */
  #rounded(negative: boolean, exponent: number, digits: Uint8Array): number {
    const top = topBit(digits)
    // The last place that a float64 of this size has: 53 bits, fewer where it is subnormal.
    const last = Math.max(top - 52, -1074 - exponent)
    const kept = this.#moved
    const [half, below] = last > 0 ? [bitAt(digits, last - 1), anyBelow(digits, last - 1)] : [0, false]
    if (last >= 0) moveDown(digits, last, kept)
    else moveUp(digits, -last, kept)
    if (half === 1 && (below || (kept[0]! & 1) === 1)) {
      this.#rest.fill(0)
      this.#cells.add(kept, ZERO, 1, kept, FRACTION)
    }
    return joined(negative, exponent + last, kept)
  }
}

const ZERO = new Uint8Array(WIDE)
const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0)
const infinity = (negative: boolean): number => (negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
const zero = (negative: boolean): number => (negative ? -0 : 0)

function sumOfSpecial(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
  if (Number.isFinite(a)) return b
  return Number.isFinite(b) || a === b ? a : Number.NaN
}

const bitAt = (digits: Uint8Array, bit: number): number => ((digits[bit >> 2] ?? 0) >> (bit & 3)) & 1

/** The highest bit that is set, −1 for none. */
function topBit(digits: Uint8Array): number {
  for (let i = digits.length - 1; i >= 0; i--) if (digits[i] !== 0) return 4 * i + 31 - Math.clz32(digits[i]!)
  return -1
}

/** Is a bit below this one set? */
function anyBelow(digits: Uint8Array, bit: number): boolean {
  const whole = Math.min(bit >> 2, digits.length)
  for (let i = 0; i < whole; i++) if (digits[i] !== 0) return true
  return whole < digits.length && (digits[whole]! & ((1 << (bit & 3)) - 1)) !== 0
}

/** `to = from × 2^bits`; `to` may be `from`. */
function moveUp(from: Uint8Array, bits: number, to: Uint8Array): void {
  const [places, within] = [bits >> 2, bits & 3]
  for (let i = to.length - 1; i >= 0; i--) {
    const high = from[i - places] ?? 0
    const low = from[i - places - 1] ?? 0
    to[i] = ((high << within) | (low >> (4 - within))) & 15
  }
}

/** `to = ⌊from / 2^bits⌋`; gives whether anything was lost. */
function moveDown(from: Uint8Array, bits: number, to: Uint8Array): boolean {
  const lost = anyBelow(from, bits)
  const [places, within] = [bits >> 2, bits & 3]
  for (let i = 0; i < to.length; i++) {
    const low = from[i + places] ?? 0
    const high = from[i + places + 1] ?? 0
    to[i] = ((low >> within) | (high << (4 - within))) & 15
  }
  return lost
}

/** A number from its parts: `digits × 2^exponent`, where the digits are at most 2^53 and the exponent at least −1074. */
function joined(negative: boolean, exponent: number, digits: Uint8Array): number {
  let [low, high] = [0, 0]
  for (let i = 7; i >= 0; i--) {
    low = ((low << 4) | digits[i]!) >>> 0
    high = (high << 4) | digits[i + 8]!
  }
  // A carry out of the leading 1 makes 2^53: an even number, halved without loss.
  const carried = high >>> 21 === 1
  const fraction = carried ? 0x100000 : high
  const biased = fraction >>> 20 === 1 ? exponent + 1075 + (carried ? 1 : 0) : 0
  if (biased >= 0x7ff) return infinity(negative)
  BITS.setUint32(0, ((negative ? 0x80000000 : 0) | (biased << 20) | (fraction & 0xfffff)) >>> 0)
  BITS.setUint32(4, low)
  return BITS.getFloat64(0)
}
