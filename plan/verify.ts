/**
 * The structural verifier: reads a plan as if its author were an enemy and refuses it where it breaks a rule. The rules
 * are `RULES` (`rules.ts`), one line and one number each; a plan that keeps them all never reads a slot that nobody
 * wrote, never hands a value to an instruction that does not take its type, runs the same in every order that its
 * dependencies allow, and performs conflicting effects in one order. What the plan claims about the outside (that an
 * extern reads, needs a capability, answers with a type) is compared with registrations by `kernel/admit.ts`, not here.
 *
 *   verify.ts          the plan as a whole: header, tables, the tree of scopes, paths, needs      P001–P008, P053
 *   undo.ts            what takes writes back                                                     P055
 *   verify_scope.ts    steps of a scope: operands, slots, whom a step waits for                   P010–P023, P042
 *   verify_steps.ts    what each step wants of its operands and bodies                            P014–P015, P040–P041
 *   verify_block.ts    instructions of a block, through regions                                   P030–P035
 *   verify_instrs.ts   what each instruction takes and gives                                      P040, P043
 *   verify_types.ts    comparing types and values, on a budget                                    P004, P005, P009
 *   verify_effects.ts  the order of effects                                                       P050–P052
 *
 * Invariants of absence: no recursion over data (types are measured first, regions and scopes are walked with stacks or
 * by index), no work that the plan's size does not pay for, no trust in anything but the plan's own bytes.
 */
import { compareKeys, type Narrowing, pathKey, type Type } from "../graph/mod.ts"
import { PlanError, type PlanPlace } from "./error.ts"
import type { PlanFacts, ScopeFacts } from "./facts.ts"
import { OPS, type OperandKind, type StepName } from "./ops.ts"
import { COUNT_MAX, PLAN_FORMAT, type Plan, type PlanScope, type PlanStep, SEMANTICS } from "./plan.ts"
import { refuse } from "./rules.ts"
import { readNarrowed, readType, show } from "./shape.ts"
import { readValids } from "./shape_expr.ts"
import { readExtern } from "./shape_extern.ts"
import { readOnFailure, readUndos, undoParts, verifyUndos } from "./undo.ts"
import { OrderWork } from "./verify_effects.ts"
import { ScopeWalk } from "./verify_scope.ts"
import { TypeWork } from "./verify_types.ts"
import { Words } from "./verify_words.ts"

/** Scopes inside one another. */
export const SCOPE_NESTING_MAX = 256

/**
 * Refuses a plan that breaks a rule: throws `PlanError` with reason `refused`, the rule and the place. Returns what it
 * found out about a plan that breaks none. Near-linear in the size of the plan, whatever the plan is.
 */
export function verify(plan: Plan): PlanFacts {
  header(plan)
  tables(plan)
  const operations = plan.scopes.reduce((n, s) => s.steps.reduce((k, x) => k + 1 + (x.instrs?.length ?? 0), n), 0)
  const types = new TypeWork(operations)
  values(plan, types)
  needs(plan)
  narrowings(plan.narrowed ?? [])
  const owners = tree(plan)
  const words = new Words(plan)
  const order = new OrderWork(operations)
  const done: ScopeFacts[] = new Array(plan.scopes.length)
  // Bodies have greater indexes than the scopes that use them: backwards, what a body touches is known before it is asked.
  for (let i = plan.scopes.length - 1; i >= 0; i--) {
    done[i] = new ScopeWalk(plan, i, types, words, done).run(order, owners[i])
  }
  paths(plan, words)
  ends(plan, types)
  verifyUndos(plan)
  return { scopes: done }
}

function header(plan: Plan): void {
  if (plan.format !== PLAN_FORMAT) refuse("P001", "header", "format", `${PLAN_FORMAT}`, show(plan.format))
  if (plan.semantics !== SEMANTICS) refuse("P001", "header", "semantics", `${SEMANTICS}`, show(plan.semantics))
  const { name, graph } = plan
  if (typeof name !== "string" || name === "" || name.length > 256 || /\p{Cc}/u.test(name)) {
    refuse("P003", "plan", "name", "1 to 256 characters without control characters", show(name))
  }
  if (typeof graph !== "string" || !/^[0-9a-f]{64}$/.test(graph)) {
    refuse("P003", "plan", "graph", "64 lower-case hexadecimal digits", show(graph))
  }
}

