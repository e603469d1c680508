/**
 * Where promises are waited for. While one thing is pending it is awaited in a loop, as cheaply as hand-written code
 * would; when several are, each wakes the VM. Nothing is chained from step to step.
 */
import type { Outcome } from "../graph/mod.ts"
import type { Attempts } from "./attempt.ts"
import type { Frame } from "./frame.ts"
import type { HopRow, StepCode } from "./program.ts"
import { Rest } from "./rest.ts"
import type { RunSettings } from "./settings.ts"

/** A step that waits for a promise. */
export interface Pend {
  readonly frame: Frame
  readonly step: StepCode
  readonly promise: PromiseLike<unknown>
  /** The answer of a pure function is judged when it comes; effects come judged. */
  readonly pure: boolean
  /** It waits for other steps of this run, and for nothing else. */
  readonly inner?: boolean
}

/** What the VM does with answers. */
export interface Answers {
  answered(p: Pend, answer: unknown): void
  refused(p: Pend, cause: unknown): void
  /**
   * Takes the answer of a pure step that its whole frame waited for. When the next step is of the same sort and has begun
   * to wait, its promise is returned, and it is `frame.waiting`; otherwise undefined, and `goOn` does the rest. Throws what
   * the answer or the next step fails with.
   */
  hop(frame: Frame, step: StepCode, answer: unknown): PromiseLike<unknown> | undefined
  /** Takes what the function of a step in a row answered at once: a promise after all, or undefined where `goOn` does the rest. */
  began(frame: Frame, step: StepCode, answer: unknown): PromiseLike<unknown> | undefined
  goOn(frame: Frame): void
  /** Frames that were woken meanwhile go on. */
  wake(): void
  /** Nothing is under way any more: the run comes to this. */
  rested(outcome: Outcome): void
  readonly settings: RunSettings
  readonly attempts: Attempts
}

export class Driver {
  readonly #answers: Answers
  /** Steps and items that something outside is asked for now. */
  live = 0
  /** Of these, those that nothing in this process will answer, and tools that wait for bodies which wait themselves. */
  idle = 0
  #rest: Rest | undefined
  #solo: Pend | undefined
  #outstanding = 0
  /** The loop holds a promise; what becomes pending meanwhile stands beside it. */
  #holding = false
  #holdsInner = false
  /** A tool that runs bodies is being called inside a frame's loop. */
  #alone = false

  constructor(answers: Answers) {
    this.#answers = answers
  }

  /** Where the run comes to rest; made when something first waits longer than this process. */
  get rest(): Rest {
    return (this.#rest ??= new Rest(this, this.#answers))
  }

  idles(): void {
    this.idle++
    this.#rest?.look()
  }
  busy(): void {
    this.idle--
  }

  /** Work that is no step of its own and keeps the run from its rest. */
  async counted<A>(work: Promise<A>): Promise<A> {
    this.live++
    try {
      return await work
    } finally {
      this.live--
      this.#rest?.look()
    }
  }

  pend(p: Pend): void {
    this.#outstanding++
    if (p.inner !== true) this.live++
    if (this.#outstanding === 1 && !this.#holding) {
      this.#solo = p
      return
    }
    if (this.#solo !== undefined) {
      this.attach(this.#solo)
      this.#solo = undefined
    }
    this.attach(p)
  }

  /** Called when the VM has gone as far as it could. */
  drive(): void {
    if (this.#alone) return
    this.#answers.wake()
    if (this.#solo !== undefined && !this.#holding) void this.loop()
  }

  /**
   * Calls a tool that may begin bodies at once. Nobody else goes on meanwhile: they could kill the frame whose loop the call
   * stands in. That loop is driven once it has come to its end.
   */
  alone<A>(call: () => A): A {
    const outer = this.#alone
    this.#alone = true
    try {
      return call()
    } finally {
      this.#alone = outer
    }
  }

  private attach(p: Pend): void {
    p.promise.then(
      (answer) => {
        this.over(p.inner === true)
        this.#answers.answered(p, answer)
        this.drive()
      },
      (cause) => {
        this.over(p.inner === true)
        this.#answers.refused(p, cause)
        this.drive()
      },
    )
  }

  private async loop(): Promise<void> {
    while (this.#solo !== undefined) {
      const p = this.#solo
      this.#solo = undefined
      await this.hold(p)
      this.#answers.wake()
    }
  }

  /** Waits for a step, and for the steps behind it as long as they only wait for one another. */
  private async hold(p: Pend): Promise<void> {
    const { frame, pure } = p
    const answers = this.#answers
    const { code } = frame
    let { step, promise } = p
    this.#holding = true
    this.#holdsInner = p.inner === true
    try {
      for (;;) {
        let answer = await promise
        const row = pure ? code.rows[step.index] : undefined
        if (row !== undefined && typeof answer === "number" && plain(frame)) {
          frame.waiting = step.index
          // Should a function throw or be refused, it is the one that the frame waits for.
          answer = await along(frame, row, answer).catch((cause) => {
            step = code.steps[frame.waiting]!
            throw cause
          })
          step = code.steps[frame.waiting]!
          if (answer instanceof AtOnce) {
            const work = answers.began(frame, step, answer.value)
            if (work !== undefined) {
              promise = work
              continue
            }
            this.let()
            answers.goOn(frame)
            return
          }
        }
        const goes = pure && plain(frame)
        const next = goes ? answers.hop(frame, step, answer) : undefined
        if (next !== undefined) {
          step = code.steps[frame.waiting]!
          promise = next
          continue
        }
        this.let()
        if (goes) answers.goOn(frame)
        else answers.answered({ frame, step, promise, pure }, answer)
        return
      }
    } catch (cause) {
      this.let()
      answers.refused({ frame, step, promise, pure }, cause)
    }
  }

  private let(): void {
    this.#holding = false
    this.over(this.#holdsInner)
  }

  private over(inner: boolean): void {
    this.#outstanding--
    if (inner) return
    this.live--
    this.#rest?.look()
  }
}

/** Nothing runs beside the step that the frame waits for. */
const plain = (frame: Frame): boolean => frame.slow === undefined && frame.late === undefined && !frame.dead

/** What a function answered that made no promise: it may be a value, or a description of work. */
class AtOnce {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/**
 * Goes along a row while numbers come, as hand-written code would: each is the argument of the next function. Returns the
 * answer of the step that `frame.waiting` then names, which nobody has looked at yet. Little is alive across the wait:
 * engines keep all of it aside each time.
 */
async function along(frame: Frame, row: HopRow, first: number): Promise<unknown> {
  let answer: unknown = first
  let i = frame.waiting - row.first
  while (i < row.fns.length - 1 && typeof answer === "number" && row.numbers[i] === 1 && plain(frame)) {
    frame.slots[row.to[i]!] = answer
    i++
    frame.waiting = row.first + i
    frame.pc = frame.waiting + 1
    const next = row.fns[i]!(frame.slots[row.args[i]!])
    if (!(next instanceof Promise)) return new AtOnce(next)
    answer = await next
  }
  return answer
}

export const isThenable = (x: unknown): x is PromiseLike<unknown> =>
  typeof x === "object" && x !== null && typeof (x as { then?: unknown }).then === "function"
