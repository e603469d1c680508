/** `deploy`: graphs as the few files that a host wants. Says what the host lacks before anything is written. */
import { statSync } from "node:fs"
import { copyFile, mkdir, writeFile } from "node:fs/promises"
import { basename, dirname, join, relative, resolve } from "node:path"
import { type Deployment, deploymentOf } from "../emit/deployment.ts"
import type { Lack } from "../emit/lacks.ts"
import { INTERFACES, type Interface, isTarget, type Ledger, TARGETS, type Target, TRAITS } from "../emit/targets.ts"
import type { Speculate } from "../engine/speculate.ts"
import { ProjectError, why } from "../project/error.ts"
import type { ProjectFile } from "../project/project.ts"
import { loadAll, type Named, showProblems } from "./check.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { originsOf } from "./serve_limits.ts"
import { speculateOf } from "./speculate.ts"
import { triggersOf } from "./triggers.ts"
import { versionOf } from "./version.ts"

export async function run(call: Call): Promise<number> {
  const [target = "", ...words] = call.words
  if (!isTarget(target)) {
    throw new CliError({
      reason: "usage",
      message: target === "" ? "deploy wants a target" : `"${target}" is no target`,
      hints: [`Targets: ${TARGETS.join(", ")}`],
      exit: EXIT.usage,
      near: { word: target, among: TARGETS },
    })
  }
  const graphs = await loadAll(call, words)
  showProblems(
    call,
    graphs.flatMap((g) => g.problems),
    graphs,
  )
  if (!graphs.every((g) => g.checked !== undefined)) return EXIT.failed
  const wrong = await triggersOf(call, graphs)
  showProblems(call, wrong.problems, [wrong])
  if (wrong.problems.length > 0) return EXIT.failed
  const { project } = ofOneFolder(graphs)
  const needs = call.on("yes") ? graphs.flatMap((g) => g.checked!.needs) : []
  const deployment = await deploymentOf({
    target,
    graphs: graphs.map((g) => g.checked!),
    project,
    grants: [...new Set([...project.file.grants, ...call.list("grant"), ...needs])].sort(),
    ledger: ledgerOf(call, target),
    interface: interfaceOf(call, target),
    mcp: mcpOf(call, target),
    version: versionOf(),
    origins: corsOf(call, target),
    open: call.on("open"),
    speculate: boundsOf(call, project.file),
    name: nameOf(call, graphs),
  })
  const refused = deployment.lacks.filter((lack) => !lack.harmless)
  const goes = refused.length === 0 || call.on("force")
  if (!call.on("json")) showLacks(call, target, deployment)
  const folder = resolve(call.terminal.cwd, call.text("out") ?? `deploy-${target}`)
  if (goes) await write(folder, deployment)
  const shown = relative(call.terminal.cwd, folder) || "."
  if (call.on("json")) call.terminal.out.write(asJson(target, shown, deployment, goes))
  else if (goes) showWritten(call, shown, deployment)
  else {
    throw new CliError({
      reason: "failed",
      message: `Nothing was written: what ${graphs.length === 1 ? "the graph needs" : "the graphs need"} is not there on ${TRAITS[target].title}`,
      hints: ["--force writes it all the same"],
      exit: EXIT.failed,
    })
  }
  return goes ? EXIT.ok : EXIT.failed
}

/** Bounds of looking ahead, by the command line over what the project's file says; undefined: runs do not. */
function boundsOf(call: Call, file: ProjectFile): Speculate | undefined {
  const { speculate = file.speculate } = speculateOf(call, file)
  return speculate === false ? undefined : speculate
}

/** Policy, lock, budgets and grants are those of a folder, so a deployment is of one. */
function ofOneFolder(graphs: readonly Named[]): Named {
  const [first, ...others] = graphs
  const other = others.find(({ project }) => project.folder !== first!.project.folder)
  if (other === undefined) return first!
  throw usage(
    `"${first!.source.shown}" and "${other.source.shown}" are of two folders, each with a lock and grants of its own`,
    "Deploy them one by one, with --out for each.",
  )
}

function ledgerOf(call: Call, target: Target): Ledger {
  const { ledgers, title } = TRAITS[target]
  const given = call.text("ledger") ?? ledgers[0]!
  const found = ledgers.find((place) => place === given)
  if (found !== undefined) return found
  throw usage(`${title} keeps its ledger in ${ledgers.join(" or ")}, found --ledger ${given}`)
}

