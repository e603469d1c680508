/**
 * A machine that runs a plan and watches it: a second statement of what a plan means, made only to find plans that the
 * verifier should not have let through. Steps run in any order that their dependencies allow, chosen by chance; tools
 * answer with some value of their type. Wrong is: a slot read that does not hold what the list of steps says, a value of
 * a type that an instruction cannot take, a body or a tool handed what it does not take, two conflicting effects at once
 * or in another order than listed. A failure that a graph may end in is right. Nothing here knows the verifier.
 */
import {
  accept,
  access,
  BUILTINS,
  errorValue,
  Failure,
  fail,
  has,
  isRecord,
  put,
  sameValue,
  sortBy,
  sortedKeys,
  sumOf,
  Tensor,
  type Type,
  textOf,
  type Value,
} from "../../graph/mod.ts"
import {
  bindersOf,
  type Instr,
  MACROS,
  type Plan,
  type PlanScope,
  type PlanStep,
  TWO_VARIABLES,
} from "../../plan/mod.ts"
import { Chance, Flow, NoValue, seedOf, valueOf } from "./chance.ts"

/** The plan did what no plan may do. */
export class Wrong extends TypeError {}
/** The run takes too long to say anything about. */
class Enough extends RangeError {}

const wrong = (message: string): never => {
  throw new Wrong(message)
}

type Held = Value | Flow | Failure
interface Cell {
  readonly value: Held
  /** The node that put it there, by its place in the list; −1 once it is not to be read. */
  readonly by: number
  /** The instructions' own time, for what was written inside a block. */
  readonly block: object | undefined
}

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

class Frame {
  readonly scope: PlanScope
  readonly params: number
  readonly cells: (Cell | undefined)[]
  readonly #makers: Int32Array[] = []

  constructor(scope: PlanScope) {
    this.scope = scope
    this.params = scope.params.length
    this.cells = new Array(scope.slots).fill(undefined)
  }

  /** For each slot the node that wrote it last before step `s` of the list. Plainly, from the start, each time. */
  makers(s: number): Int32Array {
    const known = this.#makers[s]
    if (known !== undefined) return known
    const makers = new Int32Array(this.scope.slots).fill(-1)
    for (let p = 0; p < this.params; p++) makers[p] = p
    for (let k = 0; k < s; k++) for (const slot of written(this.scope.steps[k]!)) makers[slot] = this.params + k
    this.#makers[s] = makers
    return makers
  }

  expect(slot: number, maker: number): Cell {
    const cell = this.cells[slot]
    if (cell === undefined || cell.by !== maker) {
      return wrong(`slot ${slot} holds what node ${cell?.by ?? "nobody"} left there, and ${maker} should have`)
    }
    return cell
  }
}

/** The slots that a step reads when it starts, those it hands on, and the steps it waits for. */
function reads(step: PlanStep): {
  readonly strict: readonly number[]
  readonly captures: readonly number[]
  readonly after: readonly number[]
} {
  const { op } = step
  const none: readonly number[] = []
  switch (op[0]) {
    case "block":
      return { strict: outerReads(step.instrs ?? []), captures: none, after: op[1] }
    case "invoke":
      return { strict: [op[3]], captures: none, after: op[5] }
    case "invoke_with":
      return { strict: [op[3]], captures: op[6], after: op[8] }
    case "enter":
    case "catch":
      return { strict: none, captures: op[3], after: op[5] }
    case "when":
      return { strict: [op[2]], captures: op[4], after: op[6] }
    case "switch":
      return { strict: [op[2]], captures: op[5], after: op[7] }
    case "map":
      return { strict: [op[2]], captures: op[5], after: op[7] }
    case "fold":
      return { strict: [op[2], op[3]], captures: op[5], after: op[7] }
    case "loop":
      return { strict: [op[2]], captures: op[5], after: op[7] }
  }
}

const written = (step: PlanStep): readonly number[] =>
  step.instrs === undefined ? [step.op[1] as number] : step.instrs.flatMap((i) => slotsOf(i).to)

