/** What parsing an expression comes to, and its limits: apart from the parser, for those who only need the words. */
import type { Expr, Span } from "../expr.ts"
import type { Code } from "../messages.ts"

/** A mistake in an expression, with its place in the source (UTF-16 offsets). Left-out severity is "error". */
export interface ExprProblem {
  readonly code: Code
  readonly message: string
  readonly fix?: string
  readonly span: Span
  readonly severity?: "error" | "warning"
}

export type Parsed = { readonly expr: Expr } | { readonly problems: readonly ExprProblem[] }

/** Limits that keep checking linear and stacks independent of what a file says. */
export const SOURCE_MAX = 4096
export const DEPTH_MAX = 64
