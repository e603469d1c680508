/**
 * Tells of runs that have changed, whoever changed them: this server over any of its ways, a person at the command line, or
 * another server on the same store. It looks at the heads of the latest runs once a second, while somebody wants to know.
 */
import type { Clock } from "../../graph/mod.ts"
import type { RunsHost } from "../http/means.ts"
import { runUri } from "./serving.ts"

export interface Watched {
  readonly hosts: readonly RunsHost[]
  readonly clock: Clock
  readonly everyMs?: number
  /** Hears of a store that does not answer. */
  readonly onDefect?: ((cause: unknown) => void) | undefined
}

/** How many of the latest runs are looked at; one that was asked for by its address is looked at whatever its age. */
const LATEST = 200

export class Watch {
  readonly #watched: Watched
  readonly #listeners = new Set<(uri: string) => void>()
  readonly #seen = new Map<string, number>()
  /** Runs that somebody asked for by address: how many. */
  readonly #asked = new Map<string, number>()
  #stop: AbortController | undefined

  constructor(watched: Watched) {
    this.#watched = watched
  }

  /** Hears the address of each run that changes, until it is called off. */
  listen(listener: (uri: string) => void): () => void {
    this.#listeners.add(listener)
    if (this.#stop === undefined) {
      this.#stop = new AbortController()
      void this.#look(this.#stop.signal)
    }
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stop?.abort()
      this.#stop = undefined
      this.#seen.clear()
    }
  }

  /** Also looks at this run, however old. */
  ask(run: string): () => void {
    this.#asked.set(run, (this.#asked.get(run) ?? 0) + 1)
    return () => {
      const left = (this.#asked.get(run) ?? 1) - 1
      if (left === 0) this.#asked.delete(run)
      else this.#asked.set(run, left)
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, everyMs = 1_000, onDefect } = this.#watched
    let first = true
    let blind = false
    while (!signal.aborted) {
      try {
        const now = await this.#heads()
        if (signal.aborted) return
        for (const [run, seq] of now) {
          const before = this.#seen.get(run)
          this.#seen.set(run, seq)
          // What is there when somebody begins to listen is no news.
          if (!first && before !== seq) this.#tell(run)
        }
        if (this.#seen.size > 4 * LATEST) for (const run of this.#seen.keys()) if (!now.has(run)) this.#seen.delete(run)
        first = false
        blind = false
      } catch (cause) {
        if (!blind) onDefect?.(cause)
        blind = true
      }
      await clock.sleep(everyMs, signal).catch(() => {})
    }
  }

  #tell(run: string): void {
    const uri = runUri(run)
    for (const listener of this.#listeners) listener(uri)
  }

  async #heads(): Promise<ReadonlyMap<string, number>> {
    const now = new Map<string, number>()
    for (const { engine } of this.#watched.hosts) {
      for (const { run, seq } of await engine.store.runs(engine.space, LATEST)) now.set(run, seq)
      for (const run of this.#asked.keys()) {
        if (now.has(run)) continue
        const { rows } = await engine.store.entries(engine.space, run)
        const last = rows.at(-1)
        if (last !== undefined) now.set(run, last.seq)
      }
    }
    return now
  }
}
