/**
 * The VM of a run whose every node is told of, for a trace: it goes step by step, without straight-line code, and looks at the
 * clock where a node begins and ends. Reads and writes tell of themselves (`RunEvent`); this is for all the others. What a run
 * comes to is the same; a run that nobody hears has the VM as it is, in which none of this stands.
 */

import type { Outcome } from "../graph/mod.ts"
import { type Path, toFailure } from "../graph/mod.ts"
import type { Pend } from "./driver.ts"
import type { Frame } from "./frame.ts"
import type { StepCode, ToldProgram } from "./program.ts"
import type { NodeTold, RunSettings } from "./settings.ts"
import { PENDING } from "./translate.ts"
import { Vm } from "./vm.ts"

type Tell = (node: NodeTold) => void

/** A node of a block, from its first instruction to its last. */
interface Part {
  readonly node: number
  readonly began: number
  at: number
}

export class TellingVm extends Vm {
  readonly #tell: Tell
  readonly #told: ToldProgram
  /** Steps that wait, by frame, and since when. */
  readonly #open = new Map<Frame, Map<StepCode, number>>()

  constructor(program: ToldProgram, settings: RunSettings, tell: Tell) {
    super(program, settings)
    this.#told = program
    this.#tell = tell
  }

  override start(frame: Frame, step: StepCode): unknown {
    if (step.kind === "block") return this.#block(frame, step)
    // An effect tells of itself.
    if (step.tool !== undefined && step.tool.extern.effect !== "pure") return super.start(frame, step)
    const began = this.#tick()
    let value: unknown
    try {
      value = super.start(frame, step)
    } catch (cause) {
      this.#ends(frame, step, began, toFailure(cause).code)
      throw cause
    }
    if (value === PENDING) this.#waits(frame, step, began)
    else this.#ends(frame, step, began)
    return value
  }

  override hop(frame: Frame, step: StepCode, answer: unknown): PromiseLike<unknown> | undefined {
    const next = super.hop(frame, step, answer)
    this.#over(frame, step)
    return next
  }

  override deliver(frame: Frame, step: StepCode, value: unknown): void {
    this.#over(frame, step)
    super.deliver(frame, step, value)
  }

  override refused(pend: Pend, cause: unknown): void {
    this.#over(pend.frame, pend.step, toFailure(cause).code)
    super.refused(pend, cause)
  }

  override reject(frame: Frame, step: StepCode, cause: unknown): void {
    this.#over(frame, step, toFailure(cause).code)
    super.reject(frame, step, cause)
  }

  /** What a body fails with fails the steps that it stands in, out to the one that meets it. */
  protected override failed(frame: Frame, cause: unknown): void {
    const { code } = toFailure(cause)
    let { parent } = frame
    while (parent !== undefined && parent.step.kind !== "catch") {
      this.#over(parent.frame, parent.step, code)
      parent = parent.frame.parent
    }
    super.failed(frame, cause)
  }

  protected override finish(outcome: Outcome): void {
    for (const [frame, steps] of this.#open)
      for (const [step, began] of steps) this.#say(frame.pathOf(step), step, began, this.#tick(), "unfinished")
    this.#open.clear()
    super.finish(outcome)
  }

  // ---- nodes of a block

  #block(frame: Frame, step: StepCode): unknown {
    const parts = new Map<number, Part>()
    let last: Part | undefined
    const { hearing, stepped } = this.#told
    const others = stepped[frame.code.index]!
    hearing.on = (node) => {
      if (last?.node === node) return
      const now = this.#tick()
      if (last !== undefined) last.at = now
      last = undefined
      if (others.has(node)) return
      last = parts.get(node)
      if (last === undefined) parts.set(node, (last = { node, began: now, at: now }))
    }
    let code: string | undefined
    try {
      return super.start(frame, step)
    } catch (cause) {
      ;({ code } = toFailure(cause))
      throw cause
    } finally {
      hearing.on = undefined
      if (last !== undefined) last.at = this.#tick()
      const base = frame.base()
      for (const part of parts.values()) this.#part(base, part, part === last ? code : undefined)
    }
  }

  #part(base: Path, { node, began, at }: Part, code: string | undefined): void {
    const own = this.program.plan.constants[node]!.value as readonly string[]
    // The graph's own output is no node.
    if (own.length === 0) return
    const outcome = code === undefined ? "ok" : "failed"
    this.#tell({
      path: [...base, ...own],
      kind: "expr",
      extern: undefined,
      began,
      at,
      outcome,
      ...(code ? { code } : {}),
    })
  }

  // ---- nodes that are steps

  #waits(frame: Frame, step: StepCode, began: number): void {
    const steps = this.#open.get(frame)
    if (steps === undefined) this.#open.set(frame, new Map([[step, began]]))
    else steps.set(step, began)
  }

  #over(frame: Frame, step: StepCode, code?: string): void {
    const steps = this.#open.get(frame)
    const began = steps?.get(step)
    if (began === undefined) return
    steps!.delete(step)
    if (steps!.size === 0) this.#open.delete(frame)
    this.#ends(frame, step, began, code)
  }

  #ends(frame: Frame, step: StepCode, began: number, code?: string): void {
    this.#say(frame.pathOf(step), step, began, this.#tick(), code === undefined ? "ok" : "failed", code)
  }

  #say(path: Path, step: StepCode, began: number, at: number, outcome: NodeTold["outcome"], code?: string): void {
    if (step.path.length === 0) return
    const extern = step.tool?.index
    const kind = extern === undefined ? step.kind : this.program.admitted.externs[extern]!.claim.kind
    this.#tell({ path, kind, extern, began, at, outcome, ...(code === undefined ? {} : { code }) })
  }

  #tick(): number {
    return this.settings.services.clock.tick()
  }
}
