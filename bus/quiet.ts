/** Waiting until no write is on its way: a run that failed, and a handler that follows, must not overtake what was sent. */
import type { Clock } from "../graph/mod.ts"
import { isSending, type Task } from "./task.ts"

export class Quiet {
  readonly #active: ReadonlySet<Task>
  readonly #clock: Clock
  /** Who waits looks again whenever a call has ended. */
  #watching: Set<() => void> | undefined

  constructor(active: ReadonlySet<Task>, clock: Clock) {
    this.#active = active
    this.#clock = clock
  }

  /** Resolves when no write `where` says is on its way, or the grace is over; undefined where none is. */
  when(where: (task: Task) => boolean, graceMs: number | undefined): Promise<void> | undefined {
    const busy = () => {
      for (const task of this.#active) if (isSending(task) && where(task)) return true
      return false
    }
    if (!busy()) return undefined
    this.#watching ??= new Set()
    const watching = this.#watching
    return new Promise((resolve) => {
      const over = new AbortController()
      const done = () => {
        watching.delete(look)
        over.abort()
        resolve()
      }
      const look = () => {
        if (!busy()) done()
      }
      watching.add(look)
      if (graceMs !== undefined) this.#clock.sleep(graceMs, over.signal).then(done, () => {})
    })
  }

  /** A call has ended. */
  look(): void {
    if (this.#watching === undefined) return
    for (const look of [...this.#watching]) look()
  }
}
