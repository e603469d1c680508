/**
 * Starts runs at the ticks of their schedules. A tick has one run: its id follows from schedule and tick, and the store lets
 * one of all servers begin it. How far along a schedule is stands beside the ledger, so a tick that passed while no server ran is
 * known as missed; what becomes of it the schedule says, and so it does of a tick that comes too soon.
 */
import * as Data from "effect/Data"
import { type Clock, Failure, type Type } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { begin, hasEnded } from "../engine/begin.ts"
import type { Engine, Ready, RunResult } from "../engine/engine.ts"
import type { Mark, Marks } from "../engine/marks.ts"
import { derivedId } from "../engine/run_ids.ts"
import { inputOf } from "./check.ts"
import type { Schedule } from "./read.ts"

/** A schedule with all that its runs take. */
export interface Scheduled {
  readonly schedule: Schedule
  readonly engine: Engine
  readonly marks: Marks
  readonly ready: Ready | AdmissionError
}

/** Why a tick started no run. */
export class ScheduleError extends Data.TaggedError("ScheduleError")<{
  readonly reason:
    | "missed"
    /** The run of an earlier tick has not ended. */
    | "overlap"
    /** What the graph needs is not granted. */
    | "not-granted"
    /** The expression of the input failed, or gave what the graph does not take. */
    | "input"
    /** The clock has gone backwards; nothing that ran is run again. */
    | "clock"
  readonly schedule: string
  readonly message: string
  readonly cause?: unknown
}> {}

export interface SchedulerOptions {
  readonly schedules: readonly Scheduled[]
  readonly clock: Clock
  /** Aborted when the server stops. Runs under way are left as they are: another server goes on with them. */
  readonly signal: AbortSignal
  /** Milliseconds between two looks at the clock. */
  readonly everyMs?: number
  readonly onRun?: (told: { readonly schedule: string; readonly run: string; readonly result?: RunResult }) => void
  /** Hears of ticks that started nothing (`ScheduleError`), and of what kept a run from beginning or going on. */
  readonly onDefect?: (cause: unknown) => void
}

/** A tick that is seen to so late has been missed. */
const LATE_MS = 60_000
/** A clock may be set back by so much without a word: ticks wait until it is there again. */
const BACK_MS = 60_000

/** The id of the run of a tick: servers that know the schedule by the same name and graph give it the same one. */
export const tickId = ({ name, graph }: Schedule, tick: number): string => derivedId(["schedule", name, graph], tick)
/** What is remembered of a schedule, until it gets other times: a new table begins now and has missed nothing. */
export const markName = ({ name, graph, cron, timezone }: Schedule): string =>
  `schedule ${JSON.stringify([name, graph, cron, timezone])}`

/** Looks after schedules until the signal. */
export async function runSchedules(options: SchedulerOptions): Promise<void> {
  const { schedules, clock, signal, everyMs = 1_000 } = options
  const scheduler = new Scheduler(options)
  while (!signal.aborted && schedules.length > 0) {
    await scheduler.look()
    await clock.sleep(everyMs, signal).catch(() => {})
  }
}

/** Schedules that are looked at whenever somebody says so. */
export class Scheduler {
  readonly #all: readonly Ticking[]
  readonly #clock: Clock
  /** Runs that the look under way began. */
  #begun: Promise<void>[] = []

  constructor(options: SchedulerOptions) {
    this.#clock = options.clock
    this.#all = options.schedules.map((scheduled) => new Ticking(scheduled, options, (run) => this.#begun.push(run)))
  }

