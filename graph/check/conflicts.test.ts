/** Order and conflicts held against the plain definitions, on random graphs: reachability by walking every pair. */
import { describe, expect, test } from "bun:test"
import { lit, ref } from "../expr.ts"
import type { Node, Scope } from "../ir.ts"
import { conflictsOf } from "./conflicts.ts"
import { FreeNames, orderOf } from "./order.ts"

let seed = 5
const next = (n: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return (seed >>> 8) % n
}
const node = (name: string, on: readonly string[], after: readonly string[]): Node => ({
  name,
  kind: "expr",
  config: {},
  args: on.length === 0 ? lit(1) : { op: "list", items: on.map(ref) },
  scopes: {},
  settings: after.length === 0 ? {} : { after },
})
const RESOURCES = ["a", "a/x", "a/x/1", "a/y", "b", "b/", "c/z"]
const contains = (a: string, b: string) => {
  const [x, y] = [a.replace(/\/$/, ""), b.replace(/\/$/, "")]
  return x === y || y.startsWith(`${x}/`)
}

/** For each node, every node that it comes after. */
function reachable(waits: ReadonlyMap<Node, readonly Node[]>): Map<Node, Set<Node>> {
  const all = new Map<Node, Set<Node>>()
  for (const start of waits.keys()) {
    const seen = new Set<Node>()
    const stack = [...waits.get(start)!]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (seen.has(top)) continue
      seen.add(top)
      stack.push(...waits.get(top)!)
    }
    all.set(start, seen)
  }
  return all
}

describe("order", () => {
  test("random graphs: the order runs, or the circles are circles", () => {
    for (let round = 0; round < 2000; round++) {
      const n = 1 + next(9)
      const names = Array.from({ length: n }, (_, i) => `n${i}`)
      const nodes = names.map((name) =>
        node(
          name,
          names.filter(() => next(6) === 0),
          names.filter(() => next(12) === 0),
        ),
      )
      const scope: Scope = { params: [], nodes, output: lit(1) }
      const { order, waits, cycles } = orderOf(scope, new FreeNames())
      expect(order.map((x) => x.name).sort()).toEqual([...names].sort())
      const before = reachable(waits)
      const inCircle = nodes.filter((x) => before.get(x)!.has(x))
      expect(cycles.length === 0).toBe(inCircle.length === 0)
      for (const cycle of cycles) {
        for (const [i, x] of cycle.entries()) expect(waits.get(x)!).toContain(cycle[(i + 1) % cycle.length]!)
        expect(new Set(cycle).size).toBe(cycle.length)
      }
      // Each circle of nodes that wait for one another is reported once.
      const groups = new Set(
        inCircle.map((x) => nodes.filter((y) => y === x || (before.get(x)!.has(y) && before.get(y)!.has(x)))[0]),
      )
      expect(cycles.length).toBe(groups.size)
      if (cycles.length > 0) continue
      const position = new Map(order.map((x, i) => [x, i]))
      for (const [x, on] of waits) for (const y of on) expect(position.get(y)!).toBeLessThan(position.get(x)!)
    }
  })

  test("the author's order is kept where it runs", () => {
    const nodes = [node("a", [], []), node("b", ["a"], []), node("c", [], ["b"])]
    expect(orderOf({ params: [], nodes, output: lit(1) }, new FreeNames()).order).toEqual(nodes)
  })
})

describe("conflicts", () => {
  test("random graphs: found exactly where a pair has no order, and `follows` leads through all that conflict", () => {
    let refused = 0
    for (let round = 0; round < 3000; round++) {
      const n = 2 + next(8)
      const names = Array.from({ length: n }, (_, i) => `n${i}`)
      const dense = 2 + next(5)
      const nodes = names.map((name, i) =>
        node(
          name,
          names.slice(0, i).filter(() => next(dense) === 0),
          [],
        ),
      )
      const touches = new Map(
        nodes.map((x) => [
          x,
          RESOURCES.filter(() => next(7) === 0).map((resource) => ({ resource, write: next(2) === 0 })),
        ]),
      )
      const { order, waits } = orderOf({ params: [], nodes, output: lit(1) }, new FreeNames())
      const { conflicts, follows, complete } = conflictsOf(order, waits, (x) => touches.get(x)!)
      expect(complete).toBe(true)
      const before = reachable(waits)
      const clash = (x: Node, y: Node) =>
        touches
          .get(x)!
          .some((a) =>
            touches
              .get(y)!
              .some(
                (b) => (a.write || b.write) && (contains(a.resource, b.resource) || contains(b.resource, a.resource)),
              ),
          )
      const loose = order.flatMap((x, i) =>
        order
          .slice(i + 1)
          .filter((y) => clash(x, y) && !before.get(y)!.has(x))
          .map((y) => [x, y] as const),
      )
      expect(conflicts.length > 0).toBe(loose.length > 0)
      for (const { first, second } of conflicts) {
        expect(loose.some(([x, y]) => x === first && y === second)).toBe(true)
      }
      if (loose.length > 0) {
        refused++
        continue
      }
      // Going back along `follows` meets every earlier node that conflicts.
      const back = reachable(new Map(nodes.map((x) => [x, follows.get(x) ?? []])))
      for (const x of nodes) {
        for (const y of follows.get(x) ?? []) {
          expect(clash(x, y)).toBe(true)
          expect(before.get(x)!.has(y)).toBe(true)
        }
        for (const y of nodes) if (before.get(x)!.has(y) && clash(x, y)) expect(back.get(x)!.has(y)).toBe(true)
      }
    }
    expect(refused).toBeGreaterThan(500)
    expect(refused).toBeLessThan(2900)
  })
})
