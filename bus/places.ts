/**
 * The place that a call has at its resource, where calls of that are bounded (`limits.ts`): lent while the call does nothing
 * there itself, and given back whatever becomes of it.
 */
import type { Failure, Value } from "../graph/mod.ts"
import type { Recording } from "./settings.ts"
import { expired, type Task } from "./task.ts"

/** `lent`: a body of the call may have it, and the call wants it again. */
export type Place = "none" | "held" | "lent"

/** Waits for a place, as long as the run may go on and no longer. Fails as `ResourceLimits.enter` does, and with `Budget`. */
export async function enter(task: Task, record: Recording, waiting: AbortController): Promise<void> {
  const entered = limitsOf(task).enter(task.tool.extern.resource!, waiting.signal)
  const leftMs = record.meter?.leftMs ?? Number.POSITIVE_INFINITY
  if (entered === undefined || leftMs === Number.POSITIVE_INFINITY) await entered
  else await inTime(task, record, waiting, entered, leftMs)
  task.place = "held"
}

async function inTime(
  task: Task,
  record: Recording,
  waiting: AbortController,
  entered: Promise<void>,
  leftMs: number,
): Promise<void> {
  const there = new AbortController()
  let late: Failure | undefined
  const over = () => {
    late = expired(task, record)
    waiting.abort(late)
  }
  task.vm.settings.services.clock.sleep(leftMs, there.signal).then(over, () => {})
  try {
    await entered
  } catch (cause) {
    throw late ?? cause
  } finally {
    there.abort()
  }
}

/** The call needs its place no more. */
export function release(task: Task): void {
  const { place } = task
  task.place = "none"
  if (place === "held") limitsOf(task).leave(task.tool.extern.resource!)
}

/** A tool asks for nothing while a body of its own is at work, which may want the same place: that is free until the last has ended. */
export async function aside(task: Task, signal: AbortSignal, ran: Promise<Value>): Promise<Value> {
  if (task.place === "held") {
    release(task)
    task.place = "lent"
  }
  task.away++
  try {
    return await ran
  } finally {
    if (--task.away === 0 && task.place === "lent") await back(task, signal)
  }
}

async function back(task: Task, signal: AbortSignal): Promise<void> {
  const resource = task.tool.extern.resource!
  await limitsOf(task).again(resource, "place", signal)
  // Meanwhile another of its bodies was back before or is at work, or the call has ended.
  if (task.place !== "lent" || task.away > 0) limitsOf(task).leave(resource)
  else task.place = "held"
}

/** Undefined, or when the call may send once more. */
export const sendsAgain = (task: Task, signal: AbortSignal): undefined | Promise<void> =>
  task.place === "none" ? undefined : limitsOf(task).again(task.tool.extern.resource!, "send", signal)

const limitsOf = (task: Task) => task.vm.settings.limits!
