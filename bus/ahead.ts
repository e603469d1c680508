/**
 * Looking ahead. While reads of a run are under way, the same plan is run a second time beside it, from the outcomes that
 * the run has and from guesses in place of those that it has not; what that comes to is provisional. It sends nothing,
 * commits nothing, and shares no slot with the run: the run itself is the snapshot, and to roll back is to let go of the look
 * ahead and begin another one from what is known by now. What it leaves behind are reads that were called early: the run
 * takes one over when it comes to the same call with the same arguments and everything it rested on has turned out right.
 */
import {
  type Failure,
  fail,
  type Outcome,
  type Path,
  printPath,
  sameValue,
  toFailure,
  type Value,
} from "../graph/mod.ts"
import { AskingAttempts } from "./asking.ts"
import { isThenable } from "./driver.ts"
import { isUsable } from "./early.ts"
import { EarlyAnswers } from "./early_answer.ts"
import { type Arrived, type Early, Foreseen, type Learnt, restsOf, restsOfResult } from "./foreseen.ts"
import { Frame } from "./frame.ts"
import { Asking, judgedAtOnce, nameOf } from "./guess.ts"
import { GuessBook } from "./guess_book.ts"
import type { StepCode } from "./program.ts"
import { isInTool } from "./rest.ts"
import type { RunSettings } from "./settings.ts"
import type { Speculation } from "./speculation.ts"
import { isStream } from "./stream.ts"
import { stop, type Task, taskOf, valueIn } from "./task.ts"
import { Unrecorded } from "./unrecorded.ts"
import type { Vm } from "./vm.ts"

/** Outcomes of a run that are remembered for looking ahead; a longer one goes on without. */
const OUTCOMES_MAX = 1 << 14
/** Fuel of a look ahead beyond what the run itself has used: a wrong guess must not keep the host busy. */
const FUEL = 1_000_000

/** A call that the run itself made. */
interface Real {
  readonly args: Value
  outcome: Outcome | undefined
}

/** A step of the look ahead that waits for what only the run can learn. */
interface Waiter {
  readonly frame: Frame
  readonly step: StepCode
  readonly resolve: (value: unknown) => void
  readonly reject: (cause: Failure) => void
}

/** One run of the plan on guesses. */
interface Look {
  readonly vm: Vm
  readonly stop: AbortController
  readonly waiters: Set<Waiter>
}

