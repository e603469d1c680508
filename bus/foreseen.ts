/**
 * An outcome that a run has not got yet and looks ahead with: a guess, or what a read answered that was called on guesses.
 * And what a step rests on: found from the plan's own dependencies when somebody asks, so that no slot carries a mark.
 */
import type { Failure, Park, Path, Value } from "../graph/mod.ts"
import { printPath } from "../graph/mod.ts"
import type { Frame } from "./frame.ts"
import type { ScopeCode, StepCode } from "./program.ts"
import type { Task } from "./task.ts"

/** A prediction that passed the tool's validators. */
export interface Guess {
  readonly value: Value
  readonly by: string
  readonly alpha: number
  readonly confidence: number
  /** Which inference computed it, and why that one; null where its shadow does not say. */
  readonly ran: string | null
  /** Milliseconds that asking took. */
  readonly ms: number
}

/** What a read that was called early came to. */
export class Arrived {
  readonly answer: Value | Failure | Park
  readonly attempts: number
  constructor(answer: unknown, attempts: number) {
    this.answer = answer as Value | Failure | Park
    this.attempts = attempts
  }
}

/** A read that was called before it was certain that it is wanted. Nothing of it is committed until the run comes to it. */
export interface Early {
  readonly task: Task
  arrived: Arrived | undefined
  /** Resolves when `arrived` is there. */
  done: Promise<void> | undefined
  /** How long it took, in milliseconds. */
  ms: number
  /** The run has come to it: its answer is the answer. */
  adopted: boolean
}

export class Foreseen {
  readonly path: Path
  readonly at: string
  readonly step: StepCode
  readonly args: Value
  /** What had to be right for it to be asked so: open when it was foreseen. */
  readonly rests: readonly Foreseen[]
  guess: Guess | undefined
  call: Early | undefined
  /** What the look ahead goes on with. */
  value: { readonly is: Value } | undefined
  /** Has the tool confirmed or refuted the guess? */
  verified = false
  state: "open" | "kept" | "dropped" = "open"

  constructor(
    path: Path,
    at: string,
    step: StepCode,
    args: Value,
    rests: readonly Foreseen[],
    guess: Guess | undefined,
  ) {
    this.path = path
    this.at = at
    this.step = step
    this.args = args
    this.rests = rests
    this.guess = guess
  }

  /** Does the look ahead go on with what nobody has confirmed? */
  get guessed(): boolean {
    return this.guess !== undefined && !this.verified
  }
}

/** What a run knows of its calls, by their printed paths. */
export interface Learnt {
  readonly open: ReadonlyMap<string, Foreseen>
  /** Has the run itself come to the call, and got its outcome? */
  readonly certain: (at: string) => boolean
}

/** Everything foreseen that a step of a frame rests on: what its arguments are made of, and that it is come to at all. */
export const restsOf = (frame: Frame, step: StepCode, learnt: Learnt): readonly Foreseen[] =>
  learnt.open.size === 0 ? [] : new Walk(learnt).of(frame, step.preds)

/** What the value of a whole frame rests on. */
export const restsOfResult = (frame: Frame, learnt: Learnt): readonly Foreseen[] =>
  learnt.open.size === 0 ? [] : new Walk(learnt).of(frame, [frame.code.maker])

/** Goes back over pseudo-nodes (parameters first, then steps), frame by frame. */
class Walk {
  readonly #open: ReadonlyMap<string, Foreseen>
  readonly #certain: Learnt["certain"]
  readonly #found = new Set<Foreseen>()
  readonly #seen = new Map<Frame, Uint8Array>()
  readonly #todo: { readonly frame: Frame; readonly node: number }[] = []

  constructor({ open, certain }: Learnt) {
    this.#open = open
    this.#certain = certain
  }

