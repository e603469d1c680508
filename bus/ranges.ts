/**
 * Runs of steps that need no scheduler: blocks and direct functions, one after another, while nothing is pending. A run
 * becomes code in parts, once it was entered often enough; functions alone are called from flat arrays until then, and
 * where they are too many to become fast code. Small blocks share one piece of code with every block of the same form.
 */
import type { Plan, PlanScope } from "../plan/mod.ts"
import type { LoadOptions, StepCode } from "./program.ts"
import { type BlockCode, crossing, type Member, PENDING, type Straight, Translator } from "./translate.ts"

/** Entries before a run is translated: a plan that runs once costs no translation. Functions have a good way without. */
const COLD_ENTRIES = 2
const COLD_FUNCTIONS = 32
/** Functions in a row that are worth being translated: code of more is slow for thousands of runs before an engine has made it fast. */
const TRANSLATED_MAX = 2_000
/** Steps that share one piece of code: enough for the price of entering it, few enough for engines to optimise it whole. */
const PART_STEPS = 32

export class FastRange {
  readonly #cold: Straight | undefined
  readonly #make: (() => Straight) | undefined
  #entries: number
  #run: Straight | undefined

  /** `cold`: the way for so many entries, until it is worth making a better one. */
  constructor(cold: Straight | undefined, entries: number, make: (() => Straight) | undefined) {
    this.#cold = cold
    this.#make = make
    this.#entries = entries
  }

  /** The function, or undefined while there is none. */
  warm(): Straight | undefined {
    if (this.#run === undefined) {
      if (this.#make === undefined || this.#entries-- > 0) return this.#cold
      this.#run = this.#make()
    }
    return this.#run
  }
}

/** The runs of a program's scopes; they share the code of small blocks. */
export class Ranges {
  readonly #translator: Translator | undefined
  readonly #cold: number

  constructor(plan: Plan, { codegen, eager }: LoadOptions) {
    this.#translator = codegen ? new Translator(plan) : undefined
    this.#cold = eager === true ? 0 : COLD_ENTRIES
  }

  /** For each step the run that starts there. `maker`: the pseudo-node that makes the scope's value. */
  of(scope: PlanScope, steps: readonly StepCode[], maker: number): readonly (FastRange | undefined)[] {
    const out: (FastRange | undefined)[] = new Array(steps.length).fill(undefined)
    const translator = this.#translator
    let stored: ReadonlySet<number> | undefined
    const code = (step: StepCode): BlockCode => {
      stored ??= crossing(scope, steps)
      return translator!.block(step, stored)
    }
    const straight = steps.map((step) => isStraight(step, translator !== undefined))
    for (let from = 0; from < steps.length; from++) {
      if (!straight[from]) continue
      // Many functions in a row are a run of their own, and what lies before or after them is another.
      const many = functionsFrom(steps, straight, from) > TRANSLATED_MAX
      let to = from
      while (to < steps.length && straight[to] && (steps[to]!.kind !== "block" || !many)) {
        if (!many && functionsFrom(steps, straight, to) > TRANSLATED_MAX) break
        to++
      }
      const row = steps.slice(from, to)
      const make = () => joined(parts(row, translator!, code, scope.params.length, maker))
      if (row.some((step) => step.kind === "block")) out[from] = new FastRange(undefined, this.#cold, make)
      else if (row.length > 1) {
        const entries = this.#cold === 0 ? 0 : COLD_FUNCTIONS
        out[from] = new FastRange(loop(row), entries, translator === undefined || many ? undefined : make)
      }
      from = to - 1
    }
    return out
  }
}

/** How many functions follow one another from here, as far as it matters. Nothing but the first of them is asked. */
function functionsFrom(steps: readonly StepCode[], straight: readonly boolean[], from: number): number {
  if (from > 0 && straight[from - 1] && steps[from - 1]!.kind !== "block") return 0
  let to = from
  while (to < steps.length && to - from <= TRANSLATED_MAX && straight[to] && steps[to]!.kind !== "block") to++
  return to - from
}

/** A block, or a function that takes its input alone and is not known to answer later. */
const isStraight = (step: StepCode, codegen: boolean): boolean =>
  step.kind === "block"
    ? codegen
    : step.kind === "invoke" && step.tool!.direct && step.tool!.plain && !isAsync(step.tool!.execute)
const isAsync = (f: unknown): boolean => Object.prototype.toString.call(f) === "[object AsyncFunction]"

/** A row's parts as code. */
function parts(
  row: readonly StepCode[],
  translator: Translator,
  code: (step: StepCode) => BlockCode,
  params: number,
  maker: number,
): readonly Straight[] {
  const members = row.map((step, i): Member => {
    if (step.kind === "block") return { step, block: code(step), linked: false, kept: true }
    return {
      step,
      block: undefined,
      linked: i > 0 && i % PART_STEPS > 0 && row[i - 1]!.kind === "invoke" && row[i - 1]!.to === step.arg,
      kept: (i + 1) % PART_STEPS === 0 || !handsOn(step, row[i + 1], params, maker),
    }
  })
  const out: Straight[] = []
  for (let i = 0; i < row.length; i += PART_STEPS) out.push(translator.row(members.slice(i, i + PART_STEPS)))
  return out
}

/** Does only the function behind it take what a step makes? */
const handsOn = (step: StepCode, next: StepCode | undefined, params: number, maker: number): boolean =>
  next !== undefined &&
  next.kind === "invoke" &&
  next.arg === step.to &&
  step.succs.length === 1 &&
  step.succs[0] === next.index &&
  maker !== params + step.index

/** Each part gives the step behind its last one, unless something is pending. */
function joined(all: readonly Straight[]): Straight {
  if (all.length === 1) return all[0]!
  return (s, x) => {
    let stop = 0
    for (let i = 0; i < all.length; i++) {
      stop = all[i]!(s, x)
      if (stop < 0) return stop
    }
    return stop
  }
}

/** Functions one after another from flat arrays: where no code may be made, or not yet. */
function loop(row: readonly StepCode[]): Straight {
  const from = row[0]!.index
  const fns = row.map((step) => step.execute!)
  const args = Int32Array.from(row, (step) => step.arg)
  const to = Int32Array.from(row, (step) => step.to)
  const tools = Int32Array.from(row, (step) => step.tool!.index)
  const quick = row.map((step) => step.quick)
  const n = fns.length
  return (s, x) => {
    let i = 0
    try {
      for (; i < n; i++) {
        let v = fns[i]!(s[args[i]!])
        // biome-ignore lint/correctness/useValidTypeof: it is one of these words, or one that never fits
        if (typeof v !== quick[i]! && (v = x.slow(tools[i]!, v)) === PENDING) return ~(from + i)
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
