/**
 * The form that the passes rewrite: scopes of operations, each with a name that is unique in the whole graph, so that a
 * reference needs no scope to be understood and a body can be moved without renaming. Mutable inside the compiler only.
 */
import {
  type CheckedGraph,
  type Effect,
  type Expr,
  freeNames,
  type Rec,
  type Settings,
  type Touch,
  type Type,
} from "../graph/mod.ts"

export type OpKind = "expr" | "tool" | "enter" | "when" | "switch" | "map" | "fold" | "loop" | "catch"

/** A tool as it will stand among the plan's externs. */
export interface Tool {
  readonly kind: string
  readonly config: Rec
  readonly effect: Effect
  readonly resource: string | null
  readonly needs: readonly string[]
  readonly input: Type | undefined
  readonly output: Type
  readonly async: boolean
  readonly settings: Omit<Settings, "after">
  /** The name of the innermost subgraph around the call that narrows what it may do; calls under others are other externs. */
  readonly within: string
}

export interface Op {
  /** The value's name: the path in the graph, joined by dots. */
  readonly name: string
  kind: OpKind
  /** The way from the scope to the node, as the trace knows it. */
  path: readonly string[]
  /** The value (`expr`), the arguments (`tool`), what is decided on (`when`, `switch`), gone over (`map`), or a record (`fold`: over, from). */
  expr: Expr
  /** `expr` and arguments: the value is looked at as this type first. */
  accept: Type | undefined
  type: Type
  tool: Tool | undefined
  /** Bodies by role, in the order of the plan's operand. */
  bodies: { readonly role: string; readonly scope: Body }[]
  /** Names of operations of the same scope that must be finished before. */
  after: string[]
  effect: Effect
  touches: readonly Touch[]
  /** `map`: most items at once. `loop`: most iterations. */
  bound: number
}

export interface Body {
  /** Variables that the operation binds, in the plan's order, with their types. */
  readonly binders: { readonly name: string; readonly type: Type }[]
  ops: Op[]
  output: Expr
  outputAccept: Type | undefined
  type: Type
  /** Path that the scope's own expression fails at, relative to the scope. */
  path: readonly string[]
}

export interface Mid {
  readonly checked: CheckedGraph
  readonly body: Body
  /** Types of every name. */
  readonly types: Map<string, Type>
}

/** What a pass did at one place, for `explain`. */
export interface Change {
  readonly at: string
  readonly what: string
}

/** A pass: rewrites in place and tells what it changed. Its file states what holds before and after, and why it is right. */
export interface Pass {
  readonly name: string
  readonly about: string
  readonly run: (mid: Mid) => Change[]
}

/** Every body, the outermost first. Iterative: nesting is data. */
export function* bodiesOf(mid: Mid): Generator<Body> {
  const stack: Body[] = [mid.body]
  while (stack.length > 0) {
    const body = stack.pop()!
    yield body
    for (let i = body.ops.length - 1; i >= 0; i--) {
      const { bodies } = body.ops[i]!
      for (let k = bodies.length - 1; k >= 0; k--) stack.push(bodies[k]!.scope)
    }
  }
}

const free = new WeakMap<Op, ReadonlySet<string>>()

/** The names that an operation takes from its scope: by its expression or inside its bodies. Cached until `touch`. */
export function uses(op: Op): ReadonlySet<string> {
  const known = free.get(op)
  if (known !== undefined) return known
  const names = freeNames(op.expr)
  for (const { scope } of op.bodies) for (const name of bodyUses(scope)) names.add(name)
  free.set(op, names)
  return names
}

/** The names that a body takes from around it: its captures. */
export function bodyUses(body: Body): Set<string> {
  const names = freeNames(body.output)
  for (const op of body.ops) for (const name of uses(op)) names.add(name)
  for (const op of body.ops) names.delete(op.name)
  for (const b of body.binders) names.delete(b.name)
  return names
}

/** Forget what is known of an operation after its expression or bodies changed. */
export const touch = (op: Op): void => {
  free.delete(op)
}

/** Forget it of all: what a pass changed inside a body changes what the operations around it use. */
export function touchAll(mid: Mid): void {
  for (const body of bodiesOf(mid)) for (const op of body.ops) touch(op)
}

/** Is it what the node takes, rather than what it is? */
export const isOperand = (op: Op): boolean => /\.args?$/.test(op.name)

/** Where an operation comes from, for people: the way to its node in the whole graph. Its name may say more than that. */
export function placeOf(op: Op): string {
  const path = op.path.join(".")
  if (op.name.startsWith("#")) return path === "" ? "output" : path
  const at = path === "" ? -1 : `.${op.name}.`.lastIndexOf(`.${path}.`)
  const place = at < 0 ? op.name : op.name.slice(0, at + path.length)
  // The only node of a body is called as the body is.
  return place.replace(/\b(then|else|do|while|catch)\.\1\b/g, "$1")
}
