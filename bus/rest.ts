/**
 * Where a run comes to rest: nothing in it is under way any more, and what is left waits. Of a run that goes on after a stop,
 * or is replayed, this is also where outcomes of a record with failures are given out in the order in which they came:
 * each when everything that followed from the one before has happened, so that the same is cut off by the same failure.
 */
import { type Failure, fail, type Outcome, type Path, sameOutcome, toFailure } from "../graph/mod.ts"
import type { Commit, Recalled } from "../kernel/mod.ts"
import type { Attempts } from "./attempt.ts"
import { countOn } from "./counters.ts"
import type { Answers, Driver } from "./driver.ts"
import { flowAgain } from "./flow.ts"
import type { Frame } from "./frame.ts"
import { waits } from "./idle.ts"
import { release } from "./places.ts"
import type { StepCode } from "./program.ts"
import { type Task, valueIn } from "./task.ts"
import type { Vm } from "./vm.ts"

/** What a run that rests comes to; `RunRecord.waits` says what for. Of a replay: its record says no more. */
export const RESTING: Outcome = {
  ok: false,
  failure: fail("Parked", "The run rests until what it waits for is answered"),
}

interface Held {
  /** Its place on record; calls that are not on record come after all that are. */
  readonly seq: number
  readonly go: () => void
}

export class Rest {
  readonly #driver: Driver
  readonly #answers: Answers
  readonly #held: Held[] = []
  #looking = false
  /** Failures that no record says were met, the first first, and the frame that each would end. */
  readonly #others: { readonly frame: Frame; readonly outcome: Outcome }[] = []

  constructor(driver: Driver, answers: Answers) {
    this.#driver = driver
    this.#answers = answers
  }

  hold(held: Held): void {
    this.#held.push(held)
    this.look()
  }

  /** A call whose answer another process will see; the calls in whose bodies it stands wait with it. */
  leave(frame: Frame): Promise<never> {
    const driver = this.#driver
    waits(frame, "idle", () => driver.idles())
    // Their time stands still, and others may have their places.
    waits(frame, "sleeping", release)
    driver.idles()
    return new Promise(() => {})
  }

  /** Where nothing else ends the frame, and with it the run, this does. */
  otherwise(frame: Frame, outcome: Outcome): void {
    this.#others.push({ frame, outcome })
    this.look()
  }

  /** Something has stopped: looks, after a turn of the event loop, whether everything has. */
  look(): void {
    if (this.#looking) return
    this.#looking = true
    void this.#answers.settings.services.clock.sleep(0).then(() => {
      this.#looking = false
      if (this.#driver.live === this.#driver.idle + this.#held.length) this.#next()
    })
  }

