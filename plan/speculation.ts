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
  /** Of a write: guessable steps of the same scope that it rests on. It is sent when they are certain. */
  readonly waits: readonly number[]
}

/** Scopes of more steps are not marked: who rests on whom is looked up for all pairs. */
const STEPS_MAX = 2_000

/** The marks of every step, by scope; undefined where nothing of the plan may be called on a guess. */
export function marksOf(plan: Plan): readonly (readonly Marks[])[] | undefined {
  if (!plan.externs.some((x) => x.settings.speculate === true)) return undefined
  const within = plan.scopes.map(() => ({ early: false, read: false, write: false }))
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
  const out: (readonly Marks[])[] = plan.scopes.map(() => [])
  const visit = (index: number, leadsOut: boolean): void => {
    const scope = plan.scopes[index]!
    if (scope.steps.length > STEPS_MAX) return
    const rests = restsIn(scope)
    const has = (s: number, what: "early" | "read" | "write"): boolean => {
      const step = scope.steps[s]!
      const { effect, early } = own(plan, step)
      return (what === "early" ? early : effect === what) || stepIo(step).bodies.some((b) => within[b]?.[what] === true)
    }
    const after = scope.steps.map((_, s) => scope.steps.flatMap((__, t) => (rests[t]!.has(s) ? [t] : [])))
    const leads = scope.steps.map((_, s) => leadsOut || after[s]!.some((t) => has(t, "early")))
    const guessable = scope.steps.map((step, s) => leads[s]! && (mayGuess(plan, step) || has(s, "read")))
    out[index] = scope.steps.map((step, s) => ({
      guess: leads[s]! && mayGuess(plan, step),
      // What lies behind a write that waits has never begun.
      again: after[s]!.filter(
        (t) => !has(t, "write") && ![...rests[t]!].some((r) => rests[r]!.has(s) && has(r, "write")),
      ),
      early: own(plan, step).early,
      waits: own(plan, step).effect === "write" ? [...rests[s]!].filter((r) => guessable[r]).sort((a, b) => a - b) : [],
    }))
    scope.steps.forEach((step, s) => {
      const rounds = step.op[0] === "fold" || step.op[0] === "loop" || step.op[0] === "catch"
      for (const body of stepIo(step).bodies)
        if (body > index && body < plan.scopes.length) visit(body, leads[s]! || (rounds && has(s, "early")))
    })
  }
  if (plan.scopes.length > 0) visit(0, false)
  return out
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
