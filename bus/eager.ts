/**
 * Which streams must be read to their end at once. A stream is read as its reader asks for items, so that a slow reader
 * slows the source; where something waits for all of it, its items are a list before anybody sees the first.
 */
import { operandsOf } from "./io.ts"
import type { StepCode } from "./program.ts"

/** The steps of a scope, those marked whose stream is collected. */
export function withEager(steps: readonly StepCode[]): readonly StepCode[] {
  const streams = new Set<number>()
  for (const step of steps) if (isStream(step, steps, streams)) streams.add(step.index)
  if (streams.size === 0) return steps
  const named = new Set(steps.flatMap((s) => operandsOf(s.step).after))
  const eager = new Set<number>()
  /** Does whoever reads the stream of a step write, or whoever reads what that makes of it? */
  const writes = new Map<number, boolean>()
  for (const i of [...streams].reverse()) {
    const step = steps[i]!
    const readers = readersOf(step, steps)
    const [reader] = readers
    const below = readers.length === 1 && (writesOf(reader!) || writes.get(reader!.index) === true)
    writes.set(i, below)
    // Writes wait until what they rest on is certain, which a stream is at its end.
    const rested = below && rests(step, steps, streams)
    // One that holds a place of its resource gives it back at its end, whoever else waits for that place.
    const limited = step.tool?.limited === true
    if (readers.length !== 1 || named.has(i) || limited || writesOf(step) || rested) eager.add(i)
  }
  return steps.map((step) => (eager.has(step.index) ? { ...step, eager: true } : step))
}

/** A tool that gives one, or a `map` over one. */
function isStream(step: StepCode, steps: readonly StepCode[], streams: ReadonlySet<number>): boolean {
  if (step.tool !== undefined) return step.tool.output.kind === "stream"
  return step.kind === "map" && sourceOf(step, steps, streams) !== undefined
}

/** The step whose stream a `map` goes over. */
function sourceOf(step: StepCode, steps: readonly StepCode[], streams: ReadonlySet<number>): StepCode | undefined {
  for (let i = step.index - 1; i >= 0; i--) if (steps[i]!.to === step.arg) return streams.has(i) ? steps[i] : undefined
  return undefined
}

/** Does the stream rest on what was read from the world, which is certain only once it is on record? */
function rests(step: StepCode, steps: readonly StepCode[], streams: ReadonlySet<number>): boolean {
  for (let s: StepCode | undefined = step; s !== undefined; s = sourceOf(s, steps, streams)) {
    if (s.traced || (s.tool !== undefined && s.tool.extern.effect !== "pure")) return true
    if (s.tool !== undefined) return false
  }
  return false
}

/** Who reads its items. The slot may have held its argument before. */
const readersOf = (step: StepCode, steps: readonly StepCode[]): readonly StepCode[] =>
  steps.filter((s) => s.index > step.index && s.reads.includes(step.to))

const writesOf = (step: StepCode): boolean => step.bodies.some((b) => b.code.writes)
