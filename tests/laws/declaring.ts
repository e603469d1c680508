// What graphs of the laws declare: databases and models that tools look up by name, limits of what they touch. Told from
// the graphs alone, as an author reads them: what each tool is to find, which bounds hold, and what no checker may let pass.
import type { Graph, Node, Rec, Scope, Value } from "../../graph/mod.ts"
import type { Chance } from "./chance.ts"
import type { Touches } from "./parts.ts"

export type Resources = { [section: string]: { [name: string]: Value } }

/** The folder of the outermost file, in a world of its own. */
export const HOME = "/home/project"

/** A path from a folder as a path from the root, without `.` and `..`. */
export function absolute(folder: string, path: string): string {
  const out: string[] = []
  for (const part of (path.startsWith("/") ? path : `${folder}/${path}`).split("/")) {
    if (part === "..") out.pop()
    else if (part !== "" && part !== ".") out.push(part)
  }
  return `/${out.join("/")}`
}

/** A path from the root as one from a folder. */
export function relative(folder: string, path: string): string {
  const from = folder.split("/").filter((part) => part !== "")
  const to = path.split("/").filter((part) => part !== "")
  while (from.length > 0 && from[0] === to[0]) {
    from.shift()
    to.shift()
  }
  return `${from.length === 0 ? "./" : ""}${[...from.map(() => ".."), ...to].join("/")}`
}

/** The settings of a tool with what it looks up in them: it answers by that, and not by a name. */
export function located(kind: string, config: Rec, resources: Graph["resources"]): Rec {
  const words: string[] = []
  const { at, section, place } = config
  if (typeof at === "string") {
    const found = resources[String(section)]?.[at]
    words.push(typeof found === "string" ? absolute(HOME, found) : (JSON.stringify(found) ?? "nothing"))
  }
  if (typeof place === "string") words.push(absolute(HOME, place))
  return words.length === 0 ? config : { ...config, [kind]: [config[kind], ...words].join(" ") }
}

/** What every node of a graph finds declared: what its own file says. */
export function resourcesOf(graph: Graph): ReadonlyMap<Node, Graph["resources"]> {
  const known = KNOWN.get(graph)
  if (known !== undefined) return known
  const found = new Map<Node, Graph["resources"]>()
  each(graph, (node, { resources }) => found.set(node, resources))
  KNOWN.set(graph, found)
  return found
}
const KNOWN = new WeakMap<Graph, ReadonlyMap<Node, Graph["resources"]>>()

export interface Bound {
  concurrent: number
  perSecond: number
}

/** The bounds of each resource: the tightest that any of the files states. */
export function boundsOf(graph: Graph): ReadonlyMap<string, Bound> {
  const bounds = new Map<string, Bound>()
  for (const { resources } of graphsOf(graph))
    for (const [resource, stated] of Object.entries(resources["limits"] ?? {})) {
      const { concurrent, per_second } = stated as { readonly concurrent?: number; readonly per_second?: number }
      const bound = bounds.get(resource) ?? {
        concurrent: Number.POSITIVE_INFINITY,
        perSecond: Number.POSITIVE_INFINITY,
      }
      bound.concurrent = Math.min(bound.concurrent, concurrent ?? Number.POSITIVE_INFINITY)
      bound.perSecond = Math.min(bound.perSecond, per_second ?? Number.POSITIVE_INFINITY)
      bounds.set(resource, bound)
    }
  return bounds
}

/** Why no checker may let the graph pass, as far as what is declared goes; undefined where it may. */
export function illDeclared(graph: Graph): string | undefined {
  const means = new Map<string, string>()
  for (const { resources } of graphsOf(graph))
    for (const [section, declared] of Object.entries(resources)) {
      if (section === "limits") continue
      for (const [name, value] of Object.entries(declared)) {
        const text = JSON.stringify(value)
        const other = means.get(`${section} ${name}`)
        if (other !== undefined && other !== text) return `${section}.${name} is ${text} and ${other}`
        means.set(`${section} ${name}`, text)
      }
    }
  for (const [node, resources] of resourcesOf(graph)) {
    const { at, section } = node.config
    if (typeof at === "string" && resources[String(section)]?.[at] === undefined)
      return `${node.name} looks up ${section}.${at}, which its file does not declare`
  }
  return undefined
}

/** A graph, and those inside it. */
export function graphsOf(graph: Graph): ReadonlySet<Graph> {
  const found = new Set([graph])
  each(graph, (node) => {
    if (node.graph !== undefined) found.add(node.graph)
  })
  return found
}

function each(graph: Graph, tell: (node: Node, graph: Graph) => void, seen = new Set<Graph>()): void {
  if (seen.has(graph)) return
  seen.add(graph)
  const scope = ({ nodes }: Scope): void => {
    for (const node of nodes) {
      tell(node, graph)
      for (const body of Object.values(node.scopes)) scope(body)
      if (node.graph !== undefined) each(node.graph, tell, seen)
    }
  }
  scope(graph.body)
}

// ---- making them

const NAMES = { databases: ["shop", "stock"], models: ["main"] } as const
/** What a name stands for, and what it stands for where two files do not agree. */
const THINGS: { readonly [section: string]: (name: string, odd: boolean) => Value } = {
  databases: (name, odd) => `${odd ? "./elsewhere" : "./data"}/${name}.db`,
  // In canonical order: what a plan gives back is.
  models: (name, odd) => ({ context: 8000, model: `${name}-${odd ? 2 : 1}` }),
}

/** Settings of a tool that looks something up, which its file then declares; mostly. */
export function lookingUp(c: Chance, resources: Resources): { readonly [key: string]: string } {
  const section = c.percent(75) ? "databases" : "models"
  const at = c.of<string>(NAMES[section])
  if (!c.percent(1)) {
    const declared = (resources[section] ??= {})
    declared[at] ??= THINGS[section]!(at, c.percent(4))
  }
  return { section, at, resource: `${section === "databases" ? "db" : "model"}:${at}` }
}

/** Bounds on some of what a graph touches. */
export function limiting(c: Chance, touches: Touches): { readonly [resource: string]: Value } {
  const limits: { [resource: string]: Value } = {}
  for (const resource of touches.keys()) {
    if (!c.percent(15)) continue
    const concurrent = c.percent(70) ? { concurrent: c.between(1, 3) } : {}
    const perSecond = Object.keys(concurrent).length === 0 || c.percent(30) ? { per_second: c.of([1, 5, 40]) } : {}
    limits[resource] = { ...concurrent, ...perSecond }
  }
  return limits
}