/** Slots that an instruction reads and writes, by name. */
function slotsOf(instr: Instr): { readonly from: readonly number[]; readonly to: readonly number[] } {
  switch (instr[0]) {
    case "else":
    case "end":
      return { from: [], to: [] }
    case "if":
    case "raise":
      return { from: [instr[1]], to: [] }
    case "attempt":
      return { from: [], to: [instr[1]] }
    case "each":
      return { from: [instr[2]], to: [instr[1], instr[4], instr[5]] }
    case "const":
      return { from: [], to: [instr[1]] }
    case "list":
    case "map_of":
    case "text":
      return { from: instr[2], to: [instr[1]] }
    case "record":
    case "call":
      return { from: instr[3], to: [instr[1]] }
    case "index":
    case "index_or_none":
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "lt":
    case "le":
    case "gt":
    case "ge":
    case "eq":
    case "ne":
      return { from: [instr[2], instr[3]], to: [instr[1]] }
    default:
      return { from: [instr[2]], to: [instr[1]] }
  }
}

/** What a block reads from before itself: slots that an instruction reads before any in the list has written them. */
function outerReads(instrs: readonly Instr[]): readonly number[] {
  const reads = new Set<number>()
  const wrote = new Set<number>()
  for (const instr of instrs) {
    const { from, to } = slotsOf(instr)
    for (const slot of from) if (!wrote.has(slot)) reads.add(slot)
    for (const slot of to) wrote.add(slot)
  }
  return [...reads]
}

/** Runs the instructions of a block, looking at every value before it is used. */
class Block {
  readonly #plan: Plan
  readonly #frame: Frame
  readonly #by: number
  readonly #burn: () => void
  readonly #me = {}
  #written: number[] = []

  constructor(plan: Plan, frame: Frame, by: number, burn: () => void) {
    this.#plan = plan
    this.#frame = frame
    this.#by = by
    this.#burn = burn
  }

  run(instrs: readonly Instr[]): void {
    const end = this.#region(instrs, 0)
    if (end !== instrs.length) wrong("a region is closed that nobody opened")
  }

