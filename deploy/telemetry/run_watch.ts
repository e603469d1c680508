/**
 * One run, watched: its events become the spans of its calls, below its own, and figures. What it holds is bounded by what
 * goes on at once; spans are handed on as they end.
 */
import type { NodeTold, RunEvent } from "../../bus/mod.ts"
import { type Path, printPath } from "../../graph/mod.ts"
import type { Amounts } from "../../kernel/mod.ts"
import type { RunResult } from "../engine/ending.ts"
import type { Begun, Watch } from "../engine/observe.ts"
import type { Metrics } from "./metrics.ts"
import type { Attribute, AttributeValue, OpenSpan, Tracing } from "./span.ts"
import { type Place, writeTraceparent } from "./trace_context.ts"

export type RunOutcome = "ok" | "failed" | "cancelled" | "parked" | "broken"

/** How a run was, for whoever keeps a log. */
export interface RunTold {
  readonly run: string
  readonly graph: string
  readonly outcome: RunOutcome
  readonly code: string | undefined
  readonly ms: number
  /** The trace hash; empty where it has none. */
  readonly trace: string
  readonly traceId: string
  /** Undefined where no span is made. */
  readonly spanId: string | undefined
}

/** What is made of a run. */
export interface Watching {
  /** Undefined: no spans. */
  readonly tracing: Tracing | undefined
  readonly metrics: Metrics | undefined
  /** Have nodes without an effect spans of their own? */
  readonly nodes: boolean
  /** Are the spans' places handed to the servers that calls ask? */
  readonly propagates: boolean
  readonly onEnd: ((told: RunTold) => void) | undefined
}

/** Where the run stands in a trace. */
export interface RunPlace {
  readonly traceId: string
  readonly from: Place | undefined
}

/** A call that goes on, or that has ended while a guess of its answer is still open. */
interface Call {
  readonly extern: number
  readonly began: number
  readonly span: OpenSpan | undefined
  ahead: boolean
  ended: { readonly at: number; readonly error: string | undefined } | undefined
}

type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { type: T }>
type CallOutcome = "ok" | "failed" | "cached" | "discarded" | "unfinished"

/** Spans of nodes without an effect in one run: a loop must not fill the queue by itself. What comes then is counted. */
const NODE_SPANS_MAX = 1_000

export class RunWatch implements Watch {
  readonly onEvent: ((event: RunEvent) => void) | undefined
  readonly onNode: ((node: NodeTold) => void) | undefined
  readonly traceOf: ((path: Path) => string | undefined) | undefined
  readonly #begun: Begun
  readonly #to: Watching
  readonly #place: RunPlace
  readonly #span: OpenSpan | undefined
  readonly #calls = new Map<string, Call>()
  /** Guesses that nothing was verified of yet: spans wait for what becomes of them. */
  readonly #guesses = new Map<string, EventOf<"guess">>()
  readonly #tick: number
  /** Milliseconds since the epoch at tick 0 of the run's clock. */
  readonly #epoch: number
  readonly #before: Amounts | undefined
  #nodes = 0

