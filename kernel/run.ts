/**
 * One run as the kernel records it: judged, written to the ledger, added to the trace, and only then handed back as a
 * `Commit`, which is all that cells accept. Where the store answers at once, so does every method here; where it does not,
 * they return promises, and nothing may be applied or sent before these resolve.
 */
import {
  type Clock,
  type Digest,
  encode,
  Failure,
  fail,
  hashValue,
  hex,
  leafHash,
  type Outcome,
  type Path,
  printPath,
  TraceTree,
  traceHash,
  unhex,
  type Value,
} from "../graph/mod.ts"
import { type Admitted, type AdmittedExtern, isAdmitted } from "./admit.ts"
import { type AgedCache, cacheKey } from "./cache.ts"
import { kernelError } from "./errors.ts"
import { type History, isHistory, type Known, type Wait } from "./history.ts"
import { type Answered, type Delivery, type EntryBody, GENESIS, type LedgerStore, seal } from "./ledger.ts"
import { type Encoded, encoded, messageOf, openOutcome } from "./outcome.ts"
import { type Divergence, diverged, lookUp, type Past } from "./past.ts"
import type { Awaitable } from "./storage.ts"

export interface RunOptions {
  readonly store: LedgerStore
  readonly digest: Digest
  readonly clock: Pick<Clock, "now">
  /** The run's id, unique in its space. */
  readonly run: string
  readonly space: string
  readonly input: Value
  /** Outcomes of nodes with `cache:`, shared by the runs of a host. */
  readonly cache?: AgedCache
  /** May the run rest and go on another day? Then a write of which nobody knows what came of it parks it. Default: no. */
  readonly parks?: boolean
}

/** What the record says to a call: it is answered, or it waits. */
export type Recalled = { readonly commit: Awaitable<Commit>; readonly seq: number } | { readonly wait: Wait }

/** An outcome that is on record. Minted here; `isCommit` tells it from a look-alike. */
export interface Commit {
  readonly space: string
  readonly run: string
  /** The entry that proves it. */
  readonly seq: number
  readonly path: Path
  readonly outcome: Outcome
}

/** A write that is on record and may be sent now. `key` goes to tools that honour one. */
export interface Intent {
  readonly path: Path
  readonly key: string
  readonly seq: number
}

export interface Ended {
  /** The trace hash. */
  readonly trace: string
  /** Hash of the last entry, hex, and its number: together they prove the whole run. */
  readonly head: string
  readonly position: number
}

const commits = new WeakSet<object>()
export const isCommit = (x: unknown): x is Commit => typeof x === "object" && x !== null && commits.has(x)

/** SHA-256 of `[run, path]`, hex: the same for every attempt of a call, and different for every other call. */
export const idempotencyKey = (run: string, path: Path, digest: Digest): string => hex(hashValue([run, path], digest))

/** Begins a run of an admitted plan; `past`: with outcomes of another run. Fails with `KernelError`: `misuse` for a plan that was not admitted, `conflict` for a run id that was used. */
export function openRun(admitted: Admitted, options: RunOptions, past?: Past): RunRecord {
  if (!isAdmitted(admitted)) throw kernelError("misuse", "Cannot open a run: the plan was not admitted")
  return new RunRecord(admitted, options, past)
}

/** The record of a run that goes on where its chain ends, or that is replayed. See `resumeRun` and `replayRun`. */
export function continueRun(admitted: Admitted, options: RunOptions, past: Past, history: History): RunRecord {
  if (!isAdmitted(admitted)) throw kernelError("misuse", "Cannot go on with a run: the plan was not admitted")
  if (!isHistory(history)) throw kernelError("misuse", "Cannot go on with a run: its history was not read from a chain")
  const { plan, hash } = admitted
  if (plan.graph !== history.graph || hash !== history.plan) {
    throw kernelError(
      "diverged",
      `Cannot go on with run "${history.run}": it began with plan ${history.plan}, found ${hash}`,
    )
  }
  return new RunRecord(admitted, options, past, history)
}

interface Open {
  readonly extern: AdmittedExtern
  readonly input: Uint8Array
}

class RunRecord {
  readonly space: string
  readonly run: string
  /** Where scopes report that their items are finished, so that a loop of any length keeps one hash. */
  readonly trace: Pick<TraceTree, "seal">
  /** What it knew before it began; undefined of a run that simply runs. */
  readonly past: Past | undefined
  /** May it rest and go on another day? */
  readonly parks: boolean
  /** Of a replay: calls that went otherwise than on record. */
  readonly divergences: Divergence[] = []
  readonly #tree: TraceTree
  readonly #admitted: Admitted
  readonly #options: RunOptions
  readonly #input: Uint8Array
  #intents: Map<Intent, Open> | undefined
  #seq = 0
  #prev: Uint8Array = GENESIS
  #ended = false
  /** The first failure of the store: what comes after a missing entry must not be kept either. */
  #broken: { readonly cause: unknown } | undefined

