/**
 * Drop dead pure work. Before: earlier passes may have left values that nothing uses. After: none that certainly succeed
 * are left. Right because only what cannot fail is dropped: an unused node that fails would have failed the run in the
 * evaluator, if the author's graph used it. Reads and writes always run.
 */
import { freeNames, infer } from "../graph/mod.ts"
import { type Body, type Change, type Mid, type Op, type Pass, placeOf, touch, uses } from "./mid.ts"

export const dead: Pass = {
  name: "dead",
  about: "drop values that nothing uses and that could not have failed",
  run(mid: Mid): Change[] {
    const changes: Change[] = []
    sweep(mid.body, mid, changes)
    return changes
  },
}

function sweep(body: Body, mid: Mid, changes: Change[]): void {
  for (const op of body.ops) {
    for (const { scope } of op.bodies) sweep(scope, mid, changes)
    if (op.bodies.length > 0) touch(op)
  }
  const used = freeNames(body.output)
  const kept: Op[] = []
  const dropped = new Map<string, Op>()
  for (let i = body.ops.length - 1; i >= 0; i--) {
    const op = body.ops[i]!
    if (!used.has(op.name) && op.kind === "expr" && op.accept === undefined && !infer(op.expr, mid.types).mayFail) {
      changes.push({ at: placeOf(op), what: "nothing uses it" })
      dropped.set(op.name, op)
      continue
    }
    kept.push(op)
    for (const name of uses(op)) used.add(name)
  }
  kept.reverse()
  const left = new Set(kept.map((op) => op.name))
  for (const op of kept) if (!op.after.every((name) => left.has(name))) op.after = through(op.after, left, dropped)
  body.ops = kept
}

/** What comes before a value that was dropped still comes before what was to come after it. */
function through(after: readonly string[], left: ReadonlySet<string>, dropped: ReadonlyMap<string, Op>): string[] {
  const out = new Set<string>()
  const seen = new Set<string>(after)
  for (const name of seen) {
    if (left.has(name)) out.add(name)
    const op = dropped.get(name)
    if (op !== undefined) for (const before of [...uses(op), ...op.after]) seen.add(before)
  }
  return [...out]
}
