/**
 * Share common pure work. Before: the same expression, or the same call of a pure function, may stand under several
 * names. After: once, and the other names stand for it. Right because pure work gives the same value for the same input,
 * and sharing only reaches work that certainly runs: the same scope, or one around it. Reads and writes are never merged.
 */
import { hashValue, hex, isRecord, type Rec, ref, type Type, type Value } from "../graph/mod.ts"
import { type Body, type Change, isOperand, type Mid, type Op, type Pass, placeOf, touch } from "./mid.ts"
import { substitute } from "./rename.ts"

export const share: Pass = {
  name: "share",
  about: "compute once what is written twice",
  run(mid: Mid): Change[] {
    const changes: Change[] = []
    shareBody(mid, mid.body, new Map(), new Map(), changes)
    return changes
  },
}

function shareBody(
  mid: Mid,
  body: Body,
  outer: ReadonlyMap<string, Op>,
  alias: Map<string, string>,
  changes: Change[],
): void {
  const first = new Map(outer)
  const to = (name: string) => {
    const a = alias.get(name)
    return a === undefined ? undefined : ref(a)
  }
  const kept: Op[] = []
  for (const op of body.ops) {
    if (alias.size > 0) {
      op.expr = substitute(op.expr, to)
      op.after = op.after.map((name) => alias.get(name) ?? name)
      touch(op)
    }
    const key = keyOf(op, mid.types.get(op.name)!)
    const same = key === undefined ? undefined : first.get(key)
    if (same !== undefined) {
      alias.set(op.name, same.name)
      changes.push({
        at: placeOf(op),
        what: isOperand(op) ? `takes what ${placeOf(same)} takes` : `is the same as ${placeOf(same)}`,
      })
      continue
    }
    if (key !== undefined) first.set(key, op)
    for (const { scope } of op.bodies) shareBody(mid, scope, first, alias, changes)
    if (op.bodies.length > 0) touch(op)
    kept.push(op)
  }
  body.ops = kept
  if (alias.size > 0) body.output = substitute(body.output, to)
}

/** What two operations must agree on to be the same, or undefined where they may not be merged at all. */
function keyOf(op: Op, type: Type): string | undefined {
  if (op.effect !== "pure" || op.bodies.length > 0 || op.after.length > 0) return undefined
  const same = [typed(op.expr as unknown as Value), (op.accept ?? null) as Value, type as unknown as Value]
  if (op.kind === "expr") {
    if (op.expr.op === "ref" || op.expr.op === "const") return undefined
    return hex(hashValue(["expr", ...same]))
  }
  if (op.kind !== "tool" || op.tool === undefined) return undefined
  const { kind, config, settings, within } = op.tool
  return hex(hashValue(["tool", within, kind, typed(config), settings as unknown as Rec, ...same]))
}

/** An int64 has the bytes of a number, and is another constant. */
function typed(v: Value): Value {
  if (typeof v === "bigint") return { "": String(v) }
  if (Array.isArray(v)) return v.map(typed)
  return isRecord(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, typed(x)])) : v
}
