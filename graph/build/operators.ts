/**
 * Operators and functions of expressions as plain functions on ports. Their meaning, types at build time and cost are
 * those of the builtin table; here each gets its TypeScript type. `or`, `has`, `need` and `orNull` say what happens
 * where a field, key or index may find nothing.
 */
import { BUILTINS, resolve } from "../builtins.ts"
import type { Expr } from "../expr.ts"
import { nearest } from "../near.ts"
import { printType, T, unionOf } from "../type.ts"
import { refuse } from "./failure.ts"
import {
  deeper,
  fieldOf,
  type Home,
  mayBeAbsent,
  optionalExpr,
  type PortState,
  portOf,
  portState,
  stateOf,
} from "./port.ts"
import type { In, Port, PortOf, ValueOf } from "./types.ts"

type List<X> = Port<readonly X[]> | readonly In<X>[]
type Num = In<number>
type Text = In<string>
type Bool = In<boolean>
type AnyMap = Port<{ readonly [key: string]: unknown }> | Port<object>

/** A call of a builtin on ports or values. */
function call<A>(fn: string, ...args: readonly unknown[]): PortOf<A> {
  const states = args.filter((a) => a !== undefined).map((a) => stateOf(a))
  return build(fn, states) as PortOf<A>
}

function build(fn: string, states: readonly PortState[]): PortOf<unknown> {
  const builtin = BUILTINS.get(fn)
  if (builtin === undefined)
    return refuse("expression", `Cannot call "${fn}": there is no such function. Near: ${nearest(fn, BUILTINS.keys())}`)
  const types = states.map((s) => s.type)
  const found = resolve(builtin, types)
  if (found === undefined)
    return refuse(
      "expression",
      `Cannot compute ${fn}(${types.map(printType).join(", ")}): it does not take these types`,
    )
  const home = states.reduce<Home | null>((h, s) => deeper(h, s.home), null)
  return portOf({ op: "call", fn, args: states.map((s) => s.expr) }, found.type, home)
}

// ---- arithmetic and comparison

export const add = (a: Num, b: Num): PortOf<number> => call("+", a, b)
export const sub = (a: Num, b: Num): PortOf<number> => call("-", a, b)
export const mul = (a: Num, b: Num): PortOf<number> => call("*", a, b)
/** Quotient of float64: 1 ÷ 0 is Infinity. */
export const divide = (a: Num, b: Num): PortOf<number> => call("/", a, b)
/** Whole quotient; fails on zero. */
export const div = (a: Num, b: Num): PortOf<number> => call("div", a, b)
export const rem = (a: Num, b: Num): PortOf<number> => call("%", a, b)
export const neg = (a: Num): PortOf<number> => call("neg", a)
export const eq = <A>(a: In<A>, b: In<NoInfer<A>>): PortOf<boolean> => call("==", a, b)
export const ne = <A>(a: In<A>, b: In<NoInfer<A>>): PortOf<boolean> => call("!=", a, b)
export const lt = <A extends number | string | bigint>(a: In<A>, b: In<NoInfer<A>>): PortOf<boolean> => call("<", a, b)
export const le = <A extends number | string | bigint>(a: In<A>, b: In<NoInfer<A>>): PortOf<boolean> => call("<=", a, b)
export const gt = <A extends number | string | bigint>(a: In<A>, b: In<NoInfer<A>>): PortOf<boolean> => call(">", a, b)
export const ge = <A extends number | string | bigint>(a: In<A>, b: In<NoInfer<A>>): PortOf<boolean> => call(">=", a, b)
export const not = (a: Bool): PortOf<boolean> => call("!", a)
/** Is the left side an element of the list, or a key of the map? */
export const isIn = <X>(x: In<X>, inside: List<NoInfer<X>> | AnyMap): PortOf<boolean> => call("in", x, inside)
export const and = (...sides: readonly [Bool, Bool, ...Bool[]]): PortOf<boolean> => logical("and", sides)

/**
 * Where the first may find nothing or be null: the first, or else the second. On two booleans: does one of them hold?
 */
