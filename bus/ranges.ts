/**
 * Runs of steps that need no scheduler: blocks and direct functions, one after another, while nothing is pending. A run is
 * done from flat arrays: functions are called, large blocks are straight-line code of their own, and small blocks share
 * one piece of code with every block of the same form, so that code stays small and warm however large the plan is.
 */
import type { Plan, PlanScope } from "../plan/mod.ts"
import type { StepCode } from "./program.ts"
import { type BlockCode, type Context, crossing, PENDING, Translator } from "./translate.ts"

/**
 * Does steps `from` … on a frame's slots. Returns the number of the step after the last one done; a step that is pending
 * is returned as its complement (~step), with everything before it done. What a step throws is thrown, with
 * `Context.stepAt` and `instrAt` set.
 */
export type Straight = (s: unknown[], x: Context) => number

/** Entries before the blocks of a run are translated: a plan that runs once costs no translation. */
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

  /** The function, or undefined while the run is cold. */
  warm(): Straight | undefined {
    if (this.#run === undefined && this.#entries++ >= 0) this.#run = this.#make()
    return this.#run
  }
}

/** The runs of a program's scopes; they share the code of small blocks. */
export class Ranges {
  readonly #translator: Translator | undefined

  constructor(plan: Plan, codegen: boolean) {
    this.#translator = codegen ? new Translator(plan) : undefined
  }

  /** For each step the run that starts there. */
  of(scope: PlanScope, steps: readonly StepCode[]): readonly (FastRange | undefined)[] {
    const out: (FastRange | undefined)[] = new Array(steps.length).fill(undefined)
    const translator = this.#translator
    let stored: ReadonlySet<number> | undefined
    for (let from = 0; from < steps.length; from++) {
      let to = from
      let blocks = false
      while (to < steps.length && isStraight(steps[to]!, translator !== undefined)) {
        blocks ||= steps[to]!.kind === "block"
        to++
      }
      if (to === from) continue
      const start = from
      const code = (step: StepCode): BlockCode => {
        stored ??= crossing(scope, steps)
        return translator!.block(step, stored)
      }
      if (blocks || to - from > 1)
        out[start] = new FastRange(blocks ? COLD_ENTRIES : 0, () => sequence(steps.slice(start, to), code))
      from = to
    }
    return out
  }
}

/** A block, or a function that takes its input alone and is not known to answer later. */
const isStraight = (step: StepCode, codegen: boolean): boolean =>
  step.kind === "block"
    ? codegen
    : step.kind === "invoke" && step.tool!.direct && step.tool!.plain && !isAsync(step.tool!.execute)
const isAsync = (f: unknown): boolean => Object.prototype.toString.call(f) === "[object AsyncFunction]"

type Fn = (x: unknown) => unknown

function sequence(row: readonly StepCode[], code: (step: StepCode) => BlockCode): Straight {
  const from = row[0]!.index
  const fns = row.map((s) => s.tool?.execute as unknown as Fn)
  const args = Int32Array.from(row, (s) => s.arg)
  const to = Int32Array.from(row, (s) => s.to)
  const tools = Int32Array.from(row, (s) => s.tool?.index ?? -1)
  if (row.every((s) => s.tool?.quick === "number")) return numbers(fns, args, to, tools, from)
  const quick = row.map((s) => s.tool?.quick ?? "")
  const blocks = row.map((s) => (s.kind === "block" ? code(s) : undefined))
  const runs = blocks.map((b) => b?.run)
  const params = blocks.map((b) => b?.params ?? NO_PARAMS)
  return mixed(fns, args, to, tools, quick, runs, params, from)
}
const NO_PARAMS: readonly unknown[] = []

/** Functions of one number after another, the frequent case: a constant after `typeof` makes the look at each answer free. */
function numbers(fns: readonly Fn[], args: Int32Array, to: Int32Array, tools: Int32Array, from: number): Straight {
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
      x.stepAt = from + i
      x.instrAt = 0
      throw cause
    }
    return from + n
  }
}

function mixed(
  fns: readonly Fn[],
  args: Int32Array,
  to: Int32Array,
  tools: Int32Array,
  quick: readonly string[],
  runs: readonly BlockCode["run"][],
  params: readonly (readonly unknown[])[],
  from: number,
): Straight {
  const n = fns.length
  return (s, x) => {
    let i = 0
    x.instrAt = 0
    try {
      for (; i < n; i++) {
        const run = runs[i]
        if (run !== undefined) {
          run(s, x, params[i]!)
          continue
        }
        let v = fns[i]!(s[args[i]!])
        const kind = quick[i]!
        if (
          (kind === "number"
            ? typeof v !== "number"
            : kind === "string"
              ? typeof v !== "string"
              : typeof v !== "boolean" || kind === "") &&
          (v = x.slow(tools[i]!, v)) === PENDING
        ) {
          return ~(from + i)
        }
        s[to[i]!] = v
      }
    } catch (cause) {
      x.stepAt = from + i
      throw cause
    }
    return from + n
  }
}
