/**
 * Control: `expr`, `map`, `fold`, `loop`, `when`, `match`, `catchError`. Each takes its name first and its options last,
 * runs its bodies once, now, with ports for what they will be given, and makes one node.
 */

import { ERROR_TYPE } from "../failure.ts"
import type { Scope } from "../ir.ts"
import { LOOP_MAX } from "../ir.ts"
import { printType, T, type Type, unionOf } from "../type.ts"
import type { Rec } from "../value.ts"
import { refuse } from "./failure.ts"
import { joinTouches } from "./order.ts"
import { deeper, type PortState, stateOf } from "./port.ts"
import { currentScope, type Draft, exprDraft, Made, type Written, writeBody } from "./scope.ts"
import { aboutOf, settingsOf } from "./settings.ts"
import type { Body, BodyA, BodyE, BodyR, In, Node, NodeOptions, Port, PortOf, Scalar, Step, ValueOf } from "./types.ts"

type AnyBody = (...ports: never[]) => unknown
/** Control nodes do nothing outside by themselves: timeouts, retries and caches go on the nodes inside that do. */
export type ControlOptions = Pick<NodeOptions, "about" | "after">
/** How the variables of a body are called in the IR, in a printed file and in messages. */
export interface Named {
  readonly as?: string
  readonly index?: string
}
/** Where a body is: the index of its item or iteration. (It can stand where a call takes its options, so a graph or tool can be a body.) */
export interface At extends NodeOptions {
  readonly index: PortOf<number>
}
export interface MapOptions extends ControlOptions, Named {
  /** Items in work at once; 1 is one after another. */
  readonly parallel?: number
}

/** Gives an expression a name and a place of its own: it is computed once, and its value shows in a run. */
export const expr = <const T>(name: string, value: T, options?: ControlOptions): Node<ValueOf<T>> =>
  node(name, exprDraft(stateOf(value)), options)

/** What has items: a list, a port of one, or a port of a stream. */
type Items = Port<readonly unknown[]> | Port<AsyncIterable<unknown>> | readonly unknown[]
type Held<L> = L extends Port<infer A> ? A : L
type ItemOf<L> = Held<L> extends readonly (infer X)[] ? X : Held<L> extends AsyncIterable<infer X> ? X : never
/** What a `map` makes of its items: of a list a list, of a stream a stream. */
type Mapped<L, Y> = Held<L> extends readonly unknown[] ? readonly Y[] : AsyncIterable<Y>

/** The body for each item of a list or stream; results in item order: a list of a list, a stream of a stream. */
export const map = <L extends Items, B extends Body>(
  name: string,
  items: L,
  body: (item: PortOf<ItemOf<L>>, at: At) => B,
  options?: MapOptions,
): Node<Mapped<L, BodyA<B>>, BodyE<B>, BodyR<B>> => {
  const over = stateOf(items)
  const written = writeBody(name, "do", itemParams(name, over.type, options), body as AnyBody)
  const { parallel } = options ?? {}
  if (parallel !== undefined && !(Number.isInteger(parallel) && parallel >= 1))
    refuse("option", `Cannot map "${name}" with parallel ${parallel}: it must be a whole number, 1 or more`)
  return control(
    name,
    "map",
    parallel === undefined ? {} : { parallel },
    over,
    { do: written },
    over.type.kind === "stream" ? T.stream(written.type) : T.list(written.type),
    options,
  )
}

/** The body for each item in order, with what the one before gave: the accumulator, the item, its index. */
export const fold = <X, const S, B extends In<NoInfer<Wide<ValueOf<S>>>> | Run<Wide<ValueOf<S>>>>(
  name: string,
  items: Port<readonly X[]> | Port<AsyncIterable<X>> | readonly X[],
  from: S,
  body: (acc: PortOf<Wide<ValueOf<S>>>, item: PortOf<X>, at: At) => B,
  options?: ControlOptions & Named & { readonly into?: string },
): Node<Wide<ValueOf<S>>, BodyE<B>, BodyR<B>> => {
  const over = stateOf(items)
  const start = stateOf(from)
  const type = wide(start.type)
  const params = [{ base: "acc", as: options?.into, type }, ...itemParams(name, over.type, options)]
  const written = writeBody(name, "do", params, body as AnyBody)
  const args = recordOf({ over, from: start })
  return control(name, "fold", {}, args, { do: written }, unionOf([type, written.type]), options)
}

