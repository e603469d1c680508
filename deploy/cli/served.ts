/** The graphs of a command line, admitted and ready to be served, whichever way callers come: over HTTP or as tools of MCP. */
import { compile } from "../../compile/mod.ts"
import { hex, sha256, type Type } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import type { Observer } from "../engine/observe.ts"
import type { Served } from "../http/app.ts"
import { byGrants } from "../http/catalogue.ts"
import type { LedgerPlace } from "../ledger/place.ts"
import { openSession, type Project, type Session } from "../project/project.ts"
import { startable } from "../triggers/serve.ts"
import type { Preparable, Prepare, Started } from "../triggers/start.ts"
import { missingGrants } from "./admit.ts"
import { budgetsOf } from "./budget.ts"
import type { Named } from "./check.ts"
import { type Call, CliError, EXIT } from "./command.ts"
import { ledgerOf } from "./ledger_option.ts"
import { speculateOf } from "./speculate.ts"

/** A graph of a folder that is served. */
export interface ServedGraph extends Served, Preparable {
  readonly plan: Plan
  /** Of the plan's bytes. */
  readonly hash: string
  readonly folder: string
  /** The file that it is in. */
  readonly file: string
}

/** Each graph admitted with what is granted; one that lacks a grant is served as a refusal. Fails where the plan is refused otherwise. */
export async function serveAll(
  call: Call,
  graphs: readonly Named[],
  sessions: Session[],
  leaseMs: number | undefined,
  observe?: Observer,
): Promise<{ readonly served: readonly ServedGraph[]; readonly started: Started }> {
  const { env } = call.terminal
  const ledger = ledgerOf(call)
  const budgets = budgetsOf(call)
  const served: ServedGraph[] = []
  const started: { -readonly [K in keyof Started]: Started[K] } = { schedules: [], hooks: [], left: [] }
  onlyOnce(graphs)
  const folders = Map.groupBy(graphs, (g) => g.project)
  ledgersApart([...folders.keys()], ledger)
  for (const [project, own] of folders) {
    const all = call.on("yes") ? own.flatMap((g) => g.checked!.needs) : []
    const grants = [...project.file.grants, ...call.list("grant"), ...all]
    const session = await openSession(project, {
      grants,
      ledger,
      env,
      budgets,
      leaseMs,
      observe,
      ...speculateOf(call, project.file),
    })
    sessions.push(session)
    const here = await Promise.all(own.map((graph) => servedOf(session, graph)))
    served.push(...here)
    const starts = await startable(project, session, here, env)
    started.schedules = [...started.schedules, ...starts.schedules]
    started.hooks = [...started.hooks, ...starts.hooks]
    started.left = [...started.left, ...starts.left]
  }
  return { served, started }
}

/**
 * What a run's paths are counted from, and what its databases are, is its folder's: on one ledger for several, runs would be gone on with in the
 * wrong one. Fails with `CliError`.
 */
function ledgersApart(projects: readonly Project[], given: LedgerPlace | undefined): void {
  const seen = new Map<LedgerPlace, Project>()
  for (const project of projects) {
    const place = given ?? project.file.ledger ?? "file"
    // One for each folder, or each session.
    if (place === "file" || place === "memory") continue
    const other = seen.get(place)
    if (other !== undefined) {
      throw new CliError({
        reason: "failed",
        message: `Two folders of graphs would share one ledger: ${other.folder} and ${project.folder}`,
        hints: [
          'Say "ledger" in the shadowgraph.project.json of each, a database for each, and leave out --ledger.',
          "Or serve one folder at a time.",
        ],
        exit: EXIT.failed,
      })
    }
    seen.set(place, project)
  }
}

/** Sessions are opened in the order in which their folders come. */
export const byFolder = (graphs: readonly Named[], sessions: readonly Session[]): ReadonlyMap<string, Session> =>
  new Map([...new Set(graphs.map((g) => g.project.folder))].map((folder, i) => [folder, sessions[i]!]))

/** A graph is served by its name. Fails with `CliError`. */
export function onlyOnce(graphs: readonly Named[]): void {
  const names = graphs.map((g) => g.checked!.graph.name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice === undefined) return
  throw new CliError({
    reason: "failed",
    message: `Two graphs are called "${twice}"`,
    hints: ["A graph is served by its name: rename one."],
    exit: EXIT.failed,
  })
}

/** A checked graph compiled and admitted by a session. Fails with `AdmissionError` where it is refused for more than want of a grant. */
export async function servedOf(session: Session, { source, checked, inline }: Named): Promise<ServedGraph> {
  const { plan, bytes } = compile(checked!)
  const { name, about } = checked!.graph
  const prepare: Prepare = (options = {}) =>
    session.prepare(bytes, inline, { graph: checked!.hash, ...options }).catch((cause: unknown) => {
      if (cause instanceof AdmissionError && missingGrants(cause) !== undefined) return cause
      throw cause
    })
  const ready = await prepare()
  return {
    name,
    about,
    needs: plan.needs,
    input: plan.types[plan.input] as Type,
    output: plan.types[plan.output]!,
    engine: session.engine,
    ready,
    readyFor: byGrants(prepare),
    prepare,
    plan,
    hash: hex(sha256(bytes)),
    folder: source.folder,
    file: source.path,
  }
}
