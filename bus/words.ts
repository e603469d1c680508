/**
 * What instructions do beyond plain arithmetic: the few functions that interpreted and generated code share. Their
 * meaning is the reference evaluator's own, so the two ways of running a block cannot drift apart in them.
 */
import {
  access,
  BUILTINS,
  Failure,
  fail,
  has,
  isRecord,
  put,
  sortBy,
  sortedKeys,
  sumOf,
  textOf,
  type Value,
} from "../graph/mod.ts"
import { MACROS, type Macro, TWO_VARIABLES } from "../plan/mod.ts"

export { access, has }

export const macroOf = (int: number): Macro => MACROS[int % TWO_VARIABLES]!
export const isTwo = (int: number): boolean => int >= TWO_VARIABLES

/** A builtin's meaning. The verifier has seen that the name exists. */
export const builtin = (name: string): ((args: readonly Value[]) => Value) => BUILTINS.get(name)!.apply

/** A record from keys and values by turns; a key twice is `DuplicateKey`. */
export function mapOf(entries: readonly Value[]): Value {
  const out: Record<string, Value> = {}
  for (let i = 0; i < entries.length; i += 2) put(out, entries[i]!, entries[i + 1]!)
  return out
}

export const text = (parts: readonly Value[]): string => parts.map(textOf).join("")

/** Failures of a bound: nothing in an expression forgives them. */
const BOUNDS: ReadonlySet<string> = new Set(["Fuel", "TooLarge"])
/** A failure that `attempt`, `all` and `exists` may keep; anything else goes on. */
export function kept(cause: unknown): Failure {
  if (cause instanceof Failure && !BOUNDS.has(cause.code)) return cause
  throw cause
}

/**
 * Units that a run may still use: one for each step of a scope, all of them when the scope begins, and one for each
 * iteration. The count depends on plan and values alone, so that the same run stops at the same place everywhere.
 */
export interface Fuel {
  left: number
  readonly limit: number
}
export const outOfFuel = ({ limit }: Fuel): Failure =>
  fail("Fuel", `Cannot go on: the run has used up its fuel of ${limit}; give it more with --fuel`, { data: { limit } })

/**
 * What a macro goes over: the items of a list with their positions, the keys of a map in code-point order (with two
 * variables its values by key).
 */
export function over(
  v: Value,
  two: boolean,
): { readonly items: readonly Value[]; readonly keys: readonly Value[] | undefined } {
  if (Array.isArray(v)) return { items: v as readonly Value[], keys: undefined }
  if (!isRecord(v)) throw fail("Mismatch", "Cannot go over a value that is neither a list nor a map")
  const keys = sortedKeys(v)
  return { items: two ? keys.map((k) => v[k]!) : keys, keys }
}

/** Gathers what `each` found: `results[i]` is the region's value for item i, `failures` what it failed with there. */
export function gather(macro: Macro, items: readonly Value[], results: readonly Value[]): Value {
  switch (macro) {
    case "map":
      return results
    case "filter":
      return items.filter((_, i) => results[i] === true)
    case "exists_one":
      return results.filter((r) => r === true).length === 1
    case "sort_by":
      return sortBy(
        "sortBy",
        items.map((item, i) => ({ item, i })),
        ({ i }) => results[i]!,
      ).map((x) => x.item)
    case "sum_by":
      return sumOf("sumBy", results)
    case "all":
    case "exists":
      return quantify(macro, items, (i) => results[i]!)
  }
}

/** `all` is `&&` over the items, `exists` is `||`: an item that decides forgives the failures of the others. */
export function quantify(macro: "all" | "exists", items: readonly Value[], holds: (i: number) => Value): boolean {
  const decides = macro === "exists"
  let failure: Failure | undefined
  for (let i = 0; i < items.length; i++) {
    try {
      if (holds(i) === decides) return decides
    } catch (cause) {
      failure ??= kept(cause)
    }
  }
  if (failure !== undefined) throw failure
  return !decides
}
