/**
 * Walks the steps of one scope: what each reads and writes, of which types, and whom it waits for. Steps are looked at in
 * the order in which they are listed, which is one order that respects what they wait for; the rules about slots make
 * every other such order give the same.
 */

import { T, type Type } from "../graph/mod.ts"
import type { PlanPlace } from "./error.ts"
import { RowsOf, type ScopeFacts, type Touched, turned } from "./facts.ts"
import { MACROS, type Macro, OPS, type OperandKind, type OpName, type StepName, TWO_VARIABLES } from "./ops.ts"
import { COUNT_MAX, type Plan, type PlanScope, type PlanStep, SLOTS_MAX } from "./plan.ts"
import { named, type Rule, refuse } from "./rules.ts"
import { show } from "./shape.ts"
import { BlockWalk } from "./verify_block.ts"
import { EffectOrder, joinTouches, type OrderWork } from "./verify_effects.ts"
import { STEP_TYPES } from "./verify_steps.ts"
import type { TypeWork } from "./verify_types.ts"
import type { Words } from "./verify_words.ts"

/** How many things there are that an operand of a kind can point at. */
const BOUNDS: { readonly [K in OperandKind]: (walk: ScopeWalk, step: number) => number } = {
  dst: (w) => w.scope.slots,
  src: (w) => w.scope.slots,
  srcs: (w) => w.scope.slots,
  const: (w) => w.plan.constants.length,
  name: (w) => w.plan.constants.length,
  names: (w) => w.plan.constants.length,
  path: (w) => w.plan.constants.length,
  type: (w) => w.plan.types.length,
  extern: (w) => w.plan.externs.length,
  scopes: (w) => w.plan.scopes.length,
  int: () => COUNT_MAX + 1,
  steps: (_, step) => step,
}
const LISTS: ReadonlySet<OperandKind> = new Set<OperandKind>(["srcs", "scopes", "steps"])

/** For each instruction how many slots it writes. */
const WRITES: ReadonlyMap<string, number> = new Map(
  Object.entries(OPS).map(([name, op]) => [
    name,
    op.operands.filter(([kind]) => (kind as OperandKind) === "dst").length,
  ]),
)

const NOBODY = -1
/** The value has several readers, or one that may look at it late. */
const MANY = -2

export class ScopeWalk {
  readonly plan: Plan
  readonly types: TypeWork
  readonly scope: PlanScope
  readonly index: number
  readonly #words: Words
  readonly #done: readonly (ScopeFacts | undefined)[]
  /** For each slot: the node that made what it holds, the type of that where it is certain, and the step that read it. */
  readonly #maker: Int32Array
  readonly #held: (Type | undefined)[] = []
  readonly #reader: Int32Array
  /** 1 where a slot carries a value from one step to another. */
  readonly #carries: Uint8Array
  /** For each slot the first step that overwrote a value without being its only reader. */
  readonly #overwritten = new Map<number, number>()

  constructor(plan: Plan, index: number, types: TypeWork, words: Words, done: readonly (ScopeFacts | undefined)[]) {
    this.plan = plan
    this.index = index
    this.types = types
    this.#words = words
    this.#done = done
    this.scope = plan.scopes[index]!
    const { params, slots } = this.scope
    this.#frame()
    this.#maker = new Int32Array(slots).fill(NOBODY)
    this.#reader = new Int32Array(slots).fill(NOBODY)
    this.#carries = new Uint8Array(slots)
    params.forEach((type, p) => {
      this.#maker[p] = p
      this.#held[p] = plan.types[type]!
    })
  }

