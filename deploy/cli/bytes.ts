/** The plan that a word names: the bytes of a plan file, or those of a graph, which is checked and compiled first. */
import { resolve } from "node:path"
import type { CheckedGraph, Services } from "../../graph/mod.ts"
import { openProject, type Project } from "../project/project.ts"
import { bytesOf, findSource, type Source } from "../project/source.ts"
import type { Call } from "./command.ts"
import { policyOf } from "./policy.ts"

export interface Program {
  readonly source: Source
  readonly project: Project
  readonly bytes: Uint8Array
  /** Of a graph, not of a plan. */
  readonly checked?: CheckedGraph
  readonly inline?: Services["inline"]
}

/** Undefined where the graph has problems, which are then shown. Warnings are shown on a terminal. */
export async function programOf(call: Call, named: string): Promise<Program | undefined> {
  const { cwd, err } = call.terminal
  const source = await findSource(named, cwd)
  const folder = call.text("in")
  const project = await openProject(folder === undefined ? source.folder : resolve(cwd, folder), policyOf(call))
  if (source.kind === "plan") return { source, project, bytes: new Uint8Array(await bytesOf(source)) }
  const [{ compile }, { loadGraph }, { showProblems }] = await Promise.all([
    import("../../compile/mod.ts"),
    import("../project/load.ts"),
    import("./check.ts"),
  ])
  const graph = await loadGraph(source, project, { cwd })
  const { checked, problems, inline } = graph
  if (checked === undefined || (err.isTerminal && !call.on("quiet"))) showProblems(call, problems, [graph])
  if (checked === undefined) return undefined
  return { source, project, checked, bytes: compile(checked).bytes, ...(inline ? { inline } : {}) }
}
