/** What a run is given beside its program and input, and what a live view of it hears. */
import { type Failure, fail, type Path, type Services, type Value } from "../graph/mod.ts"
import type { RunRecord, Verified } from "../kernel/mod.ts"
import type { ResourceLimits } from "./limits.ts"
import type { Speculation } from "./speculation.ts"

/** What a live view hears; never part of a result. */
export type RunEvent =
  | {
      readonly type: "start"
      readonly path: Path
      readonly kind: string
      readonly effect: "read" | "write"
      readonly resource: string | null
      /** Its place among the plan's externs. */
      readonly extern: number
      readonly at: number
      readonly attempt: number
      /** Called on guessed arguments: it counts when its node comes to the same call, and ends in `discarded` when not. */
      readonly early?: true
    }
  | {
      readonly type: "end"
      readonly path: Path
      readonly extern: number
      readonly ok: boolean
      /** Of a failure: its code. */
      readonly code?: string
      readonly at: number
      readonly attempts: number
      readonly cached: boolean
    }
  /**
   * A guess of what a call comes to: `open` when it is made, later what became of it, as the ledger has it. `off`: none was
   * made. `why`: of `off`, why not; of others which inference computed it, and why that one. `ms`: how long that took.
   */
  | {
      readonly type: "guess"
      readonly path: Path
      readonly verdict: "open" | Verified
      readonly by: string | null
      readonly alpha: number | null
      readonly confidence: number | null
      readonly why: string | null
      readonly ms: number | null
      readonly at: number
    }
  /** A read that was called on guessed arguments does not count. */
  | { readonly type: "discarded"; readonly path: Path; readonly at: number }
  /** What a tool says on its way. `piece`: text of its answer, as it arrives; provisional, and told anew where another answer takes its place. */
  | { readonly type: "note"; readonly path: Path; readonly text: string; readonly piece?: true; readonly at: number }
  /** A call says who does its work, where that is not the plan's to say, and why that one. */
  | { readonly type: "by"; readonly path: Path; readonly by: string; readonly why: string | null; readonly at: number }
  /** A `map` begins to go over so many items of a list. */
  | { readonly type: "items"; readonly path: Path; readonly count: number; readonly at: number }

/** A node without an effect that has come to its end, or that the run's end left unfinished: what a trace hears of pure work. */
export interface NodeTold {
  readonly path: Path
  /** The kind of a tool; `expr` of what the compiler made instructions of; the word of a step with bodies: `map`, `when`, … */
  readonly kind: string
  /** The tool's place among the plan's externs, where it is one. */
  readonly extern: number | undefined
  /** Ticks of the run's clock. */
  readonly began: number
  readonly at: number
  readonly outcome: "ok" | "failed" | "unfinished"
  /** Of a failure. */
  readonly code?: string
}

/** Units of fuel where a run says nothing: see `Fuel`. */
export const FUEL_DEFAULT = 1_000_000_000

/** What the bus asks of a run's record. */
export type Recording = Pick<RunRecord, keyof RunRecord>

export interface RunSettings {
  readonly services: Pick<Services, "clock" | "chance">
  readonly record: Recording
  readonly limits?: ResourceLimits | undefined
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Hears of every node without an effect. Then the run goes step by step; left out, nothing is made for it. */
  readonly onNode?: ((node: NodeTold) => void) | undefined
  /** The W3C `traceparent` that requests of a call carry on, where somebody traces. */
  readonly traceOf?: ((path: Path) => string | undefined) | undefined
  /** Each item of a graph whose output is a stream, as it arrives. */
  readonly onItem?: ((item: Value) => void) | undefined
  /** Steps and iterations that the run may take together: see `Fuel`. */
  readonly fuel?: number | undefined
  /** Milliseconds one attempt of an effect may take where its node says nothing. */
  readonly timeoutMs?: number | undefined
  /** How the run looks ahead; undefined: it does not. */
  readonly speculation?: Speculation | undefined
  /** Runs what a function answered when it is no value but a description of work (an Effect); undefined where it is not. */
  readonly settle?: ((answer: object, signal: AbortSignal) => PromiseLike<unknown> | undefined) | undefined
}

/** What a run fails with whose signal was aborted. */
export const cancelled = (signal: AbortSignal): Failure =>
  fail("Cancelled", "The run was cancelled", { cause: signal.reason })