export class Ahead {
  readonly #vm: Vm
  readonly #input: Value
  readonly #settings: RunSettings
  readonly #with: Speculation
  readonly #make: typeof Vm
  readonly #real = new Map<string, Real>()
  readonly #open = new Map<string, Foreseen>()
  readonly #learnt: Learnt = {
    open: this.#open,
    certain: (at) => this.#real.get(at)?.outcome !== undefined,
  }
  /** Calls of the run that began since it was last looked ahead. */
  readonly #fresh = new Set<Task>()
  readonly #asks: Asking
  readonly #book: GuessBook
  #look: Look | undefined
  #soon = false
  #flying = 0
  readonly #answers: EarlyAnswers | undefined

  /** @param make Makes the VM of a look ahead. */
  constructor(vm: Vm, input: Value, make: typeof Vm) {
    this.#vm = vm
    this.#input = input
    this.#settings = vm.settings
    this.#with = vm.settings.speculation!
    this.#make = make
    const { onEarly } = this.#with
    this.#answers = onEarly && new EarlyAnswers(onEarly)
    this.#asks = new Asking(vm.program, this.#with, this.#settings.services.clock)
    this.#book = new GuessBook(this.#settings, this.#with)
  }

  /** The run goes on alone. */
  get #over(): boolean {
    return this.#book.over
  }

  // ---- the run itself

  /** A call of the run. `answer` makes it, or finds it on record or among those that were made early. */
  call(task: Task, answer: () => unknown): unknown {
    const { effect, resource } = task.tool.extern
    if (this.#over || (effect === "pure" && task.step.kind === "invoke")) return answer()
    if (effect === "write") this.#written(resource)
    const at = printPath(task.path)
    const real: Real = { args: task.args, outcome: undefined }
    this.#real.set(at, real)
    if (this.#real.size > OUTCOMES_MAX) this.#quit()
    const began = this.#settings.services.clock.tick()
    let value: unknown
    try {
      value = answer()
    } catch (cause) {
      this.#settled(task, at, real, { ok: false, failure: toFailure(cause, task.path) })
      throw cause
    }
    if (isStream(value)) return value
    if (!isThenable(value)) {
      this.#settled(task, at, real, { ok: true, value: value as Value })
      return value
    }
    const adopted = this.#open.get(at)?.call !== undefined
    if (!adopted) this.#fresh.add(task)
    this.#later()
    value.then(
      (v) => {
        if (!adopted) this.#with.odds.called(nameOf(task.step), this.#settings.services.clock.tick() - began)
        this.#settled(task, at, real, { ok: true, value: v as Value })
      },
      (cause) => this.#settled(task, at, real, { ok: false, failure: toFailure(cause, task.path) }),
    )
    return value
  }

  /** A read that was called early and that this call of the run may take over. */
  made(task: Task): Early | undefined {
    const found = this.#open.get(printPath(task.path))
    const early = found?.call
    if (found === undefined || early === undefined) return undefined
    if (!sameValue(found.args, task.args) || !found.rests.every((r) => r.state === "kept")) {
      this.#drop(found)
      return undefined
    }
    early.adopted = true
    return early
  }

  /** The run has ended: nothing that was foreseen matters any more. */
  close(outcome: Outcome): void {
    if (this.#over) return
    this.#quit(outcome)
  }

  /** From here on the run goes on alone. */
  #quit(outcome?: Outcome): void {
    if (this.#over) return
    for (const f of [...this.#open.values()]) this.#drop(f)
    this.#book.over = true
    this.#rollBack()
    this.#real.clear()
    this.#fresh.clear()
    this.#answers?.end(outcome)
  }

  /** The run has learnt what came of a call. */
  #settled(task: Task, at: string, real: Real, outcome: Outcome): void {
    this.#fresh.delete(task)
    if (this.#over) return
    // It was told to stop: what it ended in says nothing of the world.
    if (task.stopped || (!outcome.ok && task.frame.dead)) return
    real.outcome = outcome
    const f = this.#open.get(at)
    const guessed = f !== undefined && sameValue(f.args, task.args) ? f.guess?.value : undefined
    this.#book.tell(task, task.args, guessed, outcome)
    if (f !== undefined) {
      if (sameValue(f.args, task.args)) {
        this.#book.verify(f, outcome)
        if (f.value === undefined || (outcome.ok && sameValue(f.value.is, outcome.value))) this.#keep(f)
        else this.#drop(f)
      } else this.#drop(f)
    }
    this.#later()
  }

  /** What was read early on a resource that is now written to is out of date. */
  #written(resource: string | null): void {
    if (resource === null) return
    for (const f of [...this.#open.values()]) {
      const read = f.step.tool!.extern.resource
      if (f.call !== undefined && !f.call.adopted && read !== null && meet(read, resource)) this.#drop(f)
    }
  }

  // ---- what was foreseen

  #keep(f: Foreseen): void {
    f.state = "kept"
    this.#open.delete(f.at)
    // Answered otherwise, from the record of a run that goes on: nobody will take the call over.
    this.#discard(f)
  }

  /** It does not count, nor does anything that rests on it. */
  #drop(f: Foreseen, rollBack = f.value !== undefined): void {
    if (f.state !== "open") return
    f.state = "dropped"
    this.#open.delete(f.at)
    this.#book.dropped(f)
    this.#discard(f)
    this.#dropResting(f)
    if (rollBack) this.#rollBack()
  }
  #dropResting(on: Foreseen): void {
    for (const g of [...this.#open.values()]) if (g.rests.includes(on)) this.#drop(g)
  }

  /** The call that was made early is not wanted: stopped where it is under way, on record and paid for in any case. */
  #discard(f: Foreseen): void {
    const { call } = f
    if (call === undefined || call.adopted) return
    f.call = undefined
    const { task, arrived } = call
    task.frame.die()
    if (arrived === undefined) stop(task, fail("Cancelled", "The call rested on a wrong guess", { path: f.path }))
    const on = f.rests.filter((r) => r.state === "dropped").map((r) => r.path)
    this.#book.aside(f, { kind: "discarded", on, attempts: arrived?.attempts ?? 1, charge: task.charge })
    const { onEvent, services } = this.#settings
    onEvent?.({ type: "discarded", path: f.path, at: services.clock.tick() })
  }

  // ---- looking ahead

  /** After whatever goes on now has gone as far as it can. */
  #later(): void {
    if (this.#soon || this.#over) return
    this.#soon = true
    void Promise.resolve().then(() => {
      this.#soon = false
      if (!this.#over) this.#go()
    })
  }

  #go(): void {
    for (const task of this.#fresh) this.#pending(task)
    this.#fresh.clear()
    const look = this.#look
    if (look === undefined) {
      for (const f of this.#open.values()) if (f.value !== undefined) return this.#start()
      return
    }
    for (const waiter of [...look.waiters]) {
      if (this.#look !== look) return
      this.#again(look, waiter)
    }
  }

  /** A call of the run that is under way: may its outcome be guessed? */
  #pending(task: Task): void {
    const { frame, step, path, args } = task
    const at = printPath(path)
    // Looking ahead does not come into what a tool runs.
    if (!frame.dead && !isInTool(frame) && this.#real.get(at)?.outcome === undefined && !this.#open.has(at))
      this.#foresee(frame, step, path, at, args, true)
  }

  #start(): void {
    const { services, record, timeoutMs, settle } = this.#settings
    const { clock } = services
    const { fuel } = this.#vm
    const halt = new AbortController()
    const settings: RunSettings = {
      services,
      record: new Unrecorded(record, clock),
      signal: halt.signal,
      fuel: 2 * (fuel.limit - fuel.left) + FUEL,
      timeoutMs,
      settle,
    }
    const attempts = new AskingAttempts(settings, (frame, step) => this.#ask(look, frame, step))
    const vm = new this.#make(this.#vm.program, settings, attempts)
    const look: Look = { vm, stop: halt, waiters: new Set() }
    this.#look = look
    const began = clock.tick()
    const answer = vm.run(this.#input)
    this.#with.odds.looked(clock.tick() - began)
    if (answer instanceof Promise) void answer.then((outcome) => this.#ended(look, outcome))
    else this.#ended(look, answer)
  }

  /** Lets go of the look ahead. The next one begins from what is known by then. */
  #rollBack(): void {
    const look = this.#look
    this.#look = undefined
    look?.waiters.clear()
    // Not under its feet: a frame that is in the middle of its steps would begin others that nobody stops.
    if (look !== undefined) void Promise.resolve().then(() => look.stop.abort("a guess was wrong"))
    this.#later()
  }

  /** What a step of the look ahead gets: a value, or a promise of what only the run can learn. */
  #ask(look: Look, frame: Frame, step: StepCode): unknown {
    const known = this.#look === look ? this.#known(frame, step) : undefined
    if (known !== undefined) return valueIn(known, frame.pathOf(step))
    return new Promise((resolve, reject) => {
      look.waiters.add({ frame, step, resolve, reject })
    })
  }

  /** Something was learnt: does that step go on? */
  #again(look: Look, waiter: Waiter): void {
    const { frame, step, resolve, reject } = waiter
    const known = frame.dead ? undefined : this.#known(frame, step)
    if (known === undefined) return
    look.waiters.delete(waiter)
    if (known.ok) resolve(known.value)
    else reject(toFailure(known.failure, frame.pathOf(step)))
  }

  /** What is known, or foreseen, of a call of the look ahead. */
  #known(frame: Frame, step: StepCode): Outcome | undefined {
    const path = frame.pathOf(step)
    const at = printPath(path)
    const args = frame.slots[step.arg] as Value
    const real = this.#real.get(at)
    // Asked otherwise than the run did: something that this rests on is wrong, which will show.
    if (real !== undefined && !sameValue(real.args, args)) return undefined
    if (real?.outcome !== undefined) return real.outcome
    let f = this.#open.get(at)
    if (f !== undefined && !sameValue(f.args, args)) {
      this.#drop(f, false)
      f = undefined
    }
    f ??= this.#foresee(frame, step, path, at, args, real !== undefined)
    return f?.value === undefined ? undefined : { ok: true, value: f.value.is }
  }

  /** Guesses an outcome, and calls the tool early where that is allowed. */
  #foresee(frame: Frame, step: StepCode, path: Path, at: string, args: Value, underWay: boolean): Foreseen | undefined {
    const { effect, settings } = step.tool!.extern
    const { signature, judge } = this.#vm.program.admitted.externs[step.tool!.index]!
    if (effect !== "read" || step.kind !== "invoke" || step.tool!.output.kind === "stream") return undefined
    if (signature.waits === true || !judgedAtOnce(judge)) return undefined
    const { depth, calls, outstanding } = this.#with
    const rests = underWay ? [] : restsOf(frame, step, this.#learnt)
    const deep = rests.filter((r) => r.guessed).length
    if (deep > depth) return undefined
    const room = this.#settings.record.meter?.room !== false
    const early = rests.length > 0 && settings.speculate === true && this.#flying < calls && room && this.#allowed(path)
    const guesses = [...this.#open.values()].filter((other) => other.guessed).length
    const say = (why: string) => this.#book.none({ path, step, args }, why)
    const guess = guesses < outstanding && deep < depth ? this.#asks.guess(frame, step, at, args, say) : undefined
    if (!early && guess === undefined) return undefined
    const f = new Foreseen(path, at, step, args, rests, guess)
    this.#open.set(at, f)
    if (guess !== undefined) {
      f.value = { is: guess.value }
      this.#book.made(f, guess)
    }
    if (early) this.#callEarly(f)
    return f
  }

  #allowed(path: Path): boolean {
    return this.#with.certain?.has(path.filter((part) => typeof part === "string").join(".")) !== true
  }

  #callEarly(f: Foreseen): void {
    // A frame of its own: the call may outlive the look ahead that asked for it.
    const { step, args, path } = f
    const frame = new Frame(this.#vm.program.scopes[0]!, undefined, undefined)
    const task: Task = { ...taskOf(this.#vm, frame, step), args, path, early: true }
    const early: Early = { task, arrived: undefined, done: undefined, ms: 0, adopted: false }
    f.call = early
    const { clock } = this.#settings.services
    const began = clock.tick()
    const arrived = this.#vm.attempts.early(task)
    if (!(arrived instanceof Promise)) {
      early.arrived = arrived
      this.#arrived(f, early, arrived)
      return
    }
    this.#flying++
    early.done = arrived.then((a) => {
      this.#flying--
      early.arrived = a
      early.ms = clock.tick() - began
      if (isUsable(early)) this.#with.odds.called(nameOf(f.step), early.ms)
      this.#arrived(f, early, a)
    })
  }

  /** A read that was called early has its answer. */
  #arrived(f: Foreseen, early: Early, { answer }: Arrived): void {
    if (this.#over || f.state !== "open" || f.call !== early) return
    if (!isUsable(early)) {
      // Whether it fails is for the run to find out.
      early.adopted = false
      this.#discard(f)
      if (f.value === undefined) this.#drop(f)
      return
    }
    const judged = f.step.tool!.judged(answer, f.args)
    if (judged instanceof Promise) return
    this.#book.verify(f, judged)
    if (!judged.ok) {
      if (f.value !== undefined) this.#drop(f)
      return
    }
    const before = f.value
    f.value = { is: judged.value }
    if (before !== undefined && !sameValue(before.is, judged.value)) {
      this.#dropResting(f)
      this.#rollBack()
    }
    this.#later()
  }

  #ended(look: Look, outcome: Outcome): void {
    if (this.#look === look && !this.#over && outcome.ok)
      this.#answers?.tell(outcome.value, restsOfResult(look.vm.root!, this.#learnt))
  }
}

/** Is one resource the other, or in it? */
const meet = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
