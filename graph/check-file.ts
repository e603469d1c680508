/**
 * A graph file read and checked in one step: what `check`, `compile` and every editor want. Problems of form and of
 * meaning come in one list, in the order of the lines.
 */
import { type CheckOptions, check } from "./check.ts"
import type { CheckedGraph } from "./checked.ts"
import { type ReadOptions, readGraph } from "./file/read.ts"
import type { Graph } from "./ir.ts"
import type { Places } from "./places.ts"
import { inOrder, type Problem } from "./problem.ts"

export interface FileChecked {
  /** There only when no problem is an error. */
  readonly checked?: CheckedGraph
  /** The graph as far as it could be read. */
  readonly graph?: Graph
  readonly places: Places
  readonly problems: readonly Problem[]
}

/** Reads and checks a graph file and its subgraphs. Never throws on any text. */
export function checkFile(
  file: { readonly file: string; readonly text: string },
  options: ReadOptions & Omit<CheckOptions, "places">,
): FileChecked {
  const { graph, places, problems } = readGraph(file, options)
  if (graph === undefined) return { places, problems }
  const result = check(graph, { ...options, places })
  const all = inOrder([...problems, ...result.problems])
  const sound = result.checked !== undefined && !problems.some((p) => p.severity === "error")
  return { graph, places, problems: all, ...(sound ? { checked: result.checked! } : {}) }
}
