/**
 * How many runs a host takes on. So many go on at once, so many may wait, and whoever comes then is told so before anything
 * of the run is recorded. Slots are shared out fairly: the next one goes to the tenant that has the fewest, and a queue
 * that is full makes room by the last who came of the tenant that waits most.
 */
import * as Data from "effect/Data"
import type { Clock } from "../../graph/mod.ts"
import { type Allowance, kernelError } from "../../kernel/mod.ts"

/** A run was not begun. Nothing of it is on record; the same request may be made again. */
export class Overloaded extends Data.TaggedError("Overloaded")<{
  /** `full`: too many run and wait. `late`: it waited too long. `closing`: the host stops. `cancelled`: whoever asked has gone. */
  readonly reason: "full" | "late" | "closing" | "cancelled"
  readonly message: string
  /** Milliseconds after which it is worth another try. */
  readonly retryMs: number
}> {}

export interface SlotsOptions {
  /** Runs that go on at once. */
  readonly runsMax?: number
  /** Runs that may wait for a slot. */
  readonly waitingMax?: number
  /** Milliseconds that one waits at most. */
  readonly waitMsMax?: number
  /** Slots that one tenant may have at once, so that others find some free. Default: all. */
  readonly tenantRunsMax?: number
}

interface Waiter {
  readonly go: () => void
  readonly shed: (why: Overloaded) => void
}

/** On whose behalf runs are made: they share one part of the slots, and one budget. */
export class Tenant {
  readonly allowance: Allowance | undefined
  running = 0
  /** In order of arrival. */
  readonly waiting: Set<Waiter> = new Set()

  constructor(allowance?: Allowance) {
    this.allowance = allowance
  }
}

const RETRY_MS = 1_000

export class RunSlots {
  readonly #max: Required<SlotsOptions>
  readonly #clock: Clock
  /** Tenants of which somebody waits, in the order in which they were last served. */
  readonly #queue = new Set<Tenant>()
  #running = 0
  #waiting = 0
  #closing = false
  readonly #shed = { full: 0, late: 0, closing: 0, cancelled: 0 }
  #drained: (() => void) | undefined

