/**
 * Runs of the ledger, taken up again: resumed where they stopped, cancelled, begun anew with some outcomes kept, replayed
 * without a tool. The kernel says what may count; here the run's own plan is found, admitted and handed to the VM.
 */

import { RESTING } from "../../bus/mod.ts"
import {
  acceptStrict,
  type Failure,
  fail,
  type Outcome,
  type Path,
  printPath,
  sameBytes,
  sameOutcome,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import {
  answerRun,
  type Divergence,
  type History,
  inputOf,
  KernelError,
  kernelError,
  openRun,
  type Reply,
  type RunHead,
  type RunRecord,
  replayRun,
  resumeRun,
  taking,
  undoDivergences,
  undoRun,
  type Wait,
} from "../../kernel/mod.ts"
import { decodePlan } from "../../plan/mod.ts"
import { withUncertain } from "./ending.ts"
import type { Engine, Ready, RunOptions, RunResult } from "./engine.ts"
import type { Granting } from "./grants.ts"

export interface ResumeRun extends Omit<RunOptions, "id">, Granting {
  /** Only where the run still stands at this entry: whoever has it meanwhile keeps it, and this fails with `conflict`. */
  readonly at?: number
  readonly replies?: readonly Reply[]
  /** Who answers, for the record. */
  readonly by?: string
}

/**
 * Goes on with a run that rests or whose process died: with its own plan and pins, and today's grants. Fails with
 * `AdmissionError`, or `KernelError`: `missing`, `closed`, `answer`, `conflict`, `diverged`.
 */
export async function resume(engine: Engine, run: string, options: ResumeRun): Promise<RunResult> {
  const { ready, history } = await engine.reopen(run, options)
  if (options.at !== undefined && history.head.seq !== options.at)
    throw kernelError("conflict", `Cannot go on with run "${run}": another process has it`)
  const take = async () => {
    await answerRun(ready.admitted, history, engine.recording(), options.replies ?? [], options.by ?? "person")
    return await goesOn(engine, run, ready, options)
  }
  return await ready.on(take, inputOf(ready.admitted, history), options)
}

/** The record of a run that goes on from where it stands now. */
async function goesOn(engine: Engine, run: string, { admitted }: Ready, options: RunOptions): Promise<RunRecord> {
  const now = await engine.history(run)
  return resumeRun(admitted, now, engine.recording({ ...options, spent: now.spent }))
}

export interface UndoRun extends ResumeRun {
  /** Writes that are to stay, by path. */
  readonly left?: readonly string[]
}

/**
 * Takes back what an ended run did: every write that has an undo and was delivered, the latest first. Asked again after one
 * could not be taken back, it goes on from there. Fails with `AdmissionError`, or `KernelError`: `missing`, `closed` where the
 * run has not ended, `undone` where nothing is left, `conflict`.
 */
export async function undo(engine: Engine, run: string, options: UndoRun): Promise<RunResult> {
  const { ready, history } = await engine.reopen(run, options)
  const { by = "person", left = [] } = options
  const take = async () => {
    await undoRun(ready.admitted, history, engine.recording(), { by, left })
    return await goesOn(engine, run, ready, options)
  }
  return await ready.on(take, history.input, options)
}

/** Ends a run that rests or whose process died. What nobody knows of its writes stays on record as uncertain. */
export async function cancel(engine: Engine, run: string, by = "person"): Promise<RunResult> {
  const { ready, history } = await engine.reopen(run, "untouched")
  await answerRun(ready.admitted, history, engine.recording(), [], by)
  const record = resumeRun(ready.admitted, await engine.history(run), engine.recording())
  // A run that is being undone ends in what it had come to; what is not undone can be asked for again.
  const outcome = record.undos?.came ?? { ok: false, failure: fail("Cancelled", `The run was cancelled by ${by}`) }
  const { trace, head, position } = await record.end(outcome.ok ? outcome.value : outcome.failure)
  return withUncertain({ run, outcome, trace, ledger: { position, head } }, record.uncertain)
}

export interface AnewRun extends RunOptions {
  readonly grants: readonly string[]
  /** Outcomes that stand before this path on record are taken over. */
  readonly from?: Path
  /** Outcomes put in place of what the tools would say. */
  readonly pinned?: readonly { readonly path: Path; readonly outcome: Value | Failure }[]
  /** In place of the run's own input. */
  readonly input?: Value
  /** Writes that are not taken over wait for leave to be sent. */
  readonly held?: boolean
}

/** A new run of the same plan, with its input or another, and with outcomes of the run as far as that is wanted. */
export async function anew(engine: Engine, run: string, options: AnewRun): Promise<RunResult> {
  const { ready, history } = await engine.reopen(run, options)
  const { admitted } = ready
  const { from, pinned = [], held = false } = options
  const recording = engine.recording(options)
  // With another input what was asked in the same words has been answered.
  const before = from ?? (options.input === undefined ? undefined : "all")
  const past = await taking(history, admitted, { ...(before ? { before } : {}), pinned, held }, recording)
  const { plan } = admitted
  const input =
    options.input === undefined
      ? inputOf(admitted, history)
      : acceptStrict(plan.types[plan.input] as Type)(options.input)
  const take = () =>
    openRun(admitted, { ...recording, run: options.id ?? engine.id(), space: engine.space, input }, past)
  return await ready.on(take, input, options)
}

/** What a replay found. */
export interface Replayed {
  readonly run: string
  readonly history: History
  /** Calls whose arguments differ, each with the functions that call themselves pure and that they come from. */
  readonly divergences: readonly Divergence[]
  /** What the run comes to by its record alone; undefined where the record says no more. */
  readonly outcome: Outcome | undefined
  readonly sameOutcome: boolean
  readonly trace: string
  readonly sameTrace: boolean
  /** Everything is as it was; of a run that has not ended: as far as its record goes. */
  readonly same: boolean
}

/** Computes a run again from its record: no tool is touched, and no grant is needed. Fails with `KernelError` `missing`, `corrupt`. */
export async function replay(engine: Engine, run: string): Promise<Replayed> {
  const { ready, history } = await engine.reopen(run, "untouched")
  const record = replayRun(ready.admitted, history, engine.recording())
  const outcome = await ready.outcome(record, inputOf(ready.admitted, history), fuelOf(history))
  const { end } = history
  const open = outcome === RESTING
  // A run that somebody stopped ends where its record does, whatever it would have come to.
  const stopped = end !== undefined && !end.outcome.ok && (open || end.outcome.failure.code === "Cancelled")
  const counts = stopped ? end.outcome : outcome
  const trace = record.traceOf(counts.ok ? counts.value : counts.failure)
  const same = end === undefined || sameOutcome(counts, end.outcome)
  const sameTrace = end === undefined || trace === end.trace
  const divergences = [...record.divergences, ...undoDivergences(ready.admitted, history, engine.recording())]
  return {
    run,
    history,
    divergences,
    outcome: open ? undefined : outcome,
    sameOutcome: same,
    trace,
    sameTrace,
    same: same && sameTrace && divergences.length === 0,
  }
}

/**
 * What a replay is given to compute with: of a run that used up its fuel as much as it had, which its end says; of others that
 * ended more than any uses, since they came to their end with whatever they were given. One that did not end may be one that never would.
 */
function fuelOf({ end, known }: History): number | undefined {
  if (end === undefined) return undefined
  const { outcome } = end
  // A tool may fail by that name, too; then it is on record as that tool's.
  if (outcome.ok || outcome.failure.code !== "Fuel" || isKnown(known, end.hash)) return NO_BOUND
  const limit = (outcome.failure.data as { readonly limit?: Value } | null)?.limit
  return typeof limit === "number" ? limit : NO_BOUND
}
const NO_BOUND = Number.MAX_SAFE_INTEGER
const isKnown = (known: History["known"], hash: Uint8Array): boolean =>
  [...known.values()].some((k) => sameBytes(k.hash, hash))

/** The name of a run's graph, by the plan that was kept when it began; undefined where none was. Fails with `KernelError`. */
export async function graphOf(engine: Engine, run: string): Promise<string | undefined> {
  const bytes = await engine.store.getBlob((await engine.history(run)).plan)
  return bytes === undefined ? undefined : decodePlan(bytes).name
}

/** Runs that are due by now: their time has come, or somebody's time to answer is over. */
export const due = async (engine: Engine, limit = 100): Promise<readonly RunHead[]> =>
  await engine.store.parked(engine.space, limit, engine.now())

/** Runs whose process died under them. */
export const left = async (engine: Engine, limit = 100): Promise<readonly RunHead[]> =>
  (await engine.store.left?.(engine.space, limit)) ?? []

/** Runs that wait for an event of that name, each with the paths where. Nobody goes on with one whose record cannot be read. */
export async function waitingFor(
  engine: Engine,
  event: string,
  limit = 10_000,
): Promise<readonly { readonly run: string; readonly waits: readonly Wait[] }[]> {
  const found: { run: string; waits: readonly Wait[] }[] = []
  for (const { run } of await engine.store.parked(engine.space, limit)) {
    const history = await engine.history(run).catch((cause) => {
      if (!(cause instanceof KernelError)) throw cause
    })
    const waits = [...(history?.waits.values() ?? [])].filter((w) => w.why === "event" && w.request["event"] === event)
    if (waits.length > 0) found.push({ run, waits })
  }
  return found
}

/** A wait in a line, for people. */
export function waitText({ path, why, request, until }: Wait): string {
  const what =
    why === "ask"
      ? String(request["question"] ?? "")
      : why === "event"
        ? `event ${String(request["event"] ?? "")}`
        : why === "uncertain"
          ? `nobody knows whether ${String(request["tool"] ?? "it")} did it: ${String(request["message"] ?? "")}`
          : why === "held"
            ? `would call ${String(request["tool"] ?? "")} on ${String(request["resource"] ?? "the world")}`
            : why === "budget"
              ? String(request["message"] ?? "")
              : "sleeps"
  const when = until === null ? "" : `, until ${new Date(until).toISOString()}`
  return `${printPath(path)}  ${what}${when}`
}
