/**
 * Calls of tools: limits, cache, intent, attempts with their timeouts and retries, and the record of what came of it. A
 * tool that answers at once is called, judged and committed without a promise; everything else goes the long way.
 */
import { type Call, Failure, fail, mayRetry, type Path, type Rec, toFailure, type Value } from "../graph/mod.ts"
import type { Commit, Intent, RunRecord } from "../kernel/mod.ts"
import { Deadlines } from "./deadline.ts"
import type { Frame } from "./frame.ts"
import type { StepCode, Tool } from "./program.ts"
import { StreamValue, type Taken } from "./stream.ts"
import type { RunSettings, Vm } from "./vm.ts"

/** Milliseconds an attempt of an effect may take where neither node nor run says anything. */
const TIMEOUT_MS = 60_000
/** Milliseconds that a run which failed waits for writes that are on their way, to learn what came of them. */
const GRACE_MS = 2_000

/** One call at work: what cancelling it needs. */
interface Active {
  readonly frame: Frame
  abort: ((cause: Failure) => void) | undefined
  readonly write: boolean
}

interface Task {
  readonly vm: Vm
  readonly frame: Frame
  readonly step: StepCode
  readonly tool: Tool
  readonly args: Value
  readonly path: Path
}

export class Attempts {
  readonly #settings: RunSettings
  readonly #record: RunRecord
  readonly #active = new Set<Active>()
  readonly #deadlines: Deadlines
  #controller: AbortController | undefined
  #idle: (() => void) | undefined

  constructor(settings: RunSettings) {
    this.#settings = settings
    this.#record = settings.record
    this.#deadlines = new Deadlines(settings.services.clock)
  }

  /** Writes on their way. */
  get open(): number {
    let n = 0
    for (const a of this.#active) if (a.write) n++
    return n
  }

  /** Aborted when the run fails or is cancelled; for work that belongs to no attempt. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Stops everything. */
  abort(cause: Failure): void {
    this.#controller?.abort(cause)
    for (const a of [...this.#active]) a.abort?.(cause)
  }

  /** Stops the calls of frames that no longer matter. */
  sweep(cause: Failure): void {
    for (const a of [...this.#active])
      if (a.frame.dead) a.abort?.(fail("Cancelled", "The call no longer matters", { cause }))
  }

  /** The run is over: no deadline matters any more. */
  close(): void {
    this.#deadlines.close()
  }

  /** Resolves when no write is on its way any more, or the grace is over. */
  async settled(): Promise<void> {
    if (this.open === 0) return
    const over = new AbortController()
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#idle = resolve
      }),
      this.#settings.services.clock.sleep(GRACE_MS, over.signal).catch(() => {}),
    ])
    over.abort()
  }

  /** The call that a pure function sees which asks for one. */
  plainCall(frame: Frame, step: StepCode): Call {
    return new CallView(
      this.#record,
      frame.pathOf(step),
      1,
      this.signal,
      (text) => this.#note(frame.pathOf(step), text),
      undefined,
    )
  }

  /** Calls the tool of a step. Returns the value, or a promise of it; fails with a `Failure` that has its path. */
  perform(frame: Frame, step: StepCode, vm: Vm): unknown {
    const tool = step.tool!
    const task: Task = { vm, frame, step, tool, args: frame.slots[step.arg] as Value, path: frame.pathOf(step) }
    if (tool.output.kind === "stream") return this.#stream(task)
    if (tool.extern.effect === "pure") return this.#attempts(task, undefined)
    if (this.#limited(tool)) return this.#queued(task)
    if (tool.extern.effect === "read" && tool.extern.settings.cacheMs !== undefined) {
      const known = this.#record.recall(task.path, tool.index, task.args)
      if (known !== undefined) return this.#recalled(task, known)
    }
    return this.#go(task)
  }

  #recalled(task: Task, known: Commit | Promise<Commit>): unknown {
    this.#tell(task, "end", { ok: true, attempts: 0, cached: true })
    return known instanceof Promise ? known.then(valueOf) : valueOf(known)
  }

  #limited(tool: Tool): boolean {
    return this.#settings.limits !== undefined && tool.limits !== undefined && tool.extern.resource !== null
  }

