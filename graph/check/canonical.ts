/**
 * The canonical form of a checked graph, and its hash: what the trace hash is headed by. It holds what the graph means
 * and nothing of how it was written: no positions, no descriptions, no names of types, no file names, no order among
 * nodes. Types are those the checker found, so that a graph built in TypeScript and its file have one hash.
 */
import type { NodeFacts, ScopeFacts } from "../checked.ts"
import type { Expr } from "../expr.ts"
import type { Graph, Node, Scope, Settings } from "../ir.ts"
import type { Type } from "../type.ts"
import { compareKeys, hashValue, hex, isRecord, type Value } from "../value.ts"

export interface HashInputs {
  readonly nodes: ReadonlyMap<Node, NodeFacts>
  readonly scopes: ReadonlyMap<Scope, ScopeFacts>
  /** Such a hash of a subgraph, in hexadecimal. */
  readonly hashOf: (graph: Graph) => string
  /** What goes in and comes out, as the checker found. */
  readonly output: Type
}

/** SHA-256 of the canonical form without its `valid:`s and undos, in hexadecimal. Throws `ValueError` where a constant is no value. */
export function graphHash(graph: Graph, facts: HashInputs): string {
  return hex(
    hashValue({
      name: graph.name,
      input: typeForm(graph.input),
      output: typeForm(facts.output),
      resources: graph.resources,
      body: scopeForm(graph.body, facts),
    }),
  )
}

/** Nodes stand in line with their scope; bodies are hashed by themselves, so that depth stays bounded. */
function scopeForm(scope: Scope, facts: HashInputs): Value {
  const nodes = Object.fromEntries(scope.nodes.map((node) => [node.name, nodeForm(node, facts)]))
  return { name: scope.name ?? null, params: scope.params, nodes, output: exprForm(scope.output) }
}

function nodeForm(node: Node, facts: HashInputs): Value {
  const { outcome, signature } = facts.nodes.get(node)!
  const form: { [key: string]: Value } = {
    kind: node.kind,
    args: exprForm(node.args),
    type: typeForm(outcome),
  }
  // The file that a subgraph comes from says nothing about it.
  if (node.kind !== "graph" && Object.keys(node.config).length > 0) form["config"] = node.config
  // Undos go into the hash after all else (`undoneHash`), so that a plan's can be told from its own list of them.
  const roles = Object.keys(node.scopes).filter((role) => role !== "undo")
  if (roles.length > 0) {
    form["scopes"] = Object.fromEntries(roles.map((role) => [role, hashValue(scopeForm(node.scopes[role]!, facts))]))
  }
  if (node.graph !== undefined) form["graph"] = facts.hashOf(node.graph)
  const settings = settingsForm(node.settings)
  if (Object.keys(settings).length > 0) form["settings"] = settings
  if (signature !== undefined) {
    form["effect"] = signature.effect
    form["resource"] = signature.resource
  }
  return form
}

function settingsForm(settings: Settings): { [key: string]: Value } {
  const form: { [key: string]: Value } = {}
  for (const [key, value] of Object.entries(settings)) {
    // `valid:` goes into the hash after all else (`hashWith`), so that a plan's can be told from its own list of them.
    if (value === undefined || key === "valid") continue
    form[key] = key === "after" ? [...(value as readonly string[])].sort(compareKeys) : (value as Value)
  }
  return form
}

/** Levels of an expression that stand in line; what lies deeper is hashed by itself. */
const LEVELS = 64

/** An expression as nested lists. A constant list or record has the form of one that is built. */
export function exprForm(expr: Expr): Value {
  return build(expr).form
}

interface Built {
  readonly form: Value
  readonly levels: number
}

function build(expr: Expr): Built {
  switch (expr.op) {
    case "const":
      return constant(expr.value)
    case "ref":
      return { form: ["ref", expr.name], levels: 1 }
    case "field":
      return tree(["field", expr.name, expr.optional === true], [build(expr.of)])
    case "has":
      return tree(["has", expr.name], [build(expr.of)])
    case "index":
      return tree(["index", expr.optional === true], [build(expr.of), build(expr.at)])
    case "call":
      return tree(["call", expr.fn], expr.args.map(build))
    case "if":
      return tree(["if"], [build(expr.test), build(expr.then), build(expr.else)])
    case "and":
    case "or":
      return tree([expr.op], [build(expr.left), build(expr.right)])
    case "list":
      return tree(["list"], expr.items.map(build))
    case "record":
      return tree(
        ["record", expr.fields.map(([name]) => name)],
        expr.fields.map(([, value]) => build(value)),
      )
    case "map":
      return tree(["map"], expr.entries.flat().map(build))
    case "each":
      return tree(["each", expr.macro, expr.item, expr.index ?? null], [build(expr.over), build(expr.body)])
    case "text":
      return tree(["text"], expr.parts.map(build))
  }
}

function tree(head: readonly Value[], parts: readonly Built[]): Built {
  const form: Value = [...head, ...parts.map((part) => part.form)]
  const levels = parts.reduce((most, part) => Math.max(most, part.levels), 0) + 1
  return levels < LEVELS ? { form, levels } : { form: ["#", hashValue(form)], levels: 1 }
}

function constant(value: Value): Built {
  if (Array.isArray(value)) return tree(["list"], (value as readonly Value[]).map(constant))
  if (isRecord(value)) return tree(["record", Object.keys(value)], Object.values(value).map(constant))
  // 3 and int64 3 are one value by their bytes, and two constants.
  return { form: typeof value === "bigint" ? ["int64", value] : ["const", value], levels: 1 }
}

const typeForms = new WeakMap<Type, Value>()

/** A type: its fields, words and members in code-point order, whatever order they were written in. */
export function typeForm(type: Type): Value {
  const known = typeForms.get(type)
  if (known !== undefined) return known
  const form = formOfType(type)
  const short: Value = Array.isArray(form) ? ["#", hashValue(form)] : form
  typeForms.set(type, short)
  return short
}

function formOfType(type: Type): Value {
  switch (type.kind) {
    case "list":
    case "map":
    case "stream":
      return [type.kind, typeForm(type.of)]
    case "enum":
      return ["enum", ...[...type.values].sort(compareKeys)]
    case "tensor":
      return ["tensor", type.dtype, type.shape]
    case "union": {
      const members = type.of.map((member) => hex(hashValue(typeForm(member))))
      return ["union", ...members.sort()]
    }
    case "record": {
      const fields = Object.entries(type.fields).map(([name, field]) => {
        const defaults: Value[] = field.default === undefined ? [] : [field.default]
        return [name, [typeForm(field.type), field.optional === true, ...defaults]] as const
      })
      return ["record", Object.fromEntries(fields)]
    }
    default:
      return type.kind
  }
}
