/**
 * One run as the kernel records it: judged, written to the ledger, added to the trace, and only then handed back as a
 * `Commit`, which is all that cells accept. Where the store answers at once, so does every method here; where it does not,
 * they return promises, and nothing may be applied or sent before these resolve.
 */
import {
  brokenBy,
  type Clock,
  type Digest,
  decode,
  encode,
  Failure,
  fail,
  failureIdentity,
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
import { type Charge, Meter } from "./budget.ts"
import { type AgedCache, cacheKey } from "./cache.ts"
import { kernelError } from "./errors.ts"
import { type Delivery, type EntryBody, GENESIS, type LedgerStore, SALT_BYTES, type Spent, seal } from "./ledger.ts"
import type { Awaitable } from "./storage.ts"

export interface RunOptions {
  readonly store: LedgerStore
  readonly digest: Digest
  /** What bounds the wait for a validator that answers later is `sleep`; without it none is waited for. */
  readonly clock: Pick<Clock, "now"> & Partial<Pick<Clock, "sleep" | "tick">>
  /** The run's id, unique in its space. */
  readonly run: string
  readonly space: string
  readonly input: Value
  /** Random bytes, for stores that want entries salted: without it nothing of the run can be redacted later. */
  readonly salt?: (bytes: number) => Uint8Array
  /** Outcomes of nodes with `cache:`, shared by the runs of a host. */
  readonly cache?: AgedCache
  /** What the run may spend, and has spent. */
  readonly meter?: Meter | undefined
}

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

/** Begins a run of an admitted plan. Fails with `KernelError`: `misuse` for a plan that was not admitted, `conflict` for a run id that was used. */
export function openRun(admitted: Admitted, options: RunOptions): RunRecord {
  if (!isAdmitted(admitted)) throw kernelError("misuse", "Cannot open a run: the plan was not admitted")
  return new RunRecord(admitted, options)
}

interface Open {
  readonly extern: AdmittedExtern
  readonly args: Value
  readonly input: Uint8Array
}

class RunRecord {
  readonly space: string
  readonly run: string
  /** Where scopes report that their items are finished, so that a loop of any length keeps one hash. */
  readonly trace: Pick<TraceTree, "seal">
  readonly #tree: TraceTree
  readonly #admitted: Admitted
  readonly #options: RunOptions
  readonly #input: Uint8Array
  #intents: Map<Intent, Open> | undefined
  #meter: Meter | undefined
  #seq = 0
  #prev: Uint8Array = GENESIS
  #ended = false
  /** The first failure of the store: what comes after a missing entry must not be kept either. */
  #broken: { readonly cause: unknown } | undefined

  constructor(admitted: Admitted, options: RunOptions) {
    this.space = options.space
    this.run = options.run
    this.#admitted = admitted
    this.#options = options
    this.#meter = options.meter
    this.#tree = new TraceTree(options.digest)
    const tree = this.#tree
    // The tree itself, by the one thing that scopes may do with it: a frozen wrapper would cost more than a short run.
    this.trace = tree
    const data = encode(options.input)
    this.#input = options.digest(data)
    const { hash, pins } = admitted
    const start = {
      kind: "start",
      graph: admitted.graph,
      plan: hash,
      pins: pins?.hash ?? null,
      input: this.#input,
    } as const
    const kept = this.#append(start, data)
    // Nobody waits for the start alone: entries are kept in order, so the first commit waits for both.
    kept?.catch(() => {})
  }

  /** There where the run has a budget, or a tool has said what a call cost. */
  get meter(): Meter | undefined {
    return this.#meter
  }
  /** The meter, made where a tool is the first to count. */
  counting(): Meter {
    const { clock } = this.#options
    this.#meter ??= new Meter({ tick: () => clock.tick?.() ?? clock.now() })
    return this.#meter
  }

  /** The idempotency key of the call at `path`. */
  key(path: Path): string {
    return idempotencyKey(this.run, path, this.#options.digest)
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
    const { cacheMs } = x.claim.settings
    if (cache === undefined || cacheMs === undefined || x.identity === undefined) return undefined
    const input = hashValue(args, digest)
    const kept = cache.get(cacheKey(this.space, x.identity, input), cacheMs)
    if (kept === undefined) return undefined
    const judged = x.judge.judge((kept.value as readonly Value[])[1], args, this.#options.clock)
    return judged instanceof Promise
      ? judged.then((outcome) => this.#commitRead(path, x, input, encoded(outcome, digest), 0, cacheMs))
      : this.#commitRead(path, x, input, encoded(judged, digest), 0, cacheMs)
  }

  /** Records that a write is about to be sent. It may be sent only after this. */
  intent(path: Path, extern: number, args: Value, charge?: Charge): Awaitable<Intent> {
    const x = this.#extern(extern, "write")
    const input = this.#hashed(args, charge)
    const key = this.key(path)
    const kept = this.#append({ kind: "intent", path, resource: x.signature.resource, input, key }, null)
    const intent: Intent = Object.freeze({ path, key, seq: this.#seq - 1 })
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
    const kept = this.#append(
      { kind: "outcome", intent: intent.seq, how, outcome: hash, message, attempts, spent },
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

  #hashed(args: Value, charge: Charge | undefined): Uint8Array {
    const { digest } = this.#options
    if (charge === undefined || this.#meter === undefined) return hashValue(args, digest)
    const bytes = encode(args)
    this.#meter.measure(charge, bytes.length)
    return digest(bytes)
  }

  /** What a call spent, for its entry; the answer is counted first. */
  #spent(charge: Charge | undefined, data: Uint8Array, attempts: number): Spent {
    if (charge === undefined || this.#meter === undefined) return null
    this.#meter.measure(charge, data.length)
    return this.#meter.entry(charge, attempts)
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
    const kept = this.#append(
      { kind: "read", path, resource, input, outcome: hash, message, attempts, cachedMs, spent },
      data,
    )
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
    const salt = store.salted === true ? this.#options.salt?.(SALT_BYTES) : undefined
    const row = seal({ space, run, seq: this.#seq, prev: this.#prev, at: clock.now(), body }, data, digest, salt)
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

export type { RunRecord }

const graphHashes = new WeakMap<Admitted, Uint8Array>()
/** The checked graph's hash as bytes, read once for each plan. */
function graphHash(admitted: Admitted): Uint8Array {
  let bytes = graphHashes.get(admitted)
  if (bytes === undefined) graphHashes.set(admitted, (bytes = unhex(admitted.graph)))
  return bytes
}

interface Encoded {
  readonly outcome: Outcome
  /** The bytes that `outcomeHash` (`graph/trace.ts`) is the digest of: encoded once, for the ledger and for the hash. */
  readonly data: Uint8Array
  readonly hash: Uint8Array
}

function encoded(outcome: Outcome, digest: Digest): Encoded {
  try {
    const data = encode(outcome.ok ? ["value", outcome.value] : ["failure", failureIdentity(outcome.failure)])
    return { outcome, data, hash: digest(data) }
  } catch (cause) {
    // What a validator let through is no value of ours after all, or a tool's failure carries something that is none.
    if (outcome.ok) return encoded({ ok: false, failure: brokenBy(cause) }, digest)
    const { code, message } = outcome.failure
    const failure = fail(typeof code === "string" ? code : "Threw", typeof message === "string" ? message : "", {
      cause,
    })
    return encoded({ ok: false, failure }, digest)
  }
}

/** Reads an outcome back from an entry's `data` and `message`. */
export function openOutcome(data: Uint8Array, message: string | null): Outcome {
  const [kind, value] = decode(data) as readonly [string, Value]
  if (kind === "value") return { ok: true, value }
  const { failure, data: more } = value as { readonly failure: string; readonly data: Value }
  return { ok: false, failure: fail(failure, message ?? "", { data: more }) }
}

const messageOf = (outcome: Outcome): string | null => (outcome.ok ? null : outcome.failure.message)
