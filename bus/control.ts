/**
 * Steps with bodies: choices, items, iterations, and failure that is met. Each begins its bodies inside the loop of its
 * frame and, as long as they answer at once, goes on without a queue or a promise and with one frame for all iterations.
 */
import { errorValue, fail, toFailure, type Value } from "../graph/mod.ts"
import type { StepName } from "../plan/mod.ts"
import { capture } from "./counters.ts"
import type { Frame, Parent } from "./frame.ts"
import { stir } from "./idle.ts"
import type { BodyCode, StepCode } from "./program.ts"
import { meets } from "./rest.ts"
import { isStream, type StreamValue } from "./stream.ts"
import type { Task } from "./task.ts"
import { PENDING } from "./translate.ts"
import type { Vm } from "./vm.ts"
import { outOfFuel } from "./words.ts"

type Control = Exclude<StepName, "block" | "invoke" | "invoke_with">
type Run = (vm: Vm, frame: Frame, step: StepCode) => unknown

/** One rule for each; forgetting one does not compile. */
export const CONTROL: { readonly [K in Control]: Run } = {
  enter: (vm, frame, step) => once(vm, frame, step, step.bodies[0]!),
  when: (vm, frame, step) => once(vm, frame, step, step.bodies[frame.slots[step.arg] === true ? 0 : 1]!),
  switch: (vm, frame, step) => {
    const on = frame.slots[step.arg]
    const found = step.words.indexOf(on as string)
    const body = step.bodies[found < 0 ? step.words.length : found]
    if (body === undefined)
      throw fail("NoCase", `Cannot go on: no case for ${JSON.stringify(on)}`, {
        path: frame.pathOf(step),
        data: { on: on as Value },
      })
    return once(vm, frame, step, body)
  },
  catch: (vm, frame, step) => {
    const handle = (failure: unknown): unknown => {
      if (vm.spent) throw failure
      const known = toFailure(failure)
      meets(vm, tried, known)
      const parent: Parent = { frame, step, done: (_, value) => vm.deliver(frame, step, value), failed: undefined }
      const child = vm.child(parent, step.bodies[1]!, undefined)
      child.slots[0] = errorValue(known)
      // What was sent before the failure is on its way: the handler must not overtake it.
      const sent = vm.attempts.settledIn(tried)
      if (sent === undefined) return vm.body(child)
      sent.then(() => {
        if (!frame.dead) vm.begin(child)
      })
      return PENDING
    }
    const parent: Parent = {
      frame,
      step,
      done: (_, value) => vm.deliver(frame, step, value),
      failed: (_, failure) => {
        const value = handle(failure)
        if (value !== PENDING) vm.deliver(frame, step, value)
        return true
      },
    }
    const tried = vm.child(parent, step.bodies[0]!, undefined)
    try {
      return vm.body(tried)
    } catch (cause) {
      return handle(cause)
    }
  },
  map: (vm, frame, step) => {
    const over = frame.slots[step.arg]
    if (isStream(over)) return mapStream(vm, frame, step, over)
    const items = over as readonly Value[]
    const { onEvent, services } = vm.settings
    onEvent?.({ type: "items", path: frame.pathOf(step), count: items.length, at: services.clock.tick() })
    return new Mapping(vm, frame, step, items).begin()
  },
  fold: (vm, frame, step) => {
    const over = frame.slots[step.arg]
    return isStream(over)
      ? vm.later(frame, step, foldStream(vm, frame, step, over))
      : new Folding(vm, frame, step, over as readonly Value[]).begin()
  },
  loop: (vm, frame, step) => new Looping(vm, frame, step).begin(),
}

function once(vm: Vm, frame: Frame, step: StepCode, body: BodyCode): unknown {
  return vm.body(vm.child(new Once(vm, frame, step), body, undefined))
}

/** The parent of a body that runs once: its value is the step's. */
class Once implements Parent {
  readonly frame: Frame
  readonly step: StepCode
  readonly failed = undefined
  readonly #vm: Vm
  constructor(vm: Vm, frame: Frame, step: StepCode) {
    this.frame = frame
    this.step = step
    this.#vm = vm
  }
  done(_: Frame, value: unknown): void {
    this.#vm.deliver(this.frame, this.step, value)
  }
}

/** Counts one iteration against the run's fuel. */
function burn(vm: Vm, frame: Frame, step: StepCode): void {
  if (--vm.fuel.left < 0) throw toFailure(outOfFuel(vm.fuel), frame.pathOf(step))
}

/** `map` over a list: at most `bound` items at work, results in item order, traces folded as the low end is finished. */
class Mapping {
  readonly vm: Vm
  readonly frame: Frame
  readonly step: StepCode
  readonly items: readonly Value[]
  readonly results: unknown[]
  readonly parent: Parent
  #next = 0
  #active = 0
  #low = 0
  /** Items finished out of order; only while something is pending. */
  #finished: Uint8Array | undefined
  #spare: Frame | undefined

