/**
 * What starts runs by itself, put together for whoever serves: schedules and hooks, each with its graph admitted within the grants that it
 * has. On servers and in deployments alike, so nothing here reads a project or compiles.
 */
import type { Origin, Services } from "../../graph/mod.ts"
import type { AdmissionError } from "../../kernel/mod.ts"
import type { Engine, PrepareOptions, Ready } from "../engine/engine.ts"
import type { Marks } from "../engine/marks.ts"
import type { ServedHook } from "../http/hooks.ts"
import type { Hook, Schedule } from "./read.ts"
import type { Scheduled } from "./scheduler.ts"

/** Admits a graph's plan: a refusal for want of a grant is an answer. Fails with `AdmissionError` for any other. */
export type Prepare = (options?: Pick<PrepareOptions, "within" | "input">) => Promise<Ready | AdmissionError>

/** A graph that is served, as a trigger needs it. */
export interface Preparable {
  readonly name: string
  readonly prepare: Prepare
}

export interface Started {
  readonly schedules: readonly Scheduled[]
  readonly hooks: readonly ServedHook[]
  /** Schedules and hooks of graphs that are not served here. */
  readonly left: readonly string[]
}

/** Where their runs are made, and what they are made with. */
export interface StartedBy {
  readonly engine: Engine
  readonly marks: Marks
  readonly secret: NonNullable<Services["secret"]>
}

/** Whose words the input of a hook is, as the policy names it: `tool hook:pushed`. */
export const senderOf = ({ name }: Pick<Hook, "name">): Origin => ({ who: "tool", of: `hook:${name}` })

/** Whose the input of a hook's runs is: what is written down in the project's file is the user's own. */
export const inputOrigin = (hook: Hook): Origin | undefined => (hook.input.kind === "expr" ? senderOf(hook) : undefined)

/** Those triggers whose graph is among these. */
export async function started(
  { schedules, hooks }: { readonly schedules: readonly Schedule[]; readonly hooks: readonly Hook[] },
  { engine, marks, secret }: StartedBy,
  graphs: readonly Preparable[],
): Promise<Started> {
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
