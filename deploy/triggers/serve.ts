/** What starts runs by itself, put together for a server: schedules and hooks of a project with the graphs that are served. */
import type { CheckedGraph, Origin, Problem } from "../../graph/mod.ts"
import type { AdmissionError } from "../../kernel/mod.ts"
import type { PrepareOptions, Ready } from "../engine/engine.ts"
import type { ServedHook } from "../http/hooks.ts"
import type { Project, Session } from "../project/project.ts"
import { secretsFrom } from "../services/secrets.ts"
import { checkTriggers, type Startable } from "./check.ts"
import { hookFlows, inputOrigin } from "./flows.ts"
import type { Hook, Schedule } from "./read.ts"
import type { Scheduled } from "./scheduler.ts"

/** Admits a graph's plan: a refusal for want of a grant is an answer. Fails with `AdmissionError` for any other. */
export type Prepare = (options?: Pick<PrepareOptions, "within" | "input">) => Promise<Ready | AdmissionError>

/** A graph that is served, as a trigger needs it. */
export interface StartableGraph extends Startable {
  readonly prepare: Prepare
}

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

export interface Started {
  readonly schedules: readonly Scheduled[]
  readonly hooks: readonly ServedHook[]
  /** Schedules and hooks of graphs that are not served here. */
  readonly left: readonly string[]
}

/** Those triggers of a project whose graph is served. */
export async function startable(
  project: Project,
  session: Session,
  graphs: readonly StartableGraph[],
  env: { readonly [name: string]: string | undefined },
): Promise<Started> {
  const { schedules = [], hooks = [] } = project.file.triggers ?? {}
  const { engine, marks } = session
  const secret = secretsFrom(env)
  const readyOf = async (
    { graph, grants }: Schedule | Hook,
    input?: Origin,
  ): Promise<Ready | AdmissionError | undefined> => {
    const within = grants === undefined ? {} : { within: [grants] }
    return await graphs.find((g) => g.name === graph)?.prepare({ ...within, ...(input ? { input } : {}) })
  }
  const left: string[] = []
  const out: { schedules: Scheduled[]; hooks: ServedHook[] } = { schedules: [], hooks: [] }
  for (const schedule of schedules) {
    const ready = await readyOf(schedule)
    if (ready === undefined) left.push(schedule.name)
    else out.schedules.push({ schedule, engine, marks, ready })
  }
  for (const hook of hooks) {
    const ready = await readyOf(hook, inputOrigin(hook))
    if (ready === undefined) left.push(hook.name)
    else out.hooks.push({ hook, engine, ready, secret })
  }
  return { ...out, left }
}
