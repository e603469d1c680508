/**
 * Schedule units by their critical path: what the longest chain of waiting hangs on starts first. The order of the list
 * is only a preference for what is ready; the VM starts anything whose inputs are there. Deterministic: ties go to the
 * author's order.
 */
import type { Unit } from "./fuse.ts"
import type { Op } from "./mid.ts"

/** What a unit is taken to cost, in arbitrary units; measured costs come from the lock once there are any. */
const COST: Readonly<Record<Op["kind"], number>> = {
  expr: 0.001,
  tool: 1,
  enter: 1,
  when: 1,
  switch: 1,
  map: 2,
  fold: 2,
  loop: 2,
  catch: 1,
}
const costOf = (unit: Unit): number => {
  const op = unit.ops[0]!
  if (unit.block) return COST.expr * unit.ops.length
  return op.kind === "tool" && op.effect !== "pure" ? 10 : op.effect !== "pure" ? 10 + COST[op.kind] : COST[op.kind]
}

/** Units in the order in which the VM should look at them. Linear but for the queue. */
export function schedule(units: readonly Unit[]): Unit[] {
  const waiting = new Map<Unit, number>()
  const next = new Map<Unit, Unit[]>(units.map((u) => [u, []]))
  for (const u of units) {
    waiting.set(u, u.deps.size)
    for (const d of u.deps) next.get(d)!.push(u)
  }
  const order = topological(units, waiting, next)
  const rank = new Map<Unit, number>()
  for (let i = order.length - 1; i >= 0; i--) {
    const u = order[i]!
    let tail = 0
    for (const n of next.get(u)!) tail = Math.max(tail, rank.get(n)!)
    rank.set(u, tail + costOf(u))
  }
  const left = new Map(units.map((u) => [u, u.deps.size]))
  const ready = new Heap((a, b) => rank.get(b)! - rank.get(a)! || a.at - b.at)
  for (const u of units) if (u.deps.size === 0) ready.push(u)
  const out: Unit[] = []
  for (let u = ready.pop(); u !== undefined; u = ready.pop()) {
    out.push(u)
    for (const n of next.get(u)!) {
      const k = left.get(n)! - 1
      left.set(n, k)
      if (k === 0) ready.push(n)
    }
  }
  return out
}

function topological(
  units: readonly Unit[],
  waiting: ReadonlyMap<Unit, number>,
  next: ReadonlyMap<Unit, readonly Unit[]>,
): Unit[] {
  const left = new Map(waiting)
  const out = units.filter((u) => left.get(u) === 0)
  for (let i = 0; i < out.length; i++) {
    for (const n of next.get(out[i]!)!) {
      const k = left.get(n)! - 1
      left.set(n, k)
      if (k === 0) out.push(n)
    }
  }
  return out
}

/** A binary heap. */
class Heap {
  readonly #items: Unit[] = []
  readonly #before: (a: Unit, b: Unit) => number
  constructor(before: (a: Unit, b: Unit) => number) {
    this.#before = before
  }
  push(u: Unit): void {
    const h = this.#items
    let i = h.push(u) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (this.#before(h[i]!, h[parent]!) >= 0) break
      ;[h[i], h[parent]] = [h[parent]!, h[i]!]
      i = parent
    }
  }
  pop(): Unit | undefined {
    const h = this.#items
    const top = h[0]
    const last = h.pop()
    if (h.length === 0 || last === undefined) return top
    h[0] = last
    for (let i = 0; ; ) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < h.length && this.#before(h[child]!, h[least]!) < 0) least = child
      if (least === i) return top
      ;[h[i], h[least]] = [h[least]!, h[i]!]
      i = least
    }
  }
}
