// Makes a graph that breaks a law smaller while it still breaks the same one, so that what is wrong can be read.
import { type Expr, type Graph, lit, type Node, parts, type Scope, type Value } from "../../graph/mod.ts"

/** The smallest graph found of those that `breaks` says yes to. Tries at most `tries` others. */
export async function shrunk(graph: Graph, breaks: (g: Graph) => Promise<boolean>, tries = 1500): Promise<Graph> {
  let best = graph
  let size = sizeOf(best)
  let left = tries
  for (let again = true; again && left > 0; ) {
    again = false
    for (const other of smallerGraphs(best)) {
      if (left <= 0) break
      const found = sizeOf(other)
      if (found >= size) continue
      left--
      if (!(await breaks(other))) continue
      best = other
      size = found
      again = true
      break
    }
  }
  return best
}

/** A graph as text: for messages, and as the measure of its size. */
export const graphText = (g: Graph): string =>
  JSON.stringify(
    g,
    (_, x: unknown) => (typeof x === "bigint" ? `${x}n` : x instanceof Uint8Array ? `bytes ${x.length}` : x),
    1,
  )
const sizeOf = (g: Graph): number => graphText(g).length

function* smallerGraphs(g: Graph): Generator<Graph> {
  for (const body of smallerScopes(g.body)) yield { ...g, body }
  if (g.output !== undefined) {
    const { output: _, ...rest } = g
    yield rest
  }
  for (const name of Object.keys(g.input.fields)) {
    const { [name]: _, ...fields } = g.input.fields
    yield { ...g, input: { ...g.input, fields } }
  }
}

function* smallerScopes(s: Scope): Generator<Scope> {
  const { nodes } = s
  const half = nodes.length >> 1
  if (half > 1) {
    yield { ...s, nodes: nodes.slice(0, half) }
    yield { ...s, nodes: nodes.slice(half) }
  }
  for (let i = 0; i < nodes.length; i++) yield { ...s, nodes: nodes.toSpliced(i, 1) }
  for (const output of smallerExprs(s.output)) yield { ...s, output }
  for (let i = 0; i < nodes.length; i++) {
    for (const node of smallerNodes(nodes[i]!)) yield { ...s, nodes: nodes.toSpliced(i, 1, node) }
  }
}

function* smallerNodes(n: Node): Generator<Node> {
  const { name } = n
  for (const value of PLAIN) yield { name, kind: "expr", config: {}, args: lit(value), scopes: {}, settings: {} }
  if (n.output !== undefined) {
    const { output: _, ...rest } = n
    yield rest
  }
  if (Object.keys(n.settings).length > 0) yield { ...n, settings: {} }
  for (const key of Object.keys(n.settings)) {
    const { [key as keyof Node["settings"]]: _, ...settings } = n.settings
    yield { ...n, settings }
  }
  for (const key of Object.keys(n.config)) {
    const { [key]: _, ...config } = n.config
    yield { ...n, config }
  }
  for (const role of Object.keys(n.scopes)) {
    const { [role]: scope, ...scopes } = n.scopes
    yield { ...n, scopes }
    // The body's own nodes in place of all of it.
    for (const inner of scope!.nodes) yield { ...inner, name }
    for (const smaller of smallerScopes(scope!)) yield { ...n, scopes: { ...n.scopes, [role]: smaller } }
  }
  if (n.graph !== undefined) for (const graph of smallerGraphs(n.graph)) yield { ...n, graph }
  for (const args of smallerExprs(n.args)) yield { ...n, args }
}

const PLAIN: readonly Value[] = [null, 0, "", false, [], {}]

function* smallerExprs(e: Expr): Generator<Expr> {
  if (e.op !== "const" || (typeof e.value === "object" && e.value !== null)) for (const value of PLAIN) yield lit(value)
  yield* parts(e)
  if (e.op === "record") {
    for (let i = 0; i < e.fields.length; i++) yield { ...e, fields: e.fields.toSpliced(i, 1) }
    for (const [i, [name, part]] of e.fields.entries())
      for (const x of smallerExprs(part)) yield { ...e, fields: e.fields.toSpliced(i, 1, [name, x]) }
  } else if (e.op === "map") {
    for (let i = 0; i < e.entries.length; i++) yield { ...e, entries: e.entries.toSpliced(i, 1) }
    for (const [i, [k, v]] of e.entries.entries()) {
      for (const x of smallerExprs(k)) yield { ...e, entries: e.entries.toSpliced(i, 1, [x, v]) }
      for (const x of smallerExprs(v)) yield { ...e, entries: e.entries.toSpliced(i, 1, [k, x]) }
    }
  } else if (e.op === "list" || e.op === "text" || e.op === "call") {
    const key = e.op === "list" ? "items" : e.op === "text" ? "parts" : "args"
    const all = parts(e)
    if (e.op !== "call") for (let i = 0; i < all.length; i++) yield { ...e, [key]: all.toSpliced(i, 1) } as Expr
    for (const [i, part] of all.entries())
      for (const x of smallerExprs(part)) yield { ...e, [key]: all.toSpliced(i, 1, x) } as Expr
  } else {
    const edited = e as unknown as { readonly [key: string]: Expr }
    for (const key of PARTS[e.op] ?? []) for (const x of smallerExprs(edited[key]!)) yield { ...e, [key]: x } as Expr
  }
}

const PARTS: { readonly [op in Expr["op"]]?: readonly string[] } = {
  field: ["of"],
  has: ["of"],
  index: ["of", "at"],
  if: ["test", "then", "else"],
  and: ["left", "right"],
  or: ["left", "right"],
  each: ["over", "body"],
}
