/**
 * Graph files and modules become checked graphs, with every problem and the texts that its places point into. Apart from
 * `source.ts`, because a plan needs none of it, and no parser either.
 */
import { readFileSync } from "node:fs"
import { stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { checkFile, type Load } from "../../graph/file/mod.ts"
import { type CheckedGraph, check, type Graph, type Places, type Problem, pin, type Services } from "../../graph/mod.ts"
import { type Project, ProjectError, why } from "./project.ts"
import { bytesOf, type Source, sourceOf } from "./source.ts"

export interface LoadedGraph {
  /** There only when no problem is an error. */
  readonly checked?: CheckedGraph
  readonly graph?: Graph
  readonly problems: readonly Problem[]
  /** Text of each file that was read, by the name that places carry. */
  readonly sources: ReadonlyMap<string, string>
  readonly places?: Places
  /** Closures of a graph written in TypeScript. */
  readonly inline?: Services["inline"]
}

/** Reads and checks a graph. Problems are in the answer; fails with `ProjectError` where there is nothing to read. */
export async function loadGraph(
  source: Source,
  project: Project,
  options: {
    readonly cwd: string
    readonly strict?: boolean
    /** The file's folder, from the one that paths of a graph around it count from. */
    readonly folder?: string
  },
): Promise<LoadedGraph> {
  const strict = options.strict === true
  if (source.kind === "module") return loadModule(source, project, strict)
  if (source.kind === "plan") {
    throw new ProjectError({
      reason: "unreadable",
      message: `Cannot check "${source.shown}": it is a plan, wanted a graph`,
    })
  }
  const text = (await bytesOf(source)).toString("utf8")
  const sources = new Map([[source.shown, text]])
  const result = checkFile(
    { file: source.shown, text },
    {
      registry: project.registry,
      pin: pin(project.lock),
      policy: project.policy,
      strict,
      load: subgraphs(options.cwd, sources),
      ...(options.folder === undefined ? {} : { folder: options.folder }),
    },
  )
  return { ...result, sources }
}

/** Reads the files that `graph:` nodes name, and keeps their texts. */
const subgraphs =
  (cwd: string, sources: Map<string, string>): Load =>
  (path, from) => {
    const file = resolve(dirname(resolve(cwd, from)), path)
    const { shown } = sourceOf(file, cwd)
    try {
      const text = sources.get(shown) ?? readFileSync(file, "utf8")
      sources.set(shown, text)
      return { file: shown, text }
    } catch (cause) {
      return { problem: `${why(cause)} (${shown})` }
    }
  }

/** A graph as the TypeScript builder makes it: a callable with its IR and its closures. */
interface Built {
  readonly ir: Graph
  readonly code: ReadonlyMap<string, { readonly call: unknown }>
}
const isBuilt = (x: unknown): x is Built => {
  const b = x as Partial<Built> | null
  return (typeof b === "function" || typeof b === "object") && b !== null && typeof b.ir === "object" && !!b.code
}

/** The closures of a built graph as the `inline` service gives them. */
export const inlineOf = (built: { readonly code: Built["code"] }): NonNullable<Services["inline"]> => {
  return (code) => built.code.get(code)?.call as ReturnType<NonNullable<Services["inline"]>>
}

/** When each module was last changed as it was first imported here: a runtime never reads a module twice by one name. */
const imported = new Map<string, number>()

async function freshUrl(path: string): Promise<string> {
  const { href } = pathToFileURL(path)
  const { mtimeMs } = await stat(path)
  const before = imported.get(path) ?? mtimeMs
  imported.set(path, before)
  return before === mtimeMs ? href : `${href}?saved=${mtimeMs}`
}

/** Imports the module, which runs its code, and checks the graph that it exports. */
async function loadModule(source: Source, project: Project, strict: boolean): Promise<LoadedGraph> {
  const refuse = (problem: string, cause?: unknown) =>
    new ProjectError({
      reason: "unreadable",
      message: `Cannot load a graph from "${source.shown}": ${problem}`,
      ...(cause === undefined ? {} : { cause }),
    })
  let exports: { readonly [name: string]: unknown }
  try {
    // The module may import graph files. Where the runtime cannot learn that, such an import says so itself.
    await import("../register.ts").catch(() => {})
    exports = await import(await freshUrl(source.path))
  } catch (cause) {
    throw refuse((cause as { message?: string }).message ?? String(cause), cause)
  }
  const graphs = Object.entries(exports).filter((e): e is [string, Built] => isBuilt(e[1]))
  const names = graphs.map(([name]) => name)
  const wanted = source.name ?? (graphs.length === 1 ? names[0] : "default")
  const found = graphs.find(([name]) => name === wanted)?.[1]
  if (found === undefined) {
    const which =
      graphs.length === 0
        ? "it exports no graph"
        : `name one of its graphs: ${names.map((n) => `${source.shown}#${n}`).join(", ")}`
    throw refuse(which)
  }
  const { inFolder } = await import("../import.ts")
  const ir = await inFolder(found.ir, source.folder)
  const { checked, problems } = check(ir, {
    registry: project.registry,
    pin: pin(project.lock),
    policy: project.policy,
    strict,
  })
  return { ...(checked ? { checked } : {}), graph: ir, problems, sources: new Map(), inline: inlineOf(found) }
}
