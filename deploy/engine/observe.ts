/**
 * Who watches runs: the engine tells an observer of each run that begins or goes on, and hands what happens in it to the
 * watch that the observer gives. Where there is no observer the engine makes nothing of this, and a run hears of nobody.
 */
import type { NodeTold, RunEvent } from "../../bus/mod.ts"
import type { Clock, Path } from "../../graph/mod.ts"
import type { Admitted, RunRecord } from "../../kernel/mod.ts"
import type { RunResult } from "./ending.ts"
import type { RunOptions } from "./engine.ts"

/** A run as its observer meets it, before anything of it is done here. */
export interface Begun {
  readonly admitted: Admitted
  readonly record: Pick<RunRecord, "run" | "past" | "meter">
  /** The clock that its events are told by. */
  readonly clock: Pick<Clock, "now" | "tick">
  /** A W3C `traceparent` that came with whoever asked for it; it may be anything. */
  readonly from: string | undefined
}

export interface Observer {
  readonly run: (begun: Begun) => Watch
}

/** What is made of one run. None of it may throw. */
export interface Watch {
  /** Left out, nothing hears the run's events, and they are not made. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Hears of every node without an effect; left out, the run goes the quick way. */
  readonly onNode?: ((node: NodeTold) => void) | undefined
  /** The W3C `traceparent` that requests of a call carry on. */
  readonly traceOf?: ((path: Path) => string | undefined) | undefined
  /** It has ended, or rests. */
  readonly ended: (result: RunResult) => void
  /** It could not be ended: its record broke. */
  readonly broke: (cause: unknown) => void
}

/** What a run is made with that is watched. */
export type Watched = RunOptions & Pick<Watch, "traceOf" | "onNode">

export function watched(options: RunOptions, { onEvent, onNode, traceOf }: Watch): Watched {
  const other = options.onEvent
  const both = (event: RunEvent): void => {
    onEvent!(event)
    other!(event)
  }
  const heard = onEvent === undefined ? other : other === undefined ? onEvent : both
  return {
    ...options,
    ...(heard ? { onEvent: heard } : {}),
    ...(onNode ? { onNode } : {}),
    ...(traceOf ? { traceOf } : {}),
  }
}

/** Tells the watch what comes of a run. */
export function told(watch: Watch, result: RunResult | Promise<RunResult>): RunResult | Promise<RunResult> {
  const ended = (end: RunResult): RunResult => {
    watch.ended(end)
    return end
  }
  const broke = (cause: unknown): never => {
    watch.broke(cause)
    throw cause
  }
  return result instanceof Promise ? result.then(ended, broke) : ended(result)
}

/** Several observers as one; undefined where there is none. */
export function observers(all: readonly (Observer | undefined)[]): Observer | undefined {
  const some = all.filter((o) => o !== undefined)
  return some.length < 2 ? some[0] : { run: (begun) => allOf(some.map((o) => o.run(begun))) }
}

function allOf(watches: readonly Watch[]): Watch {
  const hear = watches.flatMap((w) => w.onEvent ?? [])
  const nodes = watches.flatMap((w) => w.onNode ?? [])
  const trace = watches.find((w) => w.traceOf !== undefined)
  return {
    ...(hear.length === 0 ? {} : { onEvent: (event: RunEvent) => hear.forEach((h) => void h(event)) }),
    ...(nodes.length === 0 ? {} : { onNode: (node: NodeTold) => nodes.forEach((hears) => void hears(node)) }),
    ...(trace === undefined ? {} : { traceOf: trace.traceOf }),
    ended: (result) => watches.forEach((w) => void w.ended(result)),
    broke: (cause) => watches.forEach((w) => void w.broke(cause)),
  }
}
