/**
 * What a run is recorded and carried out with. It is made for every run, and a short run costs little more than the objects
 * that are made for it: so it holds what is the run's own, and reads the rest from what all runs of an engine share.
 */
import type { ResourceLimits, RunSettings } from "../../bus/mod.ts"
import type { Digest, Value } from "../../graph/mod.ts"
import type { AgedCache, LedgerStore, Meter, RunOptions, RunRecord } from "../../kernel/mod.ts"
import type { Watched } from "./observe.ts"

/** What all runs of an engine share. */
export interface Shared extends Pick<RunSettings, "services" | "timeoutMs" | "settle" | "fuel"> {
  readonly store: LedgerStore
  readonly digest: Digest
  readonly space: string
  readonly cache: AgedCache
  readonly salt: (bytes: number) => Uint8Array
  readonly limits: ResourceLimits
}

/** What the record of a run is made with. */
export class Recorded implements RunOptions {
  readonly run: string
  readonly input: Value
  readonly began: number
  readonly fresh: boolean
  readonly parks: boolean
  readonly meter: Meter | undefined
  readonly #shared: Shared

  constructor(
    shared: Shared,
    run: string,
    input: Value,
    began: number,
    fresh: boolean,
    parks: boolean,
    meter: Meter | undefined,
  ) {
    this.#shared = shared
    this.run = run
    this.input = input
    this.began = began
    this.fresh = fresh
    this.parks = parks
    this.meter = meter
  }
  get store(): LedgerStore {
    return this.#shared.store
  }
  get digest(): Digest {
    return this.#shared.digest
  }
  get space(): string {
    return this.#shared.space
  }
  get clock(): RunOptions["clock"] {
    return this.#shared.services.clock
  }
  get cache(): AgedCache {
    return this.#shared.cache
  }
  get salt(): Shared["salt"] {
    return this.#shared.salt
  }
}

/** What the bus carries a run out with. */
export class Settings implements RunSettings {
  readonly record: RunRecord
  readonly speculation: RunSettings["speculation"]
  readonly #shared: Shared
  readonly #options: Watched

  constructor(shared: Shared, record: RunRecord, options: Watched, speculation: RunSettings["speculation"]) {
    this.#shared = shared
    this.record = record
    this.#options = options
    this.speculation = speculation
  }
  get services(): Shared["services"] {
    return this.#shared.services
  }
  get limits(): ResourceLimits {
    return this.#shared.limits
  }
  get timeoutMs(): number | undefined {
    return this.#shared.timeoutMs
  }
  get settle(): RunSettings["settle"] {
    return this.#shared.settle
  }
  get fuel(): number | undefined {
    return this.#options.fuel ?? this.#shared.fuel
  }
  get signal(): AbortSignal | undefined {
    return this.#options.signal
  }
  get onEvent(): RunSettings["onEvent"] {
    return this.#options.onEvent
  }
  get onNode(): RunSettings["onNode"] {
    return this.#options.onNode
  }
  get onItem(): RunSettings["onItem"] {
    return this.#options.onItem
  }
  get traceOf(): RunSettings["traceOf"] {
    return this.#options.traceOf
  }
}
