/**
 * Work that came in one turn of the event loop, done together: each step for all of it before the next step for any. The code
 * of a step is then in the processor's cache for all but the first, where a server under load would fetch it anew for each
 * request, after the network's own. That is a fifth of what a short run costs (`docs/http.md`).
 */
import type { Clock } from "../../graph/mod.ts"
import { systemClock } from "../services/clock.ts"

/** Work in steps. */
export interface Work {
  /** Does the next step; false where none is left. Never throws: what goes wrong is for the work to tell. */
  step(): boolean
}

/** Who does work. */
export interface Worker {
  add(work: Work): void
}

/** Does each work as it comes: for hosts where each request is a world of its own. */
export const AT_ONCE: Worker = {
  add: (work) => {
    while (work.step());
  },
}

/** More at once would push each other's data out of the cache. */
const TOGETHER_MAX = 32
/** Who shares a turn waits for all in it: where works together took longer than so many milliseconds, fewer are done together. */
const TOGETHER_MS = 2

/** Does work at the end of the turn in which it came, in the order in which it came. What is too much for one turn is done in the next ones. */
export class Turns implements Worker {
  readonly #clock: Pick<Clock, "tick">
  #came: Work[] = []
  #together = 4

  constructor(clock: Pick<Clock, "tick"> = systemClock) {
    this.#clock = clock
  }

  add(work: Work): void {
    if (this.#came.push(work) === 1) setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    const came = this.#came
    const most = this.#together
    const works = came.length <= most ? came : came.slice(0, most)
    this.#came = came.slice(works.length)
    if (this.#came.length > 0) setImmediate(this.#turn)
    const began = this.#clock.tick()
    together(works)
    const slow = this.#clock.tick() - began > TOGETHER_MS
    this.#together = slow ? Math.max(1, most >> 1) : Math.min(TOGETHER_MAX, most * 2)
  }
}

/** In place: what is done makes room for what is not. */
function together(works: Work[]): void {
  for (let left = works.length; left > 0; ) {
    let kept = 0
    for (let i = 0; i < left; i++) {
      const work = works[i]!
      if (work.step()) works[kept++] = work
    }
    left = kept
  }
}