export const or = <A, B>(a: In<A>, b: In<B>): PortOf<Exclude<A, null | undefined> | B> => {
  const first = stateOf(a)
  const second = stateOf(b)
  const nullable =
    first.type.kind === "union"
      ? first.type.of.some((t) => t.kind === "null")
      : first.type.kind === "null" || first.type.kind === "unknown"
  if (first.maybe || nullable)
    return build("orValue", [{ ...first, expr: optionalExpr(first) }, second]) as PortOf<
      Exclude<A, null | undefined> | B
    >
  if (first.type.kind === "boolean") return logical("or", [a, b]) as PortOf<Exclude<A, null | undefined> | B>
  return refuse("expression", `Cannot use or(…, …) on a ${printType(first.type)}: it is always there, and no boolean`)
}

function logical(op: "and" | "or", sides: readonly unknown[]): PortOf<boolean> {
  const states = sides.map((s) => stateOf(s))
  for (const s of states)
    if (s.type.kind !== "boolean" && s.type.kind !== "unknown")
      refuse("expression", `Cannot use ${op}(…) on a ${printType(s.type)}: it takes booleans`)
  const expr = states.map((s) => s.expr).reduce((left, right): Expr => ({ op, left, right }))
  return portOf(
    expr,
    T.boolean,
    states.reduce<Home | null>((h, s) => deeper(h, s.home), null),
  ) as PortOf<boolean>
}

/** One of two values; only the one that is chosen is computed. */
export const cond = <A, B>(test: Bool, then: In<A>, otherwise: In<B>): PortOf<A | B> => {
  const [t, a, b] = [stateOf(test), stateOf(then), stateOf(otherwise)]
  return portOf(
    { op: "if", test: t.expr, then: a.expr, else: b.expr },
    unionOf([a.type, b.type]),
    deeper(t.home, deeper(a.home, b.home)),
  ) as PortOf<A | B>
}

// ---- what may be absent

/** Did a field, key or index find something? */
export const has = (port: Port<unknown>): PortOf<boolean> => {
  const state = portState(port)
  const { expr } = state
  if (expr.op === "field")
    return portOf({ op: "has", of: expr.of, name: expr.name }, T.boolean, state.home) as PortOf<boolean>
  return build("hasValue", [{ ...state, expr: optionalExpr(state) }]) as PortOf<boolean>
}
/** The value itself; the run fails with `Missing` where there is none. */
export const need = <A>(port: Port<A>): PortOf<Exclude<A, undefined>> => {
  const state = portState(port)
  // An index or key that is not there fails by itself; a field that may be absent must be asked for as one.
  if (mayBeAbsent(state.expr))
    return build("value", [{ ...state, expr: optionalExpr(state) }]) as PortOf<Exclude<A, undefined>>
  return portOf(state.expr, state.type, state.home) as PortOf<Exclude<A, undefined>>
}
/** The value, or null where there is nothing. (An optional field of a tool takes the port as it is.) */
export const orNull = <A>(port: Port<A>): PortOf<Exclude<A, undefined> | null> => {
  const state = portState(port)
  const type = state.maybe ? unionOf([state.type, T.null]) : state.type
  return portOf(optionalExpr(state), type, state.home) as PortOf<Exclude<A, undefined> | null>
}
/** A field by name, also where the name means something else on ports: `then`, `at`, `length`. */
export const field = <A, K extends keyof A & string>(port: Port<A>, name: K): PortOf<A[K]> =>
  fieldOf(port, name) as PortOf<A[K]>
/** Values and ports, mixed, as one port. */
export const port = <const T>(value: T): PortOf<ValueOf<T>> => {
  const { expr, type, home } = stateOf(value)
  return portOf(expr, type, home) as PortOf<ValueOf<T>>
}

// ---- functions of the table, by their names there

const fn =
  <Args extends readonly unknown[], A>(name: string) =>
  (...args: Args): PortOf<A> =>
    call<A>(name, ...args)

type Sized = Text | Port<Uint8Array> | List<unknown> | AnyMap
export const size = fn<[of: Sized], number>("size")
export const sum = fn<[list: List<number>], number>("sum")
export const avg = fn<[list: List<number>], number>("avg")
export const first = <X>(list: List<X>): PortOf<X> => call("first", list)
export const last = <X>(list: List<X>): PortOf<X> => call("last", list)
export const slice = <X>(list: List<X>, from: Num, to?: Num): PortOf<readonly X[]> => call("slice", list, from, to)
export const indexOf = <X>(list: Text | List<X>, x: In<NoInfer<X>>): PortOf<number> => call("indexOf", list, x)
export const reverse = <X>(list: List<X>): PortOf<readonly X[]> => call("reverse", list)
export const distinct = <X>(list: List<X>): PortOf<readonly X[]> => call("distinct", list)
export const sort = <X extends number | string | bigint | boolean>(list: List<X>): PortOf<readonly X[]> =>
  call("sort", list)
