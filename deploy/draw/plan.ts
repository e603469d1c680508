/** A plan as a picture: a box for each step, fused expressions together in theirs, bodies inside the step that runs them. */
import { type Plan, type PlanFacts, type PlanStep, row, verify } from "../../plan/mod.ts"
import { effectOf, type Operands, operandsOf, wordsOf } from "../view/steps.ts"
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
      steps.map((step) => (effectOf(plan, step) === "pure" ? `b${blocks++}` : `e${effects++}`)),
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
      const after = new Set(operandsOf(step).after)
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
    const roles = wordsOf(this.#plan, operands.words)
    return {
      id: String(s),
      title: `${label} ${this.#what(step, operands)}`,
      lines: this.#lines(step, operands),
      tone: effectOf(this.#plan, step),
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
      const names = [...new Set((step.nodes ?? []).map((n) => wordsOf(this.#plan, n).join(".")))].filter(
        (name) => name !== "",
      )
      const shown = names.slice(0, NAMES_MAX).map((name) => clip(name, TEXT_MAX))
      return names.length > NAMES_MAX ? [...shown, `and ${names.length - NAMES_MAX} more`] : shown
    }
    const name = clip(wordsOf(this.#plan, path).join("."), TEXT_MAX)
    const resource = extern === undefined ? undefined : this.#plan.externs[extern]?.resource
    return [name, ...(resource ? [clip(resource, TEXT_MAX)] : [])].filter((line) => line !== "")
  }
}
