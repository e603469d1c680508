/**
 * The place that a call has at its resource, where calls of that are bounded (`limits.ts`): lent while the call does nothing
 * there itself, and given back whatever becomes of it.
 */
import type { Value } from "../graph/mod.ts"
import type { Task } from "./task.ts"

/** `lent`: a body of the call may have it, and the call wants it again. */
export type Place = "none" | "held" | "lent"

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
