/**
 * Makes what `shadowgraph.lock` holds: asks servers for their tools and the disk for code, once, on the author's word,
 * and pins the answers. After that check and compile depend on files alone, and a run that meets something else says so.
 */
import {
  compareKeys,
  EMPTY_LOCK,
  type Failure,
  type Graph,
  isControl,
  LOCK_FORMAT,
  type Lock,
  type Node,
  printPath,
  type Rec,
  type Registry,
  type Scope,
  type Services,
  toFailure,
} from "../../graph/mod.ts"
import { differences } from "../../nodes/mod.ts"

export interface LockResult {
  readonly lock: Lock
  /** What could not be pinned: the node, and why. Its old pin, if there was one, is kept. */
  readonly failures: readonly { readonly path: string; readonly failure: Failure }[]
  /** What is different from the pins before, for people: `+ key`, `- key`, `~ key: place: was X, is Y`. */
  readonly changes: readonly string[]
}

/**
 * Pins everything outside the files that the graphs depend on. Each server is connected to once, each module bundled
 * once per function; nothing is called. Never throws for what the world does: see `failures`.
 */
export async function makeLock(
  graphs: readonly Graph[],
  kinds: Registry,
  services: Services,
  before: Lock = EMPTY_LOCK,
): Promise<LockResult> {
  const pins = new Map<string, Rec>()
  const failures: { path: string; failure: Failure }[] = []
  const jobs = graphs.flatMap(nodesOf)
  await Promise.all(
    jobs.map(async ({ node, graph, path }) => {
      const lock = kinds.get(node.kind)?.lock
      if (lock === undefined) return
      try {
        for (const [key, pin] of Object.entries(await lock(node.config, graph.resources, services))) pins.set(key, pin)
      } catch (cause) {
        failures.push({ path: printPath(path), failure: toFailure(cause, path) })
      }
    }),
  )
  if (failures.length > 0) for (const [key, pin] of Object.entries(before.pins)) if (!pins.has(key)) pins.set(key, pin)
  const lock: Lock = { format: LOCK_FORMAT, pins: Object.fromEntries([...pins].sort(([a], [b]) => compareKeys(a, b))) }
  failures.sort((a, b) => compareKeys(a.path, b.path))
  return { lock, failures, changes: changesOf(before.pins, lock.pins) }
}

interface Place {
  readonly node: Node
  readonly graph: Graph
  readonly path: readonly string[]
}

export const nodesOf = (graph: Graph): readonly Place[] => nodesBelow(graph, [])

/** Every node that is not control, those of bodies and subgraphs included; a subgraph has its own resources. */
function nodesBelow(graph: Graph, path: readonly string[]): Place[] {
  const inScope = (scope: Scope, at: readonly string[]): Place[] =>
    scope.nodes.flatMap((node) => {
      const here = [...at, node.name]
      return [
        ...(isControl(node.kind) ? [] : [{ node, graph, path: here }]),
        ...Object.values(node.scopes).flatMap((inner) => inScope(inner, here)),
        ...(node.graph === undefined ? [] : nodesBelow(node.graph, here)),
      ]
    })
  return inScope(graph.body, path)
}

function changesOf(before: Lock["pins"], after: Lock["pins"]): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap((key) => {
    const [was, is] = [before[key], after[key]]
    if (was === undefined) return [`+ ${key}`]
    if (is === undefined) return [`- ${key}`]
    return differences(apartFromHash(was), apartFromHash(is), "").map((change) => `~ ${key}: ${change}`)
  })
}

/** The hash of a schema says nothing to a person that the schema does not. */
const apartFromHash = ({ hash: _, ...rest }: Rec): Rec => rest
