/**
 * From a checked graph to the compiler's own form. Before: names mean something only inside their scope, and subgraphs
 * have namespaces of their own. After: every value has one name for the whole graph, every operation knows its type, its
 * tool and its effects, and only nodes that run are left (`liveNodes`: what the evaluator leaves out, this leaves out).
 */
import {
  argLook,
  type CheckedGraph,
  ERROR_TYPE,
  type Expr,
  fromLook,
  hasDefaults,
  itemType,
  liveNodes,
  type Node,
  type NodeFacts,
  ref,
  roundLook,
  type Scope,
  sameType,
  stateType,
  T,
  type Type,
  UNDO,
  unionOf,
} from "../graph/mod.ts"
import type { Body, Mid, Op, OpKind, Tool } from "./mid.ts"
import { rename } from "./rename.ts"

export function resolve(checked: CheckedGraph): Mid {
  const types = new Map<string, Type>([["input", checked.input]])
  const r = new Resolver(checked, types)
  const body = r.body(
    checked.graph.body,
    new Map([["input", "input"]]),
    "",
    [],
    [{ name: "input", type: checked.input }],
  )
  if (checked.outFits !== "yes" || hasDefaults(checked.output)) body.outputAccept = checked.output
  body.type = checked.output
  return { checked, body, types }
}

/** Names of a scope as the author wrote them → names of the whole graph. */
type Names = ReadonlyMap<string, string>

class Resolver {
  readonly checked: CheckedGraph
  readonly types: Map<string, Type>

  constructor(checked: CheckedGraph, types: Map<string, Type>) {
    this.checked = checked
    this.types = types
  }

  /** `prefix` makes names unique, `base` is the way that the trace knows from the frame to here. */
  body(scope: Scope, outer: Names, prefix: string, base: readonly string[], binders: Body["binders"]): Body {
    const facts = this.checked.scopes.get(scope)!
    const names = new Map(outer)
    for (const node of facts.order) names.set(node.name, prefix + node.name)
    const ops: Op[] = []
    for (const node of liveNodes(this.checked, scope)) this.node(node, scope, names, prefix, base, ops)
    for (const b of binders) this.types.set(b.name, b.type)
    return { binders, ops, output: rename(scope.output, names), outputAccept: undefined, type: facts.type, path: base }
  }

  /**
   * What a node waits for without using it: what its author says, and each effect that it conflicts with. To the checker
   * a use is an order; in a plan a body begins without what it takes from around it, and folding may find that a value is
   * not needed. What is said twice in the end, `lower` leaves out.
   */
  after(node: Node, scope: Scope, names: Names): string[] {
    const all = new Set(node.settings.after ?? [])
    for (const before of this.checked.scopes.get(scope)!.follows.get(node) ?? []) all.add(before.name)
    return [...all].map((name) => names.get(name) ?? name)
  }

  /** The innermost node around that narrows what calls may do. */
  #within = ""

  node(node: Node, scope: Scope, names: Names, prefix: string, base: readonly string[], into: Op[]): void {
    const around = this.#within
    if (node.grants !== undefined) this.#within = prefix + node.name
    this.#node(node, scope, names, prefix, base, into)
    this.#within = around
  }

