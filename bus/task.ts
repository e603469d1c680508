/** A call of a tool on its way, from its first attempt to its commit: what is known of it meanwhile, and how it is stopped. */
import {
  type Delivery,
  deliveryOf as deliveryBy,
  Failure,
  fail,
  type Outcome,
  type Park,
  type Path,
  toFailure,
  type Value,
} from "../graph/mod.ts"
import { Charge, type Intent } from "../kernel/mod.ts"
import type { Frame } from "./frame.ts"
import type { Idling } from "./idle.ts"
import type { Place } from "./places.ts"
import type { StepCode, Tool } from "./program.ts"
import type { Recording, RunSettings } from "./settings.ts"
import type { StreamValue } from "./stream.ts"
import type { Vm } from "./vm.ts"

/** One call of a tool, from its first attempt to its commit. */
export interface Task {
  readonly vm: Vm
  readonly frame: Frame
  readonly step: StepCode
  readonly tool: Tool
  readonly args: Value
  readonly path: Path
  /** Of a write that was announced. */
  intent: Intent | undefined
  /** Of a write whose intent is not on record yet. */
  announcing: boolean
  /** Stops what it waits for now. */
  abort: ((cause: Failure) => void) | undefined
  /** It was told to stop: what it fails with now says nothing of the world. */
  stopped: boolean
  /** Bodies that the tool ran: what they did cannot be undone, so no attempt follows. */
  bodies: number
  stream: StreamValue | undefined
  /** How many of its bodies wait, and the call with them; while any waits for another process, its own time stands still. */
  readonly idling: Idling
  /** What it spent, where somebody counts. */
  charge: Charge | undefined
  /** It holds one of the places that its resource has. */
  place: Place
  /** Bodies of its own that are at work, which that place is free for. */
  away: number
  /** Is it among those that the run would have to stop? */
  listed: boolean
  /** It takes a write back, which no budget forbids. */
  undoes: boolean
  /** It is called before it is certain that it is wanted: nothing of it is committed. */
  readonly early: boolean
  /** When it was begun, on the monotonic clock; 0 where nobody hears of it. */
  began: number
}

export const taskOf = (
  vm: Vm,
  frame: Frame,
  step: StepCode,
  args: Value = frame.slots[step.arg] as Value,
  path: Path = frame.pathOf(step),
): Task => ({
  vm,
  frame,
  step,
  tool: step.tool!,
  args,
  path,
  intent: undefined,
  announcing: false,
  abort: undefined,
  stopped: false,
  bodies: 0,
  stream: undefined,
  idling: { idle: 0, sleeping: 0 },
  charge: undefined,
  listed: false,
  place: "none",
  away: 0,
  undoes: false,
  early: false,
  began: step.tool!.hear === undefined ? 0 : vm.settings.services.clock.tick(),
})

/** A request is about to be sent: where the run's budget forbids that, nothing more is learnt, and the run ends. */
export function charged(task: Task, record: Recording): void {
  if (task.tool.extern.effect === "pure") return
  const { meter } = record
  if (meter === undefined) {
    record.uncounted++
    return
  }
  // What may turn out not to be needed must not use up what the run needs.
  if (task.early && !meter.room) throw fail("Cancelled", "Half of the budget is used", { path: task.path })
  task.charge ??= new Charge()
  if (task.undoes) return meter.beyond()
  try {
    meter.begin(task.path)
  } catch (cause) {
    task.stopped = true
    throw cause
  }
}

/** The run's time was up before the answer came. */
export function expired(task: Task, record: Recording): Failure {
  task.stopped = true
  return record.meter!.expire(task.path)
}
export const tooLate = ({ path }: Task, what: string, ms: number): Failure =>
  fail("Timeout", `${what} after ${ms} ms`, { path, data: { ms }, retryable: true })

/** The longest pause before an attempt: doubled each time, up to its bound. */
export function pauseMsMost({ tool }: Task, attempt: number): number {
  const { delayMs, delayMsMax } = tool.extern.settings.retry!
  let most = delayMs
  for (let i = 2; i < attempt && most < delayMsMax; i++) most *= 2
  return Math.min(delayMsMax, most)
}

/** Tells a call to stop. */
export function stop(task: Task, cause: Failure): void {
  task.stopped = true
  if (task.stream !== undefined) task.stream.stop(cause)
  task.abort?.(cause)
}

export const isIn = (frame: Frame, outer: Frame): boolean => {
  for (let f: Frame | undefined = frame; f !== undefined; f = f.parent?.frame) if (f === outer) return true
  return false
}

export const valueIn = (outcome: Outcome, path: Path): Value => {
  if (outcome.ok) return outcome.value
  throw toFailure(outcome.failure, path)
}

/** What is known of a write by its answer: done, certainly not done, or nobody knows. */
export const deliveryOf = (answer: unknown): Delivery => (answer instanceof Failure ? deliveryBy(answer) : "delivered")

/** Does nobody know what came of a write that ended so? */
export const isUncertain = (answer: unknown): answer is Failure => deliveryOf(answer) === "uncertain"

/** What a wait comes to where the host cannot rest. */
export const cannotRest = ({ why }: Park): Failure =>
  fail("CannotRest", `Cannot wait (${why}): this run cannot rest and go on another day`, { undelivered: true })

/** A write that is announced, or about to be: what comes of it belongs to the run's record. */
export const isSending = (task: Task): boolean => task.intent !== undefined || task.announcing

/** Tells a live view how a call goes. */
export function tell(
  { onEvent, services }: RunSettings,
  { path, tool, early }: Task,
  type: "start" | "end",
  more: {
    readonly attempt?: number
    /** What it came to, where that is a failure. */
    readonly failure?: { readonly code: string } | undefined
    readonly attempts?: number
    readonly cached?: boolean
  },
): void {
  const { index, extern } = tool
  const { effect, resource, kind } = extern
  if (onEvent === undefined || effect === "pure") return
  const at = services.clock.tick()
  if (type === "start") {
    onEvent({
      type,
      path,
      kind,
      effect,
      resource,
      extern: index,
      at,
      attempt: more.attempt!,
      ...(early ? { early } : {}),
    })
    return
  }
  const { failure, attempts, cached } = more
  const code = failure === undefined ? {} : { code: failure.code }
  onEvent({
    type,
    path,
    extern: index,
    ok: failure === undefined,
    ...code,
    at,
    attempts: attempts!,
    cached: cached!,
  })
}