  async #queued(task: Task): Promise<unknown> {
    const { limits } = this.#settings
    const resource = task.tool.extern.resource!
    const active: Active = { frame: task.frame, abort: undefined, write: false }
    const controller = new AbortController()
    active.abort = (cause) => controller.abort(cause)
    this.#active.add(active)
    try {
      await limits!.enter(resource, controller.signal)
    } catch (cause) {
      throw toFailure(cause, task.path)
    } finally {
      this.#active.delete(active)
    }
    try {
      return await this.#go(task)
    } finally {
      limits!.leave(resource)
    }
  }

  #go(task: Task): unknown {
    if (task.tool.extern.effect === "read") return this.#attempts(task, undefined)
    const intent = this.#record.intent(task.path, task.tool.index, task.args)
    return intent instanceof Promise ? intent.then((i) => this.#attempts(task, i)) : this.#attempts(task, intent)
  }

  // ---- attempts

  #attempts(task: Task, intent: Intent | undefined): unknown {
    this.#tell(task, "start", { attempt: 1 })
    const active: Active = { frame: task.frame, abort: undefined, write: intent !== undefined }
    let answer: unknown
    try {
      answer = this.#call(task, active, 1, intent)
    } catch (cause) {
      const failure = toFailure(cause, task.path)
      return this.#again(task, failure, 1)
        ? this.#retry(task, intent, active, failure)
        : this.#settle(task, intent, failure, 1)
    }
    if (isThenable(answer)) return this.#wait(task, intent, active, answer)
    return this.#settle(task, intent, answer, 1)
  }

  /** One attempt. What it returns may be a promise; then `active` is listed until somebody takes it off. */
  #call(task: Task, active: Active, attempt: number, intent: Intent | undefined): unknown {
    const { tool, path, frame, step } = task
    if (tool.plain) return this.#settleWork(tool.execute(task.args as never))
    let calls = 0
    const invoke =
      step.kind === "invoke_with"
        ? (role: string, args: Rec) => task.vm.invoke(frame, step, role, args, calls++)
        : undefined
    const call = new CallView(
      this.#record,
      path,
      attempt,
      undefined,
      (text) => this.#note(path, text),
      invoke,
      intent?.key,
    )
    active.abort = (cause) => call.abort(cause)
    return this.#settleWork(tool.execute(task.args as never, call as never), call)
  }

  /** An answer that is a description of work is begun. */
  #settleWork(answer: unknown, call?: Call): unknown {
    if (typeof answer !== "object" || answer === null || isThenable(answer)) return answer
    return this.#settings.settle?.(answer, call?.signal ?? this.signal) ?? answer
  }

  async #wait(task: Task, intent: Intent | undefined, active: Active, answer: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await this.#committed(task, intent, await this.#timed(task, active, answer), 1)
    } catch (cause) {
      if (cause instanceof Settled) throw cause.failure
      const failure = toFailure(cause, task.path)
      if (this.#again(task, failure, 1)) return this.#retry(task, intent, active, failure)
      return this.#settle(task, intent, failure, 1)
    }
  }

  /** Waits for an answer, its timeout, or the end of its usefulness, whatever comes first. A late answer is let go of. */
  async #timed(task: Task, active: Active, answer: PromiseLike<unknown>): Promise<unknown> {
    const { timeoutMs } = task.tool.extern.settings
    const ms = timeoutMs ?? (task.tool.extern.effect === "pure" ? undefined : (this.#settings.timeoutMs ?? TIMEOUT_MS))
    const stop = active.abort
    this.#active.add(active)
    let timer: (() => void) | undefined
    try {
      return await new Promise((resolve, reject) => {
        answer.then(resolve, reject)
        active.abort = (cause) => {
          stop?.(cause)
          // A write is on its way: what came of it matters although the run does not wait.
          if (!active.write) reject(cause)
        }
        if (ms === undefined) return
        timer = this.#deadlines.add(ms, () => {
          const late = fail("Timeout", `No answer after ${ms} ms`, { path: task.path, data: { ms }, retryable: true })
          stop?.(late)
          reject(late)
        })
      })
    } finally {
      timer?.()
      this.#active.delete(active)
      if (this.#idle !== undefined && this.open === 0) this.#idle()
    }
  }

  #again(task: Task, failure: Failure, attempt: number): boolean {
    const { retry } = task.tool.extern.settings
    return (
      retry !== undefined &&
      attempt <= retry.times &&
      !task.frame.dead &&
      mayRetry({ effect: task.tool.extern.effect, keyed: task.tool.keyed }, failure)
    )
  }

  /** Attempts after the first. Delays double, with full jitter, up to their bound. */
  async #retry(task: Task, intent: Intent | undefined, active: Active, first: Failure): Promise<unknown> {
    const retry = task.tool.extern.settings.retry!
    const { clock, chance } = this.#settings.services
    let failure = first
    for (let attempt = 2; ; attempt++) {
      const most = Math.min(retry.delayMsMax, retry.delayMs * 2 ** (attempt - 2))
      const waiting = new AbortController()
      active.abort = (cause) => waiting.abort(cause)
      this.#active.add(active)
      try {
        await clock.sleep(chance.next() * most, waiting.signal)
      } catch (cause) {
        return this.#settle(
          task,
          intent,
          waiting.signal.aborted ? toFailure(waiting.signal.reason, task.path) : toFailure(cause, task.path),
          attempt - 1,
        )
      } finally {
        this.#active.delete(active)
      }
      if (task.frame.dead) return this.#settle(task, intent, failure, attempt - 1)
      this.#tell(task, "start", { attempt })
      try {
        const answer = this.#call(task, active, attempt, intent)
        const value = isThenable(answer) ? await this.#timed(task, active, answer) : answer
        return await this.#committed(task, intent, value, attempt)
      } catch (cause) {
        if (cause instanceof Settled) throw cause.failure
        failure = toFailure(cause, task.path)
        if (!this.#again(task, failure, attempt)) return this.#settle(task, intent, failure, attempt)
      }
    }
  }

  /** As `#settle`, for callers that must tell a recorded failure from one that may be tried again. */
  async #committed(task: Task, intent: Intent | undefined, answer: unknown, attempts: number): Promise<unknown> {
    try {
      return await this.#settle(task, intent, answer, attempts)
    } catch (cause) {
      throw new Settled(toFailure(cause, task.path))
    }
  }

  /** Commits an answer or a final failure. Returns the value, or a promise of it; throws the failure. */
  #settle(task: Task, intent: Intent | undefined, answer: unknown, attempts: number): unknown {
    const { tool, path } = task
    if (tool.extern.effect === "pure") {
      if (answer instanceof Failure) throw answer
      try {
        return tool.judge(answer)
      } catch (cause) {
        throw toFailure(cause, path)
      }
    }
    if (answer instanceof Failure && answer.code === "Cancelled" && intent === undefined) {
      // Nothing was learnt from the world: there is nothing to commit.
      this.#tell(task, "end", { ok: false, attempts, cached: false })
      throw answer
    }
    const commit =
      intent === undefined
        ? this.#record.read(path, tool.index, task.args, answer, attempts)
        : this.#record.delivered(intent, answer, deliveryOf(answer), attempts)
    if (commit instanceof Promise) return commit.then((c) => this.#done(task, c, attempts))
    return this.#done(task, commit, attempts)
  }

  #done(task: Task, commit: Commit, attempts: number): unknown {
    this.#tell(task, "end", { ok: commit.outcome.ok, attempts, cached: false })
    if (commit.outcome.ok) return commit.outcome.value
    throw toFailure(commit.outcome.failure, task.path)
  }

  // ---- streams

  /** A tool whose answer is a stream: its items are judged one by one as they are taken; its outcome is committed at the end. */
  #stream(task: Task): unknown {
    const { tool, path } = task
    this.#tell(task, "start", { attempt: 1 })
    const active: Active = { frame: task.frame, abort: undefined, write: false }
    const items: Value[] = []
    const finish = (answer: unknown): unknown => {
      this.#active.delete(active)
      task.vm.streams.delete(stream)
      return tool.extern.effect === "pure" ? answer : this.#settle(task, undefined, answer, 1)
    }
    let iterator: AsyncIterator<unknown> | undefined
    const next = async (): Promise<Taken> => {
      try {
        if (iterator === undefined) {
          const answer = await this.#call(task, active, 1, undefined)
          iterator = iteratorOf(answer)
        }
        const ms = tool.extern.settings.timeoutMs ?? this.#settings.timeoutMs ?? TIMEOUT_MS
        const result = await this.#within(iterator.next(), ms, active, path)
        if (result.done === true) {
          await finish(items)
          return { done: true }
        }
        const value = tool.judge(result.value)
        items.push(value)
        return { done: false, value }
      } catch (cause) {
        void iterator?.return?.()
        const failure = toFailure(cause, path)
        await finish(failure)
        throw failure
      }
    }
    const stream = new StreamValue(next, () => void iterator?.return?.())
    this.#active.add(active)
    task.vm.streams.add(stream)
    return stream
  }

  #within<A>(answer: Promise<A>, ms: number, active: Active, path: Path): Promise<A> {
    const stop = active.abort
    return new Promise<A>((resolve, reject) => {
      const timer = this.#deadlines.add(ms, () =>
        reject(fail("Timeout", `No item after ${ms} ms`, { path, data: { ms } })),
      )
      active.abort = (cause) => {
        stop?.(cause)
        reject(cause)
      }
      answer.then(resolve, reject).finally(() => {
        timer()
        active.abort = stop
      })
    })
  }

  // ---- a live view

  #note(path: Path, text: string): void {
    this.#settings.onEvent?.({ type: "note", path, text, at: this.#settings.services.clock.tick() })
  }

  #tell(
    task: Task,
    type: "start" | "end",
    more: { readonly attempt?: number; readonly ok?: boolean; readonly attempts?: number; readonly cached?: boolean },
  ): void {
    const { onEvent, services } = this.#settings
    const { effect, resource, kind } = task.tool.extern
    if (onEvent === undefined || effect === "pure") return
    const at = services.clock.tick()
    if (type === "start") onEvent({ type, path: task.path, kind, effect, resource, at, attempt: more.attempt! })
    else onEvent({ type, path: task.path, ok: more.ok!, at, attempts: more.attempts!, cached: more.cached! })
  }
}

