// Graphs of the laws through their files: printed, each subgraph in a folder of its own with its paths written from there,
// read again from the outermost one, and checked.
import { printGraph, readGraph } from "../../graph/file/mod.ts"
import { type CheckedGraph, check, type Graph, type Node, type Scope, type Value } from "../../graph/mod.ts"
import type { Chance } from "./chance.ts"
import { absolute, HOME, relative } from "./declaring.ts"
import { kinds } from "./runs.ts"

const FOLDERS = [HOME, `${HOME}/parts`, `${HOME}/parts/deep`, "/home/shared", "/home", "/other/place"]

/** The graph printed, read and checked again; undefined where it has no such form (an IR says more than a file can). */
export function throughFiles(checked: CheckedGraph, chance: Chance): CheckedGraph | undefined {
  // A file's `while:` is an expression.
  if ([...checked.nodes.keys()].some((n) => (n.scopes["while"]?.nodes.length ?? 0) > 0)) return undefined
  const files = new Map<Graph, string>()
  for (const graph of checked.graphs.keys())
    files.set(
      graph,
      graph === checked.graph ? `${HOME}/laws.graph.yaml` : `${chance.of(FOLDERS)}/${graph.name}.graph.yaml`,
    )
  const texts = new Map([...files].map(([graph, file]) => [file, printGraph(placed(graph, files), kinds)]))
  const load = (path: string, from: string) => {
    const file = absolute(folderOf(from), path)
    return { file, text: texts.get(file)! }
  }
  const file = files.get(checked.graph)!
  const { graph, places, problems } = readGraph({ file, text: texts.get(file)! }, { registry: kinds, load })
  if (graph === undefined || problems.some((p) => p.severity === "error")) return undefined
  return check(graph, { registry: kinds, places }).checked
}

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf("/"))

/** A graph as its own file says it: a path of the outermost file's folder is written from the folder of this one. */
function placed(graph: Graph, files: ReadonlyMap<Graph, string>): Graph {
  const folder = folderOf(files.get(graph)!)
  const here = (path: Value): Value =>
    typeof path === "string" && !path.startsWith("/") ? relative(folder, absolute(HOME, path)) : path
  const node = (n: Node): Node => ({
    ...n,
    config: {
      ...n.config,
      ...(n.config["place"] === undefined ? {} : { place: here(n.config["place"]) }),
      ...(n.graph === undefined ? {} : { file: relative(folder, files.get(n.graph)!) }),
    },
    scopes: Object.fromEntries(Object.entries(n.scopes).map(([role, body]) => [role, scope(body)])),
  })
  const scope = (s: Scope): Scope => ({ ...s, nodes: s.nodes.map(node) })
  const { databases, ...others } = graph.resources
  const moved = Object.fromEntries(Object.entries(databases ?? {}).map(([name, path]) => [name, here(path)]))
  const resources = databases === undefined ? others : { ...others, databases: moved }
  return { ...graph, resources, body: scope(graph.body) }
}
