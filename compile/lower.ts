/**
 * From scheduled operations to a plan: slots, steps, and the tables beside them. Before: every operation but an
 * expression takes plain names (`split`). After: a plan that the verifier accepts. A value that stays inside its block
 * gets a temporary slot; one that crosses steps gets a slot of its own, or that of the value whose only reader made it.
 */
import { freeNames, T, type Type, undosOf, validsOf } from "../graph/mod.ts"
import {
  bindersOf,
  PLAN_FORMAT,
  type Plan,
  type PlanScope,
  type PlanStep,
  type PlanUndo,
  SEMANTICS,
  type Step,
} from "../plan/mod.ts"
import { type Choices, noChoices, noteSlots, noteUnits } from "./choices.ts"
import { BlockWriter, type Held } from "./expression.ts"
import { fuse, type Unit } from "./fuse.ts"
import { type Body, bodyUses, type Mid, type Op, uses } from "./mid.ts"
import { toolOf } from "./resolve.ts"
import { schedule } from "./schedule.ts"
import { Tables } from "./tables.ts"

export function lower(mid: Mid, name: string): { readonly plan: Plan; readonly choices: Choices } {
  const tables = new Tables()
  const lowering = new Lowering(mid, tables)
  const input = tables.type(mid.checked.input)
  lowering.scope(mid.body, [])
  const { graph } = mid.checked
  const valids = validsOf(graph)
  const { narrowed } = mid.checked
  const undos = undosIn(mid, tables)
  const { onFailure } = graph
  const plan: Plan = {
    format: PLAN_FORMAT,
    semantics: SEMANTICS,
    name,
    graph: mid.checked.core,
    ...(valids.length === 0 ? {} : { valids }),
    ...(undos.length === 0 ? {} : { undos }),
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(narrowed.length === 0 ? {} : { narrowed }),
    input,
    output: tables.type(mid.checked.output),
    needs: mid.checked.needs,
    resources: mid.checked.resources,
    types: tables.types,
    constants: tables.constants,
    externs: tables.externs,
    scopes: lowering.scopes as PlanScope[],
  }
  return { plan, choices: lowering.choices }
}

/** What takes writes back, as the graph says it: no pass has a say in it. */
function undosIn({ checked }: Mid, tables: Tables): readonly PlanUndo[] {
  return undosOf(checked).map(({ path, args, node }) => {
    const facts = checked.nodes.get(node)!
    // Calls under other narrowings are other externs; the innermost around this one is the longest way that leads to it.
    const around = checked.narrowed.filter(({ at }) => at.every((word, i) => path[i] === word))
    const within = around.reduce((a, { at }) => (at.length > a.length ? at : a), [] as readonly string[])
    const tool = toolOf(node, facts, within.length === 0 ? "" : `undo ${within.join(".")}`)
    return { path, extern: tables.extern(tool, tool.input ?? facts.argType), args }
  })
}

class Lowering {
  readonly scopes: (PlanScope | undefined)[] = []
  readonly mid: Mid
  readonly tables: Tables
  readonly choices = noChoices()

  constructor(mid: Mid, tables: Tables) {
    this.mid = mid
    this.tables = tables
  }

  typeOf(name: string): Type {
    return this.mid.types.get(name) ?? T.unknown
  }

