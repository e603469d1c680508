/**
 * The door of a served shadow over its life. The watch shuts it when the tool answers otherwise than was promised; from then
 * on every call that the tool answers says, at no cost, whether the model would have been right, and when there are enough
 * of these the shadow is calibrated anew on them alone. Where the bound holds again the door opens; else it stays shut and
 * the next block begins.
 *
 * What holds: block m is of a size that is fixed before it begins, holds none but calls that came after the door was shut, and is
 * tested at delta / m(m+1), the strictest threshold first. So with probability 1 − delta over all blocks that this shadow
 * ever has, no door that was opened again lets through more than a share alpha of wrong answers, as long as the calls after a
 * block are drawn like those of the block (exchangeability). Source: as `calibrate.ts`; the shares of delta as the gate's.
 *
 * Who can choose the calls can break that: right ones until the door opens, wrong ones from then on. The watch shuts it
 * after some five of those, and after each opening the next block is twice as long: n calls bring at most about
 * 5 · (1 + log2(n / 1,000)) wrong answers. No door is ever wider than the one that the gate has seen.
 */
import { casesFor } from "../gate/mod.ts"
import { type Doorway, type Promised, Watch, type WatchState, watchOf } from "../shadow/mod.ts"
import { type Calibration, count, loosest, SHARES, type Tally, thresholdsOf } from "./calibrate.ts"

/** A call that says something of a shadow: of one whose answer was used, or of one that came while the door was shut. */
export interface Verification {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How sure the model would have been, NaN where it has no answer; null: its answer was used. */
  readonly confidence: number | null
  readonly right: boolean
}

/** What one block came to: bound to the shadow's file by the hash that the door is kept under. */
export interface Reopening {
  readonly at: number
  /** The how many-th block of this shadow it was, from 1. */
  readonly attempt: number
  readonly opened: boolean
  /** The share of delta that it was tested at. */
  readonly delta: number
  /** Calls that the old door would have let through, and what of them the new one does; null where none would do. */
  readonly cases: number
  readonly threshold: number | null
  readonly accepted: number
  readonly wrong: number
  readonly bound: number | null
}

/** The calls since a door was shut, as counts. */
export interface Block {
  /** When it was shut. */
  readonly since: number
  /** Calls that came since then, whatever the model has to say of them. */
  calls: number
  /** Confidences from which thresholds are chosen, before any case counts. */
  readonly first: number[]
  tallies: Tally[]
  cases: number
  /** Cases until it is judged. */
  readonly size: number
}

/** A door as it is kept. Plain data. */
export interface DoorState {
  readonly threshold: number
  readonly watch: WatchState
  readonly shut: Block | null
  readonly opened: number
  readonly attempts: number
  /** The newest, the last one last. */
  readonly history: readonly Reopening[]
}

const HISTORY_MAX = 20
/** Calls that the door would have let through, in all, until the block is judged, and how many of them there are. */
export const progressOf = ({ first, cases, size }: Block): { readonly done: number; readonly of: number } => ({
  done: first.length + cases,
  of: FIRST + size,
})
/** Cases whose confidences choose the thresholds. */
const FIRST = 200
/** A block has so many times the cases that would do if none were wrong. */
const ROOM = 2

export class LivingDoor implements Doorway {
  readonly #promised: Promised
  readonly #clock: { readonly now: () => number }
  #watch: Watch
  #threshold: number
  #shut: Block | null = null
  #opened = 0
  #attempts = 0
  #history: readonly Reopening[] = []

  /** @param from As it was kept; fails with nothing: what is kept is this program's own. */
  constructor(promised: Promised, clock: { readonly now: () => number }, from?: DoorState) {
    this.#promised = promised
    this.#clock = clock
    this.#watch = new Watch(watchOf(promised), from?.watch)
    this.#threshold = Math.max(promised.threshold, from?.threshold ?? 0)
    if (from === undefined) return
    this.#shut = from.shut && copied(from.shut)
    this.#opened = from.opened
    this.#attempts = from.attempts
    this.#history = from.history
  }

  get closed(): boolean {
    return this.#shut !== null
  }
  get threshold(): number {
    return this.#threshold
  }
  get state(): DoorState {
    return {
      threshold: this.#threshold,
      watch: this.#watch.state,
      shut: this.#shut && copied(this.#shut),
      opened: this.#opened,
      attempts: this.#attempts,
      history: this.#history,
    }
  }

  saw(right: boolean): void {
    this.take({ at: this.#clock.now(), confidence: null, right })
  }
  heard(confidence: number, right: boolean): void {
    this.take({ at: this.#clock.now(), confidence, right })
  }

  /** One more. The state is a function of what was taken, in order. */
  take({ at, confidence, right }: Verification): void {
    if (confidence !== null) this.#test(at, confidence, right)
    // An answer that was given before the door was shut says nothing of the calls since then.
    else if (this.#shut === null) {
      this.#watch.saw(right)
      if (this.#watch.closed) this.#shut = this.#block(at)
    }
  }

  #block(since: number): Block {
    const { alpha } = this.#promised
    let size = ROOM * casesFor(alpha, this.#share())
    for (let i = 0; i < this.#opened; i++) size *= 2
    return { since, calls: 0, first: [], tallies: [], cases: 0, size }
  }
  /** Of the next block. */
  #share(): number {
    const m = this.#attempts + 1
    return this.#promised.delta / (m * (m + 1))
  }

  #test(at: number, confidence: number, right: boolean): void {
    const block = this.#shut
    if (block === null) return
    block.calls++
    // What the gate's door would not let through counts for nothing: how often that is depends on no answer.
    if (!(confidence >= this.#promised.threshold)) return
    if (block.first.length < FIRST) {
      block.first.push(confidence)
      if (block.first.length === FIRST) block.tallies = this.#tallies(block)
      return
    }
    count(block.tallies, { confidence, right })
    block.cases++
    if (block.cases === block.size) this.#judge(at, block)
  }

  #tallies({ first, size }: Block): Tally[] {
    const { threshold, alpha } = this.#promised
    const least = (1.2 * casesFor(alpha, this.#share())) / size
    const found = thresholdsOf(
      first,
      SHARES.filter((share) => share >= least && share < 1),
    )
    const stricter = found.filter((t) => t > threshold)
    return [...stricter, threshold].map((t) => ({ threshold: t, accepted: 0, wrong: 0 }))
  }

  #judge(at: number, { tallies, cases, since }: Block): void {
    const { alpha } = this.#promised
    const delta = this.#share()
    const found = loosest(tallies, cases, alpha, delta)
    this.#attempts++
    if ("reason" in found) {
      const { accepted, wrong } = tallies.at(-1)!
      this.#note({ at, opened: false, delta, cases, threshold: null, accepted, wrong, bound: null })
      this.#shut = this.#block(since)
      return
    }
    this.#open(at, found)
  }

  #open(at: number, { delta, cases, threshold, accepted, wrong, bound }: Calibration): void {
    this.#note({ at, opened: true, delta, cases, threshold, accepted, wrong, bound })
    this.#threshold = threshold
    this.#opened++
    this.#shut = null
    this.#watch.open()
  }

  #note(what: Omit<Reopening, "attempt">): void {
    const all = [...this.#history, { attempt: this.#attempts, ...what }]
    this.#history = all.slice(-HISTORY_MAX)
  }
}

const copied = (block: Block): Block => ({
  ...block,
  first: [...block.first],
  tallies: block.tallies.map((t) => ({ ...t })),
})
