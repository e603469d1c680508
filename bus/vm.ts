/**
 * The VM: runs an admitted plan. While nothing is pending it is one loop over steps, most of them straight-line code; when
 * something is, the frame stops where everything waits for it, or goes on as a dataflow machine where it does not. A
 * promise is waited for in one place, and nothing is chained: an answer wakes its frame, which goes on from there.
 */
import { Failure, fail, type Outcome, toFailure, type Value } from "../graph/mod.ts"
import type { Ahead } from "./ahead.ts"
import { Attempts } from "./attempt.ts"
import { CONTROL } from "./control.ts"
import { capture, deliverLate, kill, markDone, stopAt } from "./counters.ts"
import { type Answers, Driver, isThenable, type Pend } from "./driver.ts"
import { Frame, located, type Parent, type Slow, THREW } from "./frame.ts"
import { instrOf } from "./interpret.ts"
import type { BodyCode, Program, StepCode } from "./program.ts"
import { comesLater } from "./rest.ts"
import { cancelled, FUEL_DEFAULT, type RunSettings } from "./settings.ts"
import { isStream, type StreamValue } from "./stream.ts"
import { type Context, PENDING } from "./translate.ts"
import { type Fuel, outOfFuel } from "./words.ts"

export class Vm implements Context, Answers {
  readonly program: Program
  readonly settings: RunSettings
  readonly fuel: Fuel
  /** Where the run looks ahead. */
  ahead: Ahead | undefined
  /** The outermost frame, once the run has begun. */
  root: Frame | undefined
  stepAt = 0
  instrAt = 0
  /** The promise that straight-line code met, for the step it stopped at. */
  #met: PromiseLike<unknown> | undefined
  #attempts: Attempts | undefined
  #driver: Driver | undefined
  /** What the run has come to. */
  outcome: Outcome | undefined
  #resolve: ((o: Outcome) => void) | undefined
  /** Frames that go on when whoever is in the middle of its steps is through. */
  readonly woken: Frame[] = []

  constructor(program: Program, settings: RunSettings, attempts?: Attempts) {
    this.program = program
    this.settings = settings
    this.#attempts = attempts
    const limit = settings.fuel ?? FUEL_DEFAULT
    this.fuel = { left: limit, limit }
  }

  /** Calls of tools; a run of pure work has none. */
  get attempts(): Attempts {
    this.#attempts ??= new Attempts(this.settings)
    return this.#attempts
  }

