/**
 * What looking ahead may do with a plan, found in the plan itself: whose outcome may be guessed and what is done again when
 * a guess was wrong (a rollback point), what may be called on a guess, and what waits until everything it rests on is
 * certain. For people who read plans; the VM finds the same in what it runs (`bus/foreseen.ts`).
 */
import type { Plan, PlanScope, PlanStep } from "./plan.ts"
import { blockSlots, stepIo } from "./step_io.ts"

export interface Marks {
  /** A read whose outcome a shadow may stand in for, because something that may be called on a guess comes after it. */
  readonly guess: boolean
  /** Steps of the same scope that rest on it and on no write after it: done again when the guess was wrong. */
  readonly again: readonly number[]
  /** A read that may be called on guessed arguments (`speculate: true`). */
  readonly early: boolean
  /** Of a write: what it rests on that may be guessed, or has guesses inside. It is sent when all of that is certain. */
  readonly waits: readonly At[]
}

/** A step, by its scope. */
export interface At {
  readonly scope: number
  readonly step: number
}

/** Scopes of more steps are not marked: who rests on whom is looked up for all pairs. */
const STEPS_MAX = 2_000

/** The marks of every step, by scope; undefined where nothing of the plan may be called on a guess. */
export function marksOf(plan: Plan): readonly (readonly Marks[])[] | undefined {
  if (!plan.externs.some((x) => x.settings.speculate === true)) return undefined
  const within: readonly Within[] = plan.scopes.map(() => ({ early: false, read: false, write: false }))
  for (let i = plan.scopes.length - 1; i >= 0; i--) {
    for (const step of plan.scopes[i]!.steps) {
      const { effect, early } = own(plan, step)
      const bodies = stepIo(step)
        .bodies.map((b) => within[b])
        .filter((w) => w !== undefined)
      const at = within[i]!
      at.early ||= early || bodies.some((w) => w.early)
      at.read ||= effect === "read" || bodies.some((w) => w.read)
      at.write ||= effect === "write" || bodies.some((w) => w.write)
    }
  }
  return new Marking(plan, within).all()
}

/** What a scope and the bodies of its steps hold. */
interface Within {
  early: boolean
  read: boolean
  write: boolean
}

/** What is known of a scope before any of its writes is asked what it waits for. */
interface Looked {
  readonly rests: readonly ReadonlySet<number>[]
  /** Steps that rest on each. */
  readonly after: readonly (readonly number[])[]
  /** Something that rests on the step may be called early. */
  readonly leads: readonly boolean[]
  /** The step, or something inside of it, may be guessed. */
  readonly guessable: readonly boolean[]
}

class Marking {
  readonly #plan: Plan
  readonly #within: readonly Within[]
  readonly #looked: (Looked | undefined)[] = []

  constructor(plan: Plan, within: readonly Within[]) {
    this.#plan = plan
    this.#within = within
  }

