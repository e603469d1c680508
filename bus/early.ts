/**
 * Reads that are called before it is certain that they are wanted, by the same way as all others: limits, budget, attempts,
 * timeouts. What they come to is kept aside; the run takes it over when it comes to the same call with the same arguments.
 */
import { Failure, fail, Park } from "../graph/mod.ts"
import type { Attempts } from "./attempt.ts"
import type { Early } from "./foreseen.ts"
import { stop, type Task } from "./task.ts"

/** Does what came of it count? A failure does not: whether the call fails is for the run itself to find out. */
export const isUsable = ({ arrived }: Early): boolean =>
  arrived !== undefined && !(arrived.answer instanceof Failure) && !(arrived.answer instanceof Park)

/** Takes the answer of an early call as that of a task: its value, or a promise of it; where it came to nothing, the tool is asked. */
export function adopt(attempts: Attempts, task: Task, early: Early): unknown {
  if (early.arrived !== undefined) return taken(attempts, task, early)
  attempts.list(task)
  task.abort = (cause) => stop(early.task, cause)
  return early.done!.then(() => {
    task.abort = undefined
    attempts.leave(task)
    if (task.stopped || task.frame.dead) throw fail("Cancelled", "The call no longer matters", { path: task.path })
    return taken(attempts, task, early)
  })
}

function taken(attempts: Attempts, task: Task, early: Early): unknown {
  const { answer, attempts: made } = early.arrived!
  if (!isUsable(early)) return attempts.begin(task)
  task.charge = early.task.charge
  // Whoever keeps a log of calls hears how long this one took, not how long the run waited for it.
  if (task.began !== 0) task.began = task.vm.settings.services.clock.tick() - early.ms
  return attempts.settle(task, answer, made)
}
