/**
 * Where a graph comes from: a graph file, a TypeScript module that exports one, or a compiled plan. Here the name that a
 * person gave becomes a place on the disk; `load.ts` reads what is there.
 */
import { readFile, stat } from "node:fs/promises"
import { dirname, relative, resolve } from "node:path"
import { graphFiles, ProjectError, why } from "./project.ts"

/** What a person named: where it lies, and what it is. */
export interface Source {
  readonly kind: "file" | "module" | "plan"
  /** Absolute. */
  readonly path: string
  /** As messages show it: relative to the working folder. */
  readonly shown: string
  /** The folder that relative paths in it count from. */
  readonly folder: string
  /** Of a module: the name of the export, where one was given after `#`. */
  readonly name?: string
}

const ENDINGS = ["", ".graph.yaml", ".graph.yml", ".graph.json", ".graph.ts", ".plan"]
const MODULE = /\.(ts|mts|js|mjs)$/

/**
 * Finds what was named: a file, the name of one without its ending, or a folder with one graph file. Fails with
 * `ProjectError`.
 */
export async function findSource(named: string, cwd: string): Promise<Source> {
  const hash = named.indexOf("#")
  const [file, name] = hash === -1 ? [named, undefined] : [named.slice(0, hash), named.slice(hash + 1)]
  for (const ending of ENDINGS) {
    const path = resolve(cwd, file + ending)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) return sourceOf(path, cwd, name)
    if (found?.isDirectory()) return onlyGraph(path, cwd)
  }
  const here = (await graphFiles(dirname(resolve(cwd, file))).catch(() => [])).map((f) => relative(cwd, f))
  const near =
    here.length === 0 ? "" : `. Graphs there: ${here.slice(0, 10).join(", ")}${here.length > 10 ? ", …" : ""}`
  throw new ProjectError({ reason: "unreadable", message: `Cannot find "${named}"${near}` })
}

export function sourceOf(path: string, cwd: string, name?: string): Source {
  const kind = path.endsWith(".plan") ? "plan" : MODULE.test(path) ? "module" : "file"
  const shown = relative(cwd, path)
  return {
    kind,
    path,
    shown: shown.startsWith("..") ? path : shown,
    folder: dirname(path),
    ...(name === undefined ? {} : { name }),
  }
}

async function onlyGraph(folder: string, cwd: string): Promise<Source> {
  const files = (await graphFiles(folder)).filter((file) => dirname(file) === folder)
  if (files.length === 1) return sourceOf(files[0]!, cwd)
  const found = files.length === 0 ? "none" : files.map((file) => relative(cwd, file)).join(", ")
  throw new ProjectError({
    reason: "unreadable",
    message: `Cannot tell which graph of "${relative(cwd, folder) || "."}" is meant: wanted one *.graph.yaml, found ${found}`,
  })
}

export async function bytesOf(source: Source): Promise<Buffer> {
  try {
    return await readFile(source.path)
  } catch (cause) {
    throw new ProjectError({ reason: "unreadable", message: `Cannot read "${source.shown}": ${why(cause)}`, cause })
  }
}
