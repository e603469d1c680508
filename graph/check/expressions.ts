/**
 * Expressions of nodes held against the types around them: inferred once as a whole; piece by piece only when something
 * is wrong, so that each problem points at the scalar that it stands in.
 */
import type { Expr, Span } from "../expr.ts"
import { type Inferred, infer } from "../infer.ts"
import type { Spot } from "../places.ts"
import { type Fits, subtype, T, type Type } from "../type.ts"
import { TYPE_SIZE_MAX, typeSize } from "../type-size.ts"
import { mismatch, mismatchText } from "./mismatch.ts"
import type { Names } from "./names.ts"
import type { Report } from "./report.ts"

/** The type of an expression; its problems are reported. `never`, which fits everywhere, where it is broken. */
export function typeOfExpr(report: Report, expr: Expr, names: Names, spot: () => Spot): Type {
  if (report.isBroken(expr)) {
    report.broken = true
    return T.never
  }
  const found = infer(expr, names)
  const { type, problems, checks } = found
  if (problems.length > 0 || (report.strict && checks.length > 0)) locate(report, expr, found, names, spot)
  if (typeSize(type).size > TYPE_SIZE_MAX) {
    report.error(
      spot(),
      "G006",
      `The type of this expression unfolds to more than ${TYPE_SIZE_MAX} parts.`,
      "Build smaller records.",
    )
    return T.never
  }
  return type
}

/** Reports what `infer` says of each piece, at its own place; what it says of none of them is told of the whole. */
function locate(report: Report, whole: Expr, found: Inferred, names: Names, spot: () => Spot): void {
  let told = false
  const tell = (expr: Expr, { problems, checks }: Pick<Inferred, "problems" | "checks">) => {
    const at = (span: Span) => report.places?.inExpr(expr, span) ?? spot()
    for (const { code, message, fix, span, severity } of problems) {
      told = true
      if (severity === "warning") report.warn(at(span), code, message, fix)
      else report.error(at(span), code, message, fix)
    }
    if (report.strict) for (const { message, span } of checks) report.warn(at(span), "G108", message)
  }
  for (const piece of report.pieces(whole)) {
    if (report.isBroken(piece)) report.broken = told = true
    else tell(piece, infer(piece, names))
  }
  if (!told) tell(whole, { problems: found.problems, checks: [] })
}

/**
 * Does an expression's value fit a place that wants `want`? Reports where it does not, at the smallest part of the
 * expression that is to blame; in strict mode also where only the run can tell.
 */
export function fit(
  report: Report,
  what: string,
  expr: Expr | undefined,
  have: Type,
  want: Type,
  spot: () => Spot,
): Fits {
  const fits = subtype(have, want)
  if (fits === "yes" || (fits === "check" && !report.strict)) return fits
  const { way } = mismatch(have, want, fits)
  const at = report.ofExpr(expr === undefined ? NONE : partAt(expr, way), spot)
  if (fits === "no") report.error(at, "G101", mismatchText(what, have, want))
  else report.warn(at, "G108", mismatchText(what, have, want, "check"))
  return fits
}

const NONE: Expr = { op: "ref", name: "" }

/** Follows the way through records that stand in the expression itself. */
function partAt(expr: Expr, way: readonly string[]): Expr {
  let at = expr
  for (const step of way) {
    const only = at.op === "list" && step === "[]" && at.items.length === 1 ? at.items[0] : undefined
    const part = at.op === "record" ? at.fields.find(([name]) => name === step)?.[1] : only
    if (part === undefined) break
    at = part
  }
  return at
}
