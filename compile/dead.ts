/**
 * Drop dead pure work. Before: earlier passes may have left values that nothing uses. After: none that certainly succeed
 * are left. Right because only what cannot fail is dropped: an unused node that fails would have failed the run in the
 * evaluator, if the author's graph used it. Reads and writes always run.
 */
import { freeNames, infer } from "../graph/mod.ts"
import { type Body, type Change, type Mid, type Op, type Pass, printAt, touch, uses } from "./mid.ts"

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
  for (let i = body.ops.length - 1; i >= 0; i--) {
    const op = body.ops[i]!
    if (!used.has(op.name) && op.kind === "expr" && op.accept === undefined && !infer(op.expr, mid.types).mayFail) {
      changes.push({ at: printAt(op.path), what: "nothing uses it" })
      continue
    }
    kept.push(op)
    for (const name of uses(op)) used.add(name)
  }
  kept.reverse()
  const left = new Set(kept.map((op) => op.name))
  for (const op of kept) op.after = op.after.filter((name) => left.has(name))
  body.ops = kept
}
