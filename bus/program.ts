/**
 * A program: an admitted plan made ready for the VM. Dependencies become flat arrays, blocks become functions, externs
 * meet their executors. Made once for each plan and session; frames of any number of runs share it.
 */
import { accept, acceptAnswer, type Executor, limitOf, type Outcome, type Type, type Value } from "../graph/mod.ts"
import { type Admitted, isAdmitted, type Judge, kernelError } from "../kernel/mod.ts"
import {
  bindersOf,
  type Extern,
  type Plan,
  type PlanScope,
  type PlanStep,
  row,
  type ScopeFacts,
  type StepName,
} from "../plan/mod.ts"
import { withEager } from "./eager.ts"
import { type Hearing, interpret } from "./interpret.ts"
import { operandsOf } from "./io.ts"
import { type FastRange, Ranges } from "./ranges.ts"
import type { Fuel } from "./words.ts"

/** An extern as the VM calls it. */
export interface Tool {
  readonly index: number
  readonly extern: Extern
  readonly execute: (args: never, call?: never) => unknown
  /** Takes no `call`: an inline function that is handed its input and nothing else. */
  readonly plain: boolean
  /** The `typeof` of a right answer, where that alone decides; otherwise a word that no `typeof` gives. */
  readonly quick: string
  /** Looks at an outcome, of a stream at one item: the value as the port holds it, or a thrown `Failure`. */
  readonly judge: (v: unknown) => Value
  readonly output: Type
  /** Looks at an answer as the kernel does, past every validator that is installed. */
  readonly judged: Judge["judge"]
  /** Pure, one attempt, no timeout, no cache, no stream, no validators: may stand in straight-line code. */
  readonly direct: boolean
  readonly keyed: boolean
  /** May the run rest inside its bodies? */
  readonly rests: boolean
  /** Are there bounds on calls of its resource? */
  readonly limited: boolean
  /** Hears of every committed call of a read or a write, where somebody asked to; undefined of almost every tool. */
  readonly hear: Hear | undefined
}

/** Told of a committed call: what it took and came to, and in how many milliseconds. Must not throw. */
export type Hear = (args: Value, outcome: Outcome, ms: number) => void

export interface BodyCode {
  readonly code: ScopeCode
  /** For each capture the slot of this scope, and the pseudo-node that makes it (parameters first, then steps). */
  readonly captures: Uint32Array
  readonly producers: Uint32Array
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
  /** A pure function on which all that follows depends: an answer goes straight on to the next such step. */
  readonly hops: boolean
  /** The tool's `quick` and `execute`, where steps of that sort look for them. */
  readonly quick: string
  readonly execute: ((x: unknown) => unknown) | undefined
  /** Slots that must hold their values before the step starts. */
  readonly reads: Uint32Array
  /** Pseudo-nodes that must be done before: parameters 0 … P−1, then steps. */
  readonly preds: Uint32Array
  /** Steps that wait for this one. */
  readonly succs: Uint32Array
  /** Of a step that gives a stream: all of it is read before anything else happens. */
  readonly eager: boolean
  /** `block`: does its instructions. Throws a `Failure`. */
  readonly block: Block | undefined
}

/** Steps that `hop` one to the next, as flat arrays. */
export interface HopRow {
  readonly first: number
  readonly fns: readonly ((x: unknown) => unknown)[]
  readonly args: Int32Array
  readonly to: Int32Array
  /** 1 where a number is a right answer. */
  readonly numbers: Uint8Array
}

export interface ScopeCode {
  readonly index: number
  readonly params: number
  readonly slots: number
  readonly result: number
  /** The pseudo-node that makes the result. */
  readonly maker: number
  /** Can it fail in several ways, of which time decides what comes first? */
  readonly races: boolean
  /** Is there a read or write in it or in its bodies? */
  readonly traced: boolean
  readonly writes: boolean
  readonly steps: readonly StepCode[]
  readonly n: number
  /** 1 where every later step depends on this one: while it is pending nothing else can start, so the frame just stops there. */
  readonly cut: Uint8Array
  /** For each step the row of waiting functions that it is in, where it is in one. */
  readonly rows: readonly (HopRow | undefined)[]
  /** Straight-line code that starts at a step, where there is some. */
  readonly fast: readonly (FastRange | undefined)[]
  /** For each parameter the steps that wait for it, in case it arrives late. */
  readonly paramSuccs: readonly Uint32Array[]
}

