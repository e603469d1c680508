/**
 * What a run may know before it begins: its own record, where it goes on after a stop or is replayed, or outcomes of another
 * run that it takes over. Every call asks here before its tool is asked.
 */
import {
  type Awaitable,
  Failure,
  fail,
  type Outcome,
  type Path,
  printPath,
  type Rec,
  sameBytes,
  type Type,
  UNDO,
  type Value,
} from "../graph/mod.ts"
import { externAt } from "../plan/mod.ts"
import type { Admitted, AdmittedExtern } from "./admit.ts"
import { type KernelError, kernelError } from "./errors.ts"
import type { History, Known, Wait } from "./history.ts"
import { judgeOf, type Patience } from "./judge.ts"
import { encoded, heldBy, messageOf, openOutcome, valueOf } from "./outcome.ts"
import type { RunOptions } from "./run_options.ts"

export interface Past {
  /**
   * `resume`: its own record; a call with other arguments than on record is refused. `taken`: outcomes of another run; they
   * count where the arguments are the same. `replay`: its own record and nothing else: no tool is called.
   */
  readonly how: "resume" | "taken" | "replay"
  readonly known: ReadonlyMap<string, Known>
  readonly open: History["open"]
  readonly waits: History["waits"]
  readonly again: History["again"]
  readonly parts: History["parts"]
  readonly met: History["met"]
  /** Some outcome is a failure: what had happened by then depends on the order, so outcomes are given in theirs. */
  readonly ordered: boolean
  /** Of `replay`: what the run ended in. */
  readonly end?: Outcome | undefined
  /** Of `taken`: the run that knew it. */
  readonly from: string | null
  /** Writes wait for leave to be sent. */
  readonly held: boolean
}

/** A call that a replay makes with other arguments than are on record. */
export interface Divergence {
  readonly path: Path
  /** Functions that call themselves pure and that its arguments come from: one of them is not. */
  readonly feeds: readonly Path[]
}

/** The past of a run that goes on. */
export const resuming = (history: History): Past => ({
  how: "resume",
  known: history.known,
  open: history.open,
  waits: history.waits,
  again: history.again,
  parts: history.parts,
  met: history.met,
  ordered: anyFailed(history.known),
  from: null,
  held: history.held,
})

/** The past of a run that is replayed: what stands on record, and no tool. */
export const replaying = (history: History): Past => ({
  ...resuming(history),
  how: "replay",
  end: history.end?.outcome,
})

export interface Taking {
  /** Outcomes that stand before this one on record are taken over; undefined: none is. `all`: whichever have the same arguments. */
  readonly before?: Path | "all"
  /** Outcomes that a person puts in place of what the tools would say. */
  readonly pinned: readonly { readonly path: Path; readonly outcome: unknown }[]
  /** Writes wait for leave to be sent. */
  readonly held: boolean
}

/** The past of a new run that takes over outcomes of another. Fails with `KernelError` `answer` where an outcome fits nothing. */
export async function taking(
  history: History,
  admitted: Admitted,
  { before, pinned, held }: Taking,
  { digest, clock }: Pick<RunOptions, "digest" | "clock">,
): Promise<Past> {
  sayOnce(pinned.map((p) => p.path))
  const known = new Map<string, Known>()
  const until = before === undefined ? 0 : before === "all" ? Number.POSITIVE_INFINITY : placeOf(history, before)
  for (const [at, entry] of history.known) {
    // What was undone is not there to be taken over: the new run does it again.
    const undone = history.known.get(`${at}.${UNDO}`)?.how === "delivered"
    if (entry.seq < until && !undone) known.set(at, entry)
  }
  for (const { path, outcome } of pinned) {
    const x = admitted.externs[callAt(admitted, path)]!
    // Nobody knows its arguments yet: what looks at them is asked when the run comes to it (`judgedHere`).
    const judge = x.judge.alone ? x.judge : judgeOf(admitted.plan.types[x.claim.output]!)
    const kept = encoded(await judgeAnswer({ judge }, { path }, outcome, clock), digest)
    const { effect, resource } = x.signature
    const entry = { path, resource, hash: kept.hash, data: kept.data, message: messageOf(kept.outcome), input: null }
    // Where it stood on record it stands again, so that failures come in the order in which they came.
    const seq = history.known.get(printPath(path))?.seq ?? Number.MAX_SAFE_INTEGER
    known.set(printPath(path), { ...entry, seq, effect: effect === "write" ? "write" : "read" })
  }
  const none = { open: new Map(), waits: new Map(), again: new Set<string>(), parts: new Map(), met: new Map() }
  return { how: "taken", known, ...none, ordered: anyFailed(known), from: history.run, held }
}

/** The extern at a path; fails with `KernelError` `answer` where the plan calls no tool there that has an outcome on record. */
export function callAt({ plan, externs }: Admitted, path: Path): number {
  const index = externAt(plan, path)
  if (index !== undefined && externs[index]!.signature.effect !== "pure") return index
  const what =
    index === undefined ? "the plan calls no tool there" : "what it calls is pure, and pure work has no record"
  throw kernelError("answer", `Cannot give an outcome to ${printPath(path)}: ${what}`)
}