  #next(): void {
    const held = this.#held
    // A tool that does not keep what it has learnt, and waits in a body, waits until its time is up.
    if (held.length === 0) {
      if (this.#answers.attempts.drains()) return
      // A frame that met the failure on record is gone, and what else failed in it with it.
      const other = this.#others.find(({ frame }) => !frame.dead)
      if (!this.#answers.attempts.anyStays()) this.#answers.rested(other?.outcome ?? RESTING)
      return
    }
    const least = held.reduce((a, b) => (b.seq < a.seq ? b : a))
    // Of those that are not on record none comes before another: they go on together, as they would have.
    const now = held.filter((h) => h.seq === least.seq)
    this.#held.splice(0, held.length, ...held.filter((h) => h.seq !== least.seq))
    for (const { go } of now) go()
    this.look()
  }
}

/** A call of a run with a past: answered from the record, held until it is its turn, or made. */
export function recall(attempts: Attempts, task: Task): unknown {
  const { vm, path, frame, step, tool, args } = task
  const { record } = vm.settings
  const past = record.past!
  const found = record.answered(path, tool.index, args, () => feeding(frame, step))
  if (past.how !== "replay") {
    // Outcomes that came of the items of a stream are on record before the stream is.
    const feeds = found === undefined && tool.output.kind === "stream"
    if (!past.ordered || feeds) return enact(attempts, task, found)
  }
  // A tool that runs bodies waits for them, so that nothing rests while they are held.
  if (isInTool(frame)) return enact(attempts, task, found)
  return new Promise((resolve, reject) => {
    const go = () => {
      try {
        if (task.frame.dead) throw fail("Cancelled", "The call no longer matters", { path })
        resolve(enact(attempts, task, found))
      } catch (cause) {
        reject(cause)
      }
    }
    vm.driver.rest.hold({ seq: found !== undefined && "seq" in found ? found.seq : Number.POSITIVE_INFINITY, go })
  })
}

function enact(attempts: Attempts, task: Task, found: Recalled | undefined): unknown {
  const { vm, tool } = task
  const { record } = vm.settings
  if (found === undefined)
    return record.past!.how === "replay" ? vm.driver.rest.leave(task.frame) : attempts.begin(task)
  if ("wait" in found) {
    record.waits.push(found.wait)
    return vm.driver.rest.leave(task.frame)
  }
  const given = (commit: Commit): unknown => {
    const { outcome } = commit
    if (tool.output.kind === "stream") return flowAgain(task, outcome)
    return valueIn(outcome, task.path)
  }
  const { commit } = found
  return commit instanceof Promise ? commit.then(given) : given(commit)
}

/**
 * Is a failure that ends a scope, or a replay, another one than on record? Of failures that do not depend on each other the
 * first counted, and which that was depended on time: here others go on until it comes.
 */
export function comesLater(vm: Vm, frame: Frame, failure: unknown): boolean {
  const { record } = vm.settings
  const { past } = record
  if (past === undefined || vm.spent) return false
  const outcome: Outcome = { ok: false, failure: toFailure(failure) }
  const tried = triedAround(frame)
  const other =
    tried === undefined
      ? past.end !== undefined && !past.end.ok && !sameOutcome(outcome, past.end)
      : record.met.isOther(tried.base(), outcome.failure)
  if (!other) return false
  vm.driver.rest.otherwise(frame, outcome)
  // What does not depend on the step that failed goes on, as if that were never done.
  if (frame.slow === undefined && frame.waiting < 0) countOn(frame)
  if (frame.slow !== undefined) vm.woken.push(frame)
  return true
}

/** A handler is about to meet the failure of a frame: of several, which was the first goes on record. */
export function meets(vm: Vm, tried: Frame, failure: Failure): void {
  if (tried.code.races && vm.outcome === undefined) vm.settings.record.met.keep(tried.base(), failure)
}

/** The scope around a frame, or the frame itself, whose failure a handler meets. */
function triedAround(frame: Frame): Frame | undefined {
  for (let f: Frame = frame; f.parent !== undefined; f = f.parent.frame) if (f.parent.failed !== undefined) return f
  return undefined
}

/** May a call in this frame rest? In a body that a tool asked for only where the tool keeps what it has learnt so far. */
export function mayRest(frame: Frame): boolean {
  for (let p = frame.parent; p !== undefined; p = p.frame.parent)
    if (p.step.kind === "invoke_with" && !p.step.tool!.rests) return false
  return true
}

/** Does the frame belong to a body that a tool asked for? */
export function isInTool(frame: Frame): boolean {
  for (let p = frame.parent; p !== undefined; p = p.frame.parent) if (p.step.kind === "invoke_with") return true
  return false
}

/** The pure functions that a step's arguments come from, by path. */
function feeding(frame: Frame, step: StepCode): readonly Path[] {
  const found = new Map<string, Path>()
  const seen = new Set<StepCode>()
  const note = (path: Path, of: StepCode) => {
    if (of.tool?.extern.effect === "pure") found.set(JSON.stringify(path), path)
    for (const { code } of of.bodies) for (const inner of code.steps) note([...path, ...inner.path], inner)
  }
  const visit = (at: Frame, of: StepCode): void => {
    for (const node of of.preds) {
      const maker = node < at.code.params ? undefined : at.code.steps[node - at.code.params]!
      if (maker === undefined || seen.has(maker)) continue
      seen.add(maker)
      note(at.pathOf(maker), maker)
      visit(at, maker)
    }
    if (at.parent !== undefined && !seen.has(at.parent.step)) {
      seen.add(at.parent.step)
      visit(at.parent.frame, at.parent.step)
    }
  }
  visit(frame, step)
  return [...found.values()]
}
