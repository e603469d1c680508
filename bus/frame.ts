/**
 * A frame: one scope at work. Values in slots, a place in the step list, and, only once something is pending that later
 * steps do not all wait for, the counters of a dataflow machine.
 */
import { type Failure, fail, type Path, toFailure } from "../graph/mod.ts"
import type { Plan } from "../plan/mod.ts"
import type { Idling } from "./idle.ts"
import type { ScopeCode, StepCode } from "./program.ts"
import type { Task } from "./task.ts"

/** The counters of a frame in which steps run out of order. Pseudo-nodes: parameters first, then steps. */
export interface Slow {
  /** 1 for each pseudo-node that is done. */
  readonly done: Uint8Array
  /** For each step that was looked at, how many of its predecessors are not. */
  readonly missing: Int32Array
  /** Steps not done. */
  left: number
  readonly ready: number[]
}

/** What a step with bodies knows while they run; whoever started a frame is told how it ended. */
export interface Parent {
  readonly frame: Frame
  readonly step: StepCode
  /** The body ended in a value. */
  done(child: Frame, value: unknown): void
  /** The body failed: true when that was dealt with, so that the parent does not fail. */
  readonly failed: ((child: Frame, failure: unknown) => boolean) | undefined
  /** The body will never end: what it was part of does not matter any more. */
  readonly killed?: () => void
  /** The call of a tool that asked for the body, and what waits in the body. */
  readonly task?: Task
  readonly idling?: Idling
}

/** What a frame waits for whose straight-line code threw: it stands before that code. */
export const THREW = -2

export class Frame {
  readonly code: ScopeCode
  readonly slots: unknown[]
  readonly parent: Parent | undefined
  /** Item or iteration number, the last part of the base path; undefined for a body that runs once. */
  index: number | undefined
  pc = 0
  slow: Slow | undefined
  /** The step at which the frame stopped because everything after it depends on it; −1 otherwise, `THREW` where straight-line code failed. */
  waiting = -1
  dead = false
  /** It has given its value. */
  ended = false
  /** Values that bodies started without: by pseudo-node, the frames and parameters that want them, and the slot they are in. */
  late: Map<number, { readonly frame: Frame; readonly param: number; readonly slot: number }[]> | undefined
  /** Calls of bodies that the current attempt of an `invoke_with` made. */
  children: Set<Frame> | undefined

  #stop: AbortController | undefined

  constructor(code: ScopeCode, parent: Parent | undefined, index: number | undefined) {
    this.code = code
    this.slots = new Array(code.slots)
    this.parent = parent
    this.index = index
  }

  /** It has to wait: from now on its parent's frame knows it, so that it can be stopped with it. */
  listed(): void {
    if (this.parent === undefined) return
    this.parent.frame.children ??= new Set()
    this.parent.frame.children.add(this)
  }

  /** Aborted when nothing in the frame matters any more; for work that belongs to no attempt. */
  get signal(): AbortSignal {
    if (this.#stop === undefined) {
      this.#stop = new AbortController()
      if (this.dead) this.#stop.abort(unwanted())
    }
    return this.#stop.signal
  }
  /** Nothing in the frame matters any more. */
  die(): void {
    this.dead = true
    this.#stop?.abort(unwanted())
  }

  /** Ready for the next iteration of the same body. */
  reuse(index: number): void {
    this.index = index
    this.pc = 0
    this.slow = undefined
    this.waiting = -1
    this.late = undefined
    this.ended = false
  }

  /** Is the pseudo-node done? Only frames with counters have any that are not, apart from the steps ahead. */
  isDone(node: number): boolean {
    if (this.slow !== undefined) return this.slow.done[node] === 1
    const step = node - this.code.params
    return step < 0 || (step < this.pc && step !== this.waiting)
  }

  /** The way from the run to a step. Only made when somebody asks: most steps never need their path. */
  pathOf(step: StepCode): Path {
    return [...this.base(), ...step.path]
  }
  base(): Path {
    if (this.parent === undefined) return []
    const own = this.parent.frame.pathOf(this.parent.step)
    return this.index === undefined ? own : [...own, this.index]
  }
}

const unwanted = () => fail("Cancelled", "The call no longer matters")

/** A failure inside a block or straight-line code, with the path of the node that the instruction came from. */
export function located(plan: Plan, cause: unknown, frame: Frame, step: StepCode, instr: number): Failure {
  const failure = toFailure(cause)
  if (failure.path !== undefined) return failure
  const node = step.step.nodes?.[instr]
  const own = node === undefined ? step.path : (plan.constants[node]!.value as readonly string[])
  return toFailure(failure, [...frame.base(), ...own])
}
