/**
 * What an expression costs before it runs: a bound in the steps that the evaluator counts, for lists of an assumed
 * length. Schedulers compare with it; the bound that holds whatever the lists are is the fuel of a run.
 */
import { BUILTINS } from "../builtins.ts"
import { type Expr, parts } from "../expr.ts"

/** Length assumed for lists, and size for what a function walks, where nothing is known. */
export const LIST_GUESS = 100

/** Steps of one evaluation: one a node, a builtin's weight, and the body of a macro once for every element. */
export function staticCost(e: Expr, listLength = LIST_GUESS): number {
  const inner = (x: Expr) => staticCost(x, listLength)
  switch (e.op) {
    case "each": {
      const n = e.over.op === "list" ? e.over.items.length : listLength
      return 1 + inner(e.over) + n * (1 + inner(e.body))
    }
    case "if":
      return 1 + inner(e.test) + Math.max(inner(e.then), inner(e.else))
    case "call": {
      const b = BUILTINS.get(e.fn)
      const walk = b?.linear === true && (b.method || e.fn === "in") ? listLength : 1
      return e.args.reduce((sum, a) => sum + inner(a), 1 + (b?.weight ?? 1) * walk)
    }
    default:
      return parts(e).reduce((sum, p) => sum + inner(p), 1)
  }
}
