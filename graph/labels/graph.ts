/**
 * Labels of a checked graph: for each port the origins of what it may hold, and for each argument that is a sink what
 * reaches it. An abstract run: every body is walked, whatever a test says, and what goes round in loops is joined until
 * nothing is added. Plans are labelled again from their bytes (`plan/labels.ts`); this is where messages come from.
 */
import type { CheckedGraph } from "../checked.ts"
import { type Expr, freeNames } from "../expr.ts"
import { ERROR_TYPE } from "../failure.ts"
import { type Graph, isControl, type Node, type Scope } from "../ir.ts"
import { hasDefaults, liveNodes } from "../live.ts"
import { argLook, fromLook, roundLook, stateType } from "../looks.ts"
import type { Signature } from "../node.ts"
import { T } from "../type.ts"
import { UNDO } from "../undo.ts"
import { labelOf } from "./express.ts"
import {
  CLEAN,
  fieldIn,
  fieldOf,
  from,
  influenced,
  itemOf,
  join,
  joinAll,
  type Label,
  listOf,
  narrow,
  type OriginSet,
  Origins,
  sameLabel,
  textless,
  whole,
} from "./label.ts"
import type { Flow } from "./policy.ts"

/** A port: the graph's input, or what a node gives. `at` is its static path with the graph's name before it. */
export interface PortLabel {
  readonly at: string
  readonly node: Node | undefined
  readonly label: Label
}

/** What reaches an argument that is a sink. */
export interface GraphFlow extends Flow {
  readonly node: Node
  /** The expression of the argument; of all arguments where it cannot be told apart. */
  readonly expr: Expr
  /** The label of a part of it. */
  readonly labelOf: (part: Expr) => Label
}

export interface GraphLabels {
  readonly origins: Origins
  readonly ports: readonly PortLabel[]
  readonly flows: readonly GraphFlow[]
  /** The ports that an origin's text, or any say of it, came through on its way into a sink: from its source on. */
  readonly way: (flow: GraphFlow, origin: OriginSet) => readonly string[]
}

/** What labelling needs of a checked graph. */
export type Labelled = Pick<CheckedGraph, "graph" | "nodes" | "scopes" | "graphs">

/** Whose words a tool's outcome is, before its arguments are counted in. Also asked for the externs of plans. */
export function originOf(signature: Signature, origins: Origins): OriginSet {
  const who = signature.origin ?? (signature.effect === "pure" ? "none" : "tool")
  return who === "none" ? 0n : origins.bit({ who, of: who === "user" ? "" : (signature.resource ?? "code") })
}

/** The labels of all ports of a checked graph and its subgraphs. */
export const labelsOf = (checked: Labelled): GraphLabels => new Walk(checked).run()

/** Walks in which something may still be added. After them all that goes round counts as everybody's. */
export const ROUNDS_MAX = 16

/** Everything that a part of the graph took or gave: what a failure in it may tell. */
class Seen {
  all: Label = CLEAN
  add(label: Label): void {
    if (label.any !== 0n) this.all = join(this.all, whole(label))
  }
}

interface Named {
  readonly label: Label
  readonly port: string
}

class Env {
  readonly #own = new Map<string, Named>()
  readonly #outer: Env | undefined
  constructor(outer?: Env) {
    this.#outer = outer
  }
  set(name: string, label: Label, port: string): void {
    this.#own.set(name, { label, port })
  }
  get(name: string): Named | undefined {
    return this.#own.get(name) ?? this.#outer?.get(name)
  }
  readonly label = (name: string): Label => this.get(name)?.label ?? CLEAN
  ports(e: Expr): string[] {
    return [...freeNames(e)].flatMap((name) => this.get(name)?.port ?? [])
  }
}

/** Where a walk stands: names, who decided that it gets here, and the static path. */
interface Here {
  readonly env: Env
  readonly decided: OriginSet
  /** The ports of those decisions. */
  readonly by: readonly string[]
  readonly at: string
  readonly seen: Seen
}

