/**
 * One run as the kernel records it: judged, written to the ledger, added to the trace, and only then handed back as a
 * `Commit`, which is all that cells accept. Where the store answers at once, so does every method here; where it does not,
 * they return promises, and nothing may be applied or sent before these resolve.
 */
import {
  type Awaitable,
  encode,
  Failure,
  fail,
  hashValue,
  leafHash,
  type Outcome,
  type Park,
  type Path,
  printPath,
  type Signature,
  TraceTree,
  type Value,
} from "../graph/mod.ts"
import { externAt } from "../plan/mod.ts"
import { type Admitted, type AdmittedExtern, isAdmitted } from "./admit.ts"
import { type Aside, asideEntry } from "./aside.ts"
import { type Amounts, type Charge, Meter } from "./budget.ts"
import { cacheKey } from "./cache.ts"
import { GrowingChain } from "./chain.ts"
import { type Commit, type Ended, type Intent, idempotencyKey, mintCommit } from "./commit.ts"
import { kernelError } from "./errors.ts"
import type { History, Known, Wait } from "./history.ts"
import { EndRow, type Given, HeldStartRow, StartRow, traceOf } from "./late.ts"
import type { Delivery, Spent } from "./ledger.ts"
import { LostWrites } from "./lost.ts"
import { Met } from "./met.ts"
import { type Encoded, encoded, heldBy, messageOf, openOutcome, outcomeOf } from "./outcome.ts"
import { Parts } from "./parts.ts"
import { type Divergence, diverged, judgedHere, leaveFor, lookUp, type Past, uncertain } from "./past.ts"
import type { Announced, Recalled, RunOptions } from "./run_options.ts"
import { Undos, undoEntry } from "./undo.ts"

/** Begins a run of an admitted plan; `past`: with outcomes of another run. Fails with `KernelError`: `misuse` for a plan that was not admitted, `conflict` for a run id that was used. */
export function openRun(admitted: Admitted, options: RunOptions, past?: Past): RunRecord {
  if (!isAdmitted(admitted)) throw kernelError("misuse", "Cannot open a run: the plan was not admitted")
  return new RunRecord(admitted, options, past)
}

/** The record of a run that goes on where its chain ends, or that is replayed: `resumeRun` and `replayRun`, which see to it that all fits. */
export const continueRun = (admitted: Admitted, options: RunOptions, past: Past, history: History): RunRecord =>
  new RunRecord(admitted, options, past, history)

class RunRecord {
  /** What it knew before it began; undefined of a run that simply runs. */
  readonly past: Past | undefined
  /** Calls that were begun while there was no meter. */
  uncounted = 0
  readonly #admitted: Admitted
  readonly #options: RunOptions
  readonly #given: Given
  readonly #chain: GrowingChain
  // What few runs need is made where one does.
  #tree: TraceTree | undefined
  #divergences: Divergence[] | undefined
  #waits: Wait[] | undefined
  /** Writes that were settled as uncertain. */
  #uncertain: Path[] | undefined
  #intents: Map<Intent, Announced> | undefined
  readonly #lost: LostWrites
  #meter: Meter | undefined
  /** What the run had spent before it went on here. */
  readonly #before: Amounts | undefined
  #settlesLate = false
  /** What can be undone, and what is next; there where the plan has undos. */
  readonly undos: Undos | undefined
  #parts: Parts | undefined
  #met: Met | undefined

