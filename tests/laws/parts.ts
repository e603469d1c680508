// The pieces that random graphs are made of, and what each may do to the world.
import { type Expr, freeNames, type Graph, type Node, type Scope, type Settings, type Type } from "../../graph/mod.ts"

/** What a node or body touches: resources, and whether it writes there. */
export type Touches = Map<string, boolean>

export type RecordType = Extract<Type, { kind: "record" }>

export interface Made {
  readonly node: Node
  readonly type: Type
  readonly touches: Touches
}
export interface Body {
  readonly scope: Scope
  readonly type: Type
  readonly touches: Touches
}
export interface Known {
  readonly graph: Graph
  readonly type: Type
  readonly touches: Touches
}

const NO_SETTINGS: Settings = {}
export const bare = (name: string, kind: string, args: Expr): Node => ({
  name,
  kind,
  config: {},
  args,
  scopes: {},
  settings: NO_SETTINGS,
})
export const plain = (node: Node, type: Type): Made => ({ node, type, touches: new Map() })

export function joined(all: readonly Touches[]): Touches {
  const out: Touches = new Map()
  for (const touches of all) for (const [r, write] of touches) out.set(r, out.get(r) === true || write)
  return out
}

/** The capabilities of tools that touch this. */
export const needsOf = (touches: Touches): string[] => [...touches.keys()].map((resource) => `use:${resource}`).sort()

const meets = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
export const conflict = (a: ReadonlyMap<string, boolean>, b: ReadonlyMap<string, boolean>): boolean =>
  [...a].some(([ra, wa]) => [...b].some(([rb, wb]) => (wa || wb) && meets(ra, rb)))

/** Every name that a node takes from around it. */
export function usesOf(node: Node): Set<string> {
  const names = freeNames(node.args)
  for (const scope of Object.values(node.scopes)) for (const name of scopeUses(scope)) names.add(name)
  return names
}
function scopeUses(scope: Scope): Set<string> {
  const names = freeNames(scope.output)
  for (const node of scope.nodes) for (const name of usesOf(node)) names.add(name)
  for (const node of scope.nodes) names.delete(node.name)
  for (const param of scope.params) names.delete(param)
  return names
}
