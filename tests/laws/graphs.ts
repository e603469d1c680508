// Random graphs, built as the checker will find them: every node kind and control, effects with the order that they need,
// bodies in bodies, subgraphs in subgraphs. Types and touches are followed along, so that almost every graph passes.
import {
  ERROR_TYPE,
  type Expr,
  freeNames,
  type Graph,
  infer,
  lit,
  type Node,
  type Rec,
  ref,
  type Scope,
  type Settings,
  subtype,
  T,
  type Type,
  unionOf,
} from "../../graph/mod.ts"
import { Chance } from "./chance.ts"
import { Expressions } from "./exprs.ts"
import type { Mode } from "./tools.ts"
import { someInput, someType } from "./values.ts"

/** What a node or body touches: resources, and whether it writes there. */
type Touches = Map<string, boolean>

interface Made {
  readonly node: Node
  readonly type: Type
  readonly touches: Touches
}
interface Body {
  readonly scope: Scope
  readonly type: Type
  readonly touches: Touches
}
interface Known {
  readonly graph: Graph
  readonly type: Type
  readonly touches: Touches
}

type Record_ = Extract<Type, { kind: "record" }>
type Names = ReadonlyMap<string, Type>

const RESOURCES = ["db:shop", "db:shop/orders", "db:shop/lines", "fs:data", "fs:data/in", "host:a.example", "time"]
const LETTERS = "abcdefghlmnopqrsu".split("")
const DEPTH_MAX = 4
const LEVELS_MAX = 3

export interface Size {
  /** Nodes of the whole graph, about. */
  readonly nodes: number
  /** Percent of calls that go wrong in a flawed tool; 0 makes graphs whose tools never fail. */
  readonly flaw: number
}

/** The graph of a seed. Most pass the checker; the others are for the caller to leave out. */
export function someGraph(seed: string): Graph {
  const c = new Chance(seed)
  const size: Size = { nodes: c.of([3, 6, 10, 18]), flaw: c.of([0, 0, 4, 25]) }
  return new GraphMaker(c, size).graph("laws", 0, undefined).graph
}

class GraphMaker {
  readonly c: Chance
  readonly size: Size
  readonly pool: Known[] = []
  left: number
  graphs = 0

  constructor(c: Chance, size: Size) {
    this.c = c
    this.size = size
    this.left = size.nodes
  }

  graph(name: string, level: number, wanted: Type | undefined): Known {
    const { c } = this
    const input = someInput(c, ["p", "q", "r", "s"].slice(0, c.between(0, 4)))
    const names = new Map<string, Type>([["input", input]])
    const maker = new ScopeMaker(this, level, 0, names, [])
    const count = level === 0 ? this.left : Math.min(this.left, c.between(1, 4))
    maker.fill(count)
    const { output, type } = maker.output(wanted)
    const declared = wanted ?? (c.percent(25) ? this.declared(type) : undefined)
    const body: Scope = { params: [], nodes: maker.listed(), output }
    const graph: Graph = {
      name,
      types: {},
      input,
      resources: {},
      body,
      ...(declared === undefined ? {} : { output: declared }),
    }
    const known: Known = { graph, type: declared ?? type, touches: maker.touches() }
    if (level > 0) this.pool.push(known)
    return known
  }

  /** A type that an author may declare for a value of type `t`: wider, or one that the run has to look at. */
  declared(t: Type): Type | undefined {
    const { c } = this
    if (t.kind === "never" || t.kind === "stream") return undefined
    if (t.kind === "unknown") return someType(c, 1)
    if (t.kind === "union" && c.percent(50)) return c.of(t.of)
    if (t.kind === "string" && c.percent(30)) return T.enum("a", "EUR", "ok")
    if (t.kind === "record" && c.percent(40)) {
      // Fewer fields than there are, or one more with a default.
      const fields = Object.entries(t.fields)
      if (fields.length > 0 && c.percent(50)) return T.record(Object.fromEntries(fields.slice(1)))
      return T.record({ ...t.fields, ...(t.fields["rate"] ? {} : { rate: { type: T.number, default: 2 } }) })
    }
    return unionOf([t, someType(c, 1)])
  }
}

class ScopeMaker {
  readonly g: GraphMaker
  readonly c: Chance
  readonly level: number
  readonly depth: number
  /** Names in scope, those around it included. */
  readonly names: Map<string, Type>
  readonly nodes: Node[] = []
  /** Names of the nodes whose bodies this is in: they will be names around it. */
  readonly taken: Set<string>
  readonly #touches = new Map<string, Touches>()
  /** For each node the nodes of this scope that come before it for certain. */
  readonly #before = new Map<string, Set<string>>()