  constructor(vm: Vm, frame: Frame, step: StepCode, items: readonly Value[]) {
    this.vm = vm
    this.frame = frame
    this.step = step
    this.items = items
    this.results = new Array(items.length)
    this.parent = {
      frame,
      step,
      done: (child, value) => {
        this.#active--
        this.#finish(child.index!, value)
        try {
          if (this.#go()) vm.deliver(frame, step, this.results)
        } catch (cause) {
          vm.reject(frame, step, cause)
        }
      },
      failed: undefined,
    }
  }

  begin(): unknown {
    return this.#go() ? this.results : PENDING
  }

  /** Starts what may start. True when every item is finished. */
  #go(): boolean {
    const { vm, frame, step, items } = this
    const body = step.bodies[0]!
    while (this.#next < items.length && this.#active < step.bound) {
      const i = this.#next++
      burn(vm, frame, step)
      const child = this.#frame(body, i)
      child.slots[0] = items[i]
      child.slots[1] = i
      const value = vm.body(child)
      if (value === PENDING) this.#active++
      else {
        this.#finish(i, value)
        this.#spare = child
      }
    }
    return this.#next >= items.length && this.#active === 0
  }

  /** A frame whose body answered at once is used again: its slots are all set anew by the next item. */
  #frame(body: BodyCode, i: number): Frame {
    const spare = this.#spare
    if (spare === undefined) return this.vm.child(this.parent, body, i)
    this.#spare = undefined
    spare.reuse(i)
    capture(spare, this.frame, body)
    return spare
  }

  #finish(i: number, value: unknown): void {
    this.results[i] = value
    if (i === this.#low && this.#finished === undefined) this.#low++
    else {
      this.#finished ??= new Uint8Array(this.items.length)
      this.#finished[i] = 1
      while (this.#finished[this.#low] === 1) this.#low++
    }
    if (this.step.traced) this.vm.settings.record.seal(this.frame.pathOf(this.step), this.#low)
  }
}

/** One body after another, each with what the one before made. */
abstract class Sequence {
  readonly vm: Vm
  readonly frame: Frame
  readonly step: StepCode
  state: unknown
  i = 0
  #path: readonly (string | number)[] | undefined

  constructor(vm: Vm, frame: Frame, step: StepCode, from: unknown) {
    this.vm = vm
    this.frame = frame
    this.step = step
    this.state = from
  }
  abstract begin(): unknown

  sealed(): void {
    if (!this.step.traced) return
    this.#path ??= this.frame.pathOf(this.step)
    this.vm.settings.record.seal(this.#path, this.i)
  }
  /** Goes on after an answer that came later, and tells the frame when that was the last one. */
  resume(go: () => unknown): void {
    try {
      const value = go()
      if (value !== PENDING) this.vm.deliver(this.frame, this.step, value)
    } catch (cause) {
      this.vm.reject(this.frame, this.step, cause)
    }
  }
}

class Folding extends Sequence {
  readonly items: readonly Value[]
  readonly #parent: Parent
  constructor(vm: Vm, frame: Frame, step: StepCode, items: readonly Value[]) {
    super(vm, frame, step, frame.slots[step.arg2])
    this.items = items
    this.#parent = {
      frame,
      step,
      done: (_, value) => {
        this.state = value
        this.i++
        this.sealed()
        this.resume(() => this.begin())
      },
      failed: undefined,
    }
  }
  override begin(): unknown {
    const { vm, frame, step, items } = this
    const body = step.bodies[0]!
    let child: Frame | undefined
    for (; this.i < items.length; this.i++) {
      burn(vm, frame, step)
      child = again(vm, frame, body, this.#parent, child, this.i)
      child.slots[0] = this.state
      child.slots[1] = items[this.i]
      child.slots[2] = this.i
      const value = vm.body(child)
      if (value === PENDING) return PENDING
      this.state = value
      this.sealed()
    }
    return this.state
  }
}

/** The frame of the iteration before, or a fresh one. */
function again(vm: Vm, frame: Frame, body: BodyCode, parent: Parent, spare: Frame | undefined, i: number): Frame {
  if (spare === undefined) return vm.child(parent, body, i)
  spare.reuse(i)
  capture(spare, frame, body)
  return spare
}

class Looping extends Sequence {
  readonly #test: Parent
  readonly #body: Parent
  constructor(vm: Vm, frame: Frame, step: StepCode) {
    super(vm, frame, step, frame.slots[step.arg])
    this.#test = {
      frame,
      step,
      done: (_, value) => this.resume(() => (value === true ? this.#bodyThen() : this.state)),
      failed: undefined,
    }
    this.#body = {
      frame,
      step,
      done: (_, value) => {
        this.state = value
        this.i++
        this.sealed()
        this.resume(() => this.begin())
      },
      failed: undefined,
    }
  }

  override begin(): unknown {
    const { vm, frame, step } = this
    const [test, body] = step.bodies
    let testFrame: Frame | undefined
    let bodyFrame: Frame | undefined
    for (;;) {
      testFrame = again(vm, frame, test!, this.#test, testFrame, this.i)
      testFrame.slots[0] = this.state
      testFrame.slots[1] = this.i
      const goOn = vm.body(testFrame)
      if (goOn === PENDING) return PENDING
      if (goOn !== true) return this.state
      this.#bounded()
      bodyFrame = again(vm, frame, body!, this.#body, bodyFrame, this.i)
      bodyFrame.slots[0] = this.state
      bodyFrame.slots[1] = this.i
      const value = vm.body(bodyFrame)
      if (value === PENDING) return PENDING
      this.state = value
      this.i++
      this.sealed()
    }
  }

  /** The body alone, after a test that had to wait. */
  #bodyThen(): unknown {
    const { vm, step } = this
    this.#bounded()
    const child = vm.child(this.#body, step.bodies[1]!, this.i)
    child.slots[0] = this.state
    child.slots[1] = this.i
    const value = vm.body(child)
    if (value === PENDING) return PENDING
    this.state = value
    this.i++
    this.sealed()
    return this.begin()
  }

  #bounded(): void {
    const { vm, frame, step } = this
    burn(vm, frame, step)
    if (this.i >= step.bound) {
      throw fail("LoopBound", `Cannot go on: the loop still wants to after ${step.bound} iterations`, {
        path: frame.pathOf(step),
        data: { max: step.bound },
      })
    }
  }
}

/**
 * `map` over a stream gives a stream: at most `bound` items are at work or finished and not yet taken, so that a slow reader
 * slows the source. All of it at once, as a list, where something waits for its end.
 */
function mapStream(vm: Vm, frame: Frame, step: StepCode, source: StreamValue): unknown {
  const path = frame.pathOf(step)
  let low = 0
  const made = source.map(
    frame,
    step.bound,
    (item, i) => runItem(vm, frame, step, i, [item, i]),
    () => {
      if (step.traced) vm.settings.record.seal(path, ++low)
    },
  )
  return step.eager ? vm.later(frame, step, made.collect()) : made
}

/** `fold` over a stream: one item at a time, in constant memory. */
async function foldStream(vm: Vm, frame: Frame, step: StepCode, source: StreamValue): Promise<unknown> {
  const take = source.open(frame)
  let state = frame.slots[step.arg2]
  let i = 0
  for (let next = await take(); !next.done; next = await take()) {
    state = await runItem(vm, frame, step, i, [state, next.value, i])
    i++
    if (step.traced) vm.settings.record.seal(frame.pathOf(step), i)
  }
  return state
}

/** An item of a stream. It is the node that fails with it, not who reads what the node makes. */
function runItem(vm: Vm, frame: Frame, step: StepCode, i: number, binders: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve) => {
    burn(vm, frame, step)
    begin(vm, { frame, step, done: (_, value) => resolve(value), failed: undefined }, step.bodies[0]!, i, binders)
  })
}

/** Runs a body that a tool asked for, by role, as its call number `call`; fails with the body's failure. */
export function runRole(task: Task, role: string, args: Value, call: number): Promise<Value> {
  const { frame, step } = task
  const body = step.bodies[step.words.indexOf(role)]
  if (body === undefined) {
    return Promise.reject(
      fail("NoRole", `Cannot run "${role}": the node has no such body`, { path: frame.pathOf(step) }),
    )
  }
  return runBody(task, body, call, [args]) as Promise<Value>
}

/** One body as a promise. */
function runBody(task: Task, body: BodyCode, index: number, binders: readonly unknown[]): Promise<unknown> {
  const { vm, frame, step } = task
  return new Promise((resolve, reject) => {
    const parent: Parent = {
      frame,
      step,
      task,
      idling: { idle: 0, sleeping: 0 },
      done: (_, value) => {
        stir(parent)
        resolve(value)
      },
      failed: (tried, failure) => {
        stir(parent)
        meets(vm, tried, toFailure(failure))
        // What was sent before the failure is on its way: what is done next must not overtake it.
        const sent = vm.attempts.settledIn(tried)
        if (sent === undefined) reject(toFailure(failure))
        else sent.then(() => reject(toFailure(failure)))
        return true
      },
      killed: () => {
        stir(parent)
        reject(fail("Cancelled", "The call no longer matters", { path: frame.pathOf(step) }))
      },
    }
    begin(vm, parent, body, index, binders)
  })
}

/** Begins a body from outside any loop. What it is part of may be dead by now. */
function begin(vm: Vm, parent: Parent, body: BodyCode, index: number, binders: readonly unknown[]): void {
  if (parent.frame.dead) {
    parent.killed?.()
    return
  }
  const child = vm.child(parent, body, index)
  binders.forEach((value, b) => {
    child.slots[b] = value
  })
  vm.begin(child)
}
