/**
 * How long is waited for things of one kind, many at once, with one timer for all of them: nearly everything is there long
 * before its time is over, and a timer for each would cost more than the wait.
 */
import { systemClock } from "../services/clock.ts"

/** One that is waited for. */
export interface Awaited {
  /** By the `tick` of this host's clock, which timers go by too. */
  readonly until: number
  readonly late: () => void
}

export class Patience {
  readonly #ms: number
  /** In the order in which their time is over, which is that in which they began. */
  readonly #awaited = new Set<Awaited>()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param ms Milliseconds that each may take. */
  constructor(ms: number) {
    this.#ms = ms
  }

  /** Calls `late` once the time is over, unless `over` is called before. */
  begin(late: () => void): Awaited {
    const one = { until: systemClock.tick() + this.#ms, late }
    this.#awaited.add(one)
    if (this.#timer === undefined) this.#wake(this.#ms)
    return one
  }

  /** It is there, or is given up. */
  over(one: Awaited): void {
    this.#awaited.delete(one)
  }

  /** Nothing is waited for any more, and nobody is told. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#awaited.clear()
  }

  /** The timer goes on while anything is waited for, and is not stopped for a moment in which nothing is. */
  #wake(ms: number): void {
    const timer = setTimeout(() => {
      this.#timer = undefined
      const now = systemClock.tick()
      for (const one of this.#awaited) {
        if (one.until > now) return this.#wake(one.until - now)
        this.#awaited.delete(one)
        one.late()
      }
    }, ms)
    this.#timer = timer
    // No reason for a process to stay, where the host tells such reasons apart.
    if (typeof timer === "object") timer.unref?.()
  }
}