  constructor(g: GraphMaker, level: number, depth: number, names: Names, taken: Iterable<string>) {
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
      if (!this.names.has(name) && !this.taken.has(name)) return name
    }
  }

  exprs(): Expressions {
    return new Expressions(this.c, this.names)
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
  node(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const deeper = this.depth < DEPTH_MAX && this.g.left > 0
    const control = deeper ? 1 : 0
    const kind = c.weighted({
      expr: 26,
      calc: 14,
      probe: 12,
      store: 9,
      when: 7 * control,
      switch: 4 * control,
      map: wanted === undefined || wanted.kind === "list" ? 8 * control : 0,
      fold: 5 * control,
      loop: 4 * control,
      graph: this.level < LEVELS_MAX && deeper ? 7 : 0,
      agent: 4 * control,
      stream: deeper && name.length === 1 ? 4 : 0,
    })
    const mine = !this.taken.has(name)
    this.taken.add(name)
    const made = this.#caught(this.#kind(kind, name, wanted), wanted)
    if (mine) this.taken.delete(name)
    return made
  }

  #kind(kind: string, name: string, wanted: Type | undefined): Made {
    switch (kind) {
      case "when":
        return this.#when(name, wanted)
      case "switch":
        return this.#switch(name, wanted)
      case "map":
        return this.#map(name, wanted)
      case "fold":
        return this.#fold(name, wanted)
      case "loop":
        return this.#loop(name, wanted)
      case "graph":
        return this.#graph(name, wanted)
      case "agent":
        return this.#agent(name, wanted)
      case "stream":
        return this.#stream(name, wanted)
      case "calc":
      case "probe":
      case "store":
        return this.#tool(kind, name, wanted)
      default:
        return this.#expr(name, wanted)
    }
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
      const declared = this.g.declared(type)
      if (declared !== undefined && subtype(type, declared) !== "no")
        return plain({ ...bare(name, "expr", expr), output: declared }, declared)
    }
    return plain(bare(name, "expr", expr), type)
  }
  #made(wanted: Type, depth: number): { readonly expr: Expr; readonly type: Type } {
    const expr = this.exprs().make(wanted, depth)
    return { expr, type: this.typeOf(expr) }
  }

  /** Arguments for what takes `input`, some of them left out where they may be. */
  #args(input: Record_): Expr {
    const { c } = this
    const fields = Object.entries(input.fields)
      .filter(([, f]) => !(f.optional === true || f.default !== undefined) || c.percent(60))
      .map(([name, f]) => [name, this.exprs().make(f.type, 2, c.percent(15))] as const)
    return { op: "record", fields }
  }

  #toolConfig(kind: string, name: string, type: Type): { [key: string]: Rec[string] } {
    const { c, g } = this
    const mode = c.of<Mode>(["now", "later", "mixed"])
    return {
      [kind]: `${name}${c.below(4)}`,
      gives: JSON.stringify(type),
      mode,
      ...(g.size.flaw > 0 && c.percent(60) ? { flaw: g.size.flaw } : {}),
    }
  }

  #settings(effect: string, mode: Mode, stream: boolean): Settings {
    const { c } = this
    return {
      ...(mode === "later" && !stream && c.percent(20) ? { timeoutMs: c.of([60, 90]) } : {}),
      ...(c.percent(25)
        ? { retry: { times: c.between(1, 3), delayMs: c.of([1, 10]), delayMsMax: c.of([10, 40]) } }
        : {}),
      ...(effect === "read" && !stream && c.percent(12) ? { cacheMs: 60_000 } : {}),
    }
  }

  #tool(kind: "calc" | "probe" | "store", name: string, wanted: Type | undefined): Made {
    const { c } = this
    const type = wanted ?? someType(c, 2)
    const given = c.percent(15) ? T.unknown : type
    const declared = given !== type ? type : wanted === undefined && c.percent(10) ? this.g.declared(type) : undefined
    const config = this.#toolConfig(kind, name, given)
    const takes = c.percent(50) ? someInput(c, ["a", "b"].slice(0, c.below(3))) : undefined
    const args: Expr =
      takes === undefined
        ? { op: "record", fields: ["a", "b"].slice(0, c.below(3)).map((n) => [n, this.exprs().any(2).expr] as const) }
        : this.#args(takes)
    const settings = this.#settings(kind === "probe" ? "read" : kind, config["mode"] as Mode, false)
    const touches: Touches = new Map()
    if (takes !== undefined) config["takes"] = JSON.stringify(takes)
    if (kind !== "calc") {
      const resource = c.of(RESOURCES)
      config["resource"] = resource
      touches.set(resource, kind === "store")
      if (c.percent(10)) config["limit"] = c.between(1, 2)
      if (kind === "store" && c.percent(40)) config["keyed"] = 1
    }
    if (settings.timeoutMs !== undefined) config["settings"] = String(settings.timeoutMs)
    const node: Node = {
      ...bare(name, kind, args),
      config,
      settings,
      ...(declared === undefined ? {} : { output: declared }),
    }
    return { node, type: declared ?? given, touches }
  }

  #when(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const args = c.percent(8) ? this.exprs().unknown(T.boolean, 1) : this.exprs().make(T.boolean, 3)
    const common = wanted ?? (c.percent(50) ? someType(c, 2) : undefined)
    const [then, other] = [this.body("then", [], [], common), this.body("else", [], [], common)]
    return this.#control(bare(name, "when", args), { then, else: other }, unionOf([then.type, other.type]), wanted)
  }

  #switch(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const words = c.shuffled(["EUR", "red", "ok", "a"]).slice(0, c.between(1, 3))
    const whole = c.percent(50)
    const args = this.exprs().make(whole ? T.enum(...words) : T.string, 2)
    const known = this.typeOf(args)
    const cases = (known.kind === "enum" ? known.values : words).filter((w) => w !== "")
    const common = wanted ?? (c.percent(50) ? someType(c, 2) : undefined)
    const bodies: Record<string, Body> = {}
    for (const word of cases) bodies[`case:${word}`] = this.body(word, [], [], common)
    if (known.kind !== "enum" || cases.length < known.values.length || c.percent(30))
      bodies["else"] = this.body("else", [], [], common)
    const type = unionOf(Object.values(bodies).map((b) => b.type))
    return this.#control(bare(name, "switch", args), bodies, type, wanted)
  }

  #map(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const item = someType(c, 1)
    const args = this.exprs().make(T.list(item), 2)
    const type = this.typeOf(args)
    const of = type.kind === "list" ? type.of : T.unknown
    const [as, index] = this.#variables(2)
    const params = c.percent(60) ? [as!, index!] : [as!]
    const body = this.body("do", params, [of, T.number], wanted?.kind === "list" ? wanted.of : undefined)
    const node = { ...bare(name, "map", args), config: c.percent(60) ? { parallel: c.between(1, 6) } : {} }
    return this.#control(node, { do: body }, T.list(body.type), wanted)
  }

  #state(wanted: Type | undefined): { readonly type: Type; readonly declare: boolean } {
    const { c } = this
    const type = wanted ?? c.of([T.number, T.boolean, T.number, someType(c, 1)])
    const simple = type.kind === "number" || type.kind === "boolean"
    return { type, declare: !simple || c.percent(30) }
  }

  #fold(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const over = this.exprs().make(T.list(someType(c, 1)), 2)
    const of = this.typeOf(over)
    return this.#folding(name, over, of.kind === "list" ? of.of : T.unknown, wanted)
  }

  #folding(name: string, over: Expr, item: Type, wanted: Type | undefined): Made {
    const { type, declare } = this.#state(wanted)
    const fields = [["over", over] as const, ["from", this.exprs().make(type, 2)] as const]
    const params = this.#variables(this.c.between(2, 3))
    const body = this.body("do", params, [type, item, T.number], type)
    const node: Node = {
      ...bare(name, "fold", { op: "record", fields }),
      ...(declare ? { output: type } : {}),
      scopes: { do: body.scope },
    }
    return { node, type, touches: body.touches }
  }

  #loop(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const { type, declare } = this.#state(wanted)
    const from = this.exprs().make(type, 2)
    const params = this.#variables(c.between(1, 2))
    const body = this.body("do", params, [type, T.number], type)
    const test = this.#test(params, [type, T.number])
    const node: Node = {
      ...bare(name, "loop", { op: "record", fields: [["from", from]] }),
      config: { max: c.of([1, 2, 4, 9]) },
      ...(declare ? { output: type } : {}),
      scopes: { while: test.scope, do: body.scope },
    }
    return { node, type, touches: joined([body.touches, test.touches]) }
  }

  /** `while:` is mostly an expression that ends the loop after a few rounds, sometimes a body that acts. */
  #test(params: readonly string[], types: readonly Type[]): Body {
    const { c } = this
    if (c.percent(15)) return this.body("while", params, types, T.boolean)
    const names = new Map(this.names)
    params.forEach((p, i) => {
      names.set(p, types[i]!)
    })
    const exprs = new Expressions(c, names)
    const index = params[1]
    const few: Expr | undefined =
      index === undefined ? undefined : { op: "call", fn: "<", args: [ref(index), lit(c.between(0, 3))] }
    const test = few === undefined || c.percent(30) ? exprs.make(T.boolean, 3) : few
    return { scope: { params, nodes: [], output: test }, type: T.boolean, touches: new Map() }
  }

  #graph(name: string, wanted: Type | undefined): Made {
    const { c, g } = this
    const fitting = g.pool.filter((k) => wanted === undefined || subtype(k.type, wanted) === "yes")
    const known =
      fitting.length > 0 && c.percent(55) ? c.of(fitting) : g.graph(`sub${g.graphs++}`, this.level + 1, wanted)
    const node: Node = { ...bare(name, "graph", this.#args(known.graph.input)), graph: known.graph }
    return { node, type: known.type, touches: known.touches }
  }

  #agent(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const type = wanted ?? someType(c, 1)
    const config = this.#toolConfig("agent", name, type)
    const effect = c.of(["pure", "read", "write"])
    config["effect"] = effect
    const touches: Touches = new Map()
    if (effect !== "pure") {
      config["resource"] = "host:model"
      touches.set("host:model", effect === "write")
    }
    const tools: Record<string, Rec> = {}
    const scopes: Record<string, Scope> = {}
    for (const tool of ["look", "note", "add"].slice(0, c.between(0, 3))) {
      const params = this.#variables(c.between(0, 2))
      const types = params.map(() => someType(c, 1))
      const input = T.record(Object.fromEntries(params.map((p, i) => [p, types[i]!])))
      const body = this.body(tool, params, types, undefined)
      tools[tool] = { about: tool, input: input as unknown as Rec }
      scopes[`tool:${tool}`] = body.scope
      for (const [resource, write] of body.touches) touches.set(resource, touches.get(resource) === true || write)
    }
    config["tools"] = tools
    const node: Node = {
      ...bare(name, "agent", this.#args(someInput(c, ["a"]))),
      config,
      scopes,
      settings: { ...this.#settings("pure", "now", true), timeoutMs: 1_000_000 },
    }
    return { node, type, touches }
  }

  /** A stream, and the `map` or `fold` that takes it. */
  #stream(name: string, wanted: Type | undefined): Made {
    const { c } = this
    const item = someType(c, 1)
    const source = `${name}_feed`
    const config = this.#toolConfig("feed", name, T.stream(item))
    const touches: Touches = new Map()
    if (c.percent(60)) {
      config["effect"] = "read"
      config["resource"] = "host:feed"
      touches.set("host:feed", false)
    }
    const settings = this.#settings("pure", "now", true)
    const feed: Node = { ...bare(source, "feed", this.#args(someInput(c, ["a"]))), config, settings }
    this.add({ node: feed, type: T.stream(item), touches })
    if ((wanted === undefined || wanted.kind === "list") && c.percent(60)) {
      const [as, index] = this.#variables(2)
      const body = this.body("do", [as!, index!], [item, T.number], wanted?.kind === "list" ? wanted.of : undefined)
      const node = { ...bare(name, "map", ref(source)), config: c.percent(60) ? { parallel: c.between(1, 4) } : {} }
      return this.#control(node, { do: body }, T.list(body.type), wanted)
    }
    return this.#folding(name, ref(source), item, wanted)
  }

  #control(node: Node, bodies: { readonly [role: string]: Body }, type: Type, wanted: Type | undefined): Made {
    const scopes = Object.fromEntries(Object.entries(bodies).map(([role, b]) => [role, b.scope]))
    const touches = joined(Object.values(bodies).map((b) => b.touches))
    const declared = wanted === undefined && this.c.percent(8) ? this.g.declared(type) : undefined
    if (declared !== undefined && subtype(type, declared) !== "no")
      return { node: { ...node, scopes, output: declared }, type: declared, touches }
    return { node: { ...node, scopes }, type, touches }
  }

  // ---- bodies

  #variables(count: number): string[] {
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
      const { node, type, touches } = inner.node(word, wanted)
      return { scope: { params, nodes: [node], output: ref(word) }, type, touches }
    }
    inner.fill(c.between(0, 3))
    const { output, type } = inner.output(wanted)
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
      const output = new Expressions(c, names).make(type, 2)
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

const NO_SETTINGS: Settings = {}
const bare = (name: string, kind: string, args: Expr): Node => ({
  name,
  kind,
  config: {},
  args,
  scopes: {},
  settings: NO_SETTINGS,
})
const plain = (node: Node, type: Type): Made => ({ node, type, touches: new Map() })

function joined(all: readonly Touches[]): Touches {
  const out: Touches = new Map()
  for (const touches of all) for (const [r, write] of touches) out.set(r, out.get(r) === true || write)
  return out
}

const meets = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
export const conflict = (a: ReadonlyMap<string, boolean>, b: ReadonlyMap<string, boolean>): boolean =>
  [...a].some(([ra, wa]) => [...b].some(([rb, wb]) => (wa || wb) && meets(ra, rb)))

/** Every name that a node takes from around it. */
function usesOf(node: Node): Set<string> {
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
