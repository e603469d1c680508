/**
 * A program: an admitted plan made ready for the VM. Dependencies become flat arrays, blocks become functions, externs
 * meet their executors. Made once for each plan and session; frames of any number of runs share it.
 */
import { accept, acceptAnswer, type Executor, type Type, type Value } from "../graph/mod.ts"
import { type Admitted, isAdmitted, kernelError } from "../kernel/mod.ts"
import { bindersOf, type Extern, type Plan, type PlanScope, type PlanStep, type StepName } from "../plan/mod.ts"
import { interpret } from "./interpret.ts"
import { stepIo } from "./io.ts"
import { type FastRange, fastRanges } from "./ranges.ts"
import type { Fuel } from "./words.ts"

/** An extern as the VM calls it. */
export interface Tool {
  readonly index: number
  readonly extern: Extern
  readonly execute: (args: never, call?: never) => unknown
  /** Takes no `call`: an inline function that is handed its input and nothing else. */
  readonly plain: boolean
  /** Looks at an outcome, of a stream at one item: the value as the port holds it, or a thrown `Failure`. */
  readonly judge: (v: unknown) => Value
  readonly output: Type
  /** Pure, one attempt, no timeout, no cache: may stand in straight-line code. */
  readonly direct: boolean
  readonly keyed: boolean
  readonly limits: { readonly concurrent?: number; readonly perSecond?: number } | undefined
}

export interface BodyCode {
  readonly code: ScopeCode
  /** For each capture the slot of this scope, and the pseudo-node that makes it (parameters first, then steps). */
  readonly captures: readonly number[]
  readonly producers: readonly number[]
  readonly binders: number
}

export interface StepCode {
  readonly index: number
  readonly kind: StepName
  readonly step: PlanStep
  /** The slot of the value; −1 for a block. */
  readonly to: number
  /** The slot of the strict operand: arguments, test, list. */
  readonly arg: number
  readonly arg2: number
  readonly tool: Tool | undefined
  readonly bodies: readonly BodyCode[]
  /** `switch`: cases. `invoke_with`: roles. */
  readonly words: readonly string[]
  /** `map`: parallel. `loop`: max. */
  readonly bound: number
  readonly path: readonly string[]
  /** Is there a read or write inside its bodies? Only then has the trace anything to fold. */
  readonly traced: boolean
  /** Slots that must hold their values before the step starts. */
  readonly reads: readonly number[]
  /** Pseudo-nodes that must be done before: parameters 0 … P−1, then steps. */
  readonly preds: Int32Array
  /** Steps that wait for this one. */
  readonly succs: Int32Array
  /** Of a tool that gives a stream: all of it is read before anything else happens. */
  readonly eager: boolean
  /** `block`: does its instructions. Throws a `Failure`. */
  readonly block: ((slots: unknown[], fuel: Fuel) => void) | undefined
}

export interface ScopeCode {
  readonly index: number
  readonly params: number
  readonly slots: number
  readonly result: number
  /** Is there a read or write in it or in its bodies? */
  readonly traced: boolean
  readonly writes: boolean
  readonly steps: readonly StepCode[]
  readonly n: number
  /** 1 where every later step depends on this one: while it is pending nothing else can start, so the frame just stops there. */
  readonly cut: Uint8Array
  /** Straight-line code that starts at a step, where there is some. */
  readonly fast: readonly (FastRange | undefined)[]
  /** For each parameter the steps that wait for it, in case it arrives late. */
  readonly paramSuccs: readonly Int32Array[]
}

export interface Program {
  readonly admitted: Admitted
  readonly plan: Plan
  readonly scopes: readonly ScopeCode[]
  readonly tools: readonly Tool[]
}

export interface LoadOptions {
  /** May this host make functions from the plan's blocks? False: they are interpreted, with the same results. */
  readonly codegen: boolean
}

export function load(admitted: Admitted, executors: readonly Executor[], options: LoadOptions): Program {
  if (!isAdmitted(admitted)) throw kernelError("misuse", "Cannot load a plan: it was not admitted")
  const { plan } = admitted
  const tools = plan.externs.map((extern, index) => toolOf(plan, extern, index, executors[index]!, admitted))
  const scopes: ScopeCode[] = new Array(plan.scopes.length)
  // Bodies have greater indexes than what uses them, so going backwards finds them ready.
  for (let i = plan.scopes.length - 1; i >= 0; i--) scopes[i] = scopeOf(plan, i, scopes, tools, options)
  return { admitted, plan, scopes, tools }
}

function toolOf(plan: Plan, extern: Extern, index: number, executor: Executor, admitted: Admitted): Tool {
  const output = plan.types[extern.output]!
  const { retry, timeoutMs, cacheMs } = extern.settings
  const { signature } = admitted.externs[index]!
  return {
    index,
    extern,
    execute: executor.execute as unknown as Tool["execute"],
    plain: executor.execute.length < 2,
    judge: output.kind === "stream" ? accept(output.of) : acceptAnswer(output),
    output,
    direct: extern.effect === "pure" && retry === undefined && timeoutMs === undefined && cacheMs === undefined,
    keyed: signature.keyed === true,
    limits: signature.limits,
  }
}