  /** A frame costs memory whenever the scope runs, so its slots have to be paid for by what writes them. */
  #frame(): void {
    const { params, slots, steps } = this.scope
    const at = { scope: this.index }
    let writes = params.length
    for (const { op, instrs } of steps) {
      writes += WRITES.get(op[0]) ?? 0
      if (instrs !== undefined) for (const instr of instrs) writes += WRITES.get(instr[0]) ?? 0
    }
    const most = Math.min(writes, SLOTS_MAX)
    if (slots < params.length || slots > most) {
      refuse("P010", at, "slots", `between ${params.length} and ${most}`, `${slots}`)
    }
  }

  /** Walks all steps. Refuses the first that breaks a rule. */
  run(order: OrderWork, owner: ScopeFacts["owner"]): ScopeFacts {
    const { params, steps, result, type } = this.scope
    const P = params.length
    const rows = {
      preds: new RowsOf(),
      lazy: new RowsOf(),
      strict: new RowsOf(),
      captures: new RowsOf(),
      writes: new RowsOf(),
    }
    const blocks = new Uint8Array(steps.length)
    const waits: (readonly number[])[] = []
    const effects = new EffectOrder(order, waits)
    const touched: (readonly Touched[])[] = []
    const locals: never[] = []
    for (let s = 0; s < steps.length; s++) {
      const at = { scope: this.index, step: s }
      this.types.at = at
      const step = steps[s]!
      this.operands(step.op, "step", at)
      const io = step.op[0] === "block" ? this.#block(step, at, locals) : this.#step(step, at)
      if (step.op[0] === "block") blocks[s] = 1
      const makers = new Set<number>()
      for (const slot of io.strict) makers.add(this.#maker[slot]!)
      for (const before of io.after) makers.add(P + before)
      rows.preds.add(makers)
      rows.lazy.add(Array.from(io.captures, (slot) => this.#maker[slot]!))
      rows.strict.add(io.strict)
      rows.captures.add(io.captures)
      waits.push([...makers].filter((m) => m >= P).map((m) => m - P))
      if (io.touches.length > 0) {
        effects.add(s, io.touches, at)
        touched.push(io.touches)
      }
      this.#settle(io, s)
      rows.writes.add(io.writes.map(([slot]) => slot))
    }
    const end = { scope: this.index }
    this.types.at = end
    this.certain("P042", end, `its result (slot ${result})`, this.outer(result, end), this.plan.types[type]!)
    this.#carries[result] = 1
    this.#hazards()
    const preds = rows.preds.done()
    return {
      params: P,
      preds,
      succs: turned(preds, P + steps.length),
      lazy: rows.lazy.done(),
      strict: rows.strict.done(),
      captures: rows.captures.done(),
      writes: rows.writes.done(),
      blocks,
      result: this.#maker[result]!,
      touches: joinTouches(touched),
      owner,
    }
  }

  #block(step: PlanStep, at: PlanPlace, locals: never[]): StepIo {
    const walk = new BlockWalk(this, at, locals)
    walk.run(step)
    const writes = Array.from(walk.writes, (slot) => [slot, walk.left(slot)] as const)
    walk.forget()
    return {
      strict: walk.reads,
      captures: [],
      after: step.op[1] as readonly number[],
      writes,
      touches: [],
      block: true,
    }
  }

  #step(step: PlanStep, at: PlanPlace): StepIo {
    const { op } = step
    const strict: number[] = []
    let captures: readonly number[] = []
    let after: readonly number[] = []
    let to = NOBODY
    let touches: readonly Touched[] = []
    OPS[op[0]].operands.forEach(([kind], o) => {
      const x = op[o + 1]!
      if (kind === "src") strict.push(x as number)
      else if (kind === "srcs") captures = x as readonly number[]
      else if (kind === "steps") after = x as readonly number[]
      else if (kind === "dst") to = x as number
      else if (kind === "path") this.path(x as number, at)
      else if (kind === "extern") touches = joinTouches([touches, this.#words.touches(x as number)])
      else if (kind === "scopes") touches = joinTouches([touches, this.touches(x as readonly number[])])
    })
    const rule = STEP_TYPES[op[0] as Exclude<StepName, "block">] as (w: ScopeWalk, op: unknown, at: PlanPlace) => Type
    const type = rule(this, op, at)
    this.writable(to, at)
    return { strict: new Set(strict), captures, after, writes: [[to, type]], touches, block: false }
  }

  /** Notes who read what, then what the step leaves. */
  #settle(io: StepIo, s: number): void {
    for (const slot of io.strict) {
      this.#reader[slot] = this.#reader[slot] === NOBODY || this.#reader[slot] === s ? s : MANY
      this.#carries[slot] = 1
    }
    for (const slot of io.captures) {
      this.#reader[slot] = MANY
      this.#carries[slot] = 1
    }
    for (const [slot, type] of io.writes) {
      const takenOver = io.strict.has(slot) && this.#reader[slot] === s
      if (this.#maker[slot] !== NOBODY && !takenOver && !this.#overwritten.has(slot)) this.#overwritten.set(slot, s)
      if (!io.block) this.#carries[slot] = 1
      this.#maker[slot] = this.scope.params.length + s
      this.#held[slot] = type
      this.#reader[slot] = NOBODY
    }
  }

  /** A slot that carries a value between steps may not be overwritten by a step that nothing orders behind its readers. */
  #hazards(): void {
    for (const [slot, step] of this.#overwritten) {
      if (this.#carries[slot] === 0) continue
      const wanted = "overwritten only by the one step that reads its value"
      refuse("P022", { scope: this.index, step }, `slot ${slot}`, wanted, "another write")
    }
  }

  /** An instruction of the table with operands that point at something. */
  operands(op: readonly unknown[], level: "step" | "instr", at: PlanPlace): void {
    const name = op[0] as OpName
    if (!Object.hasOwn(OPS, name) || OPS[name].level !== level) {
      refuse("P002", at, "an instruction", level === "step" ? "a step" : "an instruction of blocks", show(name))
    }
    const layout: readonly (readonly [OperandKind, string])[] = OPS[name].operands
    if (op.length !== layout.length + 1)
      refuse("P002", at, `"${name}"`, `of ${layout.length} operands`, `${op.length - 1}`)
    for (let o = 0; o < layout.length; o++) {
      const [kind, operand] = layout[o]!
      const bound = BOUNDS[kind](this, at.step!)
      const x = op[o + 1]
      if (!LISTS.has(kind)) {
        this.#within(x, bound, kind, operand, at)
        continue
      }
      if (!Array.isArray(x) || x.length > COUNT_MAX) refuse("P002", at, `"${operand}" of "${name}"`, "a list", show(x))
      for (let i = 0; i < x.length; i++) {
        this.#within(x[i], bound, kind, operand, at)
        if (kind === "steps" && i > 0 && x[i - 1] >= x[i]) {
          refuse("P013", at, `"${operand}"`, "in order, each step once", `${x[i]} after ${x[i - 1]}`)
        }
      }
    }
  }

  #within(x: unknown, bound: number, kind: OperandKind, operand: string, at: PlanPlace): void {
    if (typeof x === "number" && x >= 0 && x < bound && Number.isInteger(x) && !Object.is(x, -0)) return
    refuse(kind === "steps" ? "P013" : "P011", at, `"${operand}"`, `a whole number below ${bound}`, show(x))
  }

  /** The type of what a slot holds when a step starts. */
  outer(slot: number, at: PlanPlace): Type {
    if (slot >= this.scope.slots) refuse("P011", at, "a slot", `below ${this.scope.slots}`, `${slot}`)
    if (this.#maker[slot] === NOBODY) refuse("P020", at, `slot ${slot}`, "written before it is read", "nothing in it")
    const type = this.#held[slot]
    if (type === undefined) {
      const step = this.#maker[slot]! - this.scope.params.length
      refuse("P023", at, `slot ${slot}`, "certain to hold a value", `what block ${step} left there on some ways only`)
    }
    return type
  }

  value(slot: number, at: PlanPlace): Type {
    return this.outer(slot, at)
  }

  writable(slot: number, at: PlanPlace): void {
    if (slot < this.scope.params.length) {
      refuse("P021", at, `slot ${slot}`, "written by no step", "a write to a parameter")
    }
  }

  certain(rule: Rule, at: PlanPlace, subject: string, found: Type, wanted: Type): void {
    if (!this.types.stands(found, wanted)) refuse(rule, at, subject, named(wanted), named(found))
  }

  text = (constant: number, at: PlanPlace): string => this.#words.text(constant, at)
  words = (constant: number, at: PlanPlace): readonly string[] => this.#words.words(constant, at)
  path = (constant: number, at: PlanPlace): readonly string[] => {
    if (
      !Number.isInteger(constant) ||
      constant < 0 ||
      constant >= this.plan.constants.length ||
      Object.is(constant, -0)
    ) {
      refuse("P016", at, "the path of its node", `a constant below ${this.plan.constants.length}`, show(constant))
    }
    return this.#words.path(constant, at)
  }

  /** What bodies touch: they have greater indexes, so they were walked before. */
  touches(bodies: readonly number[]): readonly Touched[] {
    return joinTouches(bodies.map((b) => this.#done[b]!.touches))
  }

  /** The type of what `each` gathers from an item type and the type of its result. */
  gathered(macro: number, item: Type, result: Type, at: PlanPlace): Type {
    const name = MACROS[macro % TWO_VARIABLES]
    if (name === undefined || macro >= 2 * TWO_VARIABLES) refuse("P015", at, "`macro`", "one of the table", `${macro}`)
    const { tests, gives } = GATHERED[name]
    if (tests) this.certain("P040", at, `the result of "${name}"`, result, T.boolean)
    const type = gives(this.types, item, result)
    if (type === undefined) refuse("P040", at, `the result of "${name}"`, "of a type that it takes", named(result))
    return type
  }
}

interface StepIo {
  readonly strict: ReadonlySet<number>
  readonly captures: readonly number[]
  readonly after: readonly number[]
  readonly writes: readonly (readonly [slot: number, type: Type | undefined])[]
  readonly touches: readonly Touched[]
  readonly block: boolean
}

interface Gathering {
  /** The result is a test of the item: true or false. */
  readonly tests?: true
  readonly gives: (types: TypeWork, item: Type, result: Type) => Type | undefined
}
const GATHERED: { readonly [M in Macro]: Gathering } = {
  map: { gives: (types, _, result) => types.list(result) },
  filter: { tests: true, gives: (types, item) => types.list(item) },
  all: { tests: true, gives: () => T.boolean },
  exists: { tests: true, gives: () => T.boolean },
  exists_one: { tests: true, gives: () => T.boolean },
  // Keys that cannot be compared are a failure when it runs.
  sort_by: { gives: (types, item) => types.list(item) },
  sum_by: { gives: (types, _, result) => types.call("sum", [types.list(result)]) },
}
