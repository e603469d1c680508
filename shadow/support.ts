/**
 * Support: the region that a call log covers, as states of the digits of its inputs. An input is inside when every digit
 * has a state that was seen, and every two digits that are looked at together have two states that were seen together.
 * Outside of it nothing is known of a model, however sure it is, and the door is closed.
 */
import type { Digit } from "./encode.ts"

/** What a support is made from: a pair of digits and which of their states were seen together. */
interface Pair {
  readonly a: number
  readonly b: number
  /** Number of bits before this pair's table; state s of a and t of b is bit `at + s × states(b) + t`. */
  readonly at: number
}

/**
 * At most this share of further inputs from the same source is expected to fall outside because of pairs: those that say
 * most at least cost are taken first. What singles cost is not bounded: a state that was never seen is never accepted.
 */
export const MISSING_MAX = 0.01
const PAIRS_MAX = 4_096

/** A support as it is kept: plain numbers and bytes. */
export interface SupportData {
  readonly states: readonly number[]
  readonly pairs: readonly (readonly [number, number])[]
  /** One bit for each state of each digit, then for each two states of each pair; first bit lowest. */
  readonly seen: Uint8Array
  /** Inputs that it was made from. */
  readonly inputs: number
}

export class Support {
  readonly data: SupportData
  readonly #states: readonly number[]
  readonly #pairs: readonly Pair[]

  private constructor(data: SupportData, pairs: readonly Pair[]) {
    this.data = data
    this.#states = data.states
    this.#pairs = pairs
  }

  /** Of `count` inputs, the states of their digits row after row. */
  static of(digits: readonly Pick<Digit, "states">[], rows: Uint16Array, count: number): Support {
    const states = digits.map((d) => d.states)
    const taken = pairsOf(states, rows, count)
    const { pairs, bits } = laidOut(states, taken)
    const seen = new Uint8Array((bits + 7) >> 3)
    const support = new Support({ states, pairs: taken, seen, inputs: count }, pairs)
    for (let r = 0; r < count; r++) support.#each(rows, r * states.length, (bit) => mark(seen, bit))
    return support
  }

  /** From what was kept; undefined where that is no support for these digits. */
  static open(data: SupportData, digits: readonly Pick<Digit, "states">[]): Support | undefined {
    const n = digits.length
    if (data.states.length !== n || data.states.some((s, d) => s !== digits[d]!.states)) return undefined
    if (data.pairs.some(([a, b]) => !(Number.isInteger(a) && Number.isInteger(b) && a >= 0 && a < b && b < n)))
      return undefined
    const { pairs, bits } = laidOut(data.states, data.pairs)
    return data.seen.length === (bits + 7) >> 3 ? new Support(data, pairs) : undefined
  }

  /** Is the input with these states inside? */
  covers(row: Uint16Array, at = 0): boolean {
    const states = this.#states
    const { seen } = this.data
    let first = 0
    for (let d = 0; d < states.length; d++) {
      const s = row[at + d]!
      if (s >= states[d]! || !isMarked(seen, first + s)) return false
      first += states[d]!
    }
    for (const { a, b, at: from } of this.#pairs) {
      if (!isMarked(seen, from + row[at + a]! * states[b]! + row[at + b]!)) return false
    }
    return true
  }

  #each(row: Uint16Array, at: number, visit: (bit: number) => void): void {
    const states = this.#states
    let first = 0
    for (let d = 0; d < states.length; d++) {
      visit(first + row[at + d]!)
      first += states[d]!
    }
    for (const { a, b, at: from } of this.#pairs) visit(from + row[at + a]! * states[b]! + row[at + b]!)
  }
}

const mark = (bits: Uint8Array, i: number): void => {
  bits[i >> 3]! |= 1 << (i & 7)
}
const isMarked = (bits: Uint8Array, i: number): boolean => ((bits[i >> 3]! >> (i & 7)) & 1) === 1

function laidOut(
  states: readonly number[],
  taken: readonly (readonly [number, number])[],
): { readonly pairs: readonly Pair[]; readonly bits: number } {
  let bits = 0
  for (const s of states) bits += s
  const pairs = taken.map(([a, b]): Pair => {
    const at = bits
    bits += states[a]! * states[b]!
    return { a, b, at }
  })
  return { pairs, bits }
}

/**
 * The pairs that are looked at. How much of the source a pair's table misses is estimated by the share of inputs whose two
 * states were seen together only once (Good, The population frequencies of species, Biometrika 40, 1953); pairs are taken
 * from the least of that on, until together they would miss more than {@link MISSING_MAX}.
 */
function pairsOf(states: readonly number[], rows: Uint16Array, count: number): readonly (readonly [number, number])[] {
  const n = states.length
  const found: { readonly pair: readonly [number, number]; readonly once: number }[] = []
  for (let a = 0; a < n; a++) {
    for (let b = a + 1; b < n && found.length < PAIRS_MAX; b++) {
      if (states[a]! < 2 || states[b]! < 2) continue
      found.push({ pair: [a, b], once: onceSeen(a, b, states[a]! * states[b]!, states, rows, count) })
    }
  }
  found.sort((x, y) => x.once - y.once)
  const taken: (readonly [number, number])[] = []
  let missing = 0
  for (const { pair, once } of found) {
    missing += once
    if (missing > MISSING_MAX * count) break
    taken.push(pair)
  }
  return taken.sort(([a, b], [c, d]) => a - c || b - d)
}

/** How many combinations of the states of two digits were seen exactly once. */
function onceSeen(
  a: number,
  b: number,
  size: number,
  states: readonly number[],
  rows: Uint16Array,
  count: number,
): number {
  const seen = new Uint8Array(size)
  const n = states.length
  for (let r = 0; r < count; r++) {
    const i = rows[r * n + a]! * states[b]! + rows[r * n + b]!
    if (seen[i]! < 2) seen[i]!++
  }
  let once = 0
  for (const times of seen) if (times === 1) once++
  return once
}
