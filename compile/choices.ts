/**
 * What lowering chose, for `explain`: which expressions run as one block, what starts before its turn, how many slots hold
 * the values. Lowering rewrites nothing, so these are not passes; they are said in the same form.
 */
import type { Unit } from "./fuse.ts"
import { type Change, isOperand, type Op, placeOf } from "./mid.ts"

export interface Choices {
  readonly fuse: Change[]
  readonly schedule: Change[]
  readonly slots: Change[]
}

/** Names listed in one message. */
const LISTED_MAX = 6

export const noChoices = (): Choices => ({ fuse: [], schedule: [], slots: [] })

/** Notes what was chosen for one scope: its units in the author's order, and in the order of the plan. */
export function noteUnits(choices: Choices, units: readonly Unit[], order: readonly Unit[]): void {
  const named = new Set<string>()
  for (const unit of units) {
    if (!unit.block || unit.ops.length < 2) continue
    const names = distinct(unit.ops)
    if (names.length < 2) continue
    const more = names.length > LISTED_MAX ? ` and ${names.length - LISTED_MAX} more` : ""
    choices.fuse.push({
      at: names[0]!,
      what: `runs as one block with ${names.slice(1, LISTED_MAX).join(", ")}${more}: they become ready at the same moment`,
    })
  }
  const turn = new Map(units.map((unit, i) => [unit, i]))
  order.forEach((unit, i) => {
    const at = placeOf(unit.ops[0]!)
    const earlier = turn.get(unit)! - i
    if (unit.block || earlier <= 0 || named.has(at)) return
    named.add(at)
    choices.schedule.push({
      at,
      what: `is looked at ${earlier} places earlier than written: the longest way to the end leads through it`,
    })
  })
}

/** `scope`: its index in the plan. */
export function noteSlots(choices: Choices, scope: number, values: number, slots: number, taken: number): void {
  const reused = taken > 0 ? `; ${taken} of them take the place of an argument that nobody else reads` : ""
  const at = scope === 0 ? "the graph" : `scope ${scope}`
  choices.slots[scope] = {
    at,
    what: `${values} ${values === 1 ? "value" : "values"}, with parameters and parts, in ${slots} slots${reused}`,
  }
}

const distinct = (ops: readonly Op[]): string[] => [
  ...new Set(ops.map((op) => (isOperand(op) ? `${placeOf(op)} (its arguments)` : placeOf(op)))),
]
