/**
 * Runs that were nothing but their beginning and their end, as numbers, texts and bytes in a few arrays: most runs of a host
 * whose ledger is in memory are such, and where each left objects behind, sweeping these cost more than the run. Their
 * entries are made anew when somebody asks: the same to the byte.
 */
import type { Digest } from "../../graph/mod.ts"
import { type Admitted, type EndRow, type Row, type StartRow, shortRun } from "../../kernel/mod.ts"

/** A run whose input and outcome take more together is kept as it is. */
const DATA_MAX = 1_024
/** Numbers of a run: when it began, in the order of all; the clock at its start and end; where its input and its outcome end. */
const FIELDS = 5
/** Room for so many at first: a host may have thousands of tenants with a run each. */
const FIRST_RUNS = 8

export class ShortRuns {
  #size = 0
  #gone = 0
  readonly #runs: (string | undefined)[] = []
  readonly #admitted: Admitted[] = []
  readonly #digests: Digest[] = []
  readonly #messages: (string | null)[] = []
  #numbers = new Float64Array(0)
  #bytes = new Uint8Array(0)
  #end = 0
  /** Places by run, of as many as somebody has looked among. */
  readonly #places = new Map<string, number>()
  #placed = 0

  get size(): number {
    return this.#size - this.#gone
  }

  /** Keeps a run; false where it is too large for that. `began`: its number in the order of all. */
  put(start: StartRow, end: EndRow, began: number): boolean {
    const input = start.data
    const outcome = end.data
    if (input.length + outcome.length > DATA_MAX) return false
    const i = this.#size++
    this.#runs[i] = end.run
    this.#admitted[i] = end.admitted
    this.#digests[i] = end.digest
    this.#messages[i] = end.message
    this.#reserve(i, input.length + outcome.length)
    const numbers = this.#numbers
    const at = i * FIELDS
    numbers[at] = began
    numbers[at + 1] = start.at
    numbers[at + 2] = end.at
    numbers[at + 3] = this.#copy(input)
    numbers[at + 4] = this.#copy(outcome)
    return true
  }

  #reserve(i: number, bytes: number): void {
    if (i * FIELDS === this.#numbers.length) {
      const more = new Float64Array(Math.max(FIRST_RUNS * FIELDS, this.#numbers.length * 2))
      more.set(this.#numbers)
      this.#numbers = more
    }
    if (this.#end + bytes > this.#bytes.length) {
      const more = new Uint8Array(Math.max(FIRST_RUNS * 32, this.#bytes.length * 2, this.#end + bytes))
      more.set(this.#bytes)
      this.#bytes = more
    }
  }

  /** Where the copy ends. */
  #copy(data: Uint8Array): number {
    const to = this.#bytes
    let at = this.#end
    // A few bytes are there sooner by themselves than by a call.
    if (data.length > 64) {
      to.set(data, at)
      at += data.length
    } else for (let i = 0; i < data.length; i++) to[at++] = data[i]!
    return (this.#end = at)
  }

  /** The place of a run. */
  find(run: string): number | undefined {
    for (; this.#placed < this.#size; this.#placed++) {
      const known = this.#runs[this.#placed]
      if (known !== undefined) this.#places.set(known, this.#placed)
    }
    return this.#places.get(run)
  }

  /** Places of all that are here. */
  places(): readonly number[] {
    return Array.from({ length: this.#size }, (_, i) => i).filter((i) => this.#runs[i] !== undefined)
  }

  runAt(place: number): string {
    return this.#runs[place]!
  }
  began(place: number): number {
    return this.#numbers[place * FIELDS]!
  }

  /** Its two entries. */
  rows(place: number, space: string): readonly [Row, Row] {
    const at = place * FIELDS
    const [, began, ended, input, outcome] = this.#numbers.subarray(at, at + FIELDS) as unknown as readonly number[]
    const from = place === 0 ? 0 : this.#numbers[at - 1]!
    return shortRun(this.#admitted[place]!, {
      space,
      run: this.#runs[place]!,
      digest: this.#digests[place]!,
      at: [began!, ended!],
      input: this.#bytes.slice(from, input),
      outcome: this.#bytes.slice(input, outcome),
      message: this.#messages[place]!,
    })
  }

  /** A run is kept elsewhere from here on, where it was here. */
  remove(run: string): void {
    const place = this.find(run)
    if (place === undefined) return
    this.#places.delete(run)
    this.#runs[place] = undefined
    this.#gone++
  }

  /** Forgets all, and keeps the room. */
  clear(): void {
    this.#size = 0
    this.#gone = 0
    this.#end = 0
    this.#placed = 0
    this.#places.clear()
    for (const list of [this.#runs, this.#admitted, this.#digests, this.#messages]) list.length = 0
  }
}
