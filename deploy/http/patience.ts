/**
 * How long is waited for things of one kind, many at once, with one timer for all of them: nearly everything is there long
 * before its time is over, and a timer for each would cost more than the wait.
 */
import { systemClock } from "../services/clock.ts"

/** Something that is waited for, with its neighbours: a list, since a table that much passes through costs more with each. */
export abstract class Awaited {
  /** By the `tick` of this host's clock, which timers go by too. */
  until = 0
  before: Awaited | undefined = undefined
  after: Awaited | undefined = undefined
  /** Hears that its time is over. */
  abstract late(): void
}

export class Patience {
  readonly #ms: number
  /** In the order in which their time is over, which is that in which they began. */
  #first: Awaited | undefined
  #last: Awaited | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param ms Milliseconds that each may take. */
  constructor(ms: number) {
    this.#ms = ms
  }

  /** Tells `one` once its time is over, unless `over` is called before. */
  begin(one: Awaited): void {
    one.until = systemClock.tick() + this.#ms
    one.before = this.#last
    if (this.#last === undefined) this.#first = one
    else this.#last.after = one
    this.#last = one
    if (this.#timer === undefined) this.#wake(this.#ms)
  }

  /** It is there, or is given up. More than once says nothing new. */
  over(one: Awaited): void {
    const { before, after } = one
    if (before !== undefined) before.after = after
    else if (this.#first === one) this.#first = after
    if (after !== undefined) after.before = before
    else if (this.#last === one) this.#last = before
    // What has gone holds on to nobody.
    one.before = undefined
    one.after = undefined
  }

  /** Nothing is waited for any more, and nobody is told. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#first = undefined
    this.#last = undefined
  }

  /** The timer goes on while anything is waited for, and is not stopped for a moment in which nothing is. */
  #wake(ms: number): void {
    const timer = setTimeout(() => {
      this.#timer = undefined
      const now = systemClock.tick()
      for (let one = this.#first; one !== undefined; one = this.#first) {
        if (one.until > now) return this.#wake(one.until - now)
        this.over(one)
        one.late()
      }
    }, ms)
    this.#timer = timer
    // No reason for a process to stay, where the host tells such reasons apart.
    if (typeof timer === "object") timer.unref?.()
  }
}
