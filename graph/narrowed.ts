/**
 * Where a graph narrows what a run may do: each `graph` node with `grants:`, by its way from the outermost graph. The list
 * is bound into the graph's hash, and a plan carries both, so that a plan which narrows less than its graph is known by it.
 */
import type { Graph, Scope } from "./ir.ts"
import { compareKeys, hashValue, hex } from "./value.ts"

export interface Narrowing {
  /** Names from the outermost graph to the node; items of a map and turns of a loop are left out. */
  readonly at: readonly string[]
  /** What counts inside, of all that is granted outside. */
  readonly grants: readonly string[]
}

/** What a graph narrows, sorted by path. */
export function narrowingsOf(graph: Graph): readonly Narrowing[] {
  const known = new Map<Graph, readonly Narrowing[]>()
  return [...within(graph, known)].sort((a, b) => compareKeys(pathKey(a.at), pathKey(b.at)))
}

/** A path as one text; paths are ordered by it. */
export const pathKey = (at: readonly string[]): string => at.join("\u0000")

/** A subgraph that is used many times is gone through once. */
function within(graph: Graph, known: Map<Graph, readonly Narrowing[]>): readonly Narrowing[] {
  const before = known.get(graph)
  if (before !== undefined) return before
  const found: Narrowing[] = []
  const visit = (scope: Scope, base: readonly string[]): void => {
    for (const node of scope.nodes) {
      const at = [...base, node.name]
      if (node.grants !== undefined) found.push({ at, grants: [...node.grants].sort(compareKeys) })
      for (const body of Object.values(node.scopes)) visit(body, body.name === undefined ? at : [...at, body.name])
      if (node.graph === undefined) continue
      for (const inner of within(node.graph, known)) found.push({ at: [...at, ...inner.at], grants: inner.grants })
    }
  }
  visit(graph.body, [])
  known.set(graph, found)
  return found
}

/**
 * The hash of a graph, from that of all of it but what it narrows, both in hexadecimal. Without narrowing it is the same.
 * With some it has 66 digits, `02` first: a plan states another one, of 64, so it cannot claim the hash and leave them out.
 */
export const narrowedHash = (rest: string, narrowed: readonly Narrowing[]): string =>
  narrowed.length === 0
    ? rest
    : `02${hex(hashValue(["narrowed", rest, narrowed.map(({ at, grants }) => [at, grants])]))}`
