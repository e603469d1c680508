/**
 * Where a value must be looked at when it arrives because its type leaves something open: what control nodes decide on and
 * go over, and what goes round in them. The evaluator and the compiler share this, so that a look fails in both or in none.
 */
import type { CheckedGraph } from "./checked.ts"
import type { Node, Scope } from "./ir.ts"
import { hasDefaults } from "./live.ts"
import { subtype, T, type Type, unionOf } from "./type.ts"

/** The type of the items that `map` and `fold` find in a value of a type. */
export function itemType(over: Type): Type {
  if (over.kind === "union") return unionOf(over.of.flatMap((t) => (isMany(t) ? [t.of] : [])))
  return isMany(over) ? over.of : over.kind === "never" ? over : T.unknown
}
const isMany = (t: Type): t is Extract<Type, { kind: "list" | "stream" }> => t.kind === "list" || t.kind === "stream"

/** The type that a control node's value must be looked at as: what `when` and `switch` decide on, what `map` and `fold` go over. */
export function argLook(checked: CheckedGraph, node: Node): Type | undefined {
  const { argFits, argType } = checked.nodes.get(node)!
  if (argFits === "yes") return undefined
  switch (node.kind) {
    case "when":
      return T.boolean
    case "switch":
      return T.string
    case "map":
      return T.list(itemType(argType))
    case "fold":
      return T.list(itemType(argType.kind === "record" ? argType.fields["over"]!.type : T.unknown))
    default:
      return undefined
  }
}

/** The type of what goes round in a `fold` or `loop`, as the checker found it. */
export function stateType(checked: CheckedGraph, node: Node): Type {
  const scope = node.scopes["do"]!
  const param = scope.params[0]
  return (param === undefined ? undefined : checked.scopes.get(scope)!.names.get(param)) ?? T.unknown
}

/** The type that the value a `fold` or `loop` starts from must be looked at as. */
export function fromLook(checked: CheckedGraph, node: Node): Type | undefined {
  const { argType } = checked.nodes.get(node)!
  const from = argType.kind === "record" ? argType.fields["from"]!.type : T.unknown
  return look(from, stateType(checked, node))
}

/** The type that a body's value must be looked at as before it goes round, or before `while` decides on it. */
export function roundLook(checked: CheckedGraph, scope: Scope, wanted: Type): Type | undefined {
  return look(checked.scopes.get(scope)!.type, wanted)
}

const look = (have: Type, wanted: Type): Type | undefined =>
  subtype(have, wanted) !== "yes" || hasDefaults(wanted) || cuts(have, wanted) ? wanted : undefined

/**
 * Has a value of type `have` fields that `wanted` does not name? It fits, and is looked at all the same, so that these are
 * left out: what a type says of the fields of a record is then all that there is.
 */
export function cuts(have: Type, wanted: Type): boolean {
  if (have === wanted || wanted.kind === "unknown" || have.kind === "never") return false
  if (have.kind === "union") return have.of.some((t) => cuts(t, wanted))
  if (wanted.kind === "union") {
    const able = wanted.of.filter((t) => subtype(have, t) === "yes")
    return able.length > 0 && able.every((t) => cuts(have, t))
  }
  if (have.kind === "record" && wanted.kind === "record") {
    return Object.entries(have.fields).some(
      ([name, f]) => !Object.hasOwn(wanted.fields, name) || cuts(f.type, wanted.fields[name]!.type),
    )
  }
  if (have.kind === "record" && wanted.kind === "map")
    return Object.values(have.fields).some((f) => cuts(f.type, wanted.of))
  if (have.kind === "list" || have.kind === "map" || have.kind === "stream")
    return have.kind === wanted.kind && cuts(have.of, wanted.of)
  return false
}
