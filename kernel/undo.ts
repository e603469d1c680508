/**
 * Taking back what a run did: which call is due next, by the record and by nothing else. Writes are undone in the reverse
 * of the order in which their outcomes came; each undo is a write with an intent, an outcome and a key of its own. The
 * first that cannot be made stops the rest, so that what is undone is always the end of what was done.
 */
import {
  accept,
  type Digest,
  decode,
  encode,
  type Failure,
  fail,
  hashValue,
  held,
  needsAnswer,
  type Outcome,
  type Path,
  printPath,
  sameBytes,
  toFailure,
  UNDO,
  undoArgs,
  undoKey,
  type Value,
} from "../graph/mod.ts"
import { externAt } from "../plan/mod.ts"
import type { Admitted, AdmittedExtern } from "./admit.ts"
import { idempotencyKey } from "./commit.ts"
import { kernelError } from "./errors.ts"
import type { History, Said, Undoable, Wait } from "./history.ts"
import type { Delivery, EntryBody } from "./ledger.ts"
import { encoded, messageOf, openOutcome, valueOf } from "./outcome.ts"
import { type Divergence, uncertain } from "./past.ts"
import type { RunOptions } from "./run_options.ts"

/** What is to be done next. */
export type Due =
  /** This call. `fresh`: whatever is on record of it was an attempt that the tool refused. */
  | { readonly path: Path; readonly extern: number; readonly args: Value; readonly fresh: boolean }
  /** Nobody knows what came of a write, or of its undo; a person has to say. */
  | { readonly wait: Wait }

/** What came of undoing. */
export interface Undone {
  /** Writes that were taken back, in the order in which that was done. */
  readonly undone: readonly Path[]
  /** Writes that somebody wanted to stay. */
  readonly left: readonly Path[]
  /** The write that could not be taken back, and why; those before it stay too. */
  readonly stuck?: { readonly path: Path; readonly failure: Failure }
  /** Writes before that one. */
  readonly untouched: readonly Path[]
}

/** What came of an undo. */
interface Tried {
  readonly how: Delivery
  readonly outcome: Outcome
  readonly input: Uint8Array
  /** Before somebody asked again. */
  readonly before: boolean
}

export class Undos {
  readonly #admitted: Admitted
  readonly #options: Pick<RunOptions, "space" | "run" | "digest">
  /** In the order of their outcomes. */
  readonly #list: Undoable[]
  /** What a person said of writes and undos of which nobody knows; an undo that was called again is another matter. */
  readonly #said: Map<string, Said>
  readonly #tried = new Map<string, Tried>()
  readonly #leave: ReadonlySet<string>
  readonly #undone: Path[] = []
  readonly #left: Path[] = []
  #at = -1
  #stuck: Undone["stuck"]
  /** What the run had come to when it began to undo; undefined before. */
  came: Outcome | undefined

  constructor(admitted: Admitted, options: Pick<RunOptions, "space" | "run" | "digest">, history?: History) {
    this.#admitted = admitted
    this.#options = options
    this.#list = history?.undoable.slice() ?? []
    this.#said = new Map(history?.said)
    this.#leave = new Set(history?.left)
    const undoing = history?.undoing
    if (undoing === undefined) return
    for (const { path } of this.#list) {
      const known = history!.known.get(printPath([...path, UNDO]))
      if (known?.how === undefined) continue
      this.#try(known.path, known.how, openOutcome(known.data, known.message), known.input!, known.seq < undoing.seq)
    }
    this.begin(undoing.outcome)
  }

  /** Does the graph want what it did undone when it fails? */
  get onFailure(): boolean {
    return this.#admitted.plan.onFailure !== undefined
  }

  /** Is it the path of an undo of this plan? */
  isUndo(path: Path): boolean {
    return path.at(-1) === UNDO && this.#admitted.undos!.has(undoKey(path.slice(0, -1)))
  }

  /** A write is announced: are its arguments to be kept? Fails with `KernelError` for an undo that is not the next. */
  announced(path: Path): boolean {
    if (this.isUndo(path) && !this.isDue(path))
      throw kernelError("misuse", `Cannot undo ${printPath(path)} now: it is not the next to be undone`)
    return this.#admitted.undos!.has(undoKey(path))
  }

