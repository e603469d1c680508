/**
 * The engine: where the rooms meet. It admits a plan for a set of grants, opens the tools that it names, hands both to the
 * VM, and keeps what the runs of a host share: connections, limits, the aged cache, the ledger.
 */

import {
  execute,
  load,
  mayTranslate,
  type Program,
  ResourceLimits,
  type RunEvent,
  type RunSettings,
  undo,
} from "../../bus/mod.ts"
import {
  type Digest,
  type Executor,
  hashValue,
  hex,
  type Origin,
  type Outcome,
  type Policy,
  type Rec,
  type Registry,
  type Services,
  sha256,
  type Value,
} from "../../graph/mod.ts"
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
  type History,
  kernelError,
  type LedgerStore,
  Meter,
  openHistory,
  openPins,
  openRun,
  type Prices,
  type ResumeOptions,
  type RunRecord,
} from "../../kernel/mod.ts"
import { decodePlan } from "../../plan/mod.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import type { Recorder } from "../record/recorder.ts"
import { ended, type RunResult, rested, resultOf, undoes } from "./ending.ts"
import { type Granting, grantsFor, narrowedHere } from "./grants.ts"
import { asBefore, UNTOUCHED } from "./looked_at.ts"
import { type Observer, told, type Watch, type Watched, watched } from "./observe.ts"
import { RunIds } from "./run_ids.ts"
import { RunSlots, type SlotsOptions, Tenant } from "./slots.ts"
import { LooksAhead, type RunAhead, type Speculate } from "./speculate.ts"

export type { RunResult }

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
  /** May runs rest and go on another day? Only where the store outlives this process. Default: no. */
  readonly parks?: boolean
  /** How many runs go on at once and how many may wait. Default: no bound. */
  readonly slots?: SlotsOptions
  /** Runs what a function answered when that is a description of work. */
  readonly settle?: (answer: object, signal: AbortSignal) => PromiseLike<unknown> | undefined
  /** The least that must validate answers, by effect or capability, of every plan that this engine admits. */
  readonly demands?: Demands
  /** Whose text may go where, in every plan that this engine admits. Default: `DEFAULT_POLICY`. */
  readonly policy?: Policy
  /** Runs look ahead within these bounds, where `services.shadows` stand in for tools. Default: they do not. */
  readonly speculate?: Speculate | undefined
  /** Hears of every run that begins or goes on here. Default: nobody, and then nothing is made for it. */
  readonly observe?: Observer | undefined
  /** Writes calls of the tools that somebody asked to be recorded into a call log. Default: nothing is. */
  readonly recorder?: Recorder
}

export interface PrepareOptions {
  readonly grants: readonly string[]
  /** Lists that narrow the grants: those of a token. */
  readonly within?: readonly (readonly string[])[]
  /** Hash of the checked graph that the plan must be of, where it is at hand. */
  readonly graph?: string
  readonly pins?: (key: string) => Rec | undefined
  /** Whose the input of its runs is, for the policy. Default: the user's. */
  readonly input?: Origin
  /** Closures of a graph built in this process. */
  readonly inline?: Services["inline"]
  /** For a run that began before: with the code that it began with, where the host keeps that. */
  readonly again?: boolean
  /** No tool that reaches outside is opened or called. */
  readonly untouched?: boolean
}

export interface RunOptions extends RunAhead {
  readonly id?: string
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
  readonly onItem?: (item: Value) => void
  /** Steps and iterations: `Fuel` ends the run at the same place on every host. */
  readonly fuel?: number
  /** What this run may spend; what it leaves out is the engine's. */
  readonly budget?: Budget
  /** What the run had spent before it went on here. */
  readonly spent?: Amounts
  /** The place in a trace that the run belongs to, as W3C Trace Context writes it; what does not read as one is passed over. */
  readonly traceparent?: string
  /** On whose behalf: its runs share a budget and a part of the slots. Default: the engine's own tenant. */
  readonly tenant?: Tenant
  /** What whoever asked for the run may spend, beside the tenant. */
  readonly caller?: Allowance
}

/** A plan that is admitted, loaded and ready to run any number of times. */
export interface Ready {
  readonly admitted: Admitted
  /**
   * Takes the input as the port holds it (`acceptStrict` of the plan's input type). A failure of the graph is an outcome.
   * Fails with `Overloaded` where no slot is free; then nothing is on record.
   */
  readonly run: (input: Value, options?: RunOptions) => RunResult | Promise<RunResult>
  /** Runs on a record that was made elsewhere: of a run that goes on, or that takes over outcomes of another. */
  readonly on: (record: RunRecord, input: Value, options?: RunOptions) => RunResult | Promise<RunResult>
  /** Runs on a record, and ends nothing: what it comes to. */
  readonly outcome: (record: RunRecord, input: Value) => Outcome | Promise<Outcome>
}

