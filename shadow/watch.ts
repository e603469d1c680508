/**
 * The watch over a shadow that serves: every answer that was held against its tool counts, and when more are wrong than was
 * promised the door is closed. It looks for a change at any time, so a long good past does not hide a bad present.
 * Source: Shin, Ramdas and Rinaldo, E-detectors (2023): a CUSUM of bets against "at most a share alpha is wrong" that
 * alarms at 1/rate is expected to run for at least 1/rate answers before it alarms without cause.
 */

export interface WatchOptions {
  /** The share of wrong answers that was promised. */
  readonly alpha: number
  /** Alarms without cause: at most one in so many answers is expected, also where exactly `alpha` are wrong. */
  readonly every?: number
  /**
   * Also closed once more are wrong than this share of `alpha` of all answers, and some: bets find a share that lies just
   * above `alpha` only after tens of thousands of answers, and until then it would be borne. Default: not looked at.
   */
  readonly spend?: number
}
/** What a watch has seen, as it is kept: the next process goes on from there. */
export interface WatchState {
  readonly bets: readonly number[]
  readonly closed: boolean
  readonly seen: number
  readonly wrong: number
  readonly before: number
  readonly forgiven: number
  readonly since: number
}
/** Wrong answers that are borne beyond what may be spent: the first ones come before there is anything to spend. */
const GRACE = 4
const EVERY = 10_000
/** Shares of the largest stake that a wrong answer may cost; the mean of the bets is one too, and none has to fit. */
const STAKES = [0.05, 0.2, 0.5]

export class Watch {
  readonly #alpha: number
  readonly #limit: number
  readonly #spend: number
  readonly #bets: Float64Array
  #closed = false
  #seen = 0
  #wrong = 0
  /** What was seen, and wrong, before it was last opened. */
  #before = 0
  #forgiven = 0
  /** Answers since the bets last stood at nothing: what came after the change, if there was one. */
  #since = 0

  /** @param from Goes on from what another watch with these options had seen. */
  constructor({ alpha, every = EVERY, spend = Number.POSITIVE_INFINITY }: WatchOptions, from?: WatchState) {
    this.#alpha = alpha
    this.#spend = spend * alpha
    this.#limit = every
    this.#bets = new Float64Array(STAKES.length).fill(1)
    if (from === undefined) return
    this.#bets.set(from.bets.slice(0, STAKES.length))
    this.#closed = from.closed
    this.#seen = from.seen
    this.#wrong = from.wrong
    this.#before = from.before
    this.#forgiven = from.forgiven
    this.#since = from.since
  }

  get state(): WatchState {
    const [closed, seen, wrong, before] = [this.#closed, this.#seen, this.#wrong, this.#before]
    return { bets: [...this.#bets], closed, seen, wrong, before, forgiven: this.#forgiven, since: this.#since }
  }

  /** More are wrong than was promised: the shadow is not to answer. */
  get closed(): boolean {
    return this.#closed
  }
  /** Answers that were held against the tool, and how many of them were wrong. */
  get seen(): number {
    return this.#seen
  }
  get wrong(): number {
    return this.#wrong
  }
  /** Answers since what looks like the change. */
  get since(): number {
    return this.#since
  }

  /** One answer was held against its tool. */
  saw(right: boolean): void {
    this.#seen++
    this.#since++
    if (!right) this.#wrong++
    let sum = 0
    let idle = true
    for (let i = 0; i < STAKES.length; i++) {
      // The stake is a share of 1/alpha, the most that leaves something when an answer is right.
      const stake = STAKES[i]! / this.#alpha
      const before = Math.max(this.#bets[i]!, 1)
      this.#bets[i] = before * (1 + stake * ((right ? 0 : 1) - this.#alpha))
      if (this.#bets[i]! > 1) idle = false
      sum += this.#bets[i]!
    }
    if (idle) this.#since = 0
    const overspent = this.#wrong - this.#forgiven > GRACE + this.#spend * (this.#seen - this.#before)
    if (overspent || sum / STAKES.length >= this.#limit) this.#closed = true
  }

  /** A calibration on calls from after the change has passed. */
  open(): void {
    this.#closed = false
    this.#forgiven = this.#wrong
    this.#before = this.#seen
    this.#bets.fill(1)
    this.#since = 0
  }
}
