/** `train`: learns shadows of the tools that a graph calls, from the calls on record, and holds each against its tool. */
import { readdir } from "node:fs/promises"
import { resolve } from "node:path"
import { LearnError } from "../../learn/mod.ts"
import { decodePlan, type Extern } from "../../plan/mod.ts"
import { openCallLog } from "../record/call_log.ts"
import { toolName } from "../record/tool_name.ts"
import { type AskedTool, openTool } from "../shadows/ask.ts"
import { type ShadowCard, ShadowStoreError } from "../shadows/card.ts"
import { makeShadow } from "../shadows/make.ts"
import { Progress } from "../view/progress.ts"
import { admitPlan } from "./admit.ts"
import { type Program, programOf } from "./bytes.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { cardLines } from "./shadow_text.ts"

export async function run(call: Call): Promise<number> {
  const [named, ...more] = call.words
  if (named === undefined || more.length > 0)
    throw usage("train wants a tool or a graph", "shadowgraph train quote.graph.yaml", "shadowgraph record ls")
  const { program, graph, tools } = await targetsOf(call, named)
  const results: Made[] = []
  for (const tool of tools) results.push(await one(call, program, graph, tool))
  return showMade(call, results)
}

/** What came of each tool, and the exit code. */
export function showMade(call: Call, results: readonly Made[]): number {
  const { out } = call.terminal
  if (call.on("json")) {
    out.write(`${JSON.stringify(results.map(plain), null, 2)}\n`)
  } else for (const made of results) out.write(textOf(call, made))
  return results.every((r) => r.refused === undefined) ? EXIT.ok : EXIT.failed
}

export interface Made {
  readonly tool: string
  readonly card?: ShadowCard
  readonly refused?: LearnError | ShadowStoreError
}
interface Targets {
  readonly program: Program
  readonly graph: string
  readonly tools: readonly string[]
}

const GRAPH_FILE = /\.graph\.(ya?ml|json|ts)$|\.plan$/

/** A graph's tools that may have a shadow; or one tool, and a graph of the folder that calls it. */
async function targetsOf(call: Call, named: string, only = call.text("tool")): Promise<Targets> {
  if (GRAPH_FILE.test(named)) {
    const program = await programOf(call, named)
    if (program === undefined)
      throw new CliError({ reason: "failed", message: `Cannot train on "${named}"`, exit: EXIT.failed })
    const all = externsOf(program)
    const tools = [...all.keys()].filter((tool) => only === undefined || tool === only)
    if (tools.length > 0) return { program, graph: named, tools }
    throw new CliError({
      reason: "usage",
      message: only === undefined ? `${named} calls no tool` : `${named} calls no tool "${only}"`,
      hints: [...all.keys()].map(printable),
      exit: EXIT.usage,
    })
  }
  const folder = resolve(call.terminal.cwd, call.text("in") ?? ".")
  const files = (await readdir(folder)).filter((name) => GRAPH_FILE.test(name)).sort()
  const others: string[] = []
  for (const file of files) {
    const graph = resolve(folder, file)
    const program = await programOf(call, graph)
    if (program === undefined) continue
    const all = externsOf(program)
    if (all.has(named)) return { program, graph, tools: [named] }
    others.push(...all.keys())
  }
  throw new CliError({
    reason: "usage",
    message: `No graph of this folder calls a tool "${named}", so nobody could ask it`,
    hints: ["shadowgraph train <graph> --tool <name>"],
    exit: EXIT.usage,
    near: { word: named, among: [...new Set(others)] },
  })
}

const externsOf = ({ bytes }: Program): ReadonlyMap<string, Extern> =>
  new Map(decodePlan(bytes).externs.map((extern) => [toolName(extern), extern]))

/** `shadow import --graph`: a model from elsewhere, calibrated on the calls on record and held against its tool. */
export async function gateModel(call: Call, graph: string, tool: string, model: Uint8Array): Promise<number> {
  const { program, tools } = await targetsOf(call, graph, tool)
  const made = await one(call, program, graph, tools[0]!, model)
  const { out } = call.terminal
  out.write(call.on("json") ? `${JSON.stringify(plain(made))}\n` : textOf(call, made))
  return made.refused === undefined ? EXIT.ok : EXIT.failed
}

