/**
 * A graph file as a value of the TypeScript builder: read, checked with the lock and the node kinds of its folder, and
 * ready to be run or to be called in another graph. What `import quote from "./quote.graph.yaml"` gives.
 */
import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { type Graph, graphOf } from "../graph/build/mod.ts"
import { GraphProblems } from "../graph/mod.ts"
import { openProject } from "./project.ts"
import { findSource, loadGraph } from "./source.ts"

/**
 * Reads a graph file. Its types are the caller's word, best the declaration that `shadowgraph types` writes:
 * `await graphFile<typeof import("./quote.graph.yaml").default>(new URL("quote.graph.yaml", import.meta.url))`.
 * Fails with `GraphProblems`, every problem with its place, or `ProjectError` where there is nothing to read.
 */
// biome-ignore lint/suspicious/noExplicitAny: stands for every graph
export async function graphFile<G extends Graph<any, any, any, any>>(file: string | URL): Promise<G> {
  const path = resolve(file instanceof URL ? fileURLToPath(file) : file)
  const folder = dirname(path)
  const source = await findSource(path, folder)
  const { checked, problems } = await loadGraph(source, await openProject(folder), { cwd: folder })
  if (checked === undefined) throw GraphProblems.of(problems.filter((p) => p.severity === "error"))
  return graphOf<G>(checked)
}