function interfaceOf(call: Call, target: Target): Interface | undefined {
  const given = call.text("interface")
  if (given === undefined) return undefined
  if (target === "browser")
    throw usage(`${TRAITS[target].title} has no interface over HTTP, found --interface ${given}`)
  const found = INTERFACES.find((form) => form === given)
  if (found !== undefined) return found
  throw usage(`--interface is ${INTERFACES.join(" or ")}, found "${given}"`)
}

function mcpOf(call: Call, target: Target): boolean {
  if (!call.on("mcp")) return false
  if (target === "browser") throw usage(`${TRAITS[target].title} has no clients of MCP`)
  if (call.text("interface") === "small") throw usage("--mcp wants the whole interface", "Leave out --interface.")
  return true
}

function corsOf(call: Call, target: Target): readonly string[] {
  const origins = originsOf(call)
  if (origins.length === 0) return origins
  if (target === "browser") throw usage(`${TRAITS[target].title} answers no requests, found --cors`)
  if (call.text("interface") === "small") throw usage("--cors wants the whole interface", "Leave out --interface.")
  return origins
}

const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

function nameOf(call: Call, graphs: readonly Named[]): string {
  const given = call.text("name")
  if (given !== undefined) {
    if (NAME.test(given)) return given
    throw usage(`"${given}" is no name of a deployment: want lower-case letters, digits and dashes, as in my-graphs`)
  }
  const own = graphs.length === 1 ? graphs[0]!.checked!.graph.name : basename(graphs[0]!.project.folder)
  const made = own
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 60)
  return NAME.test(made) ? made : "graphs"
}

async function write(folder: string, { files, copies }: Deployment): Promise<void> {
  try {
    const place = async (name: string) => {
      const path = join(folder, name)
      await mkdir(dirname(path), { recursive: true })
      return path
    }
    for (const [name, bytes] of Object.entries(files)) await writeFile(await place(name), bytes)
    for (const [name, file] of Object.entries(copies)) await copyFile(file, await place(name))
  } catch (cause) {
    throw new ProjectError({ reason: "unwritable", message: `Cannot write "${folder}": ${why(cause)}`, cause })
  }
}

function showLacks({ terminal }: Call, target: Target, { lacks, gathered, bytes, gzip }: Deployment): void {
  const { yellow, red, dim, bold } = terminal.err.colours
  const names = gathered.map(({ plan }) => plan.name).join(", ")
  terminal.err.write(`${bold(names)} for ${TRAITS[target].title}: ${kb(bytes)} kB, ${kb(gzip)} kB gzipped\n`)
  // What is said of several graphs is said once.
  for (const same of Map.groupBy(unique(lacks), ({ what, fix, harmless }) =>
    JSON.stringify([what, fix, harmless]),
  ).values()) {
    const [{ what, fix, harmless }] = same as [Lack]
    const graphs = same.flatMap(({ graph }) => graph ?? [])
    const of = graphs.length < gathered.length && graphs.length > 0 ? `${graphs.join(", ")}: ` : ""
    terminal.err.write(`${harmless ? yellow("note ") : red("lacks")}  ${of}${printable(what)}\n`)
    if (fix !== undefined) terminal.err.write(dim(`       ${printable(fix)}\n`))
  }
}

function showWritten({ terminal }: Call, shown: string, { files, copies, live }: Deployment): void {
  const { green, dim } = terminal.out.colours
  const sizes = [
    ...Object.entries(files).map(([name, bytes]) => [name, Buffer.byteLength(bytes)] as const),
    ...Object.entries(copies).map(([name, file]) => [name, statSync(file).size] as const),
  ]
  for (const [name, size] of sizes)
    terminal.out.write(`${green("wrote")}  ${join(shown, name)}  ${dim(`${kb(size)} kB`)}\n`)
  terminal.out.write(`\nTo go live:  ${live(asWord(shown))}\n`)
}

function asJson(target: Target, folder: string, deployment: Deployment, written: boolean): string {
  const { lacks, bytes, gzip, files, copies, live, gathered } = deployment
  const graphs = gathered.map(({ plan }) => plan.name)
  const said = {
    target,
    graphs,
    lacks: unique(lacks),
    bytes,
    gzip,
    written,
    folder,
    files: [...Object.keys(files), ...Object.keys(copies)],
    live: live(asWord(folder)),
  }
  return `${JSON.stringify(said, null, 2)}\n`
}

const unique = (lacks: readonly Lack[]): readonly Lack[] => [
  ...new Map(lacks.map((x) => [JSON.stringify(x), x])).values(),
]
/** As a shell takes it for one word. */
const asWord = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)
const kb = (bytes: number): string => (bytes / 1000).toFixed(1)
