/**
 * The dataflow side of frames: what happens when a step is pending and others may go on, and how values reach bodies that
 * began before them. Plain work on counters; the VM decides when.
 */
import { type Frame, type Slow, THREW } from "./frame.ts"
import { gets, lacks } from "./idle.ts"
import type { BodyCode, ScopeCode } from "./program.ts"

/** The frame stops at a step: at rest where all that follows depends on it, with counters where it does not. */
export function stopAt(frame: Frame, i: number): void {
  if (frame.code.cut[i] === 1) frame.waiting = i
  else frame.slow = slowOf(frame.code, i)
}

/** Gives a frame counters whose last step failed. Of straight-line code the first step is to be done again, by itself. */
export function countOn(frame: Frame): void {
  const straight = frame.waiting === THREW
  if (straight) frame.pc++
  frame.waiting = -1
  frame.slow = slowOf(frame.code, frame.pc - 1)
  if (straight) frame.slow.ready.push(frame.pc - 1)
}

/** Counters of a frame whose steps before `i` are done. */
function slowOf(code: ScopeCode, i: number): Slow {
  const done = new Uint8Array(code.params + code.n)
  done.fill(1, 0, code.params + i)
  return { done, missing: new Int32Array(code.n), left: code.n - i, ready: [] }
}

/** A step of a frame with counters is done. Frames that got a value they waited for are put into `woken`. */
export function markDone(frame: Frame, i: number, woken: Frame[]): void {
  const slow = frame.slow!
  const { code } = frame
  slow.done[code.params + i] = 1
  slow.left--
  for (const s of code.steps[i]!.succs) if (s < frame.pc && --slow.missing[s]! === 0) slow.ready.push(s)
  if (frame.late !== undefined) deliverLate(frame, code.params + i, woken)
}

/** Hands what a node has just made to bodies that started without it. A block makes several values: each wants its own. */
export function deliverLate(frame: Frame, node: number, woken: Frame[]): void {
  const list = frame.late?.get(node)
  if (list === undefined) return
  frame.late!.delete(node)
  for (const { frame: child, param, slot } of list) {
    if (!child.dead) parameter(child, param, frame.slots[slot], woken)
  }
}

function parameter(child: Frame, param: number, value: unknown, woken: Frame[]): void {
  child.slots[param] = value
  const { slow, code } = child
  if (slow === undefined || slow.done[param] === 1) return
  slow.done[param] = 1
  gets(child)
  for (const s of code.paramSuccs[param]!) if (s < child.pc && --slow.missing[s]! === 0) slow.ready.push(s)
  deliverLate(child, param, woken)
  // It goes on later: the frame around it is in the middle of its own steps.
  woken.push(child)
}

/** Gives a body its captures; what is not there yet comes when it is made. */
export function capture(child: Frame, from: Frame, body: BodyCode): void {
  const { captures, producers, binders } = body
  for (let i = 0; i < captures.length; i++) {
    const node = producers[i]!
    const param = binders + i
    if (from.isDone(node)) {
      child.slots[param] = from.slots[captures[i]!]
      continue
    }
    child.slow ??= slowOf(child.code, 0)
    child.slow.done[param] = 0
    from.late ??= new Map()
    const list = from.late.get(node)
    const want = { frame: child, param, slot: captures[i]! }
    if (list === undefined) from.late.set(node, [want])
    else list.push(want)
    lacks(child)
  }
}

/** Nothing below this frame matters any more. Who waits for a body outside of any frame is told. */
export function kill(frame: Frame): void {
  if (frame.dead) return
  frame.die()
  for (const child of frame.children ?? []) {
    kill(child)
    child.parent?.killed?.()
  }
}
