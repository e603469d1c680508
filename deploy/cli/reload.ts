/**
 * `serve --watch` and `mcp serve --watch`: graphs are checked, compiled and admitted again when a file is saved, and served from then on. What is wrong
 * is shown, and what was served before stays; runs on their way end on the plan that they began with.
 */
import type { Catalogue } from "../http/catalogue.ts"
import type { Session } from "../project/project.ts"
import { loadAll, showProblems } from "./check.ts"
import type { Call } from "./command.ts"
import { showError } from "./errors.ts"
import { Saves } from "./saves.ts"
import { onlyOnce, type ServedGraph, servedOf } from "./served.ts"

export interface Reloading {
  readonly call: Call
  /** What to serve, as the command line names it. */
  readonly words: readonly string[]
  readonly catalogue: Catalogue
  /** What is served from files by now. */
  served: readonly ServedGraph[]
  readonly sessions: ReadonlyMap<string, Session>
  readonly signal: AbortSignal
}

/** Watches until the signal. */
export async function watchGraphs(reloading: Reloading): Promise<void> {
  const { call, sessions, signal } = reloading
  const { env, err } = call.terminal
  const watches = [...sessions.keys()].map((folder) => new Saves(folder))
  const end = () => {
    for (const saves of watches) {
      saves.wake()
      saves.close()
    }
  }
  signal.addEventListener("abort", end, { once: true })
  const { dim } = err.colours
  await Promise.all(
    watches.map(async (saves) => {
      while (!signal.aborted) {
        const file = await saves.next()
        if (signal.aborted || file === undefined) return
        try {
          err.write(dim(`${file} was saved: ${await reloaded(reloading)}\n`))
        } catch (cause) {
          await showError(cause, call.terminal, !!env["SHADOWGRAPH_DEBUG"])
        }
      }
    }),
  )
}

/** Serves what the files say now; in words, what changed. */
async function reloaded(reloading: Reloading): Promise<string> {
  const { call, words: named, catalogue, sessions } = reloading
  const graphs = await loadAll(call, named)
  showProblems(
    call,
    graphs.flatMap((g) => g.problems),
    graphs,
  )
  if (!graphs.every((g) => g.checked !== undefined)) return "what was served before stays"
  onlyOnce(graphs)
  const before = new Map(reloading.served.map((g) => [g.name, g.hash]))
  const here = graphs.filter((g) => sessions.has(g.project.folder))
  const now = await Promise.all(here.map((graph) => servedOf(sessions.get(graph.project.folder)!, graph)))
  for (const graph of now) {
    if (before.get(graph.name) !== graph.hash) catalogue.put(graph)
    before.delete(graph.name)
  }
  for (const name of before.keys()) catalogue.delete(name)
  const known = new Map(reloading.served.map((g) => [g.name, g.hash]))
  const changed = now.filter((g) => known.get(g.name) !== g.hash).map((g) => g.name)
  reloading.served = now
  const gone = [...before.keys()].map((name) => `${name} is gone`)
  const words = [...changed.map((name) => `${name} is served anew`), ...gone]
  const elsewhere = graphs.length === here.length ? [] : ["graphs of new folders need a restart"]
  return [...words, ...elsewhere].join(", ") || "nothing changed"
}
