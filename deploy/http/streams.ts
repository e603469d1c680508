/**
 * Runs as text/event-stream (Server-Sent Events, html.spec.whatwg.org 9.2). Text is made when a client takes it and not
 * before, so a slow one costs a place and no memory; one that takes nothing at all for long is let go, and may come back
 * with the last id that it had. So many streams are open at once, and of one caller.
 */
import type { Clock } from "../../graph/mod.ts"
import { eventText, type Portion } from "./feed.ts"
import { Answer, problemOf, SAFE } from "./problems.ts"

export interface StreamLimits {
  readonly streamsMax: number
  /** Of one token. */
  readonly tokenStreamsMax: number
  /** Milliseconds between two signs of life. */
  readonly heartbeatMs: number
  /** Milliseconds that a client may take nothing, while there is something for it. */
  readonly stalledMsMax: number
}

/** Where a stream's events come from. */
export interface Source {
  /** What there is from a place on; waits until there is something, or the signal. */
  readonly next: (place: number, signal: AbortSignal) => Promise<Portion>
  readonly start: number
  /** Said before the rest: what the client should have had and cannot. */
  readonly gap?: object
}

interface Open {
  /** Milliseconds, by the clock's tick, since which the client has taken nothing that was there for it; undefined: it waits for us. */
  stalledSince: number | undefined
  readonly beat: (now: number) => void
  readonly close: (stalled: boolean) => void
}

const STALLED = new Answer(408, { title: "The client took nothing for too long" })

export class Streams {
  readonly #limits: StreamLimits
  readonly #clock: Clock
  readonly #open = new Set<Open>()
  readonly #of = new Map<object, number>()
  #stopBeating: AbortController | undefined

  constructor(limits: StreamLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  /** Why one more may not be opened for this caller; undefined: it may. */
  full(caller: object): Answer | undefined {
    const { streamsMax, tokenStreamsMax } = this.#limits
    const own = this.#of.get(caller) ?? 0
    if (this.#open.size < streamsMax && own < tokenStreamsMax) return undefined
    const whose = own >= tokenStreamsMax ? `${own} of at most ${tokenStreamsMax} of this caller` : `${streamsMax}`
    return problemOf("too-many-streams", `Cannot open a stream: ${whose} are open.`, {}, { "retry-after": "2" })
  }

  /** The response without its events. */
  head(): Response {
    return new Response(null, { headers: { ...SAFE, "content-type": "text/event-stream" } })
  }

  /** A response that tells all of it, and ends when the source does. `full` was asked before. */
  response(source: Source, caller: object, headers: Readonly<Record<string, string>> = {}): Response {
    const body = this.#body(source, caller)
    return new Response(body, {
      status: 200,
      headers: { ...SAFE, ...headers, "content-type": "text/event-stream", "x-accel-buffering": "no" },
    })
  }

  #body(source: Source, caller: object): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder()
    const over = new AbortController()
    let place = source.start
    let before = source.gap === undefined ? ": begun\n\n" : eventText("gap", source.gap)
    let control: ReadableStreamDefaultController<Uint8Array>
    const open: Open = {
      stalledSince: undefined,
      beat: (now) => {
        if ((control.desiredSize ?? 0) > 0) control.enqueue(encoder.encode(": \n\n"))
        else open.stalledSince ??= now
      },
      close: (stalled) => {
        if (over.signal.aborted) return
        this.#forget(open, caller)
        over.abort()
        // What is on its way to a client that takes nothing would never get there.
        if (stalled) control.error(STALLED)
        else control.close()
      },
    }
    this.#open.add(open)
    this.#of.set(caller, (this.#of.get(caller) ?? 0) + 1)
    this.#beat()
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          control = controller
        },
        pull: async (controller) => {
          open.stalledSince = undefined
          let text = before
          before = ""
          let ends = false
          // There are entries that say nothing to a client; whoever is given nothing does not ask again.
          while (text === "" && !ends) {
            const portion = await source.next(place, over.signal)
            if (over.signal.aborted) return
            place = portion.next
            ends = portion.over
            if (portion.missed > 0) text += eventText("gap", { missed: portion.missed })
            text += portion.texts.join("")
          }
          open.stalledSince = this.#clock.tick()
          if (text !== "") controller.enqueue(encoder.encode(text))
          if (ends) open.close(false)
        },
        cancel: () => {
          this.#forget(open, caller)
          over.abort()
        },
      },
      { highWaterMark: 1 },
    )
  }

  #forget(open: Open, caller: object): void {
    if (!this.#open.delete(open)) return
    const own = (this.#of.get(caller) ?? 1) - 1
    if (own > 0) this.#of.set(caller, own)
    else this.#of.delete(caller)
    if (this.#open.size === 0) this.#stopBeating?.abort()
  }

  /** One loop for all streams, there only while there are any. */
  #beat(): void {
    if (this.#stopBeating !== undefined && !this.#stopBeating.signal.aborted) return
    const stop = new AbortController()
    this.#stopBeating = stop
    const { heartbeatMs, stalledMsMax } = this.#limits
    const beat = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await this.#clock.sleep(heartbeatMs, stop.signal).catch(() => {})
        if (stop.signal.aborted) return
        const now = this.#clock.tick()
        for (const open of [...this.#open]) {
          if (open.stalledSince === undefined) open.beat(now)
          else if (now - open.stalledSince > stalledMsMax) open.close(true)
        }
      }
    }
    void beat()
  }

  /** The server stops: every stream ends where it is. */
  close(): void {
    for (const open of [...this.#open]) open.close(false)
  }
}
