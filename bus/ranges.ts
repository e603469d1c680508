/**
 * Runs of steps that need no scheduler: blocks and direct functions, one after another, while nothing is pending. Many
 * functions in a row are called from flat arrays; where blocks take part, the run becomes one piece of straight-line
 * code, once it has been entered a few times; until then its steps run one by one.
 */
import type { Plan, PlanScope } from "../plan/mod.ts"
import type { StepCode } from "./program.ts"
import { type Context, crossing, PENDING, type Straight, translate } from "./translate.ts"

/** Steps and instructions in one function: engines stop optimising functions that grow too large. */
const STEPS_MAX = 96
const INSTRS_MAX = 1_500
/** Functions in a row from which on they are called in a loop: code for each would only fill the instruction cache. */
const CALLS_MIN = 12
/** Entries before a range is translated: a plan that runs once costs no translation. */
const COLD_ENTRIES = 2

export class FastRange {
  readonly #make: () => Straight
  #entries: number
  #run: Straight | undefined

  /** `cold`: entries to let pass before it is worth being made. */
  constructor(cold: number, make: () => Straight) {
    this.#make = make
    this.#entries = -cold
  }

  /** The function, or undefined while the range is cold. */
  warm(): Straight | undefined {
    if (this.#run === undefined && this.#entries++ >= 0) this.#run = this.#make()
    return this.#run
  }
}

export function fastRanges(plan: Plan, scope: PlanScope, steps: readonly StepCode[], codegen: boolean): readonly (FastRange | undefined)[] {
  const out: (FastRange | undefined)[] = new Array(steps.length).fill(undefined)
  let stored: ReadonlySet<number> | undefined
  for (const { from, to } of runs(steps)) {
    const calls = steps.slice(from, to).every((s) => s.kind === "invoke")
    if (calls && to - from >= (codegen ? CALLS_MIN : 2)) out[from] = new FastRange(0, () => callLoop(steps, from, to))
    else if (codegen) {
      out[from] = new FastRange(COLD_ENTRIES, () => {
        stored ??= crossing(scope, steps)
        return translate(plan, steps, stored, from, to)
      })
    }
  }
  return out
}

/** The ranges: as long as possible, but long rows of functions stand alone. */
function* runs(steps: readonly StepCode[]): Generator<{ from: number; to: number }> {
  let from = 0
  while (from < steps.length) {
    if (!isStraight(steps[from]!)) {
      from++
      continue
    }
    const calls = row(steps, from)
    if (calls >= CALLS_MIN) {
      yield { from, to: from + calls }
      from += calls
      continue
    }
    let to = from
    let instrs = 0
    while (to < steps.length && to - from < STEPS_MAX && isStraight(steps[to]!)) {
      if (steps[to]!.kind === "invoke" && to > from && steps[to - 1]!.kind !== "invoke" && row(steps, to) >= CALLS_MIN) break
      instrs += steps[to]!.step.instrs?.length ?? 1
      if (instrs > INSTRS_MAX && to > from) break
      to++
    }
    yield { from, to }
    from = to
  }
}

/** Functions in a row from here. */
function row(steps: readonly StepCode[], from: number): number {
  let n = 0
  while (from + n < steps.length && steps[from + n]!.kind === "invoke" && isStraight(steps[from + n]!)) n++
  return n
}

/** A block, or a function that takes its input alone and is not known to answer later. */
const isStraight = (step: StepCode): boolean =>
  step.kind === "block" || (step.kind === "invoke" && step.tool!.direct && step.tool!.plain && !isAsync(step.tool!.execute))
const isAsync = (f: unknown): boolean => Object.prototype.toString.call(f) === "[object AsyncFunction]"

/** Functions one after another. Three loops that differ in one word: a constant after `typeof` is what makes the look free. */
function callLoop(steps: readonly StepCode[], from: number, to: number): Straight {
  const row = steps.slice(from, to)
  const calls: Calls = {
    fns: row.map((s) => s.tool!.execute as (x: unknown) => unknown),
    args: Int32Array.from(row, (s) => s.arg),
    to: Int32Array.from(row, (s) => s.to),
    tools: Int32Array.from(row, (s) => s.tool!.index),
    kinds: row.map((s) => s.tool!.output.kind),
    from,
  }
  if (calls.kinds.every((k) => k === "number")) return numbers(calls)
  if (calls.kinds.every((k) => k === "string")) return strings(calls)
  return anything(calls)
}

interface Calls {
  readonly fns: readonly ((x: unknown) => unknown)[]
  readonly args: Int32Array
  readonly to: Int32Array
  readonly tools: Int32Array
  readonly kinds: readonly string[]
  readonly from: number
}

function failedAt(x: Context, step: number): void {
  x.stepAt = step
  x.instrAt = 0
}

function numbers({ fns, args, to, tools, from }: Calls): Straight {
  const n = fns.length
  return (s, x) => {
    let i = 0
    try {
      for (; i < n; i++) {
        let v = fns[i]!(s[args[i]!])
        if (typeof v !== "number" && (v = x.slow(tools[i]!, v)) === PENDING) return ~(from + i)
        s[to[i]!] = v
      }
    } catch (cause) {
      failedAt(x, from + i)
      throw cause
    }
    return from + n
  }
}

function strings({ fns, args, to, tools, from }: Calls): Straight {
  const n = fns.length
  return (s, x) => {
    let i = 0
    try {
      for (; i < n; i++) {
        let v = fns[i]!(s[args[i]!])
        if (typeof v !== "string" && (v = x.slow(tools[i]!, v)) === PENDING) return ~(from + i)
        s[to[i]!] = v
      }
    } catch (cause) {
      failedAt(x, from + i)
      throw cause
    }
    return from + n
  }
}

function anything({ fns, args, to, tools, from }: Calls): Straight {
  const n = fns.length
  return (s, x) => {
    let i = 0
    try {
      for (; i < n; i++) {
        const v = x.slow(tools[i]!, fns[i]!(s[args[i]!]))
        if (v === PENDING) return ~(from + i)
        s[to[i]!] = v
      }
    } catch (cause) {
      failedAt(x, from + i)
      throw cause
    }
    return from + n
  }
}
