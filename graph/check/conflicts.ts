/**
 * Effects on the same resource, one of them writing, must have an order (`semantics.md`, Order). The order is a way from
 * one node to the other over what waits for what. Near linear: writes of a resource must form a chain, so each effect is
 * held against the nearest write before and after it only, and one sweep over the nodes between answers for all of them.
 */
import type { Touch } from "../checked.ts"
import type { Node } from "../ir.ts"

export interface Conflict {
  readonly resource: string
  /** The author's order: `first` stands before `second`. */
  readonly first: Node
  readonly second: Node
}

export interface Conflicts {
  readonly conflicts: readonly Conflict[]
  /** For each node: the nearest earlier nodes that it conflicts with, in the order of the scope. */
  readonly follows: ReadonlyMap<Node, readonly Node[]>
  /** False when there was more to compare than is compared; then nothing is known. */
  readonly complete: boolean
}

/** Steps over edges that one scope may cost. A scope that needs more is refused: beyond any graph written by people. */
export const CONFLICT_STEPS_MAX = 200_000_000
/** Segments of a resource that are told apart; what lies deeper counts as the same. */
const SEGMENTS_MAX = 32

export function conflictsOf(
  order: readonly Node[],
  waits: ReadonlyMap<Node, readonly Node[]>,
  touchesOf: (node: Node) => readonly Touch[],
): Conflicts {
  const groups = groupByResource(order, touchesOf)
  const follows = new Map<number, Set<number>>()
  const conflicts: Conflict[] = []
  const seen = new Set<string>()
  let sweep: Sweep | undefined
  for (const [resource, group] of groups) {
    const writes = [...group.writes].sort((a, b) => a - b)
    if (writes.length === 0) continue
    const related = relatedTo(resource, group, groups)
    if (related.length < 2) continue
    sweep ??= new Sweep(order, waits)
    const ordered = sweep.run(writes, related)
    if (ordered === undefined) return { conflicts, follows: new Map(), complete: false }
    const note = (before: number, after: number, known: boolean) => {
      if (known) {
        const set = follows.get(after) ?? new Set()
        follows.set(after, set.add(before))
        return
      }
      const key = `${before} ${after}`
      if (seen.has(key)) return
      seen.add(key)
      conflicts.push({ resource, first: order[before]!, second: order[after]! })
    }
    walk(writes, related, ordered, note)
  }
  return {
    conflicts,
    follows: new Map(
      [...follows].map(([at, set]) => [order[at]!, [...set].sort((a, b) => a - b).map((i) => order[i]!)]),
    ),
    complete: true,
  }
}

interface Group {
  /** Positions in the order, ascending. */
  readonly touches: number[]
  readonly writes: Set<number>
  /** Groups of the resources that lie inside this one. */
  readonly parts: Group[]
}

function groupByResource(order: readonly Node[], touchesOf: (node: Node) => readonly Touch[]): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (let at = 0; at < order.length; at++) {
    for (const { resource, write } of touchesOf(order[at]!)) {
      const key = segments(resource)
      let group = groups.get(key)
      if (group === undefined) {
        group = { touches: [], writes: new Set(), parts: [] }
        groups.set(key, group)
      }
      if (group.touches.at(-1) !== at) group.touches.push(at)
      if (write) group.writes.add(at)
    }
  }
  for (const [resource, group] of groups) {
    for (const outer of containers(resource)) groups.get(outer)?.parts.push(group)
  }
  return groups
}

/** `fs:/data/` and `fs:/data` are one; what lies too deep counts as its container. */
function segments(resource: string): string {
  let at = -1
  for (let n = 0; n < SEGMENTS_MAX; n++) {
    at = resource.indexOf("/", at + 1)
    if (at < 0) return resource
  }
  return resource.slice(0, at)
}

/** The resources that contain this one: `a/b` is contained in `a`. */
function containers(resource: string): readonly string[] {
  const out: string[] = []
  for (let at = resource.lastIndexOf("/"); at > 0; at = resource.lastIndexOf("/", at - 1))
    out.push(resource.slice(0, at))
  return out
}

/** Positions of all that touches the resource, a part of it, or what contains it; ascending, each once. */
function relatedTo(resource: string, group: Group, groups: ReadonlyMap<string, Group>): readonly number[] {
  const { parts } = group
  const around = containers(resource).flatMap((outer) => groups.get(outer) ?? [])
  if (parts.length === 0 && around.length === 0) return group.touches
  const all = new Set(group.touches)
  for (const other of [...parts, ...around]) for (const at of other.touches) all.add(at)
  return [...all].sort((a, b) => a - b)
}

/** What a sweep found: does the nearest write before reach this position, and does it reach the nearest one after? */
interface Ordered {
  readonly fromWrite: (at: number) => boolean
  readonly toWrite: (at: number) => boolean
}

function walk(
  writes: readonly number[],
  related: readonly number[],
  ordered: Ordered,
  note: (before: number, after: number, known: boolean) => void,
): void {
  let w = 0
  for (const at of related) {
    while (w < writes.length && writes[w]! < at) w++
    const isWrite = writes[w] === at
    const before = writes[w - 1]
    const after = isWrite ? undefined : writes[w]
    if (before !== undefined) note(before, at, ordered.fromWrite(at))
    if (after !== undefined) note(at, after, ordered.toWrite(at))
  }
}

/** Reachability between the writes of a resource and what else touches it. */
class Sweep {
  readonly #before: readonly (readonly number[])[]
  readonly #after: readonly number[][]
  #steps = 0

  constructor(order: readonly Node[], waits: ReadonlyMap<Node, readonly Node[]>) {
    const position = new Map(order.map((node, at) => [node, at]))
    this.#before = order.map((node) => (waits.get(node) ?? []).map((on) => position.get(on)!))
    this.#after = order.map(() => [])
    for (let at = 0; at < order.length; at++) for (const on of this.#before[at]!) this.#after[on]!.push(at)
  }

  /** Undefined when the steps are used up. */
  run(writes: readonly number[], related: readonly number[]): Ordered | undefined {
    const low = Math.min(related[0]!, writes[0]!)
    const high = Math.max(related.at(-1)!, writes.at(-1)!)
    const index = new Map(writes.map((at, i) => [at, i]))
    // The greatest write that reaches each position from before, and the least that each reaches after it.
    const reached = new Int32Array(high - low + 1).fill(-1)
    const reaches = new Int32Array(high - low + 1).fill(writes.length)
    for (let at = low; at <= high; at++) {
      let best = -1
      for (const on of this.#before[at]!) {
        if (++this.#steps > CONFLICT_STEPS_MAX) return undefined
        if (on >= low) best = Math.max(best, index.get(on) ?? reached[on - low]!)
      }
      reached[at - low] = best
    }
    for (let at = high; at >= low; at--) {
      let best = writes.length
      for (const user of this.#after[at]!) {
        if (++this.#steps > CONFLICT_STEPS_MAX) return undefined
        if (user <= high) best = Math.min(best, index.get(user) ?? reaches[user - low]!)
      }
      reaches[at - low] = best
    }
    this.#steps += high - low
    if (this.#steps > CONFLICT_STEPS_MAX) return undefined
    const nextWrite = (at: number) => {
      let i = 0
      let end = writes.length
      while (i < end) {
        const middle = (i + end) >> 1
        if (writes[middle]! < at) i = middle + 1
        else end = middle
      }
      return i
    }
    return {
      fromWrite: (at) => reached[at - low]! >= nextWrite(at) - 1,
      toWrite: (at) => reaches[at - low]! <= nextWrite(at + 1),
    }
  }
}