  run(input: Value): Outcome | Promise<Outcome> {
    const root = (this.root = new Frame(this.program.scopes[0]!, undefined, undefined))
    root.slots[0] = input
    const { signal, speculation } = this.settings
    if (speculation !== undefined) this.ahead = speculation.begin(this, input, Vm)
    if (signal?.aborted) return { ok: false, failure: cancelled(signal) }
    const onAbort = signal === undefined ? undefined : () => this.abort(root, cancelled(signal))
    signal?.addEventListener("abort", onAbort!, { once: true })
    this.enter(root)
    this.drive()
    if (this.outcome !== undefined && this.#attempts?.settled() === undefined) {
      signal?.removeEventListener("abort", onAbort!)
      return this.outcome
    }
    return new Promise<Outcome>((resolve) => {
      this.#resolve = (outcome) => {
        signal?.removeEventListener("abort", onAbort!)
        // Writes that were sent before the run failed still report what came of them.
        const sent = this.#attempts?.settled()
        if (sent === undefined) resolve(outcome)
        else sent.then(() => resolve(outcome))
      }
      if (this.outcome !== undefined) this.#resolve(this.outcome)
    })
  }

  get driver(): Driver {
    return (this.#driver ??= new Driver(this))
  }
  /** The VM has gone as far as it could from here. */
  private drive(): void {
    this.wake()
    this.#driver?.drive()
  }

  protected finish(outcome: Outcome): void {
    if (this.outcome !== undefined) return
    this.outcome = outcome
    this.ahead?.close(outcome)
    this.#attempts?.close()
    if (!outcome.ok) this.#attempts?.abort(outcome.failure)
    this.#resolve?.(outcome)
  }

  rested(outcome: Outcome): void {
    this.finish(outcome)
  }
  private abort(root: Frame, failure: Failure): void {
    kill(root)
    this.finish({ ok: false, failure })
  }

  // ---- frames

  /** Runs a fresh frame as far as it goes, from outside any other frame's loop. */
  enter(frame: Frame): void {
    if (frame.dead || frame.ended) return
    try {
      if (this.advance(frame)) this.ended(frame)
    } catch (cause) {
      this.failed(frame, cause)
    }
  }

  /** A frame has done all its steps: its value goes to whoever started it. */
  private ended(frame: Frame): void {
    frame.ended = true
    const value = frame.slots[frame.code.result]
    const { parent } = frame
    if (parent === undefined) {
      if (!isStream(value)) this.finish({ ok: true, value: value as Value })
      else void this.drained(frame, value)
      return
    }
    parent.frame.children?.delete(frame)
    parent.done(frame, value)
  }

  /** The graph's own value is a stream: all of it is read before the run ends. */
  private async drained(root: Frame, stream: StreamValue): Promise<void> {
    try {
      this.finish({ ok: true, value: await stream.collect(this.settings.onItem) })
    } catch (cause) {
      root.ended = false
      this.failed(root, cause)
    }
  }

  /** The run has used up what it was given: nothing of the graph goes on, and no failure is met. */
  get spent(): boolean {
    return this.fuel.left < 0 || this.settings.record.meter?.stopped !== undefined
  }

  /** A frame has failed: outwards until somebody deals with it. */
  protected failed(frame: Frame, cause: unknown): void {
    let f = frame
    let failure: unknown = this.settings.record.meter?.stopped ?? cause
    for (;;) {
      if (f.dead || comesLater(this, f, failure)) return
      kill(f)
      this.#attempts?.sweep(toFailure(failure))
      const { parent } = f
      if (parent === undefined) return this.finish({ ok: false, failure: toFailure(failure) })
      parent.frame.children?.delete(f)
      try {
        if (!this.spent && parent.failed?.(f, failure) === true) return
      } catch (again) {
        failure = again
      }
      f = parent.frame
    }
  }

  /**
   * Runs a body now, inside the loop of its parent's frame. Returns its value, or `PENDING` when it has to wait; then
   * `parent.done` or `parent.failed` hears of it later. Throws what it fails with at once.
   */
  body(child: Frame): unknown {
    try {
      if (this.advance(child)) {
        child.ended = true
        return child.slots[child.code.result]
      }
    } catch (cause) {
      if (!comesLater(this, child, cause)) {
        kill(child)
        this.#attempts?.sweep(toFailure(cause))
        throw cause
      }
    }
    child.listed()
    return PENDING
  }

  /** A frame for a body, with its captures; what is not there yet comes later. */
  child(parent: Parent, body: BodyCode, index: number | undefined): Frame {
    const child = new Frame(body.code, parent, index)
    capture(child, parent.frame, body)
    return child
  }

  /** Goes on as far as possible. True when every step of the frame is done. Throws what a step fails with. */
  advance(frame: Frame): boolean {
    const { code } = frame
    // A scope is paid for as a whole when it begins: so the same run stops at the same place, however its steps are run.
    if (frame.pc === 0 && (this.fuel.left -= code.n) < 0) throw toFailure(outOfFuel(this.fuel), frame.base())
    for (;;) {
      if (frame.slow === undefined) {
        if (this.loop(frame)) return true
        if (frame.slow === undefined) return false
      }
      const slow: Slow = frame.slow!
      for (;;) {
        const i = slow.ready.pop()
        if (i !== undefined) {
          this.step(frame, i)
          continue
        }
        // A body may end in what it captured, and that may be all that is missing.
        if (frame.pc >= code.n) return slow.left === 0 && slow.done[code.maker] === 1
        if (slow.left === code.n - frame.pc && slow.done.indexOf(0) >= code.params + frame.pc) {
          // Everything before this place is done: the plain loop is faster.
          frame.slow = undefined
          break
        }
        const next = frame.pc++
        let missing = 0
        for (const p of code.steps[next]!.preds) if (slow.done[p] === 0) missing++
        if (missing === 0) this.step(frame, next)
        else slow.missing[next] = missing
      }
    }
  }

  /** The plain loop: nothing is pending in this frame. True when it is through; false when it stopped or went slow. */
  private loop(frame: Frame): boolean {
    const { code, slots } = frame
    while (frame.pc < code.n) {
      const i = frame.pc
      const straight = code.fast[i]?.warm()
      if (straight !== undefined) {
        let stop: number
        try {
          stop = straight(slots, this)
        } catch (cause) {
          frame.waiting = THREW
          throw located(this.program.plan, cause, frame, code.steps[this.stepAt]!, this.instrAt)
        }
        if (stop >= 0) {
          frame.pc = stop
          continue
        }
        frame.pc = ~stop + 1
        this.driver.pend({ frame, step: code.steps[~stop]!, promise: this.#met!, pure: true })
        stopAt(frame, ~stop)
        return false
      }
      const step = code.steps[i]!
      frame.pc = i + 1
      const value = this.start(frame, step)
      if (value === PENDING) {
        stopAt(frame, i)
        return false
      }
      if (step.to >= 0) slots[step.to] = value
      if (frame.late !== undefined) deliverLate(frame, code.params + i, this.woken)
    }
    return true
  }

  /** One step of a frame with counters. */
  private step(frame: Frame, i: number): void {
    const step = frame.code.steps[i]!
    const value = this.start(frame, step)
    if (value === PENDING) return
    if (step.to >= 0) frame.slots[step.to] = value
    markDone(frame, i, this.woken)
  }

  // ---- steps

  /** Begins a step. Returns its value, or `PENDING`; throws its failure with its path. */
  start(frame: Frame, step: StepCode): unknown {
    switch (step.kind) {
      case "block":
        try {
          step.block!(frame.slots, this.fuel)
          return undefined
        } catch (cause) {
          throw located(this.program.plan, cause, frame, step, cause instanceof Failure ? (instrOf(cause) ?? 0) : 0)
        }
      case "invoke":
      case "invoke_with":
        return step.tool!.direct && step.kind === "invoke" ? this.direct(frame, step) : this.effect(frame, step)
      default:
        return CONTROL[step.kind](this, frame, step)
    }
  }

  /** A pure function with nothing around it. */
  private direct(frame: Frame, step: StepCode): unknown {
    const tool = step.tool!
    try {
      const args = frame.slots[step.arg] as never
      const answer = tool.plain ? tool.execute(args) : tool.execute(args, this.attempts.plainCall(frame, step) as never)
      const value = this.slow(tool.index, answer)
      if (value !== PENDING) return value
    } catch (cause) {
      throw toFailure(cause, frame.pathOf(step))
    }
    this.driver.pend({ frame, step, promise: this.#met!, pure: true })
    return PENDING
  }

  slow(tool: number, answer: unknown): unknown {
    if (typeof answer === "object" && answer !== null) {
      const work = isThenable(answer) ? answer : this.settings.settle?.(answer, this.attempts.signal)
      if (work !== undefined) {
        this.#met = work
        return PENDING
      }
    }
    return this.program.tools[tool]!.judge(answer)
  }

  private effect(frame: Frame, step: StepCode): unknown {
    // Whoever cancels a run from inside its loop has come first.
    if (this.outcome !== undefined) throw fail("Cancelled", "The run is over", { path: frame.pathOf(step) })
    const { attempts } = this
    const value =
      step.kind === "invoke_with"
        ? this.driver.alone(() => attempts.perform(frame, step, this))
        : attempts.perform(frame, step, this)
    if (!isThenable(value)) return value
    this.driver.pend({ frame, step, promise: value, pure: false })
    return PENDING
  }

  // ---- waiting

  /** Goes on with frames that got a value they waited for. */
  wake(): void {
    if (this.woken.length === 0) return
    for (let f = this.woken.pop(); f !== undefined; f = this.woken.pop()) this.enter(f)
  }

  hop(frame: Frame, step: StepCode, answer: unknown): PromiseLike<unknown> | undefined {
    const { slots } = frame
    // A number is the frequent case, and with a constant behind `typeof` the look costs nothing.
    if (typeof answer === "number" && step.quick === "number") slots[step.to] = answer
    else slots[step.to] = this.judged(frame, step, answer)
    frame.waiting = -1
    const i = frame.pc
    const { steps } = frame.code
    if (i >= steps.length) return undefined
    const at = steps[i]!
    if (!at.hops) return undefined
    frame.pc = i + 1
    let next: unknown
    try {
      next = at.execute!(slots[at.arg])
    } catch (cause) {
      throw toFailure(cause, frame.pathOf(at))
    }
    frame.waiting = i
    return next instanceof Promise ? next : this.began(frame, at, next)
  }

  began(frame: Frame, step: StepCode, answer: unknown): PromiseLike<unknown> | undefined {
    let value: unknown
    try {
      value = this.slow(step.tool!.index, answer)
    } catch (cause) {
      throw toFailure(cause, frame.pathOf(step))
    }
    if (value === PENDING) return this.#met
    frame.waiting = -1
    frame.slots[step.to] = value
    return undefined
  }

  private judged(frame: Frame, step: StepCode, answer: unknown): unknown {
    try {
      return step.tool!.judge(answer)
    } catch (cause) {
      throw toFailure(cause, frame.pathOf(step))
    }
  }
  goOn(frame: Frame): void {
    if (frame.dead) return
    try {
      if (this.advance(frame)) this.ended(frame)
    } catch (cause) {
      this.failed(frame, cause)
    }
  }

  answered({ frame, step, pure }: Pend, answer: unknown): void {
    if (frame.dead) return
    let value = answer
    try {
      if (pure) value = this.judged(frame, step, answer)
    } catch (cause) {
      return this.failed(frame, cause)
    }
    this.deliver(frame, step, value)
  }

  refused({ frame, step }: Pend, cause: unknown): void {
    if (!frame.dead) this.failed(frame, toFailure(cause, frame.pathOf(step)))
  }

  /** The value of a step that was pending: its frame goes on. */
  deliver(frame: Frame, step: StepCode, value: unknown): void {
    if (frame.dead) return
    if (step.to >= 0) frame.slots[step.to] = value
    try {
      if (frame.slow === undefined) {
        frame.waiting = -1
        if (frame.late !== undefined) deliverLate(frame, frame.code.params + step.index, this.woken)
      } else markDone(frame, step.index, this.woken)
      if (this.advance(frame)) this.ended(frame)
    } catch (cause) {
      this.failed(frame, cause)
    }
  }

  /** A step that was pending has failed. */
  reject(frame: Frame, step: StepCode, cause: unknown): void {
    if (!frame.dead) this.failed(frame, toFailure(cause, frame.pathOf(step)))
  }

  /** As `reject`, from outside any loop. */
  broke(frame: Frame, step: StepCode, cause: unknown): void {
    this.reject(frame, step, cause)
    this.drive()
  }

  /** A step whose value is a promise that somebody else makes. */
  later(frame: Frame, step: StepCode, promise: PromiseLike<unknown>): typeof PENDING {
    this.driver.pend({ frame, step, promise, pure: false, inner: true })
    return PENDING
  }

  /** Runs a fresh frame from outside any loop: a body that a tool or a stream asked for. */
  begin(child: Frame): void {
    this.enter(child)
    if (!child.ended && !child.dead) child.listed()
    this.drive()
  }
}
