/** `record <graph>`: real calls with inputs from a file or drawn from the schema, until so many are on record. */
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { type Rec, readJson, type Type, type Value } from "../../graph/mod.ts"
import { inputsOfSchema, inputsOfType } from "../../learn/mod.ts"
import { fromJsonForm } from "../json_form.ts"
import { ProjectError, why } from "../project/project.ts"
import { type Driven, drive } from "../record/drive.ts"
import { toolGraph, toolsOf } from "../record/tool_graph.ts"
import { Progress } from "../view/progress.ts"
import { admitPlan } from "./admit.ts"
import { type Program, programOf } from "./bytes.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { ledgerOf } from "./ledger_option.ts"
import { inputLines, seedOf } from "./record.ts"
import { Stop } from "./run.ts"

const CALLS_DEFAULT = 1_000
const CALLS_MAX = 10_000_000
const PARALLEL_DEFAULT = 8
const PARALLEL_MAX = 1_024

interface Target {
  readonly bytes: Uint8Array
  /** The JSON Schema that inputs are drawn from, where one tool with one is asked by itself. */
  readonly schema: unknown
  readonly tools: readonly string[]
}

export async function driveGraph(call: Call, named: string): Promise<number> {
  const words = call.words.slice(1)
  if (words.length > 0) throw usage(`record takes one graph, found "${words.join(" ")}" behind it`)
  const calls = whole(call, "calls", CALLS_DEFAULT, CALLS_MAX)
  const parallel = whole(call, "parallel", PARALLEL_DEFAULT, PARALLEL_MAX)
  const program = await programOf(call, named)
  if (program === undefined) return EXIT.failed
  const target = targetOf(call, program)
  const stop = new Stop(call, undefined)
  let recorded = 0
  const { session, ready } = await admitPlan(call, program.project, {
    bytes: target.bytes,
    inline: program.inline,
    // Ten thousand runs are no part of the record of what was done here, unless somebody wants them there.
    ledger: ledgerOf(call) ?? "memory",
    again: `shadowgraph record ${named}`,
    record: { tools: target.tools, heard: () => recorded++ },
  })
  try {
    const { plan, externs } = ready.admitted
    const writes = externs.filter((x) => x.signature.effect === "write").map((x) => x.claim.kind)
    if (writes.length > 0 && !call.on("writes")) {
      throw new CliError({
        reason: "input",
        message: `This graph writes (${[...new Set(writes)].join(", ")}): ${calls} runs would change the world as often`,
        hints: ["--tool <name> asks one of its reading tools alone", "--writes does it all the same"],
        exit: EXIT.failed,
      })
    }
    const inputs = await inputsOf(call, named, plan.types[plan.input]!, target)
    const progress = new Progress(call.terminal.err, () => performance.now())
    const began = performance.now()
    const driven = await drive(ready, inputs, {
      calls,
      parallel,
      recorded: () => recorded,
      signal: stop.signal,
      onRun: ({ failures }) => progress.at(recorded, calls, `${recorded} of ${calls} calls${failedText(failures)}`),
    })
    progress.end()
    tell(call, target, driven, recorded, performance.now() - began)
    if (stop.exit !== undefined) return stop.exit
    return recorded === 0 ? EXIT.failed : EXIT.ok
  } finally {
    stop.off()
    await session.close()
  }
}

/** The graph as it is, with all of its tools; or one of them alone. */
function targetOf(call: Call, { bytes, project }: Program): Target {
  const tools = [...toolsOf(bytes).keys()]
  if (tools.length === 0) throw usage("This graph calls no tool: there is nothing to record")
  const tool = call.text("tool")
  if (tool === undefined) return { bytes, schema: undefined, tools }
  const alone = toolGraph(bytes, tool, project)
  if (alone !== undefined) return { bytes: alone.bytes, schema: alone.schema, tools: [tool] }
  throw new CliError({
    reason: "usage",
    message: `This graph calls no tool "${tool}"`,
    hints: tools.map(printable),
    exit: EXIT.usage,
    near: { word: tool, among: tools },
  })
}

async function inputsOf(call: Call, named: string, type: Type, { schema, tools }: Target): Promise<Iterator<Value>> {
  const from = call.text("inputs") ?? "schema"
  const seed = call.text("seed") ?? seedOf(named, ...tools)
  if (from === "schema") return schema === undefined ? inputsOfType(type, seed) : inputsOfSchema(schema, seed)
  let text: string
  try {
    text = await readFile(resolve(call.terminal.cwd, from), "utf8")
  } catch (cause) {
    throw new ProjectError({ reason: "unreadable", message: `Cannot read the inputs "${from}": ${why(cause)}`, cause })
  }
  const lines = inputLines(text, from, (line) => readJson(line, { uniqueKeys: true })) as readonly Rec[]
  return lines.map((line) => fromJsonForm(type, line))[Symbol.iterator]()
}

const failedText = (failures: ReadonlyMap<string, number>): string => {
  const all = [...failures].sort(([, a], [, b]) => b - a)
  return all.length === 0 ? "" : ` · failed: ${all.map(([code, n]) => `${n} ${code}`).join(", ")}`
}

function tell(call: Call, { tools }: Target, driven: Driven, recorded: number, ms: number): void {
  const { out } = call.terminal
  const { runs, failures, refused, refusal } = driven
  if (call.on("json")) {
    out.write(
      `${JSON.stringify({ tools, calls: recorded, runs, refused, failures: Object.fromEntries(failures), ms })}\n`,
    )
    return
  }
  const rate = Math.round(recorded / Math.max(1e-3, ms / 1_000)).toLocaleString("en")
  out.write(`Recorded ${recorded} calls of ${printable(tools.join(", "))} in ${(ms / 1_000).toFixed(1)} s (${rate}/s)`)
  out.write(`${failedText(failures)}.\n`)
  if (refused > 0) out.write(printable(`${refused} inputs do not fit the graph: ${refusal}\n`))
}

function whole(call: Call, option: string, fallback: number, most: number): number {
  const text = call.text(option)
  if (text === undefined) return fallback
  const n = Number(text.replaceAll("_", ""))
  if (/^[\d_]+$/.test(text) && n >= 1 && n <= most) return n
  throw usage(`--${option} must be a whole number from 1 to ${most}, found "${text}"`)
}