  of(frame: Frame, nodes: Iterable<number>): readonly Foreseen[] {
    this.#enter(frame)
    for (const node of nodes) this.#push(frame, node)
    for (let next = this.#todo.pop(); next !== undefined; next = this.#todo.pop()) this.#node(next.frame, next.node)
    return [...this.#open.values()].filter((f) => this.#found.has(f))
  }

  #push(frame: Frame, node: number): void {
    let seen = this.#seen.get(frame)
    if (seen === undefined) this.#seen.set(frame, (seen = new Uint8Array(frame.code.params + frame.code.n)))
    if (seen[node] === 1) return
    seen[node] = 1
    this.#todo.push({ frame, node })
  }

  #node(frame: Frame, node: number): void {
    const { code } = frame
    if (node < code.params) return this.#parameter(frame, node)
    const step = code.steps[node - code.params]!
    const { tool } = step
    if (tool !== undefined && tool.extern.effect !== "pure") {
      const at = printPath(frame.pathOf(step))
      // The run came to it on what is certain: nothing before it is left to look at.
      if (this.#certain(at)) return
      const found = this.#open.get(at)
      if (found !== undefined) this.#found.add(found)
    }
    for (const p of step.preds) this.#push(frame, p)
    for (const body of step.bodies) for (const p of body.producers) this.#push(frame, p)
    if (step.bodies.length > 0) this.#below(frame.pathOf(step))
  }

  /** A frame is there at all because of what its step waited for, and of rounds before it. */
  #enter(frame: Frame): void {
    for (let f = frame; f.parent !== undefined; f = f.parent.frame) {
      const { frame: outer, step } = f.parent
      for (const p of step.preds) this.#push(outer, p)
      const [first, second] = step.bodies
      if (step.kind === "catch" && f.code === second!.code) this.#below(outer.pathOf(step))
      if (step.kind === "fold") this.#below(outer.pathOf(step), f.index! - 1)
      // A round of a loop also rests on its own test.
      if (step.kind === "loop")
        this.#below(outer.pathOf(step), f.code === second!.code && first!.code.traced ? f.index! : f.index! - 1)
    }
  }

  #parameter(frame: Frame, param: number): void {
    const { parent } = frame
    // What a step waited for is there already; a capture has its maker.
    const body = parent?.step.bodies.find((b) => b.code === frame.code)
    if (parent === undefined || body === undefined || param < body.binders) return
    this.#push(parent.frame, body.producers[param - body.binders]!)
  }

  /** Everything foreseen inside a step with bodies, up to a round of it. */
  #below(path: Path, last?: number): void {
    for (const f of this.#open.values()) {
      if (f.path.length <= path.length || !path.every((part, i) => f.path[i] === part)) continue
      const round = f.path[path.length]
      if (last === undefined || typeof round !== "number" || round <= last) this.#found.add(f)
    }
  }
}

/** Steps after which something is read that may be read early: by scope, 1 for each such step. */
const leading = new WeakMap<ScopeCode, { readonly within: boolean; readonly after: Uint8Array }>()

/** May something that depends on the step be read early? */
export function leads(frame: Frame, step: StepCode): boolean {
  if (afterOf(frame.code).after[step.index] === 1) return true
  const { parent } = frame
  if (parent === undefined) return false
  const rounds = parent.step.kind === "fold" || parent.step.kind === "loop" || parent.step.kind === "catch"
  return (rounds && marked(parent.step)) || leads(parent.frame, parent.step)
}

/** Is any read of the program marked, so that it may be called early? */
export const anyMarked = (code: ScopeCode): boolean => afterOf(code).within

const marked = (step: StepCode): boolean =>
  step.tool?.extern.settings.speculate === true || step.bodies.some((b) => anyMarked(b.code))

function afterOf(code: ScopeCode): { readonly within: boolean; readonly after: Uint8Array } {
  const known = leading.get(code)
  if (known !== undefined) return known
  const after = new Uint8Array(code.n)
  for (let i = code.n - 1; i >= 0; i--) {
    const step = code.steps[i]!
    for (const s of step.succs) if (after[s] === 1 || marked(code.steps[s]!)) after[i] = 1
    // Bodies wait for what they capture, their step does not.
    if (!marked(step) && after[i] === 0) continue
    for (const { producers } of step.bodies) for (const p of producers) if (p >= code.params) after[p - code.params] = 1
  }
  const found = { within: code.steps.some(marked), after }
  leading.set(code, found)
  return found
}