/** Somebody says one thing of each path. Fails with `KernelError` `answer` where two are said of one. */
export function sayOnce(paths: readonly Path[]): void {
  const said = paths.map(printPath)
  const twice = said.find((at, i) => said.indexOf(at) < i)
  if (twice !== undefined) throw kernelError("answer", `Cannot take two outcomes for ${twice}: say one`)
}

/**
 * An outcome that somebody gives, as the validators of its port judge it. Fails with `KernelError` `answer` where they refuse
 * it, or need the call's arguments and nobody knows these yet.
 */
export async function judgeAnswer(
  x: Pick<AdmittedExtern, "judge">,
  { path, request }: { readonly path: Path; readonly request?: Rec },
  given: unknown,
  patience: Patience,
): Promise<Outcome> {
  const refuse = (why: string) => kernelError("answer", `Cannot take the outcome given for ${printPath(path)}: ${why}`)
  if (!x.judge.alone && request?.["args"] === undefined && !(given instanceof Failure)) {
    throw refuse(
      "its validators look at the arguments too; resume the run without this answer first, so that they are known",
    )
  }
  const outcome = await x.judge.judge(given, request?.["args"], patience)
  if (!outcome.ok && !(given instanceof Failure)) throw refuse(outcome.failure.message)
  return outcome
}

/** What stands in for a call. What somebody put there is judged here, where its arguments are known, if it could not be before. */
export function judgedHere(
  known: Known,
  x: AdmittedExtern,
  port: Type,
  args: Value,
  { digest, clock }: Pick<RunOptions, "digest" | "clock">,
): Awaitable<Known> {
  if (known.input !== null || known.message !== null || x.judge.alone) return known
  const put = openOutcome(known.data, null)
  const as = (outcome: Outcome): Known => {
    if (outcome.ok) return known
    const { hash, data } = encoded(outcome, digest)
    return { ...known, hash, data, message: messageOf(outcome) }
  }
  const judged = x.judge.judge(valueOf(heldBy(port, put)), args, clock)
  return judged instanceof Promise ? judged.then(as) : as(judged)
}

function placeOf(history: History, path: Path): number {
  const at = printPath(path)
  const seq = history.known.get(at)?.seq ?? history.open.get(at)?.seq
  if (seq !== undefined) return seq
  const paths = [...history.known.keys()].slice(0, 10).join(", ")
  throw kernelError(
    "answer",
    `Cannot go back to ${at}: run "${history.run}" has no outcome there; it has ${paths || "none"}`,
  )
}

const anyFailed = (known: ReadonlyMap<string, Known>): boolean => {
  for (const { message } of known.values()) if (message !== null) return true
  return false
}

/** What the record says to a call with these arguments: an outcome, a wait, that it differs, or nothing. */
export function lookUp(
  past: Past,
  path: Path,
  x: AdmittedExtern,
  input: Uint8Array,
):
  | { readonly known: Known; readonly same: boolean }
  | { readonly wait: Wait | "held" | "unknown" }
  | "differs"
  | undefined {
  const at = printPath(path)
  const known = past.known.get(at)
  if (known !== undefined) {
    const same = known.input === null || sameBytes(known.input, input)
    if (same || past.how === "replay") return { known, same }
    if (past.how === "resume") return "differs"
  }
  if (past.how === "replay") return undefined
  if (x.signature.effect !== "write") {
    const wait = past.waits.get(at)
    if (wait === undefined) return undefined
    return sameBytes(wait.input, input) ? { wait } : "differs"
  }
  if (past.again.has(at)) return undefined
  const open = past.open.get(at)
  if (open === undefined) return past.held ? { wait: "held" } : undefined
  if (!sameBytes(open.input, input)) return "differs"
  // The tool does nothing twice for one key: sending again is how to learn what came of it.
  return x.signature.keyed === true ? undefined : { wait: past.waits.get(at) ?? "unknown" }
}

export function diverged(run: string, path: Path, feeds: readonly Path[]): KernelError {
  const from =
    feeds.length === 0
      ? "no function feeds it, so the body of a tool that has not answered yet must have asked otherwise"
      : `its arguments come from ${feeds.map(printPath).join(", ")}, of which one is not pure`
  const what = `${printPath(path)} is called with other arguments than on record; ${from}`
  return kernelError("diverged", `Cannot go on with run "${run}": ${what}`)
}

/** The wait of a write that nobody has let be sent yet. */
export function leaveFor({ claim, signature }: AdmittedExtern, path: Path, input: Uint8Array, args: Value): Wait {
  const request = { tool: claim.kind, resource: signature.resource, args }
  return { path, why: "held", input, until: null, request }
}

/** Of a write whose process ended before it was known what came of it. */
export const INTERRUPTED = fail("Uncertain", "The run stopped before it was known what came of it")

/** Of a write that certainly never arrived, in a run that ended before it was sent again. */
export const NEVER_SENT = fail("Cancelled", "It never arrived, and the run ended before it was sent again", {
  undelivered: true,
})

/** The wait of a write of which nobody knows what came of it. `args` where they are known. */
export function uncertain(
  { claim, signature }: AdmittedExtern,
  key: string,
  { path, input, args }: { readonly path: Path; readonly input: Uint8Array; readonly args?: Value },
  { code, message }: Failure = INTERRUPTED,
): Wait {
  const request = { tool: claim.kind, resource: signature.resource, key, code, message }
  return { path, why: "uncertain", input, until: null, request: args === undefined ? request : { ...request, args } }
}
