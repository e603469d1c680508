/**
 * Labels of a plan: where what reaches its sinks came from, found in the verified bytes alone. The checker labels graphs
 * to explain (`graph/labels/graph.ts`); admission believes no checker and labels the plan, so that one that was changed to
 * hand a model's text to an address is refused like any other. One walk a round, and as many rounds as loops need.
 *
 * Whose words an extern's outcome is, and which of its arguments are sinks, its registration says.
 */
import {
  ERROR_TYPE,
  type Flow,
  type Label,
  labelOf,
  label as lb,
  type Origin,
  type OriginSet,
  type Origins,
  type Path,
  printPath,
  ROUNDS_MAX,
  type Sort,
  UNDO,
  undoKey,
} from "../graph/mod.ts"
import { blockLabels, Seen } from "./labels_block.ts"
import { bindersOf, type Step, type StepName } from "./ops.ts"
import type { Plan, PlanUndo } from "./plan.ts"

/** What a registration says of an extern. */
export interface ExternLabels {
  /** Whose words its outcome is, beside those of its arguments. */
  readonly begins: OriginSet
  /** Nothing of its arguments is in the outcome that a person did not let through. */
  readonly endorses: boolean
  readonly sinks: { readonly [arg: string]: Sort }
}

/** What reaches a sink; `at` is the plan's name and the path. */
export interface PlanFlow extends Flow {
  readonly path: Path
  readonly extern: number
}

/**
 * Everything that reaches a sink of a verified plan, in the order of its scopes. `externs`: one for each of the plan's.
 * `input`: whose the plan's input is.
 */
export function flowsOf(
  plan: Plan,
  externs: readonly ExternLabels[],
  origins: Origins,
  input: Origin = USER,
): readonly PlanFlow[] {
  if (externs.every(({ sinks }) => Object.keys(sinks).length === 0)) return []
  return new PlanWalk(plan, externs, origins).run(input)
}

const USER: Origin = { who: "user", of: "" }

type Calling = Exclude<Step, Step<"block">>

interface Here {
  readonly slots: Map<number, Label>
  /** Who decided that the scope runs. */
  readonly decided: OriginSet
  readonly base: Path
  readonly seen: Seen
}

/** Walks one body of a step, with the labels of its binders. */
type WalkBody = (b: number, binders: readonly Label[], decidedBy?: OriginSet, seen?: Seen) => Label

class PlanWalk {
  readonly #plan: Plan
  readonly #externs: readonly ExternLabels[]
  readonly #origins: Origins
  /** What goes round in a step, by its first body. */
  readonly #rounds = new Map<number, Label>()
  readonly #undos: ReadonlyMap<string, PlanUndo>
  #changed = true
  #widen = false
  #flows: PlanFlow[] = []

  constructor(plan: Plan, externs: readonly ExternLabels[], origins: Origins) {
    this.#plan = plan
    this.#externs = externs
    this.#origins = origins
    this.#undos = new Map((plan.undos ?? []).map((undo) => [undoKey(undo.path), undo]))
  }

