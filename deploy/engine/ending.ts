/** How a run ends in this process: with its last entry, at rest until somebody answers, or taken back first. */
import { RESTING } from "../../bus/mod.ts"
import { type Outcome, type Path, printPath } from "../../graph/mod.ts"
import type { Amounts, Ended, RunRecord, Undone, Wait } from "../../kernel/mod.ts"

export interface RunResult {
  readonly run: string
  /** Of a run that rests: the failure `Parked`. */
  readonly outcome: Outcome
  /** The trace hash; empty for a run that rests, since it has no end yet. */
  readonly trace: string
  /** What a run that rests waits for. */
  readonly parked?: readonly Wait[]
  /** Of a run that was undone: how far that went. */
  readonly undone?: Undone
  /** Of a run that has ended: writes of which nobody knows what came of them. Left out where there are none. */
  readonly uncertain?: readonly Path[]
  readonly ledger: { readonly position: number; readonly head: string }
  /** What it spent, where somebody counted: a budget was given, or a tool said what it cost. */
  readonly spent?: Amounts
}

/**
 * Is this to be undone? What somebody wanted undone is; and a failure, where the graph says so: not that the run was
 * cancelled, since whoever cancels decides, and not where it rests.
 */
export function undoes(record: RunRecord, outcome: Outcome, signal?: AbortSignal): boolean {
  const { undos } = record
  if (undos === undefined) return false
  if (undos.came !== undefined) return true
  if (!undos.onFailure || outcome.ok || outcome === RESTING || signal?.aborted === true) return false
  return !(record.parks && (record.meter?.stopped !== undefined || record.unsettled.length > 0))
}

export function ended(record: RunRecord, outcome: Outcome, signal?: AbortSignal): RunResult | Promise<RunResult> {
  const stopped = signal?.aborted === true
  // Out of budget it rests, as it would for a person: whoever goes on with it brings a larger one.
  if (record.parks && !stopped && !outcome.ok && record.meter?.stopped !== undefined) return rested(record, outcome)
  if (outcome === RESTING || (record.parks && !stopped && record.unsettled.length > 0)) return rested(record)
  const end = record.end(outcome.ok ? outcome.value : outcome.failure)
  return end instanceof Promise
    ? end.then((e) => withUncertain(resultOf(record, outcome, e), record.uncertain))
    : withUncertain(resultOf(record, outcome, end), record.uncertain)
}

const NONE: readonly Path[] = []

/** That nobody knows what came of a write is told with what the run came to, and never left out. */
export const withUncertain = <R extends RunResult>(result: R, uncertain: readonly Path[]): R =>
  uncertain.length === 0 ? result : Object.assign(result, { uncertain })

/** The run waits; also one that has come to an end, while nobody knows what came of a write that it sent. */
export function rested(record: RunRecord, outcome: Outcome = RESTING): RunResult | Promise<RunResult> {
  const at = record.park()
  const told = ({ head, position }: Omit<Ended, "trace">): RunResult => ({
    run: record.run,
    outcome,
    trace: "",
    parked: record.waits,
    ledger: { position, head },
    ...(record.meter === undefined ? {} : { spent: record.meter.spent }),
  })
  return at instanceof Promise ? at.then(told) : told(at)
}

export const resultOf = (record: RunRecord, outcome: Outcome, ended: Ended): RunResult =>
  new Result(record, outcome, ended)

/** Hashes are computed for those who look: a run in memory has need of none before. */
class Result implements RunResult {
  readonly run: string
  readonly outcome: Outcome
  declare readonly spent?: Amounts
  readonly #ended: Ended

  constructor({ run, meter }: RunRecord, outcome: Outcome, ended: Ended) {
    this.run = run
    this.outcome = outcome
    this.#ended = ended
    if (meter !== undefined) this.spent = meter.spent
  }
  get trace(): string {
    return this.#ended.trace
  }
  get ledger(): RunResult["ledger"] {
    const { position, head } = this.#ended
    return { position, head }
  }
}

/** `undone: { undone, left, untouched, stuck: { path, code, message } }` of a run that was undone, `uncertain: [path]`; paths as they are printed. */
export function besidesJson({ undone, uncertain = NONE }: Pick<RunResult, "undone" | "uncertain">): {
  readonly undone?: object
  readonly uncertain?: readonly string[]
} {
  return { ...undoneJson(undone), ...(uncertain.length === 0 ? {} : { uncertain: uncertain.map(printPath) }) }
}

function undoneJson(undone: Undone | undefined): { readonly undone?: object } {
  if (undone === undefined) return {}
  const { stuck } = undone
  return {
    undone: {
      undone: undone.undone.map(printPath),
      left: undone.left.map(printPath),
      untouched: undone.untouched.map(printPath),
      ...(stuck === undefined
        ? {}
        : { stuck: { path: printPath(stuck.path), code: stuck.failure.code, message: stuck.failure.message } }),
    },
  }
}
