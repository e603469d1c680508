/**
 * Whole numbers of any length, added, subtracted, multiplied and divided by two cells alone: one adds two nibbles and a
 * carry, one multiplies two nibbles. The way of carries, places and signs is wired here, by hand; what a cell answers is
 * learned, and known for every input it can have (`cell.ts`).
 */

/** A number as nibbles, the low one first. */
export type Nibbles = Uint8Array

/** All that the two cells can answer. */
export interface Tables {
  /** `add[a + 16 b + 256 carry]` is the sum's nibble, plus 16 for its carry: 512 entries. */
  readonly add: Uint8Array
  /** `multiply[a + 16 b]` is the product, low nibble + 16 high nibble: 256 entries. */
  readonly multiply: Uint8Array
}

export class Arithmetic {
  readonly #add: Uint8Array
  readonly #multiply: Uint8Array
  constructor({ add, multiply }: Tables) {
    this.#add = add
    this.#multiply = multiply
  }

  /** `out = a + b + carry` over n nibbles; gives the carry out. `out` may be `a` or `b`. */
  add(a: Nibbles, b: Nibbles, carry: number, out: Nibbles, n: number): number {
    const cell = this.#add
    let c = carry
    for (let i = 0; i < n; i++) {
      const answer = cell[a[i]! | (b[i]! << 4) | (c << 8)]!
      out[i] = answer & 15
      c = answer >> 4
    }
    return c
  }

  /** `out = a − b` over n nibbles, as `a + (15 − b) + 1`; gives 1 where b was not greater, 0 where it was and `out` is the complement. */
  subtract(a: Nibbles, b: Nibbles, out: Nibbles, n: number): number {
    const cell = this.#add
    let c = 1
    for (let i = 0; i < n; i++) {
      const answer = cell[a[i]! | ((b[i]! ^ 15) << 4) | (c << 8)]!
      out[i] = answer & 15
      c = answer >> 4
    }
    return c
  }

  /** `out = a × b`, n by m nibbles into n + m, as on paper. `out` must be another array. */
  multiply(a: Nibbles, n: number, b: Nibbles, m: number, out: Nibbles): void {
    const [cell, product] = [this.#add, this.#multiply]
    out.fill(0, 0, n + m)
    for (let i = 0; i < n; i++) {
      const x = a[i]!
      let carry = 0
      for (let j = 0; j < m; j++) {
        const p = product[x | (b[j]! << 4)]!
        const first = cell[(p & 15) | (out[i + j]! << 4)]!
        const second = cell[(first & 15) | (carry << 4)]!
        out[i + j] = second & 15
        // The high nibble and both carries: at most 15, for 15 × 15 + 15 + 15 is 255.
        const high = cell[(p >> 4) | ((first >> 4) << 8)]!
        carry = cell[(high & 15) | ((second >> 4) << 8)]! & 15
      }
      out[i + m] = carry
    }
  }

  /**
   * `quotient = ⌊a / b⌋` and `rest = a − quotient × b`, n nibbles by m, bit by bit from the highest, as on paper: the rest
   * is doubled by adding it to itself, and what was left of subtracting b stays where it did not go below 0. `rest` has
   * m + 1 nibbles and room for them. b must not be 0.
   */
  divide(a: Nibbles, n: number, b: Nibbles, m: number, quotient: Nibbles, rest: Nibbles): void {
    const wide = this.#divisor
    wide.set(b.subarray(0, m))
    wide[m] = 0
    const less = this.#less
    quotient.fill(0, 0, n)
    rest.fill(0, 0, m + 1)
    for (let bit = 4 * n - 1; bit >= 0; bit--) {
      this.add(rest, rest, (a[bit >> 2]! >> (bit & 3)) & 1, rest, m + 1)
      if (this.subtract(rest, wide, less, m + 1) === 0) continue
      for (let i = 0; i <= m; i++) rest[i] = less[i]!
      quotient[bit >> 2]! |= 1 << (bit & 3)
    }
  }
  readonly #divisor = new Uint8Array(DIVISOR_NIBBLES + 1)
  readonly #less = new Uint8Array(DIVISOR_NIBBLES + 1)
}

/** The longest divisor. */
export const DIVISOR_NIBBLES = 16

export const isZero = (a: Nibbles, n: number): boolean => {
  for (let i = 0; i < n; i++) if (a[i] !== 0) return false
  return true
}
