// Chance from a seed: every random graph, tool and interleaving of the laws is a function of one number, so that a
// failure is told by its seed alone.

/** A stream of choices. The same seed gives the same choices on every host. */
export class Chance {
  #a: number
  #b: number
  #c: number
  #n = 1

  constructor(seed: string) {
    const [a, b, c] = spread(seed)
    this.#a = a
    this.#b = b
    this.#c = c
    for (let i = 0; i < 12; i++) this.next()
  }

  /** Uniform in [0, 2^32). Source: sfc32 of PractRand, in the public domain. */
  next(): number {
    const t = (this.#a + this.#b + this.#n) | 0
    this.#n = (this.#n + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0
    return t >>> 0
  }

  /** A whole number from 0 up to, but not including, `n`. */
  below(n: number): number {
    return this.next() % n
  }
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }
  /** True in `percent` of a hundred cases. */
  percent(percent: number): boolean {
    return this.below(1000) < percent * 10
  }
  of<A>(list: readonly A[]): A {
    return list[this.below(list.length)]!
  }
  /** One of the words, each as often as its weight says. */
  weighted<K extends string>(weights: { readonly [word in K]: number }): K {
    const entries = Object.entries<number>(weights) as [K, number][]
    let left = this.below(entries.reduce((sum, [, w]) => sum + w, 0))
    for (const [word, weight] of entries) {
      if (left < weight) return word
      left -= weight
    }
    return entries[0]![0]
  }
  shuffled<A>(list: readonly A[]): A[] {
    const out = [...list]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      ;[out[i], out[j]] = [out[j]!, out[i]!]
    }
    return out
  }
  /** Uniform in [0, 1). */
  unit(): number {
    return this.next() / 4294967296
  }
}

/** Three words of a text, by FNV-1a with different starts and a final mix. */
function spread(text: string): [number, number, number] {
  const words = [0x811c9dc5, 0x9dc5811c, 0x1c9dc581]
  for (let i = 0; i < text.length; i++) {
    for (let w = 0; w < 3; w++) words[w] = Math.imul(words[w]! ^ (text.charCodeAt(i) + w * 131), 0x01000193)
  }
  return words.map((w) => {
    let x = Math.imul(w ^ (w >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return (x ^ (x >>> 16)) | 0
  }) as [number, number, number]
}
