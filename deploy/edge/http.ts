/**
 * All that a server answers, for graphs at the edge: runs that are waited for, begun or told as they go, many at once, looked at,
 * cancelled, answered and taken back, with an OpenAPI document. A door of its own: a program that only begins runs carries none of it.
 * Runs that rest are gone on with here, by a look now and then, or by one that the host asks for when it is time.
 */

import { Waker, wake } from "../engine/waker.ts"
import { type GraphsOptions, graphsApp, type HttpLimits } from "../http/app.ts"
import { describingWay } from "../http/describing.ts"
import { Draining } from "../http/draining.ts"
import type { Means, Way } from "../http/means.ts"
import { problem } from "../http/problems.ts"
import type { Edge } from "./edge.ts"

export interface EdgeHttpOptions extends Pick<GraphsOptions, "hosts" | "origins" | "onRun" | "fit" | "shared"> {
  readonly limits?: Partial<HttpLimits>
  /** What is served beside runs; made with what tells that the program stops. */
  readonly ways?: (draining: Draining) => readonly Way[]
  /** What starts runs by itself (`shadowgraph/edge/triggers`). `signal`: aborted when the program stops. */
  readonly triggers?: (at: Edge, signal: AbortSignal) => Promise<EdgeTriggers>
  /** Of the interface, for its document. */
  readonly version?: string
}

/** Schedules and hooks of a program. */
export interface EdgeTriggers {
  readonly ways: readonly Way[]
  /** Starts what is due; each resolves when the run that began has ended or rests, and never rejects. */
  readonly look: () => Promise<readonly Promise<void>[]>
  /** When something is due next, milliseconds since the epoch. */
  readonly next: () => number | undefined
}

export interface EdgeHttp {
  /** Answers a request. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>
  /** Looks after runs that rest, until the program is closed: for hosts whose programs go on by themselves. Never rejects. */
  readonly wake: () => Promise<void>
  /** Looks once, and resolves when what it took up has ended or rests again: for hosts that call a program when it asked to be called. Never rejects. */
  readonly look: () => Promise<void>
  /** When to look again, milliseconds since the epoch; undefined: nothing rests until a time of its own, and nothing goes on. Never rejects. */
  readonly next: () => Promise<number | undefined>
  /** Takes on no run any more, lets those that go on end for so long, and gives back what was opened. */
  readonly close: (graceMs?: number) => Promise<void>
}

const GRACE_MS = 5_000
/** After so long a run that goes on is looked for, in case its program has died meanwhile, and a store that was away. */
const AGAIN_MS = 30_000
/** Between two looks at the clock of a program that goes on by itself. */
const TICK_MS = 1_000

/** Serves the graphs of an edge. Its own tokens hold here too; where its runs may rest (`parks`), they are answered here. */
export function httpAtEdge(at: Edge, options: EdgeHttpOptions = {}): EdgeHttp {
  const { clock, host, onDefect } = at.means
  const stopping = new AbortController()
  const { signal } = stopping
  const looking = { clock, signal, ...(onDefect === undefined ? {} : { onDefect }) }
  const { triggers } = options
  const theTriggers = triggers === undefined ? () => undefined : untilItFails(() => triggers(at, signal))
  let lookedAt = 0
  const served = new Served(at, options, theTriggers)
  let awake = false
  const theWaker = untilItFails(async () => {
    const mine = await host()
    awake = true
    return new Waker(mine, { hosts: [mine], ...looking })
  })
  return {
    fetch: (request) => served.fetch(request),
    wake: async () => {
      const onAndOn = async (act: () => Promise<void>) => {
        while (!signal.aborted) {
          try {
            return await act()
          } catch (cause) {
            onDefect?.(cause)
            await clock.sleep(AGAIN_MS, signal).catch(() => {})
          }
        }
      }
      const tick = async () => {
        const mine = await theTriggers()
        while (mine !== undefined && !signal.aborted) {
          await mine.look()
          await clock.sleep(TICK_MS, signal).catch(() => {})
        }
      }
      await Promise.all([onAndOn(async () => wake({ hosts: [await host()], ...looking })), onAndOn(tick)])
    },
    look: async () => {
      try {
        const taken = await (await theWaker()).look()
        const begun = (await (await theTriggers())?.look()) ?? []
        lookedAt = clock.now()
        await Promise.all([...taken, ...begun])
      } catch (cause) {
        onDefect?.(cause)
      }
    },
    next: async () => {
      try {
        const due = await (await theWaker()).next()
        const tick = (await theTriggers())?.next()
        // A tick that could not be seen to is looked at again soon, and not at once.
        const ticks = tick === undefined ? undefined : Math.max(tick, lookedAt + TICK_MS)
        const died = served.running > 0 ? clock.now() + AGAIN_MS : undefined
        const times = [due, ticks, died].filter((time) => time !== undefined)
        return times.length === 0 ? undefined : Math.min(...times)
      } catch (cause) {
        onDefect?.(cause)
        // Graphs that are not admitted will not be by waiting; a store that was there may be so again.
        return awake ? clock.now() + AGAIN_MS : undefined
      }
    },
    close: async (graceMs = GRACE_MS) => {
      stopping.abort()
      await served.draining.stop(graceMs)
      await at.close()
    },
  }
}

/** What is made once, and anew at the next asking where that failed: a store that was away may be there then. */
function untilItFails<A>(make: () => Promise<A>): () => Promise<A> {
  let made: Promise<A> | undefined
  return () => {
    if (made !== undefined) return made
    const mine = make()
    made = mine
    mine.catch(() => {
      if (made === mine) made = undefined
    })
    return mine
  }
}

/** The application of a server over the graphs of an edge, made with the first request. */
class Served {
  readonly draining = new Draining()
  readonly #at: Edge
  readonly #options: EdgeHttpOptions
  readonly #triggers: () => Promise<EdgeTriggers> | undefined
  #app: Promise<ReturnType<typeof graphsApp>> | undefined
  #means: Means | undefined

  constructor(at: Edge, options: EdgeHttpOptions, triggers: () => Promise<EdgeTriggers> | undefined) {
    this.#at = at
    this.#options = options
    this.#triggers = triggers
  }

  /** Runs that go on here. */
  get running(): number {
    return this.#means?.slots.load.running ?? 0
  }

  async fetch(request: Request): Promise<Response> {
    try {
      this.#app ??= this.#open()
      return await (await this.#app).fetch(request)
    } catch (cause) {
      // What was not there, or not granted, at one request may be so at the next one.
      this.#app = undefined
      this.#at.means.onDefect?.(cause)
      return problem("internal", "The server met a defect of its own.")
    }
  }

  async #open(): Promise<ReturnType<typeof graphsApp>> {
    const { clock, holderOf, host, onDefect } = this.#at.means
    const { version = "1", ways, triggers: _, ...more } = this.#options
    const graphs = [...(await this.#at.graphs()).values()]
    return graphsApp({
      ...more,
      graphs,
      runs: [await host()],
      ways: [
        (_, means) => {
          this.#means = means
        },
        describingWay({ version, guarded: holderOf !== undefined }),
        ...(ways?.(this.draining) ?? []),
        ...((await this.#triggers())?.ways ?? []),
      ],
      clock,
      draining: this.draining,
      ...(holderOf === undefined ? {} : { holderOf }),
      ...(onDefect === undefined ? {} : { onDefect }),
    })
  }
}