/** A failure that is on record: no further attempt follows it. */
class Settled {
  readonly failure: Failure
  constructor(failure: Failure) {
    this.failure = failure
  }
}

const valueOf = (commit: Commit): Value => {
  if (commit.outcome.ok) return commit.outcome.value
  throw commit.outcome.failure
}

/** What is known of a write by its answer: done, certainly not done, or nobody knows. */
const deliveryOf = (answer: unknown): "delivered" | "refused" | "uncertain" => {
  if (!(answer instanceof Failure)) return "delivered"
  return answer.undelivered === true
    ? "refused"
    : answer.code === "Timeout" || answer.code === "Cancelled" || answer.code === "ToolDied"
      ? "uncertain"
      : "refused"
}

function iteratorOf(answer: unknown): AsyncIterator<unknown> {
  const x = answer as {
    [Symbol.asyncIterator]?: () => AsyncIterator<unknown>
    [Symbol.iterator]?: () => Iterator<unknown>
  }
  if (typeof answer === "object" && answer !== null) {
    if (typeof x[Symbol.asyncIterator] === "function") return x[Symbol.asyncIterator]!()
    if (typeof x[Symbol.iterator] === "function") {
      const inner = x[Symbol.iterator]!()
      return { next: async () => inner.next() }
    }
  }
  throw fail("Mismatch", "Cannot read the answer as a stream: want an async iterable")
}

