/**
 * Which nodes of a scope run: every effect, and the pure nodes that something which runs depends on. The evaluator and
 * the compiler share this, because whether a failing pure node fails its run must not depend on who asks.
 */
import type { CheckedGraph } from "./checked.ts"
import { freeNames } from "./expr.ts"
import type { Node, Scope } from "./ir.ts"
import type { Field, Type } from "./type.ts"

export function liveNodes(checked: CheckedGraph, scope: Scope): readonly Node[] {
  const facts = checked.scopes.get(scope)!
  const used = freeNames(scope.output)
  const live = new Set<Node>()
  for (let i = facts.order.length - 1; i >= 0; i--) {
    const node = facts.order[i]!
    if (checked.nodes.get(node)!.effect === "pure" && !used.has(node.name)) continue
    live.add(node)
    for (const before of facts.waits.get(node) ?? []) used.add(before.name)
  }
  return facts.order.filter((node) => live.has(node))
}

/** Does a value of this type have to be looked at to put defaults in? */
export function hasDefaults(type: Type): boolean {
  switch (type.kind) {
    case "record":
      return Object.values(type.fields).some((f: Field) => f.default !== undefined || hasDefaults(f.type))
    case "list":
    case "map":
    case "stream":
      return hasDefaults(type.of)
    case "union":
      return type.of.some(hasDefaults)
    default:
      return false
  }
}
