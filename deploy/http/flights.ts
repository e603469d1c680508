/**
 * Runs on their way in this process, by their ids: what can be cancelled, listened to and waited for. What a run came to is
 * kept for a while after its end, so that whoever was cut off finds it; the record has it for longer.
 */
import { type Clock, hex, type Rec, type Value } from "../../graph/mod.ts"
import { KernelError } from "../../kernel/mod.ts"
import { begin } from "../engine/begin.ts"
import type { Ready, RunOptions, RunResult } from "../engine/engine.ts"
import { answerOf } from "./answers.ts"
import type { Served } from "./catalogue.ts"
import { Feed, type FeedLimits, lastEvent, tellingTo } from "./feed.ts"
import { type Answer, defect, problemOf } from "./problems.ts"
import { Stop } from "./stop.ts"

export interface FlightLimits extends FeedLimits {
  /** Milliseconds that a run may take for which nobody waits. */
  readonly backgroundMsMax: number
  /** Runs of which events and result are kept after their end, and for how long. */
  readonly endedKeptMax: number
  readonly endedKeptMs: number
}

/** A run that goes on, or has just ended. */
export interface Flight {
  readonly run: string
  readonly graph: string
  readonly input: Value
  readonly began: number
  readonly stop: Stop
  readonly feed: Feed
  /** May another process go on with it? Then it is not ended with this one. */
  readonly lasts: boolean
  /** What it comes to, also where that is a problem; never rejects. */
  readonly answer: Promise<Answer>
  /** Undefined while it goes on. */
  ended: Answer | undefined
}

/** What a run is begun with. */
export interface Taking {
  readonly graph: Served
  readonly ready: Ready
  readonly run: string
  readonly input: Rec
  readonly options: Pick<RunOptions, "tenant" | "caller" | "traceparent">
  readonly early: boolean
  /** Called once, when the run has ended or was not begun. */
  readonly leave: () => void
  readonly onEnd?: ((answer: Answer) => void) | undefined
}

export class Flights {
  readonly #limits: FlightLimits
  readonly #clock: Clock
  readonly #onDefect: ((cause: unknown) => void) | undefined
  /** Those that go on, and those that ended, the first that ended first. */
  readonly #flights = new Map<string, Flight>()
  readonly #ended = new Map<string, number>()
  /** Also of runs that somebody waits for, which have no events. */
  readonly #stops = new Map<string, Stop>()
  /** Nothing can be said here of what they come to. */
  readonly #lost = new Set<string>()
  readonly #own: string
  readonly #closed = new AbortController()
  #count = 0

  constructor(limits: FlightLimits, clock: Clock, onDefect: ((cause: unknown) => void) | undefined) {
    this.#limits = limits
    this.#clock = clock
    this.#onDefect = onDefect
    this.#own = hex(globalThis.crypto.getRandomValues(new Uint8Array(6)))
  }

  of(run: string): Flight | undefined {
    this.#sweep()
    return this.#flights.get(run)
  }

  goesOn(run: string): boolean {
    return this.#stops.has(run)
  }

