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

/**
 * Serves what the files say now; in words, what changed. A graph that is wrong is shown and stays as it was served before, and is
 * in the way of no other.
 */
async function reloaded(reloading: Reloading): Promise<string> {
  const { call, words: named, catalogue, sessions, served } = reloading
  const graphs = await loadAll(call, named)
  showProblems(
    call,
    graphs.flatMap((g) => g.problems),
    graphs,
  )
  const sound = graphs.filter((g) => g.checked !== undefined)
  onlyOnce(sound)
  const here = sound.filter((g) => sessions.has(g.project.folder))
  const now: ServedGraph[] = []
  const wrong = new Set(graphs.flatMap((g) => (g.checked === undefined ? [g.source.path] : [])))
  for (const graph of here) {
    try {
      now.push(await servedOf(sessions.get(graph.project.folder)!, graph))
    } catch (cause) {
      wrong.add(graph.source.path)
      await showError(cause, call.terminal, !!call.terminal.env["SHADOWGRAPH_DEBUG"])
    }
  }
  const names = new Set(now.map((g) => g.name))
  const kept = served.filter((g) => wrong.has(g.file) && !names.has(g.name))
  const before = new Map(served.map((g) => [g.name, g.hash]))
  const changed = now.filter((g) => before.get(g.name) !== g.hash)
  for (const graph of changed) catalogue.put(graph)
  reloading.served = [...now, ...kept]
  const left = new Set(reloading.served.map((g) => g.name))
  const gone = served.filter((g) => !left.has(g.name)).map((g) => g.name)
  for (const name of gone) catalogue.delete(name)
  const told = [
    ...changed.map(({ name }) => `${name} is served anew`),
    ...gone.map((name) => `${name} is gone`),
    ...kept.map(({ name }) => `${name} stays as it was`),
    ...(sound.length === here.length ? [] : ["graphs of new folders need a restart"]),
  ]
  return told.join(", ") || (wrong.size > 0 ? "what was served before stays" : "nothing changed")
}