  #node(node: Node, scope: Scope, names: Names, prefix: string, base: readonly string[], into: Op[]): void {
    const facts = this.checked.nodes.get(node)!
    const name = prefix + node.name
    const path = [...base, node.name]
    const handler = node.scopes["catch"]
    this.types.set(name, facts.type)
    const after = this.after(node, scope, names)
    if (handler === undefined) {
      this.plain(node, facts, names, name, path, after, into)
      return
    }
    // The node alone in a body, under a name of its own, so that its failure can be met where it stands.
    const inner: Op[] = []
    this.plain(node, facts, names, `${name}.try`, [], [], inner)
    const attempt: Body = {
      binders: [],
      ops: inner,
      output: ref(`${name}.try`),
      outputAccept: undefined,
      type: facts.outcome,
      path: [],
    }
    const errorName = `${name}.${handler.params[0] ?? "error"}`
    const handlerNames = new Map(names).set(handler.params[0] ?? "error", errorName)
    const rescue = this.scoped(handler, handlerNames, `${name}.catch.`, [{ name: errorName, type: ERROR_TYPE }])
    into.push({
      ...blank(name, "catch", path, { op: "const", value: null }, facts),
      after,
      bodies: [
        { role: "try", scope: attempt },
        { role: "catch", scope: rescue },
      ],
    })
  }

  /** A body of a control node: one that is a single node stands directly under its control. */
  scoped(scope: Scope, names: Names, prefix: string, binders: Body["binders"]): Body {
    return this.body(scope, names, prefix, scope.name === undefined ? [] : [scope.name], binders)
  }

  plain(
    node: Node,
    facts: NodeFacts,
    names: Names,
    name: string,
    path: readonly string[],
    after: string[],
    into: Op[],
  ): void {
    this.types.set(name, facts.outcome)
    const args = rename(node.args, names)
    const op = { ...blank(name, "expr", path, args, facts), after, type: facts.outcome }
    // The facts of a node with a handler are those of both; what stands here is the node alone.
    if (node.kind === "expr") Object.assign(op, { effect: "pure", touches: [] })
    const one = (role: string, binders: Body["binders"] = [], as: Names = names) => ({
      role,
      scope: this.scoped(node.scopes[role]!, as, `${name}.${role.replace(":", "_")}.`, binders),
    })
    const bind = (role: string, types: readonly Type[]) => {
      const params = node.scopes[role]!.params
      const binders = types.map((type, i) => ({
        name: `${name}.${role}.${params[i] ?? ["item", "index", "third"][i]}`,
        type,
      }))
      const as = new Map(names)
      params.forEach((p, i) => {
        as.set(p, binders[i]!.name)
      })
      return one(role, binders, as)
    }
    // What nobody declared has been looked at where it was made.
    const declared = node.output !== undefined && (facts.outFits !== "yes" || hasDefaults(facts.outcome))
    switch (node.kind) {
      case "expr":
        op.accept = declared ? facts.outcome : undefined
        into.push(op)
        return
      case "graph": {
        const sub = this.checked.graphs.get(node.graph!)!
        const inputName = `${name}.input`
        this.types.set(inputName, sub.input)
        into.push({
          ...blank(inputName, "expr", path, args, facts),
          type: sub.input,
          effect: "pure",
          touches: [],
          accept: facts.argFits !== "yes" || hasDefaults(sub.input) ? sub.input : undefined,
        })
        const scope = this.body(node.graph!.body, new Map([["input", inputName]]), `${name}.`, [], [])
        if (sub.outFits !== "yes" || hasDefaults(sub.output)) scope.outputAccept = sub.output
        // Looked at by its own graph and named wider by the node: the wider type is what others rely on.
        const wider = scope.outputAccept !== undefined && !sameType(sub.output, facts.outcome)
        if (declared || wider) this.declaredToo(scope, sub.output, declared ? facts.outcome : undefined, `${name}.own`)
        scope.type = facts.outcome
        op.kind = "enter"
        op.expr = { op: "const", value: null }
        op.bodies = [{ role: "graph", scope }]
        break
      }
      case "when":
        op.kind = "when"
        op.accept = argLook(this.checked, node)
        op.bodies = [one("then"), one("else")]
        break
      case "switch": {
        op.kind = "switch"
        op.accept = argLook(this.checked, node)
        const roles = Object.keys(node.scopes).filter((role) => role.startsWith("case:"))
        op.bodies = [...roles.map((role) => one(role)), ...(node.scopes["else"] ? [one("else")] : [])]
        break
      }
      case "map": {
        const item = itemType(facts.argType)
        op.kind = "map"
        op.accept = argLook(this.checked, node)
        op.bodies = [bind("do", [item, T.number])]
        op.bound = facts.touches.some((t) => t.write)
          ? 1
          : ((node.config["parallel"] as number | undefined) ?? PARALLEL_DEFAULT)
        break
      }
      case "fold": {
        const arg = facts.argType
        const over = arg.kind === "record" ? arg.fields["over"]!.type : T.unknown
        const state = stateType(this.checked, node)
        op.kind = "fold"
        op.bodies = [bind("do", [state, itemType(over), T.number])]
        this.goesRound(op, node, "do", state)
        op.expr = this.seen(op, { over: argLook(this.checked, node), from: fromLook(this.checked, node) }, into)
        break
      }
      case "loop": {
        const state = stateType(this.checked, node)
        op.kind = "loop"
        op.bodies = [bind("while", [state, T.number]), bind("do", [state, T.number])]
        this.goesRound(op, node, "while", T.boolean)
        this.goesRound(op, node, "do", state)
        op.expr = this.seen(op, { from: fromLook(this.checked, node) }, into)
        op.bound = node.config["max"] as number
        break
      }
      default:
        op.kind = "tool"
        op.tool = toolOf(node, facts, this.#within)
        op.accept =
          facts.argFits !== "yes" || (op.tool.input !== undefined && hasDefaults(op.tool.input))
            ? op.tool.input
            : undefined
        op.bodies = Object.keys(node.scopes)
          .filter((role) => role !== "catch" && role !== UNDO)
          .map((role) => this.role(node, role, names, name))
    }
    const own = this.given(op, node)
    const looked = op.kind !== "tool" && op.kind !== "enter" && own.kind !== "stream"
    if (looked && (declared || !sameType(own, facts.outcome))) {
      // The control's own value, then a look at it, or its wider type: a declared `output:` on a control node.
      const rawName = `${name}.raw`
      this.types.set(rawName, own)
      into.push({ ...op, name: rawName, type: own })
      into.push({
        ...blank(name, "expr", path, ref(rawName), facts),
        effect: "pure",
        touches: [],
        type: facts.outcome,
        accept: declared ? facts.outcome : undefined,
      })
      return
    }
    into.push(op)
  }

  /** The type that a control node's bodies give it, whatever its author declared: what its step gives in a plan. */
  given(op: Op, node: Node): Type {
    const facts = this.checked.nodes.get(node)!
    const types = op.bodies.map((b) => b.scope.type)
    switch (op.kind) {
      case "when":
      case "switch":
        return unionOf(types)
      case "map":
        return facts.outcome.kind === "stream" ? facts.outcome : T.list(types[0]!)
      case "fold":
      case "loop": {
        const from = facts.argType.kind === "record" ? facts.argType.fields["from"]!.type : T.unknown
        return unionOf([fromLook(this.checked, node) ?? from, types.at(-1)!])
      }
      default:
        return facts.outcome
    }
  }

  /** A subgraph's value is looked at as its own graph declares it, then as the node does that runs it. */
  declaredToo(scope: Body, first: Type, then: Type | undefined, name: string): void {
    if (scope.outputAccept !== undefined) {
      this.types.set(name, first)
      scope.ops.push({ ...bare(name, "expr", scope.path, scope.output), type: first, accept: first })
      scope.output = ref(name)
    }
    scope.outputAccept = then
  }

  /** A body that a tool calls by role: its parameters are fields of the one record that it is given. */
  role(node: Node, role: string, names: Names, name: string): { role: string; scope: Body } {
    const scope = node.scopes[role]!
    const given = `${name}.${role.replace(":", "_")}.given`
    const as = new Map(names)
    const prefix = `${name}.${role.replace(":", "_")}.`
    const facts = this.checked.scopes.get(scope)!
    const fields: Record<string, Type> = {}
    for (const p of scope.params) {
      as.set(p, `${prefix}${p}`)
      fields[p] = facts.names.get(p) ?? T.unknown
    }
    const body = this.scoped(scope, as, prefix, [{ name: given, type: T.record(fields) }])
    const lifted = scope.params.map((p): Op => {
      this.types.set(`${prefix}${p}`, fields[p]!)
      return { ...bare(`${prefix}${p}`, "expr", [], { op: "field", of: ref(given), name: p }), type: fields[p]! }
    })
    body.ops = [...lifted, ...body.ops]
    return { role, scope: body }
  }

  /** A body's value that is looked at before it goes round. */
  goesRound(op: Op, node: Node, role: string, wanted: Type): void {
    const type = roundLook(this.checked, node.scopes[role]!, wanted)
    const { scope } = op.bodies.find((b) => b.role === role)!
    if (type !== undefined) Object.assign(scope, { outputAccept: type, type })
  }

  /** The operands of a `fold` or `loop`, those that are looked at under names of their own. */
  seen(op: Op, looks: { readonly [part: string]: Type | undefined }, into: Op[]): Expr {
    const fields = Object.entries(looks).map(([part, type]): readonly [string, Expr] => {
      const given = op.expr.op === "record" ? op.expr.fields.find((f) => f[0] === part)?.[1] : undefined
      const value: Expr = given ?? { op: "field", of: op.expr, name: part }
      if (type === undefined) return [part, value]
      const name = `${op.name}.${part}`
      this.types.set(name, type)
      into.push({ ...bare(name, "expr", op.path, value), accept: type, type })
      return [part, ref(name)]
    })
    return { op: "record", fields }
  }
}

/** Items at once where the author says nothing. */
const PARALLEL_DEFAULT = 16

const bare = (name: string, kind: OpKind, path: readonly string[], expr: Expr): Op => ({
  name,
  kind,
  path,
  expr,
  accept: undefined,
  type: T.unknown,
  tool: undefined,
  bodies: [],
  after: [],
  effect: "pure",
  touches: [],
  bound: 0,
})
const blank = (name: string, kind: OpKind, path: readonly string[], expr: Expr, facts: NodeFacts): Op => ({
  ...bare(name, kind, path, expr),
  type: facts.type,
  effect: facts.effect,
  touches: facts.touches,
})

export function toolOf(node: Node, facts: NodeFacts, within: string): Tool {
  const s = facts.signature!
  const { after: _, ...settings } = node.settings
  return {
    kind: node.kind,
    config: node.config,
    effect: s.effect,
    resource: s.resource,
    needs: s.needs,
    input: s.input,
    output: facts.outcome,
    async: s.async !== false,
    settings,
    within,
  }
}
