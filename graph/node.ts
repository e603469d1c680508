/**
 * The node contract: all that a node kind is. A kind declares the settings it takes in a file, says what a given node
 * may do to the world, and opens an executor. Adapters live in `nodes/`; a third party adds one in one file.
 */
import type { Expr } from "./expr.ts"
import type { Effect, Path, Settings } from "./ir.ts"
import type { Origin } from "./labels/label.ts"
import type { Sort } from "./labels/policy.ts"
import type { Limit } from "./limit.ts"
import type { Code } from "./messages.ts"
import type { SecretWay } from "./secrets.ts"
import type { Services } from "./services.ts"
import type { Type } from "./type.ts"
import type { Level, Validator } from "./validator.ts"
import type { Rec, Value } from "./value.ts"

/** How a setting of a kind is read from a file. */
export interface FieldSpec {
  /**
   * `static`: plain data of `type`, known before anything runs, kept in `config`. `text`: values of any shape whose
   * texts may insert `${ … }`; becomes an argument. `cel`: an expression written bare; becomes an argument.
   * `type`: type notation. `duration`: `10ms`, `2s`, `5m`, kept in `config` as milliseconds. `size`: `10MB`, bytes.
   */
  readonly form: "static" | "text" | "cel" | "duration" | "size"
  /** For `static`: the type it must have. For `text` and `cel`: the type that the argument must have, where known. */
  readonly type?: Type
  readonly required?: boolean
  /** A text that is a path from the graph file's folder. In a subgraph from another folder it is read as written from the outermost one's. */
  readonly path?: true
  /** One line for editors and for the generated documentation. */
  readonly about: string
}

/** A node as a kind sees it while checking. */
export interface NodeView {
  readonly name: string
  readonly config: Rec
  /** The argument expressions by name; a record expression taken apart. */
  readonly args: { readonly [name: string]: Expr }
  readonly output?: Type
  readonly settings: Settings
  /** The graph's declared resources by section. */
  readonly resources: { readonly [section: string]: { readonly [name: string]: Value } }
  /** What `shadowgraph.lock` pins for this node (a tool's schema, a module's types), or undefined. */
  readonly pin: (key: string) => Rec | undefined
}

/** What a node is to the checker and to admission. Comes from the registration, never from a plan. */
export interface Signature {
  readonly effect: Effect
  /** What the effect touches: `server:files`, `db:shop`, `host:rates.example.com`, `fs:/data`, `time`, `chance`. `a` contains `a/b`. */
  readonly resource: string | null
  /** Capabilities that a run must be granted. */
  readonly needs: readonly string[]
  /** Type of the arguments record; `undefined`: anything goes in. */
  readonly input?: Type
  /**
   * Type of the value that comes out, before `output:` narrows it. `unknown` says that it may be any value; a registration
   * that leaves it out (one in plain JavaScript can) says nothing, so that nothing validates the answer: it is refused.
   */
  readonly output: Type
  /** The least that must validate an answer before it counts. Default `syntax`: anything but nothing. */
  readonly validated?: Level
  /** Does the tool honour an idempotency key? */
  readonly keyed?: boolean
  /** False only where the executor certainly answers synchronously (never returns a promise). Default true. */
  readonly async?: boolean
  /** An upper bound on calls in flight and on calls per second for the resource. */
  readonly limits?: Limit
  /** What the plan must pin of the outside (content hashes, `module#export@sha256`), as data. */
  readonly pins?: Rec
  /**
   * Whose words the outcome is, beside those of the arguments. Default: `tool` for a read or a write, `none` for what is
   * pure. `none` is for what nobody writes: a clock, a calculation.
   */
  readonly origin?: Origin["who"] | "none"
  /** True where nothing of the arguments is in the outcome, or only what a person saw and let through (docs/labels.md). */
  readonly endorses?: boolean
  /** True where a call asks a person or waits for its time: it is made on certain arguments alone, and nothing stands in for it. */
  readonly waits?: boolean
  /** Arguments in which somebody else's text could do harm, and what they are (`SORTS`). */
  readonly sinks?: { readonly [arg: string]: Sort }
  /**
   * The pin without which the tool is not registered, where the lock has none: what a server offers is what it says today,
   * so one of its tools is known only once it is pinned. Such a node may be checked, and is not admitted.
   */
  readonly unpinned?: string
  /** Parts of arguments and answers that no copy of a call may hold: annotated in the tool's schemas (`secrets.ts`). */
  readonly secrets?: { readonly input: readonly SecretWay[]; readonly output: readonly SecretWay[] }
}

