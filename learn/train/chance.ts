/**
 * Chance for training: xoshiro128** (Blackman and Vigna, 2018), whole numbers alone, so that a seed means the same
 * weights and the same order of examples on every host.
 */

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

export class SeededChance {
  #a: number
  #b: number
  #c: number
  #d: number

  private constructor(a: number, b: number, c: number, d: number) {
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
  }

  /** Spreads a seed over the state (splitmix32). */
  static of(seed: number): SeededChance {
    let x = seed | 0
    const next = () => {
      x = (x + 0x9e3779b9) | 0
      let z = x
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      return z ^ (z >>> 16)
    }
    return new SeededChance(next(), next(), next(), next())
  }

  /** 32 bits, as a whole number from 0. */
  bits(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9)
    const t = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= t
    this.#d = rotate(this.#d, 11)
    return result >>> 0
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.bits() / 2 ** 32
  }

  /** A whole number from 0 to below n, for n up to 2^32: the high half of a product, biased by less than n ÷ 2^32. */
  below(n: number): number {
    return Math.floor((this.bits() * n) / 2 ** 32)
  }

  /** Every order as likely as any other (Fisher and Yates). */
  shuffle(list: Uint32Array): void {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const at = list[i]!
      list[i] = list[j]!
      list[j] = at
    }
  }
}