/** While `while` holds, the state becomes what `do` gives; at most `max` times, then the failure `LoopBound`. */
export const loop = <const S, B extends In<NoInfer<Wide<ValueOf<S>>>> | Run<Wide<ValueOf<S>>>>(
  name: string,
  from: S,
  body: {
    readonly while: (state: PortOf<Wide<ValueOf<S>>>, at: At) => In<boolean>
    readonly do: (state: PortOf<Wide<ValueOf<S>>>, at: At) => B
    readonly max: number
  },
  options?: ControlOptions & Named,
): Node<Wide<ValueOf<S>>, BodyE<B>, BodyR<B>> => {
  const { max } = body
  if (!Number.isInteger(max) || max < 1 || max > LOOP_MAX)
    refuse("option", `Cannot loop "${name}" with max ${max}: it must be a whole number from 1 to ${LOOP_MAX}`)
  const start = stateOf(from)
  const type = wide(start.type)
  const params = [{ base: "state", as: options?.as, type }, indexParam(options)]
  const test = writeBody(name, "while", params, body.while as AnyBody, { asExpression: true })
  const written = writeBody(name, "do", params, body.do as AnyBody)
  const args = recordOf({ from: start })
  return control(name, "loop", { max }, args, { while: test, do: written }, unionOf([type, written.type]), options)
}

/** One side runs: `then` when the test holds, `otherwise` when not. */
export const when = <Y extends Body, N extends Body = null>(
  name: string,
  test: In<boolean>,
  then: () => Y,
  otherwise?: () => N,
  options?: ControlOptions,
): Node<BodyA<Y> | BodyA<N>, BodyE<Y> | BodyE<N>, BodyR<Y> | BodyR<N>> => {
  const on = stateOf(test)
  if (on.type.kind !== "boolean" && on.type.kind !== "unknown")
    refuse("value", `Cannot decide "${name}" on a ${printType(on.type)}: it must be a boolean`)
  const yes = writeBody(name, "then", [], then)
  const no = writeBody(name, "else", [], otherwise ?? (() => null), { asExpression: otherwise === undefined })
  return control(name, "when", {}, on, { then: yes, else: no }, unionOf([yes.type, no.type]), options)
}

/** What is lacking in a set of cases. */
type Lacking<K extends string, C> = "else" extends keyof C
  ? unknown
  : [Exclude<K, keyof C>] extends [never]
    ? unknown
    : string extends K
      ? { readonly else: () => Body }
      : { readonly [k in Exclude<K, keyof C>]: () => Body }

/** The case that a word names; `else` stands for all words without one. Every word needs its case, or `else`. */
export const match = <K extends string, C extends { readonly [k in K | "else"]?: () => Body }>(
  name: string,
  on: Port<K>,
  cases: C & Lacking<K, C>,
  options?: ControlOptions,
): Node<BodyA<CaseOf<C>>, BodyE<CaseOf<C>>, BodyR<CaseOf<C>>> => {
  const word = stateOf(on)
  const bodies = Object.entries(cases as Record<string, () => unknown>)
  const words = bodies.map(([w]) => w).filter((w) => w !== "else")
  refuseCases(name, word.type, words, bodies.length > words.length)
  const written = Object.fromEntries(
    bodies.map(([w, body]) => [
      w === "else" ? "else" : `case:${w}`,
      writeBody(name, w === "else" ? "else" : `case:${w}`, [], body),
    ]),
  )
  return control(name, "switch", {}, word, written, unionOf(Object.values(written).map((w) => w.type)), options)
}
type CaseOf<C> = { [K in keyof C]: C[K] extends () => infer B ? B : never }[keyof C]

function refuseCases(name: string, type: Type, words: readonly string[], hasElse: boolean): void {
  if (type.kind === "unknown" || type.kind === "union") return
  if (type.kind === "string") {
    if (!hasElse) refuse("option", `Cannot match "${name}" on a string without else: any other text would have no case`)
    return
  }
  if (type.kind !== "enum") return refuse("value", `Cannot match "${name}" on a ${printType(type)}: cases are words`)
  if (words.includes("catch")) refuse("name", `Cannot match "${name}": a case cannot be called "catch"`)
  const lacking = hasElse ? [] : type.values.filter((v) => !words.includes(v))
  if (lacking.length > 0)
    refuse("option", `Cannot match "${name}": there is no case for ${lacking.join(", ")}, and no else`)
  const extra = words.filter((w) => !type.values.includes(w))
  if (extra.length > 0)
    refuse("option", `Cannot match "${name}": it is never ${extra.join(", ")}, only ${type.values.join(", ")}`)
}

