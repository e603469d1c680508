/**
 * Inline subgraphs. Before: a `graph` node is an `enter` operation with a body. After: its operations stand in the scope
 * around it. Right because names are already unique, paths keep the subgraph's name, and what had to wait for the whole
 * subgraph, or the subgraph for it, is said again of each effect inside.
 */
import { bodiesOf, type Change, type Mid, type Op, type Pass, placeOf, touch } from "./mid.ts"

export const inline: Pass = {
  name: "inline",
  about: "put the operations of subgraphs into the scope that uses them",
  run(mid: Mid): Change[] {
    const changes: Change[] = []
    for (const body of bodiesOf(mid)) {
      if (!body.ops.some((op) => op.kind === "enter")) continue
      const out: Op[] = []
      /** An inlined name → the effects that stood inside it. */
      const inside = new Map<string, string[]>()
      for (const op of body.ops) {
        op.after = op.after.flatMap((name) => inside.get(name) ?? [name])
        splice(op, out, inside, changes)
      }
      body.ops = out
      for (const op of out) touch(op)
    }
    return changes
  },
}

function splice(op: Op, out: Op[], inside: Map<string, string[]>, changes: Change[]): void {
  if (op.kind !== "enter") {
    out.push(op)
    return
  }
  const { scope } = op.bodies[0]!
  changes.push({ at: placeOf(op), what: `${scope.ops.length} operations of the subgraph now stand beside it` })
  const effects: string[] = []
  for (const inner of scope.ops) {
    inner.path = [...op.path, ...inner.path]
    inner.after = inner.after.flatMap((name) => inside.get(name) ?? [name])
    if (inner.effect !== "pure") inner.after = [...new Set([...inner.after, ...op.after])]
    const before = out.length
    splice(inner, out, inside, changes)
    for (let i = before; i < out.length; i++) if (out[i]!.effect !== "pure") effects.push(out[i]!.name)
  }
  inside.set(op.name, effects)
  out.push({
    ...op,
    kind: "expr",
    path: op.path,
    expr: scope.output,
    accept: scope.outputAccept,
    type: scope.type,
    bodies: [],
    after: [],
    effect: "pure",
    touches: [],
  })
}
