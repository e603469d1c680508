// The world that a run of the laws happens in: a clock that only moves when nothing else can, so that seconds cost
// nothing and the seed decides who is first; and a log of what tools and ledger saw, in order.
import type { Call, Clock, Path } from "../../graph/mod.ts"
import type { Chance } from "./chance.ts"
import type { Stage } from "./tools.ts"

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

/** A clock of its own time. Sleepers wake one at a time, the earliest first; who was told the same moment is left to chance. */
export class SeededClock implements Clock {
  readonly #chance: Chance
  readonly #sleepers = new Set<Sleeper>()
  #now = 1_700_000_000_000

  constructor(chance: Chance) {
    this.#chance = chance
  }
  now = (): number => this.#now
  tick = (): number => this.#now
  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const stop = () => {
        this.#sleepers.delete(sleeper)
        reject(signal!.reason)
      }
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, ms),
        order: this.#chance.next(),
        wake: () => {
          signal?.removeEventListener("abort", stop)
          resolve()
        },
      }
      signal?.addEventListener("abort", stop, { once: true })
      this.#sleepers.add(sleeper)
    })

  /** Days go by in which no process is there. */
  passes(ms: number): void {
    this.#now += ms
  }

  /** Wakes the next sleeper. False when nobody sleeps. */
  step(): boolean {
    let next: Sleeper | undefined
    for (const s of this.#sleepers) {
      if (next === undefined || s.at < next.at || (s.at === next.at && s.order < next.order)) next = s
    }
    if (next === undefined) return false
    this.#sleepers.delete(next)
    this.#now = Math.max(this.#now, next.at)
    next.wake()
    return true
  }
}

/** What is thrown when a run waits for something that will never come. */
export class Stuck {
  readonly message = "The run waits for ever: nothing is pending that could wake it"
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Waits for a promise while moving the clock whenever nothing else happens. Fails with `Stuck`. */
export async function driven<A>(clock: SeededClock, promise: Promise<A>): Promise<A> {
  let state: { readonly ok: true; readonly value: A } | { readonly ok: false; readonly cause: unknown } | undefined
  promise.then(
    (value) => {
      state = { ok: true, value }
    },
    (cause) => {
      state = { ok: false, cause }
    },
  )
  for (let idle = 0; state === undefined; ) {
    await turn()
    if (state !== undefined) break
    idle = clock.step() ? 0 : idle + 1
    if (idle > 3) throw new Stuck()
  }
  if (!state.ok) throw state.cause
  return state.value
}

export interface Event {
  readonly what: "began" | "stopped" | "kept" | "discarded"
  readonly path: Path
  readonly effect: string
}

/** Calls of one resource: how many at once, at most, and when they started. */
export interface Under {
  now: number
  most: number
  readonly starts: number[]
}

/** One run's stage. */
export class Playing implements Stage {
  readonly clock: SeededClock
  readonly #chance: Chance
  /** How many of a hundred calls take days, where the run can rest. */
  days: number
  readonly events: Event[] = []
  /** Calls that wait for a pause or hang, with what their signal said. */
  readonly open = new Set<Call>()

  constructor(chance: Chance, days = 0) {
    this.#chance = chance
    this.days = days
    this.clock = new SeededClock(chance)
  }

  parks(call: Call): boolean {
    return this.days > 0 && call.parks === true && this.#chance.percent(this.days)
  }
  later(ms: number): number {
    return this.clock.now() + ms
  }

  began(call: Call | undefined, effect: string): void {
    this.events.push({ what: "began", path: call?.path ?? [], effect })
  }

  /** How close each resource came to its bounds. */
  readonly under = new Map<string, Under>()

  enters(resource: string, starts: boolean): () => void {
    const under = this.under.get(resource) ?? { now: 0, most: 0, starts: [] }
    this.under.set(resource, under)
    under.most = Math.max(under.most, ++under.now)
    if (starts) under.starts.push(this.clock.now())
    let left = false
    return () => {
      if (!left) under.now--
      left = true
    }
  }

  now(): boolean {
    return this.#chance.percent(50)
  }

  unit(): number {
    return this.#chance.unit()
  }

  /** Tools listen to their signal, some of them only after they are done. */
  async pause(call: Call | undefined): Promise<void> {
    const ms = this.#chance.below(20) * 2 + 1
    if (call === undefined || this.#chance.percent(30)) {
      await this.clock.sleep(ms)
      return
    }
    this.open.add(call)
    try {
      await this.clock.sleep(ms, call.signal)
    } catch (cause) {
      this.events.push({ what: "stopped", path: call.path, effect: "" })
      throw cause
    } finally {
      this.open.delete(call)
    }
  }

  hang(call: Call): Promise<never> {
    return new Promise((_, reject) => {
      if (this.#chance.percent(50)) return
      this.open.add(call)
      call.signal.addEventListener("abort", () => {
        this.open.delete(call)
        this.events.push({ what: "stopped", path: call.path, effect: "" })
        reject(call.signal.reason)
      })
    })
  }
}
