/**
 * The rules of a plan stated once more, plainly and slowly, for small plans: what a run by chance does not show. Loops
 * over everything and compares everything with everything; shares no code with the verifier.
 */
import { acceptStrict, type Value } from "../../graph/mod.ts"
import { OPS, type OperandKind, type Plan, type PlanStep } from "../../plan/mod.ts"
import { conforms, Wrong } from "./frame.ts"
import { conflict, runOnce, sameOutcome } from "./machine.ts"

/** What is wrong with a plan that was accepted; undefined where nothing was found. */
export async function judge(plan: Plan, seed: number, runs = 3): Promise<string | undefined> {
  const told = statics(plan)
  if (told !== undefined) return told
  try {
    for (let input = 0; input < 2; input++) {
      let first: Awaited<ReturnType<typeof runOnce>>
      for (let order = 0; order < runs; order++) {
        const run = await runOnce(plan, seed + input, order + 1)
        if (run === undefined) break
        if (first === undefined) first = run
        else if (!sameOutcome(first, run)) return "two orders of the same steps give different values"
        else if ("value" in run.outcome && "value" in first.outcome) {
          const a = first.events
          const b = run.events.map((e) => e.path)
          for (let i = 0; i < a.length; i++) {
            for (let k = i + 1; k < a.length; k++) {
              if (!conflict(a[i]!, a[k]!)) continue
              if (b.indexOf(a[i]!.path) > b.indexOf(a[k]!.path)) return `${a[i]!.path} and ${a[k]!.path} change places`
            }
          }
        }
      }
    }
    return undefined
  } catch (e) {
    if (e instanceof Wrong) return e.message
    return `the run breaks: ${(e as Error).stack}`
  }
}

/** Rules that can be read off the plan. */
function statics(plan: Plan): string | undefined {
  if (plan.format !== 1 || plan.semantics !== 1) return "an unknown version"
  if (plan.graph.length !== 64 || [...plan.graph].some((c) => !"0123456789abcdef".includes(c))) return "no hash"
  for (const x of plan.externs) {
    if (x.needs.some((n) => !plan.needs.includes(n))) return "a need that is not stated"
    if ((x.effect === "pure") !== (x.resource === null)) return "an effect without a resource, or the other way round"
    if (x.effect === "write" && x.settings.speculate) return "a speculated write"
  }
  if (plan.needs.some((n, i) => plan.needs.indexOf(n) !== i)) return "a need twice"
  for (const c of plan.constants)
    if (!conforms(c.value, plan.types[c.type]!)) return "a constant that is not of its type"
  for (const t of plan.types) {
    const bad = defaultsOf(t as unknown as Value)
    if (bad !== undefined) return bad
  }
  const users = plan.scopes.map(() => 0)
  for (const [i, s] of plan.scopes.entries()) {
    let writes = s.params.length
    for (const step of s.steps) {
      for (const body of operands(step, "scopes")) {
        users[body]!++
        if (body <= i) return "a body that comes before its step"
      }
      for (const op of [step.op, ...(step.instrs ?? [])])
        writes += OPS[op[0]].operands.filter(([k]) => k === ("dst" as string)).length
    }
    if (s.slots > writes) return "a frame larger than what is written into it"
    const told = ordered(plan, i) ?? overwritten(plan, i)
    if (told !== undefined) return told
  }
  if (users.some((n, i) => n !== (i === 0 ? 0 : 1))) return "a scope that is not the body of one step"
  const paths = callPaths(plan, 0, "")
  if (paths.some((p, i) => paths.indexOf(p) !== i)) return "two calls of one path"
  return undefined
}

function defaultsOf(t: Value): string | undefined {
  if (typeof t !== "object" || t === null) return undefined
  const r = t as { [k: string]: Value }
  if (Object.hasOwn(r, "default") && Object.hasOwn(r, "type")) {
    try {
      acceptStrict(r["type"] as never)(r["default"]!)
    } catch {
      return "a default that is not of its type"
    }
  }
  for (const part of Object.values(r)) {
    const bad = defaultsOf(part)
    if (bad !== undefined) return bad
  }
  return undefined
}

function operands(step: PlanStep, wanted: OperandKind): readonly number[] {
  const layout: readonly (readonly [OperandKind, string])[] = OPS[step.op[0]].operands
  return layout.flatMap(([kind], o) => (kind === wanted ? [step.op[o + 1] as number | number[]].flat() : []))
}

