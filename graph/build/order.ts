/**
 * The order between effects. In TypeScript the order of the yields says it; in the IR it is written down, as `after`
 * of the later node, wherever two effects conflict and no data leads from the one to the other.
 */
import { type Expr, freeNames } from "../expr.ts"
import type { Node, Scope } from "../ir.ts"

/** What a node and everything inside it may do to one resource. */
export interface Touch {
  readonly resource: string
  readonly write: boolean
}

const inside = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`)
const overlaps = (a: string, b: string): boolean => inside(a, b) || inside(b, a)

/** The touches of several nodes as one list: each resource once, a write outweighing a read. */
export function joinTouches(lists: Iterable<readonly Touch[]>): readonly Touch[] {
  const all = new Map<string, boolean>()
  for (const list of lists) for (const t of list) all.set(t.resource, (all.get(t.resource) ?? false) || t.write)
  return [...all].map(([resource, write]) => ({ resource, write }))
}

/** The effects of one scope as they are yielded: finds for each the earlier ones that it must wait for. */
export class Order {
  /** Position of each node of the scope. */
  readonly #index = new Map<string, number>()
  /** For each position the positions it waits for, by data or by `after`. */
  readonly #waits: (readonly number[])[] = []
  /** For each resource the last write, and the reads since. */
  readonly #last = new Map<string, { write: number | undefined; reads: number[] }>()

  /** Adds a node; gives the positions of earlier nodes that must be named in its `after`, in yield order. */
  add(node: Node, touches: readonly Touch[], after: readonly string[]): readonly number[] {
    const at = this.#waits.length
    const waits = new Set<number>()
    for (const name of usedNames(node)) {
      const i = this.#index.get(name)
      if (i !== undefined) waits.add(i)
    }
    for (const name of after) {
      const i = this.#index.get(name)
      if (i !== undefined) waits.add(i)
    }
    const needed = new Set<number>()
    for (const t of touches) for (const i of this.#conflicts(t)) needed.add(i)
    const added: number[] = []
    // Latest first: a later one often waits for the earlier ones already.
    for (const i of [...needed].sort((a, b) => b - a)) {
      if (this.#leads(i, waits)) continue
      waits.add(i)
      added.push(i)
    }
    this.#index.set(node.name, at)
    this.#waits.push([...waits])
    for (const t of touches) this.#record(t, at)
    return added.reverse()
  }

  #conflicts(t: Touch): number[] {
    const found: number[] = []
    for (const [resource, last] of this.#last) {
      if (!overlaps(resource, t.resource)) continue
      if (last.write !== undefined) found.push(last.write)
      if (t.write) found.push(...last.reads)
    }
    return found
  }

  #record(t: Touch, at: number): void {
    let last = this.#last.get(t.resource)
    if (last === undefined) this.#last.set(t.resource, (last = { write: undefined, reads: [] }))
    if (t.write) {
      last.write = at
      last.reads = []
    } else last.reads.push(at)
  }

  /** Does a way lead back from one of `from` to `target`? Positions only grow along a way, so what lies before it is left out. */
  #leads(target: number, from: ReadonlySet<number>): boolean {
    const seen = new Set<number>()
    const open = [...from].filter((i) => i >= target)
    while (open.length > 0) {
      const i = open.pop()!
      if (i === target) return true
      if (seen.has(i)) continue
      seen.add(i)
      for (const j of this.#waits[i]!) if (j >= target) open.push(j)
    }
    return false
  }
}

/** The names that a node takes from around it, those of its bodies included. */
function usedNames(node: Node): Set<string> {
  const names = freeNames(node.args)
  for (const scope of Object.values(node.scopes)) scopeNames(scope, names)
  return names
}
function scopeNames(scope: Scope, into: Set<string>): void {
  const own = new Set([...scope.params, ...scope.nodes.map((n) => n.name)])
  const add = (e: Expr) => {
    for (const name of freeNames(e)) if (!own.has(name)) into.add(name)
  }
  for (const node of scope.nodes) for (const name of usedNames(node)) if (!own.has(name)) into.add(name)
  add(scope.output)
}
