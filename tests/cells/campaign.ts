/**
 * Arithmetic by cells against the host's own: int64 against BigInt, float64 against the processor. Operands of all sizes,
 * corners again and again. `npm run cells` runs it in full, the tests a part.
 */
import { Random } from "../../graph/random.sample.ts"
import type { Operation } from "../../shadow/mod.ts"

export const OPERATIONS: readonly Operation[] = ["add", "subtract", "multiply", "divide"]

const INT64_MIN = -(1n << 63n)
const INT64S = [0n, 1n, -1n, 15n, 16n, -16n, INT64_MIN, INT64_MIN + 1n, -INT64_MIN - 1n, 1n << 32n, -(1n << 62n)]

/** An int64 of any number of bits. */
export function randomInt64(r: Random): bigint {
  if (r.chance(0.05)) return r.pick(INT64S)
  const bits = BigInt.asIntN(64, (BigInt(r.u32()) << 32n) | BigInt(r.u32()))
  return bits >> BigInt(r.below(64))
}

/** What int64 has for it: undefined for overflow and a division by 0. */
export function int64Of(operation: Operation, a: bigint, b: bigint): bigint | undefined {
  if (operation === "divide" && b === 0n) return undefined
  const all = { add: a + b, subtract: a - b, multiply: a * b, divide: b === 0n ? 0n : a / b }
  return BigInt.asIntN(64, all[operation]) === all[operation] ? all[operation] : undefined
}

const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.1,
  5e-324,
  -5e-324,
  2 ** -1022,
  2 ** -1022 - 5e-324,
  2 ** 53,
  2 ** 53 - 1,
  1 + 2 ** -52,
].concat([Number.MAX_VALUE, -Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])
const BITS = new DataView(new ArrayBuffer(8))

/** A float64: whole, decimal, near 1, subnormal, a corner, or any bits. */
export function randomFloat(r: Random): number {
  const kind = r.below(8)
  if (kind === 0) return r.pick(FLOATS)
  if (kind === 1) return r.below(2_000) - 1_000
  if (kind === 2) return (r.below(2_000_000) - 1_000_000) / 100
  BITS.setUint32(0, r.u32())
  BITS.setUint32(4, r.u32())
  if (kind === 3) BITS.setUint32(0, BITS.getUint32(0) & 0x800fffff)
  if (kind === 4) BITS.setUint32(0, (BITS.getUint32(0) & 0x807fffff) | 0x3f800000)
  // Few bits set: ties, where half has to go to even.
  if (kind === 5) BITS.setUint32(4, r.chance(0.5) ? 0 : 1 << r.below(32))
  return BITS.getFloat64(0)
}

export function floatOf(operation: Operation, a: number, b: number): number {
  return { add: a + b, subtract: a - b, multiply: a * b, divide: a / b }[operation]
}

interface Compute {
  readonly int64: (operation: Operation, a: bigint, b: bigint) => bigint | undefined
  readonly float64: (operation: Operation, a: number, b: number) => number
}

/** Results that differ from the host's, in words, of `n` pairs for each operation. */
export function differences(
  by: Compute,
  n: number,
  seed: number,
): { readonly int64: string[]; readonly float64: string[] } {
  const r = new Random(seed)
  const found = { int64: [] as string[], float64: [] as string[] }
  for (const operation of OPERATIONS) {
    for (let i = 0; i < n; i++) {
      const [a, b] = [randomInt64(r), randomInt64(r)]
      const [want, got] = [int64Of(operation, a, b), by.int64(operation, a, b)]
      if (want !== got) found.int64.push(`${operation} ${a} ${b}: want ${want}, found ${got}`)
      const [x, y] = [randomFloat(r), randomFloat(r)]
      const [real, ours] = [floatOf(operation, x, y), by.float64(operation, x, y)]
      if (!Object.is(real, ours)) found.float64.push(`${operation} ${x} ${y}: want ${real}, found ${ours}`)
    }
  }
  return found
}
