// One random scope: nodes under names of their own, in an order that their effects allow, and what they end in.
import {
  ERROR_TYPE,
  type Expr,
  infer,
  type Node,
  ref,
  type Scope,
  subtype,
  type Type,
  unionOf,
} from "../../graph/mod.ts"
import type { Chance } from "./chance.ts"
import { foldNode, graphNode, loopNode, mapNode, switchNode, whenNode } from "./control-nodes.ts"
import { declaredFor } from "./declared.ts"
import { Expressions } from "./exprs.ts"
import type { GraphMaker } from "./graphs.ts"
import { type Body, bare, conflict, joined, type Made, needsOf, plain, type Touches, usesOf } from "./parts.ts"
import { agentNode, streamNode, toolNode } from "./tool-nodes.ts"
import { someType } from "./values.ts"

const LETTERS = "abcdefghlmnopqrsu".split("")
/** Bodies in bodies, and subgraphs in subgraphs. */
const DEPTH_MAX = 4
export const LEVELS_MAX = 3

export class ScopeMaker {
  readonly g: GraphMaker
  readonly c: Chance
  readonly level: number
  readonly depth: number
  /** Names in scope, those around it included. */
  readonly names: Map<string, Type>
  readonly nodes: Node[] = []
  /** Names of the nodes whose bodies this is in: they will be names around it. */
  readonly taken: Set<string>
  /** Names that bodies of this scope have used for themselves. */
  readonly #inside = new Set<string>()
  readonly #touches = new Map<string, Touches>()
  /** For each node the nodes of this scope that come before it for certain. */
  readonly #before = new Map<string, Set<string>>()

  constructor(g: GraphMaker, level: number, depth: number, names: ReadonlyMap<string, Type>, taken: Iterable<string>) {
    this.taken = new Set(taken)
    this.g = g
    this.c = g.c
    this.level = level
    this.depth = depth
    this.names = new Map(names)
  }

  fill(count: number): void {
    for (let i = 0; i < count && this.g.left > 0; i++) {
      this.g.left--
      this.add(this.node(this.freeName(), undefined))
    }
  }

