/**
 * The round trips that the encodings promise, as counts of what came back otherwise: every 16-bit whole number, and
 * random float64. `npm run encodings` runs them in full, the tests a part.
 */

import { sameValue, T, type Value } from "../../graph/mod.ts"
import { Random } from "../../graph/random.sample.ts"
import { encodingOf, outputOf } from "../../shadow/mod.ts"
import { must, roundTrip } from "./trip.ts"

/** 16-bit whole numbers that do not come back, by every way that can hold them. */
export function everyInteger16(): readonly string[] {
  const wrong: string[] = []
  const ways = [
    { from: 0, to: 65_535, of: (n: number): Value => n, type: T.number },
    { from: -32_768, to: 32_767, of: (n: number): Value => n, type: T.number },
    { from: 0, to: 65_535, of: (n: number): Value => BigInt(n), type: T.int64 },
    { from: -32_768, to: 32_767, of: (n: number): Value => BigInt(n), type: T.int64 },
  ]
  for (const { from, to, of, type } of ways) {
    const notes = { integer: true, min: from, max: to }
    const encoding = must(encodingOf(type, notes))
    const output = must(outputOf(type, notes))
    for (let n = from; n <= to; n++) {
      if (roundTrip(encoding, of(n)) !== undefined) wrong.push(`${n} as an input`)
      if (roundTrip(output, of(n)) !== undefined) wrong.push(`${n} as an output`)
    }
  }
  return wrong
}

/** Float64s that do not come back: corners, then so many of random bits, a third of them subnormal or rounded to 32 bits. */
export function randomFloats(n: number, seed: number): readonly string[] {
  const r = new Random(seed)
  const encoding = must(encodingOf(T.number))
  const output = must(outputOf(T.number))
  const wrong: string[] = []
  const corners = [
    0,
    -0,
    5e-324,
    -5e-324,
    2 ** -1022,
    2 ** -1022 - 5e-324,
    1 - 2 ** -53,
    1 + 2 ** -52,
    Number.MAX_VALUE,
  ].concat([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -Number.MAX_VALUE, 2 ** 53, 0.1])
  const bits = new DataView(new ArrayBuffer(8))
  for (let i = 0; i < n + corners.length; i++) {
    let value = corners[i]
    if (value === undefined) {
      bits.setUint32(0, r.u32())
      bits.setUint32(4, r.u32())
      if (i % 6 === 1) bits.setUint32(0, bits.getUint32(0) & 0x800fffff)
      value = bits.getFloat64(0)
      if (i % 6 === 3) value = Math.fround(value)
    }
    const states = new Uint16Array(encoding.digits.length)
    must(encoding.states(value, states, 0) ?? null)
    if (!sameValue(must(encoding.fromStates(states, 0)), value)) wrong.push(`${value} by states`)
    // Features and logits are the same digits: looked at on a part, for they cost more.
    if (i % 8 === 0 && (roundTrip(encoding, value) ?? roundTrip(output, value)) !== undefined) wrong.push(`${value}`)
  }
  return wrong
}