export interface SignatureProblem {
  readonly code: Code
  /** The key of the node that is wrong: `http`, `with.path`, `output`. */
  readonly key: string
  readonly message: string
  readonly fix?: string
  readonly severity?: "error" | "warning"
}

/** What one request cost, as far as the tool knows. Whole numbers from 0. */
export interface Cost {
  /** Sent and received together. */
  readonly bytes?: number
  /** The model that was asked, as its server calls it, and the tokens that it read and wrote. */
  readonly model?: string
  readonly tokensIn?: number
  readonly tokensOut?: number
  /** Millionths of the host's currency; without it the price of the model counts. */
  readonly money?: number
}

/** One call of an executor. */
export interface Call {
  readonly path: Path
  readonly run: string
  /** 1 for the first attempt. */
  readonly attempt: number
  /** Hash of run and path: the same for every attempt. Sent to tools that honour one. */
  readonly key: string
  /** Aborted when the attempt times out, the run is cancelled, or the work can no longer matter. The tool must stop. */
  readonly signal: AbortSignal
  /** Progress for a live view; never part of the result. `piece`: a piece of the answer itself, as it arrives. */
  readonly note: (text: string, piece?: boolean) => void
  /** The W3C `traceparent` of this call, for requests that it makes; undefined where nobody traces. */
  readonly traceparent?: string | undefined
  /** Says who does the work, where that is not the node's to say (a model at a server, an inference), and why that one. */
  readonly by?: ((who: string, why?: string) => void) | undefined
  /** May the executor hand back a `Park` instead of an answer? */
  readonly parks?: boolean | undefined
  /** Says what a request of this call cost, once it is known; also of one that failed. What nobody says is measured. */
  readonly spent?: ((cost: Cost) => void) | undefined
  /** Asked before each further request of one call: throws where the run's budget is used up. What it throws must be let through. */
  readonly further?: (() => void) | undefined
  /**
   * Does a part of this call's work and keeps what it gave, so that a run which goes on after a stop does not do it again:
   * the n-th part of a call is given again to the n-th that asks for the same. One begins when the one before has ended.
   * What a tool does between its parts must follow from their values and from those of its bodies. Not there, do the work.
   */
  readonly part?: ((asked: Value, work: () => Promise<Value>) => Promise<Value>) | undefined
  /**
   * Runs one of the node's own bodies (`NodeKind.scopes`), `Node.scopes[role]`, with `args` as its parameters, as a child
   * at the path `[…path, n, <body>]`, where n counts the calls of this attempt from 0. The arguments must fit the declared
   * input; the promise fails with the body's `Failure`. There only where the kind declares `scopes`.
   */
  readonly invoke?: ((role: string, args: Rec) => Promise<Value>) | undefined
}

/**
 * Does the work. Returns the value (checked against the output type by the kernel), a promise of it, an `AsyncIterable`
 * where the output is a stream, or a `Park` where the answer may take days. Fails by throwing a `Failure` (`failure.ts`); anything else thrown becomes `Threw`.
 */
export type Execute = (args: Value, call: Call) => unknown

export interface Executor {
  readonly execute: Execute
  /** Gives back connections and processes. Called once, when the session that opened it closes. */
  readonly close?: () => Promise<void>
}

