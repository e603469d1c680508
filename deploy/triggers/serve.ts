/** What starts runs by itself, for a server of a project's graphs: whether it fits them, and with which of them it begins. */
import type { CheckedGraph, Problem } from "../../graph/mod.ts"
import type { Project, Session } from "../project/project.ts"
import { secretsFrom } from "../services/secrets.ts"
import { checkTriggers } from "./check.ts"
import { hookFlows } from "./flows.ts"
import { type Preparable, type Started, started } from "./start.ts"

/** Every problem of a project's triggers with its graphs. `partly`: not all of them are at hand. */
export function triggerProblems(
  project: Project,
  graphs: readonly CheckedGraph[],
  partly: boolean,
): readonly Problem[] {
  const { triggers } = project.file
  if (triggers === undefined) return []
  const known = graphs.map(({ graph, input }) => ({ name: graph.name, input }))
  return [...checkTriggers(triggers, known, partly), ...hookFlows(project, graphs)]
}

/** Those triggers of a project whose graph is served. */
export async function startable(
  project: Project,
  { engine, marks }: Session,
  graphs: readonly Preparable[],
  env: { readonly [name: string]: string | undefined },
): Promise<Started> {
  const { schedules = [], hooks = [] } = project.file.triggers ?? {}
  return await started({ schedules, hooks }, { engine, marks, secret: secretsFrom(env) }, graphs)
}