  /** Fails with `KernelError` `misuse` for a bound that is none. */
  constructor(clock: Clock, options: SlotsOptions = {}) {
    const all = Number.POSITIVE_INFINITY
    this.#clock = clock
    this.#max = { runsMax: all, waitingMax: 0, waitMsMax: 10_000, tenantRunsMax: all, ...options }
    for (const [key, n] of Object.entries(this.#max)) {
      const least = key === "waitingMax" || key === "waitMsMax" ? 0 : 1
      if ((Number.isSafeInteger(n) || n === all) && n >= least) continue
      throw kernelError("misuse", `Cannot share out runs: ${key} must be a whole number from ${least}, found ${n}`)
    }
  }

  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting }
  }

  /** Runs that were turned away, by the reason. */
  get shed(): { readonly [Reason in Overloaded["reason"]]: number } {
    return { ...this.#shed }
  }

  /** Would `enter` let this tenant go at once? */
  hasRoom(tenant: Tenant): boolean {
    return !this.#closing && this.#open(tenant)
  }

  /**
   * Asks for a slot. Undefined: go. A promise: wait for it. Fails with `Overloaded`, thrown where that is known at once.
   * Who may go must call `leave` once.
   */
  enter(tenant: Tenant, signal?: AbortSignal): undefined | Promise<void> {
    if (this.#closing) throw this.#away(closing())
    // Whoever could have had a free slot has it already: nobody is overtaken.
    if (this.#open(tenant)) {
      this.#running++
      tenant.running++
      return undefined
    }
    if (signal?.aborted) throw this.#away(cancelled())
    if (this.#waiting >= this.#max.waitingMax) this.#makeRoom(tenant)
    return this.#wait(tenant, signal)
  }

  /** The run that `enter` let go has ended. */
  leave(tenant: Tenant): void {
    if (tenant.running === 0) throw kernelError("misuse", "Cannot leave: no run of this tenant goes on")
    this.#running--
    tenant.running--
    if (this.#waiting > 0) this.#admit()
    if (this.#running === 0) this.#drained?.()
  }

  /** Lets nobody in any more and sheds who waits. Resolves when no run goes on, or after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    for (const tenant of [...this.#queue]) for (const waiter of [...tenant.waiting]) waiter.shed(closing())
    if (this.#running === 0) return
    const over = new AbortController()
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve
    })
    await Promise.race([drained, this.#clock.sleep(graceMs, over.signal).catch(() => {})])
    over.abort()
  }

  #open(tenant: Tenant): boolean {
    return this.#running < this.#max.runsMax && tenant.running < this.#max.tenantRunsMax
  }

  /** The tenant whose turn it is: the fewest running; of these, the one that was served longest ago. */
  #next(): Tenant | undefined {
    let next: Tenant | undefined
    for (const tenant of this.#queue)
      if (this.#open(tenant) && (next === undefined || tenant.running < next.running)) next = tenant
    return next
  }

  #admit(): void {
    for (let tenant = this.#next(); tenant !== undefined; tenant = this.#next()) {
      const [waiter] = tenant.waiting
      this.#running++
      tenant.running++
      this.#remove(tenant, waiter!)
      if (this.#queue.delete(tenant)) this.#queue.add(tenant)
      waiter!.go()
    }
  }

  /** Sheds the last who came of the tenant that waits most, where that is not the newcomer's own. */
  #makeRoom(newcomer: Tenant): void {
    let most = newcomer
    for (const tenant of this.#queue)
      if (tenant.waiting.size > most.waiting.size + (most === newcomer ? 1 : 0)) most = tenant
    if (most === newcomer) throw this.#away(this.#full())
    ;[...most.waiting].at(-1)!.shed(this.#full())
  }

  #wait(tenant: Tenant, signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const over = new AbortController()
      const end = () => {
        this.#remove(tenant, waiter)
        over.abort()
        signal?.removeEventListener("abort", onAbort)
      }
      const waiter: Waiter = {
        go: () => {
          end()
          resolve()
        },
        shed: (why) => {
          end()
          reject(this.#away(why))
        },
      }
      const onAbort = () => waiter.shed(cancelled())
      signal?.addEventListener("abort", onAbort, { once: true })
      tenant.waiting.add(waiter)
      this.#queue.add(tenant)
      this.#waiting++
      const { waitMsMax } = this.#max
      if (waitMsMax === Number.POSITIVE_INFINITY) return
      this.#clock.sleep(waitMsMax, over.signal).then(
        () => {
          if (tenant.waiting.has(waiter)) waiter.shed(late(waitMsMax))
        },
        () => {},
      )
    })
  }

  #remove(tenant: Tenant, waiter: Waiter): void {
    if (!tenant.waiting.delete(waiter)) return
    this.#waiting--
    if (tenant.waiting.size === 0) this.#queue.delete(tenant)
  }

  #away(why: Overloaded): Overloaded {
    this.#shed[why.reason]++
    return why
  }

  #full(): Overloaded {
    const { runsMax, waitingMax, tenantRunsMax } = this.#max
    const each = tenantRunsMax < runsMax ? `, ${tenantRunsMax} of one tenant` : ""
    const message = `Cannot begin the run: ${this.#running} of at most ${runsMax} runs go on${each}, and ${this.#waiting} of at most ${waitingMax} wait`
    return new Overloaded({ reason: "full", message, retryMs: RETRY_MS })
  }
}

const late = (ms: number): Overloaded =>
  new Overloaded({
    reason: "late",
    message: `Cannot begin the run: it waited ${ms} ms, and no other ended`,
    retryMs: RETRY_MS,
  })
const closing = (): Overloaded =>
  new Overloaded({ reason: "closing", message: "Cannot begin the run: the host stops", retryMs: RETRY_MS })
const cancelled = (): Overloaded =>
  new Overloaded({ reason: "cancelled", message: "Cannot begin the run: whoever asked for it has gone", retryMs: 0 })