async function one(call: Call, program: Program, graph: string, tool: string, model?: Uint8Array): Promise<Made> {
  const { project, inline } = program
  const asked = await openTool(program.bytes, tool, project, (bytes) =>
    admitPlan(call, project, { bytes, inline, ledger: "memory", again: `shadowgraph train ${graph}`, pinned: true }),
  )
  return madeOf(call, project.folder, asked, model)
}

/** Learns the shadow of a tool that can be asked, from the calls of a folder, and closes the tool. */
export async function madeOf(call: Call, folder: string, asked: AskedTool, model?: Uint8Array): Promise<Made> {
  const { tool } = asked.tool
  const log = openCallLog(folder)
  const bar = new Progress(call.terminal.err, () => performance.now())
  try {
    const card = await makeShadow({
      folder,
      log,
      tool: asked.tool,
      schema: asked.schema,
      ...(model === undefined ? {} : { model }),
      ...shareOf(call, "alpha"),
      ...trainingOf(call),
      ...(call.text("parallel") === undefined ? {} : { parallel: parallelOf(call) }),
      onResumed: (step) =>
        call.terminal.err.write(`${printable(tool)}: an interrupted training goes on at step ${step}\n`),
      onTraining: ({ step, steps, loss, look }) =>
        bar.at(step, steps, `${printable(tool)}: loss ${loss.toFixed(4)}, ${look.right} of ${look.rows} right`),
      onGate: (done, of) => bar.at(Math.min(done, of), of, `${printable(tool)}: gate, ${done} cases`),
    })
    return { tool, card }
  } catch (cause) {
    if (cause instanceof LearnError || cause instanceof ShadowStoreError) return { tool, refused: cause }
    throw cause
  } finally {
    bar.end()
    log.close()
    await asked.close()
  }
}

function shareOf(call: Call, option: "alpha"): { readonly alpha?: number } {
  const text = call.text(option)
  if (text === undefined) return {}
  const alpha = Number(text.replace(/\s*%$/, "")) / (text.trimEnd().endsWith("%") ? 100 : 1)
  if (alpha > 0 && alpha < 1) return { alpha }
  throw usage(`--${option} must be a share such as 1% or 0.01, found "${text}"`)
}

function parallelOf(call: Call): number {
  const text = call.text("parallel") ?? ""
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw usage(`--parallel must be a whole number from 1, found "${text}"`)
}

function trainingOf(call: Call): {
  readonly training?: { readonly steps?: number; readonly hidden?: readonly number[] }
} {
  const steps = call.text("steps")
  const hidden = call.text("hidden")
  if (steps !== undefined && !/^[1-9]\d{0,6}$/.test(steps))
    throw usage(`--steps must be a whole number from 1, found "${steps}"`)
  if (hidden !== undefined && !/^[1-9]\d{0,3}(,[1-9]\d{0,3})*$/.test(hidden))
    throw usage(`--hidden must be widths like 128,128, found "${hidden}"`)
  return {
    training: {
      ...(steps === undefined ? {} : { steps: Number(steps) }),
      ...(hidden === undefined ? {} : { hidden: hidden.split(",").map(Number) }),
    },
  }
}

const plain = ({ tool, card, refused }: Made) =>
  card === undefined
    ? { tool, refused: refused!.reason, message: refused!.message }
    : {
        tool,
        hash: card.hash,
        family: card.family,
        calibration: card.calibration,
        verdict: card.verdict,
        fresh: card.fresh,
      }

function textOf(call: Call, { tool, card, refused }: Made): string {
  const { bold, red } = call.terminal.out.colours
  if (card !== undefined) return `${bold(printable(tool))}\n${cardLines(card, call.terminal.out.colours)}`
  return `${bold(printable(tool))}\n  ${red("no shadow")}: ${printable(refused!.message)}\n`
}
