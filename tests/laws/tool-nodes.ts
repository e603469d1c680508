// Random nodes of registered kinds: tools that answer at once or late, with settings and faults, tools with bodies, streams.
import {
  call,
  type Expr,
  freeNames,
  infer,
  type Node,
  type Rec,
  ref,
  type Scope,
  type Settings,
  T,
  type Type,
} from "../../graph/mod.ts"
import { validProblem } from "../../graph/valid.ts"
import { Chance } from "./chance.ts"
import { folding } from "./control-nodes.ts"
import { declaredFor } from "./declared.ts"
import { lookingUp } from "./declaring.ts"
import { Expressions } from "./exprs.ts"
import { bare, type Made, plain, type RecordType, type Touches } from "./parts.ts"
import type { ScopeMaker } from "./scopes.ts"
import type { Mode } from "./tools.ts"
import { someInput, someType } from "./values.ts"

/** Paths as the outermost file would write them. */
const PLACES = ["./a.txt", "b/c.txt", "../d.txt", "./parts/../e.txt", "/f.txt"]
const RESOURCES = ["db:shop", "db:shop/orders", "db:shop/lines", "fs:data", "fs:data/in", "host:a.example", "time"]

/** Arguments for what takes `input`, some of them left out where they may be. */
export function argumentsOf(s: ScopeMaker, input: RecordType): Expr {
  const { c } = s
  const fields = Object.entries(input.fields)
    .filter(([, f]) => !(f.optional === true || f.default !== undefined) || c.percent(60))
    .map(([name, f]) => [name, s.exprs().make(f.type, 2, c.percent(15))] as const)
  return { op: "record", fields }
}

export function toolConfig(s: ScopeMaker, kind: string, name: string, type: Type): { [key: string]: Rec[string] } {
  const { c, g } = s
  const mode = c.of<Mode>(g.size.reads ? ["later", "later", "later", "mixed"] : ["now", "later", "mixed"])
  return {
    [kind]: `${name}${c.below(4)}`,
    gives: JSON.stringify(type),
    mode,
    ...(g.size.flaw > 0 && c.percent(60) ? { flaw: g.size.flaw } : {}),
  }
}

/** Most reads may be called on a guess: which ones their name decides, so that the rest of the graph is as it was. */
const marked = (name: string): Settings => (new Chance(`${name} speculate`).percent(70) ? { speculate: true } : {})

export function settingsOf(s: ScopeMaker, effect: string, mode: Mode, stream: boolean): Settings {
  const { c } = s
  return {
    ...(mode === "later" && !stream && c.percent(20) ? { timeoutMs: c.of([60, 90]) } : {}),
    ...(c.percent(25) ? { retry: { times: c.between(1, 3), delayMs: c.of([1, 10]), delayMsMax: c.of([10, 40]) } } : {}),
    ...(effect === "read" && !stream && c.percent(12) ? { cacheMs: 60_000 } : {}),
  }
}

/** Every other write says how it is taken back, by what its name decides, so that the rest of the graph is as it was. */
function undoing(
  name: string,
  { resource, section, at, place, flaw }: Rec,
): { readonly scopes?: { readonly undo: Scope } } {
  const c = new Chance(`${name} undo`)
  if (!c.percent(50)) return {}
  const node: Node = {
    ...bare("undo", "store", {
      op: "record",
      fields: c.of([
        [["a", ref("out")] as const],
        [["b", ref("args")] as const],
        [
          ["a", ref("out")],
          ["b", ref("args")],
        ],
      ]),
    }),
    config: {
      store: `back${c.below(4)}`,
      gives: JSON.stringify(someType(c, 1)),
      mode: c.of<Mode>(["now", "later", "mixed"]),
      resource: resource!,
      ...(section === undefined ? {} : { section, at: at! }),
      ...(place === undefined ? {} : { place }),
      ...(flaw !== undefined && c.percent(30) ? { flaw } : {}),
      ...(c.percent(50) ? { keyed: 1 } : {}),
    },
    settings: c.percent(40) ? { retry: { times: c.between(1, 3), delayMs: 1, delayMsMax: 10 } } : {},
  }
  return { scopes: { undo: { params: ["out", "args"], nodes: [node], output: ref("undo") } } }
}

export function toolNode(
  s: ScopeMaker,
  kind: "calc" | "probe" | "store",
  name: string,
  wanted: Type | undefined,
): Made {
  const { c } = s
  const before = wanted === undefined && c.percent(12) ? called(s, kind, name) : undefined
  if (before !== undefined) return before
  const type = wanted ?? someType(c, 2)
  const given = c.percent(15) ? T.unknown : type
  const declared = given !== type ? type : wanted === undefined && c.percent(10) ? declaredFor(s.c, type) : undefined
  const config = toolConfig(s, kind, name, given)
  const takes = c.percent(50) ? someInput(c, ["a", "b"].slice(0, c.below(3))) : undefined
  const args: Expr =
    takes === undefined
      ? { op: "record", fields: ["a", "b"].slice(0, c.below(3)).map((n) => [n, s.exprs().any(2).expr] as const) }
      : argumentsOf(s, takes)
  const settings = {
    ...settingsOf(s, kind === "probe" ? "read" : kind, config["mode"] as Mode, false),
    ...(kind === "probe" ? marked(`${name} ${config["probe"]}`) : {}),
  }
  const touches: Touches = new Map()
  if (takes !== undefined) config["takes"] = JSON.stringify(takes)
  if (kind !== "calc") {
    config["resource"] = c.of(RESOURCES)
    if (c.percent(25)) Object.assign(config, lookingUp(c, s.g.resources))
    if (c.percent(20)) config["place"] = c.of(PLACES)
    touches.set(config["resource"] as string, kind === "store")
    if (c.percent(10)) config["limit"] = c.between(1, 2)
    if (kind === "store" && c.percent(40)) config["keyed"] = 1
  }
  if (settings.timeoutMs !== undefined) config["settings"] = String(settings.timeoutMs)
  const node: Node = {
    ...bare(name, kind, args),
    config,
    ...(kind === "store" ? undoing(`${name} ${config["store"]}`, config) : {}),
    settings,
    ...(declared === undefined ? {} : { output: declared }),
  }
  const out = declared ?? given
  const valid = validOf(s, name, out, takes ?? s.typeOf(args))
  const made = { node: valid === undefined ? node : { ...node, settings: { ...settings, valid } }, type: out, touches }
  s.g.calls.push(made)
  return made
}

