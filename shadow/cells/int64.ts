/**
 * int64 by cells: exact on all of it, as BigInt's operators are. What overflows, and a division by 0, has no answer.
 * Division drops the fraction, towards 0.
 */
import { type Arithmetic, isZero } from "./arithmetic.ts"

export type Operation = "add" | "subtract" | "multiply" | "divide"

const N = 16
const INT64_MAX = (1n << 63n) - 1n

export class Int64 {
  readonly #cells: Arithmetic
  readonly #a = new Uint8Array(N)
  readonly #b = new Uint8Array(N)
  readonly #out = new Uint8Array(2 * N)
  readonly #rest = new Uint8Array(N + 1)
  constructor(cells: Arithmetic) {
    this.#cells = cells
  }

  /** The result, or undefined where int64 has none. */
  of(operation: Operation, a: bigint, b: bigint): bigint | undefined {
    switch (operation) {
      case "add":
      case "subtract":
        return this.#sum(a, b, operation === "subtract")
      case "multiply":
        return this.#product(a, b)
      case "divide":
        return b === 0n ? undefined : this.#quotient(a, b)
    }
  }

  /** In two's complement, where a carry out of the sign means nothing, and overflow is a sign that neither operand explains. */
  #sum(a: bigint, b: bigint, less: boolean): bigint | undefined {
    const [x, y, out] = [this.#a, this.#b, this.#out]
    write(BigInt.asUintN(64, a), x)
    write(BigInt.asUintN(64, b), y)
    if (less) this.#cells.subtract(x, y, out, N)
    else this.#cells.add(x, y, 0, out, N)
    const signs = (x[N - 1]! >> 3) + 2 * ((y[N - 1]! >> 3) ^ (less ? 1 : 0)) + 4 * (out[N - 1]! >> 3)
    if (signs === 4 || signs === 3) return undefined
    return BigInt.asIntN(64, read(out, N))
  }

  #product(a: bigint, b: bigint): bigint | undefined {
    const out = this.#out
    write(magnitude(a), this.#a)
    write(magnitude(b), this.#b)
    this.#cells.multiply(this.#a, N, this.#b, N, out)
    if (!isZero(out.subarray(N), N)) return undefined
    return signed(read(out, N), a < 0n !== b < 0n)
  }

  #quotient(a: bigint, b: bigint): bigint | undefined {
    write(magnitude(a), this.#a)
    write(magnitude(b), this.#b)
    this.#cells.divide(this.#a, N, this.#b, N, this.#out, this.#rest)
    return signed(read(this.#out, N), a < 0n !== b < 0n)
  }
}

const magnitude = (x: bigint): bigint => (x < 0n ? -x : x)

/** With its sign put back; undefined where int64 does not reach. */
function signed(size: bigint, negative: boolean): bigint | undefined {
  if (size > INT64_MAX + (negative ? 1n : 0n)) return undefined
  return negative ? -size : size
}

function write(value: bigint, to: Uint8Array): void {
  let low = Number(value & 0xffffffffn)
  let high = Number(value >> 32n)
  for (let i = 0; i < 8; i++) {
    to[i] = low & 15
    to[i + 8] = high & 15
    low >>>= 4
    high >>>= 4
  }
}

function read(from: Uint8Array, n: number): bigint {
  let [low, high] = [0, 0]
  for (let i = n - 1; i >= 8; i--) high = high * 16 + from[i]!
  for (let i = 7; i >= 0; i--) low = low * 16 + from[i]!
  return (BigInt(high) << 32n) | BigInt(low)
}
