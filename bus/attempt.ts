/**
 * Calls of tools: limits, cache, intent, attempts with their timeouts and retries, and the record of what came of it. A
 * tool that answers at once is called, judged and committed without a promise; everything else goes the long way.
 */
import { Failure, fail, leastKnown, mayRetry, Park, type Path, type Rec, toFailure } from "../graph/mod.ts"
import type { Commit } from "../kernel/mod.ts"
import { CallView } from "./call.ts"
import { runRole } from "./control.ts"
import { Deadlines } from "./deadline.ts"
import { isThenable } from "./driver.ts"
import { adopt } from "./early.ts"
import { flow } from "./flow.ts"
import { Arrived } from "./foreseen.ts"
import type { Frame } from "./frame.ts"
import { wake } from "./idle.ts"
import { aside, enter, release, sendsAgain } from "./places.ts"
import type { StepCode, Tool } from "./program.ts"
import { Quiet } from "./quiet.ts"
import { mayRest, recall } from "./rest.ts"
import type { Recording, RunSettings } from "./settings.ts"
import {
  cannotRest,
  charged,
  deliveryOf,
  expired,
  isIn,
  isUncertain,
  pauseMsMost,
  stop,
  type Task,
  taskOf,
  tell,
  tooLate,
  valueIn,
} from "./task.ts"
import type { Vm } from "./vm.ts"

/** Milliseconds an attempt of an effect may take where neither node nor run says anything. */
const TIMEOUT_MS = 60_000
/** Milliseconds that a run which failed waits for writes that are on their way, to learn what came of them. */
const GRACE_MS = 2_000

export class Attempts {
  readonly #settings: RunSettings
  readonly #record: Recording
  readonly #active = new Set<Task>()
  #deadlines: Deadlines | undefined
  readonly #quiet: Quiet
  #controller: AbortController | undefined

  constructor(settings: RunSettings) {
    this.#settings = settings
    this.#record = settings.record
    this.#quiet = new Quiet(this.#active, settings.services.clock)
  }