  run(whose: Origin): readonly PlanFlow[] {
    const input = lb.narrow(lb.from(this.#origins.bit(whose)), this.#plan.types[this.#plan.input]!)
    for (let round = 0; this.#changed; round++) {
      this.#changed = false
      this.#widen = round >= ROUNDS_MAX
      this.#flows = []
      this.#scope(0, [input], 0n, [], new Seen())
    }
    return this.#flows
  }

  /** All that ever went round in a step. */
  #round(body: number, label: Label): Label {
    const before = this.#rounds.get(body) ?? lb.CLEAN
    const all = lb.join(before, this.#widen ? lb.join(lb.whole(label), lb.from(this.#origins.all)) : label)
    if (!lb.sameLabel(all, before)) {
      this.#rounds.set(body, all)
      this.#changed = true
    }
    return all
  }

  #scope(index: number, params: readonly Label[], decided: OriginSet, base: Path, seen: Seen): Label {
    const { steps, result } = this.#plan.scopes[index]!
    const here: Here = { slots: new Map(params.entries()), decided, base, seen }
    for (const { op, instrs = [] } of steps) {
      if (op[0] === "block") {
        blockLabels(this.#plan, instrs, here.slots, seen)
        continue
      }
      const value = this.#step(op, here)
      seen.add(value)
      here.slots.set(op[1], value)
    }
    return this.#read(result, here)
  }

  #read(slot: number, { slots, seen }: Here): Label {
    const label = slots.get(slot) ?? lb.CLEAN
    seen.add(label)
    return label
  }

  #pathOf(step: Calling, base: Path): Path {
    return [...base, ...(this.#plan.constants[step[step.length - 2] as number]!.value as readonly string[])]
  }

  #bodies(step: Calling, bodies: readonly number[], captures: readonly number[], here: Here): WalkBody {
    const path = this.#pathOf(step, here.base)
    let next = 0
    const captured = bodies.map((body, b) => {
      const from = next
      next += this.#plan.scopes[body]!.params.length - bindersOf(step[0] satisfies StepName, b)
      return captures.slice(from, next).map((slot) => here.slots.get(slot) ?? lb.CLEAN)
    })
    return (b, binders, decidedBy = 0n, seen = here.seen) =>
      this.#scope(bodies[b]!, [...binders, ...captured[b]!], here.decided | decidedBy, path, seen)
  }

  #step(step: Calling, here: Here): Label {
    switch (step[0]) {
      case "invoke":
        return this.#tool(step, [], () => lb.CLEAN, here)
      case "invoke_with":
        return this.#tool(step, step[5], this.#bodies(step, step[5], step[6], here), here)
      case "enter":
        return this.#bodies(step, step[2], step[3], here)(0, [])
      case "when":
        return this.#choice(this.#read(step[2], here), step[3], this.#bodies(step, step[3], step[4], here))
      case "switch":
        return this.#choice(this.#read(step[2], here), step[4], this.#bodies(step, step[4], step[5], here))
      case "map": {
        const over = this.#read(step[2], here)
        const body = this.#bodies(step, step[4], step[5], here)
        return lb.listOf(body(0, [lb.itemOf(over), lb.textless(over)], over.any), over.any)
      }
      case "fold": {
        const over = this.#read(step[2], here)
        const state = this.#round(step[4][0]!, this.#read(step[3], here))
        const body = this.#bodies(step, step[4], step[5], here)
        const next = this.#round(step[4][0]!, body(0, [state, lb.itemOf(over), lb.textless(over)], over.any))
        return lb.influenced(lb.join(state, next), over.any)
      }
      case "loop": {
        const state = this.#round(step[4][0]!, this.#read(step[2], here))
        const body = this.#bodies(step, step[4], step[5], here)
        const test = body(0, [state, lb.CLEAN], state.any)
        const next = this.#round(step[4][0]!, body(1, [state, lb.CLEAN], state.any | test.any))
        return lb.influenced(lb.join(state, next), test.any)
      }
      case "catch": {
        const seen = new Seen()
        const body = this.#bodies(step, step[2], step[3], here)
        const value = body(0, [], 0n, seen)
        here.seen.add(seen.all)
        const rescued = body(1, [lb.narrow(seen.all, ERROR_TYPE)], seen.all.any)
        return lb.influenced(lb.join(value, rescued), seen.all.any)
      }
    }
  }

  #choice(on: Label, bodies: readonly number[], body: WalkBody): Label {
    return lb.influenced(lb.joinAll(bodies.map((_, b) => body(b, [], on.any))), on.any)
  }

  #takes(extern: number, arg: string): boolean {
    const type = this.#plan.types[this.#plan.externs[extern]!.input]
    if (type?.kind !== "record") return true
    const field = Object.hasOwn(type.fields, arg) ? type.fields[arg] : undefined
    return field !== undefined && field.optional !== true
  }

  #tool(step: Step<"invoke"> | Step<"invoke_with">, bodies: readonly number[], body: WalkBody, here: Here): Label {
    const [, , extern, from] = step
    const { begins, endorses } = this.#externs[extern]!
    const args = this.#read(from, here)
    const path = this.#pathOf(step, here.base)
    this.#sinks(extern, args, path, here)
    let said = endorses ? lb.from(begins) : lb.join(lb.from(begins), lb.whole(args))
    const goes = bodies[0]
    if (goes !== undefined) {
      // What a body gives is told to the tool, which may ask the next one with it.
      said = this.#round(goes, said)
      const { any } = said
      bodies.forEach((index, b) => {
        const param = this.#plan.types[this.#plan.scopes[index]!.params[0]!]!
        said = this.#round(goes, lb.join(said, lb.whole(body(b, [lb.narrow(said, param)], any))))
      })
    }
    const label = lb.narrow(said, this.#plan.types[this.#plan.externs[extern]!.output]!)
    const undo = this.#undos.get(undoKey(path))
    if (undo !== undefined) {
      const given = labelOf(undo.args, (name) => (name === "out" ? label : name === "args" ? args : lb.CLEAN))
      this.#sinks(undo.extern, given, [...path, UNDO], here)
    }
    return label
  }

  #sinks(extern: number, args: Label, path: Path, { decided }: Here): void {
    for (const [arg, sort] of Object.entries(this.#externs[extern]!.sinks)) {
      const given = lb.fieldIn(args, arg)
      // What nobody else had a say in is there only if the type says so.
      if (given === undefined || (given.any === 0n && !this.#takes(extern, arg))) continue
      const at = printPath([this.#plan.name, ...path])
      this.#flows.push({ path, at, arg, sort, extern, label: lb.influenced(given, decided) })
    }
  }
}