interface Touch {
  readonly resource: string
  readonly write: boolean
}
function touches(plan: Plan, step: PlanStep): readonly Touch[] {
  const own = operands(step, "extern").flatMap((x): Touch[] => {
    const { effect, resource } = plan.externs[x]!
    return effect === "pure" || resource === null ? [] : [{ resource, write: effect === "write" }]
  })
  return [...own, ...operands(step, "scopes").flatMap((b) => plan.scopes[b]!.steps.flatMap((s) => touches(plan, s)))]
}

/** Who waits for whom, all pairs; then every pair of effects. */
function ordered(plan: Plan, scope: number): string | undefined {
  const { steps, params } = plan.scopes[scope]!
  const makers = new Map<number, number>(params.map((_, p) => [p, -1 - p]))
  const waits: Set<number>[] = []
  steps.forEach((step, s) => {
    const direct = new Set(operands(step, "steps"))
    for (const slot of strictReads(step)) if (makers.get(slot)! >= 0) direct.add(makers.get(slot)!)
    waits.push(new Set([...direct].flatMap((d) => [d, ...waits[d]!])))
    for (const slot of writesOf(step)) makers.set(slot, s)
  })
  const all = steps.map((step) => touches(plan, step))
  for (let b = 0; b < steps.length; b++) {
    for (let a = 0; a < b; a++) {
      if (!waits[b]!.has(a) && all[a]!.some((x) => all[b]!.some((y) => conflict(x, y))))
        return "effects without an order"
    }
    const parallel = operands(steps[b]!, "int")[0] ?? 1
    if (steps[b]!.op[0] === "map" && parallel > 1 && all[b]!.some((t) => t.write)) return "writes at once"
  }
  return undefined
}

const late = (step: PlanStep): readonly number[] => operands(step, "srcs")
function strictReads(step: PlanStep): readonly number[] {
  if (step.instrs === undefined) return operands(step, "src")
  const wrote = new Set<number>()
  const reads = new Set<number>()
  for (const instr of step.instrs) {
    OPS[instr[0]].operands.forEach(([kind, name], o) => {
      if (name === "result" || (kind !== "src" && kind !== "srcs")) return
      for (const slot of [instr[o + 1] as unknown as number | number[]].flat()) if (!wrote.has(slot)) reads.add(slot)
    })
    OPS[instr[0]].operands.forEach(([kind], o) => {
      if (kind === "dst") wrote.add(instr[o + 1] as number)
    })
  }
  return [...reads]
}
function writesOf(step: PlanStep): readonly number[] {
  if (step.instrs === undefined) return operands(step, "dst")
  return step.instrs.flatMap((instr) =>
    OPS[instr[0]].operands.flatMap(([kind], o) => (kind === ("dst" as string) ? [instr[o + 1] as number] : [])),
  )
}

/** A slot that carries a value between steps: every other write of it has to take that value over. */
function overwritten(plan: Plan, scope: number): string | undefined {
  const { steps, params, result, slots } = plan.scopes[scope]!
  for (let slot = 0; slot < slots; slot++) {
    const carries =
      slot === result ||
      steps.some(
        (step) =>
          strictReads(step).includes(slot) ||
          late(step).includes(slot) ||
          (step.instrs === undefined && writesOf(step).includes(slot)),
      )
    if (!carries) continue
    const writers = steps.flatMap((step, s) => (writesOf(step).includes(slot) ? [s] : []))
    if (slot < params.length && writers.length > 0) return "a parameter is overwritten"
    for (let w = 1; w < writers.length; w++) {
      const [before, now] = [writers[w - 1]!, writers[w]!]
      for (let r = before + 1; r < now; r++) {
        if (strictReads(steps[r]!).includes(slot) || late(steps[r]!).includes(slot))
          return "a slot is overwritten that others read"
      }
      if (!strictReads(steps[now]!).includes(slot)) return "a slot is overwritten that nobody has read"
      if (late(steps[now]!).includes(slot)) return "a slot is overwritten that a body may still read"
    }
  }
  return undefined
}

/** The paths of all calls, with a mark where a number goes. */
function callPaths(plan: Plan, scope: number, base: string): readonly string[] {
  return plan.scopes[scope]!.steps.flatMap((step) => {
    const [path] = operands(step, "path")
    if (path === undefined) return []
    const way = [base, ...(plan.constants[path]!.value as string[]).map((w) => `/${w}`)].join("")
    const numbered = ["map", "fold", "loop", "invoke_with"].includes(step.op[0])
    return [
      ...(operands(step, "extern").length > 0 ? [way] : []),
      ...operands(step, "scopes").flatMap((b) => callPaths(plan, b, numbered ? `${way}/#` : way)),
    ]
  })
}