export interface NodeKind {
  /** The key in a file, and `Node.kind`. */
  readonly kind: string
  readonly about: string
  /** What the kind key itself holds: `http: GET https://…` (form text), `sql: shop` (form static, string). */
  readonly main: FieldSpec
  readonly fields: { readonly [key: string]: FieldSpec }
  /**
   * Bodies that the kind calls by name while it runs, through `Call.invoke`: the tools of an `llm`. A file gives them
   * under `key` as a mapping from name to `{ about?, input, do }`. `config[key][name]` keeps `about` and `input` (a record
   * type, every field required or with a default); the body is `Node.scopes["<role>:<name>"]`, whose parameters are the input's fields.
   * `rests`: all that a call learns of its own it keeps (`Call.part`), so a run may rest inside its bodies and go on later.
   */
  readonly scopes?: { readonly key: string; readonly role: string; readonly about: string; readonly rests?: true }
  /**
   * Schemes of capabilities beyond the language's own (`SCHEMES`) that nodes of this kind may need: a scheme that no
   * registered kind declares is refused, in a `needs:`, in a grant, in a plan.
   */
  readonly schemes?: readonly string[]
  /** May the node carry `with:` (a record of arguments)? `with` entries become arguments beside those of `fields`. */
  readonly takesWith: boolean
  /**
   * Turns what the file says into `config` and `args` where the plain reading is not enough (taking a URL template
   * apart). Called once per node, before `sign`. Default: `main` and `fields` by their form, under their own names.
   */
  readonly lift?: (
    raw: RawNode,
  ) => { readonly config: Rec; readonly args: { readonly [name: string]: Expr } } | readonly SignatureProblem[]
  /** The reverse of `lift`, for printing a file. Default: by form. */
  readonly lower?: (node: { readonly config: Rec; readonly args: { readonly [name: string]: Expr } }) => RawNode
  /**
   * Paths inside what a file declares for such nodes (`databases:`, `servers:`): the declaration, each path as `from` writes
   * it. Asked for the files of subgraphs that lie in another folder than the outermost one.
   */
  readonly moved?: {
    readonly section: string
    readonly declared: (declared: Value, from: (path: string) => string) => Value
  }
  /** Effect, resource, capabilities and types of a node; or what is wrong with it. Pure: no disk, no network. */
  readonly sign: (node: NodeView) => Signature | readonly SignatureProblem[]
  /** What looks at the answers of such a node beyond their type (`validator.ts`). Pure, as `sign` is. */
  readonly validators?: (node: NodeView) => readonly Validator[]
  /**
   * What `shadowgraph.lock` is to pin for such a node, by the keys that `sign` asks `NodeView.pin` for: asks the world
   * (a server for its tools, the disk for code). Called when a lock is made, never at check or run time.
   */
  readonly lock?: (
    config: Rec,
    resources: NodeView["resources"],
    services: Services,
  ) => Promise<{ readonly [key: string]: Rec }>
  /** Connects. Called once per distinct `config`, signature and session, before the first call; may be slow; never at check time. */
  readonly open: (
    config: Rec,
    resources: NodeView["resources"],
    services: Services,
    signature: Signature,
  ) => Executor | Promise<Executor>
}

export interface RawNode {
  readonly config: Rec
  readonly args: { readonly [name: string]: Expr }
  /** `with:` entries. */
  readonly with: { readonly [name: string]: Expr }
}

/** The kinds that a checker, a kernel or a session knows, by name. */
export type Registry = ReadonlyMap<string, NodeKind>
/** The schemes of capabilities that the kinds declare, beyond the language's own. */
export const schemesOf = (known: Registry): ReadonlySet<string> =>
  new Set([...known.values()].flatMap((kind) => kind.schemes ?? []))
export const registry = (...kinds: readonly NodeKind[]): Registry => new Map(kinds.map((k) => [k.kind, k]))
