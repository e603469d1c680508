/**
 * A machine that runs a plan and watches it: a second statement of what a plan means, made only to find plans that the
 * verifier should not have let through. Steps run in any order that their dependencies allow, chosen by chance; tools
 * answer with some value of their type. Wrong is: a slot read that does not hold what the list of steps says, a value of
 * a type that an instruction cannot take, a body or a tool handed what it does not take, two conflicting effects at once
 * or in another order than listed. A failure that a graph may end in is right. Nothing here knows the verifier.
 */
import { errorValue, Failure, fail, isRecord, sameValue, type Type, type Value } from "../../graph/mod.ts"
import { bindersOf, type Plan, type PlanStep } from "../../plan/mod.ts"
import { Block } from "./block.ts"
import { Chance, Flow, NoValue, seedOf, valueOf } from "./chance.ts"
import { conforms, Frame, type Held, reads, Wrong, wrong } from "./frame.ts"

/** The run takes too long to say anything about. */
class Enough extends RangeError {}

export interface Run {
  readonly outcome: { readonly value: Held } | { readonly failure: string }
  /** Paths of effects in the order in which they began, with their resources. */
  readonly events: readonly Event[]
}
interface Event {
  readonly path: string
  readonly write: boolean
  readonly resource: string
  done: boolean
}

/** Runs a plan once on an input of its type; `seed` decides input and answers, `order` who goes first. */
export async function runOnce(plan: Plan, seed: number, order: number, fuel = 4000): Promise<Run | undefined> {
  const machine = new Machine(plan, seed, order, fuel)
  const input = someValue(plan.types[plan.input]!, new Chance(seed))
  if (input === undefined) return undefined
  const root = machine.scope(0, [{ value: input, done: Promise.resolve() }], "")
  const settled = root.then(
    (value): Run["outcome"] => ({ value }),
    (e: unknown): Run["outcome"] => {
      if (e instanceof Failure) return { failure: e.code }
      throw e
    },
  )
  try {
    const outcome = await machine.drive(settled)
    if ("value" in outcome && !conforms(outcome.value, plan.types[plan.output]!)) wrong("the output is not of its type")
    return { outcome, events: machine.events }
  } catch (e) {
    if (e instanceof Enough) return undefined
    throw e
  }
}

interface Param {
  readonly value?: Held
  /** Gives the value of a capture once its maker is through. */
  readonly late?: () => Held
  readonly done: Promise<void>
}

class Machine {
  readonly plan: Plan
  readonly seed: number
  readonly events: Event[] = []
  readonly #chance: Chance
  readonly #ready: (() => void)[] = []
  #fuel: number
  #fault: unknown
  #over = false

  constructor(plan: Plan, seed: number, order: number, fuel: number) {
    this.plan = plan
    this.seed = seed
    this.#chance = new Chance(order)
    this.#fuel = fuel
  }

