/** A plan as a picture: a box for each step, fused expressions together in theirs, bodies inside the step that runs them. */
import type { Effect } from "../../graph/mod.ts"
import { OPS, type Plan, type PlanFacts, type PlanStep, row, verify } from "../../plan/mod.ts"
import { type Box, clip, type Link, type Picture } from "./picture.ts"

const TEXT_MAX = 34
/** Nodes that are named in the box of a block. */
const NAMES_MAX = 6

/** Fails with `PlanError` for a plan that the verifier refuses. */
export function pictureOfPlan(plan: Plan): Picture {
  const drawing = new Drawing(plan, verify(plan))
  const { boxes, links } = drawing.scope(0)
  return { boxes, links }
}

class Drawing {
  readonly #plan: Plan
  readonly #facts: PlanFacts
  /** Of each step of each scope, numbered as in `disasm`. */
  readonly #labels: readonly (readonly string[])[]

  constructor(plan: Plan, facts: PlanFacts) {
    this.#plan = plan
    this.#facts = facts
    let [effects, blocks] = [0, 0]
    this.#labels = plan.scopes.map(({ steps }) =>
      steps.map((step) => (this.#effectOf(step) === "pure" ? `b${blocks++}` : `e${effects++}`)),
    )
  }

  scope(index: number): Picture {
    const scope = this.#plan.scopes[index]!
    const facts = this.#facts.scopes[index]!
    const ends: Box[] =
      index === 0
        ? [
            { id: "in", title: "in", lines: [], tone: "input", inner: [] },
            { id: "return", title: "return", lines: [], tone: "output", inner: [] },
          ]
        : []
    const boxes = scope.steps.map((step, s) => this.#box(step, index, s))
    const links: Link[] = []
    const add = (from: number, to: string, orderOnly = false) => {
      const id = from < facts.params ? (index === 0 ? "in" : undefined) : String(from - facts.params)
      if (id !== undefined && !links.some((l) => l.from === id && l.to === to)) links.push({ from: id, to, orderOnly })
    }
    scope.steps.forEach((step, s) => {
      const after = new Set(this.#after(step))
      for (const from of row(facts.preds, s)) add(from, String(s), after.has(from - facts.params))
      for (const from of row(facts.lazy, s)) add(from, String(s))
    })
    if (index === 0) add(facts.result, "return")
    const used = new Set(links.flatMap((l) => [l.from, l.to]))
    return { boxes: [...ends.filter((b) => used.has(b.id)), ...boxes], links }
  }

  #box(step: PlanStep, scope: number, s: number): Box {
    const label = this.#labels[scope]![s]!
    const operands = operandsOf(step)
    const roles = operands.words === undefined ? [] : this.#words(operands.words)
    return {
      id: String(s),
      title: `${label} ${this.#what(step, operands)}`,
      lines: this.#lines(step, operands),
      tone: this.#effectOf(step),
      inner: operands.bodies
        .map((body, b) => ({ label: roles[b] ?? "", picture: this.scope(body) }))
        .filter(({ picture }) => picture.boxes.length > 0),
    }
  }

  #what(step: PlanStep, { extern, bound }: Operands): string {
    if (step.instrs !== undefined) return `block of ${step.instrs.length}`
    if (extern !== undefined) return this.#plan.externs[extern]?.kind ?? "?"
    return bound === undefined ? step.op[0] : `${step.op[0]} ≤${bound}`
  }

  #lines(step: PlanStep, { extern, path }: Operands): readonly string[] {
    if (step.instrs !== undefined) {
      const names = [...new Set((step.nodes ?? []).map((n) => this.#words(n).join(".")))].filter((name) => name !== "")
      const shown = names.slice(0, NAMES_MAX).map((name) => clip(name, TEXT_MAX))
      return names.length > NAMES_MAX ? [...shown, `and ${names.length - NAMES_MAX} more`] : shown
    }
    const name = path === undefined ? "" : clip(this.#words(path).join("."), TEXT_MAX)
    const resource = extern === undefined ? undefined : this.#plan.externs[extern]?.resource
    return [name, ...(resource ? [clip(resource, TEXT_MAX)] : [])].filter((line) => line !== "")
  }

  /** The greatest effect of a step and its bodies. */
  #effectOf(step: PlanStep): Effect {
    const { extern, bodies } = operandsOf(step)
    const own = extern === undefined ? "pure" : (this.#plan.externs[extern]?.effect ?? "write")
    const inside = bodies.flatMap((body) => this.#plan.scopes[body]!.steps.map((inner) => this.#effectOf(inner)))
    const all = [own, ...inside]
    return all.includes("write") ? "write" : all.includes("read") ? "read" : "pure"
  }

  #after(step: PlanStep): readonly number[] {
    const at = OPS[step.op[0]].operands.findIndex(([kind]) => kind === "steps")
    return at === -1 ? [] : (step.op[at + 1] as readonly number[])
  }

  #words(constant: number): readonly string[] {
    const value = this.#plan.constants[constant]?.value
    return Array.isArray(value) ? value.map(String) : []
  }
}

interface Operands {
  readonly extern?: number
  readonly bodies: readonly number[]
  readonly words?: number
  readonly path?: number
  readonly bound?: number
}

/** What a step names, by the kinds of its operands, so that a new instruction needs no word here. */
function operandsOf(step: PlanStep): Operands {
  const out: { extern?: number; bodies: readonly number[]; words?: number; path?: number; bound?: number } = {
    bodies: [],
  }
  OPS[step.op[0]].operands.forEach(([kind], i) => {
    const x = step.op[i + 1] as unknown
    if (kind === "extern") out.extern = x as number
    else if (kind === "scopes") out.bodies = x as readonly number[]
    else if (kind === "names") out.words = x as number
    else if (kind === "path") out.path = x as number
    else if (kind === "int") out.bound = x as number
  })
  return out
}
