/** Schedules and hooks on the command line: whether they fit their graphs, what comes next, and what came last. */
import { readFile, stat } from "node:fs/promises"
import { join, resolve } from "node:path"
import type { Problem } from "../../graph/mod.ts"
import { PROJECT_FILE } from "../project/file.ts"
import type { Named } from "./check.ts"
import type { Call } from "./command.ts"

/** Every problem of what starts these graphs by itself, with the texts that the places point into. */
export async function triggersOf(
  call: Call,
  graphs: readonly Named[],
): Promise<{ readonly problems: readonly Problem[]; readonly sources: ReadonlyMap<string, string> }> {
  const sources = new Map<string, string>()
  const problems: Problem[] = []
  const partly = (await Promise.all(call.words.map((word) => isFile(resolve(call.terminal.cwd, word))))).some((x) => x)
  const triggered = graphs.filter((g) => g.project.file.triggers !== undefined)
  if (triggered.length === 0) return { problems, sources }
  const { triggerProblems } = await import("../triggers/serve.ts")
  for (const [project, own] of Map.groupBy(triggered, (g) => g.project)) {
    const known = own.flatMap(({ checked }) => checked ?? [])
    // Of a graph that does not check, nothing can be said about what starts it.
    const found = triggerProblems(project, known, partly || known.length < own.length)
    if (found.length === 0) continue
    const file = join(project.folder, PROJECT_FILE)
    sources.set(file, await readFile(file, "utf8"))
    problems.push(...found)
  }
  return { problems, sources }
}

const isFile = async (path: string): Promise<boolean> => !(await stat(path).catch(() => undefined))?.isDirectory()
