/**
 * Going on with a run: answers are put on record first, as what they come to; then the same plan runs again from its input,
 * and everything that is on record is answered from there. Nothing that a run once did is done by this a second time.
 */
import {
  acceptAnswer,
  type Failure,
  fail,
  isRecord,
  type Path,
  printPath,
  sameValue,
  type Value,
} from "../graph/mod.ts"
import { type Admitted, isAdmitted } from "./admit.ts"
import { GrowingChain } from "./chain.ts"
import { kernelError } from "./errors.ts"
import { type History, isHistory, type Wait } from "./history.ts"
import type { Answered, LedgerStore } from "./ledger.ts"
import { type Encoded, encoded, messageOf } from "./outcome.ts"
import { callAt, judgeAnswer, replaying, resuming, sayOnce } from "./past.ts"
import { continueRun, type RunRecord } from "./run.ts"
import type { RunOptions } from "./run_options.ts"
import { mayUndo, undoEntry } from "./undo.ts"

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
  mayGoOn(admitted, history)
  sayOnce(replies.map((r) => r.path))
  const { digest, clock } = options
  const said: Settled[] = []
  // All are judged before anything is written: an answer that does not fit leaves no trace.
  for (const reply of replies) said.push(await settledBy(admitted, history, reply, by, options))
  for (const [at, wait] of history.waits) {
    // Who answered in time is not late because the process died then.
    const answered = history.answers.has(at) || said.some((s) => printPath(s.wait.path) === at)
    if (answered || wait.why === "budget" || wait.until === null || wait.until > clock.now()) continue
    const x = admitted.externs[callAt(admitted, wait.path)]!
    const outcome = await x.judge.judge(dueOutcome(wait), wait.request["args"], clock)
    said.push({ wait, how: "due", by: "time", kept: encoded(outcome, digest) })
  }
  const chain = new GrowingChain({ ...options, space: history.space, run: history.run }, history.head)
  await chain.append({ kind: "resume", by }, null)
  for (const { path, how, data, message, outcome } of history.answers.values()) {
    if (data === null || outcome === null) continue
    await settle(chain, admitted, history, waitAt(history, path), how, { data, message, hash: outcome })
  }
  for (const { wait, how, by: who, kept } of said) {
    const { path } = wait
    if (kept === undefined) {
      await chain.append({ kind: "answer", path, how, by: who, outcome: null, message: null }, null)
      continue
    }
    const { data, hash } = kept
    const message = messageOf(kept.outcome)
    chain.append({ kind: "answer", path, how, by: who, outcome: hash, message }, data)?.catch(() => {})
    await settle(chain, admitted, history, wait, how, { data, message, hash })
  }
}

/** Records what an answer comes to: the outcome of the read or write that waits. */
function settle(
  chain: GrowingChain,
  admitted: Admitted,
  history: History,
  { path, input }: Wanted,
  how: Answered,
  { data, message, hash }: { readonly data: Uint8Array; readonly message: string | null; readonly hash: Uint8Array },
): void | Promise<void> {
  const { effect, resource } = admitted.externs[callAt(admitted, path)]!.signature
  const common = { path, resource, input, outcome: hash, message }
  if (effect === "read")
    return chain.append({ kind: "read", ...common, attempts: 0, cachedMs: null, spent: null }, data)
  // What a person says of a write that is uncertain on record counts for its undo; the run went on from what is on record.
  if (history.known.get(printPath(path))?.how === "uncertain") return
  const open = history.open.get(printPath(path))
  // A write that was never announced was not sent: what counts for it is what somebody put there.
  if (open === undefined) return chain.append({ kind: "taken", effect: "write", ...common, from: null }, data)
  const done = how === "refused" ? "refused" : "delivered"
  const entry = { intent: open.seq, how: done, outcome: hash, message, attempts: 0, spent: null } as const
  return chain.append({ kind: "outcome", ...entry }, data)
}