/** A run of the ledger, admitted again. */
export interface Reopened {
  readonly history: History
  readonly ready: Ready
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
  /** How its runs look ahead, and what they have measured. */
  readonly ahead: LooksAhead
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
    this.ahead = new LooksAhead(options.services.shadows, options.speculate, options.policy)
    if (options.budget) checkBudget(options.budget, "an engine")
  }

  /** What a run may spend; undefined where nothing bounds it. */
  #meter(options: RunOptions, { allowance }: Tenant): Meter | undefined {
    const { budget, prices, services } = this.#options
    // Prices are there to turn tokens into money for the bill, also where nothing is bounded.
    const { caller, spent: before } = options
    if ((options.budget ?? budget ?? allowance ?? caller ?? prices) === undefined) return undefined
    const own = { ...budget, ...options.budget }
    return new Meter(services.clock, { budget: own, tenant: allowance, caller, prices, before })
  }

  /** Admits a plan and opens what can be opened at once. Fails with `AdmissionError`, with `KernelError` where its runs may rest and it cannot be kept; tools that cannot be reached fail their nodes. */
  async prepare(bytes: Uint8Array, options: PrepareOptions): Promise<Ready> {
    const { registry, demands, policy } = this.#options
    const admitted = admit(bytes, {
      registry,
      grants: options.grants,
      ...(options.within ? { within: narrowedHere(options.within, registry) } : {}),
      ...(options.graph === undefined ? {} : { graph: options.graph }),
      digest: this.#digest,
      ...(options.pins ? { pins: options.pins } : {}),
      ...(demands ? { demands } : {}),
      ...(policy ? { policy } : {}),
      ...(options.input ? { input: options.input } : {}),
    })
    const services = {
      ...this.#options.services,
      ...(options.inline ? { inline: options.inline } : {}),
      ...(options.again && this.#options.services.modules ? { modules: asBefore(this.#options.services.modules) } : {}),
    }
    const executors: Executor[] = []
    for (const extern of admitted.externs) {
      // What is only looked at calls nothing: bounds that its graph stated once are not stated anew.
      if (options.untouched !== true) this.#limits.declareFor(extern.signature, admitted.plan.resources)
      const closed = options.untouched === true && extern.signature.effect !== "pure"
      const own: Services = { ...services, granted: extern.granted }
      executors.push(closed ? UNTOUCHED : await this.#executor(extern, admitted, own))
    }
    const heard = options.untouched === true ? undefined : this.#options.recorder?.of(admitted, this.space)
    const program = load(admitted, heard?.pure(executors) ?? executors, { codegen: this.#codegen, hear: heard?.hear })
    const parks = this.#options.parks === true && !admitted.externs.some(isInline)
    // A run that nobody could go on with must not begin.
    if (parks && options.untouched !== true) await this.#keep(admitted)
    return {
      admitted,
      run: (input, run = {}) => {
        const open = (tenant: Tenant) => {
          const { space } = this
          const how = this.recording(run, tenant, parks)
          return openRun(admitted, { ...how, run: run.id ?? this.#ids.next(), space, input })
        }
        return this.#run(program, open, input, run)
      },
      on: (record, input, run = {}) => this.#run(program, () => record, input, run),
      outcome: (record, input) => this.#execute(program, record, input, { speculate: false }),
    }
  }

  /** What a record of this engine's runs is made with, but for the run itself. */
  recording(
    run: RunOptions = {},
    tenant = run.tenant ?? this.#tenant,
    parks = this.#options.parks === true,
  ): ResumeOptions {
    return {
      store: this.store,
      digest: this.#digest,
      clock: this.#options.services.clock,
      cache: this.#cache,
      salt: this.#salt,
      meter: this.#meter(run, tenant),
      parks,
    }
  }

  get space(): string {
    return this.#options.space ?? ""
  }

  /** May its runs rest, and go on in another process? */
  get parks(): boolean {
    return this.#options.parks === true
  }

  now(): number {
    return this.#options.services.clock.now()
  }

  /** A fresh id for a run. */
  id(): string {
    return this.#ids.next()
  }

  /** What a run left on record. Fails with `KernelError`: `missing`, `corrupt`. */
  async history(run: string): Promise<History> {
    const { space } = this
    return openHistory(await this.store.entries(space, run), { digest: this.#digest, space, run })
  }

  /**
   * A run of the ledger with the plan, and the pins of its tools, that it began with, admitted again. `untouched`: no tool
   * can be called, so nothing has to be granted. Fails with `AdmissionError`, and with `KernelError` `missing`.
   */
  async reopen(run: string, options: Granting | "untouched"): Promise<Reopened> {
    const history = await this.history(run)
    const bytes = await this.store.getBlob(history.plan)
    if (bytes === undefined) {
      throw kernelError(
        "missing",
        `Cannot go on with run "${run}": its plan ${history.plan} is not kept; runs keep theirs in a ledger of kind file`,
      )
    }
    const pinned = history.pins === null ? undefined : await this.store.getBlob(history.pins)
    // Without them its tools would be whatever they are today.
    if (pinned === undefined && history.pins !== null)
      throw kernelError(
        "missing",
        `Cannot go on with run "${run}": what its tools were pinned to, ${history.pins}, is not kept`,
      )
    const pins = pinned === undefined ? {} : { pins: openPins(pinned) }
    const untouched = options === "untouched"
    const within = untouched || options.within === undefined ? {} : { within: options.within }
    const plan = decodePlan(bytes)
    const grants = untouched ? plan.externs.flatMap((x) => x.needs) : grantsFor(options.grants, plan.name)
    return {
      history,
      ready: await this.prepare(bytes, { grants, ...within, ...pins, graph: history.graph, again: true, untouched }),
    }
  }

  async #keep({ hash, bytes, pins }: Admitted): Promise<void> {
    await this.store.putBlob(hash, bytes())
    if (pins !== null) await this.store.putBlob(pins.hash, pins.bytes)
  }

  /** A pure tool is opened now; what reaches outside is opened by its first call, so that a node that never runs costs nothing. */
  async #executor(extern: AdmittedExtern, admitted: Admitted, services: Services): Promise<Executor> {
    const { kind, claim, signature } = extern
    const { plan } = admitted
    const open = () => kind.open(claim.config, plan.resources, services, signature)
    if (signature.effect === "pure") return await open()
    // Connections are shared by plans with the same declarations and rights; closures belong to one plan only.
    const inline = isInline(extern)
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
      extern.narrowed,
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
  #run(
    program: Program,
    open: (tenant: Tenant) => RunRecord,
    input: Value,
    options: RunOptions,
  ): RunResult | Promise<RunResult> {
    const tenant = options.tenant ?? this.#tenant
    const wait = this.#slots.enter(tenant, options.signal)
    return wait === undefined
      ? this.#within(tenant, program, open, input, options)
      : wait.then(() => this.#within(tenant, program, open, input, options))
  }

  #within(
    tenant: Tenant,
    program: Program,
    open: (tenant: Tenant) => RunRecord,
    input: Value,
    given: RunOptions,
  ): RunResult | Promise<RunResult> {
    let result: RunResult | Promise<RunResult> | undefined
    let watch: Watch | undefined
    try {
      const record = open(tenant)
      const { observe, services } = this.#options
      watch = observe?.run({ admitted: program.admitted, record, clock: services.clock, from: given.traceparent })
      const options = watch === undefined ? given : watched(given, watch)
      // A run that is being undone has come to what it has come to.
      const end = (o: Outcome) =>
        undoes(record, o, options.signal) ? this.#undone(program, record, o, options) : ended(record, o, options.signal)
      const outcome = record.undos?.came ?? this.#execute(program, record, input, options)
      result = outcome instanceof Promise ? outcome.then(end) : end(outcome)
      if (watch !== undefined) result = told(watch, result)
    } catch (cause) {
      watch?.broke(cause)
      throw cause
    } finally {
      if (!(result instanceof Promise)) this.#slots.leave(tenant)
    }
    return result instanceof Promise ? result.finally(() => this.#slots.leave(tenant)) : result
  }

  #execute(program: Program, record: RunRecord, input: Value, options: Watched): Outcome | Promise<Outcome> {
    return execute(program, input, this.#settings(program, record, options))
  }

  #settings(program: Program, record: RunRecord, options: Watched): RunSettings {
    const { services, timeoutMs, settle } = this.#options
    const { signal, onEvent, onNode, onItem, traceOf, fuel = this.#options.fuel } = options
    const limits = this.#limits
    const speculation = this.ahead.of(program.admitted, options)
    return { services, record, limits, signal, onEvent, onNode, traceOf, onItem, fuel, timeoutMs, settle, speculation }
  }

  /** Takes back what the run did, and ends it in what it has come to; or it rests until somebody says what came of a write. */
  async #undone(program: Program, record: RunRecord, came: Outcome, options: Watched): Promise<RunResult> {
    const undos = record.undos?.came === undefined ? await record.undo(came) : record.undos
    if (undos === undefined) return ended(record, came, options.signal)
    const undone = await undo(program, this.#settings(program, record, options))
    if (undone === undefined) return rested(record)
    return Object.assign(resultOf(record, came, await record.end(came.ok ? came.value : came.failure)), { undone })
  }

  /** Takes on no run any more, lets those that go on end, gives back every connection and process, and closes the ledger. */
  async close(graceMs = GRACE_MS): Promise<void> {
    await this.#slots.close(graceMs)
    // Before the tools: what a run that still goes on makes of their end must not be on record. Another process goes on with it.
    await this.store.close()
    const opened = await Promise.allSettled([...this.#executors.values()])
    this.#executors.clear()
    await Promise.allSettled(
      opened.flatMap((x) => (x.status === "fulfilled" && x.value.close ? [x.value.close()] : [])),
    )
  }
}

/** A closure lives in one process: no other can go on with a run that calls one. */
const isInline = ({ claim }: AdmittedExtern): boolean => String(claim.config["code"] ?? "").startsWith("inline:")