  /** Is the call at `path` due, and has no outcome? */
  isOpen(path: Path): boolean {
    return this.isDue(path) && !this.#tried.has(printPath(path))
  }

  /** A write, or an undo, has its outcome. */
  settled(path: Path, how: Delivery, outcome: Outcome, input: Uint8Array, args: Value): void {
    if (this.came !== undefined) {
      this.#try(path, how, outcome, input, false)
      // It was about an attempt before this one.
      this.#said.delete(printPath(path))
    }
    // Where only a person can ask for it, the record is read again first.
    else if (this.onFailure && how !== "refused" && this.#admitted.undos!.has(undoKey(path)))
      this.#list.push({ path, how, input, args, out: valueOf(outcome) })
  }

  /** The run undoes from here on. Undefined where there is nothing to undo. */
  begin(came: Outcome): this | undefined {
    if (this.#list.length === 0) return undefined
    this.came = came
    this.#at = this.#list.length - 1
    return this
  }

  /** The next thing to do; undefined where there is none, or something is in the way (`report`). */
  next(): Due | undefined {
    while (this.#at >= 0 && this.#stuck === undefined) {
      const done = this.#list[this.#at]!
      const due = this.#leave.has(printPath(done.path)) ? "left" : this.#look(done)
      if (due === undefined || typeof due === "object") return due
      if (due === "undone") this.#undone.push(done.path)
      if (due === "left") this.#left.push(done.path)
      this.#at--
    }
    return undefined
  }

  /** What is to be done about one write; undefined where that cannot be done. */
  #look(done: Undoable): Due | "undone" | "not done" | undefined {
    const answer = this.#answerOf(done)
    if (answer === undefined) return "not done"
    if ("wait" in answer) return answer
    const path = [...done.path, UNDO]
    const tried = this.#tried.get(printPath(path))
    const said = this.#said.get(printPath(path))
    if (tried?.how === "delivered" || said?.how === "delivered") return "undone"
    if (tried === undefined || said !== undefined || (tried.how === "refused" && tried.before))
      return this.#due(done, path, answer.value, tried !== undefined)
    if (tried.how === "uncertain") return { wait: this.#asked(path, tried.input) }
    // Only a failure is recorded as refused.
    this.#stop(done.path, (tried.outcome as Extract<Outcome, { readonly ok: false }>).failure)
    return undefined
  }

  /** May the call at `path` be made now? */
  isDue(path: Path): boolean {
    const done = this.#list[this.#at]
    return done !== undefined && this.#stuck === undefined && printPath([...done.path, UNDO]) === printPath(path)
  }

  #try(path: Path, how: Delivery, outcome: Outcome, input: Uint8Array, before: boolean): void {
    this.#tried.set(printPath(path), { how, outcome, input, before })
  }

  /** The call that is due could not be made, or what came of it is not known and nobody will be asked. */
  stop(cause: Failure): void {
    const done = this.#list[this.#at]
    if (done !== undefined && this.#stuck === undefined) this.#stop(done.path, cause)
  }

  get report(): Undone {
    const rest = this.#list.slice(0, this.#at + (this.#stuck === undefined ? 1 : 0))
    return {
      undone: this.#undone,
      left: this.#left,
      ...(this.#stuck === undefined ? {} : { stuck: this.#stuck }),
      untouched: rest.map(({ path }) => path),
    }
  }

  #stop(path: Path, failure: Failure): void {
    this.#stuck = { path, failure }
  }

  /** The answer of a write that was done; undefined where it was not, after all. */
  #answerOf({
    path,
    how,
    out,
    input,
  }: Undoable): { readonly value: Value | undefined } | { readonly wait: Wait } | undefined {
    if (how === "delivered") return { value: out }
    const said = this.#said.get(printPath(path))
    if (said === undefined) return { wait: this.#asked(path, input) }
    return said.how === "delivered" ? { value: said.value } : undefined
  }

  #asked(path: Path, input: Uint8Array): Wait {
    return uncertain(this.#externAt(path), idempotencyKey(this.#options, path), { path, input })
  }

  #externAt(path: Path): AdmittedExtern {
    return this.#admitted.externs[externAt(this.#admitted.plan, path)!]!
  }

