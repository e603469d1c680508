// A clock that nobody waits for: when all that runs waits for it, it goes on to the next sleeper at once. Time in tests of
// the bus is this one, so that an hour takes no longer than a second and nothing depends on how fast a machine is.
import type { Clock } from "../../graph/mod.ts"

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export class TestClock implements Clock {
  #ms = 0
  readonly #sleepers = new Set<Sleeper>()

  readonly now = (): number => 1_700_000_000_000 + this.#ms
  readonly tick = (): number => this.#ms
  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper: Sleeper = {
        at: this.#ms + ms,
        wake: () => {
          signal?.removeEventListener("abort", stop)
          resolve()
        },
      }
      const stop = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener("abort", stop, { once: true })
    })

  /** How many wait now: what has ended must have let go of its timers. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Lets time go by until the promise is settled. Fails where nothing would ever settle it. */
  async until<A>(promise: PromiseLike<A>): Promise<A> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    for (;;) {
      await idle()
      if (settled) return promise
      const next = [...this.#sleepers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined) throw new RangeError("Nothing sleeps and nothing ends: the run is stuck")
      this.#sleepers.delete(next)
      this.#ms = Math.max(this.#ms, next.at)
      next.wake()
    }
  }
}

/** Everything that can go on without time has gone on. */
const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))
