/**
 * The one table of operators and functions of expressions: types, cost and meaning of each. The checker, the
 * evaluator, the compiler and the documentation all read it; only the documentation's words stand apart, in `builtins/words.ts`.
 */
import { LISTS } from "./builtins/lists.ts"
import { NUMBER } from "./builtins/numbers.ts"
import { OPERATORS } from "./builtins/operators.ts"
import { type Builtin, builtin, type Entry, hasNull, type Overload, withoutNull } from "./builtins/signature.ts"
import { TEXT } from "./builtins/text.ts"
import { type Fits, subtype, T, type Type, unionOf } from "./type.ts"

export type { Builtin, Overload }

const GROUPS: readonly (readonly [title: string, entries: { readonly [name: string]: Entry }])[] = [
  ["Operators", OPERATORS],
  ["Numbers", NUMBER],
  ["Text, bytes and conversion", TEXT],
  ["Lists, maps and records", LISTS],
]

/** The table in the order of its documentation. */
export const BUILTIN_GROUPS: readonly { readonly title: string; readonly builtins: readonly Builtin[] }[] = GROUPS.map(
  ([title, entries]) => ({ title, builtins: Object.entries(entries).map(([name, e]) => builtin(name, e)) }),
)

/** Every builtin by its canonical name (`Expr` `call.fn`): operators by their sign, `neg` and `in`, then functions. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  BUILTIN_GROUPS.flatMap(({ builtins }) => builtins.map((b) => [b.name, b] as const)),
)

export interface Resolved {
  readonly type: Type
  /** "check": the arguments fit only if their values turn out to; the call looks at them when it runs. */
  readonly fits: "yes" | "check"
  /** Can the call fail on values of these types? */
  readonly fails: boolean
}

/** What a call gives for arguments of these types, or undefined when no overload takes them. */
export function resolve(b: Builtin, args: readonly Type[]): Resolved | undefined {
  const maybe: Overload[] = []
  for (const o of b.overloads) {
    const fits = fit(o, args)
    if (fits === "yes") return { type: resultOf(o, args), fits, fails: o.fails === true }
    if (fits === "check") maybe.push(o)
  }
  if (maybe.length === 0) return undefined
  return { type: unionOf(maybe.map((o) => resultOf(o, args))), fits: "check", fails: true }
}

/** Which arguments may be null where no overload that otherwise fits takes a null: an operator cannot work on them. */
export function nullArguments(b: Builtin, args: readonly Type[]): readonly number[] {
  const maybeNull = args.flatMap((t, i) => (hasNull(t) ? [i] : []))
  if (maybeNull.length === 0 || resolve(b, args)?.fits === "yes") return []
  return maybeNull.filter((i) => !b.overloads.some((o) => subtype(T.null, o.params[i] ?? o.rest ?? T.never) === "yes"))
}

/** The argument types with nulls taken out. */
export const nonNull = (args: readonly Type[]): Type[] => args.map(withoutNull)

const resultOf = (o: Overload, args: readonly Type[]): Type =>
  typeof o.result === "function" ? o.result(args) : o.result

function fit(o: Overload, args: readonly Type[]): Fits {
  const n = o.params.length
  if (args.length < n || (args.length > n && o.rest === undefined)) return "no"
  let fits: Fits = "yes"
  for (let i = 0; i < args.length; i++) {
    const f = subtype(args[i]!, o.params[i] ?? o.rest!)
    if (f === "no") return "no"
    if (f === "check") fits = "check"
  }
  return fits
}