  constructor(admitted: Admitted, options: RunOptions, past?: Past, history?: History) {
    this.space = options.space
    this.run = options.run
    this.#admitted = admitted
    this.#options = options
    this.#tree = new TraceTree(options.digest)
    const tree = this.#tree
    // The tree itself, by the one thing that scopes may do with it: a frozen wrapper would cost more than a short run.
    this.trace = tree
    this.past = past
    this.parks = options.parks === true
    if (history !== undefined) {
      this.#input = history.inputHash
      this.#seq = history.head.seq + 1
      this.#prev = history.head.hash
      // All at once: also what the run will not come to again, because something had failed by then, is part of its trace.
      for (const { path, effect, resource, input, hash } of history.known.values())
        this.#tree.add(path, leafHash(path, effect, resource, input!, hash, options.digest))
      return
    }
    const data = encode(options.input)
    this.#input = options.digest(data)
    const { plan, hash, pins } = admitted
    const start = {
      kind: "start",
      graph: plan.graph,
      plan: hash,
      pins: pins?.hash ?? null,
      input: this.#input,
    } as const
    const kept = this.#append(start, data)
    // Nobody waits for the start alone: entries are kept in order, so the first commit waits for both.
    kept?.catch(() => {})
  }

  /** The idempotency key of the call at `path`. */
  key(path: Path): string {
    return idempotencyKey(this.run, path, this.#options.digest)
  }

  /**
   * Commits what a read found: `answer` is what the tool returned, or the `Failure` it ended in. It is judged here; the
   * commit's outcome is what counts. Fails with `KernelError`.
   */
  read(path: Path, extern: number, args: Value, answer: unknown, attempts: number): Awaitable<Commit> {
    const x = this.#extern(extern, "read")
    const input = hashValue(args, this.#options.digest)
    const outcome = this.#judge(x, answer)
    if (x.identity !== undefined && outcome.outcome.ok) {
      this.#options.cache?.put(cacheKey(this.space, x.identity, input), outcome.data)
    }
    return this.#commitRead(path, x, input, outcome, attempts, null)
  }

  /**
   * Commits what an earlier call found for the same input, where the node allows that (`cache:`) and it is young enough;
   * undefined where the tool must be called.
   */
  recall(path: Path, extern: number, args: Value): Awaitable<Commit> | undefined {
    const { cache, digest } = this.#options
    const x = this.#extern(extern, "read")
    const { cacheMs } = x.claim.settings
    if (cache === undefined || cacheMs === undefined || x.identity === undefined) return undefined
    const input = hashValue(args, digest)
    const kept = cache.get(cacheKey(this.space, x.identity, input), cacheMs)
    if (kept === undefined) return undefined
    return this.#commitRead(path, x, input, this.#judge(x, (kept.value as readonly Value[])[1]), 0, cacheMs)
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
    if (found === "differs") return this.#break(diverged(this.run, path, feeds()))
    if ("known" in found) {
      if (!found.same) this.divergences.push({ path, feeds: feeds() })
      return { seq: found.known.seq, commit: this.#again(found.known, path, x, input) }
    }
    if (found.wait !== "unknown") return { wait: found.wait }
    const { resource } = x.signature
    return past.held
      ? { wait: { path, why: "held", input, until: null, request: { tool: x.claim.kind, resource, args } } }
      : { wait: this.uncertain(path, extern, args, undefined) }
  }

  /** The wait of a write of which nobody knows what came of it. */
  uncertain(path: Path, extern: number, args: Value, failure: Failure | undefined): Wait {
    const x = this.#admitted.externs[extern]!
    const why = failure ?? fail("Interrupted", "The process ended before it was known what came of it")
    const request = {
      tool: x.claim.kind,
      resource: x.signature.resource,
      key: this.key(path),
      code: why.code,
      message: why.message,
    }
    return { path, why: "uncertain", input: hashValue(args, this.#options.digest), until: null, request }
  }

  /** An outcome on record as a commit of this run. */
  #again(known: Known, path: Path, x: AdmittedExtern, input: Uint8Array): Awaitable<Commit> {
    const found = openOutcome(known.data, known.message)
    // A value is held by its port's type, which its bytes do not tell.
    const outcome = found.ok ? x.judge.judge(found.value) : found
    if (this.past!.how !== "taken") {
      const commit: Commit = Object.freeze({ space: this.space, run: this.run, seq: known.seq, path, outcome })
      commits.add(commit)
      return commit
    }
    const { effect, resource } = x.signature
    const { data, hash } = encoded(outcome, this.#options.digest)
    const message = messageOf(outcome)
    const from = known.input === null ? null : this.past!.from
    const kept = this.#append(
      { kind: "taken", path, effect: effect as "read" | "write", resource, input, outcome: hash, message, from },
      data,
    )
    this.#leaf(path, x, input, hash)
    return this.#mint(path, outcome, kept)
  }

  /** Records that the run goes on after a stop. Should another process have gone on with it meanwhile, this fails with `conflict`. */
  resumed(by: string): void | Promise<void> {
    return this.#append({ kind: "resume", by }, null)
  }

  /** Records an answer to what the run waits for at a path, and what it comes to. `again`: the write may be sent. */
  answer(wait: Waiting, extern: number, how: Answered, by: string, given: unknown): void | Promise<void> {
    const { path } = wait
    if (how === "again") return this.#append({ kind: "answer", path, how, by, outcome: null, message: null }, null)
    const { outcome, data, hash } = this.#judge(this.#admitted.externs[extern]!, given)
    const message = messageOf(outcome)
    this.#append({ kind: "answer", path, how, by, outcome: hash, message }, data)?.catch(() => {})
    return this.settle(wait, extern, how, { data, message, hash })
  }

  /** Records what an answer comes to: the outcome of the read or write that waits. */
  settle(wait: Waiting, extern: number, how: Answered, { data, message, hash }: Kept): void | Promise<void> {
    const { path, input } = wait
    const x = this.#admitted.externs[extern]!
    const { resource, effect } = x.signature
    const outcome = hash ?? this.#options.digest(data)
    this.#leaf(path, x, input, outcome)
    const common = { path, resource, input, outcome, message }
    if (effect === "read") return this.#append({ kind: "read", ...common, attempts: 0, cachedMs: null }, data)
    const open = this.past?.open.get(printPath(path))
    if (open === undefined) return this.#append({ kind: "taken", effect: "write", ...common, from: null }, data)
    const done = how === "refused" ? "refused" : "delivered"
    return this.#append({ kind: "outcome", intent: open.seq, how: done, outcome, message, attempts: 0 }, data)
  }

  /** Ends this process's part of the run: it rests until what it waits for is answered. Nothing can be recorded afterwards. */
  park(waits: readonly Wait[]): Awaitable<Omit<Ended, "trace">> {
    const kept = waits.map(({ path, why, input, until, request }) => {
      const data = encode(request)
      return this.#append({ kind: "parked", path, why, input, request: this.#options.digest(data), until }, data)
    })
    this.#ended = true
    const end = { head: hex(this.#prev), position: this.#seq - 1 }
    return kept.some((k) => k !== undefined) ? Promise.all(kept).then(() => end) : end
  }

  /** Records that a write is about to be sent. It may be sent only after this. */
  intent(path: Path, extern: number, args: Value): Awaitable<Intent> {
    const x = this.#extern(extern, "write")
    const input = hashValue(args, this.#options.digest)
    const key = this.key(path)
    const kept = this.#append({ kind: "intent", path, resource: x.signature.resource, input, key }, null)
    const intent: Intent = Object.freeze({ path, key, seq: this.#seq - 1 })
    this.#intents ??= new Map()
    this.#intents.set(intent, { extern: x, input })
    return kept === undefined ? intent : kept.then(() => intent)
  }

  /**
   * Commits what came of a write. `refused`: the tool certainly did not do it. `uncertain`: nobody knows; then `answer` is
   * the `Failure` that says why. An answer that its validator refuses is a `Mismatch` of a write that was delivered.
   */
  delivered(intent: Intent, answer: unknown, how: Delivery, attempts = 1): Awaitable<Commit> {
    const open = this.#intents?.get(intent)
    if (open === undefined)
      throw kernelError("misuse", "Cannot record a delivery: the intent is not of this run, or was settled")
    if (how !== "delivered" && !(answer instanceof Failure)) {
      throw kernelError("misuse", `Cannot record a delivery at ${printPath(intent.path)}: "${how}" wants a failure`)
    }
    const { extern, input } = open
    const { outcome, data, hash } = this.#judge(extern, answer)
    const kept = this.#append(
      { kind: "outcome", intent: intent.seq, how, outcome: hash, message: messageOf(outcome), attempts },
      data,
    )
    this.#intents?.delete(intent)
    this.#leaf(intent.path, extern, input, hash)
    return this.#mint(intent.path, outcome, kept)
  }

  /** Writes that were announced and not settled. */
  get unsettled(): readonly Intent[] {
    return this.#intents === undefined ? [] : [...this.#intents.keys()]
  }

  /**
   * Ends the run. A write that nobody has settled by now is recorded as uncertain, which is the truth about it. Nothing
   * can be recorded afterwards.
   */
  end(outcome: Value | Failure): Awaitable<Ended> {
    for (const intent of this.unsettled) {
      const lost = fail("Uncertain", `The run ended before it was known what came of ${printPath(intent.path)}`)
      const kept = this.delivered(intent, lost, "uncertain")
      if (kept instanceof Promise) kept.catch(() => {})
    }
    const { digest } = this.#options
    const ended = encoded(
      outcome instanceof Failure ? { ok: false, failure: outcome } : { ok: true, value: outcome },
      digest,
    )
    const trace = traceHash(graphHash(this.#admitted), this.#input, this.#tree.root(), ended.hash, digest)
    const kept = this.#append(
      { kind: "end", outcome: ended.hash, message: messageOf(ended.outcome), trace },
      ended.data,
    )
    this.#ended = true
    const end: Ended = { trace, head: hex(this.#prev), position: this.#seq - 1 }
    return kept === undefined ? end : kept.then(() => end)
  }

  #extern(index: number, effect: "read" | "write"): AdmittedExtern {
    const x = this.#admitted.externs[index]
    if (x === undefined || x.signature.effect !== effect) {
      throw kernelError(
        "misuse",
        `Cannot commit a ${effect}: extern ${index} is ${x?.signature.effect ?? "not of this plan"}`,
      )
    }
    return x
  }

  #judge(x: AdmittedExtern, answer: unknown): Encoded {
    return encoded(x.judge.judge(answer), this.#options.digest)
  }

  #commitRead(
    path: Path,
    x: AdmittedExtern,
    input: Uint8Array,
    { outcome, data, hash }: Encoded,
    attempts: number,
    cachedMs: number | null,
  ): Awaitable<Commit> {
    const { resource } = x.signature
    const message = messageOf(outcome)
    const kept = this.#append({ kind: "read", path, resource, input, outcome: hash, message, attempts, cachedMs }, data)
    this.#leaf(path, x, input, hash)
    return this.#mint(path, outcome, kept)
  }

  #leaf(path: Path, { signature }: AdmittedExtern, input: Uint8Array, outcome: Uint8Array): void {
    const { digest } = this.#options
    this.#tree.add(path, leafHash(path, signature.effect, signature.resource, input, outcome, digest))
  }

  #mint(path: Path, outcome: Outcome, kept: void | Promise<void>): Awaitable<Commit> {
    const commit: Commit = Object.freeze({ space: this.space, run: this.run, seq: this.#seq - 1, path, outcome })
    if (kept === undefined) {
      commits.add(commit)
      return commit
    }
    return kept.then(() => {
      commits.add(commit)
      return commit
    })
  }

  #append(body: EntryBody, data: Uint8Array | null): void | Promise<void> {
    if (this.#broken !== undefined) throw this.#broken.cause
    if (this.#ended) throw kernelError("closed", `Cannot record a ${body.kind} of run "${this.run}": it has ended`)
    const { store, digest, clock, space, run } = this.#options
    const row = seal({ space, run, seq: this.#seq, prev: this.#prev, at: clock.now(), body }, data, digest)
    this.#seq++
    this.#prev = row.hash
    try {
      const kept = store.append(row)
      return kept?.catch((cause) => this.#break(cause))
    } catch (cause) {
      return this.#break(cause)
    }
  }

  #break(cause: unknown): never {
    this.#broken ??= { cause }
    throw this.#broken.cause
  }
}

type Waiting = Pick<Wait, "path" | "input" | "why">
interface Kept {
  readonly data: Uint8Array
  readonly message: string | null
  readonly hash?: Uint8Array
}

export type { RunRecord }

const graphHashes = new WeakMap<Admitted, Uint8Array>()
/** The checked graph's hash as bytes, read once for each plan. */
function graphHash(admitted: Admitted): Uint8Array {
  let bytes = graphHashes.get(admitted)
  if (bytes === undefined) graphHashes.set(admitted, (bytes = unhex(admitted.plan.graph)))
  return bytes
}
