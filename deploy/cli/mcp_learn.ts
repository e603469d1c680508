/**
 * `mcp learn`: shadows of a server's tools from the calls that a proxy has recorded. No graph is needed: the server is asked for
 * its schemas, and each tool by itself, over a connection of its own. `mcp proxy --learn` starts this beside itself.
 */
import { resolve } from "node:path"
import { EMPTY_LOCK, GraphProblems, type Rec } from "../../graph/mod.ts"
import { LearnError, learnError, serverWord } from "../../learn/mod.ts"
import { decodePlan } from "../../plan/mod.ts"
import { makeLock } from "../project/lock.ts"
import { openProject, type Project } from "../project/project.ts"
import { openCallLog } from "../record/call_log.ts"
import { graphOf, serverToolGraph } from "../record/tool_graph.ts"
import { openHost } from "../services/host.ts"
import { secretsFrom } from "../services/secrets.ts"
import { type AskedTool, openAlone } from "../shadows/ask.ts"
import { ShadowStore } from "../shadows/store.ts"
import { admitPlan } from "./admit.ts"
import { type Call, usage } from "./command.ts"
import { declaredAs, serverOf } from "./mcp_server.ts"
import { type Made, madeOf, showMade } from "./train.ts"

/** The tenant of a command line. */
const SPACE = ""
/** With --due: learned anew once there are so many times as many calls as it was learned from. */
const DUE = 2

export async function learn(call: Call, words: readonly string[]): Promise<number> {
  const server = serverOf(call, words)
  const folder = resolve(call.terminal.cwd, call.text("in") ?? ".")
  const { name, tools } = recorded(call, folder)
  // Of the others only the server could say that they change nothing, where it is believed.
  const named = call.list("reads")
  const declared = declaredAs(call, server, named.includes("*") ? tools : tools.filter((tool) => named.includes(tool)))
  const { project, why } = await pinned(call, folder, { name, tools, declared })
  const made: Made[] = []
  for (const tool of tools) {
    const full = `mcp:${name}/${tool}`
    const asked = await openOne(call, project, { name, tool, declared, why })
    if (asked instanceof LearnError) made.push({ tool: full, refused: asked })
    else if (call.on("due") && !(await isDue(folder, asked))) await asked.close()
    else made.push(await madeOf(call, folder, asked))
  }
  return showMade(call, made)
}

/** Which server's, and which of its tools: those that change nothing, and have calls on record. */
function recorded(call: Call, folder: string): { readonly name: string; readonly tools: readonly string[] } {
  const reads = call.list("reads")
  if (reads.length === 0 && !call.on("trust"))
    throw usage(
      "mcp learn wants to be told which tools change nothing: each is asked some thousand times",
      "shadowgraph mcp learn --reads <tool> -- <command…>   * is all of them; --trust believes the server",
    )
  const log = openCallLog(folder)
  const known = log.tools(SPACE).flatMap(({ tool }) => /^mcp:([^/]+)\/(.+)$/.exec(tool)?.slice(1, 3) ?? [])
  log.close()
  const pairs = known.flatMap((server, i) => (i % 2 === 0 ? [{ server, tool: known[i + 1]! }] : []))
  const servers = [...new Set(pairs.map(({ server }) => server))]
  const given = call.text("name")
  const name = given === undefined ? servers[0] : serverWord(given)
  if (name === undefined || (given === undefined && servers.length > 1))
    throw usage(
      name === undefined
        ? "No call of an MCP server is on record here"
        : `Calls of ${servers.length} servers are on record`,
      name === undefined ? "shadowgraph mcp proxy -- <command…>   records them" : `--name ${servers.join(" | ")}`,
    )
  const own = pairs.filter(({ server }) => server === name).map(({ tool }) => tool)
  const tools = own.filter((tool) => call.on("trust") || reads.includes("*") || reads.includes(tool))
  if (tools.length > 0) return { name, tools }
  throw usage(`No call of ${name} is on record for ${reads.join(", ") || "any tool"}`, ...own.slice(0, 20))
}

interface Served {
  readonly name: string
  readonly declared: Rec
}

/** The project as far as it counts here, with the server's tools pinned as they are now; and why one could not be. */
async function pinned(
  call: Call,
  folder: string,
  { name, tools, declared }: Served & { readonly tools: readonly string[] },
) {
  const own = await openProject(folder)
  // The server is started where this command is, as the proxy starts it; grants are this command's to give.
  const project: Project = { ...own, folder: call.terminal.cwd, file: { grants: [], kinds: [] } }
  const graphs = tools.map((tool) => {
    const config = { mcp: `${name}/${tool}` }
    return graphOf({
      kind: "mcp",
      config,
      resources: { servers: { [name]: declared } },
      taken: undefined,
      settings: {},
    })
  })
  const host = openHost({ base: project.folder, secret: secretsFrom(call.terminal.env) })
  try {
    const { lock, failures } = await makeLock(
      graphs,
      project.registry,
      { ...host.services, granted: () => true },
      EMPTY_LOCK,
    )
    return {
      project: { ...project, lock },
      why: [...new Set(failures.map(({ failure }) => failure.message))].join("; "),
    }
  } finally {
    await host.close()
  }
}

/** The tool, ready to be asked; or why it cannot be. */
async function openOne(
  call: Call,
  project: Project,
  { name, tool, declared, why }: Served & { readonly tool: string; readonly why: string },
): Promise<AskedTool | LearnError> {
  const full = `mcp:${name}/${tool}`
  if (project.lock.pins[full] === undefined) return learnError("refused", `${full} cannot be asked: ${why}`)
  try {
    const alone = serverToolGraph(name, tool, declared, project)
    const granted = decodePlan(alone.bytes).externs.flatMap((x) => x.needs)
    return await openAlone(alone, (bytes) =>
      admitPlan(call, project, {
        ...{ bytes, granted, ledger: "memory", pinned: true },
        again: `shadowgraph mcp learn --reads ${tool}`,
      }),
    )
  } catch (cause) {
    if (!(cause instanceof GraphProblems)) throw cause
    return learnError("refused", `${full} cannot be asked: ${cause.message}`, cause)
  }
}

/** Has it no shadow in this version, or are there many more calls by now? */
async function isDue(folder: string, { tool: { tool, version } }: AskedTool): Promise<boolean> {
  const { shadows } = await new ShadowStore(folder).all()
  const kept = shadows.find(({ card }) => card.tool === tool && card.version === version)
  if (kept === undefined) return true
  const log = openCallLog(folder)
  const versions = log.tools(SPACE).find((t) => t.tool === tool)?.versions ?? []
  log.close()
  return (versions.find((v) => v.version === version)?.calls ?? 0) >= DUE * kept.card.calls
}
