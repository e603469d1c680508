/**
 * Undos in a plan: for each write that has one, which extern takes it back and with what. The list stands beside the
 * steps, since no step makes these calls: the kernel does, from the record, with the reference evaluator. It is bound into
 * the graph's hash with all that its externs claim (`undoneHash`), so that a plan with another list is of another graph.
 */
import {
  compareKeys,
  freeNames,
  hashWith,
  narrowedHash,
  type Rec,
  T,
  UNDO,
  UNDO_PARAMS,
  type Undo,
  undoKey,
  undoneHash,
  undoProblem,
} from "../graph/mod.ts"
import { stepCalls } from "./calls.ts"
import type { Plan, PlanUndo } from "./plan.ts"
import { refuse } from "./rules.ts"
import { type At, list, malformed, show, texts, tuple, whole } from "./shape.ts"
import { readExpr } from "./shape_expr.ts"

/** The undos of a plan. One that says that there are none would be a second encoding of the same plan. */
export function readUndos(v: unknown, at: At): readonly PlanUndo[] {
  const undos = list(v, at).map((x, i) => {
    const [path, extern, args] = tuple(x, ["path", "extern", "args"], `${at}[${i}]`)
    return {
      path: texts(path, `${at}[${i}][0]`),
      extern: whole(extern, `${at}[${i}][1]`),
      args: readExpr(args, `${at}[${i}][2]`),
    }
  })
  if (undos.length === 0) throw malformed(at, v, "left out where it is empty")
  return undos
}

export function readOnFailure(v: unknown, at: At): "undo" {
  if (v !== "undo") throw malformed(at, v, '"undo"')
  return v
}

export const undoParts = ({ path, extern, args }: PlanUndo): readonly [readonly string[], number, Rec] => [
  path,
  extern,
  args as unknown as Rec,
]

/** The hash of the checked graph that a plan says it is of, lower-case hex: of all that the plan lists of it. */
export function graphOf(plan: Plan): string {
  const undos = (plan.undos ?? []).map(({ path, extern, args }): Undo => {
    const { kind, config, resource, output, settings } = plan.externs[extern]!
    return { path, kind, config, args, resource, output: plan.types[output]!, settings }
  })
  return narrowedHash(undoneHash(hashWith(plan.graph, plan.valids ?? []), undos, plan.onFailure), plan.narrowed ?? [])
}

/** Refuses undos that are not right: P055. Called when the steps are known to be. */
export function verifyUndos(plan: Plan): void {
  const { undos = [] } = plan
  if (undos.length === 0) return
  const calls = new Map(stepCalls(plan).map((call) => [undoKey(call.path), call]))
  undos.forEach(({ path, extern, args }, i) => {
    const at = `undos[${i}]`
    const before = undos[i - 1]
    // A case of a `switch` may be named by any text: only that there is a path can be asked of it.
    if (path.length === 0) refuse("P055", at, "its path", "names of nodes", show(path))
    if (before !== undefined && compareKeys(undoKey(before.path), undoKey(path)) >= 0)
      refuse("P055", at, "its path", "after the one before it", show(path.join(".")))
    const undo = plan.externs[extern]
    if (undo === undefined) refuse("P011", at, "extern", `below ${plan.externs.length}`, `${extern}`)
    if (undo!.effect !== "write") refuse("P055", at, "what takes a write back", "a write", `a ${undo!.effect}`)
    if (plan.types[undo!.output]!.kind === "stream") refuse("P055", at, "its answer", "no stream", "a stream")
    for (const name of freeNames(args))
      if (!UNDO_PARAMS.includes(name)) refuse("P055", at, "a name in it", UNDO_PARAMS.join(" or "), show(name))
    if (calls.has(undoKey([...path, UNDO])))
      refuse("P053", at, "the path of its call", "its own", "that of another call")
    // A write that folding has found never to run is not in the plan; what would take it back is.
    const call = calls.get(undoKey(path))
    if (call === undefined) return
    const write = plan.externs[call.extern]!
    if (write.effect !== "write" || call.bodies === true)
      refuse(
        "P055",
        at,
        "what it takes back",
        "a write without bodies",
        call.bodies ? "one with bodies" : `a ${write.effect}`,
      )
    const out = plan.types[write.output]!
    if (out.kind === "stream") refuse("P055", at, "what it takes back", "no stream", "a stream")
    const wrong = undoProblem(args, out, plan.types[write.input] ?? T.unknown, plan.types[undo!.input])
    if (wrong !== undefined) refuse("P055", at, "what it is called with", "what its extern takes", wrong)
  })
}