class Walk {
  readonly #checked: Labelled
  readonly #origins = new Origins()
  /** What goes round, by the port that it goes round at. */
  readonly #rounds = new Map<string, Label>()
  #changed = true
  #widen = false
  #final = false
  readonly #ports: PortLabel[] = []
  readonly #flows: (GraphFlow & { readonly from: readonly string[] })[] = []
  /** Of the last walk: what each port is made of, its label, and what begins there. */
  readonly #made = new Map<string, string[]>()
  readonly #labels = new Map<string, Label>()
  readonly #begins = new Map<string, OriginSet>()

  constructor(checked: Labelled) {
    this.#checked = checked
  }

  run(): GraphLabels {
    for (let round = 0; this.#changed; round++) {
      this.#changed = false
      this.#widen = round >= ROUNDS_MAX
      this.#graph()
    }
    this.#final = true
    this.#graph()
    return {
      origins: this.#origins,
      ports: this.#ports,
      flows: this.#flows,
      way: (flow, origin) => this.#way(this.#flows.find((f) => f === flow)?.from ?? [], origin),
    }
  }

  #graph(): void {
    const { graph } = this.#checked
    const user = this.#origins.bit({ who: "user", of: "" })
    const env = new Env()
    const at = `${graph.name}.input`
    const label = narrow(from(user), graph.input)
    env.set("input", label, at)
    this.#port(at, undefined, label, [], user)
    this.#scope(graph.body, { env, decided: 0n, by: [], at: graph.name, seen: new Seen() })
  }

  /** Notes a port of the last walk. */
  #port(at: string, node: Node | undefined, label: Label, made: readonly string[], begins: OriginSet = 0n): void {
    if (!this.#final) return
    if (!at.includes("#")) this.#ports.push({ at, node, label })
    this.#made.set(at, [...made])
    this.#labels.set(at, label)
    this.#begins.set(at, begins)
  }

  /** What goes round at a port: all that ever came there. */
  #round(port: string, label: Label): Label {
    const before = this.#rounds.get(port) ?? CLEAN
    const all = join(before, this.#widen ? join(whole(label), from(this.#origins.all)) : label)
    if (!sameLabel(all, before)) {
      this.#rounds.set(port, all)
      this.#changed = true
    }
    return all
  }

  /** Walks a scope whose variables are set; gives the label of its value. */
  #scope(scope: Scope, here: Here): Label {
    for (const node of liveNodes(this.#checked as CheckedGraph, scope)) {
      const at = `${here.at}.${node.name}`
      here.env.set(node.name, this.#node(node, { ...here, at }), at)
    }
    return this.#expr(scope.output, here)
  }

  #expr(e: Expr, { env, seen }: Here): Label {
    for (const name of freeNames(e)) seen.add(env.label(name))
    return labelOf(e, env.label)
  }

  #node(node: Node, here: Here): Label {
    const handler = node.scopes["catch"]
    if (handler === undefined) return this.#plain(node, here)
    const seen = new Seen()
    const value = this.#plain(node, { ...here, seen })
    here.seen.add(seen.all)
    const failed = narrow(seen.all, ERROR_TYPE)
    const rescued = this.#body(node, "catch", [[failed, here.at]], {
      ...here,
      decided: here.decided | seen.all.any,
      by: [...here.by, here.at],
    })
    const label = influenced(join(value, rescued), seen.all.any)
    if (this.#final) this.#made.get(here.at)?.push(outOf(here.at, "catch"))
    this.#labels.set(here.at, label)
    return label
  }

  /** Walks a body of a node with its variables' labels, each with the port that it comes from. */
  #body(node: Node, role: string, params: readonly (readonly [Label, string])[], here: Here): Label {
    const scope = node.scopes[role]
    if (scope === undefined) return CLEAN
    const env = new Env(here.env)
    scope.params.forEach((name, i) => {
      const [label, port] = params[i] ?? [CLEAN, here.at]
      env.set(name, label, port)
    })
    const at = scope.name === undefined ? here.at : `${here.at}.${scope.name}`
    const label = this.#scope(scope, { ...here, env, at })
    this.#port(outOf(here.at, role), undefined, label, env.ports(scope.output))
    return label
  }

  /** A node without its `catch`. */
  #plain(node: Node, here: Here): Label {
    const { at, seen } = here
    const facts = this.#checked.nodes.get(node)!
    const args = this.#expr(node.args, here)
    const roles = Object.keys(node.scopes).filter(isBody)
    const outs = roles.map((role) => outOf(at, role))
    const goesRound = node.kind === "fold" || node.kind === "loop"
    this.#port(inOf(at), undefined, whole(args), [...here.env.ports(node.args), ...(goesRound ? outs : [])])
    const label = this.#value(node, args, here)
    seen.add(label)
    const begins = facts.signature === undefined ? 0n : originOf(facts.signature, this.#origins)
    this.#port(at, node, label, [inOf(at), ...outs, ...(node.graph === undefined ? [] : [outOf(at, "graph")])], begins)
    return label
  }

  #value(node: Node, args: Label, here: Here): Label {
    const checked = this.#checked as CheckedGraph
    const facts = checked.nodes.get(node)!
    const declared = node.output !== undefined && (facts.outFits !== "yes" || hasDefaults(facts.outcome))
    const stated = (label: Label) => (declared ? narrow(label, facts.outcome) : label)
    if (!isControl(node.kind)) return this.#tool(node, args, here)
    const decidedBy = (label: Label): Here => ({
      ...here,
      decided: here.decided | label.any,
      by: [...here.by, inOf(here.at)],
    })
    const around = inOf(here.at)
    const look = argLook(checked, node)
    const looked = look === undefined ? args : narrow(args, look)
    switch (node.kind) {
      case "expr":
        return stated(args)
      case "graph":
        return this.#subgraph(node.graph!, facts.argFits !== "yes", args, here)
      case "when":
      case "switch": {
        const inside = decidedBy(args)
        const sides = Object.keys(node.scopes).filter(isBody)
        return stated(influenced(joinAll(sides.map((role) => this.#body(node, role, [], inside))), args.any))
      }
      case "map": {
        const params = [[itemOf(looked), around] as const, [textless(args), around] as const]
        return stated(listOf(this.#body(node, "do", params, decidedBy(args)), args.any))
      }
      case "fold": {
        const given = fieldOf(args, "over")
        const over = look === undefined ? given : narrow(given, look)
        const state = this.#state(node, args, here)
        const params = [[state, around] as const, [itemOf(over), around] as const, [textless(over), around] as const]
        const next = this.#next(node, params, decidedBy(over))
        return stated(influenced(join(state, next), over.any))
      }
      case "loop": {
        const state = this.#state(node, args, here)
        const params = [[state, around] as const, [CLEAN, around] as const]
        const test = this.#body(node, "while", params, decidedBy(state))
        const next = this.#next(node, params, decidedBy(join(whole(state), whole(test))))
        return stated(influenced(join(state, next), test.any))
      }
    }
  }

  /** What a `fold` or `loop` starts from, and all that ever went round in it. */
  #state(node: Node, args: Label, { at }: Here): Label {
    const look = fromLook(this.#checked as CheckedGraph, node)
    const start = fieldOf(args, "from")
    return this.#round(at, look === undefined ? start : narrow(start, look))
  }

  #next(node: Node, params: readonly (readonly [Label, string])[], here: Here): Label {
    const checked = this.#checked as CheckedGraph
    const look = roundLook(checked, node.scopes["do"]!, stateType(checked, node))
    const next = this.#body(node, "do", params, here)
    return this.#round(here.at, look === undefined ? next : narrow(next, look))
  }

  #subgraph(graph: Graph, looked: boolean, args: Label, here: Here): Label {
    const facts = this.#checked.graphs.get(graph)!
    const env = new Env()
    env.set("input", looked || hasDefaults(graph.input) ? narrow(args, graph.input) : args, inOf(here.at))
    const label = this.#scope(graph.body, { ...here, env })
    this.#port(outOf(here.at, "graph"), undefined, label, env.ports(graph.body.output))
    return facts.outFits !== "yes" || hasDefaults(facts.output) ? narrow(label, facts.output) : label
  }

  #tool(node: Node, given: Label, here: Here): Label {
    const facts = this.#checked.nodes.get(node)!
    const signature = facts.signature!
    const { input } = signature
    const look = input !== undefined && (facts.argFits !== "yes" || hasDefaults(input))
    const args = look ? narrow(given, input) : given
    if (this.#final) this.#sinks(node, signature, args, here)
    const own = from(originOf(signature, this.#origins))
    let said = signature.endorses === true ? own : join(own, whole(args))
    const roles = Object.keys(node.scopes).filter(isBody)
    if (roles.length > 0) {
      // What a body gives is told to the tool, which may ask the next one with it.
      said = this.#round(here.at, said)
      const inside = { ...here, decided: here.decided | said.any, by: [...here.by, here.at] }
      for (const role of roles) {
        const scope = node.scopes[role]!
        const types = this.#checked.scopes.get(scope)!.names
        const params = scope.params.map((name) => [narrow(said, types.get(name) ?? T.unknown), here.at] as const)
        said = this.#round(here.at, join(said, whole(this.#body(node, role, params, inside))))
      }
    }
    const label = narrow(said, facts.outcome)
    // What takes it back is called with its answer and its arguments, and with nothing else.
    this.#undo(node, label, args, here)
    return label
  }

  #undo(node: Node, out: Label, args: Label, here: Here): void {
    const params = [[out, here.at] as const, [args, inOf(here.at)] as const]
    this.#body(node, UNDO, params, { ...here, env: new Env() })
  }

  #sinks(node: Node, { sinks, input }: Signature, args: Label, { at, decided, by, env }: Here): void {
    for (const [arg, sort] of Object.entries(sinks ?? {})) {
      const fields = node.args.op === "record" ? node.args.fields : undefined
      const written = fields?.find(([name]) => name === arg)?.[1] ?? node.args
      const given = fieldIn(args, arg)
      const defaulted = input?.kind === "record" && input.fields[arg]?.default !== undefined
      if (given === undefined || (fields !== undefined && written === node.args && !defaulted)) continue
      const label = influenced(given, decided)
      this.#flows.push({
        at,
        arg,
        sort,
        label,
        node,
        expr: written,
        labelOf: (e) => labelOf(e, env.label),
        from: [...env.ports(written), ...by],
      })
    }
  }

  /** Back from the ports that a sink is made of to the nearest where the origin begins. */
  #way(start: readonly string[], origin: OriginSet): readonly string[] {
    const carries = (port: string, plane: "text" | "any") => ((this.#labels.get(port)?.[plane] ?? 0n) & origin) !== 0n
    for (const plane of ["text", "any"] as const) {
      const next = new Map<string, string | undefined>()
      const queue = start.filter((port) => carries(port, plane))
      for (const port of queue) next.set(port, undefined)
      for (const port of queue) {
        if (((this.#begins.get(port) ?? 0n) & origin) !== 0n) return steps(port, next)
        for (const before of this.#made.get(port) ?? []) {
          if (next.has(before) || !carries(before, plane)) continue
          next.set(before, port)
          queue.push(before)
        }
      }
    }
    return []
  }
}

/** Is it a body that runs as part of what the node does? */
const isBody = (role: string): boolean => role !== "catch" && role !== UNDO

const inOf = (at: string): string => `${at}#in`
const outOf = (at: string, role: string): string => `${at}#out ${role}`

/** The ports with a name of their own on the way from a source. */
function steps(source: string, next: ReadonlyMap<string, string | undefined>): readonly string[] {
  const out: string[] = []
  for (let port: string | undefined = source; port !== undefined; port = next.get(port)) {
    if (!port.includes("#")) out.push(port)
  }
  return out
}