  /** Writes a body as a scope and returns its index; a scope comes before those of the bodies inside it. */
  scope(body: Body, captures: readonly string[]): number {
    const index = this.scopes.push(undefined) - 1
    const written = fuse(body)
    const units = schedule(written)
    noteUnits(this.choices, written, units)
    const slots = new Slots(this, body, captures, units)
    const steps: PlanStep[] = []
    const unitOf = new Map(units.flatMap((unit) => unit.ops.map((op) => [op.name, unit] as const)))
    const stepAt = new Map(units.map((unit, at) => [unit, at]))
    let highest = slots.temps
    for (const unit of units) {
      const after = [...awaited(unit, unitOf)].map((before) => stepAt.get(before)!).sort((a, b) => a - b)
      if (unit.block) {
        const block = this.#block(unit, slots, after)
        highest = Math.max(highest, block.highest)
        steps.push(block.step)
      } else steps.push({ op: this.#step(unit.ops[0]!, slots, after) })
    }
    noteSlots(this.choices, index, body.ops.length, highest, slots.taken)
    const result = slots.of(resultName(body))
    const binderTypes = body.binders.map((b) => b.type)
    this.scopes[index] = {
      params: [...binderTypes, ...captures.map((name) => this.typeOf(name))].map((t) => this.tables.type(t)),
      slots: highest,
      steps,
      result: result.slot,
      type: this.tables.type(index === 0 ? this.mid.checked.output : body.type),
    }
    return index
  }

  #block(unit: Unit, slots: Slots, after: readonly number[]): { step: PlanStep; highest: number } {
    const inside = new Map<string, Held>()
    const writer = new BlockWriter(
      this.tables,
      this.mid.types,
      (name) => inside.get(name) ?? slots.of(name),
      slots.temps,
    )
    const left = new Map<string, number>()
    const names = new Set(unit.ops.map((op) => op.name))
    for (const op of unit.ops)
      for (const name of uses(op)) if (names.has(name)) left.set(name, (left.get(name) ?? 0) + 1)
    for (const op of unit.ops) {
      const cross = slots.cross(op.name)
      const held = writer.value({ ...op, type: this.typeOf(op.name) }, cross)
      // A name for a value that is somebody else's slot may outlive it: it gets one of its own.
      inside.set(op.name, { slot: held.slot, type: held.type, temp: held.temp })
      for (const name of uses(op)) {
        const n = left.get(name)
        if (n === undefined) continue
        left.set(name, n - 1)
        if (n === 1) writer.release(inside.get(name)!)
      }
    }
    const step: PlanStep = { op: ["block", after], instrs: writer.instrs, nodes: writer.nodes }
    return { step, highest: writer.highest }
  }

  #step(op: Op, slots: Slots, after: readonly number[]): Step {
    const to = slots.cross(op.name)!
    const path = this.tables.texts(op.path)
    const slot = () => slots.of(refName(op)).slot
    switch (op.kind) {
      case "tool": {
        const arg = slots.of(refName(op))
        const extern = this.tables.extern(op.tool!, op.tool!.input ?? arg.type)
        if (op.bodies.length === 0) return ["invoke", to, extern, arg.slot, path, after]
        const { bodies, captures } = this.#bodies(op, slots)
        return [
          "invoke_with",
          to,
          extern,
          arg.slot,
          this.tables.texts(op.bodies.map((b) => b.role)),
          bodies,
          captures,
          path,
          after,
        ]
      }
      case "when": {
        const { bodies, captures } = this.#bodies(op, slots)
        return ["when", to, slot(), bodies, captures, path, after]
      }
      case "switch": {
        const { bodies, captures } = this.#bodies(op, slots)
        const cases = op.bodies.filter((b) => b.role !== "else").map((b) => b.role.slice("case:".length))
        return ["switch", to, slot(), this.tables.texts(cases), bodies, captures, path, after]
      }
      case "map": {
        const { bodies, captures } = this.#bodies(op, slots)
        return ["map", to, slot(), op.bound, bodies, captures, path, after]
      }
      case "fold": {
        const { bodies, captures } = this.#bodies(op, slots)
        const [over, from] = foldNames(op)
        return ["fold", to, slots.of(over).slot, slots.of(from).slot, bodies, captures, path, after]
      }
      case "loop": {
        const { bodies, captures } = this.#bodies(op, slots)
        return ["loop", to, slot(), op.bound, bodies, captures, path, after]
      }
      case "catch":
      case "enter": {
        const { bodies, captures } = this.#bodies(op, slots)
        return [op.kind, to, bodies, captures, path, after]
      }
      case "expr":
        throw new TypeError("an expression is part of a block")
    }
  }

  #bodies(op: Op, slots: Slots): { bodies: number[]; captures: number[] } {
    const bodies: number[] = []
    const captures: number[] = []
    op.bodies.forEach(({ scope }, b) => {
      const wanted = bindersOf(op.kind === "tool" ? "invoke_with" : (op.kind as "map"), b)
      while (scope.binders.length < wanted)
        scope.binders.push({ name: `${op.name}.${b}.unused${scope.binders.length}`, type: T.number })
      const names = [...bodyUses(scope)].sort()
      for (const name of names) captures.push(slots.of(name).slot)
      bodies.push(this.scope(scope, names))
    })
    return { bodies, captures }
  }
}

/** What a unit waits for without using it, those left out that it waits for by a value, or by what makes that value. */
function awaited(unit: Unit, unitOf: ReadonlyMap<string, Unit>): Set<Unit> {
  const after = new Set<Unit>()
  for (const op of unit.ops) for (const name of op.after) if (unitOf.has(name)) after.add(unitOf.get(name)!)
  if (after.size === 0) return after
  for (const op of unit.ops) {
    for (const name of freeNames(op.expr)) {
      const maker = unitOf.get(name)
      if (maker === undefined || maker === unit) continue
      after.delete(maker)
      // What a block waits for it uses; what a step with bodies waits for it may only hand on.
      if (maker.block) for (const before of maker.deps) after.delete(before)
    }
  }
  return after
}

