/**
 * What happens in one run, as its streams tell it: numbered events in a buffer of bounded length, made into text once for
 * all who listen. Who listens slowly is told how many events it missed; nobody holds up the run, and nobody's queue grows.
 */

import type { EarlyAnswer, RunEvent } from "../../bus/mod.ts"
import { jsonText, printPath, type Value } from "../../graph/mod.ts"
import { earlyJson } from "../engine/speculate.ts"
import type { Answer } from "./problems.ts"

/** Events of one run that are kept, and bytes of them. The last event is always there. */
export interface FeedLimits {
  readonly feedEventsMax: number
  readonly feedBytesMax: number
}

interface Kept {
  /** As it stands in the stream, id included. */
  readonly text: string
}

/** What a listener is given from where it stands. */
export interface Portion {
  readonly texts: readonly string[]
  /** Events that it should have had and that are kept no more. */
  readonly missed: number
  /** Where it stands then. */
  readonly next: number
  readonly over: boolean
}

/** Events handed out at once. */
const PORTION_MAX = 64

export class Feed {
  /** Tells ids of this feed from those of another one of the same run, in another process say. */
  readonly #own: string
  readonly #limits: FeedLimits
  #kept: Kept[] = []
  /** Number of the first event that is kept. */
  #first = 0
  #bytes = 0
  #over = false
  readonly #waking = new Set<() => void>()

  constructor(own: string, limits: FeedLimits) {
    this.#own = own
    this.#limits = limits
  }

  get over(): boolean {
    return this.#over
  }

  push(event: string, data: object): void {
    if (this.#over) return
    const id = this.#first + this.#kept.length
    const text = eventText(event, data, `${this.#own}.${id}`)
    this.#kept.push({ text })
    this.#bytes += text.length
    const { feedEventsMax, feedBytesMax } = this.#limits
    let gone = 0
    while (this.#kept.length - gone > 1 && (this.#kept.length - gone > feedEventsMax || this.#bytes > feedBytesMax))
      this.#bytes -= this.#kept[gone++]!.text.length
    if (gone > 0) {
      this.#kept = this.#kept.slice(gone)
      this.#first += gone
    }
    this.#wake()
  }

  /** The last event: nothing follows it. */
  end(event: string, data: object): void {
    this.push(event, data)
    this.#over = true
    this.#wake()
  }

  /** The place after the event of an id; undefined where that is none of this feed's. */
  after(id: string): number | undefined {
    const [own, n, ...more] = id.split(".")
    if (own !== this.#own || more.length > 0 || n === undefined || !/^\d{1,15}$/.test(n)) return undefined
    const at = Number(n) + 1
    return at <= this.#first + this.#kept.length ? at : undefined
  }

  from(place: number): Portion {
    const missed = Math.max(0, this.#first - place)
    const start = Math.max(0, place - this.#first)
    const texts = this.#kept.slice(start, start + PORTION_MAX).map((kept) => kept.text)
    const next = this.#first + start + texts.length
    return { texts, missed, next, over: this.#over && next === this.#first + this.#kept.length }
  }

  /** Resolves at the next event. `off` forgets it. */
  changed(): { readonly when: Promise<void>; readonly off: () => void } {
    let wake: () => void = () => {}
    const when = new Promise<void>((resolve) => {
      wake = resolve
    })
    this.#waking.add(wake)
    const off = () => {
      this.#waking.delete(wake)
      wake()
    }
    return { when, off }
  }

  #wake(): void {
    const waking = [...this.#waking]
    this.#waking.clear()
    for (const wake of waking) wake()
  }
}

/** One event as text/event-stream writes it; JSON has no line breaks of its own. */
export const eventText = (event: string, data: object, id?: string): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${jsonText(data as Value, { nonFinite: "text" })}\n\n`

/** What a run is to tell a feed: how its nodes go, items of its output as they come, and, where it is asked, early answers. */
export const tellingTo = (feed: Feed, early: boolean) => ({
  onEvent: (event: RunEvent) => feed.push("node", nodeData(event)),
  onItem: (item: Value) => feed.push("item", { item: item as object }),
  ...(early ? { onEarly: (answer: EarlyAnswer) => tellEarly(feed, answer) } : {}),
})

/** Paths, kinds, resources and failures' codes: no argument and no answer of a tool, and no secret, since these live inside adapters. */
function nodeData(event: RunEvent): object {
  const { type, path, at: _at, extern: _extern, ...more } = event as RunEvent & { readonly extern?: number }
  return { ...more, path: printPath(path), phase: type }
}

/** Marked as what it is: probable, with its bound, until the verdict comes. */
function tellEarly(feed: Feed, answer: EarlyAnswer): void {
  feed.push("early", { early: true, ...earlyJson(answer) })
  void answer.verified.then((held) => feed.push("verdict", { held, output: answer.value as object }))
}

/** How a run ends in a stream. */
export const lastEvent = ({ status, body }: Answer): readonly [event: string, data: object] => [
  status === 200 ? "result" : status === 202 ? "parked" : "failed",
  body,
]
