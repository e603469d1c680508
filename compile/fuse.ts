/**
 * Fuse neighbouring expressions into blocks: units that run as one piece of straight-line code. Before: one operation a
 * node. After: expressions that become ready at the same moment share a block. Right because a block never waits longer
 * than any of its members would: all of them depend on exactly the same unfinished work (`semantics.md`: nothing waits for
 * a node whose output it does not use).
 */
import { type Body, type Op, uses } from "./mid.ts"

export interface Unit {
  /** A block's expressions in an order that respects their dependencies, or one operation of another kind. */
  readonly ops: Op[]
  readonly block: boolean
  /** Units that must be finished first. */
  readonly deps: Set<Unit>
  /** Position in the author's order, for ties. */
  readonly at: number
}

/** Instructions grow with a block; past this many expressions the next one starts a new block. */
const BLOCK_MAX = 256
/** Sets of awaited work larger than this are not compared; the expression gets a block of its own. */
const AWAITED_MAX = 64

export function fuse(body: Body): Unit[] {
  const local = new Map<string, number>()
  body.ops.forEach((op, i) => {
    local.set(op.name, i)
  })
  const units: Unit[] = []
  const unitOf = new Map<string, Unit>()
  /** For each operation the interned set of unfinished work it rests on. */
  const awaited = new Map<string, string>()
  const members = new Map<string, readonly number[]>([["", []]])
  const open = new Map<string, Unit>()

  for (const [i, op] of body.ops.entries()) {
    const before = [...uses(op), ...op.after].filter((name) => local.has(name))
    let unit: Unit
    if (op.kind === "expr" && op.after.length === 0) {
      const key = union(
        before.map((name) => awaited.get(name)!),
        members,
        i,
      )
      awaited.set(op.name, key)
      const current = open.get(key)
      if (current !== undefined && current.ops.length < BLOCK_MAX) {
        unit = current
        unit.ops.push(op)
      } else {
        unit = { ops: [op], block: true, deps: new Set(), at: i }
        units.push(unit)
        open.set(key, unit)
      }
    } else {
      unit = { ops: [op], block: op.kind === "expr", deps: new Set(), at: i }
      units.push(unit)
      const key = `${i}`
      awaited.set(op.name, key)
      members.set(key, [i])
    }
    unitOf.set(op.name, unit)
    for (const name of before) {
      const dep = unitOf.get(name)!
      if (dep !== unit) unit.deps.add(dep)
    }
  }
  return units
}

function union(keys: readonly string[], members: Map<string, readonly number[]>, self: number): string {
  const distinct = [...new Set(keys)].filter((k) => k !== "")
  if (distinct.length === 0) return ""
  if (distinct.length === 1) return distinct[0]!
  const all = new Set<number>()
  for (const k of distinct) for (const m of members.get(k)!) all.add(m)
  if (all.size > AWAITED_MAX) {
    const key = `x${self}`
    members.set(key, [self])
    return key
  }
  const sorted = [...all].sort((a, b) => a - b)
  const key = sorted.join(",")
  members.set(key, sorted)
  return key
}
