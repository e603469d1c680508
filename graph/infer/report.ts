/**
 * What gathers while an expression is typed: problems, places left to the run, whether it can fail. And the wording that
 * messages about expressions share.
 */
import { hasNull } from "../builtins/signature.ts"
import type { ExprProblem } from "../cel/bounds.ts"
import { printCel } from "../cel/print.ts"
import { type Expr, type Span, spanOf } from "../expr.ts"
import { isPlainName } from "../literal.ts"
import { T, type Type } from "../type.ts"

/** A place where only the run can tell whether a value fits; `check --strict` lists these. */
export interface Check {
  readonly span: Span
  readonly message: string
}

const NOWHERE: Span = { start: 0, end: 0 }

export class Report {
  readonly problems: ExprProblem[] = []
  readonly checks: Check[] = []
  mayFail = false

  /** Reports a problem at `e`; the type `never` that comes back fits everywhere, so nothing is reported twice. */
  problem(code: ExprProblem["code"], e: Expr, message: string, fix?: string, severity?: "warning"): Type {
    const span = spanOf(e) ?? NOWHERE
    this.problems.push({ code, message, span, ...(fix ? { fix } : {}), ...(severity ? { severity } : {}) })
    return T.never
  }

  check(e: Expr, message: string): void {
    this.mayFail = true
    this.checks.push({ span: spanOf(e) ?? NOWHERE, message })
  }
}

/** Names and fields listed in a message. */
export const LISTED_MAX = 12

export const hint = (e: Expr, type: Type): string | undefined =>
  hasNull(type) ? `Write ${short(printCel(e))}.orValue(…).` : undefined
export const named = (fn: string): string =>
  /^[a-zA-Z]/.test(fn) && fn !== "in" && fn !== "neg" ? `${fn}()` : fn === "neg" ? "-" : fn
export const a = (type: string): string =>
  /^[{["]/.test(type) || type.includes("|")
    ? type
    : /^[aeiou]/.test(type) && type !== "unknown"
      ? `an ${type}`
      : `a ${type}`
export const short = (s: string, max = 60): string => (s.length > max ? `${s.slice(0, max - 1)}…` : s)
export const plainStep = (name: string): string => (isPlainName(name) ? `.${name}` : `[${JSON.stringify(name)}]`)
export const optionalStep = (name: string): string => (isPlainName(name) ? `.?${name}` : `[?${JSON.stringify(name)}]`)

export function* firstOf<A>(xs: Iterable<A>, n: number): Iterable<A> {
  for (const x of xs) {
    if (n-- <= 0) return
    yield x
  }
}

export function listed(names: readonly string[]): string {
  return names.length <= LISTED_MAX ? names.join(", ") : `${names.slice(0, LISTED_MAX).join(", ")}, …`
}
