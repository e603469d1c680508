/**
 * A clock for rehearsals: nobody waits. When nothing else can happen any more, time jumps to the next moment that
 * somebody sleeps until; so a test of a timeout of an hour takes no time, and the order of things is the same every day.
 */
import type { Clock } from "../../graph/mod.ts"

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** 2026-01-01T00:00:00Z. */
const EPOCH = 1_767_225_600_000

export class RehearsalClock implements Clock {
  #ms = 0
  #sleepers: Sleeper[] = []
  #turning = false

  readonly now = (): number => EPOCH + this.#ms
  readonly tick = (): number => this.#ms

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper: Sleeper = { at: this.#ms + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener(
        "abort",
        () => {
          this.#sleepers = this.#sleepers.filter((s) => s !== sleeper)
          reject(signal.reason)
        },
        { once: true },
      )
      this.#turn()
    })

  /** Whatever can go on without time does so within a turn of the event loop; then time passes. */
  #turn(): void {
    if (this.#turning) return
    this.#turning = true
    setImmediate(() =>
      setImmediate(() => {
        this.#turning = false
        const next = this.#sleepers.reduce((at, s) => Math.min(at, s.at), Number.POSITIVE_INFINITY)
        if (next === Number.POSITIVE_INFINITY) return
        this.#ms = Math.max(this.#ms, next)
        const due = this.#sleepers.filter((s) => s.at <= next)
        this.#sleepers = this.#sleepers.filter((s) => s.at > next)
        for (const { wake } of due) wake()
        if (this.#sleepers.length > 0) this.#turn()
      }),
    )
  }
}
