/**
 * The engine: where the rooms meet. It admits a plan for a set of grants, opens the tools that it names, hands both to the
 * VM, and keeps what the runs of a host share: connections, limits, the aged cache, the ledger.
 */

import { execute, load, mayTranslate, type Program, ResourceLimits, type RunSettings, undo } from "../../bus/mod.ts"
import {
  type Awaitable,
  type Digest,
  type Executor,
  hashValue,
  hex,
  type Outcome,
  type Rec,
  type Services,
  sha256,
  type Value,
} from "../../graph/mod.ts"
import {
  type Admitted,
  type AdmittedExtern,
  AgedCache,
  Allowance,
  admit,
  checkBudget,
  type History,
  kernelError,
  type LedgerStore,
  Meter,
  openHistory,
  openPins,
  openRun,
  type ResumeOptions,
  type RunRecord,
} from "../../kernel/mod.ts"
import { decodePlan } from "../../plan/mod.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import { ended, type RunResult, rested, resultOf, undoes } from "./ending.ts"
import { type Granting, grantsFor, narrowedHere } from "./grants.ts"
import { asBefore, UNTOUCHED } from "./looked_at.ts"
import { alone, type Looking } from "./looking.ts"
import { told, type Watch, type Watched, watched } from "./observe.ts"
import type { EngineOptions, PrepareOptions, Ready, Reopened, RunOptions } from "./options.ts"
import { RunIds } from "./run_ids.ts"
import { Recorded, Settings, type Shared } from "./setup.ts"
import { RunSlots, Tenant } from "./slots.ts"

export type { EngineOptions, PrepareOptions, Ready, Reopened, RunOptions } from "./options.ts"
export type { RunResult }

/** Runs that go on when an engine closes get so long to end. */
const GRACE_MS = 2_000

export class Engine {
  readonly #options: EngineOptions
  readonly #digest: Digest
  readonly #codegen: boolean
  readonly #executors = new Map<string, Executor | Promise<Executor>>()
  readonly #limits: ResourceLimits
  readonly #shared: Shared
  readonly store: LedgerStore
  readonly #ids: RunIds
  readonly #slots: RunSlots
  /** How its runs look ahead, and what they have measured. */
  readonly ahead: Looking
  readonly #tenant: Tenant

