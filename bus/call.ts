/**
 * A call as a tool sees it. Keys and signals are made when they are asked for: most tools ask for neither. A call that can
 * be stopped by itself has a signal of its own; others share that of what they are part of (`stopper`).
 */
import type { Call, Cost, Failure, Path } from "../graph/mod.ts"
import { Charge } from "../kernel/mod.ts"
import type { Recording } from "./settings.ts"

/** Where a call's costs are gathered, over all of its attempts. */
export interface Spender {
  charge: Charge | undefined
  /** The run's budget is used up: what the call ends in says nothing of the world. */
  stopped: boolean
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

  constructor(
    record: Recording,
    path: Path,
    attempt: number,
    stopper: { readonly signal: AbortSignal } | undefined,
    note: (text: string) => void,
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
    if (this.#spender === undefined || meter === undefined) return
    try {
      meter.further(this.path)
    } catch (cause) {
      this.#spender.stopped = true
      throw cause
    }
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
