/** `lock`: pins what graphs depend on outside their files, and says what is different from before. */
import { relative } from "node:path"
import { type Graph, isRecord, printFailure } from "../../graph/mod.ts"
import { readPlace } from "../../nodes/mod.ts"
import { makeLock, nodesOf } from "../project/lock.ts"
import { LOCK_FILE, type Project, writeLock } from "../project/project.ts"
import { findSource } from "../project/source.ts"
import { openHost } from "../services/host.ts"
import { secretsFrom } from "../services/secrets.ts"
import { loadAll, type Named, showProblems } from "./check.ts"
import { type Call, EXIT } from "./command.ts"
import { printable } from "./errors.ts"

export async function run(call: Call): Promise<number> {
  const graphs = await loadAll(call, await withNeighbours(call), { policy: ["allow any into anything"] })
  // What only the lock can settle is no obstacle to making one.
  const problems = graphs.flatMap((g) => g.problems).filter((p) => p.severity === "error" && !SETTLED.has(p.code))
  if (problems.length > 0) {
    showProblems(call, problems, graphs)
    return EXIT.failed
  }
  let failed = false
  for (const [project, own] of Map.groupBy(graphs, (g) => g.project)) {
    failed = (await lockFolder(call, project, own)) || failed
  }
  return failed ? EXIT.failed : EXIT.ok
}

/** A lock belongs to a folder, so whoever names one graph of it means all of them. */
async function withNeighbours({ words, terminal: { cwd } }: Call): Promise<readonly string[]> {
  const named = await Promise.all(words.map((word) => findSource(word, cwd).catch(() => undefined)))
  const folders = named.map((source, i) => (source === undefined ? words[i]! : relative(cwd, source.folder) || "."))
  const modules = words.filter((_, i) => named[i]?.kind === "module")
  return [...new Set([...folders, ...modules])]
}

/** Not in the lock, drifted, no such tool: what a new lock changes; and what follows from not knowing a tool's type. */
const SETTLED: ReadonlySet<string> = new Set(["G205", "G204", "G203", "G108"])

async function lockFolder(call: Call, project: Project, graphs: readonly Named[]): Promise<boolean> {
  const { out, err, env } = call.terminal
  const { dim, red, green, yellow } = err.colours
  const all = graphs.flatMap((g) => (g.graph === undefined ? [] : [g.graph]))
  for (const line of serversOf(all)) err.write(`${dim(`asks ${printable(line)}`)}\n`)
  const allowed = new Set([...serverHosts(all), ...modelHosts(all)])
  const granted = (capability: string) => allowed.has(capability)
  const host = openHost({ base: project.folder, secret: secretsFrom(env) })
  try {
    const made = await makeLock(all, project.registry, { ...host.services, granted }, project.lock)
    const name = graphs[0]!.source.shown.replace(/[^/]*$/, LOCK_FILE)
    for (const change of made.changes) {
      const paint = change.startsWith("+") ? green : change.startsWith("-") ? red : yellow
      out.write(`${paint(printable(change))}\n`)
    }
    for (const { failure } of made.failures) err.write(`${red("error")}  ${printable(printFailure(failure))}\n`)
    if (made.failures.length > 0) return true
    const pins = Object.keys(made.lock.pins).length
    const what = `${pins} pin${pins === 1 ? "" : "s"}`
    if (made.changes.length === 0) {
      out.write(`${name}  ${dim(`${what}, nothing has changed`)}\n`)
      return false
    }
    if (call.on("check")) {
      err.write(`${red("error")}  ${name} is out of date; \`shadowgraph lock\` accepts what is above\n`)
      return true
    }
    await writeLock(project.folder, made.lock)
    out.write(`${green("ok")}  ${name}  ${dim(what)}\n`)
    return false
  } finally {
    await host.close()
  }
}

/** The declared servers that a lock asks, in words: what is started on this machine is said before it is. */
function serversOf(graphs: readonly Graph[]): readonly string[] {
  const lines = graphs.flatMap((graph) =>
    Object.entries(graph.resources["servers"] ?? {}).map(([name, declared]) => {
      const d = isRecord(declared) ? declared : {}
      return Array.isArray(d["stdio"]) ? `${name}: ${d["stdio"].join(" ")}` : `${name}: ${String(d["url"])}`
    }),
  )
  return [...new Set(lines)]
}

/** The capabilities to reach the servers that the files name, those where machines log in included, and no other host. */
function serverHosts(graphs: readonly Graph[]): ReadonlySet<string> {
  const declared = graphs.flatMap((graph) => Object.values(graph.resources["servers"] ?? {}))
  const urls = declared
    .flatMap((d) => (isRecord(d) ? [d["url"], isRecord(d["auth"]) ? d["auth"]["issuer"] : undefined] : []))
    .filter((url) => typeof url === "string" && URL.canParse(url)) as readonly string[]
  return new Set(urls.map((url) => `net:${new URL(url).host}`))
}

/** The capabilities to reach the hosts that models lie at. */
const modelHosts = (graphs: readonly Graph[]): readonly string[] =>
  graphs.flatMap(nodesOf).flatMap(({ node }) => {
    const place = node.kind === "onnx" ? readPlace(node.config) : []
    return "host" in place ? [`net:${place.host}`] : []
  })