export interface Program {
  readonly admitted: Admitted
  readonly plan: Plan
  readonly scopes: readonly ScopeCode[]
  readonly tools: readonly Tool[]
  /** The same program for runs whose every node is told of: step by step, nothing translated. Made when first asked for. */
  readonly told: () => ToldProgram
}

export interface ToldProgram extends Program {
  /** Whoever runs a block hears here which of its nodes begins. */
  readonly hearing: Hearing
  /** For each scope the nodes, by the constant of their path, that are steps of their own: in blocks only their arguments are made. */
  readonly stepped: readonly ReadonlySet<number>[]
}

export interface LoadOptions {
  /** May this host make functions from the plan's blocks? False: they are interpreted, with the same results. */
  readonly codegen: boolean
  /** Translate at the first entry; otherwise only what runs again. For tests, which want the translation and not the time. */
  readonly eager?: boolean
  /** Who hears of the committed calls of an extern, by its index; of a pure one there are none. */
  readonly hear?: ((extern: number) => Hear | undefined) | undefined
}

export function load(admitted: Admitted, executors: readonly Executor[], options: LoadOptions): Program {
  if (!isAdmitted(admitted)) throw kernelError("misuse", "Cannot load a plan: it was not admitted")
  const { plan, facts } = admitted
  const tools = plan.externs.map((extern, index) =>
    toolOf(plan, extern, index, executors[index]!, admitted, options.hear?.(index)),
  )
  const ranges = new Ranges(plan, options)
  let made: ToldProgram | undefined
  const told = (): ToldProgram => {
    if (made !== undefined) return made
    const hearing: Hearing = { on: undefined }
    const scopes = scopesOf(plan, facts.scopes, tools, hearing)
    made = { admitted, plan, tools, told, hearing, scopes, stepped: plan.scopes.map((scope) => steppedIn(plan, scope)) }
    return made
  }
  return { admitted, plan, tools, told, scopes: scopesOf(plan, facts.scopes, tools, ranges) }
}

function steppedIn(plan: Plan, { steps }: PlanScope): ReadonlySet<number> {
  const words = (constant: number): string => (plan.constants[constant]!.value as readonly string[]).join(".")
  const own = new Set(steps.flatMap((step) => (operandsOf(step).path < 0 ? [] : [words(operandsOf(step).path)])))
  return new Set(steps.flatMap(({ nodes = [] }) => nodes.filter((node) => own.has(words(node)))))
}

/** How steps are run: in rows of straight-line code, or each by itself, telling of its nodes. */
type Way = Ranges | Hearing

function scopesOf(plan: Plan, facts: readonly ScopeFacts[], tools: readonly Tool[], way: Way): readonly ScopeCode[] {
  const scopes: ScopeCode[] = new Array(plan.scopes.length)
  // Bodies have greater indexes than what uses them, so going backwards finds them ready.
  for (let i = plan.scopes.length - 1; i >= 0; i--) scopes[i] = scopeOf(plan, facts[i]!, i, scopes, tools, way)
  return scopes
}

function toolOf(
  plan: Plan,
  extern: Extern,
  index: number,
  executor: Executor,
  admitted: Admitted,
  hear: Hear | undefined,
): Tool {
  const output = plan.types[extern.output]!
  const { retry, timeoutMs, cacheMs } = extern.settings
  const { signature, judge, kind } = admitted.externs[index]!
  return {
    index,
    extern,
    execute: executor.execute as unknown as Tool["execute"],
    plain: executor.execute.length < 2,
    judge: output.kind === "stream" ? accept(output.of) : acceptAnswer(output),
    output,
    quick: output.kind === "number" || output.kind === "string" || output.kind === "boolean" ? output.kind : "",
    judged: judge.judge,
    // A stream is begun as an attempt is, also a pure one: its items come later and are judged one by one.
    direct:
      extern.effect === "pure" &&
      retry === undefined &&
      timeoutMs === undefined &&
      cacheMs === undefined &&
      judge.plain &&
      output.kind !== "stream",
    keyed: signature.keyed === true,
    // Of a write nobody would know whether it was done.
    rests: kind.scopes?.rests === true && extern.effect !== "write",
    limited:
      extern.resource !== null &&
      (signature.limits !== undefined || limitOf(plan.resources, extern.resource) !== undefined),
    hear,
  }
}

