/**
 * The engine: where the rooms meet. It admits a plan for a set of grants, opens the tools that it names, hands both to the
 * VM, and keeps what the runs of a host share: connections, limits, the aged cache, the ledger.
 */

import { execute, load, mayTranslate, type Program, type RunEvent } from "../bus/mod.ts"
import {
  type Chance,
  type Clock,
  type Digest,
  type Executor,
  hashValue,
  hex,
  type Outcome,
  type Rec,
  type Registry,
  type Services,
  sha256,
  type Value,
} from "../graph/mod.ts"
import {
  type Admitted,
  type AdmittedExtern,
  AgedCache,
  Allowance,
  type Amounts,
  admit,
  type Budget,
  checkBudget,
  type Ended,
  type LedgerStore,
  MemoryLedger,
  Meter,
  openRun,
  type Prices,
  ResourceLimits,
  type RunRecord,
} from "../kernel/mod.ts"

export interface EngineOptions {
  readonly registry: Registry
  /** What the host lends; `granted` is added for each plan from its grants. */
  readonly services: Omit<Services, "granted">
  /** Default: in memory, with a bounded tail. */
  readonly store?: LedgerStore
  readonly digest?: Digest
  /** The tenant. */
  readonly space?: string
  /** May this host make functions from plans? Default: it is tried. */
  readonly codegen?: boolean
  /** Milliseconds one attempt of an effect may take where its node says nothing. */
  readonly timeoutMs?: number
  /** What a run may spend at most where it says nothing. */
  readonly budget?: Budget
  /** What all runs of this engine together may spend in any `windowMs`. */
  readonly tenant?: { readonly budget: Budget; readonly windowMs: number }
  readonly prices?: Prices
  /** Runs what a function answered when that is a description of work. */
  readonly settle?: (answer: object, signal: AbortSignal) => PromiseLike<unknown> | undefined
}

export interface PrepareOptions {
  readonly grants: readonly string[]
  readonly pins?: (key: string) => Rec | undefined
  /** Closures of a graph built in this process. */
  readonly inline?: Services["inline"]
}

export interface RunOptions {
  readonly id?: string
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
  readonly onItem?: (item: Value) => void
  /** Steps and iterations: `Fuel` ends the run at the same place on every host. */
  readonly fuel?: number
  /** What this run may spend; what it leaves out is the engine's. */
  readonly budget?: Budget
  /** What the caller's runs together may spend, in place of the engine's own. */
  readonly tenant?: Allowance
}

export interface RunResult {
  readonly run: string
  readonly outcome: Outcome
  /** The trace hash. */
  readonly trace: string
  readonly ledger: { readonly position: number; readonly head: string }
  /** What it spent, where somebody counted: a budget was given, or a tool said what it cost. */
  readonly spent?: Amounts
}

/** A plan that is admitted, loaded and ready to run any number of times. */
export interface Ready {
  readonly admitted: Admitted
  /** Takes the input as the port holds it (`acceptStrict` of the plan's input type). Never rejects: a failure is an outcome. */
  readonly run: (input: Value, options?: RunOptions) => RunResult | Promise<RunResult>
}

