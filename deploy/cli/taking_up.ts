/** `runs resume`, `cancel`, `undo` and `rerun`: what a person says to a run that rests or is over, and what comes of it. */
import { resolve } from "node:path"
import { type Failure, fail, type Path, parsePath, printPath, type Type, type Value } from "../../graph/mod.ts"
import { type Admitted, callAt, type History, type Reply, waitAt } from "../../kernel/mod.ts"
import { anew, cancel, resume, undo } from "../engine/again.ts"
import { besidesJson } from "../engine/ending.ts"
import type { RunResult } from "../engine/engine.ts"
import { openProject, openSession, type Session } from "../project/project.ts"
import { budgetsOf } from "./budget.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { wordValue } from "./input.ts"
import { outcomeJson, showFailure, showParked, showUncertain, showValue } from "./result.ts"
import { runNamed, spaceOf } from "./run_named.ts"
import { speculateOf } from "./speculate.ts"
import { showUndone } from "./undone.ts"
import { waitJson } from "./waits.ts"

/** An engine over a folder's ledger, with the grants of its project and of the command line. */
export async function openFolder(call: Call): Promise<Session> {
  const folder = resolve(call.terminal.cwd, call.text("in") ?? ".")
  const project = await openProject(folder)
  const grants = [...project.file.grants, ...call.list("grant")]
  const more = { budgets: budgetsOf(call), ...speculateOf(call, project.file) }
  return await openSession(project, { grants, env: call.terminal.env, space: spaceOf(call), ...more })
}

export const VERBS = ["resume", "cancel", "undo", "rerun"] as const
export type Verb = (typeof VERBS)[number]

export async function takeUp(call: Call, verb: Verb, word: string): Promise<number> {
  const session = await openFolder(call)
  try {
    const { engine } = session
    const run = await runNamed(engine.store, engine.space, word)
    const { ready, history } = await engine.reopen(run, "untouched")
    const grants = call.on("yes") ? ready.admitted.plan.externs.flatMap((x) => x.needs) : session.grants
    if (verb === "undo" || (verb === "cancel" && call.on("undo"))) {
      if (verb === "cancel") await cancel(engine, run)
      const left = call.list("leave").map((text) => printPath(pathOf(text)))
      return showUndoing(call, await undo(engine, run, { grants, left }))
    }
    const result =
      verb === "cancel"
        ? await cancel(engine, run)
        : verb === "resume"
          ? await resume(engine, run, { grants, replies: await repliesOf(call, ready.admitted, history) })
          : await anew(engine, run, { grants, pinned: pinsOf(call, "pin", ready.admitted) })
    return showRun(call, result)
  } finally {
    await session.close()
  }
}

/** The result, as `run` shows one. */
export function showRun(call: Call, result: RunResult): number {
  const { outcome, parked } = result
  if (call.on("json")) showJson(call, result)
  else if (parked !== undefined) showParked(call, result)
  else if (outcome.ok) showValue(call, outcome.value)
  else showFailure(call, outcome.failure, undefined)
  if (!call.on("json")) {
    showUncertain(call, result)
    showUndone(call, result)
  }
  return parked !== undefined ? EXIT.parked : outcome.ok ? EXIT.ok : EXIT.failed
}

/** What came of undoing; that the run had failed is no failure of it. */
function showUndoing(call: Call, result: RunResult): number {
  if (call.on("json")) showJson(call, result)
  else if (result.parked !== undefined) showParked(call, result)
  else showUndone(call, result)
  return result.parked !== undefined ? EXIT.parked : result.undone?.stuck === undefined ? EXIT.ok : EXIT.failed
}

function showJson(call: Call, result: RunResult): void {
  const { outcome, parked, run, trace, ledger } = result
  const waits = parked === undefined ? {} : { parked: parked.map(waitJson) }
  const told = { run, ok: outcome.ok, ...outcomeJson(outcome), trace, ledger, ...waits, ...besidesJson(result) }
  call.terminal.out.write(`${JSON.stringify(told)}\n`)
}

async function repliesOf(call: Call, admitted: Admitted, history: History): Promise<readonly Reply[]> {
  const replies: Reply[] = []
  for (const text of call.list("answer")) {
    const { path, value } = given(text)
    const wait = waitAt(history, path)
    const how = wait.why === "uncertain" || wait.why === "held" ? "delivered" : "answered"
    const yes = wait.request?.["only"] !== undefined && /^(y|yes|true)$/i.test(value ?? "")
    replies.push({ path, how, value: yes ? true : valueAt(admitted, path, value) })
  }
  for (const text of call.list("refuse")) {
    const { path, value } = given(text)
    replies.push({ path, how: "refused", ...(value === undefined ? {} : { message: value }) })
  }
  for (const text of call.list("send")) replies.push({ path: given(text).path, how: "again" })
  return replies
}

/** Outcomes given as `path=value`; `path=!Code` is a failure. */
export const pinsOf = (
  call: Call,
  option: string,
  admitted: Admitted,
): readonly { readonly path: Path; readonly outcome: Value | Failure }[] =>
  call.list(option).map((text) => {
    const { path, value } = given(text)
    if (value?.startsWith("!")) return { path, outcome: fail(value.slice(1), "Put there by a person") }
    return { path, outcome: valueAt(admitted, path, value) }
  })

function given(text: string): { readonly path: Path; readonly value: string | undefined } {
  const at = text.indexOf("=")
  return { path: pathOf(at === -1 ? text : text.slice(0, at)), value: at === -1 ? undefined : text.slice(at + 1) }
}

/** Reads a path as it is printed. Fails with `CliError` (`usage`). */
export function pathOf(text: string): Path {
  const path = parsePath(text)
  if (path !== undefined) return path
  throw usage(`"${text}" is no path of a node`, "As it is printed: approve, cost[3].do")
}

function valueAt(admitted: Admitted, path: Path, text: string | undefined): Value {
  const extern = admitted.externs[callAt(admitted, path)]!
  const type = admitted.plan.types[extern.claim.output] as Type
  if (text === undefined && type.kind !== "null")
    throw usage(`${printPath(path)} wants a value`, `${printPath(path)}=…`)
  if (type.kind === "boolean" && /^(y|yes|n|no)$/i.test(text ?? "")) return /^y/i.test(text!)
  return wordValue(text ?? "", type)
}
