/**
 * Numbers as split digits: nibbles of 16 states, the low one first, so that the digit where a carry begins is always
 * the same feature. Whole numbers and fixed decimals have as many as their bounds need; any float64 has its own bits.
 */
import type { Value } from "../../graph/mod.ts"
import { Miss, type Part, type Shape, some, thermometer, useAll } from "./part.ts"
import type { PartSpec } from "./spec.ts"

const BASE = 16

/** Digits of the whole numbers from 0 to `most`; the highest has only the states that it needs. */
export function nibbles(most: number | bigint): readonly Shape[] {
  const out: Shape[] = []
  let left = BigInt(most)
  while (left > 0n) {
    out.push(thermometer(left < 16n ? Number(left) + 1 : BASE))
    left >>= 4n
  }
  return out
}

/** Writes a whole number from 0 to 2^53 − 1 as `n` nibbles. */
export function writeNibbles(value: number, states: Uint16Array, at: number, n: number): void {
  // Eight at a time as 32-bit words: the remainder of a float64 costs many times as much.
  let low = value >>> 0
  const end = Math.min(n, 8)
  for (let i = 0; i < end; i++, low >>>= 4) states[at + i] = low & 15
  if (n > 8) writeNibbles((value - (value >>> 0)) / 2 ** 32, states, at + 8, n - 8)
}

/** The whole number of `n` nibbles; exact where it is at most 2^53 − 1, and above that where it is above. */
export function readNibbles(states: Uint16Array, at: number, n: number): number {
  let value = 0
  for (let i = n - 1; i >= 0; i--) value = value * BASE + states[at + i]!
  return value
}

const FRACTION_LOW = 8
const FRACTION = 13
const SIGN = FRACTION
const EXPONENT = SIGN + 1
const FLOAT_DIGITS: readonly Shape[] = [
  ...Array.from({ length: FRACTION }, () => thermometer(BASE)),
  thermometer(2),
  thermometer(BASE),
  thermometer(BASE),
  thermometer(8),
]
const BITS = new DataView(new ArrayBuffer(8))

/** Every float64: −0, subnormals, infinities, and NaN, which is one value (the quiet one without a payload). */
export const float64: Part = {
  digits: FLOAT_DIGITS,
  write(value, states, at) {
    if (typeof value !== "number") return new Miss("a number", value)
    BITS.setFloat64(0, value)
    const nan = Number.isNaN(value)
    const high = nan ? 0x7ff80000 : BITS.getUint32(0)
    const low = nan ? 0 : BITS.getUint32(4)
    for (let i = 0; i < FRACTION_LOW; i++) states[at + i] = (low >>> (4 * i)) & 15
    for (let i = FRACTION_LOW; i < FRACTION; i++) states[at + i] = (high >>> (4 * (i - FRACTION_LOW))) & 15
    states[at + SIGN] = high >>> 31
    states[at + EXPONENT] = (high >>> 20) & 15
    states[at + EXPONENT + 1] = (high >>> 24) & 15
    states[at + EXPONENT + 2] = (high >>> 28) & 7
    return undefined
  },
  read(states, at, used) {
    useAll(used, at, FLOAT_DIGITS.length)
    let low = 0
    let high = 0
    for (let i = 0; i < FRACTION_LOW; i++) low |= states[at + i]! << (4 * i)
    for (let i = FRACTION_LOW; i < FRACTION; i++) high |= states[at + i]! << (4 * (i - FRACTION_LOW))
    high |= states[at + SIGN]! << 31
    high |= states[at + EXPONENT]! << 20
    high |= states[at + EXPONENT + 1]! << 24
    high |= states[at + EXPONENT + 2]! << 28
    BITS.setUint32(0, high >>> 0)
    BITS.setUint32(4, low >>> 0)
    const value = BITS.getFloat64(0)
    return Number.isNaN(value) ? Number.NaN : value
  },
}

/** Powers of ten that are float64 exactly. */
const TENS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15]