/** What some authors say of an answer beyond its type, by what the name decides. */
function validOf(s: ScopeMaker, name: string, out: Type, args: Type): Expr | undefined {
  const c = new Chance(`${name} ${s.g.calls.length} ${JSON.stringify(out)} valid`)
  if (!c.percent(10)) return undefined
  const names = new Map([
    ["out", out],
    ["args", args],
  ])
  const test = new Expressions(c, names, s.g.size.risk).make(T.boolean, 3)
  // Most answers are in order.
  const valid: Expr = c.percent(60) ? { op: "or", left: test, right: call("==", ref("out"), ref("out")) } : test
  return validProblem(valid, out, args) === undefined ? valid : undefined
}

/** A tool that was called before, with the same arguments where they can be named here. */
function called(s: ScopeMaker, kind: string, name: string): Made | undefined {
  const { c } = s
  const made = s.g.calls.filter(({ node }) => node.kind === kind)
  if (made.length === 0) return undefined
  const { node, type, touches } = c.of(made)
  const { section, at, takes, resource } = node.config
  if (typeof at === "string" && s.g.resources[String(section)]?.[at] === undefined) return undefined
  const known = [...freeNames(node.args)].every((free) => s.names.has(free))
  const again = known && c.percent(70) && infer(node.args, s.names).problems.length === 0
  if (!again && takes === undefined) return undefined
  const input = takes === undefined ? T.record({}) : (JSON.parse(String(takes)) as RecordType)
  const { scopes: _, ...rest } = node
  const { after: __, ...settings } = node.settings
  return {
    node: {
      ...rest,
      name,
      args: again ? node.args : argumentsOf(s, input),
      scopes: kind === "store" ? (undoing(`${name} again`, { ...node.config, resource: resource! }).scopes ?? {}) : {},
      settings: kind === "probe" && c.percent(50) ? { ...settings, cacheMs: 60_000 } : settings,
    },
    type,
    touches,
  }
}

export function agentNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c } = s
  const type = wanted ?? someType(c, 1)
  const kind = c.percent(40) ? "talker" : "agent"
  const config = toolConfig(s, kind, name, type)
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
    const params = s.variables(c.between(0, 2))
    const types = params.map(() => someType(c, 1))
    const input = T.record(Object.fromEntries(params.map((p, i) => [p, types[i]!])))
    const body = s.body(tool, params, types, undefined)
    tools[tool] = { about: tool, input: input as unknown as Rec }
    scopes[`tool:${tool}`] = body.scope
    for (const [resource, write] of body.touches) touches.set(resource, touches.get(resource) === true || write)
  }
  config["tools"] = tools
  const node: Node = {
    ...bare(name, kind, argumentsOf(s, someInput(c, ["a"]))),
    config,
    scopes,
    settings: { ...settingsOf(s, "pure", "now", true), timeoutMs: 1_000_000 },
  }
  return { node, type, touches }
}

/** A stream, maps over it, and mostly the `fold` that takes it. */
export function streamNode(s: ScopeMaker, name: string, wanted: Type | undefined): Made {
  const { c } = s
  let item = someType(c, 1)
  let source = `${name}_feed`
  const config = toolConfig(s, "feed", name, T.stream(item))
  const touches: Touches = new Map()
  if (c.percent(60)) {
    config["effect"] = "read"
    config["resource"] = "host:feed"
    touches.set("host:feed", false)
  }
  const feed: Node = {
    ...bare(source, "feed", argumentsOf(s, someInput(c, ["a"]))),
    config,
    settings: settingsOf(s, "pure", "now", true),
  }
  s.add({ node: feed, type: T.stream(item), touches })
  for (let i = 0; i < 2 && c.percent(40); i++) {
    const [as, index] = s.variables(2)
    const body = s.body("do", [as!, index!], [item, T.number], undefined)
    const node = {
      ...bare(`${name}_map${i}`, "map", ref(source)),
      config: c.percent(60) ? { parallel: c.between(1, 4) } : {},
    }
    s.add({ node: { ...node, scopes: { do: body.scope } }, type: T.stream(body.type), touches: body.touches })
    item = body.type
    source = node.name
  }
  if (wanted === undefined && c.percent(12)) return plain(bare(name, "expr", s.exprs().make(T.number, 1)), T.number)
  return folding(s, name, ref(source), item, wanted)
}
