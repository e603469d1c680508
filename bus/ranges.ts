/**
 * Runs of steps that need no scheduler: blocks and direct functions, one after another, while nothing is pending. They are
 * called from flat arrays, and become code in parts once a run was entered often enough, unless it is so long that this would
 * not become fast code. Small blocks share one piece of code with every block of the same form.
 */
import type { Plan, PlanScope } from "../plan/mod.ts"
import type { LoadOptions, StepCode } from "./program.ts"
import { type BlockCode, crossing, type Member, PENDING, type Straight, Translator } from "./translate.ts"

/** Entries before the blocks of a run become code: a plan that runs once costs no translation. */
const COLD_ENTRIES = 2
/** Entries before a run as a whole does. */
const FLAT_ENTRIES = 32
/** Steps in a row that are worth being translated: code of more is slow for thousands of runs before an engine has made it fast. */
const TRANSLATED_MAX = 2_000
/** Steps that share one piece of code: enough for the price of entering it, few enough for engines to optimise it whole. */
const PART_STEPS = 32

/** A way to do a run, and from which entry on it is taken. */
interface Way {
  readonly from: number
  readonly make: () => Straight
}

export class FastRange {
  readonly #ways: readonly Way[]
  #entries = 0
  #next: Way | undefined
  #taken = 0
  #run: Straight | undefined

  /** `ways`: each takes over from the one before it. */
  constructor(...ways: readonly Way[]) {
    this.#ways = ways
    this.#next = ways[0]
  }

  /** The function, or undefined while there is none. */
  warm(): Straight | undefined {
    while (this.#next !== undefined && this.#entries >= this.#next.from) {
      this.#run = this.#next.make()
      this.#next = this.#ways[++this.#taken]
    }
    if (this.#next !== undefined) this.#entries++
    return this.#run
  }
}

/** The runs of a program's scopes; they share the code of small blocks. */
export class Ranges {
  readonly #translator: Translator | undefined
  readonly #eager: boolean

  constructor(plan: Plan, { codegen, eager }: LoadOptions) {
    this.#translator = codegen ? new Translator(plan) : undefined
    this.#eager = eager === true
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
      let to = from
      while (to < steps.length && straight[to]) to++
      const row = steps.slice(from, to)
      const blocks = row.some((step) => step.kind === "block")
      const flat = {
        from: blocks && !this.#eager ? COLD_ENTRIES : 0,
        make: () => (blocks ? mixed(row, code) : loop(row)),
      }
      const make = () => joined(parts(row, translator!, code, scope.params.length, maker))
      const whole = { from: this.#eager ? 1 : FLAT_ENTRIES, make }
      if (blocks || row.length > 1)
        out[from] =
          translator === undefined || row.length > TRANSLATED_MAX ? new FastRange(flat) : new FastRange(flat, whole)
      from = to - 1
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

/** Blocks and functions one after another from flat arrays. */
function mixed(row: readonly StepCode[], code: (step: StepCode) => BlockCode): Straight {
  const from = row[0]!.index
  const blocks = row.map((step) => (step.kind === "block" ? code(step) : undefined))
  const calls = row.map((step, i) => blocks[i]?.run ?? step.execute) as readonly ((...args: unknown[]) => unknown)[]
  const params = blocks.map((block) => block?.params)
  const args = Int32Array.from(row, (step) => step.arg)
  const to = Int32Array.from(row, (step) => step.to)
  const tools = Int32Array.from(row, (step) => step.tool?.index ?? -1)
  const quick = row.map((step) => step.quick)
  const n = row.length
  return (s, x) => {
    let i = 0
    x.instrAt = 0
    try {
      for (; i < n; i++) {
        const given = params[i]
        if (given !== undefined) {
          calls[i]!(s, x, given)
          continue
        }
        let v = calls[i]!(s[args[i]!])
        // biome-ignore lint/correctness/useValidTypeof: it is one of these words, or one that never fits
        if (typeof v !== quick[i]! && (v = x.slow(tools[i]!, v)) === PENDING) return ~(from + i)
        s[to[i]!] = v
      }
    } catch (cause) {
      x.stepAt = from + i
      throw cause
    }
    return from + n
  }
}