  /** Lets what waits go on, one at a time, by chance, until the run is settled. */
  async drive<A>(run: Promise<A>): Promise<A> {
    let settled = false
    const done = run.finally(() => {
      settled = true
    })
    done.catch(() => {})
    for (let idle = 0; !settled && this.#fault === undefined; ) {
      for (let i = 0; i < 8; i++) await Promise.resolve()
      const [go] = this.#ready.splice(this.#chance.below(this.#ready.length), 1)
      if (go !== undefined) {
        idle = 0
        go()
      } else if (++idle > 200) throw new Wrong("nothing is left that could go on")
    }
    this.#over = true
    for (const go of this.#ready.splice(0)) go()
    if (this.#fault !== undefined) throw this.#fault
    return done
  }

  async #turn(): Promise<void> {
    this.#burn()
    await new Promise<void>((go) => this.#ready.push(go))
    if (this.#over) throw new Enough()
  }
  #burn(): void {
    if (--this.#fuel < 0) throw new Enough()
  }
  /** What is wrong anywhere ends the run, whoever would have waited for it. */
  #noticed(e: unknown): void {
    if (!(e instanceof Failure) && this.#fault === undefined) this.#fault = e
  }

  async scope(index: number, params: readonly Param[], path: string): Promise<Held> {
    const scope = this.plan.scopes[index]!
    const frame = new Frame(scope)
    const P = scope.params.length
    const done: Promise<void>[] = params.map(async (param, p) => {
      await param.done
      const value = param.late ? param.late() : param.value!
      if (!conforms(value, this.plan.types[scope.params[p]!]!))
        wrong(`parameter ${p} of scope ${index} is not of its type`)
      frame.cells[p] = { value, by: p, block: undefined }
    })
    scope.steps.forEach((step, s) => {
      const { strict, captures, after } = reads(step)
      const makers = strict.map((slot) => frame.makers(s)[slot]!)
      const waits = [...makers, ...after.map((a) => P + a)].map((m) => done[m] ?? wrong(`step ${s} waits for nobody`))
      const run = Promise.all(waits).then(async () => {
        await this.#turn()
        strict.forEach((slot, i) => frame.expect(slot, makers[i]!))
        await this.#step(frame, step, s, captures, done, path)
      })
      run.catch((e: unknown) => this.#noticed(e))
      done.push(run)
    })
    for (const d of done) d.catch((e: unknown) => this.#noticed(e))
    const maker = frame.makers(scope.steps.length)[scope.result]!
    await (done[maker] ?? wrong(`scope ${index} ends in a slot that nobody writes`))
    // A scope is complete when all its steps are: what they do to the world is part of it.
    await Promise.all(done)
    const { value } = frame.expect(scope.result, maker)
    if (!conforms(value, this.plan.types[scope.type]!)) wrong(`scope ${index} ends in a value that is not of its type`)
    return value
  }

  async #step(
    frame: Frame,
    step: PlanStep,
    s: number,
    captures: readonly number[],
    done: readonly Promise<void>[],
    base: string,
  ): Promise<void> {
    if (step.instrs !== undefined) {
      new Block(this.plan, frame, frame.params + s, () => this.#burn()).run(step.instrs)
      return
    }
    const makers = frame.makers(s)
    let next = 0
    const rest = (b: number, bodies: readonly number[]): Param[] => {
      next = bodies.slice(0, b).reduce((n, body, i) => n + this.#captured(step, body, i), 0)
      return Array.from({ length: this.#captured(step, bodies[b]!, b) }, (_, i) => {
        const slot = captures[next + i] ?? wrong("a body has a parameter that nobody gives")
        const maker = makers[slot]!
        return { late: () => frame.expect(slot, maker).value, done: done[maker] ?? wrong("a capture of nothing") }
      })
    }
    const now = (value: Held): Param => ({ value, done: Promise.resolve() })
    const body = (bodies: readonly number[], b: number, binders: readonly Held[], under: string): Promise<Held> => {
      if (bodies[b] === undefined) wrong("a body is missing")
      return this.scope(bodies[b]!, [...binders.map(now), ...rest(b, bodies)], under)
    }
    const value = await this.#act(frame, step, base, body)
    frame.cells[step.op[1] as number] = { value, by: frame.params + s, block: undefined }
  }

  #captured(step: PlanStep, body: number, b: number): number {
    return this.plan.scopes[body]!.params.length - bindersOf(step.op[0], b)
  }

  async #act(
    frame: Frame,
    { op }: PlanStep,
    base: string,
    body: (bodies: readonly number[], b: number, binders: readonly Held[], under: string) => Promise<Held>,
  ): Promise<Held> {
    const at = (slot: number): Held => frame.cells[slot]!.value
    const way = (constant: number): string =>
      [base, ...(this.plan.constants[constant]!.value as string[])].filter((w) => w !== "").join("/")
    switch (op[0]) {
      case "invoke":
        return this.#call(op[2], at(op[3]), way(op[4]), async () => {})
      case "invoke_with": {
        const [, , extern, args, , bodies, , path] = op
        return this.#call(extern, at(args), way(path), async () => {
          // Who answers at once cannot have waited for a body.
          if (!this.plan.externs[extern]!.async) return
          for (let b = 0; b < bodies.length; b++) {
            const param = this.plan.types[this.plan.scopes[bodies[b]!]!.params[0]!]!
            const given = someValue(param, new Chance(seedOf(way(path)) + b))
            if (given === undefined) continue
            if (!isRecord(given) && param.kind !== "unknown") wrong("a role takes something else than a record")
            await body(bodies, b, [given], `${way(path)}/#${b}`)
          }
        })
      }
      case "enter":
        return body(op[2], 0, [], way(op[4]))
      case "when": {
        const test = at(op[2])
        if (typeof test !== "boolean") wrong("`when` decides on something that is no boolean")
        return body(op[3], test === true ? 0 : 1, [], way(op[5]))
      }
      case "switch": {
        const on = at(op[2])
        if (typeof on !== "string") wrong("`switch` decides on something that is no text")
        const cases = this.plan.constants[op[3]]!.value as string[]
        const found = cases.indexOf(on as string)
        if (found < 0 && op[4].length <= cases.length) throw fail("NoCase", "no case")
        return body(op[4], found < 0 ? cases.length : found, [], way(op[6]))
      }
      case "map": {
        const [, , over, parallel, bodies, , path] = op
        return this.#map(items(at(over)), parallel, (x, i) => body(bodies, 0, [x, i], `${way(path)}/#${i}`))
      }
      case "fold": {
        const [, , over, from, bodies, , path] = op
        const all = items(at(over))
        let acc = at(from)
        for (let i = 0; i < all.length; i++) acc = await body(bodies, 0, [acc, all[i]!, i], `${way(path)}/#${i}`)
        return acc
      }
      case "loop": {
        const [, , from, max, bodies, , path] = op
        let state = at(from)
        for (let i = 0; ; i++) {
          const on = await body(bodies, 0, [state, i], `${way(path)}/#${i}`)
          if (typeof on !== "boolean") wrong("`loop` goes on by something that is no boolean")
          if (on !== true) return state
          if (i >= max) throw fail("LoopBound", "too often")
          state = await body(bodies, 1, [state, i], `${way(path)}/#${i}`)
        }
      }
      case "catch":
        try {
          return await body(op[2], 0, [], way(op[4]))
        } catch (e) {
          if (!(e instanceof Failure)) throw e
          return body(op[2], 1, [errorValue(e)], way(op[4]))
        }
      default:
        return wrong(`"${op[0]}" is no step`)
    }
  }

  async #map(over: readonly Value[], parallel: number, one: (x: Value, i: number) => Promise<Held>): Promise<Held> {
    if (!(parallel >= 1)) wrong("a map that runs nothing at once")
    const out: Held[] = new Array(over.length)
    let next = 0
    const lane = async (): Promise<void> => {
      for (let i = next++; i < over.length; i = next++) out[i] = await one(over[i]!, i)
    }
    await Promise.all(Array.from({ length: Math.min(parallel, over.length) }, lane))
    return out as Value[]
  }

  async #call(index: number, args: Held, path: string, meanwhile: () => Promise<void>): Promise<Held> {
    const extern = this.plan.externs[index]!
    if (extern.input >= 0 && !conforms(args, this.plan.types[extern.input]!))
      wrong(`a tool is handed what it does not take`)
    const event = { path, write: extern.effect === "write", resource: extern.resource ?? "", done: false }
    if (extern.effect !== "pure") {
      for (const other of this.events) {
        if (other.path === path) wrong(`two calls are called ${path}`)
        if (!other.done && conflict(other, event)) wrong(`${other.path} and ${path} run at the same time`)
      }
      this.events.push(event)
    }
    const chance = new Chance(seedOf(path) ^ this.seed)
    await meanwhile()
    for (let n = this.#chance.below(3); n >= 0; n--) await this.#turn()
    event.done = true
    const answer = chance.once(8) ? undefined : someValue(this.plan.types[extern.output]!, chance)
    if (answer === undefined) throw fail("ToolError", "by chance")
    return answer
  }
}

export const conflict = (a: Pick<Event, "write" | "resource">, b: Pick<Event, "write" | "resource">): boolean =>
  (a.write || b.write) && (within(a.resource, b.resource) || within(b.resource, a.resource))
const within = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`)

/** A value of the type, or undefined where there is none. */
function someValue(t: Type, chance: Chance): Value | Flow | undefined {
  try {
    return valueOf(t, chance)
  } catch (e) {
    if (e instanceof NoValue) return undefined
    throw e
  }
}

function items(v: Held): readonly Value[] {
  if (v instanceof Flow) return v.items
  return Array.isArray(v) ? (v as readonly Value[]) : wrong("goes over something that is no list")
}

export const sameOutcome = (a: Run, b: Run): boolean =>
  "value" in a.outcome && "value" in b.outcome
    ? a.outcome.value instanceof Flow || sameValue(a.outcome.value as Value, b.outcome.value as Value)
    : "failure" in a.outcome || "failure" in b.outcome
