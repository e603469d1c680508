/**
 * Where the parts of a graph stand in their files. The IR is plain data without positions, so the reader notes them
 * here, beside it; the checker asks with the very objects of the IR. A graph built in TypeScript has no places, and
 * problems then carry their path alone.
 */
import { type Expr, type Span, spanOf } from "./expr.ts"
import { offsetsOf } from "./file/offsets.ts"
import type { Cell, Source } from "./file/source.ts"
import type { Place } from "./problem.ts"

/** A part of a file: the cell, and the document path that leads to it. */
export interface Mark {
  readonly source: Source
  readonly cell: Cell
  readonly path: string
  /** Span of the key that holds the cell, for problems about the whole. */
  readonly keyStart?: number
  readonly keyEnd?: number
}

/** An expression or a text that was written in one scalar. */
export interface ExprMark extends Mark {
  /** Offset in the scalar's value at which the expression's source begins. */
  readonly shift: number
  /** The scalar was read as text, and its text is all it is. */
  readonly plainText: boolean
}

export interface Spot {
  readonly path: string
  readonly place?: Place
}

export class Places {
  readonly #marks = new WeakMap<object, Mark>()
  readonly #exprs = new WeakMap<Expr, ExprMark>()
  readonly #broken = new WeakSet<object>()
  readonly #half = new WeakSet<object>()

  /** Notes where a node, scope or graph stands. */
  mark(part: object, mark: Mark): void {
    this.#marks.set(part, mark)
  }

  markExpr(expr: Expr, mark: ExprMark): void {
    this.#exprs.set(expr, mark)
  }

  /** Notes an expression or node that could not be read, so that one mistake is reported once. */
  markBroken(part: object): void {
    this.#broken.add(part)
  }

  isBroken(part: object): boolean {
    return this.#broken.has(part)
  }

  /** Notes a node whose arguments could be read, and not which call it is: its kind has nothing to sign. */
  markHalf(node: object): void {
    this.#half.add(node)
  }

  isHalf(node: object): boolean {
    return this.#half.has(node)
  }

  exprMark(expr: Expr): ExprMark | undefined {
    return this.#exprs.get(expr)
  }

  /** The spot of a node, scope or graph, or of a key or item below it: `with.path`, `needs.0`. The nearest that is there answers. */
  of(part: object, key: string | readonly string[] = ""): Spot | undefined {
    const mark = this.#marks.get(part)
    if (mark === undefined) return undefined
    let { cell, path } = mark
    let span = spanOfMark(mark)
    for (const word of wordsOf(key)) {
      if (cell.kind === "list" && cell.items[Number(word)] !== undefined) {
        cell = cell.items[Number(word)]!
        path = joinPath(path, Number(word))
        span = spanOfCell(cell)
        continue
      }
      const entry = cell.kind === "map" ? cell.entries.get(word) : undefined
      if (entry === undefined) break
      cell = entry.cell
      path = joinPath(path, word)
      span = cell.kind === "scalar" ? spanOfCell(cell) : { start: entry.keyStart, end: entry.keyEnd }
    }
    return { path, place: mark.source.place(span.start, span.end) }
  }

  /** The spot of a part of an expression, given by its span in the expression's own source. */
  inExpr(expr: Expr, span: Span | undefined = spanOf(expr)): Spot | undefined {
    const mark = this.#exprs.get(expr)
    return mark === undefined ? undefined : spotInScalar(mark, span, mark.shift)
  }
}

/** The keys that lead somewhere: those with a dot in them are given as a list. */
export const wordsOf = (key: string | readonly string[]): readonly string[] =>
  typeof key !== "string" ? key : key === "" ? [] : key.split(".")

/** The spot of a span inside a scalar's value; of the whole scalar where there is no span or it cannot be retraced. */
export function spotInScalar(mark: Mark, span: Span | undefined, shift = 0): Spot {
  const { cell, source, path } = mark
  if (span !== undefined && cell.kind === "scalar") {
    const offsets = offsetsOf(cell, source.text)
    const start = offsets?.[shift + span.start]
    const last = offsets?.[shift + Math.max(span.start, span.end - 1)]
    if (start !== undefined && last !== undefined)
      return { path, place: source.place(start, Math.max(last, start) + 1) }
  }
  const whole = spanOfMark(mark)
  return { path, place: source.place(whole.start, whole.end) }
}

const spanOfCell = (cell: Cell): Span =>
  // An empty value has no extent; a block of several lines is pointed at by its first one.
  ({ start: cell.start, end: Math.max(cell.end, cell.start + 1) })

function spanOfMark(mark: Mark): Span {
  if (mark.keyStart === undefined || mark.cell.kind === "scalar") return spanOfCell(mark.cell)
  return { start: mark.keyStart, end: mark.keyEnd ?? mark.keyStart + 1 }
}

/** `nodes.cost.do.expr`, `cases["in transit"].expr`, `nodes.x.list[2]`. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`
  const word = /^[A-Za-z_*$][A-Za-z0-9_*-]*$/.test(key) ? key : `[${JSON.stringify(key)}]`
  if (path === "" || word.startsWith("[")) return path + word
  return `${path}.${word}`
}
