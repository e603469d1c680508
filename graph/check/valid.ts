/**
 * `valid:` held against what the node gives and takes: a condition over `out` and `args` and nothing else, small, on a
 * tool, and not on a stream, whose items are used before the whole is there.
 */
import type { Expr } from "../expr.ts"
import { T, type Type } from "../type.ts"
import { boundProblem, validNames } from "../valid.ts"
import type { Outcome } from "./doings.ts"
import { fit, typeOfExpr } from "./expressions.ts"
import { Names } from "./names.ts"
import type { NodeAt, Report } from "./report.ts"

export function validFits(report: Report, at: NodeAt, valid: Expr, out: Type, outcome: Outcome): void {
  const spot = () => report.ofNode(at, "valid")
  const { signature } = outcome
  if (signature === undefined) {
    // A node of a kind that is not there, or that refused it, has been reported.
    if (!report.broken) report.error(spot(), "G207", `\`valid\` has no meaning on ${at.node.kind}.`, "Leave it out.")
    return
  }
  if (out.kind === "stream") {
    report.error(
      spot(),
      "G207",
      "A stream is used item by item, before `valid` could look at the whole.",
      "Leave it out.",
    )
    return
  }
  const bound = report.isBroken(valid) ? undefined : boundProblem(valid)
  if (bound !== undefined) {
    report.error(spot(), "G006", `\`valid\` is too much for one look: ${bound}.`, "Say less, or check it in an `fn`.")
    return
  }
  const names = new Names()
  for (const [name, type] of validNames(out, signature.input ?? outcome.argType)) names.set(name, type)
  fit(report, "`valid`", valid, typeOfExpr(report, valid, names, spot), T.boolean, spot)
}
