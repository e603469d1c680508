/**
 * Deadlines of attempts on one sleeping clock: the nearest one sleeps, the others wait in a list. Most attempts end long
 * before their deadline, so adding and removing one must cost next to nothing.
 */
import type { Clock } from "../graph/mod.ts"

interface Deadline {
  readonly at: number
  readonly late: () => void
}

export class Deadlines {
  readonly #clock: Clock
  readonly #open = new Set<Deadline>()
  #sleeping: { readonly until: number; readonly wake: AbortController } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `late` after `ms`, unless the returned function is called before. */
  add(ms: number, late: () => void): () => void {
    const deadline: Deadline = { at: this.#clock.tick() + ms, late }
    this.#open.add(deadline)
    // Deadlines mostly come in order: only a nearer one changes when to wake.
    if (this.#sleeping === undefined || deadline.at < this.#sleeping.until) this.#sleep(deadline.at)
    return () => {
      this.#open.delete(deadline)
    }
  }

  /** Forgets every deadline and lets the clock go. */
  close(): void {
    this.#open.clear()
    this.#sleeping?.wake.abort()
    this.#sleeping = undefined
  }

  #sleep(until: number): void {
    this.#sleeping?.wake.abort()
    const wake = new AbortController()
    this.#sleeping = { until, wake }
    this.#clock.sleep(Math.max(0, until - this.#clock.tick()), wake.signal).then(
      () => this.#ring(wake),
      // Somebody put a nearer deadline in its place, or the run is over.
      () => {},
    )
  }

  #ring(wake: AbortController): void {
    if (this.#sleeping?.wake !== wake) return
    this.#sleeping = undefined
    const now = this.#clock.tick()
    let nearest = Number.POSITIVE_INFINITY
    for (const d of [...this.#open]) {
      if (d.at <= now) {
        this.#open.delete(d)
        d.late()
      } else nearest = Math.min(nearest, d.at)
    }
    if (nearest !== Number.POSITIVE_INFINITY && this.#sleeping === undefined) this.#sleep(nearest)
  }
}