  #get(slot: number): Held {
    const cell = this.#frame.cells[slot]
    if (cell === undefined || cell.by < 0) return wrong(`slot ${slot} is read and holds nothing`)
    if (cell.block !== this.#me && cell.by !== this.#frame.makers(this.#by - this.#frame.params)[slot]) {
      return wrong(`slot ${slot} is read and holds what another block left`)
    }
    return cell.value
  }
  #value(slot: number): Value {
    const v = this.#get(slot)
    if (v instanceof Failure || v instanceof Flow) return wrong(`slot ${slot} is no plain value`)
    return v
  }
  #number(slot: number): number {
    const v = this.#get(slot)
    return typeof v === "number" ? v : wrong(`slot ${slot} is no number`)
  }
  #boolean(slot: number): boolean {
    const v = this.#get(slot)
    return typeof v === "boolean" ? v : wrong(`slot ${slot} is no boolean`)
  }
  #set(slot: number, value: Held): void {
    if (slot < this.#frame.params) wrong(`slot ${slot} is a parameter and is written`)
    this.#frame.cells[slot] = { value, by: this.#by, block: this.#me }
    this.#written.push(slot)
  }

  #forget(slots: readonly number[]): void {
    for (const slot of slots) this.#frame.cells[slot] = { value: null, by: -1, block: this.#me }
  }

  /** Runs from `i` to the `else` or `end` of its region, and returns its index. */
  #region(instrs: readonly Instr[], i: number): number {
    while (i < instrs.length) {
      const instr = instrs[i]!
      this.#burn()
      if (instr[0] === "else" || instr[0] === "end") return i
      if (instr[0] === "if" || instr[0] === "attempt" || instr[0] === "each") {
        const middle = skip(instrs, i + 1)
        if (instr[0] === "if") {
          if (instrs[middle]?.[0] !== "else") wrong("an `if` without `else`")
          const end = skip(instrs, middle + 1)
          this.#region(instrs, this.#boolean(instr[1]) ? i + 1 : middle + 1)
          i = end + 1
          continue
        }
        if (instr[0] === "attempt") this.#attempt(instrs, i, instr[1])
        else this.#each(instrs, i, instr)
        i = middle + 1
        continue
      }
      this.#simple(instr)
      i++
    }
    return i
  }

  #attempt(instrs: readonly Instr[], i: number, to: number): void {
    let failure: Failure | null = null
    const before = this.#written
    this.#written = []
    try {
      this.#region(instrs, i + 1)
    } catch (e) {
      if (!(e instanceof Failure)) throw e
      failure = e
      this.#forget(this.#written)
    }
    this.#written = [...before, ...this.#written]
    this.#set(to, failure)
  }

  #each(instrs: readonly Instr[], at: number, [, to, from, int, item, index, result]: Instr<"each">): void {
    const macro = MACROS[int % TWO_VARIABLES] ?? wrong("no macro")
    const over = this.#value(from)
    const keys = isRecord(over) ? sortedKeys(over) : undefined
    if (!Array.isArray(over) && keys === undefined) throw fail("Mismatch", "nothing to go over")
    const all =
      keys === undefined
        ? (over as readonly Value[])
        : int >= TWO_VARIABLES
          ? keys.map((k) => (over as { [k: string]: Value })[k]!)
          : keys
    const results = all.map((x, i) => {
      let found: Value = null
      const before = this.#written
      this.#written = []
      try {
        this.#set(item, x)
        this.#set(index, keys === undefined ? i : keys[i]!)
        this.#region(instrs, at + 1)
        if (!this.#written.includes(result)) wrong("an `each` gathers what was not made in its round")
        found = this.#value(result)
      } finally {
        const wrote = this.#written
        this.#written = [...before, ...wrote]
        this.#forget(wrote)
      }
      return found
    })
    const tests = () => results.map((r) => (typeof r === "boolean" ? r : wrong("a test that is no boolean")))
    const gathered: { readonly [m in (typeof MACROS)[number]]: () => Value } = {
      map: () => results,
      filter: () => tests().flatMap((r, i) => (r ? [all[i]!] : [])),
      all: () => tests().every((r) => r),
      exists: () => tests().some((r) => r),
      exists_one: () => tests().filter((r) => r).length === 1,
      sort_by: () =>
        sortBy(
          "sortBy",
          all.map((x, i) => ({ x, k: results[i]! })),
          (p) => p.k,
        ).map((p) => p.x),
      sum_by: () => sumOf("sumBy", results),
    }
    this.#set(to, gathered[macro]())
  }

  #simple(instr: Exclude<Instr, Instr<"if" | "else" | "end" | "attempt" | "each">>): void {
    const text = (constant: number): string => {
      const { value } = this.#plan.constants[constant]!
      return typeof value === "string" ? value : wrong("a name that is no text")
    }
    switch (instr[0]) {
      case "const":
        return this.#set(instr[1], this.#plan.constants[instr[2]]!.value)
      case "copy":
        return this.#set(instr[1], this.#get(instr[2]))
      case "accept":
        return this.#set(instr[1], accept(this.#plan.types[instr[3]]!)(this.#value(instr[2])))
      case "field": {
        const of = this.#value(instr[2])
        const name = text(instr[3])
        if (!isRecord(of) || !Object.hasOwn(of, name)) return wrong(`a field "${name}" that is not there`)
        return this.#set(instr[1], of[name]!)
      }
      case "index":
      case "index_or_none":
        return this.#set(instr[1], access(this.#value(instr[2]), this.#value(instr[3]), instr[0] === "index_or_none"))
      case "has":
        return this.#set(instr[1], has(this.#value(instr[2]), text(instr[3])))
      case "list":
        return this.#set(
          instr[1],
          instr[2].map((s) => this.#value(s)),
        )
      case "record": {
        const names = this.#plan.constants[instr[2]]!.value as readonly string[]
        if (names.length !== instr[3].length) wrong("a record with names for other values")
        return this.#set(instr[1], Object.fromEntries(names.map((n, i) => [n, this.#value(instr[3][i]!)])))
      }
      case "map_of": {
        const out: { [key: string]: Value } = {}
        for (let k = 0; k < instr[2].length; k += 2) {
          const key = this.#value(instr[2][k]!)
          if (typeof key !== "string") wrong("a key that is no text")
          put(out, key, this.#value(instr[2][k + 1]!))
        }
        return this.#set(instr[1], out)
      }
      case "text":
        return this.#set(instr[1], instr[2].map((s) => textOf(this.#value(s))).join(""))
      case "call": {
        const fn = BUILTINS.get(text(instr[2])) ?? wrong("a function that is not there")
        return this.#set(instr[1], fn.apply(instr[3].map((s) => this.#value(s))))
      }
      case "neg":
        return this.#set(instr[1], -this.#number(instr[2]))
      case "not":
        return this.#set(instr[1], !this.#boolean(instr[2]))
      case "is_none":
        return this.#set(instr[1], this.#get(instr[2]) === null)
      case "raise": {
        const failure = this.#get(instr[1])
        if (!(failure instanceof Failure)) return wrong("a failure that is none is raised")
        throw failure
      }
      case "eq":
      case "ne": {
        const [a, b] = [this.#value(instr[2]), this.#value(instr[3])]
        if (typeof a !== typeof b || !["number", "string", "boolean"].includes(typeof a))
          wrong("unlike things compared")
        return this.#set(instr[1], (a === b) === (instr[0] === "eq"))
      }
      default:
        return this.#set(instr[1], NUMERIC[instr[0]](this.#number(instr[2]), this.#number(instr[3])))
    }
  }
}

