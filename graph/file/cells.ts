/**
 * Cells as expressions and values: CEL written bare, text with insertions, and plain data. A mapping or list under
 * either of the first two builds a record or list, so no braces are needed where YAML has some already.
 */
import { parseCel, parseText } from "../cel.ts"
import { type Expr, lit } from "../expr.ts"
import type { Mark } from "../places.ts"
import {
  brokenExpr,
  describe,
  entriesOf,
  isEmpty,
  itemOf,
  type Reading,
  refuse,
  refuseSpans,
  under,
} from "./reading.ts"

/** CEL, bare or in `${ … }`. */
export const celOf = (r: Reading, mark: Mark): Expr => exprOf(r, mark, readCel)

function readCel(r: Reading, mark: Mark, text: string): Expr {
  const wrapped = /^\s*\$\{/.test(text) && text.trimEnd().endsWith("}") ? unwrap(text) : undefined
  const shift = wrapped === undefined ? 0 : text.indexOf("${") + 2
  const read = parseCel(wrapped ?? text)
  if ("expr" in read) {
    r.session.places.markExpr(read.expr, { ...mark, shift, plainText: false })
    return read.expr
  }
  const cut = cutByComma(r, mark)
  refuseSpans(r, mark, shift, cut === undefined ? read.problems : read.problems.map((p) => ({ ...p, fix: cut })))
  return brokenExpr(r)
}

/** In `{ a: f(x, y) }` YAML ends the value at the comma: what to do, where that is what cut an expression off. */
function cutByComma({ source }: Reading, { cell }: Mark): string | undefined {
  if (cell.kind !== "scalar" || cell.style !== "plain") return undefined
  if (!/^\s*,/.test(source.text.slice(cell.end, cell.end + 20))) return undefined
  const written = source.text.slice(cell.start, cell.end)
  const opened = (brackets: RegExp) => written.match(brackets)?.length ?? 0
  return opened(/[([{]/g) > opened(/[)\]}]/g)
    ? "Between { and } a comma ends the value: put the whole expression in quotes."
    : undefined
}

/** The inside of `${ … }` where the braces that open and close are each other's. */
function unwrap(text: string): string | undefined {
  const from = text.indexOf("${") + 2
  const to = text.lastIndexOf("}")
  const inside = text.slice(from, to)
  return inside.includes("${") ? undefined : inside
}

/** Text whose `${ … }` insert; one insertion and nothing else is the value itself. */
export const textOf = (r: Reading, mark: Mark): Expr => exprOf(r, mark, readText)

/** What stands under `with:`: arguments by name, each a text that may insert; or one insertion that gives them all. */
export function withOf(
  r: Reading,
  node: Mark,
): { readonly entries: readonly (readonly [string, Expr])[] } | { readonly whole: Expr } {
  const mark = under(node, "with")
  if (mark === undefined) return { entries: [] }
  const { cell } = mark
  if (cell.kind === "scalar" && typeof cell.value === "string" && cell.value.includes("${")) {
    return { whole: textOf(r, mark) }
  }
  if (cell.kind !== "map") {
    const fix = "Write with: { name: … }, an argument by its name, or with: ${ … } for all of them."
    refuse(r, mark, "G008", `\`with\` must be a mapping, found ${describe(cell)}.`, fix)
    return { whole: brokenExpr(r) }
  }
  return { entries: entriesOf(r, mark, "`with`").map(([key, part]) => [key, textOf(r, part)] as const) }
}

function readText(r: Reading, mark: Mark, text: string): Expr {
  if (!text.includes("$")) {
    const expr = lit(text)
    r.session.places.markExpr(expr, { ...mark, shift: 0, plainText: true })
    return expr
  }
  const read = parseText(text)
  if ("expr" in read) {
    r.session.places.markExpr(read.expr, { ...mark, shift: 0, plainText: false })
    return read.expr
  }
  refuseSpans(r, mark, 0, read.problems)
  return brokenExpr(r)
}

/** A mapping or list takes its parts as it is taken itself, each at its own place; `read` reads the texts. */
function exprOf(r: Reading, mark: Mark, read: (r: Reading, mark: Mark, text: string) => Expr): Expr {
  const { cell } = mark
  switch (cell.kind) {
    case "list":
      return noted(r, mark, { op: "list", items: cell.items.map((item, i) => exprOf(r, itemOf(mark, item, i), read)) })
    case "map": {
      const fields = [...cell.entries.keys()].map((key) => [key, exprOf(r, under(mark, key)!, read)] as const)
      return noted(r, mark, { op: "record", fields })
    }
    default:
      if (isEmpty(cell)) {
        refuse(r, mark, "G005", "A value is missing here.", "Write null for no value.")
        return brokenExpr(r)
      }
      return typeof cell.value === "string" ? read(r, mark, cell.value) : noted(r, mark, lit(cell.value))
  }
}

function noted(r: Reading, mark: Mark, expr: Expr): Expr {
  r.session.places.markExpr(expr, { ...mark, shift: 0, plainText: false })
  return expr
}

/** A short text: a name, a path, a duration. Numbers and words of YAML count as they are written. */
export function wordOf(r: Reading, mark: Mark, what: string): string | undefined {
  const { cell } = mark
  if (cell.kind === "scalar" && !isEmpty(cell)) {
    if (typeof cell.value === "string") return cell.value
    if (cell.style === "plain" && cell.raw !== undefined) return cell.raw
  }
  refuse(r, mark, "G008", `${what} must be text, found ${describe(cell)}.`)
  return undefined
}
