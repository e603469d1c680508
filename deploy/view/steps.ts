/** What a step of a plan names and may do, read by the kinds of its operands, so that a new instruction needs no word here. */
import type { Effect } from "../../graph/mod.ts"
import { OPS, type Plan, type PlanStep } from "../../plan/mod.ts"

export interface Operands {
  readonly extern?: number
  readonly bodies: readonly number[]
  /** Constants: the names of the bodies, and the way from the scope to the node. */
  readonly words?: number
  readonly path?: number
  readonly bound?: number
  /** Steps that come first without data. */
  readonly after: readonly number[]
}

export function operandsOf(step: PlanStep): Operands {
  const out: { -readonly [K in keyof Operands]: Operands[K] } = { bodies: [], after: [] }
  OPS[step.op[0]].operands.forEach(([kind], i) => {
    const x = step.op[i + 1] as unknown
    if (kind === "extern") out.extern = x as number
    else if (kind === "scopes") out.bodies = x as readonly number[]
    else if (kind === "names") out.words = x as number
    else if (kind === "path") out.path = x as number
    else if (kind === "int") out.bound = x as number
    else if (kind === "steps") out.after = x as readonly number[]
  })
  return out
}

/** The greatest effect of a step and its bodies. */
export function effectOf(plan: Plan, step: PlanStep): Effect {
  const { extern, bodies } = operandsOf(step)
  const own = extern === undefined ? "pure" : (plan.externs[extern]?.effect ?? "write")
  const inside = bodies.flatMap((body) => plan.scopes[body]!.steps.map((inner) => effectOf(plan, inner)))
  return inside.reduce(
    (greatest, e) => (e === "write" || greatest === "write" ? "write" : e === "read" ? "read" : greatest),
    own,
  )
}

/** The words of a constant that is a list of texts. */
export function wordsOf(plan: Plan, constant: number | undefined): readonly string[] {
  const value = constant === undefined ? undefined : plan.constants[constant]?.value
  return Array.isArray(value) ? value.map(String) : []
}
