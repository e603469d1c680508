/**
 * Bounds on calls per resource: how many may be in flight and how many may start in a second. One `ResourceLimits` serves
 * all runs of a host, so that the bounds hold over all of them. Who must wait waits in order, in a queue with a bound.
 */
import {
  type Clock,
  type Failure,
  fail,
  type Limit,
  limitOf,
  type NodeView,
  PER_SECOND_MAX,
  type Signature,
} from "../graph/mod.ts"
import { kernelError } from "../kernel/mod.ts"

/** A new call wants both; one that goes on after a body of its own a place; one that tries again to send. */
type Wants = "both" | "place" | "send"

interface Waiter {
  readonly wants: Wants
  readonly go: () => void
  readonly signal: AbortSignal | undefined
  readonly onAbort: () => void
}

interface Gate {
  concurrent: number
  running: number
  perSecond: number
  windowMs: number
  /** When the last calls started, as a ring: as many as the window allows. */
  starts: Float64Array
  /** Calls started so far; the ring's next index is this modulo its length. */
  started: number
  /** Calls under way, which go before new ones; made where there are any. */
  first: Set<Waiter> | undefined
  /** In order of arrival; an aborted waiter leaves it at once. */
  readonly waiting: Set<Waiter>
  /** A sleep until the window opens. */
  timer: AbortController | undefined
}

const NOBODY: readonly Waiter[] = []

export class ResourceLimits {
  readonly #gates = new Map<string, Gate>()
  readonly #clock: Clock
  readonly #queueMax: number

  /** `queueMax`: callers that may wait for one resource; the next one fails with `Busy`. */
  constructor(clock: Clock, { queueMax = 10_000 }: { readonly queueMax?: number } = {}) {
    this.#clock = clock
    this.#queueMax = queueMax
  }