export class Engine {
  readonly #options: EngineOptions
  readonly #digest: Digest
  readonly #codegen: boolean
  readonly #executors = new Map<string, Executor | Promise<Executor>>()
  readonly #limits: ResourceLimits
  readonly #cache: AgedCache
  readonly store: LedgerStore
  readonly #ids: RunIds
  readonly #salt = (bytes: number): Uint8Array => this.#options.services.chance.bytes(bytes)
  readonly #allowance: Allowance | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.#digest = options.digest ?? sha256
    this.#codegen = options.codegen ?? mayTranslate()
    this.#ids = new RunIds(options.services.clock, options.services.chance)
    this.#limits = new ResourceLimits(options.services.clock)
    this.#cache = new AgedCache(options.services.clock)
    this.store = options.store ?? new MemoryLedger()
    const { tenant } = options
    this.#allowance = tenant && new Allowance(tenant.budget, tenant.windowMs, options.services.clock)
    if (options.budget) checkBudget(options.budget, "an engine")
  }

  /** What a run may spend; undefined where nothing bounds it. */
  #meter(options: RunOptions): Meter | undefined {
    const { budget, prices, services } = this.#options
    const tenant = options.tenant ?? this.#allowance
    // Prices are there to turn tokens into money for the bill, also where nothing is bounded.
    if ((options.budget ?? budget ?? tenant ?? prices) === undefined) return undefined
    return new Meter(services.clock, { budget: { ...budget, ...options.budget }, tenant, prices })
  }

  /** Admits a plan and opens what can be opened at once. Fails with `AdmissionError`; tools that cannot be reached fail their nodes. */
  async prepare(bytes: Uint8Array, options: PrepareOptions): Promise<Ready> {
    const { registry } = this.#options
    const admitted = admit(bytes, {
      registry,
      grants: options.grants,
      digest: this.#digest,
      ...(options.pins ? { pins: options.pins } : {}),
    })
    const services: Services = {
      ...this.#options.services,
      granted: admitted.granted,
      ...(options.inline ? { inline: options.inline } : {}),
    }
    const executors: Executor[] = []
    for (const extern of admitted.externs) {
      const { resource } = extern.signature
      if (extern.signature.limits !== undefined && resource !== null)
        this.#limits.declare(resource, extern.signature.limits)
      executors.push(await this.#executor(extern, admitted, services))
    }
    const program = load(admitted, executors, { codegen: this.#codegen })
    return { admitted, run: (input, run = {}) => this.#run(program, input, run) }
  }

  /** A pure tool is opened now; what reaches outside is opened by its first call, so that a node that never runs costs nothing. */
  async #executor(extern: AdmittedExtern, admitted: Admitted, services: Services): Promise<Executor> {
    const { kind, claim, signature } = extern
    const { plan } = admitted
    const open = () => kind.open(claim.config, plan.resources, services, signature)
    if (signature.effect === "pure") return await open()
    // Connections are shared by plans with the same declarations and rights; closures belong to one plan only.
    const inline = String(claim.config["code"] ?? "").startsWith("inline:")
    const same: readonly Value[] = [
      claim.kind,
      claim.config,
      plan.resources,
      signature.effect,
      plan.types[claim.output]! as unknown as Rec,
      signature.output as unknown as Rec,
      signature.pins ?? null,
      admitted.grants,
      inline ? admitted.hash : null,
    ]
    const key = hex(hashValue(same, this.#digest))
    const known = this.#executors.get(key)
    if (known !== undefined && !(known instanceof Promise)) return known
    return {
      execute: (args, call) => {
        const opened = this.#executors.get(key) ?? this.#opening(key, open)
        return opened instanceof Promise ? opened.then((x) => x.execute(args, call)) : opened.execute(args, call)
      },
    }
  }

  #opening(key: string, open: () => Executor | Promise<Executor>): Executor | Promise<Executor> {
    const opened = open()
    this.#executors.set(key, opened)
    if (!(opened instanceof Promise)) return opened
    opened.then(
      (executor) => this.#executors.set(key, executor),
      // Another attempt may find the tool there.
      () => this.#executors.delete(key),
    )
    return opened
  }

  #run(program: Program, input: Value, options: RunOptions): RunResult | Promise<RunResult> {
    const { services, space, timeoutMs, settle } = this.#options
    const run = options.id ?? this.#ids.next()
    const record = openRun(program.admitted, {
      store: this.store,
      digest: this.#digest,
      clock: services.clock,
      run,
      space: space ?? "",
      input,
      cache: this.#cache,
      salt: this.#salt,
      meter: this.#meter(options),
    })
    const outcome = execute(program, input, {
      services,
      record,
      limits: this.#limits,
      signal: options.signal,
      onEvent: options.onEvent,
      onItem: options.onItem,
      fuel: options.fuel,
      timeoutMs,
      settle,
    })
    return outcome instanceof Promise ? outcome.then((o) => ended(record, o)) : ended(record, outcome)
  }

  /** Gives back every connection and process, and closes the ledger. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled([...this.#executors.values()])
    this.#executors.clear()
    await Promise.allSettled(
      opened.flatMap((x) => (x.status === "fulfilled" && x.value.close ? [x.value.close()] : [])),
    )
    await this.store.close()
  }
}

function ended(record: RunRecord, outcome: Outcome): RunResult | Promise<RunResult> {
  const end = record.end(outcome.ok ? outcome.value : outcome.failure)
  return end instanceof Promise ? end.then((e) => resultOf(record, outcome, e)) : resultOf(record, outcome, end)
}
const resultOf = ({ run, meter }: RunRecord, outcome: Outcome, { trace, position, head }: Ended): RunResult => ({
  run,
  outcome,
  trace,
  ledger: { position, head },
  ...(meter === undefined ? {} : { spent: meter.spent }),
})

/** Crockford's base 32, as ULIDs are written: a time in 10 digits, then what makes it unique. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

/**
 * Ids of runs: 26 characters that sort by time. After the time stand a count of this engine's runs and 50 bits that are
 * the engine's own, drawn once. Source: the ULID specification (github.com/ulid/spec).
 */
class RunIds {
  readonly #clock: Clock
  readonly #own: string
  #count = 0
  #ms = -1
  /** The time's digits and the first four of the count's; the last two are looked up. */
  #head = ""

  constructor(clock: Clock, chance: Chance) {
    this.#clock = clock
    this.#own = [...chance.bytes(10)].map((b) => DIGITS[b % 32]!).join("")
  }

  next(): string {
    const ms = this.#clock.now()
    const low = this.#count % PAIRS.length
    if (ms !== this.#ms || low === 0) {
      this.#ms = ms
      this.#head = digits(ms, 10) + digits(Math.floor(this.#count / PAIRS.length), 4)
    }
    this.#count++
    return this.#head + PAIRS[low]! + this.#own
  }
}

function digits(x: number, width: number): string {
  let out = ""
  let n = x
  for (let i = 0; i < width; i++) {
    out = DIGITS[n % 32]! + out
    n = Math.floor(n / 32)
  }
  return out
}
const PAIRS: readonly string[] = Array.from({ length: 1024 }, (_, i) => digits(i, 2))
