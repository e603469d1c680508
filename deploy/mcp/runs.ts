/**
 * Runs as resources: a list of what ran, newest first, and each with what it did, what it waits for, and what came of it.
 * A caller sees the runs of graphs that it may run, and of no others.
 */
import { printPath } from "../../graph/mod.ts"
import { type History, KernelError, type RunHead } from "../../kernel/mod.ts"
import { decodePlan } from "../../plan/mod.ts"
import { waitText } from "../engine/again.ts"
import type { Engine } from "../engine/engine.ts"
import type { Caller } from "../http/callers.ts"
import type { RunsHost } from "../http/means.ts"
import { readable } from "./answers.ts"
import { type Contents, contentsOf } from "./content.ts"
import { type McpServing, outputUri, RUNS, runUri } from "./serving.ts"

const PAGE = 50
/** Older runs are read by their address; they are not listed. */
const LISTED_MAX = 1_000

export const RUN_TEMPLATES = [
  {
    uriTemplate: `${RUNS}{run}`,
    name: "run",
    title: "A run",
    description: "What a run did, what it waits for, and what came of it.",
    mimeType: "application/json",
  },
  {
    uriTemplate: `${RUNS}{run}/output`,
    name: "run_output",
    title: "The output of a run",
    description: "The value that a run ended in: text, JSON, or the bytes of a file.",
  },
] as const

export interface Listed {
  readonly uri: string
  readonly name: string
  readonly title: string
  readonly mimeType: string
  readonly annotations?: { readonly lastModified: string }
}

/** A page of runs, and where the next one begins. `cursor`: how many came before. */
export async function listRuns(
  { hosts }: McpServing,
  caller: Caller,
  cursor: number,
): Promise<{ readonly resources: readonly Listed[]; readonly next: number | undefined }> {
  const limit = Math.min(cursor + PAGE + 1, LISTED_MAX)
  const heads: { readonly engine: Engine; readonly head: RunHead }[] = []
  for (const { engine } of hosts)
    for (const head of await engine.store.runs(engine.space, limit)) heads.push({ engine, head })
  // Ids of runs begin with the time at which they began.
  heads.sort((a, b) => (a.head.run < b.head.run ? 1 : -1))
  const page = heads.slice(cursor, cursor + PAGE)
  const resources: Listed[] = []
  for (const { engine, head } of page) {
    const seen = await seenBy(engine, head.run, caller)
    if (seen === undefined) continue
    if ("unreadable" in seen) {
      const title = `${head.run}, ${seen.unreadable.reason}`
      resources.push({ uri: runUri(head.run), name: head.run, title, mimeType: "application/json" })
      continue
    }
    const { graph, history } = seen
    resources.push({
      uri: runUri(head.run),
      name: `${graph} ${head.run}`,
      title: `${graph}, ${statusOf(history)}`,
      mimeType: "application/json",
      annotations: { lastModified: new Date(history.began).toISOString() },
    })
  }
  return { resources, next: heads.length > cursor + PAGE ? cursor + PAGE : undefined }
}

/** The run of an address, where it is one that the caller may see. */
export async function findRun(
  hosts: readonly RunsHost[],
  run: string,
  caller: Caller,
): Promise<{ readonly graph: string; readonly history: History } | Unreadable | undefined> {
  for (const { engine } of hosts) {
    if ((await engine.store.entries(engine.space, run)).rows.length === 0) continue
    return await seenBy(engine, run, caller)
  }
  return undefined
}

/** A run whose data were redacted, or whose record is damaged: that it is there is all that can be said of it. */
interface Unreadable {
  readonly unreadable: KernelError
}

async function seenBy(
  engine: Engine,
  run: string,
  { may, holder }: Caller,
): Promise<{ readonly history: History; readonly graph: string } | Unreadable | undefined> {
  let history: History
  try {
    history = await engine.history(run)
  } catch (cause) {
    if (!(cause instanceof KernelError) || (cause.reason !== "redacted" && cause.reason !== "corrupt")) throw cause
    return holder?.graphs === undefined ? { unreadable: cause } : undefined
  }
  const bytes = await engine.store.getBlob(history.plan)
  const graph = bytes === undefined ? undefined : decodePlan(bytes).name
  // Whose graph is not known is nobody's but of who may run all.
  if (graph === undefined ? holder?.graphs !== undefined : !may(graph)) return undefined
  return { history, graph: graph ?? history.graph.slice(0, 12) }
}

type Status = "ended" | "parked" | "unfinished"
const statusOf = ({ end, waits }: History): Status => (end ? "ended" : waits.size > 0 ? "parked" : "unfinished")

/** Which run an address is of, and which part of it; undefined: of none. */
export function runOf(uri: string): { readonly run: string; readonly part: "run" | "output" } | undefined {
  const found = /^shadowgraph:\/\/runs\/([0-9A-Za-z_-]{1,64})(\/output)?(?:#.*)?$/.exec(uri)
  return found === null ? undefined : { run: found[1]!, part: found[2] === undefined ? "run" : "output" }
}

/** The contents of a run's resource; undefined where there is none: no such run, or none that has ended well. */
export async function readRun(serving: McpServing, uri: string, caller: Caller): Promise<Contents | undefined> {
  const of = runOf(uri)
  const found = of === undefined ? undefined : await findRun(serving.hosts, of.run, caller)
  if (of === undefined || found === undefined) return undefined
  if ("unreadable" in found) {
    const { reason, message } = found.unreadable
    const text = JSON.stringify({ run: of.run, status: reason, message })
    return of.part === "output" ? undefined : { uri, mimeType: "application/json", text }
  }
  const { graph, history } = found
  const { end } = history
  if (of.part === "output") return end?.outcome.ok === true ? contentsOf(end.outcome.value, uri) : undefined
  const told = {
    run: of.run,
    graph,
    status: statusOf(history),
    began: new Date(history.began).toISOString(),
    input: readable(history.input),
    calls: [...history.known.values()].map(({ path, effect, resource, message, how }) => ({
      node: printPath(path),
      effect,
      resource,
      ...(how === undefined ? {} : { delivery: how }),
      ...(message === null ? {} : { failed: message }),
    })),
    waits: [...history.waits.values()].map((wait) => ({
      node: printPath(wait.path),
      why: wait.why,
      text: waitText(wait),
    })),
    ...(end === undefined ? {} : endOf(end, of.run)),
    ledger: { position: history.head.seq },
  }
  return { uri, mimeType: "application/json", text: JSON.stringify(told) }
}

function endOf({ outcome, trace }: NonNullable<History["end"]>, run: string): object {
  if (outcome.ok) return { ok: true, output: readable(outcome.value), outputUri: outputUri(run), trace }
  const { code, message, path } = outcome.failure
  return { ok: false, failure: { code, message, ...(path ? { node: printPath(path) } : {}) }, trace }
}
