/**
 * Work that came in one turn of the event loop, done together: each step for all of it before the next step for any. The code
 * of a step is then in the processor's cache for all but the first, where a server under load would fetch it anew for each
 * request, after the network's own. That is a fifth of what a short run costs (`docs/http.md`).
 */

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

/** Does work at the end of the turn in which it came, in the order in which it came. */
export class Turns implements Worker {
  #came: Work[] = []

  add(work: Work): void {
    if (this.#came.push(work) === 1) setImmediate(this.#done)
  }

  readonly #done = (): void => {
    const came = this.#came
    this.#came = []
    if (came.length <= TOGETHER_MAX) together(came)
    else for (let i = 0; i < came.length; i += TOGETHER_MAX) together(came.slice(i, i + TOGETHER_MAX))
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
