/** What a client is told of a run: its value, how it failed, what it waits for; and why no run was made. */
import { Failure, jsonOf, printPath, type Value } from "../../graph/mod.ts"
import { AdmissionError, KernelError, type Wait } from "../../kernel/mod.ts"
import { waitText } from "../engine/again.ts"
import { besidesJson } from "../engine/ending.ts"
import type { RunResult } from "../engine/engine.ts"
import { Overloaded } from "../engine/slots.ts"
import { howToAnswer } from "./asking.ts"
import type { GraphCall } from "./calls.ts"
import { type Block, shown, textBlock } from "./content.ts"
import { type McpGraph, type McpServing, outputUri, runUri } from "./serving.ts"

/** The name under which an answer says which run it is of. */
const RUN_META = "shadowgraph/run"

/** The result of `tools/call`, but for what the protocol adds. */
export interface ToolAnswer {
  readonly content: readonly Block[]
  readonly structuredContent?: unknown
  readonly isError?: true
  readonly _meta?: { readonly [RUN_META]: object }
}

/** Of a run that has ended, or rests. `late`: it was ended because it took too long. */
export function toldEnd(serving: McpServing, graph: McpGraph, result: RunResult, late: boolean): ToolAnswer {
  const { run, outcome, parked } = result
  if (parked !== undefined) return toldWaits(serving, result, parked)
  const { trace, ledger } = result
  const about = { run, uri: runUri(run), trace, ledger, ...besidesJson(result) }
  if (outcome.ok) {
    const { content, structured } = shown(outcome.value, graph.output, outputUri(run))
    const more = structured === undefined ? {} : { structuredContent: structured }
    return { content, ...more, _meta: { [RUN_META]: about } }
  }
  const { code, message, data, path } = outcome.failure
  const where = path === undefined ? "" : ` (node ${printPath(path)})`
  const words = late ? `The run did not end within ${serving.runMsMax} ms` : message
  const failure = { code, data: jsonOf(data, { nonFinite: "text" }), ...(path ? { node: printPath(path) } : {}) }
  return wrong(`${code}: ${words}${where}`, { ...about, failure })
}

/** A run that rests has not failed, and has no result of the form that the tool promises either: MCP calls that an error. */
function toldWaits({ http }: McpServing, { run, ledger }: RunResult, waits: readonly Wait[]): ToolAnswer {
  const lines = [
    "The run has not ended: it rests, and waits for",
    ...waits.map((wait) => `  ${waitText(wait)}`),
    ...howToAnswer(run, waits, http === true),
    `What became of it: read the resource ${runUri(run)}`,
  ]
  const parked = waits.map((wait) => ({
    path: printPath(wait.path),
    why: wait.why,
    ...(wait.until === null ? {} : { until: new Date(wait.until).toISOString() }),
  }))
  return wrong(lines.join("\n"), { run, uri: runUri(run), ledger, parked })
}

const wrong = (text: string, about?: object): ToolAnswer => ({
  content: [textBlock(text)],
  isError: true,
  ...(about === undefined ? {} : { _meta: { [RUN_META]: about } }),
})

/** Why there is no run, or none that goes on; undefined where that is a defect. */
export function toldRefusal({ graph, caller }: GraphCall, cause: unknown): ToolAnswer | undefined {
  if (cause instanceof AdmissionError) return wrong(notGranted(graph, caller.holder, cause))
  if (cause instanceof Failure) return wrong(`${cause.code}: ${cause.message}`)
  if (cause instanceof Overloaded) {
    const again = cause.reason === "closing" ? "" : ` Try again in ${Math.ceil(cause.retryMs / 1000)} s.`
    return wrong(`${cause.message}.${again}`)
  }
  // The run's state, and no defect: ended or taken up elsewhere, or another than the one that was asked about.
  if (cause instanceof KernelError && STATES.has(cause.reason)) return wrong(cause.message)
  return undefined
}

const STATES: ReadonlySet<string> = new Set(["missing", "closed", "answer", "conflict", "undone", "diverged"])

function notGranted(
  { name }: McpGraph,
  holder: GraphCall["caller"]["holder"],
  { reason, refusals }: AdmissionError,
): string {
  if (reason !== "not-granted") return `${name} was not admitted by the server; its log says why.`
  const missing = [...new Set(refusals.flatMap((r) => r.capability ?? []))].join(", ")
  return holder === undefined
    ? `${name} needs ${missing}, which this server was not granted. Whoever starts it grants: --grant, or shadowgraph.project.json.`
    : `${name} needs ${missing}; the token "${holder.name}" grants ${holder.grants.join(", ") || "nothing"}, of what the server was granted.`
}

/** The value of a run as it can be read, for a resource. */
export const readable = (value: Value): unknown => jsonOf(value, { nonFinite: "text" })