  /** Begins a run for which nobody need wait; undefined where one of that id was begun before. Fails as `begin` does. */
  async begin(taking: Taking): Promise<Flight | undefined> {
    const { graph, ready, run, input, options, early, leave } = taking
    const feed = new Feed(`${this.#own}${this.#count++}`, this.#limits)
    const stop = new Stop(this.#limits.backgroundMsMax)
    feed.push("run", { run, graph: graph.name })
    let begun: Awaited<ReturnType<typeof begin>>
    try {
      begun = await begin(graph.engine, ready, run, input, {
        ...options,
        signal: stop.signal,
        ...tellingTo(feed, early),
      })
    } catch (cause) {
      stop.off()
      leave()
      throw cause
    }
    if (begun === undefined) {
      stop.off()
      leave()
      return undefined
    }
    const flight: Flight = {
      run,
      graph: graph.name,
      input,
      began: this.#clock.now(),
      stop,
      feed,
      lasts: graph.engine.parks,
      answer: this.#answer(begun.result, taking, stop),
      ended: undefined,
    }
    this.#flights.set(run, flight)
    this.#stops.set(run, stop)
    void flight.answer.then((answer) => {
      flight.ended = answer
      this.#stops.delete(run)
      const lost = this.#lost.delete(run) && flight.lasts
      // One that rests goes on in its record, perhaps elsewhere, and so does one that was lost: what it had come to here would soon be untrue.
      if (answer.status === 202 || lost) this.#flights.delete(run)
      else this.#ended.set(run, this.#clock.tick())
      this.#sweep()
      stop.off()
      if (lost) feed.end("unfinished", { run })
      else feed.end(...lastEvent(answer))
      leave()
      taking.onEnd?.(answer)
    })
    return flight
  }

  async #answer(result: Promise<RunResult>, { graph, run }: Taking, stop: Stop): Promise<Answer> {
    try {
      return answerOf(await result, { graph: graph.name, stop })
    } catch (cause) {
      this.#onDefect?.(cause)
      this.#lost.add(run)
      return takenFrom(cause, run) ?? defect(cause, { run })
    }
  }

  /** A run that somebody waits for, while it goes on. */
  waitedFor(run: string, stop: Stop): () => void {
    this.#stops.set(run, stop)
    return () => {
      this.#stops.delete(run)
      stop.off()
    }
  }

  /** Its record says more by now: it was undone, say. */
  forget(run: string): void {
    if (this.#ended.delete(run)) this.#flights.delete(run)
  }

  /** Ends a run that goes on here; false where none does. */
  cancel(run: string): boolean {
    const stop = this.#stops.get(run)
    stop?.now("cancelled")
    return stop !== undefined
  }

  /** The server stops: what nobody could go on with is ended, and whoever waits is told. */
  close(): void {
    for (const [run, stop] of [...this.#stops]) if (this.#flights.get(run)?.lasts !== true) stop.now("closing")
    this.#closed.abort()
  }

  /** What a run comes to, or what is to be said of it after so long; undefined: it goes on. */
  async answer(flight: Flight, ms: number | undefined): Promise<Answer | undefined> {
    if (flight.ended !== undefined) return flight.ended
    const over = new AbortController()
    const closing = () => over.abort()
    this.#closed.signal.addEventListener("abort", closing, { once: true })
    const late = this.#clock.sleep(ms ?? this.#limits.backgroundMsMax + 60_000, over.signal).catch(() => {})
    const first = await Promise.race([flight.answer, late])
    this.#closed.signal.removeEventListener("abort", closing)
    over.abort()
    if (first !== undefined) return first
    if (!this.#closed.signal.aborted) return undefined
    const { run } = flight
    const next = "The server stops; the next one goes on with the run."
    return flight.lasts ? problemOf("shutting-down", next, { run }, { "retry-after": "5" }) : await flight.answer
  }

  #sweep(): void {
    const { endedKeptMax, endedKeptMs } = this.#limits
    const now = this.#clock.tick()
    for (const [run, at] of this.#ended) {
      if (this.#ended.size <= endedKeptMax && now - at <= endedKeptMs) break
      this.#ended.delete(run)
      this.#flights.delete(run)
    }
  }
}

/** A run that another process took up, while this one was silent for longer than its lease; undefined for other causes. */
export function takenFrom(cause: unknown, run: string): Answer | undefined {
  if (!(cause instanceof KernelError) || cause.reason !== "conflict") return undefined
  return problemOf("conflict", "Another server goes on with the run.", { run }, { "retry-after": "1" })
}

/** The events of a run that goes on here, from after an id that a client had, if that is one of them. */
export function feedSource(feed: Feed, lastId: string | undefined) {
  const after = lastId === undefined ? 0 : feed.after(lastId)
  const gap = after === undefined ? { gap: { after: lastId, why: "not known here: told from the beginning" } } : {}
  return {
    start: after ?? 0,
    ...gap,
    next: async (place: number, signal: AbortSignal) => {
      for (;;) {
        const portion = feed.from(place)
        if (portion.texts.length > 0 || portion.over || signal.aborted) return portion
        const { when, off } = feed.changed()
        signal.addEventListener("abort", off, { once: true })
        await when
        signal.removeEventListener("abort", off)
      }
    },
  }
}
