/**
 * How large an expression is. Ports are reused like variables, and each use writes the whole expression again: a few
 * lines that double a port forty times would be a tree that nothing can walk. So size and depth are kept with each
 * expression, and bounded where it is made.
 */
import { DEPTH_MAX as EXPR_DEPTH_MAX } from "../cel/bounds.ts"
import { type Expr, parts } from "../expr.ts"
import { refuse } from "./failure.ts"

/** The checker takes expressions of this depth. */
const DEPTH_MAX = 8 * EXPR_DEPTH_MAX
const SIZE_MAX = 20_000

interface Extent {
  readonly size: number
  readonly depth: number
}
const ONE: Extent = { size: 1, depth: 1 }
const known = new WeakMap<Expr, Extent>()

/** Throws a `BuildError` for an expression that is too large or too deep. Linear in what is new in it. */
export function bounded(e: Expr): Expr {
  const { size, depth } = extentOf(e)
  if (size > SIZE_MAX || depth > DEPTH_MAX)
    refuse(
      "expression",
      `Cannot use an expression of ${size > SIZE_MAX ? `more than ${SIZE_MAX} parts` : `more than ${DEPTH_MAX} levels`}: ports that are built on one another repeat what they are built of. Give a part a name: const part = yield* expr("part", …)`,
    )
  return e
}

function extentOf(e: Expr): Extent {
  if (e.op === "ref" || e.op === "const") return ONE
  const there = known.get(e)
  if (there !== undefined) return there
  let size = 1
  let depth = 0
  for (const part of parts(e)) {
    const of = extentOf(part)
    size += of.size
    if (of.depth > depth) depth = of.depth
  }
  const extent = { size, depth: depth + 1 }
  known.set(e, extent)
  return extent
}
