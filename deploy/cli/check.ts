/** `check`: reads and checks graphs, and shows every problem at its place. */
import { resolve } from "node:path"
import { leastNeeds, type Problem, renderProblems } from "../../graph/mod.ts"
import { type LoadedGraph, loadGraph } from "../project/load.ts"
import { graphFiles, openProject, type Project } from "../project/project.ts"
import { findSource, type Source, sourceOf } from "../project/source.ts"
import { type Call, CliError, EXIT } from "./command.ts"
import { printable } from "./errors.ts"
import { policyOf } from "./policy.ts"
import { triggersOf } from "./triggers.ts"

export async function run(call: Call): Promise<number> {
  const { terminal } = call
  const graphs = await loadAll(call, call.words, { strict: call.on("strict") })
  const triggers = await triggersOf(call, graphs)
  const problems = unique([...graphs.flatMap((g) => g.problems), ...triggers.problems])
  const sound = graphs.every((g) => g.checked !== undefined) && triggers.problems.length === 0
  if (call.on("json")) {
    const files = graphs.map(({ source, checked }) => ({
      file: source.shown,
      graph: checked?.graph.name ?? null,
      hash: checked?.hash ?? null,
      needs: checked === undefined ? null : leastNeeds(checked),
    }))
    terminal.out.write(`${JSON.stringify({ ok: sound, files, problems }, null, 2)}\n`)
    return sound ? EXIT.ok : EXIT.failed
  }
  showProblems(call, problems, [...graphs, triggers])
  if (sound)
    for (const graph of graphs) {
      terminal.out.write(`${call.on("needs") ? needsLine(graph, graphs.length) : soundLine(call, graph)}\n`)
      if (!call.on("labels")) continue
      const { labelLines } = await import("./labels.ts")
      for (const line of labelLines(graph.checked!)) terminal.out.write(`${printable(line)}\n`)
    }
  return sound ? EXIT.ok : EXIT.failed
}

export interface Named extends LoadedGraph {
  readonly source: Source
  readonly project: Project
}

/** The graphs that were named, or all below the folder where none was; each checked with its own folder's lock. */
export async function loadAll(
  call: Call,
  words: readonly string[],
  options: { readonly strict?: boolean; readonly policy?: readonly string[] } = {},
): Promise<readonly Named[]> {
  const { cwd } = call.terminal
  const sources = await sourcesOf(words, cwd)
  const projects = new Map<string, Promise<Project>>()
  const graphs: Named[] = []
  for (const source of sources) {
    let project = projects.get(source.folder)
    if (project === undefined)
      projects.set(source.folder, (project = openProject(source.folder, options.policy ?? policyOf(call))))
    graphs.push({ ...(await loadGraph(source, await project, { cwd, ...options })), source, project: await project })
  }
  return graphs
}

async function sourcesOf(words: readonly string[], cwd: string): Promise<readonly Source[]> {
  const { stat } = await import("node:fs/promises")
  const all: Source[] = []
  for (const word of words.length === 0 ? ["."] : words) {
    const folder = resolve(cwd, word)
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
      all.push(await findSource(word, cwd))
      continue
    }
    const files = await graphFiles(folder)
    if (files.length === 0) {
      throw new CliError({
        reason: "failed",
        message: `There is no graph file in "${word}"`,
        hints: [
          "A graph file is called <name>.graph.yaml or <name>.graph.json.",
          "shadowgraph init   makes one that runs",
        ],
        exit: EXIT.failed,
      })
    }
    all.push(...files.map((file) => sourceOf(file, cwd)))
  }
  return [...new Map(all.map((s) => [`${s.path}#${s.name ?? ""}`, s])).values()]
}

/** Shows problems on the error stream, with the lines of the files that they are about. */
export function showProblems(
  call: Call,
  problems: readonly Problem[],
  graphs: readonly Pick<LoadedGraph, "sources">[],
): void {
  if (problems.length === 0) return
  const { err } = call.terminal
  const sourceOf = (file: string) => graphs.find((g) => g.sources.has(file))?.sources.get(file)
  err.write(renderProblems(problems, sourceOf, { colour: err.colours.isColorSupported }))
}

/** Two graphs with one subgraph report its problems once. */
const unique = (problems: readonly Problem[]): readonly Problem[] => [
  ...new Map(problems.map((p) => [JSON.stringify([p.code, p.place, p.path, p.message]), p])).values(),
]

function soundLine({ terminal: { out } }: Call, { source, checked }: Named): string {
  const { green, dim } = out.colours
  const needs = leastNeeds(checked!)
  const nodes = `${checked!.size} node${checked!.size === 1 ? "" : "s"}`
  const wide = out.isTerminal ? out.columns() : Number.POSITIVE_INFINITY
  const words = needs.length === 0 ? "" : `needs ${needs.join(" ")}`
  const fits = `ok  ${source.shown}  ${nodes}, ${words}`.length <= wide
  const tail = words === "" ? "" : fits ? `, ${words}` : `\n    ${words}`
  return `${green("ok")}  ${source.shown}  ${dim(`${nodes}${tail}`)}`
}

const needsLine = ({ source, checked }: Named, of: number): string =>
  `${of > 1 ? `${source.shown}: ` : ""}needs: [${leastNeeds(checked!).join(", ")}]`