function scopeOf(
  plan: Plan,
  facts: ScopeFacts,
  index: number,
  done: readonly ScopeCode[],
  tools: readonly Tool[],
  way: Way,
): ScopeCode {
  const scope = plan.scopes[index]!
  const P = scope.params.length
  const n = scope.steps.length
  const cut = cuts(facts, n)
  const hearing = way instanceof Ranges ? undefined : way
  const made = scope.steps.map((step, i) => stepOf(plan, facts, step, i, done, tools, cut[i] === 1, hearing))
  const steps = withEager(made)
  return {
    index,
    params: P,
    slots: scope.slots,
    result: scope.result,
    maker: facts.result,
    races:
      steps.some((s) => s.kind !== "block") &&
      steps.some((s, i) => s.bodies.length > 0 || (i < steps.length - 1 && cut[i] !== 1)),
    traced: steps.some((s) => s.traced || (s.tool !== undefined && s.tool.extern.effect !== "pure")),
    steps,
    n,
    writes: steps.some((s) => s.tool?.extern.effect === "write" || s.bodies.some((b) => b.code.writes)),
    cut,
    rows: rowsOf(steps),
    fast: way instanceof Ranges ? way.of(scope, steps, facts.result) : [],
    paramSuccs: Array.from({ length: P }, (_, p) => row(facts.succs, p)),
  }
}

function rowsOf(steps: readonly StepCode[]): readonly (HopRow | undefined)[] {
  const rows: (HopRow | undefined)[] = new Array(steps.length).fill(undefined)
  for (let first = 0; first < steps.length; first++) {
    let end = first
    while (end < steps.length && steps[end]!.hops) end++
    if (end - first < 2) continue
    const of = steps.slice(first, end)
    const row: HopRow = {
      first,
      fns: of.map((s) => s.execute!),
      args: Int32Array.from(of, (s) => s.arg),
      to: Int32Array.from(of, (s) => s.to),
      numbers: Uint8Array.from(of, (s) => (s.quick === "number" ? 1 : 0)),
    }
    rows.fill(row, first, end)
    first = end
  }
  return rows
}

/** A step is a cut when each later step has a predecessor at or after it: by induction they all depend on it. */
function cuts({ preds, params }: ScopeFacts, n: number): Uint8Array {
  const cut = new Uint8Array(n)
  let least = Number.POSITIVE_INFINITY
  for (let i = n - 1; i >= 0; i--) {
    cut[i] = least >= i ? 1 : 0
    let last = -1
    for (const p of row(preds, i)) last = Math.max(last, p - params)
    least = Math.min(least, last)
  }
  return cut
}

function stepOf(
  plan: Plan,
  facts: ScopeFacts,
  step: PlanStep,
  index: number,
  done: readonly ScopeCode[],
  tools: readonly Tool[],
  cut: boolean,
  hearing: Hearing | undefined,
): StepCode {
  const io = operandsOf(step)
  const captures = row(facts.captures, index)
  const producers = row(facts.lazy, index)
  const tool = io.extern < 0 ? undefined : tools[io.extern]
  const bodies: BodyCode[] = []
  let at = 0
  io.bodies.forEach((scope, b) => {
    const binders = bindersOf(step.op[0], b)
    const end = at + plan.scopes[scope]!.params.length - binders
    bodies.push({
      code: done[scope]!,
      captures: captures.subarray(at, end),
      producers: producers.subarray(at, end),
      binders,
    })
    at = end
  })
  return {
    index,
    kind: step.op[0],
    step,
    to: io.to,
    arg: io.src[0] ?? -1,
    arg2: io.src[1] ?? -1,
    tool,
    bodies,
    words: io.words < 0 ? [] : (plan.constants[io.words]!.value as readonly string[]),
    bound: io.bound,
    path: io.path < 0 ? [] : (plan.constants[io.path]!.value as readonly string[]),
    quick: tool?.quick ?? "",
    execute: tool?.execute as unknown as ((x: unknown) => unknown) | undefined,
    hops: hearing === undefined && cut && step.op[0] === "invoke" && tool!.direct && tool!.plain,
    traced: bodies.some((b) => b.code.traced),
    reads: row(facts.strict, index),
    preds: row(facts.preds, index),
    succs: row(facts.succs, facts.params + index),
    eager: false,
    block: step.op[0] === "block" ? lazily(() => interpret(plan, step, hearing)) : undefined,
  }
}

/** A block is made ready when it first runs. */
function lazily(make: () => Block): Block {
  let made: Block | undefined
  return (slots, fuel) => {
    made ??= make()
    made(slots, fuel)
  }
}
type Block = (slots: unknown[], fuel: Fuel) => void
