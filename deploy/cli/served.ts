/** The graphs of a command line, admitted and ready to be served, whichever way callers come: over HTTP or as tools of MCP. */
import { compile } from "../../compile/mod.ts"
import type { Type } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import type { Ready } from "../engine.ts"
import type { Served } from "../http/app.ts"
import type { Holder } from "../http/holder.ts"
import { openSession, type Session } from "../project.ts"
import { type Prepare, type StartableGraph, type Started, startable } from "../triggers/serve.ts"
import { missingGrants } from "./admit.ts"
import { budgetsOf } from "./budget.ts"
import type { Named } from "./check.ts"
import { type Call, CliError, EXIT } from "./command.ts"
import { ledgerOf } from "./ledger_option.ts"
import { speculateOf } from "./speculate.ts"

/** Each graph admitted with what is granted; one that lacks a grant is served as a refusal. Fails where the plan is refused otherwise. */
export async function serveAll(
  call: Call,
  graphs: readonly Named[],
  sessions: Session[],
  leaseMs: number | undefined,
): Promise<{ readonly served: readonly Served[]; readonly started: Started }> {
  const { env } = call.terminal
  const ledger = ledgerOf(call)
  const budgets = budgetsOf(call)
  const served: Served[] = []
  const started: { -readonly [K in keyof Started]: Started[K] } = { schedules: [], hooks: [], left: [] }
  for (const [project, own] of Map.groupBy(graphs, (g) => g.project)) {
    const all = call.on("yes") ? own.flatMap((g) => g.checked!.needs) : []
    const grants = [...project.file.grants, ...call.list("grant"), ...all]
    const session = await openSession(project, {
      grants,
      ledger,
      env,
      budgets,
      leaseMs,
      ...speculateOf(call, project.file),
    })
    sessions.push(session)
    const startables: StartableGraph[] = []
    for (const { checked, inline } of own) {
      const { plan, bytes } = compile(checked!)
      const { name, about } = checked!.graph
      if (served.some((s) => s.name === name)) {
        throw new CliError({
          reason: "failed",
          message: `Two graphs are called "${name}"`,
          hints: ["A graph is served by its name: rename one."],
          exit: EXIT.failed,
        })
      }
      const prepare: Prepare = (options = {}) =>
        session.prepare(bytes, inline, { graph: checked!.hash, ...options }).catch((cause: unknown) => {
          if (cause instanceof AdmissionError && missingGrants(cause) !== undefined) return cause
          throw cause
        })
      const ready = await prepare()
      const input = plan.types[plan.input] as Type
      startables.push({ name, input, prepare })
      served.push({
        name,
        about,
        needs: plan.needs,
        input,
        output: plan.types[plan.output]!,
        ready,
        readyFor: byGrants(prepare),
        engine: session.engine,
      })
    }
    const here = await startable(project, session, startables, env)
    started.schedules = [...started.schedules, ...here.schedules]
    started.hooks = [...started.hooks, ...here.hooks]
    started.left = [...started.left, ...here.left]
  }
  return { served, started }
}

/** Plans admitted for tokens, one for all tokens with the same grants. */
function byGrants(prepare: Prepare) {
  const known = new Map<string, Promise<Ready | AdmissionError>>()
  return ({ grants }: Pick<Holder, "grants">): Promise<Ready | AdmissionError> => {
    const key = grants.join("\n")
    const before = known.get(key)
    if (before !== undefined) return before
    const made = prepare({ within: [grants] })
    made.catch(() => known.delete(key))
    known.set(key, made)
    return made
  }
}
