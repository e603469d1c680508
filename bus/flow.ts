/**
 * A tool whose answer is a stream: its items are judged one by one as somebody takes them, and its outcome, the list of all
 * of them, is committed at its end. A stream that is stopped before has learnt what it gave: that is committed, so that
 * a replay can give it again.
 */
import { brokenOff, type Failure, fail, isRecord, itemsOf, type Outcome, toFailure, type Value } from "../graph/mod.ts"
import type { Attempts } from "./attempt.ts"
import { StreamValue, type Taken } from "./stream.ts"
import { charged, type Task } from "./task.ts"

export function flow(attempts: Attempts, task: Task): StreamValue {
  const { tool, path, vm } = task
  const items: Value[] = []
  let iterator: AsyncIterator<unknown> | undefined
  let attempt = 1
  let over = false
  let stopped = false

  const commit = async (answer: Value | Failure): Promise<void> => {
    over = true
    if (tool.extern.effect === "pure") attempts.leave(task)
    else await attempts.settle(task, answer, attempt)
  }
  /** The next item, after as many attempts as its tool may have before the first. */
  const pull = async (): Promise<Taken> => {
    for (;;) {
      try {
        const { driver } = vm
        iterator ??= iteratorOf(
          await driver.counted(attempts.timed(task, Promise.resolve(attempts.call(task, attempt)), "No answer")),
        )
        const result = await driver.counted(attempts.timed(task, iterator.next(), "No item"))
        if (stopped) throw fail("Cancelled", "The call no longer matters")
        if (result.done === true) break
        const value = tool.judge(result.value)
        items.push(value)
        return { done: false, value }
      } catch (cause) {
        quit(iterator)
        iterator = undefined
        const failure = toFailure(cause, path)
        if (stopped || items.length > 0 || !attempts.again(task, failure, attempt)) throw failure
        await vm.driver.counted(attempts.backoff(task, ++attempt))
        charged(task, vm.settings.record)
      }
    }
    await vm.driver.counted(commit(items))
    return { done: true }
  }
  /** Items that were read before anybody asked for them. */
  const before: Taken[] = []
  let filled: Promise<void> | undefined
  const next = async (): Promise<Taken> => {
    if (filled !== undefined) await filled
    return before.shift() ?? (await read())
  }
  const fill = async (): Promise<void> => {
    do before.push(await read())
    while (before.at(-1)?.done !== true)
  }
  /** The run is about to rest. What others have seen the beginning of is read to its end: its outcome has to be on record. */
  const drains = (): boolean => {
    if (over || items.length === 0 || tool.extern.effect === "pure") return false
    filled ??= fill()
    return true
  }
  const read = async (): Promise<Taken> => {
    try {
      return await pull()
    } catch (cause) {
      const failure = toFailure(cause, path)
      if (!stopped && !over) await commit(brokenOff(failure, items)).catch(() => {})
      // All of it is the step's own answer, which is waited for.
      if (task.step.eager) throw failure
      if (stopped) return await NEVER
      // It is the stream that fails, not who reads it.
      vm.broke(task.frame, task.step, failure)
      return await NEVER
    }
  }
  const stop = (cause: Failure): void => {
    if (over) return
    over = stopped = true
    quit(iterator)
    const { record } = vm.settings
    // Out of budget the run rests, and has learnt nothing for good: whoever goes on with it reads from the beginning.
    const rests = record.parks && record.meter?.stopped !== undefined
    if (items.length === 0 || rests || tool.extern.effect === "pure") attempts.leave(task)
    else {
      const unread = fail("Stopped", "Nobody reads on", { cause })
      attempts.recorded(task, brokenOff(unread, items), attempt)
    }
  }
  const stream = new StreamValue(next, stop, drains)
  task.stream = stream
  attempts.list(task)
  return stream
}

/** The stream of an outcome on record: its items again, and how it ended. */
export function flowAgain({ vm, frame, step, tool, path }: Task, outcome: Outcome): unknown {
  const broke = outcome.ok ? undefined : outcome.failure
  const data =
    broke !== undefined && isRecord(broke.data) && Array.isArray(broke.data["items"]) ? broke.data : undefined
  const items = (outcome.ok ? outcome.value : (data?.["items"] ?? [])) as readonly Value[]
  let i = 0
  const next = async (): Promise<Taken> => {
    if (i < items.length) return { done: false, value: tool.judge(items[i++]) }
    if (broke === undefined) return { done: true }
    const { code, message } = broke
    const { rest } = vm.driver
    if (code !== "Stopped") {
      const failure = fail(code, message, { path, data: data === undefined ? broke.data : data["data"]! })
      if (step.eager) throw failure
      vm.broke(frame, step, failure)
    } else if (step.eager) return await rest.leave(frame)
    // Nobody read on: nobody does now.
    rest.look()
    return await NEVER
  }
  const stream = new StreamValue(next, () => {})
  return step.eager ? stream.collect() : stream
}

const NEVER: Promise<never> = new Promise(() => {})

/** Tells the tool that nobody reads on; what it says to that matters to nobody. */
function quit(iterator: AsyncIterator<unknown> | undefined): void {
  const ended = async () => await iterator?.return?.()
  ended().catch(() => {})
}

function iteratorOf(answer: unknown): AsyncIterator<unknown> {
  const items = itemsOf(answer)
  if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]()
  const inner = items[Symbol.iterator]()
  return {
    next: async () => {
      const { done, value } = inner.next()
      return done === true ? { done: true, value: undefined } : { done: false, value: await value }
    },
  }
}
