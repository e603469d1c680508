/** What came of undoing, for people. */
import { printPath } from "../../graph/mod.ts"
import type { Undone } from "../../kernel/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import type { RunResult } from "../engine/engine.ts"
import type { Call } from "./command.ts"
import { printable } from "./errors.ts"

/** How far undoing went, and what to write where it did not go to its end. */
export function showUndone(call: Call, { run, undone }: RunResult): void {
  if (undone === undefined) return
  const { err } = call.terminal
  const { green, red } = err.colours
  const list = (paths: Undone["undone"]) =>
    `${paths.slice(0, LISTED_MAX).map(printPath).join(", ")}${paths.length > LISTED_MAX ? ` and ${paths.length - LISTED_MAX} more` : ""}`
  const { stuck, left, untouched } = undone
  err.write(`${green("undone")}  ${undone.undone.length === 0 ? "nothing" : list(undone.undone)}\n`)
  if (left.length > 0) err.write(`        ${list(left)} stays, as somebody wanted\n`)
  if (stuck !== undefined) {
    const at = printPath(stuck.path)
    err.write(`${red("stuck")}   ${at}: ${printable(`${stuck.failure.code}: ${stuck.failure.message}`)}\n`)
    err.write(`        shadowgraph runs undo ${run.slice(0, 12)}…   tries it again; --leave ${at} goes on without\n`)
  }
  if (untouched.length > 0) err.write(`        not undone either: ${list(untouched)}\n`)
}

/** Of a run that failed or was stopped and may have done what can be taken back: how. */
export function hintUndo(call: Call, plan: Plan, { run, outcome, parked }: RunResult): void {
  const kept = call.text("ledger") !== "memory"
  if (outcome.ok || parked !== undefined || plan.undos === undefined || !kept) return
  const { err } = call.terminal
  err.write(err.colours.dim(`        shadowgraph runs undo ${run.slice(0, 12)}…   takes back what it did\n`))
}

const LISTED_MAX = 10
