/**
 * Whose text a hook brings. What another server sends may have been written by anybody, so it is a tool's text and not the
 * user's: the policy says where it may go in the graph that the hook starts, and admission holds the plan against that. Here the
 * same is asked before a server starts, and told at the hook's own line.
 */
import { compile } from "../../compile/mod.ts"
import { type CheckedGraph, type Problem, pin } from "../../graph/mod.ts"
import { AdmissionError, admit } from "../../kernel/mod.ts"
import type { Project } from "../project/project.ts"
import { inputOrigin } from "./start.ts"

/** Flows of the project's hooks that its policy refuses. */
export function hookFlows(project: Project, graphs: readonly CheckedGraph[]): readonly Problem[] {
  const { triggers } = project.file
  if (triggers === undefined) return []
  const { reading, hooks } = triggers
  reading.problems.length = 0
  for (const hook of hooks) {
    const checked = graphs.find(({ graph }) => graph.name === hook.graph)
    const input = inputOrigin(hook)
    if (checked === undefined || input === undefined) continue
    const { bytes, plan } = compile(checked)
    const { registry, lock, policy } = project
    try {
      admit(bytes, { registry, grants: plan.needs, graph: checked.hash, pins: pin(lock), policy, input })
    } catch (cause) {
      if (!(cause instanceof AdmissionError)) throw cause
      // What else keeps the plan out is told where the graph is run: a tool that is not pinned yet, say.
      for (const { gate, message, fix } of cause.refusals)
        if (gate === "policy") reading.refuse(["hooks", hook.name, "input"], `${message}.`, fix, "G305")
    }
  }
  return [...reading.problems]
}
