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
  type Policy,
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
  type Demands,
  type Ended,
  type LedgerStore,
  MemoryLedger,
  Meter,
  openRun,
  type Prices,
  ResourceLimits,
  type RunRecord,
  RunSlots,
  type SlotsOptions,
  Tenant,
} from "../kernel/mod.ts"

/** Runs that go on when an engine closes get so long to end. */
const GRACE_MS = 2_000

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
  /** Of a run that says nothing. */
  readonly fuel?: number
  /** What all runs of this engine together may spend in any `windowMs`. */
  readonly tenant?: { readonly budget: Budget; readonly windowMs: number }
  readonly prices?: Prices
  /** How many runs go on at once and how many may wait. Default: no bound. */
  readonly slots?: SlotsOptions
  /** Runs what a function answered when that is a description of work. */
  readonly settle?: (answer: object, signal: AbortSignal) => PromiseLike<unknown> | undefined
  /** The least that must validate answers, by effect or capability, of every plan that this engine admits. */
  readonly demands?: Demands
  /** Whose text may go where, in every plan that this engine admits. Default: `DEFAULT_POLICY`. */
  readonly policy?: Policy
}

export interface PrepareOptions {
  readonly grants: readonly string[]
  /** Lists that narrow the grants: those of a token. */
  readonly within?: readonly (readonly string[])[]
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
  /** On whose behalf: its runs share a budget and a part of the slots. Default: the engine's own tenant. */
  readonly tenant?: Tenant
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
  /**
   * Takes the input as the port holds it (`acceptStrict` of the plan's input type). A failure of the graph is an outcome.
   * Fails with `Overloaded` where no slot is free; then nothing is on record.
   */
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
  readonly #slots: RunSlots
  readonly #tenant: Tenant

  constructor(options: EngineOptions) {
    this.#options = options
    this.#digest = options.digest ?? sha256
    this.#codegen = options.codegen ?? mayTranslate()
    this.#ids = new RunIds(options.services.clock, options.services.chance)
    this.#limits = new ResourceLimits(options.services.clock)
    this.#cache = new AgedCache(options.services.clock)
    this.store = options.store ?? new MemoryLedger()
    const { tenant } = options
    const { clock } = options.services
    this.#slots = new RunSlots(clock, options.slots)
    this.#tenant = new Tenant(tenant && new Allowance(tenant.budget, tenant.windowMs, clock))
    if (options.budget) checkBudget(options.budget, "an engine")
  }

  /** What a run may spend; undefined where nothing bounds it. */
  #meter(options: RunOptions, { allowance }: Tenant): Meter | undefined {
    const { budget, prices, services } = this.#options
    // Prices are there to turn tokens into money for the bill, also where nothing is bounded.
    if ((options.budget ?? budget ?? allowance ?? prices) === undefined) return undefined
    return new Meter(services.clock, { budget: { ...budget, ...options.budget }, tenant: allowance, prices })
  }

  /** Admits a plan and opens what can be opened at once. Fails with `AdmissionError`; tools that cannot be reached fail their nodes. */
  async prepare(bytes: Uint8Array, options: PrepareOptions): Promise<Ready> {
    const { registry, demands, policy } = this.#options
    const admitted = admit(bytes, {
      registry,
      grants: options.grants,
      ...(options.within ? { within: options.within } : {}),
      digest: this.#digest,
      ...(options.pins ? { pins: options.pins } : {}),
      ...(demands ? { demands } : {}),
      ...(policy ? { policy } : {}),
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
      admitted.within,
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

  /** Takes the run on where there is a slot for it, and gives the slot back when it has ended. */
  #run(program: Program, input: Value, options: RunOptions): RunResult | Promise<RunResult> {
    const tenant = options.tenant ?? this.#tenant
    const wait = this.#slots.enter(tenant, options.signal)
    return wait === undefined
      ? this.#within(tenant, program, input, options)
      : wait.then(() => this.#within(tenant, program, input, options))
  }

  #within(tenant: Tenant, program: Program, input: Value, options: RunOptions): RunResult | Promise<RunResult> {
    let result: RunResult | Promise<RunResult> | undefined
    try {
      result = this.#begin(tenant, program, input, options)
    } finally {
      if (!(result instanceof Promise)) this.#slots.leave(tenant)
    }
    return result instanceof Promise ? result.finally(() => this.#slots.leave(tenant)) : result
  }

  #begin(tenant: Tenant, program: Program, input: Value, options: RunOptions): RunResult | Promise<RunResult> {
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
      meter: this.#meter(options, tenant),
    })
    const outcome = execute(program, input, {
      services,
      record,
      limits: this.#limits,
      signal: options.signal,
      onEvent: options.onEvent,
      onItem: options.onItem,
      fuel: options.fuel ?? this.#options.fuel,
      timeoutMs,
      settle,
    })
    return outcome instanceof Promise ? outcome.then((o) => ended(record, o)) : ended(record, outcome)
  }

  /** Takes on no run any more, lets those that go on end, gives back every connection and process, and closes the ledger. */
  async close(graceMs = GRACE_MS): Promise<void> {
    await this.#slots.close(graceMs)
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
