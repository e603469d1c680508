/** `record`: drives real calls of a graph's tools into the call log, imports calls, and says what the log holds. */
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { hex, jsonText, sha256 } from "../../graph/mod.ts"
import {
  type CallLog,
  type Imported,
  type Look,
  learnError,
  lookOver,
  readCalls,
  readMcpLog,
  type ToolOnLog,
} from "../../learn/mod.ts"
import { openProject, ProjectError, why } from "../project/project.ts"
import { openCallLog } from "../record/call_log.ts"
import { mcpToolVersion } from "../record/mcp_version.ts"
import { pinnedInput } from "../record/tool_graph.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"

const SPACE = ""
const ACTIONS: Readonly<Record<string, (call: Call, words: readonly string[]) => Promise<number>>> = {
  ls: list,
  show,
  import: importCalls,
  forget,
}

export async function run(call: Call): Promise<number> {
  const [word, ...words] = call.words
  if (word === undefined)
    throw usage("record wants a graph, or one of ls, show, import, forget", "shadowgraph record quote.graph.yaml")
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined
  if (action !== undefined) return action(call, words)
  const { driveGraph } = await import("./record_drive.ts")
  return driveGraph(call, word)
}

const folderOf = (call: Call): string => resolve(call.terminal.cwd, call.text("in") ?? ".")

function withLog<A>(call: Call, work: (log: CallLog & { readonly damage: () => string | null }) => A): A {
  const log = openCallLog(folderOf(call))
  try {
    return work(log)
  } finally {
    log.close()
  }
}

const none = (action: string, words: readonly string[]) => {
  if (words.length > 0) throw usage(`record ${action} takes no more words, found "${words.join(" ")}"`)
}

// ---- what is there

async function list(call: Call, words: readonly string[]): Promise<number> {
  none("ls", words)
  return withLog(call, (log) => {
    const tools = log.tools(SPACE)
    const { out } = call.terminal
    if (call.on("json")) {
      out.write(`${JSON.stringify(tools, null, 2)}\n`)
      return EXIT.ok
    }
    if (tools.length === 0) {
      out.write("No calls are on record here.\n")
      return EXIT.ok
    }
    const width = Math.max(...tools.map(({ tool }) => tool.length))
    for (const t of tools) out.write(`${printable(t.tool).padEnd(width)}  ${lineOf(t)}\n`)
    return EXIT.ok
  })
}

function lineOf({ calls, bytes, versions, dropped, refused }: ToolOnLog): string {
  const parts = [`${calls} calls`, sizeOf(bytes), `${versions.length} version${versions.length === 1 ? "" : "s"}`]
  if (dropped > 0) parts.push(`${dropped} older ones forgotten`)
  if (refused > 0) parts.push(`${refused} too large to keep`)
  return parts.join(", ")
}
const sizeOf = (bytes: number): string => (bytes < 10_000 ? `${bytes} bytes` : `${(bytes / 1_048_576).toFixed(2)} MiB`)

async function show(call: Call, [tool, ...more]: readonly string[]): Promise<number> {
  none("show", more)
  if (tool === undefined) throw usage("record show wants the name of a tool", "shadowgraph record ls   lists them")
  const project = await openProject(folderOf(call))
  return withLog(call, (log) => {
    known(log, tool)
    const input = pinnedInput(project, tool)
    const look = lookOver(log, { tool, ...(input ? { input } : {}) })
    const { out } = call.terminal
    if (call.on("json")) out.write(`${JSON.stringify(look, (_, v) => (typeof v === "bigint" ? String(v) : v), 2)}\n`)
    else out.write(lookText(look, out.colours))
    return look.refusals.length === 0 ? EXIT.ok : EXIT.failed
  })
}

function lookText(look: Look, { bold, dim, green, red }: Call["terminal"]["out"]["colours"]): string {
  const { tool, version, versions, calls, inputs, answers, failures, contradicted, outside, outsideCalls, ms } = look
  const rows: (readonly [string, string])[] = [
    [
      "version",
      `${printable(version.slice(0, 16))}${versions.length > 1 ? dim(`  (the newest of ${versions.length})`) : ""}`,
    ],
    ["calls", `${calls}, of ${inputs} different inputs with ${answers} different answers`],
  ]
  const failed = Object.entries(failures).map(([code, n]) => `${n} ${printable(code)}`)
  if (failed.length > 0) rows.push(["failed", failed.join(", ")])
  if (ms !== null) rows.push(["took", `${ms.p50.toFixed(2)} ms at the median, ${ms.p99.toFixed(2)} ms at p99`])
  if (contradicted > 0) rows.push(["contradicted", `${contradicted} inputs`])
  if (outsideCalls > 0)
    rows.push(["outside", `${outsideCalls} calls do not fit the schema, call ${outside[0]!.seq} first: left out`])
  if (look.redacted > 0) rows.push(["redacted", `${look.redacted} calls hold secrets that were not written down`])
  const lines = rows.map(([name, text]) => `  ${name.padEnd(12)}  ${text}`)
  const verdict =
    look.refusals.length === 0
      ? [green("  a shadow can be learned from these calls")]
      : look.refusals.map(({ reason, message }) => `  ${red(reason)}: ${printable(message)}`)
  return `${bold(printable(tool))}\n${[...lines, ...verdict].join("\n")}\n`
}