const isThenable = (x: unknown): x is PromiseLike<unknown> =>
  typeof x === "object" && x !== null && typeof (x as { then?: unknown }).then === "function"

/** A call as a tool sees it. Keys and signals are made when they are asked for: most tools ask for neither. */
class CallView implements Call {
  readonly path: Path
  readonly attempt: number
  readonly note: (text: string) => void
  readonly invoke: Call["invoke"]
  readonly #record: RunRecord
  #key: string | undefined
  #signal: AbortSignal | undefined
  #controller: AbortController | undefined
  #aborted: Failure | undefined

  constructor(
    record: RunRecord,
    path: Path,
    attempt: number,
    signal: AbortSignal | undefined,
    note: (text: string) => void,
    invoke: Call["invoke"] | undefined,
    key?: string,
  ) {
    this.#record = record
    this.path = path
    this.attempt = attempt
    this.#signal = signal
    this.note = note
    this.invoke = invoke
    this.#key = key
  }
  get run(): string {
    return this.#record.run
  }
  get key(): string {
    const key = this.#key ?? this.#record.key(this.path)
    this.#key = key
    return key
  }
  get signal(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal
    const controller = new AbortController()
    this.#controller = controller
    this.#signal = controller.signal
    if (this.#aborted !== undefined) controller.abort(this.#aborted)
    return controller.signal
  }
  abort(cause: Failure): void {
    this.#aborted = cause
    this.#controller?.abort(cause)
  }
}
