/**
 * What ends a run from outside: its time is over, its caller has gone, somebody cancels it, the server stops. One signal for
 * all of these, and the first of them is why.
 */
export type WhyStopped = "late" | "gone" | "cancelled" | "closing"

export class Stop {
  readonly #controller = new AbortController()
  readonly #gone: AbortSignal | undefined
  readonly #timer: ReturnType<typeof setTimeout>
  /** Milliseconds that the run may take. */
  readonly ms: number
  why: WhyStopped | undefined

  /** @param gone Aborted when whoever waits for the run has gone. */
  constructor(ms: number, gone?: AbortSignal) {
    this.ms = ms
    this.#gone = gone
    this.#timer = setTimeout(() => this.now("late"), ms)
    if (gone?.aborted === true) this.now("gone")
    else gone?.addEventListener("abort", this.#left, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  readonly #left = (): void => this.now("gone")

  now(why: WhyStopped): void {
    if (this.why !== undefined) return
    this.why = why
    this.#controller.abort(why)
  }

  /** The run has ended: nothing stops it any more. */
  off(): void {
    clearTimeout(this.#timer)
    this.#gone?.removeEventListener("abort", this.#left)
  }
}
