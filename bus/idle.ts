/**
 * Which calls wait for nothing but bodies that they asked for: in such a body something waits for another process
 * (`sleeping`), or for a value of the graph around it that is not there yet. They are no work under way, so they keep a run
 * neither from its rest nor from the next outcome of its record. Counted as it happens, since a run asks at every answer.
 */
import type { Frame, Parent } from "./frame.ts"
import type { Task } from "./task.ts"

/** How much in a body, and how many bodies of a call, is `idle`; and how much of that is `sleeping`. */
export interface Idling {
  idle: number
  sleeping: number
}

type ToolBody = Parent & { readonly task: Task; readonly idling: Idling }

/** The innermost body of a tool that a frame is part of. */
function toolBody(frame: Frame): ToolBody | undefined {
  for (let p = frame.parent; p !== undefined; p = p.frame.parent) if (p.task !== undefined) return p as ToolBody
  return undefined
}

/** Something in a frame waits: the calls in whose bodies it stands wait with it, and `first` hears of each that did not yet. */
export function waits(frame: Frame, what: keyof Idling, first: (task: Task) => void): void {
  for (let body = toolBody(frame); body !== undefined; body = toolBody(body.task.frame)) {
    const { task, idling } = body
    if (idling[what]++ > 0 || task.idling[what]++ > 0) return
    first(task)
  }
}

/** One body of a call has gone on: the call with it, and those in whose bodies it stands; `last` hears of each. */
function goesOn(task: Task, what: keyof Idling, last: (task: Task) => void): void {
  for (let t: Task | undefined = task; t !== undefined && t.idling[what] > 0 && --t.idling[what] === 0; ) {
    last(t)
    const body = toolBody(t.frame)
    if (body === undefined || body.idling[what] === 0 || --body.idling[what] > 0) return
    t = body.task
  }
}

const busy = (task: Task): void => task.vm.driver.busy()
const nothing = (): void => {}

/** A body began without a value of the graph around it. */
export const lacks = (child: Frame): void => waits(child, "idle", (task) => task.vm.driver.idles())

/** The value has come. */
export function gets(child: Frame): void {
  const body = toolBody(child)
  if (body !== undefined && body.idling.idle > 0 && --body.idling.idle === 0) goesOn(body.task, "idle", busy)
}

/** A body that a tool asked for has ended: what waits in it holds up its tool no more. */
export function stir({ task, idling }: Parent): void {
  if (task === undefined || idling === undefined) return
  if (idling.sleeping > 0) goesOn(task, "sleeping", nothing)
  if (idling.idle > 0) goesOn(task, "idle", busy)
  idling.sleeping = idling.idle = 0
}

/** A call has ended, whatever its bodies wait for. */
export function wake(task: Task): void {
  const { idling } = task
  if (idling.idle === 0) return
  if (idling.sleeping > 0) idling.sleeping = 1
  idling.idle = 1
  goesOn(task, "sleeping", nothing)
  goesOn(task, "idle", busy)
}