const refName = (op: Op): string => (op.expr.op === "ref" ? op.expr.name : "")
const foldNames = (op: Op): [string, string] => {
  const fields = op.expr.op === "record" ? op.expr.fields : []
  return fields.map((f) => (f[1].op === "ref" ? f[1].name : "")) as [string, string]
}
const resultName = (body: Body): string => (body.output.op === "ref" ? body.output.name : "")

/** Where the values of a scope stand that cross from one step to another. */
class Slots {
  readonly #held = new Map<string, Held>()
  readonly #crossing = new Map<string, number>()
  readonly #free = new Map<Unit, { slot: number; read: number }[]>()
  /** The first slot of the blocks' own. */
  readonly temps: number
  /** Values that stand where their argument stood. */
  taken = 0

  constructor(lowering: Lowering, body: Body, captures: readonly string[], units: readonly Unit[]) {
    let next = 0
    for (const b of body.binders) this.#held.set(b.name, { slot: next++, type: b.type, temp: false })
    for (const name of captures) this.#held.set(name, { slot: next++, type: lowering.typeOf(name), temp: false })
    const readers = readersOf(body, units)
    for (const unit of units) {
      for (const op of unit.ops) {
        const read = readers.get(op.name)
        if (unit.block && read === undefined) continue
        const over = this.#takeover(op, unit, readers)
        if (over !== undefined) this.taken++
        const slot = over ?? next++
        this.#crossing.set(op.name, slot)
        this.#held.set(op.name, { slot, type: op.type, temp: false })
      }
    }
    this.temps = next
  }

  /**
   * A tool or a block puts its value where something stood that only it reads, and has read by then: so a long chain lives
   * in a few slots. What several units read keeps its slot, since nothing says who is the last of them.
   */
  #takeover(op: Op, unit: Unit, readers: ReadonlyMap<string, Readers>): number | undefined {
    if (!unit.block) {
      if (op.kind !== "tool" || op.bodies.length > 0) return undefined
      return this.#only(refName(op), readers)
    }
    const given = this.#given(unit, readers)
    const at = unit.ops.indexOf(op)
    const free = given.findIndex(({ read }) => read < at || (read === at && wholeFirst(op)))
    return free < 0 ? undefined : given.splice(free, 1)[0]!.slot
  }

  /** Slots that a block may use again, with the place of their last reader in it. */
  #given(unit: Unit, readers: ReadonlyMap<string, Readers>): { slot: number; read: number }[] {
    let given = this.#free.get(unit)
    if (given !== undefined) return given
    const last = new Map<string, number>()
    unit.ops.forEach((op, i) => {
      for (const name of uses(op)) last.set(name, i)
    })
    given = []
    for (const [name, read] of last) {
      const slot = this.#only(name, readers)
      if (slot !== undefined) given.push({ slot, read })
    }
    this.#free.set(unit, given)
    return given
  }

  /** The slot of a value that crosses and has one reader. */
  #only(name: string, readers: ReadonlyMap<string, Readers>): number | undefined {
    const read = readers.get(name)
    return read === undefined || read.lasting || read.units.size !== 1 ? undefined : this.#crossing.get(name)
  }

  of(name: string): Held {
    const held = this.#held.get(name)
    if (held === undefined) throw new TypeError(`no slot holds "${name}"`)
    return held
  }
  /** The slot of a value that crosses, or undefined for one that stays inside its block. */
  cross(name: string): number | undefined {
    return this.#crossing.get(name)
  }
}

/** Is all that an expression takes read before its value is written? Not where it is written on several ways. */
const wholeFirst = (op: Op): boolean =>
  op.accept === undefined && !["if", "and", "or", "each", "field", "index"].includes(op.expr.op)

interface Readers {
  readonly units: Set<Unit>
  /** A body captures it, or it is the scope's value. */
  lasting: boolean
}

/** Who reads each value from outside its own block. */
function readersOf(body: Body, units: readonly Unit[]): Map<string, Readers> {
  const unitOf = new Map<string, Unit>()
  for (const unit of units) for (const op of unit.ops) unitOf.set(op.name, unit)
  const readers = new Map<string, Readers>()
  const reader = (name: string): Readers => {
    let r = readers.get(name)
    if (r === undefined) readers.set(name, (r = { units: new Set(), lasting: false }))
    return r
  }
  for (const unit of units) {
    for (const op of unit.ops) {
      for (const name of uses(op)) if (unitOf.get(name) !== unit) reader(name).units.add(unit)
      for (const { scope } of op.bodies) for (const name of bodyUses(scope)) reader(name).lasting = true
    }
  }
  reader(resultName(body)).lasting = true
  return readers
}