  /** Puts a node into the scope, with the order that its effects need. */
  add({ node, type, touches }: Made): void {
    const { c } = this
    const before = new Set<string>()
    const follow = (name: string) => {
      before.add(name)
      for (const b of this.#before.get(name) ?? []) before.add(b)
    }
    for (const name of usesOf(node)) if (this.#before.has(name)) follow(name)
    const after: string[] = []
    for (const earlier of c.shuffled([...this.#touches.keys()])) {
      if (before.has(earlier) ? !c.percent(5) : !conflict(touches, this.#touches.get(earlier)!) && !c.percent(4))
        continue
      after.push(earlier)
      follow(earlier)
    }
    this.#before.set(node.name, before)
    this.#touches.set(node.name, touches)
    this.names.set(node.name, type)
    this.nodes.push(after.length === 0 ? node : { ...node, settings: { ...node.settings, after } })
  }

  /** The nodes as the author lists them: in any order. */
  listed(): Node[] {
    return this.c.percent(30) ? this.c.shuffled(this.nodes) : this.nodes
  }

  touches(): Touches {
    return joined([...this.#touches.values()])
  }

  /** A name that nothing in scope has; siblings share names. */
  freeName(): string {
    const { c } = this
    for (let i = 0; ; i++) {
      const name = i < 6 ? c.of(LETTERS) : `n${i}_${c.below(1000)}`
      if (!this.names.has(name) && !this.taken.has(name) && !this.#inside.has(name)) return name
    }
  }

  exprs(): Expressions {
    return new Expressions(this.c, this.names, this.g.size.risk)
  }

  typeOf(expr: Expr): Type {
    return infer(expr, this.names).type
  }

  /** What the scope gives: of a wanted type, or a record of what its nodes gave. */
  output(wanted: Type | undefined): { readonly output: Expr; readonly type: Type } {
    const { c } = this
    if (wanted !== undefined) {
      const output = this.exprs().make(wanted, 2)
      return { output, type: this.typeOf(output) }
    }
    const own = this.nodes.filter((n) => this.names.get(n.name)!.kind !== "stream").map((n) => n.name)
    const names = own.filter(() => c.percent(75))
    if (names.length > 0 && c.percent(80)) {
      const fields = names.map((name) => [name, ref(name)] as const)
      if (c.percent(30)) return this.typed({ op: "record", fields: [...fields, ["more", this.exprs().any(2).expr]] })
      return this.typed({ op: "record", fields })
    }
    return this.typed(this.exprs().any(3).expr)
  }
  typed(output: Expr): { readonly output: Expr; readonly type: Type } {
    return { output, type: this.typeOf(output) }
  }

  // ---- nodes

  /** A node; where a type is wanted, its value certainly is of it. */
  node(name: string, wanted: Type | undefined, single = false): Made {
    const { c } = this
    const deeper = this.depth < DEPTH_MAX && this.g.left > 0
    const control = deeper ? 1 : 0
    const kind = c.weighted({
      expr: this.g.size.reads ? 10 : 26,
      calc: this.g.size.reads ? 6 : 14,
      probe: this.g.size.reads ? 70 : 12,
      store: this.g.size.reads ? 16 : 9,
      when: 7 * control,
      switch: 4 * control,
      map: wanted === undefined || wanted.kind === "list" ? 8 * control : 0,
      fold: 5 * control,
      loop: 4 * control,
      graph: this.level < LEVELS_MAX && deeper ? 7 : 0,
      agent: 4 * control,
      stream: deeper && !single ? 4 : 0,
    })
    const mine = !this.taken.has(name)
    this.taken.add(name)
    const made = this.#caught(this.#kind(kind, name, wanted), wanted)
    if (mine) this.taken.delete(name)
    if (made.node.kind !== "graph" || !c.percent(15)) return made
    return { ...made, node: { ...made.node, grants: needsOf(made.touches) } }
  }

  #kind(kind: string, name: string, wanted: Type | undefined): Made {
    const make = MAKERS[kind]
    return make === undefined ? this.#expr(name, wanted) : make(this, name, wanted)
  }

  #expr(name: string, wanted: Type | undefined): Made {
    const { c } = this
    if (wanted !== undefined && c.percent(12)) {
      const args = this.exprs().unknown(wanted, 2)
      if (subtype(this.typeOf(args), wanted) !== "no")
        return plain({ ...bare(name, "expr", args), output: wanted }, wanted)
    }
    const { expr, type } = wanted === undefined ? this.exprs().any(4) : this.#made(wanted, 4)
    if (wanted === undefined && c.percent(12)) {
      const declared = declaredFor(c, type)
      if (declared !== undefined && subtype(type, declared) !== "no")
        return plain({ ...bare(name, "expr", expr), output: declared }, declared)
    }
    return plain(bare(name, "expr", expr), type)
  }
  #made(wanted: Type, depth: number): { readonly expr: Expr; readonly type: Type } {
    const expr = this.exprs().make(wanted, depth)
    return { expr, type: this.typeOf(expr) }
  }

  // ---- bodies

  variables(count: number): string[] {
    const out: string[] = []
    for (const name of this.c.shuffled(["item", "acc", "pos", "el", "st", "it", "e1", "e2", "e3", "e4"])) {
      if (out.length < count && !this.names.has(name)) out.push(name)
    }
    for (let i = 0; out.length < count; i++) if (!this.names.has(`var${i}`)) out.push(`var${i}`)
    return out
  }

  /** A body of one node, named by its role's word, or of several. */
  body(word: string, params: readonly string[], types: readonly Type[], wanted: Type | undefined): Body {
    const { c, g } = this
    const names = new Map(this.names)
    params.forEach((p, i) => {
      names.set(p, types[i]!)
    })
    const inner = new ScopeMaker(g, this.level, this.depth + 1, names, this.taken)
    g.left--
    // A body's only node stands under its role's word, which must be no name around it.
    if ((c.percent(45) || g.left <= 0) && !names.has(word)) {
      const { node, type, touches } = inner.node(word, wanted, true)
      for (const name of inner.#inside) this.#inside.add(name)
      this.#inside.add(word)
      return { scope: { params, nodes: [node], output: ref(word) }, type, touches }
    }
    inner.fill(c.between(0, 3))
    const { output, type } = inner.output(wanted)
    for (const name of inner.#inside) this.#inside.add(name)
    for (const node of inner.nodes) this.#inside.add(node.name)
    return { scope: { name: word, params, nodes: inner.listed(), output }, type, touches: inner.touches() }
  }

  /** Some nodes meet their failure. */
  #caught(made: Made, wanted: Type | undefined): Made {
    const { c } = this
    const chance = this.g.size.flaw === 0 ? 4 : 16
    if (!c.percent(chance) || made.type.kind === "stream" || this.names.has("error")) return made
    const names = new Map(this.names).set("error", ERROR_TYPE)
    const type = wanted ?? (c.percent(50) && made.type.kind !== "never" ? made.type : someType(c, 1))
    if (c.percent(60) || this.g.left <= 0) {
      const output = new Expressions(c, names, this.g.size.risk).make(type, 2)
      const caught: Scope = { params: ["error"], nodes: [], output }
      const given = infer(output, names).type
      return {
        ...made,
        node: { ...made.node, scopes: { ...made.node.scopes, catch: caught } },
        type: unionOf([made.type, given]),
      }
    }
    const body = this.body("catch", ["error"], [ERROR_TYPE], type)
    return {
      node: { ...made.node, scopes: { ...made.node.scopes, catch: body.scope } },
      type: unionOf([made.type, body.type]),
      touches: joined([made.touches, body.touches]),
    }
  }
}

type Maker = (s: ScopeMaker, name: string, wanted: Type | undefined) => Made
const MAKERS: { readonly [kind: string]: Maker } = {
  calc: (s, name, wanted) => toolNode(s, "calc", name, wanted),
  probe: (s, name, wanted) => toolNode(s, "probe", name, wanted),
  store: (s, name, wanted) => toolNode(s, "store", name, wanted),
  when: whenNode,
  switch: switchNode,
  map: mapNode,
  fold: foldNode,
  loop: loopNode,
  graph: graphNode,
  agent: agentNode,
  stream: streamNode,
}