/** Everything that is not an operand has its shape, and its indexes point at something. */
function tables(plan: Plan): void {
  const sized = (xs: unknown, what: string) => {
    if (!Array.isArray(xs) || xs.length > COUNT_MAX) refuse("P002", what, what, "a list that is not too long", show(xs))
  }
  for (const what of ["types", "constants", "externs", "scopes", "needs"] as const) sized(plan[what], what)
  const known = new Map<object, Type>()
  shaped(() => plan.types.forEach((t, i) => void readType(t, `types[${i}]`, 0, known)))
  shaped(() => plan.externs.forEach((x, i) => void readExtern(x, `externs[${i}]`)))
  const { valids } = plan
  if (valids !== undefined)
    shaped(
      () =>
        void readValids(
          valids.map((x) => [x.path, x.valid]),
          "plan.valids",
        ),
    )
  const { undos, onFailure } = plan
  if (undos !== undefined) shaped(() => void readUndos(undos.map(undoParts), "plan.undos"))
  if (onFailure !== undefined) shaped(() => void readOnFailure(onFailure, "plan.onFailure"))
  const { narrowed } = plan
  if (narrowed !== undefined)
    shaped(
      () =>
        void readNarrowed(
          narrowed.map((n) => [n.at, n.grants]),
          "plan.narrowed",
        ),
    )
  const type = (t: unknown, at: string | PlanPlace, what: string, least = 0) => {
    if (typeof t === "number" && Number.isInteger(t) && t >= least && t < plan.types.length && !Object.is(t, -0)) return
    refuse("P011", at, what, `a type below ${plan.types.length}`, show(t))
  }
  type(plan.input, "plan", "input")
  type(plan.output, "plan", "output")
  plan.constants.forEach((c, i) => type(c?.type, `constants[${i}]`, "its type"))
  plan.externs.forEach((x, i) => {
    const at = `externs[${i}]`
    type(x.input, at, "input", -1)
    type(x.output, at, "output")
    if (x.effect === "pure" ? x.resource !== null : x.resource === null || x.resource === "") {
      refuse("P006", at, "resource", x.effect === "pure" ? "null where it is pure" : "named", show(x.resource))
    }
    if (x.effect === "write" && x.settings.speculate === true) {
      refuse("P006", at, "speculate", "left out or false where it writes", "true")
    }
    if ((x.settings.shadow?.error ?? 0) > 1)
      refuse("P006", at, "shadow.error", "at most 1", show(x.settings.shadow?.error))
  })
  plan.scopes.forEach((s, i) => scopeShape(s, i, type, sized))
}

function shaped(read: () => void): void {
  try {
    read()
  } catch (cause) {
    if (!(cause instanceof PlanError) || cause.reason !== "malformed") throw cause
    refuse(
      "P002",
      cause.section ?? "plan",
      cause.message.replace(/^Cannot decode a plan: /, "").replace(/ must be .*/s, ""),
      cause.wanted ?? "well-formed",
      cause.found ?? "something else",
    )
  }
}

type CheckType = (t: unknown, at: PlanPlace, what: string) => void
function scopeShape(s: PlanScope, i: number, type: CheckType, sized: (xs: unknown, what: string) => void): void {
  const at = { scope: i }
  if (typeof s !== "object" || s === null) refuse("P002", at, "it", "a scope", show(s))
  sized(s.params, "params")
  sized(s.steps, "steps")
  for (const p of s.params) type(p, at, "type of a parameter")
  type(s.type, at, "type")
  for (const [what, n] of [
    ["slots", s.slots],
    ["result", s.result],
  ] as const) {
    if (!Number.isInteger(n) || n < 0 || Object.is(n, -0))
      refuse("P002", at, what, "a whole number, 0 or more", show(n))
  }
  s.steps.forEach((step, k) => stepShape(step, { scope: i, step: k }))
}

function stepShape(step: PlanStep, at: PlanPlace): void {
  if (typeof step !== "object" || step === null || !Array.isArray(step.op))
    refuse("P002", at, "it", "a step", show(step))
  const { instrs, nodes } = step
  if (step.op[0] !== ("block" satisfies StepName)) {
    if (instrs !== undefined || nodes !== undefined)
      refuse("P016", at, `"${step.op[0]}"`, "without instructions", "some")
    return
  }
  if (!Array.isArray(instrs) || !Array.isArray(nodes) || instrs.length !== nodes.length || instrs.length > COUNT_MAX) {
    refuse("P016", at, "a block", "of instructions with as many nodes", `${show(instrs)}, ${show(nodes)}`)
  }
  for (const instr of instrs) if (!Array.isArray(instr)) refuse("P002", at, "an instruction", "a list", show(instr))
}

/** Types are of bearable size, and constants are values of theirs. */
function values(plan: Plan, types: TypeWork): void {
  plan.types.forEach((t, i) => {
    types.at = `types[${i}]`
    types.measure(t)
    types.defaults(t)
  })
  plan.constants.forEach(({ value, type }, i) => {
    types.at = `constants[${i}]`
    if (!types.holds(value, plan.types[type]!)) refuse("P005", types.at, "its value", "of its type", show(value))
  })
}