function known(log: CallLog, tool: string): void {
  const among = log.tools(SPACE).map((t) => t.tool)
  if (among.includes(tool)) return
  throw new CliError({
    reason: "failed",
    message: `No calls of "${tool}" are on record`,
    hints: ["shadowgraph record ls   lists what is"],
    exit: EXIT.failed,
    near: { word: tool, among },
  })
}

async function forget(call: Call, [tool, ...more]: readonly string[]): Promise<number> {
  none("forget", more)
  if (tool === undefined) throw usage("record forget wants the name of a tool", "shadowgraph record ls   lists them")
  return withLog(call, (log) => {
    known(log, tool)
    call.terminal.out.write(`Forgot ${log.forget(SPACE, tool)} calls of ${printable(tool)}.\n`)
    return EXIT.ok
  })
}

// ---- from elsewhere

/** Broken lines that are named; all are counted. */
const BROKEN_SHOWN = 20

async function importCalls(call: Call, [file, ...more]: readonly string[]): Promise<number> {
  none("import", more)
  if (file === undefined)
    throw usage("record import wants a file", "shadowgraph record import calls.jsonl --tool fn:add")
  const tool = call.text("tool")
  const mcp = call.on("mcp")
  if (!mcp && tool === undefined)
    throw usage("record import wants --tool, the tool that the calls are of", "or --mcp for a log of MCP messages")
  if (mcp && tool !== undefined)
    throw usage("--mcp finds the tools in the log: leave --tool out; --server names the server")
  let text: string
  try {
    text = await readFile(resolve(call.terminal.cwd, file), "utf8")
  } catch (cause) {
    throw new ProjectError({ reason: "unreadable", message: `Cannot read "${file}": ${why(cause)}`, cause })
  }
  const version = call.text("version")
  const at = Date.now()
  const log = mcp
    ? readMcpLog(text, { space: SPACE, server: call.text("server"), version, at, versionOf: mcpToolVersion })
    : undefined
  const read = log ?? readCalls(text, { space: SPACE, tool: tool!, version: version ?? "imported", at })
  refuseBroken(call, file, read)
  return withLog(call, (kept) => {
    for (const one of read.calls) kept.add(one)
    kept.flush()
    const names = [...new Set(read.calls.map((c) => c.tool))]
    const passed = log === undefined ? "" : passedOver(log)
    call.terminal.out.write(
      `Imported ${read.calls.length} calls of ${names.length === 0 ? "no tool" : printable(names.join(", "))}${passed}.\n`,
    )
    return read.calls.length === 0 ? EXIT.failed : EXIT.ok
  })
}

function passedOver({ others, unanswered, unlisted }: ReturnType<typeof readMcpLog>): string {
  const parts = [
    ...(others > 0 ? [`${others} lines hold no message`] : []),
    ...(unanswered > 0 ? [`${unanswered} calls have no answer`] : []),
    ...(unlisted > 0 ? [`${unlisted} calls are of tools that the log never lists (--version <word> takes them)`] : []),
  ]
  return parts.length === 0 ? "" : `; ${parts.join(", ")}`
}

/** Nothing of a file with broken lines is used, unless the person says that the rest will do. */
function refuseBroken(call: Call, file: string, { broken, calls }: Imported): void {
  if (broken.length === 0) return
  const lines = broken.slice(0, BROKEN_SHOWN).map(({ line, problem }) => `${file}:${line}  ${problem}`)
  if (broken.length > BROKEN_SHOWN) lines.push(`… and ${broken.length - BROKEN_SHOWN} more`)
  if (call.on("skip-broken")) {
    call.terminal.err.write(printable(`Left out ${broken.length} broken lines:\n${lines.join("\n")}\n`))
    return
  }
  throw new CliError({
    reason: "input",
    message: `${broken.length} of ${broken.length + calls.length} lines are no calls; nothing was imported\n${lines.join("\n")}`,
    hints: ["--skip-broken imports the rest"],
    exit: EXIT.failed,
  })
}

/** The inputs of a file, one JSON object a line. Fails with `LearnError` (`import`), every broken line named. */
export function inputLines(text: string, file: string, read: (line: string) => unknown): readonly unknown[] {
  const problems: string[] = []
  const inputs: unknown[] = []
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    try {
      inputs.push(read(line))
    } catch (cause) {
      problems.push(`${file}:${i + 1}  ${(cause as Error).message}`)
    }
  }
  if (problems.length === 0) return inputs
  const shown = problems.slice(0, BROKEN_SHOWN)
  throw learnError(
    "import",
    `${problems.length} lines of "${file}" are no inputs; nothing was run\n${shown.join("\n")}`,
  )
}

/** A short word for a seed that nobody gave: the same for the same graph and tool, so that a recording can be repeated. */
export const seedOf = (...words: readonly string[]): string =>
  hex(sha256(new TextEncoder().encode(jsonText([...words])))).slice(0, 8)
