/**
 * How a server stops without losing what goes on: it takes on no run any more, lets those that go on end for a while, then
 * ends them and tells whoever waits.
 */
export interface Held {
  /** Resolves when nothing goes on any more, or after so long. */
  readonly drain: (graceMs: number) => Promise<void>
  readonly end: () => void
}

export class Draining {
  readonly #began = new AbortController()
  readonly #held: Held[] = []

  /** Aborted when it begins. */
  get signal(): AbortSignal {
    return this.#began.signal
  }

  holds(held: Held): void {
    this.#held.push(held)
  }

  async stop(graceMs: number): Promise<void> {
    this.#began.abort()
    await Promise.all(this.#held.map((held) => held.drain(graceMs)))
    for (const held of this.#held) held.end()
  }
}
