/** When things that come one by one are written together: once so many wait, or the first has waited for so long. */

/** Milliseconds that the first waits. */
const WAIT_MS = 500

export class Gathering {
  readonly #most: number
  readonly #write: () => void
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `write` is called when it is time; it must not throw where nobody would hear it. */
  constructor(most: number, write: () => void) {
    this.#most = most
    this.#write = write
  }

  /** So many wait now, one of which has just come. */
  came(waiting: number): void {
    if (waiting >= this.#most) return this.#write()
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(this.#write, WAIT_MS)
    // No reason for a process to stay.
    this.#timer.unref?.()
  }

  /** All that waited is written, or given up. */
  over(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
