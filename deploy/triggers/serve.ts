/** What starts runs by itself, put together for a server: schedules and hooks of a project with the graphs that are served. */
import type { Problem } from "../../graph/mod.ts"
import type { AdmissionError } from "../../kernel/mod.ts"
import type { Ready } from "../engine.ts"
import type { ServedHook } from "../http_hooks.ts"
import type { Project, Session } from "../project.ts"
import { secretsFrom } from "../services/secrets.ts"
import { checkTriggers, type Startable } from "./check.ts"
import type { Scheduled } from "./scheduler.ts"

/** A graph that is served, as a trigger needs it. */
export interface ServedGraph extends Startable {
  readonly ready: Ready | AdmissionError
  readonly readyFor?: (holder: {
    readonly name: string
    readonly grants: readonly string[]
  }) => Promise<Ready | AdmissionError>
}

/** Every problem of a project's triggers with its graphs. `partly`: not all of them are at hand. */
export const triggerProblems = (
  project: Project,
  graphs: readonly Startable[],
  partly: boolean,
): readonly Problem[] => {
  const { triggers } = project.file
  return triggers === undefined ? [] : checkTriggers(triggers, graphs, partly)
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
  graphs: readonly ServedGraph[],
  env: { readonly [name: string]: string | undefined },
): Promise<Started> {
  const { schedules = [], hooks = [] } = project.file.triggers ?? {}
  const { engine, marks } = session
  const secret = secretsFrom(env)
  const readyOf = async (trigger: {
    readonly name: string
    readonly graph: string
    readonly grants?: readonly string[]
  }) => {
    const graph = graphs.find((g) => g.name === trigger.graph)
    const { name, grants } = trigger
    return grants === undefined ? graph?.ready : ((await graph?.readyFor?.({ name, grants })) ?? graph?.ready)
  }
  const left: string[] = []
  const out: { schedules: Scheduled[]; hooks: ServedHook[] } = { schedules: [], hooks: [] }
  for (const schedule of schedules) {
    const ready = await readyOf(schedule)
    if (ready === undefined) left.push(schedule.name)
    else out.schedules.push({ schedule, engine, marks, ready })
  }
  for (const hook of hooks) {
    const ready = await readyOf(hook)
    if (ready === undefined) left.push(hook.name)
    else out.hooks.push({ hook, engine, ready, secret })
  }
  return { ...out, left }
}