  all(): readonly (readonly Marks[])[] {
    const out: (readonly Marks[])[] = this.#plan.scopes.map(() => [])
    if (out.length === 0) return out
    this.#look(0, false)
    const mark = (index: number, outer: readonly At[]): void => {
      const looked = this.#looked[index]
      if (looked === undefined) return
      const { steps } = this.#plan.scopes[index]!
      const waits = steps.map((_, s): readonly At[] => [...outer, ...this.#restsOn(looked, index, s)])
      out[index] = steps.map((_, s) => this.#marks(looked, index, s, waits[s]!))
      for (const [s, step] of steps.entries()) {
        for (const [b, body] of this.#bodiesOf(index, step).entries()) {
          // A body rests on the rounds before it; one that handles a failure on the body that failed.
          const again = step.op[0] === "fold" || step.op[0] === "loop" || (step.op[0] === "catch" && b === 1)
          mark(body, again && looked.guessable[s] ? [...waits[s]!, { scope: index, step: s }] : waits[s]!)
        }
      }
    }
    mark(0, [])
    return out
  }

  #restsOn({ rests, guessable }: Looked, scope: number, s: number): readonly At[] {
    return [...rests[s]!]
      .filter((r) => guessable[r])
      .sort((a, b) => a - b)
      .map((step) => ({ scope, step }))
  }

  #marks({ rests, after, leads }: Looked, scope: number, s: number, waits: readonly At[]): Marks {
    const step = this.#plan.scopes[scope]!.steps[s]!
    const { effect, early } = own(this.#plan, step)
    return {
      guess: leads[s]! && mayGuess(this.#plan, step),
      // What lies behind a write that waits has never begun.
      again: after[s]!.filter(
        (t) =>
          !this.#has(scope, t, "write") &&
          ![...rests[t]!].some((r) => rests[r]!.has(s) && this.#has(scope, r, "write")),
      ),
      early,
      waits: effect === "write" ? waits : [],
    }
  }

  /** Looks at a scope and all below it; may anything there be guessed? */
  #look(index: number, leadsOut: boolean): boolean {
    const scope = this.#plan.scopes[index]!
    if (scope.steps.length > STEPS_MAX) return leadsOut && this.#within[index]!.read
    const rests = restsIn(scope)
    const after = scope.steps.map((_, s) => scope.steps.flatMap((__, t) => (rests[t]!.has(s) ? [t] : [])))
    const leads = scope.steps.map((_, s) => leadsOut || after[s]!.some((t) => this.#has(index, t, "early")))
    const guessable = scope.steps.map((step, s) => {
      const rounds = step.op[0] === "fold" || step.op[0] === "loop" || step.op[0] === "catch"
      const leading = leads[s]! || (rounds && this.#has(index, s, "early"))
      // All are looked at: none is passed over because one before it may be guessed.
      const inside = this.#bodiesOf(index, step).map((body) => this.#look(body, leading))
      return (leads[s]! && mayGuess(this.#plan, step)) || inside.includes(true)
    })
    this.#looked[index] = { rests, after, leads, guessable }
    return guessable.includes(true)
  }

  #has(scope: number, s: number, what: "early" | "read" | "write"): boolean {
    const step = this.#plan.scopes[scope]!.steps[s]!
    const { effect, early } = own(this.#plan, step)
    return (
      (what === "early" ? early : effect === what) || stepIo(step).bodies.some((b) => this.#within[b]?.[what] === true)
    )
  }

  #bodiesOf(scope: number, step: PlanStep): readonly number[] {
    return stepIo(step).bodies.filter((b) => b > scope && b < this.#plan.scopes.length)
  }
}

function own(plan: Plan, step: PlanStep): { readonly effect: string; readonly early: boolean } {
  const { extern } = stepIo(step)
  const x = extern === undefined ? undefined : plan.externs[extern]
  return { effect: x?.effect ?? "pure", early: x?.effect === "read" && x.settings.speculate === true }
}

/** A read with one answer, which runs no bodies. */
function mayGuess(plan: Plan, step: PlanStep): boolean {
  const { extern } = stepIo(step)
  const x = extern === undefined || step.op[0] !== "invoke" ? undefined : plan.externs[extern]
  return x?.effect === "read" && plan.types[x.output]?.kind !== "stream"
}

/** For each step the steps of its scope that it rests on, over others, too. */
function restsIn(scope: PlanScope): readonly ReadonlySet<number>[] {
  const maker = new Map<number, number>()
  const rests: Set<number>[] = []
  scope.steps.forEach((step, s) => {
    const io = stepIo(step)
    const block = step.instrs === undefined ? undefined : blockSlots(step.instrs)
    const on = new Set<number>()
    const add = (m: number | undefined): void => {
      if (m === undefined || m >= s) return
      on.add(m)
      for (const more of rests[m]!) on.add(more)
    }
    for (const slot of block?.reads ?? io.reads) add(maker.get(slot))
    for (const a of io.after) add(a)
    rests.push(on)
    for (const slot of block?.writes ?? io.writes) maker.set(slot, s)
  })
  return rests
}