  /** @param ahead Default: runs do not look ahead; `LookingEngine` is the one that does. */
  constructor(options: EngineOptions, ahead: Looking = alone(options)) {
    this.#options = options
    this.#digest = options.digest ?? sha256
    this.#codegen = options.codegen ?? mayTranslate()
    this.#ids = new RunIds(options.services.clock, options.services.chance)
    this.#limits = new ResourceLimits(options.services.clock)
    this.store = options.store ?? new MemoryLedger()
    const { services, timeoutMs, settle, fuel } = options
    this.#shared = {
      services,
      store: this.store,
      digest: this.#digest,
      space: this.space,
      cache: new AgedCache(services.clock),
      salt: (bytes) => services.chance.bytes(bytes),
      limits: this.#limits,
      timeoutMs,
      settle,
      fuel,
    }
    const { tenant } = options
    const { clock } = options.services
    this.#slots = new RunSlots(clock, options.slots)
    this.#tenant = new Tenant(tenant && new Allowance(tenant.budget, tenant.windowMs, clock))
    this.ahead = ahead
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
      run: (input, run = DEFAULTS) => this.#run(program, parks, input, run),
      on: (take, input, run = DEFAULTS) => this.#on(program, take, input, run),
      outcome: (record, input, fuel) =>
        this.#execute(program, record, input, { speculate: false, ...(fuel === undefined ? {} : { fuel }) }),
    }
  }

  /** What a record of this engine's runs is made with, but for the run itself. */
  recording(
    run: RunOptions = {},
    tenant = run.tenant ?? this.#tenant,
    parks = this.#options.parks === true,
  ): ResumeOptions {
    const { store, digest, cache, salt, services } = this.#shared
    return {
      store,
      digest,
      clock: services.clock,
      cache,
      salt,
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

  // A short run costs little more than the objects that are made for it: none here captures anything unless it waits.

  /** Takes the run on where there is a slot for it, and gives the slot back when it has ended. */
  #run(program: Program, parks: boolean, input: Value, options: RunOptions): RunResult | Promise<RunResult> {
    const tenant = options.tenant ?? this.#tenant
    const wait = this.#slots.enter(tenant, options.signal)
    return wait === undefined
      ? this.#within(tenant, program, parks, input, options)
      : this.#after(wait, tenant, program, parks, input, options)
  }

  /** The same for a run whose record is made elsewhere: once there is a slot, since what is turned away leaves nothing on record. */
  async #on(program: Program, take: () => Awaitable<RunRecord>, input: Value, options: RunOptions): Promise<RunResult> {
    const tenant = options.tenant ?? this.#tenant
    await this.#slots.enter(tenant, options.signal)
    let record: RunRecord
    try {
      record = await take()
    } catch (cause) {
      this.#slots.leave(tenant)
      throw cause
    }
    return this.#within(tenant, program, record, input, options)
  }

  async #after(
    wait: Promise<void>,
    tenant: Tenant,
    program: Program,
    parks: boolean,
    input: Value,
    options: RunOptions,
  ): Promise<RunResult> {
    await wait
    return this.#within(tenant, program, parks, input, options)
  }

  /** `on`: its record, or may it park. */
  #within(
    tenant: Tenant,
    program: Program,
    on: RunRecord | boolean,
    input: Value,
    given: RunOptions,
  ): RunResult | Promise<RunResult> {
    let result: RunResult | Promise<RunResult> | undefined
    let watch: Watch | undefined
    try {
      const record = typeof on === "boolean" ? this.#open(program.admitted, on, input, given, tenant) : on
      const { observe, services } = this.#options
      watch = observe?.run({ admitted: program.admitted, record, clock: services.clock, from: given.traceparent })
      const options = watch === undefined ? given : watched(given, watch)
      const outcome = record.undos?.came ?? this.#execute(program, record, input, options)
      result =
        outcome instanceof Promise
          ? this.#endLater(program, record, outcome, options)
          : this.#end(program, record, outcome, options)
      if (watch !== undefined) result = told(watch, result)
    } catch (cause) {
      watch?.broke(cause)
      throw cause
    } finally {
      if (!(result instanceof Promise)) this.#slots.leave(tenant)
    }
    return result instanceof Promise ? this.#leaveAfter(result, tenant) : result
  }

  #open(admitted: Admitted, parks: boolean, input: Value, options: RunOptions, tenant: Tenant): RunRecord {
    const now = this.now()
    const { id } = options
    const meter = this.#meter(options, tenant)
    const run = id ?? this.#ids.next(now)
    return openRun(admitted, new Recorded(this.#shared, run, input, now, id === undefined, parks, meter))
  }

  #end(program: Program, record: RunRecord, outcome: Outcome, options: Watched): RunResult | Promise<RunResult> {
    // A run that is being undone has come to what it has come to.
    return undoes(record, outcome, options.signal)
      ? this.#undone(program, record, outcome, options)
      : ended(record, outcome, options.signal)
  }

  #endLater(program: Program, record: RunRecord, outcome: Promise<Outcome>, options: Watched): Promise<RunResult> {
    return outcome.then((o) => this.#end(program, record, o, options))
  }

  #leaveAfter(result: Promise<RunResult>, tenant: Tenant): Promise<RunResult> {
    return result.finally(() => this.#slots.leave(tenant))
  }

  #execute(program: Program, record: RunRecord, input: Value, options: Watched): Outcome | Promise<Outcome> {
    return execute(program, input, this.#settings(program, record, options))
  }

  #settings(program: Program, record: RunRecord, options: Watched): RunSettings {
    return new Settings(this.#shared, record, options, this.ahead.of(program.admitted, options))
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

/** Of a run that says nothing. */
const DEFAULTS: RunOptions = {}

/** A closure lives in one process: no other can go on with a run that calls one. */
const isInline = ({ claim }: AdmittedExtern): boolean => String(claim.config["code"] ?? "").startsWith("inline:")
