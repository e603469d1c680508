/**
 * Seeded randomness for the tests of this room: values, types, values of a type. The same seed gives the same run
 * everywhere, and a failing case is named by its seed.
 */
import type { DType, Field, Type } from "./type.ts"
import { T } from "./type.ts"
import { DTYPE_BYTES, Tensor, type Value } from "./value.ts"

/** Marsaglia's xorshift on 32 bits: small, fast, and the same on every engine. */
export class Random {
  private state: number
  constructor(seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1
  }
  u32(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x | 0
    return x >>> 0
  }
  /** A whole number from 0 to n − 1. */
  below(n: number): number {
    return this.u32() % n
  }
  chance(share: number): boolean {
    return this.u32() < share * 0x100000000
  }
  pick<A>(items: readonly A[]): A {
    return items[this.below(items.length)]!
  }
  times<A>(most: number, make: (i: number) => A): A[] {
    return Array.from({ length: this.below(most + 1) }, (_, i) => make(i))
  }
  bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.u32())
  }
}

const NUMBERS = [0, -0, 1, -1, 31, 32, 127, 128, -32, -33, -128, -129, 255, 256, 65535, 65536, -32768, -32769, 0.5, 0.1]
  .concat([2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53, -(2 ** 53)])
  .concat([1e21, 1e300, 5e-324, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
const INT64S = [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]
const LETTERS = ["a", "b", "Z", "_", "0", " ", "é", "漢", "\u{e000}", "\u{ffff}", "🐘", "𝄞", "\n", '"', "\\", "\0"]
export const WORDS = ["EUR", "USD", "GBP", "card", "cash", "x-y", "", "true", "A B"]
const DTYPES = Object.keys(DTYPE_BYTES) as DType[]

export const randomNumber = (r: Random): number =>
  r.chance(0.5) ? r.pick(NUMBERS) : r.chance(0.5) ? r.below(200) - 100 : new Float64Array(r.bytes(8).buffer)[0]!
export const randomText = (r: Random): string => r.times(r.chance(0.05) ? 90 : 6, () => r.pick(LETTERS)).join("")

export function randomTensor(r: Random): Tensor {
  const dtype = r.pick(DTYPES)
  const shape = r.times(3, () => r.below(4))
  return new Tensor(dtype, shape, r.bytes(shape.reduce((n, d) => n * d, 1) * DTYPE_BYTES[dtype]))
}

/** Any value: every kind, awkward numbers, keys of every plane of Unicode. */
export function randomValue(r: Random, depth = 4): Value {
  switch (r.below(depth > 0 ? 11 : 8)) {
    case 0:
      return r.pick([null, true, false])
    case 1:
    case 2:
      return randomNumber(r)
    case 3:
      return r.pick(INT64S)
    case 4:
    case 5:
      return randomText(r)
    case 6:
      return r.bytes(r.below(r.chance(0.05) ? 300 : 8))
    case 7:
      return randomTensor(r)
    case 8:
      return r.times(r.chance(0.05) ? 20 : 4, () => randomValue(r, depth - 1))
    default:
      return Object.fromEntries(r.times(r.chance(0.05) ? 20 : 4, () => [randomText(r), randomValue(r, depth - 1)]))
  }
}

const NAMES = ["a", "b", "name", "weight_kg", "x-y", "if", "in", "toString", "constructor", "length", "é"]

export function randomField(r: Random, depth: number): Field {
  const type = randomType(r, depth)
  if (r.chance(0.25)) return { type, optional: true }
  const value = r.chance(0.15) ? valueOfType(r, type) : undefined
  return value === undefined ? { type } : { type, default: value }
}

/** Any type that a value can have at a port (no stream, no never). */
export function randomType(r: Random, depth = 3): Type {
  const scalars: readonly Type[] = [T.null, T.boolean, T.number, T.int64, T.string, T.bytes, T.unknown]
  switch (r.below(depth > 0 ? 9 : 5)) {
    case 0:
    case 1:
    case 2:
      return r.pick(scalars)
    case 3:
      return T.enum(...new Set([r.pick(WORDS), ...r.times(3, () => r.pick(WORDS))]))
    case 4:
      return T.tensor(r.pick(DTYPES), r.chance(0.3) ? null : r.times(3, () => (r.chance(0.3) ? null : r.below(4))))
    case 5:
      return T.list(randomType(r, depth - 1))
    case 6:
      return T.map(randomType(r, depth - 1))
    case 7:
      return T.union(randomType(r, depth - 1), randomType(r, depth - 1))
    default:
      return {
        kind: "record",
        fields: Object.fromEntries(r.times(4, () => [r.pick(NAMES), randomField(r, depth - 1)])),
      }
  }
}

/** A value that a port of the type holds; undefined for a type that has none. */
export function valueOfType(r: Random, t: Type): Value | undefined {
  switch (t.kind) {
    case "null":
      return null
    case "boolean":
      return r.chance(0.5)
    case "number":
      return randomNumber(r)
    case "int64":
      return r.chance(0.5) ? r.pick(INT64S) : BigInt(r.below(100) - 50)
    case "string":
      return randomText(r)
    case "bytes":
      return r.bytes(r.below(6))
    case "enum":
      return r.pick(t.values)
    case "tensor": {
      const shape = (t.shape ?? [2]).map((n) => n ?? r.below(3))
      return new Tensor(t.dtype, shape, r.bytes(shape.reduce((n, d) => n * d, 1) * DTYPE_BYTES[t.dtype]))
    }
    case "list":
      return some(r.times(4, () => valueOfType(r, t.of)))
    case "map": {
      const values = some(r.times(4, () => valueOfType(r, t.of)))
      return values && Object.fromEntries(values.map((v) => [randomText(r), v]))
    }
    case "record": {
      const out: { [name: string]: Value } = {}
      for (const [name, f] of Object.entries(t.fields)) {
        if (f.optional && r.chance(0.5)) continue
        const v = valueOfType(r, f.type)
        if (v !== undefined) out[name] = v
        else if (!f.optional) return undefined
      }
      return out
    }
    case "union":
      return valueOfType(r, r.pick(t.of))
    case "unknown":
      return randomValue(r, 2)
    default:
      return undefined
  }
}

const some = (values: readonly (Value | undefined)[]): Value[] | undefined =>
  values.includes(undefined) ? undefined : (values as Value[])
