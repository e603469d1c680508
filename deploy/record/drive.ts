/** Drives a graph with one input after another, some at a time, until so many calls are on record: real calls of real tools. */
import { acceptStrict, Failure, type Outcome, type Rec, type Type, type Value } from "../../graph/mod.ts"
import type { Ready } from "../engine/engine.ts"

export interface DriveOptions {
  /** Calls that are wanted. */
  readonly calls: number
  /** Runs at once. */
  readonly parallel: number
  /** Calls that were recorded so far. */
  readonly recorded: () => number
  readonly signal: AbortSignal
  /** Is told after every run. */
  readonly onRun?: (driven: Driven) => void
}

export interface Driven {
  runs: number
  /** Runs that ended in a failure, by its code. */
  readonly failures: Map<string, number>
  /** Inputs that the graph does not take; they were not run. */
  refused: number
  /** The first of these, in words. */
  refusal: string | undefined
}

/** So many runs in a row without a recorded call: nothing will come of more. */
const FRUITLESS_MAX = 1_000

/** Runs until enough is recorded, the inputs end, nothing more is learnt, or it is stopped. */
export async function drive(ready: Ready, inputs: Iterator<Value>, options: DriveOptions): Promise<Driven> {
  const { calls, parallel, recorded, signal, onRun } = options
  const { plan } = ready.admitted
  const take = acceptStrict(plan.types[plan.input] as Type)
  const driven: Driven = { runs: 0, failures: new Map(), refused: 0, refusal: undefined }
  let fruitless = 0
  let before = recorded()
  let inFlight = 0
  const next = (): Rec | undefined => {
    for (;;) {
      // A run on its way counts as one call: where it makes more, somewhat more are recorded than were wanted.
      if (signal.aborted || recorded() + inFlight >= calls || fruitless >= FRUITLESS_MAX) return undefined
      const drawn = inputs.next()
      if (drawn.done === true) return undefined
      try {
        return take(drawn.value) as Rec
      } catch (cause) {
        driven.refused++
        fruitless++
        driven.refusal ??= cause instanceof Failure ? cause.message : String(cause)
      }
    }
  }
  const worker = async (): Promise<void> => {
    for (let input = next(); input !== undefined; input = next()) {
      inFlight++
      let outcome: Outcome
      try {
        const result = ready.run(input, { signal })
        outcome = (result instanceof Promise ? await result : result).outcome
      } finally {
        inFlight--
      }
      driven.runs++
      if (!outcome.ok) driven.failures.set(outcome.failure.code, (driven.failures.get(outcome.failure.code) ?? 0) + 1)
      fruitless = recorded() > before ? 0 : fruitless + 1
      before = recorded()
      onRun?.(driven)
      // A tool that answers at once would never let the terminal, or a signal, have its turn.
      if (driven.runs % YIELD_EVERY === 0) await new Promise<void>((done) => setTimeout(done, 0))
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return driven
}

const YIELD_EVERY = 256