export const flatten = <X>(list: List<readonly X[]>): PortOf<readonly X[]> => call("flatten", list)
export const range = fn<[from: Num, to?: Num], readonly number[]>("range")
export const zip = <X, Y>(a: List<X>, b: List<Y>): PortOf<readonly { readonly left: X; readonly right: Y }[]> =>
  call("zip", a, b)
export const concat = <X>(a: List<X>, b: List<NoInfer<X>>): PortOf<readonly X[]> => call("+", a, b)
export const keys = fn<[map: AnyMap], readonly string[]>("keys")
export const values = <X>(map: Port<{ readonly [key: string]: X }>): PortOf<readonly X[]> => call("values", map)
export const entries = <X>(
  map: Port<{ readonly [key: string]: X }>,
): PortOf<readonly { readonly key: string; readonly value: X }[]> => call("entries", map)
export const fromEntries = <X>(
  list: List<{ readonly key: string; readonly value: X }>,
): PortOf<{ readonly [key: string]: X }> => call("fromEntries", list)
export const merge = <X, Y>(a: Port<X>, b: Port<Y>): PortOf<Omit<X, keyof Y> & Y> => call("merge", a, b)
export const compact = <X>(list: List<X>): PortOf<readonly Exclude<X, null>[]> => call("compact", list)

export const abs = fn<[x: Num], number>("abs")
export const floor = fn<[x: Num], number>("floor")
export const ceil = fn<[x: Num], number>("ceil")
export const trunc = fn<[x: Num], number>("trunc")
export const sqrt = fn<[x: Num], number>("sqrt")
export const sign = fn<[x: Num], number>("sign")
export const round = fn<[x: Num, digits?: Num], number>("round")
const nan = fn<[x: Num], boolean>("isNaN")
const finite = fn<[x: Num], boolean>("isFinite")

export { finite as isFinite, nan as isNaN }
/** The least of its arguments, or of a list. */
export const min = fn<[list: List<number>] | [a: Num, b: Num, ...more: Num[]], number>("min")
/** The greatest of its arguments, or of a list. */
export const max = fn<[list: List<number>] | [a: Num, b: Num, ...more: Num[]], number>("max")
export const clamp = fn<[x: Num, low: Num, high: Num], number>("clamp")

export const contains = fn<[text: Text, part: Text], boolean>("contains")
export const startsWith = fn<[text: Text, part: Text], boolean>("startsWith")
export const endsWith = fn<[text: Text, part: Text], boolean>("endsWith")
export const matches = fn<[text: Text, pattern: string], boolean>("matches")
export const find = fn<[text: Text, pattern: string], string | null>("find")
export const split = fn<[text: Text, at: Text], readonly string[]>("split")
export const join = fn<[list: List<string | number | boolean>, between?: Text], string>("join")
export const replace = fn<[text: Text, what: Text, by: Text], string>("replace")
export const trim = fn<[text: Text], string>("trim")
export const lowerAscii = fn<[text: Text], string>("lowerAscii")
export const upperAscii = fn<[text: Text], string>("upperAscii")
export const substring = fn<[text: Text, from: Num, to?: Num], string>("substring")
export const fixed = fn<[x: Num, digits: Num], string>("fixed")
export const string = fn<[x: Port<unknown>], string>("string")
export const number = fn<[x: Text | Port<bigint | number>], number>("number")
export const int64 = fn<[x: Text | Port<bigint | number> | number], bigint>("int64")
export const boolean = fn<[x: Text | Bool], boolean>("bool")
export const bytes = fn<[x: Text | Port<Uint8Array>], Uint8Array>("bytes")
export const utf8 = fn<[x: Port<Uint8Array>], string>("utf8")
export const base64 = fn<[x: Text | Port<Uint8Array>], string>("base64")
export const unbase64 = fn<[x: Text], Uint8Array>("unbase64")
export const hex = fn<[x: Port<Uint8Array>], string>("hex")
export const unhex = fn<[x: Text], Uint8Array>("unhex")
export const sha256 = fn<[x: Text | Port<Uint8Array>], string>("sha256")
/** The value of a JSON text, of the type that the author names; the port it goes to looks at it when it arrives. */
export const json = <A = unknown>(text: Text): PortOf<A> => call("json", text)
export const toJson = fn<[x: Port<unknown>], string>("toJson")
