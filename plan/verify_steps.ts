/**
 * The type that each step gives, and what it wants of its operands and bodies: one entry for every step but `block`.
 */
import { ERROR_TYPE, LOOP_MAX, T, type Type } from "../graph/mod.ts"
import type { PlanPlace } from "./error.ts"
import { bindersOf, type Step, type StepName } from "./ops.ts"
import { named, refuse } from "./rules.ts"
import type { ScopeWalk } from "./verify_scope.ts"

/** A step whose operands are known to point at something. Returns the type of its value. */
type StepRule<K extends StepName> = (walk: ScopeWalk, step: Step<K>, at: PlanPlace) => Type

/**
 * Bodies against what their step hands them: binder types first, then the captures, dealt out in order. Returns the types
 * of the bodies' values.
 */
function bodiesOf(
  walk: ScopeWalk,
  step: Step,
  bodies: readonly number[],
  captures: readonly number[],
  binders: readonly (readonly Type[])[],
  at: PlanPlace,
): readonly Type[] {
  if (bodies.length !== binders.length) {
    refuse("P014", at, `"${step[0]}"`, `a step of ${binders.length} bodies`, `${bodies.length}`)
  }
  let next = 0
  const types = bodies.map((body, b) => {
    const { params, type } = walk.plan.scopes[body]!
    const bound = bindersOf(step[0], b)
    if (params.length < bound || next + params.length - bound > captures.length) {
      const wanted = `of ${bound} binders and what is captured`
      refuse("P014", at, `parameters of scope ${body}`, wanted, `${params.length}`)
    }
    params.forEach((param, p) => {
      const slot = captures[next + p - bound]
      const given = p < bound ? binders[b]![p]! : walk.value(slot!, at)
      const what = p < bound ? `binder ${p} of scope ${body}` : `capture of slot ${slot} by scope ${body}`
      walk.certain("P041", at, what, given, walk.plan.types[param]!)
    })
    next += params.length - bound
    return walk.plan.types[type]!
  })
  if (next !== captures.length) {
    refuse("P014", at, "captures", `as many as bodies have parameters for, ${next}`, `${captures.length}`)
  }
  return types
}

/** What `map` and `fold` go over. */
function itemOf(walk: ScopeWalk, slot: number, at: PlanPlace): Type {
  const type = walk.value(slot, at)
  if (type.kind === "list" || type.kind === "stream") return type.of
  if (type.kind === "never") return type
  if (type.kind === "union" && type.of.every((t) => t.kind === "list"))
    return walk.types.union(type.of.map((t) => (t.kind === "list" ? t.of : t)))
  return refuse("P040", at, `"over" (slot ${slot})`, "a list or a stream", named(type))
}

/** A role's body is called with a record of arguments, which are looked at as its parameter's type when they arrive. */
function roleBinder(walk: ScopeWalk, body: number | undefined, at: PlanPlace): readonly Type[] {
  const param = body === undefined ? undefined : walk.plan.scopes[body]!.params[0]
  const type = param === undefined ? T.unknown : walk.plan.types[param]!
  if (type.kind !== "record" && type.kind !== "unknown") {
    refuse("P041", at, `the parameter of scope ${body}`, "a record", named(type))
  }
  return [type]
}

const argsOf = (walk: ScopeWalk, extern: number, slot: number, at: PlanPlace): Type => {
  const { input, output } = walk.plan.externs[extern]!
  const given = walk.value(slot, at)
  if (input >= 0) walk.certain("P041", at, `arguments (slot ${slot})`, given, walk.plan.types[input]!)
  return walk.plan.types[output]!
}

export const STEP_TYPES: { readonly [K in Exclude<StepName, "block">]: StepRule<K> } = {
  invoke: (walk, [, , extern, args], at) => argsOf(walk, extern, args, at),
  invoke_with: (walk, step, at) => {
    const [, , extern, args, roles, bodies, captures] = step
    const words = walk.words(roles, at)
    const binders = words.map((_, b) => roleBinder(walk, bodies[b], at))
    bodiesOf(walk, step, bodies, captures, binders, at)
    return argsOf(walk, extern, args, at)
  },
  enter: (walk, step, at) => bodiesOf(walk, step, step[2], step[3], [[]], at)[0]!,
  when: (walk, step, at) => {
    const [, , test, bodies, captures] = step
    walk.certain("P040", at, `"test" (slot ${test})`, walk.value(test, at), T.boolean)
    return walk.types.union(bodiesOf(walk, step, bodies, captures, [[], []], at))
  },
  switch: (walk, step, at) => {
    const [, , on, cases, bodies, captures] = step
    walk.certain("P040", at, `"on" (slot ${on})`, walk.value(on, at), T.string)
    const words = walk.words(cases, at)
    const count = bodies.length === words.length + 1 ? words.length + 1 : words.length
    if (count === 0) refuse("P014", at, "`switch`", "a step of at least one body", "none")
    return walk.types.union(bodiesOf(walk, step, bodies, captures, Array(count).fill([]), at))
  },
  map: (walk, step, at) => {
    const [, , over, parallel, bodies, captures] = step
    if (parallel < 1) refuse("P015", at, "`parallel`", "at least 1", `${parallel}`)
    const [type] = bodiesOf(walk, step, bodies, captures, [[itemOf(walk, over, at), T.number]], at)
    if (parallel > 1 && walk.touches(bodies).some((t) => t.write)) {
      refuse("P051", at, "`parallel`", "1 where a body writes", `${parallel}`)
    }
    return walk.value(over, at).kind === "stream" ? walk.types.stream(type!) : walk.types.list(type!)
  },
  fold: (walk, step, at) => {
    const [, , over, from, bodies, captures] = step
    const start = walk.value(from, at)
    const item = itemOf(walk, over, at)
    const [type] = bodiesOf(walk, step, bodies, captures, [[start, item, T.number]], at)
    again(walk, bodies[0]!, type!, at)
    return walk.types.union([start, type!])
  },
  loop: (walk, step, at) => {
    const [, , from, max, bodies, captures] = step
    if (max > LOOP_MAX) refuse("P015", at, "`max`", `at most ${LOOP_MAX}`, `${max}`)
    const start = walk.value(from, at)
    const binders = [start, T.number]
    const [test, type] = bodiesOf(walk, step, bodies, captures, [binders, binders], at)
    walk.certain("P041", at, `the value of scope ${bodies[0]}`, test!, T.boolean)
    for (const body of bodies) again(walk, body, type!, at)
    return walk.types.union([start, type!])
  },
  catch: (walk, step, at) => walk.types.union(bodiesOf(walk, step, step[2], step[3], [[], [ERROR_TYPE]], at)),
}

/** What a body gives is handed to a body again, as its first parameter. */
function again(walk: ScopeWalk, body: number, type: Type, at: PlanPlace): void {
  const param = walk.plan.types[walk.plan.scopes[body]!.params[0]!]!
  walk.certain("P041", at, `the value of a body, handed to scope ${body},`, type, param)
}
