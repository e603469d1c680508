/**
 * What waits for what inside a scope, an order in which it can run, and the circles that make one impossible. No
 * recursion over nodes, and linear but for a heap: graphs of 100,000 nodes are checked in seconds.
 */
import type { Expr } from "../expr.ts"
import { freeNames } from "../expr.ts"
import type { Node, Scope } from "../ir.ts"

/** Names that a scope takes from outside; remembered, since each level around it asks. */
export class FreeNames {
  readonly #scopes = new Map<Scope, ReadonlySet<string>>()
  readonly #nodes = new Map<Node, ReadonlySet<string>>()

  ofNode(node: Node): ReadonlySet<string> {
    const known = this.#nodes.get(node)
    if (known !== undefined) return known
    const names = new Set(namesOf(node.args))
    for (const scope of Object.values(node.scopes)) for (const name of this.ofScope(scope)) names.add(name)
    this.#nodes.set(node, names)
    return names
  }

  ofScope(scope: Scope): ReadonlySet<string> {
    const known = this.#scopes.get(scope)
    if (known !== undefined) return known
    const names = new Set(namesOf(scope.output))
    for (const node of scope.nodes) for (const name of this.ofNode(node)) names.add(name)
    for (const node of scope.nodes) names.delete(node.name)
    for (const param of scope.params) names.delete(param)
    this.#scopes.set(scope, names)
    return names
  }
}

const namesOf = (expr: Expr): ReadonlySet<string> => freeNames(expr)

export interface Order {
  /** Nodes in an order that runs: the author's, as far as it goes. Those in a circle come last. */
  readonly order: readonly Node[]
  readonly waits: ReadonlyMap<Node, readonly Node[]>
  /** Each circle once: a shortest way from a node back to itself, that node first and not repeated. */
  readonly cycles: readonly (readonly Node[])[]
}

export function orderOf(scope: Scope, free: FreeNames): Order {
  const { nodes } = scope
  const index = new Map<string, number>()
  for (let i = 0; i < nodes.length; i++) if (!index.has(nodes[i]!.name)) index.set(nodes[i]!.name, i)
  const waits: (readonly number[])[] = nodes.map((node) => {
    const on = new Set<number>()
    for (const name of free.ofNode(node)) {
      const i = index.get(name)
      if (i !== undefined) on.add(i)
    }
    for (const name of node.settings.after ?? []) {
      const i = index.get(name)
      if (i !== undefined) on.add(i)
    }
    return [...on].sort((a, b) => a - b)
  })
  let sorted = kahn(waits)
  let cycles: number[][] = []
  if (sorted.length < nodes.length) {
    const reached = new Set(sorted)
    const groups = circles(waits, (i) => !reached.has(i))
    cycles = groups.map((group) => shortestCycle(waits, group))
    const stuck = new Set(groups.flat())
    sorted = kahn(waits.map((on, i) => (stuck.has(i) ? [] : on.filter((j) => !stuck.has(j)))))
    sorted = [...sorted.filter((i) => !stuck.has(i)), ...sorted.filter((i) => stuck.has(i))]
  }
  return {
    order: sorted.map((i) => nodes[i]!),
    waits: new Map(nodes.map((node, i) => [node, waits[i]!.map((j) => nodes[j]!)])),
    cycles: cycles.map((cycle) => cycle.map((i) => nodes[i]!)),
  }
}

/** Kahn's order, the smallest index first among those that may run. Shorter than the input when there are circles. */
function kahn(waits: readonly (readonly number[])[]): number[] {
  const missing = waits.map((on) => on.length)
  const users: number[][] = waits.map(() => [])
  for (let i = 0; i < waits.length; i++) for (const j of waits[i]!) users[j]!.push(i)
  const ready = new Heap()
  for (let i = 0; i < missing.length; i++) if (missing[i] === 0) ready.push(i)
  const order: number[] = []
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    order.push(i)
    for (const user of users[i]!) if (--missing[user]! === 0) ready.push(user)
  }
  return order
}

/** A binary heap of numbers, smallest first. */
class Heap {
  readonly #items: number[] = []

  push(n: number): void {
    const items = this.#items
    let at = items.push(n) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (items[parent]! <= n) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = n
  }

  pop(): number | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return top
    let at = 0
    while (true) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && items[child + 1]! < items[child]!) child++
      if (items[child]! >= last) break
      items[at] = items[child]!
      at = child
    }
    items[at] = last
    return top
  }
}

/**
 * Tarjan's strongly connected components, without recursion, of the nodes that `within` takes; only those that hold a
 * circle (several nodes, or one that waits for itself), each in ascending order. Source: R. Tarjan, 1972.
 */
function circles(waits: readonly (readonly number[])[], within: (i: number) => boolean): number[][] {
  const found: number[][] = []
  const number = new Int32Array(waits.length).fill(-1)
  const low = new Int32Array(waits.length)
  const onStack = new Uint8Array(waits.length)
  const stack: number[] = []
  let next = 0
  for (let root = 0; root < waits.length; root++) {
    if (number[root] !== -1 || !within(root)) continue
    const way: { node: number; edge: number }[] = [{ node: root, edge: 0 }]
    while (way.length > 0) {
      const step = way.at(-1)!
      const { node } = step
      if (step.edge === 0) {
        number[node] = low[node] = next++
        stack.push(node)
        onStack[node] = 1
      }
      const on = waits[node]!
      let down = false
      while (step.edge < on.length) {
        const to = on[step.edge++]!
        if (!within(to)) continue
        if (number[to] === -1) {
          way.push({ node: to, edge: 0 })
          down = true
          break
        }
        if (onStack[to] === 1) low[node] = Math.min(low[node]!, number[to]!)
      }
      // A node without edges would look unvisited again: count its visit as an edge taken.
      if (step.edge === 0) step.edge = 1
      if (down) continue
      way.pop()
      const parent = way.at(-1)
      if (parent !== undefined) low[parent.node] = Math.min(low[parent.node]!, low[node]!)
      if (low[node] !== number[node]) continue
      const group: number[] = []
      for (let member = stack.pop()!; ; member = stack.pop()!) {
        onStack[member] = 0
        group.push(member)
        if (member === node) break
      }
      if (group.length > 1 || waits[node]!.includes(node)) found.push(group.sort((a, b) => a - b))
    }
  }
  return found.sort((a, b) => a[0]! - b[0]!)
}

/** A shortest way from the group's first node back to it, along what each waits for. */
function shortestCycle(waits: readonly (readonly number[])[], group: readonly number[]): number[] {
  const start = group[0]!
  const inside = new Set(group)
  const from = new Map<number, number>()
  const queue = [start]
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at]!
    for (const to of waits[node]!) {
      if (to === start) {
        const cycle = [node]
        for (let back = node; back !== start; ) {
          back = from.get(back)!
          cycle.push(back)
        }
        return cycle.reverse()
      }
      if (!inside.has(to) || from.has(to)) continue
      from.set(to, node)
      queue.push(to)
    }
  }
  return [...group]
}
