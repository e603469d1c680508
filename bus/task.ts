/** A call of a tool on its way, from its first attempt to its commit: what is known of it meanwhile, and how it is stopped. */
import { type Failure, fail, type Path, type Value } from "../graph/mod.ts"
import { Charge, type Intent, type RunRecord } from "../kernel/mod.ts"
import type { Frame } from "./frame.ts"
import type { StepCode, Tool } from "./program.ts"
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
  /** Stops what it waits for now. */
  abort: ((cause: Failure) => void) | undefined
  /** It was told to stop: what it fails with now says nothing of the world. */
  stopped: boolean
  /** Bodies that the tool ran: what they did cannot be undone, so no attempt follows. */
  bodies: number
  stream: StreamValue | undefined
  /** What it spent, where somebody counts. */
  charge: Charge | undefined
  /** Is it among those that the run would have to stop? */
  listed: boolean
}

/** A request is about to be sent: where the run's budget forbids that, nothing more is learnt, and the run ends. */
export function charged(task: Task, record: RunRecord): void {
  const { meter } = record
  if (meter === undefined || task.tool.extern.effect === "pure") return
  task.charge ??= new Charge()
  try {
    meter.begin(task.path)
  } catch (cause) {
    task.stopped = true
    throw cause
  }
}

/** The run's time was up before the answer came. */
export function expired(task: Task, record: RunRecord): Failure {
  task.stopped = true
  return record.meter!.expire(task.path)
}
export const tooLate = ({ path }: Task, what: string, ms: number): Failure =>
  fail("Timeout", `${what} after ${ms} ms`, { path, data: { ms }, retryable: true })

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