  /** States a bound on a resource. Stated more than once, the tightest holds. Fails with `KernelError` `misuse` for a bound that is no bound. */
  declare(
    resource: string,
    { concurrent = Number.POSITIVE_INFINITY, perSecond = Number.POSITIVE_INFINITY }: Limit,
  ): void {
    if (
      !(concurrent >= 1) ||
      !(perSecond > 0) ||
      (perSecond > PER_SECOND_MAX && perSecond !== Number.POSITIVE_INFINITY)
    ) {
      const want = `concurrent must be at least 1 and perSecond above 0 and at most ${PER_SECOND_MAX}`
      throw kernelError("misuse", `Cannot limit "${resource}": ${want}, found ${concurrent} and ${perSecond}`)
    }
    let gate = this.#gates.get(resource)
    if (gate === undefined) {
      gate = {
        concurrent,
        running: 0,
        perSecond: Number.POSITIVE_INFINITY,
        windowMs: 0,
        starts: new Float64Array(0),
        started: 0,
        first: undefined,
        waiting: new Set(),
        timer: undefined,
      }
      this.#gates.set(resource, gate)
    }
    gate.concurrent = Math.min(gate.concurrent, Math.floor(concurrent))
    if (perSecond < gate.perSecond) tighten(gate, perSecond, this.#clock.tick())
  }

  /**
   * Declares what bounds a tool of an admitted plan: what its registration states, and what the graph does under `limits:`.
   * Plans that share a resource share its bounds.
   */
  declareFor({ resource, limits }: Signature, declared: NodeView["resources"]): void {
    if (resource === null) return
    const stated = limitOf(declared, resource)
    if (limits !== undefined) this.declare(resource, limits)
    if (stated !== undefined) this.declare(resource, stated)
  }

  /**
   * Asks to start a call. Undefined: go. A promise: wait for it; it fails with a `Failure` `Busy` (the queue is full;
   * nothing was sent) or `Cancelled` (`signal` fired while waiting). Who may go must call `leave` once.
   */
  enter(resource: string, signal?: AbortSignal): undefined | Promise<void> {
    const gate = this.#gates.get(resource)
    if (gate === undefined) return undefined
    if (gate.waiting.size === 0 && this.#openInMs(gate, "both") === 0) {
      this.#start(gate, "both")
      return undefined
    }
    if (!signal?.aborted && gate.waiting.size >= this.#queueMax) return Promise.reject(busy(resource, this.#queueMax))
    return this.#waits(gate, gate.waiting, "both", resource, signal)
  }

  /**
   * Asks for a place again, for a call that gave its own back while it did something else; or, with `send`, to send once
   * more in the place that it has. As `enter`, but before those who are not under way yet.
   */
  again(resource: string, wants: Exclude<Wants, "both">, signal?: AbortSignal): undefined | Promise<void> {
    const gate = this.#gates.get(resource)
    if (gate === undefined) return undefined
    if (this.#openInMs(gate, wants) === 0) {
      this.#start(gate, wants)
      return undefined
    }
    gate.first ??= new Set()
    return this.#waits(gate, gate.first, wants, resource, signal)
  }

  #waits(gate: Gate, line: Set<Waiter>, wants: Wants, resource: string, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(cancelled(resource))
    return new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        wants,
        signal,
        go: () => {
          signal?.removeEventListener("abort", waiter.onAbort)
          resolve()
        },
        onAbort: () => {
          line.delete(waiter)
          if (gate.waiting.size === 0 && !gate.first?.size) gate.timer?.abort()
          reject(cancelled(resource))
        },
      }
      signal?.addEventListener("abort", waiter.onAbort, { once: true })
      line.add(waiter)
      this.#admit(gate)
    })
  }

  /** The call that `enter` let go has ended. */
  leave(resource: string): void {
    const gate = this.#gates.get(resource)
    if (gate === undefined) return
    if (gate.running === 0) throw kernelError("misuse", `Cannot leave "${resource}": no call is in flight`)
    gate.running--
    this.#admit(gate)
  }

  /** Calls in flight and waiting, for a live view. */
  load(resource: string): { readonly running: number; readonly waiting: number } {
    const gate = this.#gates.get(resource)
    return { running: gate?.running ?? 0, waiting: gate?.waiting.size ?? 0 }
  }

  #start(gate: Gate, wants: Wants): void {
    if (wants !== "send") gate.running++
    if (wants !== "place" && gate.starts.length > 0)
      gate.starts[gate.started++ % gate.starts.length] = this.#clock.tick()
  }

  /** Lets in whoever may go, then sleeps until the next one may, if time is all that is missing. */
  #admit(gate: Gate): void {
    for (const waiter of gate.first ?? NOBODY) this.#lets(gate, gate.first!, waiter)
    for (const waiter of gate.waiting) if (!this.#lets(gate, gate.waiting, waiter)) return
  }

  #lets(gate: Gate, line: Set<Waiter>, waiter: Waiter): boolean {
    const ms = this.#openInMs(gate, waiter.wants)
    if (ms > 0) {
      if (ms !== Number.POSITIVE_INFINITY) this.#wake(gate, ms)
      return false
    }
    line.delete(waiter)
    this.#start(gate, waiter.wants)
    waiter.go()
    return true
  }

  /** 0: a call may start now. Infinity: only when one leaves. Otherwise milliseconds until the window opens. */
  #openInMs(gate: Gate, wants: Wants): number {
    if (wants !== "send" && gate.running >= gate.concurrent) return Number.POSITIVE_INFINITY
    const n = gate.starts.length
    if (n === 0 || wants === "place" || gate.started < n) return 0
    return Math.max(0, gate.starts[gate.started % n]! + gate.windowMs - this.#clock.tick())
  }

  #wake(gate: Gate, ms: number): void {
    if (gate.timer !== undefined) return
    const timer = new AbortController()
    gate.timer = timer
    const done = () => {
      gate.timer = undefined
      this.#admit(gate)
    }
    // The sleep ends early only where nobody waits any more: nothing is lost, and whoever came since is let in or slept for.
    this.#clock.sleep(ms, timer.signal).then(done, done)
  }
}

/** Calls that were already started count in the new window as if they had started now: never too many, at most one window too few. */
function tighten(gate: Gate, perSecond: number, now: number): void {
  const n = Math.max(1, Math.floor(perSecond))
  const known = Math.min(gate.started, gate.starts.length, n)
  gate.perSecond = perSecond
  gate.windowMs = (n / perSecond) * 1000
  gate.starts = new Float64Array(n).fill(now)
  gate.started = known
}

const busy = (resource: string, max: number): Failure =>
  fail("Busy", `Cannot call "${resource}": ${max} calls already wait for it`, { retryable: true, undelivered: true })
const cancelled = (resource: string): Failure =>
  fail("Cancelled", `The call of "${resource}" was cancelled while it waited for its turn`, { undelivered: true })
