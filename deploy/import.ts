/**
 * Graph files in TypeScript programs: `importGraph("./quote.graph.yaml", import.meta.url)` gives a graph like one that was
 * written there. With `shadowgraph/register` loaded first, `import quote from "./quote.graph.yaml"` does the same.
 */
import { dirname, relative, resolve } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { type Graph, imported } from "../graph/build/mod.ts"
import { type Failure, GraphProblems, type Graph as Ir, type Scope } from "../graph/mod.ts"
import { loadGraph } from "./project/load.ts"
import { openProject, type Project } from "./project/project.ts"
import { type Source, sourceOf } from "./project/source.ts"

interface File {
  readonly source: Source
  readonly project: Project
}

/** The files that imported graphs were read from. */
const files = new WeakMap<Ir, File>()

/** Where an imported graph's relative paths count from. */
export const folderOf = ({ ir }: { readonly ir: Ir }): string | undefined => files.get(ir)?.source.folder

/**
 * A graph whose relative paths count from `folder`, with every imported graph in it read as it is written from there: a program
 * imports it before anybody knows where the graph around it will run. Fails with `GraphProblems` or `ProjectError`.
 */
export const inFolder = (graph: Ir, folder: string): Promise<Ir> => new Placing(folder).graph(graph)

class Placing {
  readonly #folder: string
  /** A graph that is called twice is one graph. */
  readonly #placed = new Map<Ir, Promise<Ir>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  graph(graph: Ir): Promise<Ir> {
    let placed = this.#placed.get(graph)
    if (placed === undefined) this.#placed.set(graph, (placed = this.#place(graph)))
    return placed
  }

  async #place(graph: Ir): Promise<Ir> {
    const file = files.get(graph)
    if (file !== undefined) return this.#read(graph, file)
    const body = await this.#scope(graph.body)
    return body === graph.body ? graph : { ...graph, body }
  }

  async #read(graph: Ir, { source, project }: File): Promise<Ir> {
    const folder = relative(this.#folder, source.folder)
    if (folder === "") return graph
    const read = await loadGraph(source, project, { cwd: process.cwd(), folder })
    if (read.graph === undefined) throw GraphProblems.of(read.problems)
    return read.graph
  }

  async #scope(scope: Scope): Promise<Scope> {
    const nodes = await Promise.all(
      scope.nodes.map(async (node) => {
        const graph = node.graph && (await this.graph(node.graph))
        const own = Object.entries(node.scopes)
        const inner = await Promise.all(own.map(([, s]) => this.#scope(s)))
        if (graph === node.graph && inner.every((s, i) => s === own[i]![1])) return node
        const scopes = Object.fromEntries(own.map(([role], i) => [role, inner[i]!]))
        return { ...node, scopes, ...(graph === undefined ? {} : { graph }) }
      }),
    )
    return nodes.every((node, i) => node === scope.nodes[i]) ? scope : { ...scope, nodes }
  }
}

/**
 * Reads and checks a graph file with its folder's lock. `from` is the module that names it (`import.meta.url`); without it
 * the path counts from the working folder. Fails with `GraphProblems` or `ProjectError`.
 */
export async function importGraph<I = never, A = unknown, E = Failure, R = never>(
  file: string | URL,
  from?: string,
): Promise<Graph<I, A, E, R>> {
  const base = from === undefined ? process.cwd() : dirname(fileURLToPath(from))
  const path = file instanceof URL || file.startsWith("file:") ? fileURLToPath(file) : resolve(base, file)
  const source = sourceOf(path, process.cwd())
  const project = await openProject(source.folder)
  const { checked, problems } = await loadGraph(source, project, { cwd: process.cwd() })
  if (checked === undefined) throw GraphProblems.of(problems.filter((p) => p.severity === "error"))
  files.set(checked.graph, { source, project })
  return imported<I, A, E, R>(checked)
}
