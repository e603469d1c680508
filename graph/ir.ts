/**
 * The graph IR: what a graph file and the TypeScript builder both become, and what the checker, the evaluator and the
 * compiler read. Plain data: it prints, hashes and round-trips. Code (inline closures) and positions live beside it.
 */
import type { Expr } from "./expr.ts"
import type { Type } from "./type.ts"
import type { Value } from "./value.ts"

export type Effect = "pure" | "read" | "write"

/** A way to a node: subgraph and control names, map index or loop iteration (numbers), node name. */
export type Path = readonly (string | number)[]
export const printPath = (path: Path): string =>
  path
    .map((p) => (typeof p === "number" ? `[${p}]` : p))
    .join(".")
    .replaceAll(".[", "[")

/** Reads a path as `printPath` writes it; undefined where the text is none. */
export function parsePath(text: string): Path | undefined {
  if (!/^[a-z][a-z0-9_]*(\[\d+\]|\.[a-z][a-z0-9_]*)*$/.test(text)) return undefined
  return [...text.matchAll(/[a-z][a-z0-9_]*|\d+/g)].map(([part]) => (/^\d/.test(part) ? Number(part) : part))
}

export interface Graph {
  readonly name: string
  readonly about?: string
  /** Named types, kept so that a file prints as it was written; the IR's types are already resolved. */
  readonly types: { readonly [name: string]: Type }
  readonly input: Extract<Type, { kind: "record" }>
  /** Capabilities that the file says it needs, as written. `undefined`: it says nothing, the least is taken. */
  readonly needs?: readonly string[]
  /** Declared things that nodes refer to by name: `servers`, `databases`, `models`, `limits`, by section. */
  readonly resources: { readonly [section: string]: { readonly [name: string]: Value } }
  readonly body: Scope
  /** Declared type of the output; the checker infers it where it is left out. */
  readonly output?: Type
  /** What a run of it does when it fails: take back what was delivered (`undo.ts`). Not asked of a subgraph. */
  readonly onFailure?: "undo"
}

/** A list of nodes and the value they end in. Names of outer scopes may be used inside; none may be hidden. */
export interface Scope {
  /**
   * The path component that a scope of several nodes adds (`do`, `then`, a case). A body that is one node carries no
   * name: its only node is called `do`, `then`, … and stands directly under its control node.
   */
  readonly name?: string
  /** Variables that the control node binds: the item and its index, the accumulator, the caught failure. */
  readonly params: readonly string[]
  readonly nodes: readonly Node[]
  readonly output: Expr
}

export interface Retry {
  /** Attempts after the first one. */
  readonly times: number
  /** Milliseconds before the first retry; doubled each time, with full jitter. */
  readonly delayMs: number
  readonly delayMsMax: number
}

export interface Settings {
  /** Milliseconds one attempt may take. */
  readonly timeoutMs?: number
  readonly retry?: Retry
  /** Milliseconds that an outcome may be used again for the same input (a stated choice, `semantics.md`, Substitutes). */
  readonly cacheMs?: number
  /** Names of nodes in the same scope whose effects must be committed before this one starts. */
  readonly after?: readonly string[]
  /** Largest share of wrong accepted answers for a shadow of this node. Used from the issue on shadows onward. */
  readonly shadow?: { readonly error: number }
  readonly speculate?: boolean
  /** What holds of every answer that counts: a condition over `out`, the answer, and `args`, the arguments (`valid.ts`). */
  readonly valid?: Expr
}

export interface Node {
  readonly name: string
  /** `expr`, `fn`, `http`, …: a registered node kind, or a control kind (`CONTROLS`). */
  readonly kind: string
  /** What the step is for, in the author's words. */
  readonly about?: string
  /** Static settings of the kind: no expression, known before anything runs (method and host, database, tool, …). */
  readonly config: { readonly [key: string]: Value }
  /**
   * What the node computes on. `expr`: the expression. A tool: a record of its arguments. `when`, `switch`: the value
   * decided on. `map`: the list. `fold`, `loop`: a record (`over`, `from`), (`from`). `graph`: a record of inputs.
   */
  readonly args: Expr
  /** Bodies of control nodes by role: `then`/`else`, `case:<word>`/`else`, `do`, `while` (loop), `tool:<name>` (`NodeKind.scopes`), `catch` on any node, and `undo` on a write: the call that takes it back (`undo.ts`). */
  readonly scopes: { readonly [role: string]: Scope }
  /** `kind: "graph"`: the subgraph itself, resolved. */
  readonly graph?: Graph
  /** `kind: "graph"`: the capabilities that count inside it, and in its `catch`, of those that count around it. */
  readonly grants?: readonly string[]
  /** Declared output type; needed where the kind cannot know it (http, sql, mcp without a schema). */
  readonly output?: Type
  readonly settings: Settings
}

/** Control kinds are part of the language: the evaluator, the compiler and the VM know them; they are not adapters. */
export const CONTROLS = ["expr", "graph", "when", "switch", "map", "fold", "loop"] as const
export type Control = (typeof CONTROLS)[number]
export const isControl = (kind: string): kind is Control => (CONTROLS as readonly string[]).includes(kind)

export const NODE_NAME = /^[a-z][a-z0-9_]*$/
/** CEL's reserved words, and names that a graph gives a meaning of its own. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while input error constructor prototype __proto__".split(
    " ",
  ),
)
/** Default and greatest bounds: a graph states its own below these. */
export const LOOP_MAX = 1_000_000
export const NESTING_MAX = 64
