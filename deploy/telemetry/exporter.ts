/**
 * Hands things over to a collector over HTTP: some at once, a few times where it is busy, and never in the way. What does
 * not fit into the queue, or is not taken, is counted and lost.
 * Source: OpenTelemetry Protocol 1.10, "OTLP/HTTP".
 */
import type { Chance, Clock } from "../../graph/mod.ts"

export interface ExporterOptions<A> {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** The request for some of them. */
  readonly body: (items: readonly A[]) => object
  readonly clock: Clock
  readonly chance: Pick<Chance, "next">
  readonly fetch: typeof globalThis.fetch
  /** Is told of what is lost. */
  readonly onLost: (count: number, why: string) => void
  readonly limits: ExportLimits
}

export interface ExportLimits {
  /** Things that wait; what comes then is lost. */
  readonly queueMax: number
  /** Things of one request. */
  readonly batchMax: number
  /** Milliseconds until what waits is sent, where a batch is not full before. */
  readonly delayMs: number
  /** Milliseconds of one request. */
  readonly timeoutMs: number
  /** Requests for one batch. */
  readonly attemptsMax: number
  /** Milliseconds before the second attempt; doubled for each further one. */
  readonly pauseMs: number
  readonly pauseMsMax: number
}

export const EXPORT_LIMITS: ExportLimits = {
  queueMax: 2048,
  batchMax: 512,
  delayMs: 5_000,
  timeoutMs: 10_000,
  attemptsMax: 5,
  pauseMs: 1_000,
  pauseMsMax: 30_000,
}

/** Answers after which the same may be sent again. */
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504])

export class Exporter<A> {
  readonly #options: ExporterOptions<A>
  #queue: A[] = []
  #sending: Promise<void> | undefined
  #waiting: AbortController | undefined
  readonly #over = new AbortController()

  constructor(options: ExporterOptions<A>) {
    this.#options = options
  }

  push(item: A): void {
    const { limits, onLost } = this.#options
    if (this.#over.signal.aborted) return onLost(1, "closed")
    if (this.#queue.length >= limits.queueMax) return onLost(1, "the queue is full")
    this.#queue.push(item)
    if (this.#queue.length >= limits.batchMax) void this.#send()
    else this.#later()
  }

  /** Sends what there is. Resolves when that was taken, or is lost. */
  async flush(): Promise<void> {
    while (this.#queue.length > 0 || this.#sending !== undefined) await this.#send()
  }

  /** Sends what there is, for so long at most; the rest is lost. */
  async close(graceMs: number): Promise<void> {
    const late = new AbortController()
    const over = this.#options.clock.sleep(graceMs, late.signal).then(
      () => this.#over.abort(),
      () => {},
    )
    await Promise.race([this.flush(), over])
    late.abort()
    this.#over.abort()
    this.#waiting?.abort()
    if (this.#queue.length > 0) this.#options.onLost(this.#queue.length, "closed")
    this.#queue = []
  }

  #later(): void {
    if (this.#waiting !== undefined || this.#sending !== undefined) return
    const waiting = new AbortController()
    this.#waiting = waiting
    this.#options.clock.sleep(this.#options.limits.delayMs, waiting.signal).then(
      () => {
        this.#waiting = undefined
        void this.#send()
      },
      () => {},
    )
  }

  /** One request after another; resolves when this one, or the one on its way, is over. */
  #send(): Promise<void> {
    if (this.#sending !== undefined) return this.#sending
    this.#waiting?.abort()
    this.#waiting = undefined
    const batch = this.#queue.splice(0, this.#options.limits.batchMax)
    if (batch.length === 0) return Promise.resolve()
    this.#sending = this.#deliver(batch).then((why) => {
      if (why !== undefined) this.#options.onLost(batch.length, why)
      this.#sending = undefined
      if (this.#queue.length >= this.#options.limits.batchMax) void this.#send()
      else if (this.#queue.length > 0) this.#later()
    })
    return this.#sending
  }

  /** Undefined, or why nobody took it. */
  async #deliver(batch: readonly A[]): Promise<string | undefined> {
    const { body, clock, chance, limits } = this.#options
    const text = JSON.stringify(body(batch))
    let pauseMs = limits.pauseMs
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#ask(text)
      if (answer.done) return answer.why
      if (attempt >= limits.attemptsMax || this.#over.signal.aborted) return answer.why
      // Many processes that lost the same collector should not come back together.
      const jitter = 0.5 + chance.next() / 2
      const wait = Math.min(answer.afterMs ?? pauseMs * jitter, limits.pauseMsMax)
      await clock.sleep(wait, this.#over.signal).catch(() => {})
      pauseMs *= 2
    }
  }

  async #ask(text: string): Promise<Answer> {
    const { url, headers, fetch, limits } = this.#options
    const signal = AbortSignal.any([AbortSignal.timeout(limits.timeoutMs), this.#over.signal])
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: text,
        // Headers with credentials go to the address that was configured, and to no other.
        redirect: "error",
        signal,
      })
      const said = await response.text()
      if (response.ok) return { done: true, why: this.#partly(said) }
      const why = `the collector answered ${response.status}`
      const after = Number(response.headers.get("retry-after"))
      const pause = Number.isFinite(after) && after > 0 ? { afterMs: after * 1000 } : {}
      return AGAIN.has(response.status) ? { done: false, why, ...pause } : { done: true, why }
    } catch (cause) {
      return { done: false, why: `the collector was not reached: ${cause instanceof Error ? cause.name : "unknown"}` }
    }
  }

  /** What a collector took in part is counted, and not sent again. */
  #partly(said: string): undefined {
    try {
      const { partialSuccess = {} } = JSON.parse(said) as { readonly partialSuccess?: object }
      const { rejectedSpans, rejectedDataPoints } = partialSuccess as { readonly [key: string]: unknown }
      const count = Number(rejectedSpans ?? rejectedDataPoints ?? 0)
      if (count > 0) this.#options.onLost(count, "the collector refused them")
    } catch {
      // An answer without a word is one that took all.
    }
    return undefined
  }
}

type Answer =
  | { readonly done: true; readonly why: string | undefined }
  | { readonly done: false; readonly why: string; readonly afterMs?: number }
