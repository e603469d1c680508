/**
 * Time that stands still until a test moves it, and draws from a seed: what a small world of callers and calls consists of,
 * so that it goes the same way each time.
 */
import type { Clock } from "../graph/mod.ts"
import { Chance } from "./hostile/chance.ts"

/** Stands still until it is moved; sleepers wake in the order of their time. */
export class StandingClock implements Clock {
  #at = 0
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []
  now = () => this.#at
  tick = () => this.#at
  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { at: this.#at + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper)
        reject(signal.reason)
      })
    })
  get asleep(): number {
    return this.#sleepers.length
  }
  /** Moves to the time of whoever wakes first, and lets what follows from that happen. */
  async next(): Promise<void> {
    this.#sleepers.sort((a, b) => a.at - b.at)
    const first = this.#sleepers.shift()
    if (first === undefined) return
    this.#at = Math.max(this.#at, first.at)
    first.wake()
    await settled()
  }
}

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** Draws from [0, 1). */
export function seeded(seed: number): () => number {
  const chance = new Chance(seed)
  return () => chance.next() / 2 ** 32
}