  #due(done: Undoable, path: Path, out: Value | undefined, fresh: boolean): Due | undefined {
    const undo = this.#admitted.undos!.get(undoKey(done.path))!
    this.#tried.delete(printPath(path))
    if (out === undefined && needsAnswer(undo.args)) {
      this.#stop(done.path, NO_ANSWER)
      return undefined
    }
    try {
      const args = argsOf(this.#admitted, done.path, out, done.args)
      return { path, extern: undo.extern, args, fresh }
    } catch (cause) {
      this.#stop(done.path, toFailure(cause, path))
      return undefined
    }
  }
}

/** What an undo is called with, as its tool takes it. Throws a `Failure`. */
function argsOf(admitted: Admitted, path: Path, out: Value | undefined, given: Value): Value {
  const { plan, externs } = admitted
  const { extern, args } = admitted.undos!.get(undoKey(path))!
  const { input, output } = externs[externAt(plan, path)!]!.claim
  // From the record, whose bytes do not tell an int64 from a number: they are held as the write's own ports hold them.
  const of = (port: number, v: Value): Value => held(plan.types[port]!, decode(encode(v)))
  const value = undoArgs(args, out === undefined ? undefined : of(output, out), of(input, given))
  const { claim, signature } = externs[extern]!
  return signature.input === undefined ? value : accept(plan.types[claim.input]!)(value)
}

/**
 * Refuses to undo a run that is not over, that did nothing which can be undone, or of which all was undone. Fails with
 * `KernelError`: `misuse`, `diverged` as every other taking up of a run does, `undone` where nothing is left.
 */
export function mayUndo(admitted: Admitted, history: History, left: readonly string[]): void {
  const { run } = history
  const refuse = (why: string) => kernelError("undone", `Cannot undo run "${run}": ${why}`)
  if (history.end === undefined && history.undoing === undefined)
    throw kernelError("closed", `Cannot undo run "${run}": it has not ended; cancel it first`)
  const { undoable } = history
  for (const at of left)
    if (!undoable.some(({ path }) => printPath(path) === at)) throw refuse(`it did nothing at ${at} that has an undo`)
  if (undoable.length === 0) throw refuse("it did nothing that has an undo")
  const asked = { seq: Number.POSITIVE_INFINITY, by: "", outcome: { ok: true, value: null } } as const
  const undos = new Undos(
    admitted,
    { space: "", run, digest: NO_DIGEST },
    { ...history, undoing: asked, left: [...history.left, ...left] },
  )
  if (undos.next() === undefined && undos.report.stuck === undefined && left.length === 0)
    throw refuse("everything that it did and that has an undo was undone, or is left")
}
/** Only whether there is a next one is asked; what it would wait for by is not. */
const NO_DIGEST = () => new Uint8Array(32)

/** Undos on record whose arguments do not follow from the answers and arguments of their writes. */
export function undoDivergences(
  admitted: Admitted,
  history: History,
  { digest }: Pick<RunOptions, "digest">,
): readonly Divergence[] {
  return history.undoable.flatMap((done): readonly Divergence[] => {
    const path = [...done.path, UNDO]
    const known = history.known.get(printPath(path))
    if (known === undefined) return []
    const said = history.said.get(printPath(done.path))
    const out = done.how === "delivered" ? done.out : said?.value
    const args = argsOf(admitted, done.path, out, done.args)
    return sameBytes(hashValue(args, digest), known.input!) ? [] : [{ path, feeds: [] }]
  })
}

/** The entry from which on a run is undone, and what stands beside it: the outcome that it had come to. */
export function undoEntry(came: Outcome, by: string, left: readonly string[], digest: Digest) {
  const { data, hash, outcome } = encoded(came, digest)
  const body: EntryBody = { kind: "undo", by, left, outcome: hash, message: messageOf(outcome) }
  return { body, data }
}

/** Of a write that was delivered and whose answer did not count. */
const NO_ANSWER = fail(
  "NoAnswer",
  "What would undo it needs its answer, which did not count: undo it by hand, then leave it",
)
