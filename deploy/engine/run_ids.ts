/** Ids of runs: unique, and in the order in which the runs began. */
import { type Chance, type Clock, encode, sha256 } from "../../graph/mod.ts"

/** Crockford's base 32, as ULIDs are written: a time in 10 digits, then what makes it unique. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

/**
 * Ids of runs: 26 characters that sort by time. After the time stand a count of this engine's runs and 50 bits that are
 * the engine's own, drawn once. Source: the ULID specification (github.com/ulid/spec).
 */
export class RunIds {
  readonly #clock: Clock
  readonly #own: string
  #count = 0
  #ms = -1
  /** The time's digits and the first four of the count's; the last two are looked up. */
  #head = ""

  constructor(clock: Clock, chance: Chance) {
    this.#clock = clock
    this.#own = [...chance.bytes(10)].map((b) => DIGITS[b % 32]!).join("")
  }

  /** @param ms The clock, where it was just read. */
  next(ms: number = this.#clock.now()): string {
    const low = this.#count % PAIRS.length
    if (ms !== this.#ms || low === 0) {
      this.#ms = ms
      this.#head = digits(ms, 10) + digits(Math.floor(this.#count / PAIRS.length), 4)
    }
    this.#count++
    return this.#head + PAIRS[low]! + this.#own
  }
}

/**
 * An id that follows from words: the same for the same, on every host. With a moment, it sorts by that as the others do, and the rest
 * of it is the same at every moment.
 */
export function derivedId(words: readonly string[], ms?: number): string {
  const own = [...sha256(encode(words))].map((b) => DIGITS[b % 32]!).join("")
  return ms === undefined ? own.slice(0, 26) : digits(ms, 10) + own.slice(0, 16)
}

function digits(x: number, width: number): string {
  let out = ""
  let n = x
  for (let i = 0; i < width; i++) {
    out = DIGITS[n % 32]! + out
    n = Math.floor(n / 32)
  }
  return out
}
const PAIRS: readonly string[] = Array.from({ length: 1024 }, (_, i) => digits(i, 2))
