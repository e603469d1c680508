// Random control nodes: choices, items, what goes round, and subgraphs, each with bodies of its own.
import { type Expr, lit, type Node, ref, subtype, T, type Type, unionOf } from "../../graph/mod.ts"
import { declaredFor } from "./declared.ts"
import { Expressions } from "./exprs.ts"
import { type Body, bare, joined, type Made } from "./parts.ts"
import type { ScopeMaker } from "./scopes.ts"
import { argumentsOf } from "./tool-nodes.ts"
import { someType } from "./values.ts"

export function whenNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c } = s
  const args = c.percent(8) ? s.exprs().unknown(T.boolean, 1) : s.exprs().make(T.boolean, 3)
  const common = wanted ?? (c.percent(50) ? someType(c, 2) : undefined)
  const [then, other] = [s.body("then", [], [], common), s.body("else", [], [], common)]
  return control(s, bare(name, "when", args), { then, else: other }, unionOf([then.type, other.type]), wanted)
}

export function switchNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c } = s
  const words = c.shuffled(["EUR", "red", "ok", "a"]).slice(0, c.between(1, 3))
  const whole = c.percent(50)
  const args = s.exprs().make(whole ? T.enum(...words) : T.string, 2)
  const known = s.typeOf(args)
  const cases = (known.kind === "enum" ? known.values : words).filter((w) => w !== "")
  const common = wanted ?? (c.percent(50) ? someType(c, 2) : undefined)
  const bodies: Record<string, Body> = {}
  for (const word of cases) bodies[`case:${word}`] = s.body(word, [], [], common)
  if (known.kind !== "enum" || cases.length < known.values.length || c.percent(30))
    bodies["else"] = s.body("else", [], [], common)
  const type = unionOf(Object.values(bodies).map((b) => b.type))
  return control(s, bare(name, "switch", args), bodies, type, wanted)
}

export function mapNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c } = s
  const item = someType(c, 1)
  // Mostly few items; sometimes more than are at work at once.
  const many: Expr = { op: "call", fn: "range", args: [lit(c.between(20, 60))] }
  const args = c.percent(4) ? many : s.exprs().make(T.list(item), 2)
  const type = s.typeOf(args)
  const of = type.kind === "list" ? type.of : T.unknown
  const [as, index] = s.variables(2)
  const params = c.percent(60) ? [as!, index!] : [as!]
  const body = s.body("do", params, [of, T.number], wanted?.kind === "list" ? wanted.of : undefined)
  const node = { ...bare(name, "map", args), config: c.percent(60) ? { parallel: c.between(1, 6) } : {} }
  return control(s, node, { do: body }, T.list(body.type), wanted)
}

export function stateOf(s: ScopeMaker, wanted: Type | undefined): { readonly type: Type; readonly declare: boolean } {
  const { c } = s
  const type = wanted ?? c.of([T.number, T.boolean, T.number, someType(c, 1)])
  const simple = type.kind === "number" || type.kind === "boolean"
  return { type, declare: !simple || c.percent(30) }
}

export function foldNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c } = s
  const over = s.exprs().make(T.list(someType(c, 1)), 2)
  const of = s.typeOf(over)
  return folding(s, name, over, of.kind === "list" ? of.of : T.unknown, wanted)
}

export function folding(s: ScopeMaker, name: string, over: Expr, item: Type, wanted: Type | undefined): Made {
  const { type, declare } = stateOf(s, wanted)
  const fields = [["over", over] as const, ["from", s.exprs().make(type, 2)] as const]
  const params = s.variables(s.c.between(2, 3))
  const body = s.body("do", params, [type, item, T.number], type)
  const node: Node = {
    ...bare(name, "fold", { op: "record", fields }),
    ...(declare ? { output: type } : {}),
    scopes: { do: body.scope },
  }
  return { node, type, touches: body.touches }
}

export function loopNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c } = s
  const { type, declare } = stateOf(s, wanted)
  const from = s.exprs().make(type, 2)
  const params = s.variables(c.between(1, 2))
  const body = s.body("do", params, [type, T.number], type)
  const test = testBody(s, params, [type, T.number])
  const node: Node = {
    ...bare(name, "loop", { op: "record", fields: [["from", from]] }),
    config: { max: c.of([1, 2, 4, 9]) },
    ...(declare ? { output: type } : {}),
    scopes: { while: test.scope, do: body.scope },
  }
  return { node, type, touches: joined([body.touches, test.touches]) }
}

/** `while:` is mostly an expression that ends the loop after a few rounds, sometimes a body that acts. */
export function testBody(s: ScopeMaker, params: readonly string[], types: readonly Type[]): Body {
  const { c } = s
  if (c.percent(15)) return s.body("while", params, types, T.boolean)
  const names = new Map(s.names)
  params.forEach((p, i) => {
    names.set(p, types[i]!)
  })
  const exprs = new Expressions(c, names, s.g.size.risk)
  const index = params[1]
  const few: Expr | undefined =
    index === undefined ? undefined : { op: "call", fn: "<", args: [ref(index), lit(c.between(0, 3))] }
  const test = few === undefined || c.percent(30) ? exprs.make(T.boolean, 3) : few
  return { scope: { params, nodes: [], output: test }, type: T.boolean, touches: new Map() }
}

export function graphNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c, g } = s
  const fitting = g.pool.filter((k) => wanted === undefined || subtype(k.type, wanted) === "yes")
  const known = fitting.length > 0 && c.percent(55) ? c.of(fitting) : g.graph(`sub${g.graphs++}`, s.level + 1, wanted)
  const node: Node = { ...bare(name, "graph", argumentsOf(s, known.graph.input)), graph: known.graph }
  const declared = wanted === undefined && c.percent(8) ? declaredFor(c, known.type) : undefined
  if (declared !== undefined && subtype(known.type, declared) !== "no")
    return { node: { ...node, output: declared }, type: declared, touches: known.touches }
  return { node, type: known.type, touches: known.touches }
}

export function control(
  s: ScopeMaker,
  node: Node,
  bodies: { readonly [role: string]: Body },
  type: Type,
  wanted: Type | undefined,
): Made {
  const scopes = Object.fromEntries(Object.entries(bodies).map(([role, b]) => [role, b.scope]))
  const touches = joined(Object.values(bodies).map((b) => b.touches))
  const declared = wanted === undefined && s.c.percent(8) ? declaredFor(s.c, type) : undefined
  if (declared !== undefined && subtype(type, declared) !== "no")
    return { node: { ...node, scopes, output: declared }, type: declared, touches }
  return { node: { ...node, scopes }, type, touches }
}