  /** Aborted when the run fails or is cancelled; for work that belongs to no attempt. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Stops everything. */
  abort(cause: Failure): void {
    this.#controller?.abort(cause)
    for (const task of [...this.#active]) stop(task, cause)
  }

  /** Stops the calls of frames that no longer matter, and streams that nobody reads any more. */
  sweep(cause: Failure): void {
    if (this.#active.size === 0) return
    for (const task of [...this.#active]) {
      if (task.frame.dead || task.stream?.reader?.dead === true)
        stop(task, fail("Cancelled", "The call no longer matters", { cause }))
    }
  }

  /** Does a call wait in a body that would have to begin anew, with all that it did, in the process that goes on? */
  anyStays(): boolean {
    for (const { idling, tool } of this.#active)
      if (idling.idle > 0 && idling.sleeping === 0 && !tool.rests && tool.extern.effect !== "pure") return true
    return false
  }

  /** Reads streams to their end that the run would rest in the middle of; false where there are none. */
  drains(): boolean {
    return [...this.#active].filter(({ stream, frame }) => !frame.dead && stream?.drains()).length > 0
  }

  /** The run is over: no deadline matters any more, and what is still on its way holds up nobody. */
  close(): void {
    this.#deadlines?.close()
    if (this.#active.size > 0) for (const task of this.#active) release(task)
  }

  /** Resolves when no write is on its way any more, or the grace is over; undefined where none is. */
  settled(): Promise<void> | undefined {
    return this.#quiet.when(() => true, GRACE_MS)
  }

  /** Resolves when no write of a frame and its bodies is on its way any more; undefined where none is. */
  settledIn(frame: Frame): Promise<void> | undefined {
    return this.#active.size === 0 ? undefined : this.#quiet.when((task) => isIn(task.frame, frame), undefined)
  }

  /** The call that a pure function sees which asks for one. */
  plainCall(frame: Frame, step: StepCode): CallView {
    const path = frame.pathOf(step)
    return new CallView(this.#record, path, 1, frame, (text, piece) => this.#note(path, text, piece), undefined)
  }

  /** Calls the tool of a step. Returns the value, or a promise of it; fails with a `Failure` that has its path. */
  perform(frame: Frame, step: StepCode, vm: Vm): unknown {
    const task = taskOf(vm, frame, step)
    return vm.ahead === undefined ? this.answer(task) : vm.ahead.call(task, () => this.answer(task))
  }

  /** Answers a call from the record, or makes it. */
  answer(task: Task): unknown {
    if (this.#record.past !== undefined && task.tool.extern.effect !== "pure") return recall(this, task)
    return this.begin(task)
  }

  /** Makes a call that no record answers. */
  begin(task: Task): unknown {
    const early = task.early ? undefined : task.vm.ahead?.made(task)
    if (early !== undefined) return adopt(this, task, early)
    if (this.#limited(task.tool)) return this.#queued(task)
    const known = this.#known(task)
    return known === undefined ? this.#go(task) : known
  }

  /** Makes a call that may turn out not to be wanted. Never fails. */
  early(task: Task): Arrived | Promise<Arrived> {
    const failed = (cause: unknown): Arrived => {
      this.leave(task)
      return new Arrived(toFailure(cause, task.path), 1)
    }
    try {
      const made = this.begin(task) as Arrived | Promise<Arrived>
      return made instanceof Promise ? made.catch(failed) : made
    } catch (cause) {
      return failed(cause)
    }
  }

  /** An outcome that may be used again, null among them; undefined where there is none. */
  #known(task: Task): unknown {
    const { effect, settings } = task.tool.extern
    if (effect !== "read" || settings.cacheMs === undefined || task.early) return undefined
    const known = this.#record.recall(task.path, task.tool.index, task.args)
    if (known === undefined) return undefined
    tell(this.#settings, task, "end", { attempts: 0, cached: true })
    const { path } = task
    return known instanceof Promise ? known.then((kept) => valueIn(kept.outcome, path)) : valueIn(known.outcome, path)
  }

  #limited(tool: Tool): boolean {
    return this.#settings.limits !== undefined && tool.limited
  }

  async #queued(task: Task): Promise<unknown> {
    const waiting = new AbortController()
    task.abort = (cause) => waiting.abort(cause)
    this.list(task)
    try {
      await enter(task, this.#record, waiting)
    } catch (cause) {
      throw toFailure(cause, task.path)
    } finally {
      this.leave(task)
    }
    try {
      if (task.frame.dead) throw fail("Cancelled", "The call no longer matters", { path: task.path })
      const known = this.#known(task)
      return await (known === undefined ? this.#go(task) : known)
    } finally {
      release(task)
    }
  }

  /** The call waits for what another process will learn; nothing of it stays here. */
  #park(task: Task, what: Park | Failure): Promise<never> {
    this.leave(task)
    release(task)
    this.#record.wait(task.path, task.tool.index, task.args, what)
    this.#note(task.path, what instanceof Park ? `waits (${what.why})` : "nobody knows what came of it")
    return task.vm.driver.rest.leave(task.frame)
  }

  #go(task: Task): unknown {
    const { tool, step } = task
    charged(task, this.#record)
    if (tool.output.kind === "stream") {
      tell(this.#settings, task, "start", { attempt: 1 })
      const stream = flow(this, task)
      return step.eager ? stream.collect() : stream
    }
    if (tool.extern.effect !== "write") return this.#attempts(task)
    const intent = this.#record.intent(task.path, tool.index, task.args, task.charge)
    if (!(intent instanceof Promise)) {
      task.intent = intent
      return this.#attempts(task)
    }
    // While the intent is on its way to the record, the run must not end as if nothing were.
    task.announcing = true
    this.list(task)
    return intent.then(
      (kept) => {
        task.intent = kept
        task.announcing = false
        const dropped = fail("Cancelled", "The call no longer matters", { path: task.path, undelivered: true })
        return task.frame.dead ? this.settle(task, dropped, 0) : this.#attempts(task)
      },
      (cause) => {
        this.leave(task)
        throw cause
      },
    )
  }

  // ---- attempts

  #attempts(task: Task): unknown {
    tell(this.#settings, task, "start", { attempt: 1 })
    let answer: unknown
    try {
      answer = this.call(task, 1)
    } catch (cause) {
      return this.#missed(task, toFailure(cause, task.path), 1)
    }
    return isThenable(answer) ? this.#wait(task, answer) : this.settle(task, answer, 1)
  }

  /** One attempt. What it returns may be a promise. */
  call(task: Task, attempt: number): unknown {
    const { tool, path, frame, step } = task
    task.abort = undefined
    if (tool.plain) return this.#work(tool.execute(task.args as never))
    let calls = 0
    const invoke = (role: string, args: Rec) => {
      task.bodies++
      const ran = runRole(task, role, args, calls++)
      return task.place === "none" ? ran : aside(task, call.signal, ran)
    }
    const call = new CallView(
      this.#record,
      path,
      attempt,
      undefined,
      (text, piece) => this.#note(path, text, piece),
      step.kind === "invoke_with" ? invoke : undefined,
      task.intent?.key,
      task,
      this.#record.parks && !task.early && mayRest(frame),
    )
    task.abort = (cause) => call.abort(cause)
    return this.#work(tool.execute(task.args as never, call as never), call)
  }

  /** An answer that is a description of work is begun. */
  #work(answer: unknown, call?: CallView): unknown {
    if (typeof answer !== "object" || answer === null || isThenable(answer)) return answer
    return this.#settings.settle?.(answer, call?.signal ?? this.signal) ?? answer
  }

  async #wait(task: Task, answer: PromiseLike<unknown>): Promise<unknown> {
    let value: unknown
    try {
      value = await this.timed(task, answer, "No answer")
    } catch (cause) {
      return this.#missed(task, toFailure(cause, task.path), 1)
    }
    return this.settle(task, value, 1)
  }

  #missed(task: Task, failure: Failure, attempt: number): unknown {
    return this.again(task, failure, attempt) ? this.#retry(task, failure) : this.settle(task, failure, attempt)
  }

  /** Waits for an answer, its timeout, or the end of its usefulness, whatever comes first. A late answer is let go of. */
  async timed<A>(task: Task, answer: PromiseLike<A>, what: string): Promise<A> {
    const { timeoutMs } = task.tool.extern.settings
    const plain = task.tool.extern.effect === "pure" ? undefined : (this.#settings.timeoutMs ?? TIMEOUT_MS)
    // Time is up at the latest with the run's own; what came of a write is waited for all the same.
    const leftMs = task.intent === undefined ? this.#record.meter?.leftMs : undefined
    const ownMs = timeoutMs ?? plain
    const ms = leftMs !== undefined && leftMs < (ownMs ?? Number.POSITIVE_INFINITY) ? leftMs : ownMs
    const before = task.abort
    this.list(task)
    let timer: (() => void) | undefined
    try {
      return await new Promise<A>((resolve, reject) => {
        answer.then(resolve, reject)
        task.abort = (cause) => {
          before?.(cause)
          // A write is on its way: what came of it matters although the run does not wait.
          if (task.intent === undefined) reject(cause)
        }
        if (ms === undefined) return
        this.#deadlines ??= new Deadlines(this.#settings.services.clock)
        const deadlines = this.#deadlines
        const over = () => {
          if (task.idling.sleeping > 0) {
            timer = deadlines.add(ms, over)
            return
          }
          const late = ms === ownMs ? tooLate(task, what, ms) : expired(task, this.#record)
          before?.(late)
          reject(late)
        }
        timer = deadlines.add(ms, over)
      })
    } finally {
      timer?.()
      task.abort = before
    }
  }

  /** May another attempt follow? */
  again(task: Task, failure: Failure, attempt: number): boolean {
    const { retry } = task.tool.extern.settings
    return (
      retry !== undefined &&
      attempt <= retry.times &&
      task.bodies === 0 &&
      !task.stopped &&
      !task.frame.dead &&
      mayRetry({ effect: task.tool.extern.effect, keyed: task.tool.keyed }, failure)
    )
  }

  /** Attempts after the first. */
  async #retry(task: Task, first: Failure): Promise<unknown> {
    let failure = first
    for (let attempt = 2; ; attempt++) {
      try {
        await this.backoff(task, attempt)
        charged(task, this.#record)
      } catch (cause) {
        // Of a write the last attempt is what is known; a read that was stopped has learnt nothing.
        return this.settle(task, task.intent === undefined ? toFailure(cause, task.path) : failure, attempt - 1)
      }
      let value: unknown
      try {
        const answer = this.call(task, attempt)
        value = isThenable(answer) ? await this.timed(task, answer, "No answer") : answer
      } catch (cause) {
        const last = toFailure(cause, task.path)
        failure = task.intent === undefined ? last : leastKnown(failure, last)
        if (this.again(task, last, attempt)) continue
        return this.settle(task, failure, attempt)
      }
      return this.settle(task, value, attempt)
    }
  }

  /** The pause before an attempt, with full jitter. Fails where the call was stopped. */
  async backoff(task: Task, attempt: number): Promise<void> {
    const most = pauseMsMost(task, attempt)
    const { clock, chance } = this.#settings.services
    const waiting = new AbortController()
    task.abort = (cause) => waiting.abort(cause)
    this.list(task)
    await clock.sleep(chance.next() * most, waiting.signal)
    await sendsAgain(task, waiting.signal)
    tell(this.#settings, task, "start", { attempt })
  }

  /** Commits an answer or a final failure, unless it says nothing. Returns the value, or a promise of it; throws the failure. */
  settle(task: Task, answer: unknown, attempts: number): unknown {
    const { tool, path } = task
    if (task.early) {
      this.leave(task)
      return new Arrived(answer, attempts)
    }
    if (answer instanceof Park || (task.intent !== undefined && isUncertain(answer))) {
      if (this.#record.parks && mayRest(task.frame)) return this.#park(task, answer)
      if (answer instanceof Park) return this.settle(task, cannotRest(answer), attempts)
    }
    if (tool.extern.effect === "pure") {
      this.leave(task)
      if (answer instanceof Failure) throw answer
      const judged = tool.judged(answer, task.args, this.#settings.services.clock)
      return judged instanceof Promise ? judged.then((outcome) => valueIn(outcome, path)) : valueIn(judged, path)
    }
    if (task.stopped && answer instanceof Failure && task.intent === undefined) {
      // Nothing was learnt from the world: there is nothing to commit.
      this.leave(task)
      tell(this.#settings, task, "end", { failure: answer, attempts, cached: false })
      throw answer
    }
    let commit: Commit | Promise<Commit>
    try {
      commit = this.#commit(task, answer, attempts)
    } catch (cause) {
      this.leave(task)
      throw cause
    }
    if (!(commit instanceof Promise)) return this.#done(task, commit, attempts)
    return commit.then(
      (kept) => this.#done(task, kept, attempts),
      (cause) => {
        this.leave(task)
        throw cause
      },
    )
  }

  #commit(task: Task, answer: unknown, attempts: number): Commit | Promise<Commit> {
    const { path, tool, args, intent } = task
    return intent === undefined
      ? this.#record.read(path, tool.index, args, answer, attempts, task.charge)
      : this.#record.delivered(intent, answer, deliveryOf(answer), attempts, task.charge)
  }

  /** Commits what nobody waits for. */
  recorded(task: Task, answer: Failure, attempts: number): void {
    const commit = this.#commit(task, answer, attempts)
    if (commit instanceof Promise) commit.catch(() => {})
    this.leave(task)
    tell(this.#settings, task, "end", { failure: answer, attempts, cached: false })
  }

  #done(task: Task, { outcome }: Commit, attempts: number): unknown {
    this.leave(task)
    tell(this.#settings, task, "end", { failure: outcome.ok ? undefined : outcome.failure, attempts, cached: false })
    task.tool.hear?.(task.args, outcome, this.#settings.services.clock.tick() - task.began)
    return valueIn(outcome, task.path)
  }

  list(task: Task): void {
    task.listed = true
    this.#active.add(task)
  }
  leave(task: Task): void {
    wake(task)
    if (!task.listed) return
    task.listed = false
    this.#active.delete(task)
    this.#quiet.look()
  }

  #note(path: Path, text: string, piece?: boolean): void {
    const told = { type: "note", path, text, at: this.#settings.services.clock.tick() } as const
    this.#settings.onEvent?.(piece ? { ...told, piece } : told)
  }
}
