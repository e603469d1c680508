/**
 * Expressions with a body for each item of a list: CEL's macros as functions. They are pure and computed as one
 * expression; a tool for each item is `map` of `control.ts`.
 */
import { type Expr, ref } from "../expr.ts"
import { printType, T, type Type } from "../type.ts"
import { refuse } from "./failure.ts"
import { deeper, type Home, portOf, stateOf } from "./port.ts"
import { anyScope } from "./scope.ts"
import type { In, Port, PortOf, ValueOf } from "./types.ts"

type List<X> = Port<readonly X[]> | readonly In<X>[]
type Key = number | string | bigint | boolean

/** A list of what the expression gives for each item. */
export const each = <X, T>(list: List<X>, body: (item: PortOf<X>) => T): PortOf<readonly ValueOf<T>[]> =>
  macro("map", list, body, (_list, of) => T.list(of))
export const filter = <X>(list: List<X>, test: (item: PortOf<X>) => In<boolean>): PortOf<readonly X[]> =>
  macro("filter", list, test, (type) => type)
export const all = <X>(list: List<X>, test: (item: PortOf<X>) => In<boolean>): PortOf<boolean> =>
  macro("all", list, test, () => T.boolean)
export const exists = <X>(list: List<X>, test: (item: PortOf<X>) => In<boolean>): PortOf<boolean> =>
  macro("exists", list, test, () => T.boolean)
export const existsOne = <X>(list: List<X>, test: (item: PortOf<X>) => In<boolean>): PortOf<boolean> =>
  macro("exists_one", list, test, () => T.boolean)
/** In the order of a key; items with equal keys keep theirs. */
export const sortBy = <X>(list: List<X>, key: (item: PortOf<X>) => In<Key>): PortOf<readonly X[]> =>
  macro("sort_by", list, key, (type) => type)
export const sumBy = <X>(list: List<X>, of: (item: PortOf<X>) => In<number>): PortOf<number> =>
  macro("sum_by", list, of, (_list, type) => type)

/** The bodies that are being written, innermost last: a port of an item may be used in its body only. */
const open: Home[] = []

function macro<A>(
  name: Extract<Expr, { op: "each" }>["macro"],
  list: unknown,
  body: (item: never) => unknown,
  result: (list: Type, body: Type) => Type,
): PortOf<A> {
  const over = stateOf(list)
  if (over.type.kind !== "list" && over.type.kind !== "unknown")
    return refuse("expression", `Cannot go through a ${printType(over.type)} with ${name}: a list is wanted`)
  const item = open.length === 0 ? "x" : `x${open.length + 1}`
  const around = anyScope() ?? null
  const home: Home = {
    depth: (around?.depth ?? 0) + 1 + open.length,
    label: `the body of ${name}`,
    open: () => open.includes(home),
  }
  open.push(home)
  try {
    const of = over.type.kind === "list" ? over.type.of : T.unknown
    const written = stateOf(body(portOf(ref(item), of, home) as never))
    open.pop()
    // The result may use whatever is around, so it belongs to the innermost of it.
    return portOf(
      { op: "each", macro: name, over: over.expr, item, body: written.expr },
      result(over.type, written.type),
      open.at(-1) ?? deeper(over.home, around),
    ) as PortOf<A>
  } finally {
    const at = open.indexOf(home)
    if (at !== -1) open.splice(at)
  }
}