  constructor(begun: Begun, place: RunPlace, to: Watching) {
    const { admitted, clock, record } = begun
    this.#begun = begun
    this.#to = to
    this.#place = place
    this.#tick = clock.tick()
    this.#epoch = clock.now() - this.#tick
    this.#before = record.meter?.spent
    this.#span = to.tracing?.({
      name: `run ${admitted.plan.name}`,
      kind: place.from === undefined ? "internal" : "server",
      at: this.#at(this.#tick),
      traceId: place.traceId,
      parent: place.from,
    })
    this.#span?.set("shadowgraph.run.id", record.run)
    to.metrics?.move("shadowgraph.runs.active", 1)
    const hears = to.tracing !== undefined || to.metrics !== undefined
    this.onEvent = hears ? (event) => this.#hear(event) : undefined
    this.onNode = to.nodes && to.tracing !== undefined ? (node) => this.#node(node) : undefined
    const traced = to.tracing !== undefined || place.from !== undefined
    this.traceOf = to.propagates && traced ? (path) => this.#traceparent(path) : undefined
  }

  ended(result: RunResult): void {
    const { outcome, parked, undone, ledger, trace, spent } = result
    const code = outcome.ok || parked !== undefined ? undefined : outcome.failure.code
    const how = parked !== undefined ? "parked" : outcome.ok ? "ok" : code === "Cancelled" ? "cancelled" : "failed"
    const now = this.#now()
    const span = this.#span
    for (const { path, why } of parked ?? [])
      span?.event("parked", this.#at(now), { "shadowgraph.wait": why, "shadowgraph.node.path": printPath(path) })
    if (undone !== undefined)
      span?.event("undone", this.#at(now), {
        "shadowgraph.undone": undone.undone.length,
        "shadowgraph.left": undone.left.length,
      })
    span?.set("shadowgraph.ledger.position", ledger.position)
    if (trace !== "") span?.set("shadowgraph.run.trace", trace)
    if (spent !== undefined) this.#spent(spent)
    this.#close(how, code, trace, now)
  }

  broke(cause: unknown): void {
    const tag = (cause as { readonly _tag?: unknown } | null)?._tag
    this.#close("broken", typeof tag === "string" ? tag : "Defect", "", this.#now())
  }

  // ---- events

  #hear(event: RunEvent): void {
    switch (event.type) {
      case "start":
        return this.#start(event)
      case "end":
        return this.#end(event)
      case "guess":
        return this.#guess(event)
      case "discarded":
        return this.#discard(event)
      case "by":
        return this.#by(event)
      // What a tool notes may quote its answer.
      case "note":
      case "items":
        return
    }
  }

  #start({ path, kind, effect, extern, at, attempt, early }: EventOf<"start">): void {
    const key = keyOf(path)
    const known = this.#calls.get(key)
    // Called ahead in vain, and now for itself: still the same call.
    if (known !== undefined && (attempt > 1 || known.ahead)) {
      if (attempt > 1) this.#to.metrics?.add("shadowgraph.retries", { kind, effect })
      known.span?.event("attempt", this.#at(at), { "shadowgraph.attempt": attempt })
      return
    }
    if (known !== undefined) this.#let(key, known)
    const span = this.#open(path, extern, at)
    if (early === true) span?.set("shadowgraph.ahead", true)
    this.#calls.set(key, { extern, began: at, span, ahead: early === true, ended: undefined })
  }

  #end({ path, extern, ok, code, at, attempts, cached }: EventOf<"end">): void {
    const key = keyOf(path)
    const known = this.#calls.get(key)
    const call = known ?? { extern, began: at, span: this.#open(path, extern, at), ahead: false, ended: undefined }
    call.span?.set("shadowgraph.attempts", attempts)
    this.#came(call, cached ? "cached" : ok ? "ok" : "failed", at, code)
    if (this.#guesses.has(key)) this.#calls.set(key, call)
    else this.#let(key, call)
  }

  #discard({ path, at }: EventOf<"discarded">): void {
    const key = keyOf(path)
    const call = this.#calls.get(key)
    if (call === undefined || call.ended !== undefined) return
    this.#came(call, "discarded", at, undefined)
    this.#let(key, call)
  }

  /** A guess of a call may be made before the call, and is verified after it. */
  #guess(event: EventOf<"guess">): void {
    const { path, verdict, at } = event
    const key = keyOf(path)
    if (verdict === "open") {
      this.#guesses.set(key, event)
      return
    }
    this.#to.metrics?.add("shadowgraph.guesses", { verdict })
    const opened = this.#guesses.get(key)
    this.#guesses.delete(key)
    const call = this.#calls.get(key)
    const told: { [A in Attribute]?: AttributeValue } = { "shadowgraph.guess": verdict }
    const { by, alpha, confidence, why } = event
    if (by !== null) told["shadowgraph.guess.by"] = by
    if (alpha !== null) told["shadowgraph.guess.alpha"] = alpha
    if (confidence !== null) told["shadowgraph.guess.confidence"] = confidence
    if (why !== null) told["shadowgraph.guess.why"] = why
    if (opened !== undefined && opened.ms !== null) told["shadowgraph.guess.ms"] = opened.ms
    if (opened !== undefined)
      call?.span?.event("guess", this.#at(opened.at), { "shadowgraph.guess.ms": opened.ms ?? 0 })
    if (call === undefined) {
      this.#span?.event("guess", this.#at(at), { ...told, "shadowgraph.node.path": printPath(path) })
      return
    }
    for (const [name, value] of Object.entries(told)) call.span?.set(name as Attribute, value)
    if (call.ended !== undefined) this.#let(key, call)
  }

  #by({ path, by, why }: EventOf<"by">): void {
    const span = this.#calls.get(keyOf(path))?.span
    span?.set("shadowgraph.provider", by)
    if (why !== null) span?.set("shadowgraph.provider.why", why)
  }

  // ---- spans

  #open(path: Path, extern: number, at: number): OpenSpan | undefined {
    const span = this.#to.tracing?.({
      name: nameOf(this.#kindOf(extern), path),
      kind: "client",
      at: this.#at(at),
      traceId: this.#place.traceId,
      parent: this.#span?.place,
    })
    if (span === undefined) return undefined
    const { signature } = this.#begun.admitted.externs[extern]!
    span.set("shadowgraph.run.id", this.#begun.record.run)
    span.set("shadowgraph.node.path", printPath(path))
    span.set("shadowgraph.node.kind", this.#kindOf(extern))
    span.set("shadowgraph.effect", signature.effect)
    if (signature.resource !== null) span.set("shadowgraph.resource", signature.resource)
    span.set("shadowgraph.capabilities", signature.needs)
    return span
  }

  #node({ path, kind, extern, began, at, outcome, code }: NodeTold): void {
    if (this.#nodes++ >= NODE_SPANS_MAX) return
    const span = this.#to.tracing!({
      name: nameOf(kind, path),
      kind: "internal",
      at: this.#at(began),
      traceId: this.#place.traceId,
      parent: this.#span?.place,
    })
    span.set("shadowgraph.run.id", this.#begun.record.run)
    span.set("shadowgraph.node.path", printPath(path))
    span.set("shadowgraph.node.kind", kind)
    span.set("shadowgraph.effect", "pure")
    if (extern !== undefined)
      span.set("shadowgraph.capabilities", this.#begun.admitted.externs[extern]!.signature.needs)
    span.set("shadowgraph.outcome", outcome)
    if (code !== undefined) span.set("error.type", code)
    span.end(this.#at(at), code)
  }

  #kindOf(extern: number): string {
    return this.#begun.admitted.externs[extern]!.claim.kind
  }

  /** What a call came to; its span is held back while a guess of it is open. */
  #came(call: Call, outcome: CallOutcome, at: number, error: string | undefined): void {
    const { metrics } = this.#to
    const kind = this.#kindOf(call.extern)
    const { effect } = this.#begun.admitted.externs[call.extern]!.signature
    metrics?.add("shadowgraph.calls", { kind, effect, outcome })
    if (outcome === "ok" || outcome === "failed")
      metrics?.record("shadowgraph.call.duration", { kind, effect }, (at - call.began) / 1000)
    call.span?.set("shadowgraph.outcome", outcome)
    if (error !== undefined) call.span?.set("error.type", error)
    call.ended = { at, error }
  }

  #let(key: string, { span, ended }: Call): void {
    this.#calls.delete(key)
    if (ended !== undefined) span?.end(this.#at(ended.at), ended.error)
  }

  #traceparent(path: Path): string | undefined {
    const span = this.#calls.get(keyOf(path))?.span ?? this.#span
    const { from } = this.#place
    if (span !== undefined) return writeTraceparent(span.place)
    // Not kept here: whoever is asked need not keep it either, but stays in the same trace.
    return from === undefined ? undefined : writeTraceparent({ ...from, sampled: false })
  }

  #spent({ calls, bytes, tokens, money }: Amounts): void {
    const span = this.#span
    span?.set("shadowgraph.spent.calls", calls)
    span?.set("shadowgraph.spent.bytes", bytes)
    span?.set("shadowgraph.spent.tokens", tokens)
    span?.set("shadowgraph.spent.money", money)
    const { metrics } = this.#to
    const graph = this.#begun.admitted.plan.name
    const before = this.#before ?? { bytes: 0, tokens: 0, money: 0 }
    if (tokens > before.tokens) metrics?.add("shadowgraph.tokens", { graph }, tokens - before.tokens)
    if (money > before.money) metrics?.add("shadowgraph.money", { graph }, (money - before.money) / 1e6)
    if (bytes > before.bytes) metrics?.add("shadowgraph.bytes", { graph }, bytes - before.bytes)
  }

  #close(outcome: RunOutcome, code: string | undefined, trace: string, now: number): void {
    const { admitted, record } = this.#begun
    const { metrics, onEnd } = this.#to
    for (const [key, call] of [...this.#calls]) {
      if (call.ended === undefined) this.#came(call, "unfinished", now, undefined)
      this.#let(key, call)
    }
    const graph = admitted.plan.name
    const span = this.#span
    const ms = now - this.#tick
    span?.set("shadowgraph.graph", graph)
    span?.set("shadowgraph.graph.hash", admitted.graph)
    span?.set("shadowgraph.plan.hash", admitted.hash)
    span?.set("shadowgraph.run.outcome", outcome)
    if (this.#nodes > NODE_SPANS_MAX) span?.set("shadowgraph.nodes.untold", this.#nodes - NODE_SPANS_MAX)
    if (record.past !== undefined) span?.set("shadowgraph.run.resumed", true)
    if (code !== undefined) span?.set("error.type", code)
    span?.end(this.#at(now), code)
    metrics?.move("shadowgraph.runs.active", -1)
    metrics?.add("shadowgraph.runs", { graph, outcome, ...(code === undefined ? {} : { code }) })
    metrics?.record("shadowgraph.run.duration", { graph, outcome }, ms / 1000)
    // Asked for here alone, the trace's id is hashed only where somebody wants it.
    onEnd?.({
      run: record.run,
      graph,
      outcome,
      code,
      ms,
      trace,
      traceId: this.#place.traceId,
      spanId: span?.place.spanId,
    })
  }

  #now(): number {
    return this.#begun.clock.tick()
  }

  #at(tick: number): number {
    return this.#epoch + tick
  }
}

/** Without indexes, so that all items of a `map` have one name. */
const nameOf = (kind: string, path: Path): string =>
  `${kind} ${path.filter((part) => typeof part === "string").join(".")}`

const keyOf = (path: Path): string => path.join("\u0000")