function scopeOf(
  plan: Plan,
  index: number,
  done: readonly ScopeCode[],
  tools: readonly Tool[],
  options: LoadOptions,
): ScopeCode {
  const scope = plan.scopes[index]!
  const P = scope.params.length
  const n = scope.steps.length
  const { preds, producers } = dependencies(scope)
  const succs: number[][] = Array.from({ length: P + n }, () => [])
  preds.forEach((list, i) => {
    for (const p of list) succs[p]!.push(i)
  })
  const made = scope.steps.map((step, i) =>
    stepOf(plan, step, i, Int32Array.from(preds[i]!), Int32Array.from(succs[P + i]!), producers[i]!, done, tools),
  )
  const steps = made.map((step) => (isEager(step, made) ? { ...step, eager: true } : step))
  return {
    index,
    params: P,
    slots: scope.slots,
    result: scope.result,
    traced: steps.some((s) => s.traced || (s.tool !== undefined && s.tool.extern.effect !== "pure")),
    writes: steps.some((s) => s.tool?.extern.effect === "write" || s.bodies.some((b) => b.code.writes)),
    steps,
    n,
    cut: cuts(preds, P, n),
    fast: fastRanges(plan, scope, steps, options.codegen),
    paramSuccs: Array.from({ length: P }, (_, p) => Int32Array.from(succs[p]!)),
  }
}

/**
 * Must a stream be read to its end at once? Where nobody reads it, or where something waits for its outcome: a step that
 * comes after it, or writes that rest on its items, which are certain only once the whole is on record.
 */
function isEager(step: StepCode, steps: readonly StepCode[]): boolean {
  if (step.tool?.output.kind !== "stream") return false
  const readers = steps.filter((s) => s.reads.includes(step.to))
  if (steps.some((s) => stepIo(s.step).after.includes(step.index))) return true
  return readers.length !== 1 || (step.tool.extern.effect !== "pure" && readers[0]!.bodies.some((b) => b.code.writes))
}

/** For each step the pseudo-nodes it waits for, and the makers of the slots that its bodies capture. */
function dependencies(scope: PlanScope): { preds: number[][]; producers: number[][] } {
  const P = scope.params.length
  const maker = new Int32Array(scope.slots).fill(-1)
  for (let p = 0; p < P; p++) maker[p] = p
  const preds: number[][] = []
  const producers: number[][] = []
  scope.steps.forEach((step, i) => {
    const io = stepIo(step)
    const list = new Set<number>()
    for (const slot of io.strict) if (maker[slot]! >= 0) list.add(maker[slot]!)
    for (const before of io.after) list.add(P + before)
    preds.push([...list])
    producers.push(io.captures.map((slot) => maker[slot]!))
    for (const slot of io.writes) maker[slot] = P + i
  })
  return { preds, producers }
}

/** A step is a cut when each later step has a predecessor at or after it: by induction they all depend on it. */
function cuts(preds: readonly (readonly number[])[], P: number, n: number): Uint8Array {
  const cut = new Uint8Array(n)
  let least = Number.POSITIVE_INFINITY
  for (let i = n - 1; i >= 0; i--) {
    cut[i] = least >= i ? 1 : 0
    let last = -1
    for (const p of preds[i]!) last = Math.max(last, p - P)
    least = Math.min(least, last)
  }
  return cut
}

function stepOf(
  plan: Plan,
  step: PlanStep,
  index: number,
  preds: Int32Array,
  succs: Int32Array,
  producers: readonly number[],
  done: readonly ScopeCode[],
  tools: readonly Tool[],
): StepCode {
  const io = stepIo(step)
  const bodies: BodyCode[] = []
  let at = 0
  io.bodies.forEach((scope, b) => {
    const binders = bindersOf(step.op[0], b)
    const count = plan.scopes[scope]!.params.length - binders
    bodies.push({
      code: done[scope]!,
      captures: io.captures.slice(at, at + count),
      producers: producers.slice(at, at + count),
      binders,
    })
    at += count
  })
  return {
    index,
    kind: step.op[0],
    step,
    to: io.to,
    arg: io.operands[0] ?? -1,
    arg2: io.operands[1] ?? -1,
    tool: io.extern < 0 ? undefined : tools[io.extern],
    bodies,
    words: io.words < 0 ? [] : (plan.constants[io.words]!.value as readonly string[]),
    bound: io.bound,
    path: io.path < 0 ? [] : (plan.constants[io.path]!.value as readonly string[]),
    traced: bodies.some((b) => b.code.traced),
    reads: io.strict,
    eager: false,
    preds,
    succs,
    block: step.op[0] === "block" ? interpret(plan, step) : undefined,
  }
}
