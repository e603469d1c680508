/**
 * Going on with a run: answers are put on record first, as what they come to; then the same plan runs again from its input,
 * and everything that is on record is answered from there. Nothing that a run once did is done by this a second time.
 */
import { type Failure, fail, isRecord, type Path, printPath, type Value } from "../graph/mod.ts"
import type { Admitted } from "./admit.ts"
import { kernelError } from "./errors.ts"
import type { History, Wait } from "./history.ts"
import type { Answered, LedgerStore } from "./ledger.ts"
import { callAt, judgeAnswer, replaying, resuming } from "./past.ts"
import { continueRun, type RunOptions, type RunRecord } from "./run.ts"

/** What somebody answers to a run that waits at `path`. */
export interface Reply {
  readonly path: Path
  /** `delivered`, `refused` and `again` are for writes; `refused` also says no to an `ask` or an event. */
  readonly how: Exclude<Answered, "due">
  /** Of `answered` and `delivered`. */
  readonly value?: Value
  /** Of `refused`: why. */
  readonly message?: string
}

export type ResumeOptions = Omit<RunOptions, "input" | "run" | "space">

/**
 * Puts on record that a run goes on, with these answers and with what has become due by now. Fails with `KernelError`:
 * `closed` where the run has ended, `answer` for an answer that does not fit, `conflict` where another process went on with it.
 */
export async function answerRun(
  admitted: Admitted,
  history: History,
  options: ResumeOptions,
  replies: readonly Reply[],
  by: string,
): Promise<void> {
  const record = resumeRun(admitted, history, options)
  const said = replies.map((reply) => settledBy(history, reply, by))
  // Before anything is written: an answer that does not fit leaves no trace.
  for (const { wait, outcome, how } of said) {
    const x = admitted.externs[callAt(admitted, wait.path)]!
    if (how !== "again") await judgeAnswer(x, wait, outcome, options.clock)
  }
  const now = options.clock.now()
  for (const [at, wait] of history.waits) {
    if (wait.until === null || wait.until > now || said.some((s) => printPath(s.wait.path) === at)) continue
    said.push({ wait, how: "due", by: "time", outcome: dueOutcome(wait) })
  }
  await record.resumed(by)
  for (const { path, how, data, message } of history.answers.values()) {
    if (data !== null) await record.settle(waitAt(history, path), callAt(admitted, path), how, { data, message })
  }
  for (const { wait, how, by: who, outcome } of said)
    await record.answer(wait, callAt(admitted, wait.path), how, who, outcome)
}

/** The record of a run that goes on: `history` is read after `answerRun`, so that it holds the answers. */
export const resumeRun = (admitted: Admitted, history: History, options: ResumeOptions): RunRecord => {
  if (history.end !== undefined) throw kernelError("closed", `Cannot go on with run "${history.run}": it has ended`)
  return opened(admitted, history, options)
}

const opened = (admitted: Admitted, history: History, options: ResumeOptions): RunRecord => {
  const { run, space, input } = history
  return continueRun(admitted, { ...options, run, space, input }, resuming(history), history)
}

/** The record of a replay: everything is answered from the run's own record, and nothing is written anywhere. */
export function replayRun(
  admitted: Admitted,
  history: History,
  options: Omit<ResumeOptions, "store" | "cache">,
): RunRecord {
  const { run, space, input } = history
  return continueRun(admitted, { ...options, store: NOWHERE, run, space, input }, replaying(history), history)
}

/** A replay proves something about a record; it leaves none. */
const NOWHERE: LedgerStore = {
  append: () => {},
  runs: () => [],
  entries: () => ({ before: null, rows: [] }),
  parked: () => [],
  putBlob: () => {},
  getBlob: () => undefined,
  close: () => {},
}

type Wanted = Pick<Wait, "path" | "input" | "why"> & Partial<Pick<Wait, "request">>
interface Settled {
  readonly wait: Wanted
  readonly how: Answered
  readonly by: string
  readonly outcome: unknown
}

/** What a run waits for at a path, also where its process died before it could say so. */
export function waitAt(history: History, path: Path): Wanted {
  const at = printPath(path)
  const wait = history.waits.get(at) ?? history.open.get(at)
  if (wait !== undefined) return "why" in wait ? wait : { path: wait.path, input: wait.input, why: "uncertain" }
  const all = [...new Set([...history.waits.keys(), ...history.open.keys()])].join(", ")
  throw kernelError("answer", `Cannot answer ${at}: run "${history.run}" waits for ${all || "nothing"}`)
}

const FITS: { readonly [K in Wait["why"]]: readonly Reply["how"][] } = {
  ask: ["answered", "refused"],
  sleep: ["answered"],
  event: ["answered", "refused"],
  uncertain: ["delivered", "refused", "again"],
  held: ["delivered", "refused", "again"],
}

function settledBy(history: History, { path, how, value = null, message }: Reply, by: string): Settled {
  const wait = waitAt(history, path)
  if (!FITS[wait.why].includes(how)) {
    const fits = FITS[wait.why].join(", ")
    throw kernelError("answer", `Cannot answer ${printPath(path)}: it waits (${wait.why}) for ${fits}, found ${how}`)
  }
  if (how === "again") return { wait, how, by, outcome: undefined }
  if (how !== "refused") return { wait, how, by, outcome: value }
  return { wait, how, by, outcome: fail("Refused", message ?? "A person said no", { undelivered: true }) }
}

/** What a wait comes to when nobody has answered in time. */
function dueOutcome({ request, path }: Wait): Value | Failure {
  const due = request["due"]
  if (Array.isArray(due)) {
    const [kind, what, message] = due as readonly Value[]
    if (kind === "value") return what!
    if (isRecord(what) && typeof what["failure"] === "string") {
      return fail(what["failure"], String(message ?? ""), { data: what["data"] ?? null })
    }
  }
  return fail("Timeout", `Nobody answered ${printPath(path)} in time`)
}
