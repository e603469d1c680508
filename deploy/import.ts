/**
 * Graph files in TypeScript programs: `importGraph("./quote.graph.yaml", import.meta.url)` gives a graph like one that was
 * written there. With `shadowgraph/register` loaded first, `import quote from "./quote.graph.yaml"` does the same.
 */
import { dirname, relative, resolve } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { type Graph, imported } from "../graph/build/mod.ts"
import { type Failure, GraphProblems } from "../graph/mod.ts"
import { loadGraph } from "./project/load.ts"
import { openProject } from "./project/project.ts"
import { sourceOf } from "./project/source.ts"

/** Where each imported graph's relative paths count from. */
const folders = new WeakMap<object, string>()
export const folderOf = (graph: object): string | undefined => folders.get(graph)

/** What paths in graphs of TypeScript count from: a program's working folder, or that of the module that a command loads. */
let home: string | undefined
export const countFrom = (folder: string): void => void (home = folder)

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
  // As a call in another graph, its paths are written from where that one's count.
  const folder = relative(from === undefined ? (home ?? base) : base, source.folder)
  const inside = folder === "" ? undefined : (await loadGraph(source, project, { cwd: process.cwd(), folder })).graph
  const graph = imported<I, A, E, R>(checked, inside)
  folders.set(graph, source.folder)
  return graph
}