type CodeOf<E> = E extends { readonly _tag: "Failure"; readonly code: infer C extends string }
  ? C
  : E extends { readonly _tag: infer T extends string }
    ? T
    : never
/** What `catch` binds: `code` is the tag of a typed error, or one of the engine's own (`Timeout`, `Mismatch`, …). */
export interface Caught<E> {
  readonly code: CodeOf<E> | (string & {})
  readonly message: string
  readonly data: unknown
}

/** The node, and what stands in for its value when it fails for good. Its errors leave the type; those of the body join. */
export const catchError = <X, E, R, S extends Step<unknown, unknown> = never>(
  caught: Node<X, E, R>,
  // biome-ignore lint/suspicious/noExplicitAny: what a generator is resumed with is given by the builder
  instead: (error: PortOf<Caught<E>>) => In<NoInfer<X>> | { [Symbol.iterator](): Iterator<S, In<NoInfer<X>>, any> },
): Node<X, S extends Step<infer E2, unknown> ? E2 : never, R | (S extends Step<unknown, infer R2> ? R2 : never)> => {
  const made = caught as unknown
  if (!(made instanceof Made))
    return refuse(
      "yield",
      "Cannot catch the failure of this: it must be a node that was not yielded yet, catchError(tool({ … }), …)",
    )
  const { draft } = made
  if (draft.scopes["catch"] !== undefined) refuse("option", `Cannot catch the failure of "${made.name}" twice`)
  const written = writeBody(
    made.name,
    "catch",
    [{ base: "error", as: undefined, type: ERROR_TYPE }],
    instead as AnyBody,
    { asExpression: true },
  )
  made.revise({
    ...draft,
    scopes: { ...draft.scopes, catch: written.scope },
    type: unionOf([draft.type, written.type]),
    touches: joinTouches([draft.touches, written.touches]),
  })
  return made as unknown as never
}

// biome-ignore lint/suspicious/noExplicitAny: what a generator is resumed with is given by the builder
type Run<A> = { [Symbol.iterator](): Iterator<Step<unknown, unknown>, In<NoInfer<A>>, any> }
/** A start value stands for its type: `0` for number, `""` for string, at any depth. */
export type Wide<A> = A extends number
  ? number
  : A extends string
    ? string
    : A extends boolean
      ? boolean
      : A extends bigint
        ? bigint
        : A extends Scalar
          ? A
          : A extends readonly (infer X)[]
            ? readonly Wide<X>[]
            : { readonly [K in keyof A]: Wide<A[K]> }
function wide(type: Type): Type {
  switch (type.kind) {
    case "enum":
      return T.string
    case "list":
      return T.list(wide(type.of))
    case "record":
      return T.record(
        Object.fromEntries(Object.entries(type.fields).map(([k, f]) => [k, { ...f, type: wide(f.type) }])),
      )
    default:
      return type
  }
}

const itemParams = (name: string, over: Type, named: Named | undefined) => {
  const list =
    over.kind === "list" || over.kind === "stream" ? over.of : over.kind === "unknown" ? T.unknown : undefined
  if (list === undefined)
    return refuse("value", `Cannot go through "${name}": a list or a stream is wanted, found ${printType(over)}`)
  return [{ base: "item", as: named?.as, type: list }, indexParam(named)]
}
const indexParam = (named: Named | undefined) => ({ base: "index", as: named?.index, type: T.number, index: true })

/** Several arguments of a control node as one record. */
const recordOf = (fields: { readonly [name: string]: PortState }): PortState => {
  const all = Object.entries(fields)
  return {
    expr: { op: "record", fields: all.map(([name, s]) => [name, s.expr]) },
    type: T.record(Object.fromEntries(all.map(([name, s]) => [name, s.type]))),
    home: all.reduce<PortState["home"]>((h, [, s]) => deeper(h, s.home), null),
    maybe: false,
  }
}

function control(
  name: string,
  kind: string,
  config: Rec,
  args: PortState,
  bodies: { readonly [role: string]: Written },
  type: Type,
  options: ControlOptions | undefined,
): never {
  const scopes: Record<string, Scope> = {}
  for (const [role, written] of Object.entries(bodies)) scopes[role] = written.scope
  const touches = joinTouches(Object.values(bodies).map((b) => b.touches))
  return node(name, { kind, config, args, scopes, settings: {}, type, touches }, options)
}

function node(name: string, draft: Draft, options: ControlOptions | undefined): never {
  return new Made(
    name,
    { ...draft, ...aboutOf(options), settings: settingsOf(options) },
    currentScope(`"${name}"`),
  ) as never
}
