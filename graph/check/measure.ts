/**
 * What must hold before a graph may be walked at all: bounded nesting, bounded expressions, no object inside itself. A
 * file cannot break these (the reader stops earlier); a graph built by a program can, and shared parts let a few objects
 * stand for more than a memory holds. Everything is measured once, however often it is used.
 */
import { DEPTH_MAX as EXPR_DEPTH_MAX } from "../cel/bounds.ts"
import { type Expr, parts } from "../expr.ts"
import { type Graph, NESTING_MAX, type Node, type Scope } from "../ir.ts"

/** Nodes of a graph when every subgraph is counted where it is used. */
export const NODES_MAX = 1_000_000
/** Levels of an expression, the mappings and lists of a file around it included. */
export const EXPR_LEVELS_MAX = 8 * EXPR_DEPTH_MAX
/** Parts of an expression, shared ones counted wherever they are used. */
export const EXPR_SIZE_MAX = 100_000

export type Excess =
  | { readonly what: "nesting" }
  | { readonly what: "expression levels" | "expression size"; readonly scope: Scope; readonly node: Node | undefined }

/** Nodes in all bodies, each subgraph counted once; or what is beyond its bound. */
export function measure(graph: Graph): { readonly nodes: number } | { readonly excess: Excess } {
  const measuring = new Measuring()
  try {
    // A scope inside itself is found by depth: a body cannot be measured twice as deep as any may be.
    const depth = measuring.graph(graph, 2 * NESTING_MAX)
    return depth > NESTING_MAX + 2 ? { excess: { what: "nesting" } } : { nodes: measuring.nodes }
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop
    return { excess: stop.excess }
  }
}

/** Ends the measuring; never leaves this file. */
class Stop {
  readonly excess: Excess
  constructor(excess: Excess) {
    this.excess = excess
  }
}

class Measuring {
  nodes = 0
  readonly #graphs = new Map<Graph, number>()
  readonly #open = new Set<Graph>()
  readonly #exprs = new Map<Expr, { readonly levels: number; readonly size: number }>()

  graph(graph: Graph, room: number): number {
    const known = this.#graphs.get(graph)
    if (known !== undefined) return known
    if (this.#open.has(graph)) throw new Stop({ what: "nesting" })
    this.#open.add(graph)
    const depth = this.scope(graph.body, room - 1)
    this.#open.delete(graph)
    this.#graphs.set(graph, depth)
    return depth
  }

  scope(scope: Scope, room: number): number {
    if (room < 0) throw new Stop({ what: "nesting" })
    let deepest = 0
    for (const node of scope.nodes) {
      this.nodes++
      this.expr(node.args, scope, node)
      if (node.settings.valid !== undefined) this.expr(node.settings.valid, scope, node)
      for (const inner of Object.values(node.scopes)) deepest = Math.max(deepest, this.scope(inner, room - 1))
      if (node.graph !== undefined) deepest = Math.max(deepest, this.graph(node.graph, room - 1))
    }
    this.expr(scope.output, scope, undefined)
    return deepest + 1
  }

  expr(expr: Expr, scope: Scope, node: Node | undefined): void {
    const visit = (expr: Expr, level: number): { readonly levels: number; readonly size: number } => {
      if (level > EXPR_LEVELS_MAX) throw new Stop({ what: "expression levels", scope, node })
      const inner = parts(expr)
      if (inner.length === 0) return LEAF
      const known = this.#exprs.get(expr)
      if (known !== undefined) {
        if (level + known.levels > EXPR_LEVELS_MAX) throw new Stop({ what: "expression levels", scope, node })
        return known
      }
      let levels = 0
      let size = 1
      for (const part of inner) {
        const found = visit(part, level + 1)
        levels = Math.max(levels, found.levels)
        size += found.size
      }
      if (size > EXPR_SIZE_MAX) throw new Stop({ what: "expression size", scope, node })
      const found = { levels: levels + 1, size }
      this.#exprs.set(expr, found)
      return found
    }
    visit(expr, 1)
  }
}

const LEAF = { levels: 1, size: 1 }
