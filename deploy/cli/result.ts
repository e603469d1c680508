/** What came of a run, for people and for programs. */
import { type Failure, jsonOf, printPath, type Value } from "../../graph/mod.ts"
import { besidesJson } from "../engine/ending.ts"
import type { RunResult } from "../engine/engine.ts"
import { printMs } from "../view/bars.ts"
import type { Totals } from "../view/timeline.ts"
import { prettyJson, resultText } from "../view/value.ts"
import type { Call } from "./command.ts"
import { printable } from "./errors.ts"
import { parkedLines, waitJson } from "./waits.ts"

/** The value alone: text and bytes as they are, anything else as JSON. */
export function showValue(call: Call, value: Value): void {
  const { out } = call.terminal
  const text = resultText(value, out.isTerminal ? out.columns() : Number.POSITIVE_INFINITY)
  if (typeof text !== "string") out.stream.write(text)
  else out.write(text.endsWith("\n") ? text : `${text}\n`)
}

/** A failure, with its place; where the run was stopped from outside, why. */
export function showFailure(call: Call, failure: Failure, stopped: string | undefined): void {
  const { err } = call.terminal
  const { red, bold, dim } = err.colours
  if (stopped !== undefined) {
    err.write(`${red("stopped")}  ${stopped}\n`)
    return
  }
  const at = failure.path === undefined ? "" : ` at ${bold(printPath(failure.path) || "output")}`
  err.write(
    `${red("failed")}  ${failure.code}${at}\n        ${printable(failure.message).replaceAll("\n", "\n        ")}\n`,
  )
  if (failure.data === null) return
  const data = prettyJson(jsonOf(failure.data, { nonFinite: "text" }), err.columns() - 8, "        ")
  err.write(`        ${dim(printable(data))}\n`)
}

/** Writes of which nobody knows what came of them: somebody has to look. */
export function showUncertain(call: Call, { uncertain = [] }: RunResult): void {
  const { err } = call.terminal
  for (const path of uncertain)
    err.write(
      `${err.colours.yellow("uncertain")}  ${printPath(path)}: nobody knows whether it was done, and it is on record so\n`,
    )
}

/** A run that rests: what it waits for, and what to write when it is there. */
export function showParked(call: Call, result: RunResult): void {
  const { err } = call.terminal
  const [first, ...rest] = parkedLines(result)
  err.write(`${err.colours.yellow("parked")}  ${first ?? ""}\n${rest.map((line) => `        ${line}\n`).join("")}`)
}

/** One object on one line. */
export function jsonResult(
  result: RunResult,
  { ms, reads, writes }: Totals,
  early?: { readonly told: number; readonly held: boolean },
): string {
  const { run, outcome, trace, ledger, spent, parked } = result
  return JSON.stringify({
    run,
    ok: outcome.ok,
    ...outcomeJson(outcome),
    trace,
    ledger,
    ...(spent === undefined ? {} : { spent }),
    ...(parked === undefined ? {} : { parked: parked.map(waitJson) }),
    ...besidesJson(result),
    ...(early === undefined ? {} : { early }),
    reads,
    writes,
    ms: Math.round(ms * 1000) / 1000,
  })
}

/** `{ output }` or `{ failure: { code, message, data, path } }`. */
export function outcomeJson(outcome: RunResult["outcome"]): object {
  if (outcome.ok) return { output: jsonOf(outcome.value, { nonFinite: "text" }) }
  const { code, message, data, path } = outcome.failure
  return {
    failure: { code, message, data: jsonOf(data, { nonFinite: "text" }), ...(path ? { path: printPath(path) } : {}) },
  }
}

/** `5 nodes · 3 reads, 0 writes · 113 ms, its calls took 117 ms · run 01JD8… · trace 9f3c21…`, in two lines where one is too narrow. */
export function lastLine(
  { run, trace }: RunResult,
  { nodes, reads, writes, ms, serialMs }: Totals,
  columns: number,
): string {
  const some = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`
  const calls = reads + writes > 1 ? `, its calls took ${printMs(serialMs)}` : ""
  const what = `${some(nodes, "node")} · ${some(reads, "read")}, ${some(writes, "write")} · ${printMs(ms)}${calls}`
  const ids = `run ${run.slice(0, 10)}… · trace ${trace.slice(0, 6)}…`
  return `${what}${what.length + 3 + ids.length > columns ? "\n" : " · "}${ids}`
}
