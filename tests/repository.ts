// The repository as data, for the tests about the code itself: its files, the imports and exports of a module, and
// the syntax nodes that a rule looks for. It parses with oxc, so a rule never trips over a string or a comment.
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { type ParseResult, parseSync, Visitor, type VisitorObject } from "oxc-parser"

/** The folder of the repository. */
export const root = join(import.meta.dirname, "..")

/** Rooms from the ground up, each with the rooms below that it may enter, by their `mod.ts` only. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  graph: [],
  plan: ["graph"],
  compile: ["graph", "plan"],
  kernel: ["graph", "plan"],
  audit: ["graph", "kernel"],
  gate: ["graph"],
  bus: ["graph", "plan", "kernel"],
  shadow: ["graph"],
  learn: ["graph", "gate", "shadow"],
  nodes: ["graph", "shadow"],
  deploy: ["graph", "plan", "compile", "kernel", "audit", "gate", "bus", "shadow", "learn", "nodes"],
}

/** Folders that hold our text, beside the rooms. Others are what somebody made in the clone with `shadowgraph init`. */
const FOLDERS = new Set([
  ...Object.keys(rooms),
  ".ci",
  "bench",
  "bin",
  "docs",
  "examples",
  "schema",
  "scripts",
  "tests",
])
/** Folders that hold no text of ours: installed, left behind by runs, or deliberately broken input. */
const SKIPPED = new Set(["node_modules", ".shadowgraph", "samples", "golden"])

/** Paths of all our files, relative to {@link root} with forward slashes, sorted. */
export function files(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      const ours = folder === root ? FOLDERS.has(entry.name) : !SKIPPED.has(entry.name)
      if (entry.isDirectory()) return ours ? files(path) : []
      return entry.isFile() ? [relative(root, path).replaceAll("\\", "/")] : []
    })
    .sort()
}

/** Folders at the top that git tracks and no rule would look at. */
export function strayFolders(): string[] {
  const listed = spawnSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).stdout
  const folders = new Set(
    listed.split("\n").flatMap((file) => (file.includes("/") ? [file.slice(0, file.indexOf("/"))] : [])),
  )
  return [...folders].filter((folder) => !FOLDERS.has(folder))
}

/** The text of a file named relative to {@link root}. */
export function read(file: string): string {
  return readFileSync(join(root, file), "utf8")
}

/** Whether a file is program text: TypeScript, or JavaScript that runs before anything is installed. */
export function isSource(file: string): boolean {
  return /\.(ts|mts|tsx|mjs|js)$/.test(file) && !file.endsWith(".d.ts")
}

/** Whether a file is a test, which may use what the code it tests may not. */
export function isTest(file: string): boolean {
  return file.startsWith("tests/") || /\.test(-d)?\.ts$/.test(file)
}

/** The room that a file lies in, or undefined outside the rooms. */
export function roomOf(file: string): string | undefined {
  const [folder = ""] = file.split("/")
  return folder in rooms ? folder : undefined
}

const parsed = new Map<string, ParseResult>()

/** The syntax tree of a file, parsed once. */
export function parse(file: string): ParseResult {
  const known = parsed.get(file)
  if (known) return known
  const result = parseSync(file, read(file))
  parsed.set(file, result)
  return result
}

/** A place in a file, as an editor opens it. */
export function place(file: string, offset: number): string {
  const before = read(file).slice(0, offset).split("\n")
  return `${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

/** Calls the visitor's methods for every syntax node of a file. */
export function visit(file: string, visitor: VisitorObject): void {
  new Visitor(visitor).visit(parse(file).program)
}

/** Everything a file imports, statically, dynamically, as a type or by re-export: specifier and offset. */
export function importsOf(file: string): { readonly specifier: string; readonly at: number }[] {
  const { module } = parse(file)
  const found = module.staticImports.map((each) => each.moduleRequest)
  for (const each of module.staticExports) {
    for (const entry of each.entries) if (entry.moduleRequest) found.push(entry.moduleRequest)
  }
  const imports = found.map(({ value, start }) => ({ specifier: value, at: start }))
  const literal = (node: { type: string; value?: unknown; start: number }) => {
    if (node.type === "Literal" && typeof node.value === "string")
      imports.push({ specifier: node.value, at: node.start })
  }
  visit(file, { ImportExpression: (node) => literal(node.source), TSImportType: (node) => literal(node.source) })
  return imports
}

/** The file that a relative import means, relative to {@link root}. */
export function resolveImport(file: string, specifier: string): string {
  return join(dirname(file), specifier).replaceAll("\\", "/")
}

/** The names a module exports, with `type` before those that vanish at run time; `export *` is followed. */
export function exportsOf(file: string): string[] {
  return parse(file).module.staticExports.flatMap((each) =>
    each.entries.flatMap((entry) => {
      const name = entry.exportName.name
      if (name !== null) return [`${entry.isType ? "type " : ""}${name}`]
      const from = entry.moduleRequest?.value
      if (entry.importName.kind !== "AllButDefault" || !from?.startsWith(".")) return [`* from ${from}`]
      return exportsOf(resolveImport(file, from))
    }),
  )
}
