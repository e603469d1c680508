/**
 * `undo:` on a write: the call that takes it back, over the answer of the write (`out`) and its arguments (`args`). When a
 * run undoes, it does so for every write that was delivered, in the reverse of the order in which they were; a graph may
 * ask for that whenever it fails (`on_failure: undo`). Both are part of what the graph means, so they are part of its
 * hash, on top of the hash of all else: whoever adds, changes or takes away an undo has another graph.
 */
import { spread } from "./cel/print.ts"
import { exprForm, typeForm } from "./check/canonical.ts"
import type { CheckedGraph } from "./checked.ts"
import { evaluate } from "./evaluate.ts"
import { type Expr, freeNames } from "./expr.ts"
import type { Failure } from "./failure.ts"
import { infer } from "./infer.ts"
import type { Graph, Node, Path, Scope, Settings } from "./ir.ts"
import { withParts } from "./rebuild.ts"
import { subtype, type Type } from "./type.ts"
import { boundProblem, VALID_FUEL, validNames } from "./valid.ts"
import { compareKeys, hashValue, hex, type Rec, type Value } from "./value.ts"

/** The role of an undo's body, and the name of its only node: `book.undo` takes back `book`. */
export const UNDO = "undo"
/** What it may name: the answer of the write and its arguments. */
export const UNDO_PARAMS: readonly string[] = ["out", "args"]

/** The node that takes a node's write back. */
export const undoOf = (node: Node): Node | undefined => node.scopes[UNDO]?.nodes[0]

/** An undo as the graph's hash and a plan know it. */
export interface Undo {
  /** Of the write: names of subgraphs and bodies, then of the node; no indexes. */
  readonly path: readonly string[]
  readonly kind: string
  readonly config: Rec
  /** Over `out` and `args`. */
  readonly args: Expr
  readonly resource: string | null
  /** What its answer is judged by. */
  readonly output: Type
  readonly settings: Omit<Settings, "after">
}

/** What a run does of itself when it fails; undefined: what was delivered stays. */
export type OnFailure = "undo"

/** Every undo of a checked graph, those of its subgraphs included, in the order of their paths. */
export function undosOf({ graph, nodes }: Pick<CheckedGraph, "graph" | "nodes">): readonly (Undo & { node: Node })[] {
  const known = new Map<Graph, readonly (Undo & { node: Node })[]>()
  const ofGraph = (g: Graph): readonly (Undo & { node: Node })[] => {
    const before = known.get(g)
    if (before !== undefined) return before
    const found = ofScope(g.body)
    known.set(g, found)
    return found
  }
  const ofScope = (scope: Scope): (Undo & { node: Node })[] => {
    const found: (Undo & { node: Node })[] = []
    for (const node of scope.nodes) {
      const under = (inner: readonly (Undo & { node: Node })[], ...words: string[]) => {
        for (const x of inner) found.push({ ...x, path: [node.name, ...words, ...x.path] })
      }
      for (const [role, body] of Object.entries(node.scopes))
        if (role !== UNDO) under(ofScope(body), ...(body.name === undefined ? [] : [body.name]))
      if (node.graph !== undefined) under(ofGraph(node.graph))
      const undo = undoOf(node)
      const facts = undo === undefined ? undefined : nodes.get(undo)
      if (undo === undefined || facts?.signature === undefined) continue
      const { after: _, ...settings } = undo.settings
      const { kind, config } = undo
      const { resource } = facts.signature
      const args = undoExpr(undo)
      found.push({ path: [node.name], kind, config, args, resource, output: facts.outcome, settings, node: undo })
    }
    return found
  }
  return [...ofGraph(graph)].sort((a, b) => compareKeys(undoKey(a.path), undoKey(b.path)))
}

/** What the undo is called with: constants taken apart, so that a plan, whose constants are plain, can carry it. */
export const undoExpr = ({ args }: Node): Expr => takenApart(args)
const takenApart = (e: Expr): Expr => (e.op === "const" ? spread(e.value) : withParts(e, takenApart))

/** A path without its indexes as one text; undos are ordered by it. */
export const undoKey = (path: Path): string => JSON.stringify(path.filter((part) => typeof part === "string"))

/**
 * The hash of a graph, from that of all of it but its undos, both in hexadecimal. Without one it is the same. With some it
 * has 66 digits, `03` first: a plan says another one, of 64, so that it cannot claim the hash and leave them out.
 */
export function undoneHash(rest: string, undos: readonly Undo[], onFailure: OnFailure | undefined): string {
  if (undos.length === 0 && onFailure === undefined) return rest
  const forms = undos.map(({ path, kind, config, args, resource, output, settings }): Value => {
    // Its `valid:` is in the hash already, by its own path.
    const { valid: _, ...more } = settings
    return [path, kind, config, exprForm(args), resource, typeForm(output), more as unknown as Rec]
  })
  return `03${hex(hashValue(["undo", rest, onFailure ?? null, forms]))}`
}

/** What is wrong with an undo's arguments for an answer and arguments of these types, in words; undefined where nothing is. */
export function undoProblem(args: Expr, out: Type, given: Type, wanted: Type | undefined): string | undefined {
  const bound = boundProblem(args)
  if (bound !== undefined) return bound
  const { type, problems } = infer(args, validNames(out, given))
  const wrong = problems.find((p) => p.severity !== "warning")
  if (wrong !== undefined) return wrong.message
  return wanted !== undefined && subtype(type, wanted) === "no" ? "its arguments are not what it takes" : undefined
}

/** Does the undo look at the answer of its write? Where that does not count there is none. */
export const needsAnswer = (args: Expr): boolean => freeNames(args).has("out")

/**
 * The arguments of an undo, before they are looked at as what it takes. `out` is undefined where the write was delivered
 * and its answer did not count. Throws a `Failure`.
 */
export const undoArgs = (args: Expr, out: Value | undefined, given: Value): Value =>
  evaluate(args, (name) => (name === "out" ? (out as Value) : given), { left: VALID_FUEL })

/** What came of a write: done, certainly not done, or nobody knows. */
export type Delivery = "delivered" | "refused" | "uncertain"

/**
 * What is known of a write by the failure that its tool ended in; by an answer it is `delivered`. A failure that says of itself
 * that the request may have arrived is believed; of others the code tells.
 */
export const deliveryOf = ({ undelivered, code }: Failure): Delivery =>
  undelivered === false || (undelivered === undefined && UNKNOWING.has(code)) ? "uncertain" : "refused"

/**
 * Of two attempts of a write the failure that counts for it: that the second certainly did nothing says nothing of a first of
 * which nobody knows.
 */
export const leastKnown = (before: Failure | undefined, last: Failure): Failure =>
  before !== undefined && deliveryOf(before) === "uncertain" && deliveryOf(last) === "refused" ? before : last
const UNKNOWING: ReadonlySet<string> = new Set(["Timeout", "Cancelled", "ToolDied"])