  constructor(admitted: Admitted, options: RunOptions, past?: Past, history?: History) {
    this.#admitted = admitted
    this.#options = options
    this.#chain = new GrowingChain(options, history?.head)
    this.#meter = options.meter
    this.#before = history?.spent
    this.past = past
    this.#lost = past === undefined ? LostWrites.NONE : new LostWrites(past)
    this.undos = admitted.undos === undefined ? undefined : new Undos(admitted, options, history)
    if (history !== undefined) {
      this.#settlesLate = history.open.size > 0
      this.#given = { dataHash: history.inputHash }
      // All at once: also what the run will not come to again, because something had failed by then, is part of its trace.
      for (const known of history.known.values()) this.#leaf(known.path, known, known.input!, known.hash)
      return
    }
    const Start = past?.held === true ? HeldStartRow : StartRow
    const start = new Start(this.#chain, encode(options.input), admitted, options.began)
    this.#given = start
    // Nobody waits for the start alone: entries are kept in order, so the first commit waits for both.
    this.#chain.appendLate(start)?.catch(() => {})
  }

  get space(): string {
    return this.#options.space
  }
  get run(): string {
    return this.#options.run
  }
  /** May it rest and go on another day? */
  get parks(): boolean {
    return this.#options.parks === true
  }
  /** Of a replay: calls that went otherwise than on record. */
  get divergences(): readonly Divergence[] {
    return this.#divergences ?? NONE
  }
  /** What it rests for, as far as it has come. */
  get waits(): Wait[] {
    return (this.#waits ??= [])
  }
  /** Scopes report that their items are finished, so that a loop of any length keeps one hash. */
  seal(path: Path, upTo: number): void {
    // A write that was announced may be settled at the end, in an item that was finished long before.
    if (!this.#settlesLate) this.#tree?.seal(path, upTo)
  }

  /** What calls learn on their way. */
  get parts(): Parts {
    return (this.#parts ??= new Parts(this.run, this.#chain, this.#options.digest, this.past))
  }
  /** Which failures handlers met; made where one is. */
  get met(): Pick<Met, "keep" | "isOther"> {
    return (this.#met ??= new Met(this.#chain, this.#options.digest, this.past))
  }

  /** There where the run has a budget, or a tool has said what a call cost. */
  get meter(): Meter | undefined {
    return this.#meter
  }
  /** The meter, made where a tool is the first to count: calls that were begun before it are not forgotten. */
  counting(): Meter {
    return (this.#meter ??= Meter.late(this.#options.clock, this.uncounted, this.#before))
  }

  /** The idempotency key of the call at `path`. */
  key(path: Path): string {
    return idempotencyKey(this.#options, path)
  }

  /**
   * Commits what a read found: `answer` is what the tool returned, or the `Failure` it ended in. It is judged here; the
   * commit's outcome is what counts. Fails with `KernelError`.
   */
  read(path: Path, extern: number, args: Value, answer: unknown, attempts: number, charge?: Charge): Awaitable<Commit> {
    const x = this.#extern(extern, "read")
    const input = this.#hashed(args, charge)
    const judged = x.judge.judge(answer, args, this.#options.clock)
    return judged instanceof Promise
      ? judged.then((outcome) => this.#found(path, x, input, outcome, attempts, charge))
      : this.#found(path, x, input, judged, attempts, charge)
  }

  #found(
    path: Path,
    x: AdmittedExtern,
    input: Uint8Array,
    judged: Outcome,
    attempts: number,
    charge: Charge | undefined,
  ): Awaitable<Commit> {
    const outcome = encoded(judged, this.#options.digest)
    if (x.identity !== undefined && outcome.outcome.ok) {
      this.#options.cache?.put(cacheKey(this.space, x.identity, input), outcome.data)
    }
    return this.#commitRead(path, x, input, outcome, attempts, null, charge)
  }

  /**
   * Commits what an earlier call found for the same input, where the node allows that (`cache:`) and it is young enough;
   * undefined where the tool must be called.
   */
  recall(path: Path, extern: number, args: Value): Awaitable<Commit> | undefined {
    const { cache, digest } = this.#options
    const x = this.#extern(extern, "read")
    if (cache === undefined || x.identity === undefined) return undefined
    const cacheMs = x.claim.settings.cacheMs!
    const input = hashValue(args, digest)
    const kept = cache.get(cacheKey(this.space, x.identity, input), cacheMs)
    if (kept === undefined) return undefined
    const judged = x.judge.judge((kept.value as readonly Value[])[1], args, this.#options.clock)
    return judged instanceof Promise
      ? judged.then((outcome) => this.#commitRead(path, x, input, encoded(outcome, digest), 0, cacheMs))
      : this.#commitRead(path, x, input, encoded(judged, digest), 0, cacheMs)
  }

  /**
   * What a call is answered from the record, where the run has a past; undefined where its tool must be asked. `feeds` names
   * the pure functions that its arguments come from. Fails with `KernelError` `diverged`.
   */
  answered(path: Path, extern: number, args: Value, feeds: () => readonly Path[]): Recalled | undefined {
    const past = this.past!
    const x = this.#admitted.externs[extern]!
    const input = hashValue(args, this.#options.digest)
    const found = lookUp(past, path, x, input)
    if (found === undefined) return undefined
    if (found === "differs") return this.#chain.break(diverged(this.run, path, feeds()))
    if ("known" in found) {
      if (!found.same) (this.#divergences ??= []).push({ path, feeds: feeds() })
      const known = judgedHere(found.known, x, this.#admitted.plan.types[x.claim.output]!, args, this.#options)
      const again = (k: Known) => this.#again(k, path, x, input)
      return { seq: found.known.seq, commit: known instanceof Promise ? known.then(again) : again(known) }
    }
    if (found.wait === "unknown") return { wait: uncertain(x, this.key(path), { path, input, args }) }
    if (found.wait !== "held") return { wait: found.wait }
    // Who lets a write be sent lets it be taken back.
    return this.undos?.isUndo(path) === true ? undefined : { wait: leaveFor(x, path, input, args) }
  }

  /** The call at `path` waits: for an answer to what its tool asked, or, with a failure, to know what came of a write. */
  wait(path: Path, extern: number, args: Value, park: Park | Failure): void {
    const x = this.#admitted.externs[extern]!
    const input = hashValue(args, this.#options.digest)
    if (park instanceof Failure) this.waits.push(uncertain(x, this.key(path), { path, input, args }, park))
    else this.waits.push({ path, why: park.why, input, until: park.until, request: { ...park.request, args } })
  }

  /** An outcome on record as a commit of this run. Its validators passed it when it was recorded; its type tells how it is held. */
  #again(known: Known, path: Path, x: AdmittedExtern, input: Uint8Array): Awaitable<Commit> {
    const outcome = heldBy(this.#admitted.plan.types[x.claim.output]!, openOutcome(known.data, known.message))
    if (this.past!.how !== "taken") {
      const commit: Commit = Object.freeze({ space: this.space, run: this.run, seq: known.seq, path, outcome })
      return mintCommit(commit)
    }
    const { effect, hash, message, data } = known
    const from = known.input === null ? null : this.past!.from
    const body = { path, effect, resource: x.signature.resource, input, outcome: hash, message, from } as const
    const kept = this.#chain.append({ kind: "taken", ...body }, data)
    this.#leaf(path, x.signature, input, hash)
    return this.#mint(path, outcome, kept)
  }

  /**
   * Ends this process's part of the run: it rests until what it waits for is answered. A write that nobody has settled is
   * among that. Nothing can be recorded afterwards.
   */
  park(): Awaitable<Omit<Ended, "trace">> {
    const rest = this.#meter?.rest(this.#options.clock.now())
    if (rest !== undefined) this.waits.push(rest)
    for (const [{ path }, { extern, input, args }] of this.#intents ?? []) {
      const at = printPath(path)
      if (!this.waits.some((w) => printPath(w.path) === at))
        this.waits.push(uncertain(extern, this.key(path), { path, input, args }))
    }
    for (const { path, input } of this.#lost.unknown()) {
      const at = printPath(path)
      if (this.waits.some((w) => printPath(w.path) === at)) continue
      const x = this.#admitted.externs[externAt(this.#admitted.plan, path)!]!
      this.waits.push(this.past!.waits.get(at) ?? uncertain(x, this.key(path), { path, input }))
    }
    const { waits } = this
    const kept = waits.map(({ path, why, input, until, request }) => {
      const data = encode(request)
      return this.#chain.append({ kind: "parked", path, why, input, request: this.#options.digest(data), until }, data)
    })
    this.#chain.close()
    const end = { head: this.#chain.head, position: this.#chain.position }
    return kept.some((k) => k !== undefined) ? Promise.all(kept).then(() => end) : end
  }

  /** Records that a write is about to be sent. It may be sent only after this. */
  intent(path: Path, extern: number, args: Value, charge?: Charge): Awaitable<Intent> {
    const x = this.#extern(extern, "write")
    const input = this.#hashed(args, charge)
    const key = this.key(path)
    const { resource } = x.signature
    const kept =
      this.undos?.announced(path) === true
        ? this.#chain.append({ kind: "intent", path, resource, input, key, args: true }, encode(args))
        : this.#chain.append({ kind: "intent", path, resource, input, key }, null)
    const intent: Intent = Object.freeze({ path, key, seq: this.#chain.position })
    this.#lost.met(path)
    this.#intents ??= new Map()
    this.#intents.set(intent, { extern: x, args, input })
    return kept === undefined ? intent : kept.then(() => intent)
  }

  /**
   * Commits what came of a write. `refused`: the tool certainly did not do it. `uncertain`: nobody knows; then `answer` is
   * the `Failure` that says why. An answer that its validator refuses is a `Mismatch` of a write that was delivered.
   */
  delivered(intent: Intent, answer: unknown, how: Delivery, attempts = 1, charge?: Charge): Awaitable<Commit> {
    const open = this.#intents?.get(intent)
    if (open === undefined)
      throw kernelError("misuse", "Cannot record a delivery: the intent is not of this run, or was settled")
    if (how !== "delivered" && !(answer instanceof Failure)) {
      throw kernelError("misuse", `Cannot record a delivery at ${printPath(intent.path)}: "${how}" wants a failure`)
    }
    const judged = open.extern.judge.judge(answer, open.args, this.#options.clock)
    return judged instanceof Promise
      ? judged.then((outcome) => this.#settled(intent, outcome, how, attempts, charge))
      : this.#settled(intent, judged, how, attempts, charge)
  }

  #settled(
    intent: Intent,
    judged: Outcome,
    how: Delivery,
    attempts: number,
    charge: Charge | undefined,
  ): Awaitable<Commit> {
    const open = this.#intents?.get(intent)
    // Judged for so long that it was settled as uncertain in the meantime: that stays on record.
    if (open === undefined)
      throw kernelError("closed", `Cannot record what came of ${printPath(intent.path)}: too late`)
    const { extern, input } = open
    const { outcome, data, hash } = encoded(judged, this.#options.digest)
    const message = messageOf(outcome)
    const spent = this.#spent(charge, data, attempts)
    const kept = this.#chain.append(
      { kind: "outcome", intent: intent.seq, how, outcome: hash, message, attempts, spent },
      data,
    )
    this.#intents?.delete(intent)
    if (how === "uncertain") (this.#uncertain ??= []).push(intent.path)
    this.#leaf(intent.path, extern.signature, input, hash)
    this.undos?.settled(intent.path, how, outcome, input, open.args)
    return this.#mint(intent.path, outcome, kept)
  }

  /** The graph has failed and wants that undone: from here on it is. Undefined where it has done nothing that can be. */
  undo(came: Outcome): Awaitable<Undos> | undefined {
    this.#settleLost()
    const undos = this.undos?.begin(came)
    if (undos === undefined) return undefined
    const { body, data } = undoEntry(came, "graph", [], this.#options.digest)
    const kept = this.#chain.append(body, data)
    return kept === undefined ? undos : kept.then(() => undos)
  }

  /**
   * Records what became of a guess at `path`, or of a read that was called on guessed arguments. No part of the trace, and
   * nothing waits for it.
   */
  aside(path: Path, extern: number, args: Value, what: Aside): void {
    const { digest } = this.#options
    const { resource } = this.#extern(extern, "read").signature
    const input = this.#hashed(args, what.charge)
    const spent = (attempts: number, charge: Charge | undefined) => this.#spent(charge, NO_BYTES, attempts)
    this.#chain.append(asideEntry(what, { path, resource, input, digest, spent }), null)?.catch(() => {})
  }

  /** Paths of writes that were announced and not settled, here or before the run was resumed. */
  get unsettled(): readonly Path[] {
    const here = this.#intents === undefined ? [] : [...this.#intents.keys()].map(({ path }) => path)
    return [...here, ...this.#lost.unknown().map(({ path }) => path)]
  }

  /** Writes of which nobody knows what came of them, as it stands on record; of a run that has ended all of them. */
  get uncertain(): readonly Path[] {
    return this.#uncertain ?? NONE
  }

  /**
   * Ends the run. A write that nobody has settled by now is recorded as uncertain, which is the truth about it. Nothing
   * can be recorded afterwards.
   */
  end(outcome: Value | Failure): Awaitable<Ended> {
    this.#settleLost()
    const { digest, store } = this.#options
    const { outcome: came, data } = encoded(outcomeOf(outcome), digest)
    const chain = this.#chain
    const end = new EndRow(chain, data, messageOf(came), this.#admitted, this.#given, this.#tree)
    const kept = chain.appendLate(end)
    chain.close()
    // A store that looks at once may have sealed it in its own way.
    const ended = store.late === true ? end : { trace: end.trace, head: chain.head, position: chain.position }
    return kept === undefined ? ended : kept.then(() => ended)
  }

  #settleLost(): void {
    for (const intent of this.#intents?.keys() ?? []) {
      const lost = fail("Uncertain", `The run ended before it was known what came of ${printPath(intent.path)}`)
      const kept = this.delivered(intent, lost, "uncertain")
      if (kept instanceof Promise) kept.catch(() => {})
    }
    for (const { path, resource, input, args, body, came } of this.#lost.settled(this.#options.digest)) {
      this.#chain.append(body, came.data)?.catch(() => {})
      if (body.how === "uncertain") (this.#uncertain ??= []).push(path)
      this.#leaf(path, { effect: "write", resource }, input, came.hash)
      this.undos?.settled(path, body.how, came.outcome, input, args)
    }
  }

  /** The trace hash of a run that comes to this; nothing is recorded. */
  traceOf(outcome: Value | Failure): string {
    const { digest } = this.#options
    return traceOf(this.#admitted, this.#given, this.#tree, encoded(outcomeOf(outcome), digest).hash, digest)
  }

  #extern(index: number, effect: "read" | "write"): AdmittedExtern {
    const x = this.#admitted.externs[index]
    if (x?.signature.effect === effect) return x
    const found = x?.signature.effect ?? "not of this plan"
    throw kernelError("misuse", `Cannot commit a ${effect}: extern ${index} is ${found}`)
  }

  #hashed(args: Value, charge: Charge | undefined): Uint8Array {
    const { digest } = this.#options
    if (charge === undefined) return hashValue(args, digest)
    const bytes = encode(args)
    this.counting().measure(charge, bytes.length)
    return digest(bytes)
  }

  /** What a call spent, for its entry; the answer is counted first. */
  #spent(charge: Charge | undefined, data: Uint8Array, attempts: number): Spent {
    return charge === undefined ? null : this.counting().entry(charge, attempts, data.length)
  }

  #commitRead(
    path: Path,
    x: AdmittedExtern,
    input: Uint8Array,
    { outcome, data, hash }: Encoded,
    attempts: number,
    cachedMs: number | null,
    charge?: Charge,
  ): Awaitable<Commit> {
    const { resource } = x.signature
    const message = messageOf(outcome)
    const spent = this.#spent(charge, data, attempts)
    const body = { path, resource, input, outcome: hash, message, attempts, cachedMs, spent }
    const kept = this.#chain.append({ kind: "read", ...body }, data)
    this.#leaf(path, x.signature, input, hash)
    return this.#mint(path, outcome, kept)
  }

  #leaf(path: Path, what: Pick<Signature, "effect" | "resource">, input: Uint8Array, outcome: Uint8Array): void {
    const leaf = leafHash(path, what.effect, what.resource, input, outcome, this.#options.digest)
    this.#tree ??= new TraceTree(this.#options.digest)
    if (this.undos?.isUndo(path) === true) this.#tree.addUndone(path, leaf)
    else this.#tree.add(path, leaf)
  }

  #mint(path: Path, outcome: Outcome, kept: void | Promise<void>): Awaitable<Commit> {
    const commit: Commit = Object.freeze({ space: this.space, run: this.run, seq: this.#chain.position, path, outcome })
    return kept === undefined ? mintCommit(commit) : kept.then(() => mintCommit(commit))
  }
}

export type { RunRecord }

const NO_BYTES = new Uint8Array(0)
const NONE: readonly never[] = []