function needs(plan: Plan): void {
  plan.needs.forEach((need, i) => {
    if (typeof need !== "string") refuse("P002", "plan", `needs[${i}]`, "a text", show(need))
    const before = plan.needs[i - 1]
    if (before === undefined || compareKeys(before, need) < 0) return
    refuse("P007", "plan", "needs", "sorted, each once", `${show(need)} after ${show(before)}`)
  })
  const stated = new Set(plan.needs)
  plan.externs.forEach((x, i) => {
    for (const need of x.needs) {
      if (!stated.has(need)) refuse("P007", `externs[${i}]`, `its need ${show(need)}`, "among the plan's", "not there")
    }
  })
}

function narrowings(narrowed: readonly Narrowing[]): void {
  narrowed.forEach(({ at }, i) => {
    const place = `narrowed[${i}]`
    if (at.length === 0 || at.some((word) => word === "" || word.includes("\u0000")))
      refuse("P054", place, "its path", "names of nodes", show(at))
    const before = narrowed[i - 1]
    if (before !== undefined && compareKeys(pathKey(before.at), pathKey(at)) >= 0)
      refuse("P054", place, "its path", "after the one before it", show(at.join(".")))
  })
}

/** The operand of a step that lists bodies, by position; 0 where there is none. */
const BODIES: ReadonlyMap<string, number> = new Map(
  Object.entries(OPS).map(([name, op]) => [
    name,
    1 + op.operands.findIndex(([kind]) => (kind as OperandKind) === "scopes"),
  ]),
)
export const bodiesOperand = (step: PlanStep): readonly number[] => {
  const at = BODIES.get(step.op[0]) ?? 0
  const bodies = at === 0 ? [] : step.op[at]
  return Array.isArray(bodies) ? bodies : []
}

/** The step that each scope is a body of. */
function tree(plan: Plan): ScopeFacts["owner"][] {
  const n = plan.scopes.length
  if (n === 0) refuse("P008", "scopes", "scopes", "at least one", "none")
  const owners: ScopeFacts["owner"][] = new Array(n)
  const depth = new Int32Array(n)
  plan.scopes.forEach((s, i) => {
    if (i > 0 && owners[i] === undefined)
      refuse("P008", { scope: i }, "it", "a body of a step before it", "no such step")
    s.steps.forEach((step, k) => {
      const at = { scope: i, step: k }
      for (const body of bodiesOperand(step)) {
        if (!Number.isInteger(body) || body <= i || body >= n) {
          refuse("P008", at, "a body", `a scope between ${i + 1} and ${n - 1}`, show(body))
        }
        if (owners[body] !== undefined)
          refuse("P008", at, `scope ${body}`, "a body of one step", "a body of another, too")
        owners[body] = at
        depth[body] = depth[i]! + 1
        if (depth[body]! > SCOPE_NESTING_MAX)
          refuse("P008", at, "scopes", `nested at most ${SCOPE_NESTING_MAX} deep`, "more")
      }
    })
  })
  return owners
}

/** Steps whose bodies run more than once, each time under a number of its own. */
const NUMBERED: ReadonlySet<StepName> = new Set<StepName>(["map", "fold", "loop", "invoke_with"])

/** Every call has a path of its own: paths are ways in a tree, and no two calls end at one place. */
function paths(plan: Plan, words: Words): void {
  const places = new Map<string, number>()
  const down = (from: number, word: string): number => {
    const key = `${from} ${word}`
    let to = places.get(key)
    if (to === undefined) places.set(key, (to = places.size + 1))
    return to
  }
  const calls = new Set<number>()
  const start = new Int32Array(plan.scopes.length)
  plan.scopes.forEach((s, i) => {
    s.steps.forEach((step, k) => {
      const layout: readonly (readonly [OperandKind, string])[] = OPS[step.op[0]].operands
      const p = layout.findIndex(([kind]) => kind === "path")
      if (p < 0) return
      const at = { scope: i, step: k }
      let place = start[i]!
      for (const word of words.path(step.op[p + 1] as number, at)) place = down(place, word)
      if (layout.some(([kind]) => kind === "extern")) {
        if (calls.has(place)) refuse("P053", at, "its path", "its own", "that of another call")
        calls.add(place)
      }
      const inside = NUMBERED.has(step.op[0]) ? down(place, "\u0000") : place
      for (const body of bodiesOperand(step)) start[body] = inside
    })
  })
}

/** What goes in and what comes out. */
function ends(plan: Plan, types: TypeWork): void {
  const { params, type } = plan.scopes[0]!
  const at = { scope: 0 }
  types.at = at
  if (params.length !== 1) refuse("P042", at, "parameters", "the graph's input alone", `${params.length}`)
  const input = plan.types[plan.input]!
  if (!types.stands(input, plan.types[params[0]!]!)) {
    refuse("P042", at, "its parameter", "of the type of the plan's input", "another type")
  }
  if (!types.stands(plan.types[type]!, plan.types[plan.output]!)) {
    refuse("P042", at, "its type", "that of the plan's output", "another type")
  }
}
