/**
 * Spans of runs: what may stand on them, and where they go. No attribute holds an argument, an answer, a message of a
 * failure or a note of a tool: any of these may be, or quote, a secret.
 */
import type { Place } from "./trace_context.ts"

/** Attributes of the span of a run. */
export const RUN_ATTRIBUTES = {
  "shadowgraph.run.id": "The run's id, as `runs show` takes it.",
  "shadowgraph.run.outcome":
    "`ok`, `failed`, `cancelled`, `parked` (it rests and will go on), or `broken` (its record cannot be written).",
  "shadowgraph.run.trace":
    "The trace hash: the same for the same calls with the same outcomes, on every host. None while it rests.",
  "shadowgraph.run.resumed": "It began before, perhaps elsewhere, and went on here.",
  "shadowgraph.graph": "The graph's name.",
  "shadowgraph.graph.hash": "Hash of the checked graph.",
  "shadowgraph.plan.hash": "Hash of the plan's bytes.",
  "shadowgraph.ledger.position": "The run's place in the ledger.",
  "shadowgraph.nodes.untold": "Nodes without an effect beyond the first 1,000 of the run: they have no span.",
  "shadowgraph.spent.calls":
    "Calls made in all, where somebody counts: there is a budget, or a tool said what it cost.",
  "shadowgraph.spent.bytes": "Bytes sent and received, likewise.",
  "shadowgraph.spent.tokens": "Tokens of models, likewise.",
  "shadowgraph.spent.money": "Millionths of the currency of the price list, likewise.",
  "error.type": "The failure's code, where it failed.",
} as const

/** Attributes of the span of a call: one for each read and write that a run comes to. */
export const CALL_ATTRIBUTES = {
  "shadowgraph.run.id": "The run that it belongs to.",
  "shadowgraph.node.path": "The path, with the indexes of `map` and loops: `costs[2].rate`.",
  "shadowgraph.node.kind": "The kind: `http`, `sql`, `llm`, `mcp`, …",
  "shadowgraph.effect": "`read` or `write`.",
  "shadowgraph.resource": "What it reaches, as limits share it: `host:rates.example.com`.",
  "shadowgraph.capabilities": "The capabilities that it needs.",
  "shadowgraph.attempts": "Attempts made; 0 for an answer of the cache.",
  "shadowgraph.outcome":
    "`ok`, `failed`, `cached` (answered by the cache), `discarded` (called ahead on a guess, and not wanted), or `unfinished` (the run ended or rested before it).",
  "shadowgraph.ahead": "It was called ahead, on arguments that were guessed.",
  "shadowgraph.guess": "What became of the guess of its answer: `kept`, `wrong`, `dropped`, or `off` (none was made).",
  "shadowgraph.guess.by": "Hash of the shadow that guessed.",
  "shadowgraph.guess.alpha": "The bound of the guess: at most this likely to be wrong.",
  "shadowgraph.guess.confidence": "How sure the shadow was.",
  "shadowgraph.guess.why": "Which inference computed the guess and why that one; of `off` why there was none.",
  "shadowgraph.guess.ms": "Milliseconds that the guess took.",
  "shadowgraph.provider": "Who did the work, where the plan does not say: a model and its host, an execution provider.",
  "shadowgraph.provider.why": "Why that one, where a node says.",
  "error.type": "The failure's code, where it failed.",
} as const

/** Attributes of the span of a node without an effect. */
export const NODE_ATTRIBUTES = {
  "shadowgraph.run.id": "The run that it belongs to.",
  "shadowgraph.node.path": "The path, with the indexes of `map` and loops: `costs[2].net`.",
  "shadowgraph.node.kind":
    "The kind: `fn`, `script`, …; `expr` of what the compiler made instructions of; of a node with a body `map`, `when`, `switch`, `fold`, `loop`, `catch`, and `enter` of a subgraph.",
  "shadowgraph.effect": "`pure`.",
  "shadowgraph.capabilities": "The capabilities that its tool needs, where it is one.",
  "shadowgraph.outcome": "`ok`, `failed`, or `unfinished` (the run ended or rested before it).",
  "error.type": "The failure's code, where it failed.",
} as const

/** Events on spans. */
export const SPAN_EVENTS = {
  attempt: "An attempt of a call after the first, with `shadowgraph.attempt`.",
  guess:
    "A guess of a call's answer, or what became of it, with the attributes above. On the run's span where no call of its own followed.",
  parked:
    "The run rests: `shadowgraph.wait` says for what (`ask`, `event`, `sleep`, `uncertain`, `held`, `budget`), `shadowgraph.node.path` where.",
  undone: "The run was taken back: how many writes are `shadowgraph.undone`, how many stay as `shadowgraph.left`.",
} as const

export type Attribute = keyof typeof RUN_ATTRIBUTES | keyof typeof CALL_ATTRIBUTES | keyof typeof NODE_ATTRIBUTES
/** Of events only. */
type EventAttribute = "shadowgraph.attempt" | "shadowgraph.wait" | "shadowgraph.undone" | "shadowgraph.left"
export type AttributeValue = string | number | boolean | readonly string[]
export type EventAttributes = { readonly [A in Attribute | EventAttribute]?: AttributeValue }

export interface SpanStart {
  readonly name: string
  /** `internal`: work of this process. `server`: somebody else's request. `client`: a request to somebody else. */
  readonly kind: "internal" | "server" | "client"
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly traceId: string
  readonly parent: Place | undefined
}

/** A span on its way. */
export interface OpenSpan {
  readonly place: Place
  readonly set: (attribute: Attribute, value: AttributeValue) => void
  readonly event: (name: keyof typeof SPAN_EVENTS, at: number, attributes: EventAttributes) => void
  /** `error`: a word, where it failed. */
  readonly end: (at: number, error?: string) => void
}

/** Where spans go. */
export type Tracing = (start: SpanStart) => OpenSpan

/** A span that has ended. */
export interface Span {
  readonly place: Place
  readonly start: SpanStart
  readonly attributes: ReadonlyMap<Attribute, AttributeValue>
  readonly events: readonly {
    readonly name: string
    readonly at: number
    readonly attributes: EventAttributes
  }[]
  readonly eventsDropped: number
  readonly endedAt: number
  readonly error: string | undefined
}
