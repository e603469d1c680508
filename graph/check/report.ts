/**
 * Where the checker's problems go, and how they find their places: by the parts of the IR in a graph from a file, by
 * their path alone in one that was built in TypeScript.
 */
import { type Expr, parts } from "../expr.ts"
import type { Node } from "../ir.ts"
import type { Code } from "../messages.ts"
import { joinPath, type Places, type Spot, wordsOf } from "../places.ts"
import type { Problem } from "../problem.ts"

/** A node with the document path that leads to it. */
export interface NodeAt {
  readonly node: Node
  readonly path: string
}

export class Report {
  readonly places: Places | undefined
  readonly strict: boolean
  problems: Problem[] = []
  /** Did anything go wrong that no check may pass over, whether reported here or by the reader? */
  broken = false

  constructor(places: Places | undefined, strict: boolean) {
    this.places = places
    this.strict = strict
  }

  error(spot: Spot, code: Code, message: string, fix?: string): void {
    this.broken = true
    this.problems.push({ code, severity: "error", ...spot, message, ...(fix ? { fix } : {}) })
  }

  warn(spot: Spot, code: Code, message: string, fix?: string): void {
    this.problems.push({ code, severity: "warning", ...spot, message, ...(fix ? { fix } : {}) })
  }

  /** The spot of a part of the IR, or of a key below it. `path` is used where the part has no place. */
  spot(part: object, path: string, key: string | readonly string[] = ""): Spot {
    const known = this.places?.of(part, key)
    if (known !== undefined) return known
    return { path: wordsOf(key).reduce<string>(joinPath, path) }
  }

  ofNode({ node, path }: NodeAt, key = ""): Spot {
    return this.spot(node, path, key)
  }

  /** The spot of an expression: of the scalar that it stands in, or of the nearest key. */
  ofExpr(expr: Expr, otherwise: () => Spot): Spot {
    return this.places?.inExpr(expr) ?? otherwise()
  }

  /** Was this node read from a file? What it lacks has then been reported by the reader. */
  isFrom(node: Node): boolean {
    return this.places?.of(node) !== undefined
  }

  /** Was this part, or one inside it, refused by the reader already? */
  isBroken(part: Expr | Node): boolean {
    return this.places?.isBroken(part) === true
  }

  /**
   * The smallest parts of an expression that were written by themselves, each in a scalar of its own: those of a record
   * or list that a mapping or sequence built. An expression without places is one piece.
   */
  pieces(expr: Expr, into: Expr[] = []): readonly Expr[] {
    const mark = this.places?.exprMark(expr)
    const built = (expr.op === "record" || expr.op === "list") && mark?.cell.kind !== "scalar"
    if (!built || this.places === undefined) into.push(expr)
    else for (const part of parts(expr)) this.pieces(part, into)
    return into
  }
}
