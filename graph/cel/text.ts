/**
 * Text with `${ … }` insertions, as it stands in graph files wherever a place takes text, and CEL with holes, as the
 * TypeScript builder's templates give it. Both end in the same expressions as bare CEL does.
 */
import { at, type Expr, lit } from "../expr.ts"
import { withParts } from "../rebuild.ts"
import type { ExprProblem, Parsed } from "./bounds.ts"
import { parseCelAt } from "./parse.ts"
import { printCel } from "./print.ts"

/**
 * Reads text with insertions. Without one it is a text constant; when one insertion is the whole text it is that
 * expression, which keeps its type; otherwise a text is put together when the graph runs. `$${` stands for `${`.
 * Spans are offsets in the whole text.
 */
export function parseText(source: string): Parsed {
  const parts: Expr[] = []
  const problems: ExprProblem[] = []
  let plain = ""
  let plainStart = 0
  let insertions = 0
  const flush = (end: number) => {
    if (plain !== "") parts.push(at(lit(plain.toWellFormed()), plainStart, end))
    plain = ""
  }
  let i = 0
  while (i < source.length) {
    const next = source.indexOf("$", i)
    if (next < 0) {
      plain += source.slice(i)
      break
    }
    plain += source.slice(i, next)
    i = next
    if (source.startsWith("$${", i)) {
      plain += "${"
      i += 3
    } else if (source.startsWith("${", i)) {
      flush(i)
      const end = insertionEnd(source, i + 2)
      if (end < 0) {
        const span = { start: i, end: source.length }
        problems.push({
          code: "G103",
          message: "The insertion is never closed.",
          fix: "Close it with }, or write $${ for the text ${.",
          span,
        })
        break
      }
      const parsed = parseCelAt(source.slice(i + 2, end), i + 2)
      if ("problems" in parsed) problems.push(...parsed.problems)
      else parts.push(parsed.expr)
      insertions++
      i = end + 1
      plainStart = i
    } else {
      plain += "$"
      i++
    }
  }
  flush(source.length)
  if (problems.length > 0) return { problems }
  if (parts.length === 1 && insertions === 1) return { expr: parts[0]! }
  return { expr: at(joined(parts), 0, source.length) }
}

/** One text expression of parts in their simplest form: neighbouring text constants made one, empty ones left out. */
export function joined(parts: readonly Expr[]): Expr {
  const out: Expr[] = []
  for (const p of parts) {
    const last = out.at(-1)
    const isText = p.op === "const" && typeof p.value === "string"
    if (isText && p.value === "") continue
    if (isText && last?.op === "const" && typeof last.value === "string")
      out[out.length - 1] = lit(last.value + p.value)
    else out.push(p)
  }
  if (out.length === 0) return lit("")
  const [only] = out
  return out.length === 1 && only?.op === "const" && typeof only.value === "string" ? only : { op: "text", parts: out }
}

/** Offset of the `}` that closes an insertion begun at `i`: braces inside count, those in quotes and comments do not. */
function insertionEnd(s: string, i: number): number {
  let depth = 0
  while (i < s.length) {
    const c = s[i]
    if (c === '"' || c === "'") {
      i = quotedEnd(s, i)
      if (i < 0) return -1
      continue
    }
    if (c === "/" && s[i + 1] === "/") {
      while (i < s.length && s[i] !== "\n") i++
      continue
    }
    if (c === "{") depth++
    else if (c === "}" && depth-- === 0) return i
    i++
  }
  return -1
}

function quotedEnd(s: string, i: number): number {
  const quote = s[i]!
  const close = s.startsWith(quote.repeat(3), i) ? quote.repeat(3) : quote
  for (let j = i + close.length; j < s.length; j++) {
    if (s[j] === "\\") j++
    else if (s.startsWith(close, j)) return j + close.length
  }
  return -1
}

/** The text that `parseText` reads back as the same expression. */
export function printText(e: Expr): string {
  if (e.op === "const" && typeof e.value === "string") return plainText(e.value)
  if (e.op !== "text" || !isJoined(e.parts)) return insertion(e)
  return e.parts
    .map((p, i) => {
      if (p.op !== "const" || typeof p.value !== "string") return insertion(p)
      // Dollar signs just before an insertion would escape it.
      const dollars = i + 1 < e.parts.length ? p.value.length - p.value.replace(/\$+$/, "").length : 0
      const text = plainText(p.value.slice(0, p.value.length - dollars))
      return dollars === 0 ? text : `${text}\${ "${"$".repeat(dollars)}" }`
    })
    .join("")
}

const insertion = (e: Expr): string => `\${ ${printCel(e)} }`
const plainText = (s: string): string => s.replaceAll("${", () => "$${").toWellFormed()
/** Would `parseText` give these parts back? Otherwise the text is written as the function `text(…)` in one insertion. */
function isJoined(parts: readonly Expr[]): boolean {
  const again = joined(parts)
  return again.op === "text" && again.parts.length === parts.length && parts.length > 1
}

/**
 * CEL with holes: `strings` are the pieces of text around them (as in a template literal), `exprs` fill them. Spans are
 * offsets in the text with each hole written as a short name.
 */
export function parseCelWith(strings: readonly string[], exprs: readonly Expr[]): Parsed {
  const stem = holeStem(strings)
  const name = (i: number) => `${stem}${i}_`
  const source = strings.map((s, i) => (i < exprs.length ? s + name(i) : s)).join("")
  const parsed = parseCelAt(source, 0)
  if ("problems" in parsed)
    return { problems: parsed.problems.map((p) => ({ ...p, message: unhole(p.message, stem) })) }
  const holes = new Map(exprs.map((e, i) => [name(i), e]))
  const filled = new Set<string>()
  const expr = fill(parsed.expr, holes, filled)
  const missed = exprs.findIndex((_, i) => !filled.has(name(i)))
  if (missed < 0) return { expr }
  const start = source.indexOf(name(missed))
  const span = { start, end: start + name(missed).length }
  return {
    problems: [
      {
        code: "G103",
        message: `Hole ${missed + 1} does not stand where a value can: it is inside quotes, or names a variable.`,
        fix: "Join texts with +.",
        span,
      },
    ],
  }
}

/** A beginning of names that the text does not contain. */
function holeStem(strings: readonly string[]): string {
  for (let n = 0; ; n++) {
    const stem = `hole${n === 0 ? "" : n}_`
    if (!strings.some((s) => s.includes(stem))) return stem
  }
}
const unhole = (message: string, stem: string) =>
  message.replace(new RegExp(`${stem}(\\d+)_`, "g"), (_, i) => `\${${Number(i) + 1}}`)

/** The tree with the holes' names replaced; spans are kept, a filled-in expression keeps its own. */
function fill(e: Expr, holes: ReadonlyMap<string, Expr>, filled: Set<string>): Expr {
  if (e.op === "ref") {
    const hole = holes.get(e.name)
    if (hole === undefined) return e
    filled.add(e.name)
    return hole
  }
  return withParts(e, (p) => fill(p, holes, filled))
}