  /** Starts what is due; each resolves when the run that began has ended or rests, and never rejects. */
  async look(): Promise<readonly Promise<void>[]> {
    for (const ticking of this.#all) await ticking.look()
    return this.#begun.splice(0)
  }

  /** When to look next, milliseconds since the epoch: at the next tick, and now where nobody has looked yet. Undefined: no tick comes any more. */
  next(): number | undefined {
    if (!this.#all.every((ticking) => ticking.looked)) return this.#clock.now()
    const times = this.#all.flatMap((ticking) => ticking.next ?? [])
    return times.length === 0 ? undefined : Math.min(...times)
  }
}

class Ticking {
  readonly #of: Scheduled
  readonly #options: SchedulerOptions
  readonly #onBegun: (run: Promise<void>) => void
  /** Everything until then has been seen to; undefined before the first look. */
  #seen: number | undefined
  #next: number | undefined
  #blind = false

  constructor(of: Scheduled, options: SchedulerOptions, onBegun: (run: Promise<void>) => void) {
    this.#of = of
    this.#options = options
    this.#onBegun = onBegun
  }

  get looked(): boolean {
    return this.#seen !== undefined
  }

  /** When it ticks next; undefined before the first look, and where no tick comes any more. */
  get next(): number | undefined {
    if (this.#seen !== undefined) this.#next ??= this.#of.schedule.table.after(this.#seen)
    return this.#next
  }

  async look(): Promise<void> {
    const { clock, signal, onDefect } = this.#options
    try {
      if (!signal.aborted) await this.#at(clock.now())
      this.#blind = false
    } catch (cause) {
      // A store that is away, or a host that is full: the tick waits, and is missed only if it waits for too long.
      if (!this.#blind && !signal.aborted) onDefect?.(cause)
      this.#blind = true
    }
  }

  async #at(now: number): Promise<void> {
    const { table } = this.#of.schedule
    const seen = this.#seen ?? (await this.#begun(now))
    if (seen > now + BACK_MS) return this.#wentBack(now, seen)
    this.#next ??= table.after(seen)
    if (this.#next === undefined || this.#next > now) return
    const tick = table.last(now, seen)
    if (tick === undefined) return
    const mark = await this.#mark()
    const other = mark !== undefined && mark.seen >= tick && mark.seen <= now + BACK_MS
    // Another server has seen to it.
    if (other) this.#isSeen(mark.seen)
    else await this.#tick(tick, now, mark)
  }

  /** Where to begin: where a server left off, or, of a schedule that is new, here. */
  async #begun(now: number): Promise<number> {
    const mark = await this.#mark()
    if (mark === undefined) await this.#remember(now, null)
    this.#seen = mark?.seen ?? now
    return this.#seen
  }

  async #wentBack(now: number, seen: number): Promise<void> {
    const seconds = Math.round((seen - now) / 1000)
    await this.#remember(now, (await this.#mark())?.run ?? null)
    this.#refuse(
      "clock",
      `The clock has gone back by ${seconds} s: ticks that ran are not run again, others come as they do`,
    )
  }

  async #tick(tick: number, now: number, mark: Mark | undefined): Promise<void> {
    const { schedule, engine, ready } = this.#of
    const { overlap, missed } = schedule
    const before = mark?.run ?? null
    const at = new Date(tick).toISOString()
    if (now - tick > LATE_MS && missed === "skip") {
      await this.#remember(tick, before)
      this.#refuse("missed", `The tick of ${at} was missed; "missed": "once" would run the last one`)
      return
    }
    if (
      overlap === "skip" &&
      before !== null &&
      before !== tickId(schedule, tick) &&
      !(await hasEnded(engine, before))
    ) {
      await this.#remember(tick, before)
      this.#refuse("overlap", `The tick of ${at} came while run ${before} had not ended`)
      return
    }
    const run = await this.#start(tick, ready)
    await this.#remember(tick, run ?? before)
  }

  /** Begins the run of a tick, unless it has begun elsewhere; its id, or undefined where it cannot begin at all. */
  async #start(tick: number, ready: Ready | AdmissionError): Promise<string | undefined> {
    const { schedule, engine } = this.#of
    const { onRun, onDefect, signal } = this.#options
    if (ready instanceof AdmissionError) {
      this.#refuse("not-granted", `Its graph ${schedule.graph} needs more than is granted`, ready)
      return undefined
    }
    const run = tickId(schedule, tick)
    const { plan } = ready.admitted
    let begun: Awaited<ReturnType<typeof begin>>
    try {
      const input = inputOf(schedule.input, plan.types[plan.input] as Type, {
        tick: tickValue(tick, schedule.timezone),
      })
      begun = await begin(engine, ready, run, input)
    } catch (cause) {
      if (!(cause instanceof Failure)) throw cause
      this.#refuse("input", `Its input cannot be made: ${cause.message}`, cause)
      return undefined
    }
    if (begun === undefined) return run
    onRun?.({ schedule: schedule.name, run })
    const ended = begun.result.then(
      (result) => onRun?.({ schedule: schedule.name, run, result }),
      (cause: unknown) => {
        if (!signal.aborted) onDefect?.(cause)
      },
    )
    this.#onBegun(ended)
    return run
  }

  #refuse(reason: ScheduleError["reason"], message: string, cause?: unknown): void {
    const { name } = this.#of.schedule
    const words = `Schedule "${name}": ${message}.`
    this.#options.onDefect?.(new ScheduleError({ reason, schedule: name, message: words, ...(cause ? { cause } : {}) }))
  }

  #mark(): ReturnType<Marks["get"]> {
    const { marks, engine, schedule } = this.#of
    return marks.get(engine.space, markName(schedule))
  }

  async #remember(seen: number, run: string | null): Promise<void> {
    const { marks, engine, schedule } = this.#of
    await marks.set(engine.space, markName(schedule), { seen, run })
    this.#isSeen(seen)
  }

  #isSeen(seen: number): void {
    this.#seen = seen
    this.#next = undefined
  }
}

/** What the input's expression knows of a tick. */
const tickValue = (tick: number, timezone: string) => ({
  time: new Date(tick).toISOString(),
  local: localTime(tick, timezone),
  ms: tick,
})

/** Date and time of day in a zone: `2026-11-22T07:00`. */
export function localTime(ms: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    calendar: "iso8601",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(ms)
  const of = (type: string) => parts.find((p) => p.type === type)!.value
  return `${of("year")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}`
}