/**
 * Puts on record that what an ended run did is to be undone, but for the writes that are `left`. Fails with `KernelError`:
 * `closed` where it has not ended, `undone` where nothing is left to undo, `conflict` where another process is at it.
 */
export async function undoRun(
  admitted: Admitted,
  history: History,
  options: ResumeOptions,
  { by, left }: { readonly by: string; readonly left: readonly string[] },
): Promise<void> {
  isOf(admitted, history)
  mayUndo(admitted, history, left)
  const { run, space, end, undoing } = history
  const { body, data } = undoEntry(end?.outcome ?? undoing!.outcome, by, left, options.digest)
  await new GrowingChain({ ...options, space, run }, history.head).append(body, data)
}

/** The record of a run that goes on: `history` is read after `answerRun`, so that it holds the answers. */
export function resumeRun(admitted: Admitted, history: History, options: ResumeOptions): RunRecord {
  mayGoOn(admitted, history)
  const { run, space } = history
  const input = inputOf(admitted, history)
  return continueRun(admitted, { ...options, run, space, input }, resuming(history), history)
}

/** The input of a run as the port of its plan holds it: bytes alone do not tell an int64 from a number. */
export const inputOf = ({ plan }: Admitted, { input }: History): Value => acceptAnswer(plan.types[plan.input]!)(input)

function mayGoOn(admitted: Admitted, history: History): void {
  isOf(admitted, history)
  if (history.end !== undefined) throw kernelError("closed", `Cannot go on with run "${history.run}": it has ended`)
}

function isOf(admitted: Admitted, history: History): void {
  if (!isAdmitted(admitted)) throw kernelError("misuse", "Cannot go on with a run: the plan was not admitted")
  if (!isHistory(history)) throw kernelError("misuse", "Cannot go on with a run: its history was not read from a chain")
  const { run, graph, plan } = history
  if (admitted.graph !== graph || admitted.hash !== plan) {
    throw kernelError("diverged", `Cannot go on with run "${run}": it began with plan ${plan}, found ${admitted.hash}`)
  }
}

/** The record of a replay: everything is answered from the run's own record, and nothing is written anywhere. */
export function replayRun(
  admitted: Admitted,
  history: History,
  options: Omit<ResumeOptions, "store" | "cache">,
): RunRecord {
  isOf(admitted, history)
  const { run, space } = history
  const input = inputOf(admitted, history)
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
  /** What it comes to; undefined where the write is to be sent. */
  readonly kept: Encoded | undefined
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
  budget: [],
  sleep: ["answered"],
  event: ["answered", "refused"],
  uncertain: ["delivered", "refused", "again"],
  held: ["delivered", "refused", "again"],
}

async function settledBy(
  admitted: Admitted,
  history: History,
  { path, how, value = null, message }: Reply,
  by: string,
  { digest, clock }: ResumeOptions,
): Promise<Settled> {
  const wait = waitAt(history, path)
  const before = history.answers.get(printPath(path))
  if (before !== undefined) {
    const what = `it was answered by ${before.by}, and that counts; resume the run without another answer`
    throw kernelError("answer", `Cannot answer ${printPath(path)}: ${what}`)
  }
  if (!FITS[wait.why].includes(how)) {
    const fits = FITS[wait.why].join(", ")
    throw kernelError("answer", `Cannot answer ${printPath(path)}: it waits (${wait.why}) for ${fits}, found ${how}`)
  }
  if (how === "again") return { wait, how, by, kept: undefined }
  const only = wait.request?.["only"]
  if (how === "answered" && only !== undefined && value !== true && !sameValue(value, only)) {
    throw kernelError("answer", `Cannot answer ${printPath(path)}: what is asked is a yes to the value that is shown`)
  }
  const yes = only === undefined ? value : only
  const given = how === "refused" ? fail("Refused", message ?? "A person said no", { undelivered: true }) : yes
  const outcome = await judgeAnswer(admitted.externs[callAt(admitted, path)]!, wait, given, clock)
  return { wait, how, by, kept: encoded(outcome, digest) }
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
