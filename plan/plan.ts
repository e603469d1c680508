/**
 * A plan in memory: what `compile` makes, `encode` writes, `decode` reads and `verify` looks at. Plain data. Nothing runs
 * from it: `kernel/admit.ts` turns bytes into an admitted plan, and only that reaches the VM.
 */
import type { Effect, Expr, Narrowing, OnFailure, Rec, Settings, Type, Valid, Value } from "../graph/mod.ts"
import type { Instr, Step, StepName } from "./ops.ts"

export const PLAN_FORMAT = 1
/** The version of the semantics that the plan was compiled under. */
export const SEMANTICS = 1

export interface Constant {
  /** Index of its type. */
  readonly type: number
  readonly value: Value
}

/** A tool or function as the plan claims it to be. Admission compares each claim with the registration. */
export interface Extern {
  readonly kind: string
  readonly config: Rec
  readonly effect: Effect
  readonly resource: string | null
  readonly needs: readonly string[]
  /** Index of the type of the arguments, or −1 where anything goes in. */
  readonly input: number
  /** Index of the type that the outcome is judged by. */
  readonly output: number
  /** False: certainly answers synchronously. */
  readonly async: boolean
  readonly settings: Omit<Settings, "after">
}

export interface PlanStep<K extends StepName = StepName> {
  readonly op: Step<K>
  /** Only of a `block`: its instructions, and for each the constant (a path) of its node, where failures are reported. */
  readonly instrs?: readonly Instr[]
  readonly nodes?: readonly number[]
}

export interface PlanScope {
  /** Types of the parameters; they arrive in slots 0 … params.length − 1. */
  readonly params: readonly number[]
  /** Slots of a frame, parameters included. */
  readonly slots: number
  readonly steps: readonly PlanStep[]
  /** The slot that holds the scope's value, and the index of its type. */
  readonly result: number
  readonly type: number
}

/** What takes a write back: which extern, with what over `out` and `args`. */
export interface PlanUndo {
  /** Of the write: names of subgraphs and bodies, then of the node; no indexes. */
  readonly path: readonly string[]
  readonly extern: number
  readonly args: Expr
}

export interface Plan {
  readonly format: number
  readonly semantics: number
  readonly name: string
  /** Hash of the checked graph without its `valid:`s, lower-case hex; with those, undos, `onFailure` and `narrowed` it gives the graph's own (`graphOf`). */
  readonly graph: string
  /** Every `valid:` of the graph, with the path of its node. Left out where there is none. */
  readonly valids?: readonly Valid[]
  /** The undo of each write that has one, sorted by path. Left out where there is none. */
  readonly undos?: readonly PlanUndo[]
  /** What a run does when it fails. Left out where that is nothing. */
  readonly onFailure?: OnFailure
  /** Where the graph narrows what its calls may do, sorted by path; part of the graph's hash too. Left out where it does not. */
  readonly narrowed?: readonly Narrowing[]
  /** Indexes of the types of the graph's input record (with defaults) and of its output. */
  readonly input: number
  readonly output: number
  readonly needs: readonly string[]
  /** Declared servers, databases and models that the externs name, by section. */
  readonly resources: { readonly [section: string]: { readonly [name: string]: Value } }
  readonly types: readonly Type[]
  readonly constants: readonly Constant[]
  readonly externs: readonly Extern[]
  /** `scopes[0]` is the graph's body; its only parameter is the input record. */
  readonly scopes: readonly PlanScope[]
}

/** Bounds of a plan: slots of one frame, and anything that is counted. */
export const SLOTS_MAX = 1 << 22
export const COUNT_MAX = 1 << 24
