/**
 * A call as a tool sees it. Keys and signals are made when they are asked for: most tools ask for neither. A call that can
 * be stopped by itself has a signal of its own; others share that of what they are part of (`stopper`).
 */
import type { Call, Cost, Failure, Path, Value } from "../graph/mod.ts"
import { Charge } from "../kernel/mod.ts"
import type { Recording, RunSettings } from "./settings.ts"

/** Where a call's costs are gathered, over all of its attempts. */
export interface Spender {
  charge: Charge | undefined
  /** The run's budget is used up: what the call ends in says nothing of the world. */
  stopped: boolean
  /** Its requests are made whatever was spent. */
  readonly undoes?: boolean
  readonly tool: { readonly extern: { readonly effect: string } }
  readonly vm: { readonly settings: Pick<RunSettings, "traceOf" | "onEvent" | "services"> }
  /** Called before it is certain that it is wanted: nothing of it is on record. */
  readonly early: boolean
}

export class CallView implements Call {
  readonly path: Path
  readonly attempt: number
  readonly note: (text: string) => void
  readonly invoke: Call["invoke"]
  readonly parks: boolean
  readonly #record: Recording
  #key: string | undefined
  readonly #spender: Spender | undefined
  readonly #stopper: { readonly signal: AbortSignal } | undefined
  #controller: AbortController | undefined
  #aborted: Failure | undefined
  /** Parts kept so far, and the end of the last. */
  #parts = 0
  #last: Promise<unknown> | undefined

  constructor(
    record: Recording,
    path: Path,
    attempt: number,
    stopper: { readonly signal: AbortSignal } | undefined,
    note: Call["note"],
    invoke: Call["invoke"] | undefined,
    key?: string,
    spender?: Spender,
    parks = false,
  ) {
    this.#record = record
    this.path = path
    this.attempt = attempt
    this.#stopper = stopper
    this.note = note
    this.invoke = invoke
    this.#key = key
    this.#spender = spender
    this.parks = parks
  }
  /** Pure work costs the world nothing: what it says is not counted. */
  spent(cost: Cost): void {
    if (this.#spender === undefined) return
    this.#spender.charge ??= new Charge()
    this.#record.counting().count(cost, this.#spender.charge)
  }
  further(): void {
    const { meter } = this.#record
    if (this.#spender === undefined || meter === undefined || this.#spender.undoes === true) return
    try {
      meter.further(this.path)
    } catch (cause) {
      this.#spender.stopped = true
      throw cause
    }
  }
  part(asked: Value, work: () => Promise<Value>): Promise<Value> {
    // Pure work has no record: it is done again.
    const spender = this.#spender
    if (spender === undefined || spender.early || spender.tool.extern.effect === "pure") return work()
    const part = (this.#last ?? Promise.resolve()).then(() => this.#part(asked, work, spender))
    this.#last = part.catch(() => {})
    return part
  }
  async #part(asked: Value, work: () => Promise<Value>, spender: Spender): Promise<Value> {
    const { parts } = this.#record
    // An attempt after the first of this process began anew.
    const known = this.attempt === 1 ? parts.known(this.path, this.#parts, asked) : undefined
    if (known === undefined) {
      const value = await work()
      if (this.#aborted !== undefined) throw this.#aborted
      await parts.keep(this.path, this.#parts, asked, value, this.#paid(spender))
      this.#parts++
      return value
    }
    this.#parts++
    return known.value
  }
  /** What was spent since the last entry of the call: it is in this one. */
  #paid(spender: Spender): readonly number[] | null {
    const { charge } = spender
    const { meter } = this.#record
    if (charge === undefined || meter === undefined) return null
    spender.charge = new Charge()
    spender.charge.counted = charge.counted
    return meter.entry(charge, 0)
  }
  get traceparent(): string | undefined {
    return this.#spender?.vm.settings.traceOf?.(this.path)
  }
  by(who: string, why?: string): void {
    const { onEvent, services } = this.#spender?.vm.settings ?? {}
    onEvent?.({ type: "by", path: this.path, by: who, why: why ?? null, at: services!.clock.tick() })
  }
  get run(): string {
    return this.#record.run
  }
  get key(): string {
    const key = this.#key ?? this.#record.key(this.path)
    this.#key = key
    return key
  }
  get signal(): AbortSignal {
    if (this.#stopper !== undefined) return this.#stopper.signal
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }
  abort(cause: Failure): void {
    this.#aborted = cause
    this.#controller?.abort(cause)
  }
}
