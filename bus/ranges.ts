/**
 * Runs of steps that need no scheduler: blocks and direct functions, one after another, while nothing is pending. Each
 * becomes one straight-line function once it has been entered a few times; until then its steps run one by one.
 */
import type { Plan, PlanScope } from "../plan/mod.ts"
import type { StepCode } from "./program.ts"
import { type Context, type Straight, translate } from "./translate.ts"

/** Steps in one function: engines stop optimising functions that grow too large (about 1,000 nodes cost ten times more a node). */
const STEPS_MAX = 96
const INSTRS_MAX = 1_500
/** Entries before a range is translated: a plan that runs once costs no translation. */
const COLD_ENTRIES = 2

export class FastRange {
  readonly from: number
  readonly to: number
  readonly #translate: () => Straight
  #entries = 0
  run: Straight | undefined

  constructor(from: number, to: number, make: () => Straight) {
    this.from = from
    this.to = to
    this.#translate = make
  }

  /** The function, or undefined while the range is cold. */
  warm(): Straight | undefined {
    if (this.run === undefined && ++this.#entries > COLD_ENTRIES) this.run = this.#translate()
    return this.run
  }
}

export function fastRanges(
  plan: Plan,
  scope: PlanScope,
  steps: readonly StepCode[],
  codegen: boolean,
): readonly (FastRange | undefined)[] {
  const out: (FastRange | undefined)[] = new Array(steps.length).fill(undefined)
  if (!codegen) return out
  let from = -1
  let instrs = 0
  const close = (to: number) => {
    if (from >= 0) {
      const start = from
      out[start] = new FastRange(start, to, () => translate(plan, scope, steps, start, to))
    }
    from = -1
    instrs = 0
  }
  steps.forEach((step, i) => {
    if (!isStraight(step)) {
      close(i)
      return
    }
    const size = step.step.instrs?.length ?? 1
    if (from >= 0 && (i - from >= STEPS_MAX || instrs + size > INSTRS_MAX)) close(i)
    if (from < 0) from = i
    instrs += size
  })
  close(steps.length)
  return out
}

/** A block, or a function that takes its input alone and is not known to answer later. */
const isStraight = (step: StepCode): boolean =>
  step.kind === "block" ||
  (step.kind === "invoke" && step.tool!.direct && step.tool!.plain && !isAsync(step.tool!.execute))
const isAsync = (f: unknown): boolean => Object.prototype.toString.call(f) === "[object AsyncFunction]"

export type { Context }