/** How many units of the last decimal place a number is; undefined where it is no such number. */
export function unitsOf(value: number, decimals: number): number | undefined {
  if (decimals === 0) return Number.isSafeInteger(value) ? value : undefined
  const units = Math.round(value * TENS[decimals]!)
  return Math.abs(units) < 2 ** 51 && Object.is(units / TENS[decimals]!, value) ? units : undefined
}

/** Whole numbers and decimals: nibbles of the magnitude, then the sign where there is one. With a sign, −0 is a value. */
export function integer(spec: Extract<PartSpec, { as: "integer" }>): Part {
  return spec.of === "int64" ? int64(spec) : decimal(spec)
}

const magnitude = (min: bigint, max: bigint): bigint => (-min > max ? -min : max)

function decimal(spec: Extract<PartSpec, { as: "integer" }>): Part {
  const { decimals } = spec
  const min = Number(spec.min)
  const max = Number(spec.max)
  const scale = TENS[decimals]!
  const signed = min < 0
  const shapes = nibbles(magnitude(BigInt(spec.min), BigInt(spec.max)))
  const n = shapes.length
  const digits = signed ? [...shapes, thermometer(2)] : shapes
  const want = `${decimals === 0 ? "a whole number" : `a number with ${decimals} decimals`} from ${min / scale} to ${max / scale}`
  const inside = (units: number): boolean => units >= min && units <= max && (signed || !Object.is(units, -0))
  return {
    digits,
    write(value, states, at) {
      const units = typeof value === "number" ? unitsOf(value, decimals) : undefined
      if (units === undefined || !inside(units)) return new Miss(want, value)
      const negative = units < 0 || Object.is(units, -0)
      writeNibbles(negative ? -units : units, states, at, n)
      if (signed) states[at + n] = negative ? 1 : 0
      return undefined
    },
    read(states, at, used) {
      useAll(used, at, digits.length)
      const size = readNibbles(states, at, n)
      const units = signed && states[at + n] === 1 ? -size : size
      return inside(units) ? units / scale : new Miss(want, units / scale)
    },
  }
}

function int64(spec: Extract<PartSpec, { as: "integer" }>): Part {
  const min = BigInt(spec.min)
  const max = BigInt(spec.max)
  const signed = min < 0n
  const shapes = nibbles(magnitude(min, max))
  const n = shapes.length
  const low = Math.min(n, 8)
  const digits = signed ? [...shapes, thermometer(2)] : shapes
  const want = `an int64 from ${min} to ${max}`
  return {
    digits,
    write(value: Value, states: Uint16Array, at: number) {
      if (typeof value !== "bigint" || value < min || value > max) return new Miss(want, value)
      const size = value < 0n ? -value : value
      writeNibbles(Number(size & 0xffffffffn), states, at, low)
      writeNibbles(Number(size >> 32n), states, at + low, n - low)
      if (signed) states[at + n] = value < 0n ? 1 : 0
      return undefined
    },
    read(states: Uint16Array, at: number, used: Uint8Array | undefined) {
      useAll(used, at, digits.length)
      const size = BigInt(readNibbles(states, at, low)) + (BigInt(readNibbles(states, at + low, n - low)) << 32n)
      const value = signed && states[at + n] === 1 ? -size : size
      return value >= min && value <= max ? value : new Miss(want, value)
    },
  }
}

/** A number of things from `min` to `max`, as one thermometer: a length. */
export function count(min: number, max: number): Part & { readonly get: (states: Uint16Array, at: number) => number } {
  const digits = some(thermometer(max - min + 1))
  const get = (states: Uint16Array, at: number): number => (digits.length === 0 ? min : min + states[at]!)
  return {
    digits,
    get,
    write(value, states, at) {
      const n = Number(value)
      if (n < min || n > max) return new Miss(min === max ? `${min}` : `${min} to ${max}`, value)
      if (digits.length > 0) states[at] = n - min
      return undefined
    },
    read(states, at, used) {
      useAll(used, at, digits.length)
      return get(states, at)
    },
  }
}