const NUMERIC: {
  readonly [op in "add" | "sub" | "mul" | "div" | "lt" | "le" | "gt" | "ge"]: (a: number, b: number) => Value
} = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
}

/** The `else` or `end` that closes the region which starts at `i`. */
function skip(instrs: readonly Instr[], i: number): number {
  for (let depth = 0; i < instrs.length; i++) {
    const [op] = instrs[i]!
    if (op === "if" || op === "attempt" || op === "each") depth++
    else if (op === "end" && depth-- === 0) return i
    else if (op === "else" && depth === 0) return i
  }
  return wrong("a region that is never closed")
}

/** Is the value one of the type, with defaults put in? */
export function conforms(v: Held, t: Type): boolean {
  if (t.kind === "stream") return v instanceof Flow && v.items.every((x) => conforms(x, t.of))
  if (t.kind === "union") return t.of.some((m) => conforms(v, m))
  if (v instanceof Failure || v instanceof Flow || v === undefined) return false
  switch (t.kind) {
    case "unknown":
      return true
    case "never":
      return false
    case "null":
      return v === null
    case "int64":
      return typeof v === "bigint" || Number.isInteger(v)
    case "bytes":
      return v instanceof Uint8Array
    case "tensor":
      return v instanceof Tensor && v.dtype === t.dtype
    case "enum":
      return t.values.some((w) => w === v)
    case "list":
      return Array.isArray(v) && v.every((x) => conforms(x as Value, t.of))
    case "map":
      return isRecord(v) && Object.values(v).every((x) => conforms(x, t.of))
    case "record": {
      if (!isRecord(v)) return false
      for (const [name, f] of Object.entries(t.fields)) {
        if (!Object.hasOwn(v, name)) {
          if (f.optional !== true || f.default !== undefined) return false
        } else if (!conforms(v[name]!, f.type)) return false
      }
      return true
    }
    default:
      return typeof v === t.kind
  }
}

export const sameOutcome = (a: Run, b: Run): boolean =>
  "value" in a.outcome && "value" in b.outcome
    ? a.outcome.value instanceof Flow || sameValue(a.outcome.value as Value, b.outcome.value as Value)
    : "failure" in a.outcome || "failure" in b.outcome
