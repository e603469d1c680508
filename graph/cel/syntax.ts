/**
 * The form of CEL text: the library's parser, and its complaints in words that a user of graphs can act on.
 */
import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js"
import type { Span } from "../expr.ts"
import type { Code } from "../messages.ts"
import { DEPTH_MAX, type ExprProblem } from "./bounds.ts"

const parser = new Environment({
  enableOptionalTypes: true,
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxDepth: 4 * DEPTH_MAX },
})

export const one = (code: Code, message: string, span: Span, fix?: string): { problems: readonly ExprProblem[] } => ({
  problems: [{ code, message, span, ...(fix === undefined ? {} : { fix }) }],
})

/** The library's tree of a text, or what is wrong with its form in our words. It stops at the first mistake. */
export function syntax(source: string, offset: number): { ast: ASTNode } | { problems: readonly ExprProblem[] } {
  try {
    return { ast: parser.parse(source).ast }
  } catch (cause) {
    if (cause instanceof ParseError) return syntaxProblem(source, offset, cause)
    // The library runs out of stack on deep nesting; anything else it throws is about the text as well.
    const message =
      cause instanceof RangeError ? "The expression is nested too deep." : "The text is not a CEL expression."
    return one(cause instanceof RangeError ? "G006" : "G103", message, { start: offset, end: offset + source.length })
  }
}

const TOKENS: { readonly [token: string]: string } = {
  EOF: "the end",
  IDENTIFIER: "a name",
  NUMBER: "a number",
  STRING: "a text",
  BOOLEAN: "true or false",
  NULL: "null",
  BYTES: "bytes",
  PLUS: '"+"',
  MINUS: '"-"',
  MULTIPLY: '"*"',
  DIVIDE: '"/"',
  MODULO: '"%"',
  EQ: '"=="',
  NE: '"!="',
  LT: '"<"',
  LE: '"<="',
  GT: '">"',
  GE: '">="',
  AND: '"&&"',
  OR: '"||"',
  NOT: '"!"',
  IN: '"in"',
  LPAREN: '"("',
  RPAREN: '")"',
  LBRACKET: '"["',
  RBRACKET: '"]"',
  LBRACE: '"{"',
  RBRACE: '"}"',
  DOT: '"."',
  COMMA: '","',
  COLON: '":"',
  QUESTION: '"?"',
}

function syntaxProblem(source: string, offset: number, e: ParseError): { problems: readonly ExprProblem[] } {
  const start = Math.min(e.range?.start ?? 0, source.length)
  const end = Math.min(Math.max(e.range?.end ?? start + 1, start + 1), Math.max(source.length, start + 1))
  const span = { start: offset + start, end: offset + end }
  const found = source.slice(start, end)
  const words = e.summary.replace(/\b[A-Z]{2,}\b/g, (w) => TOKENS[w] ?? w)
  switch (e.code) {
    case "limit_exceeded":
      return one("G006", "The expression is nested too deep, or has too many parts.", span)
    case "reserved_identifier":
      return one("G004", `"${found}" is a reserved word of the expression language.`, span)
    case "unexpected_character":
      return one(
        "G103",
        `${JSON.stringify(found)} is not expected here.`,
        span,
        adviceOn(found) ?? twice(source, start),
      )
    case "unexpected_token":
      return one(
        "G103",
        start >= source.length
          ? "The expression ends where a value is wanted."
          : `A value is wanted here, found ${words.replace("Unexpected token: ", "")}.`,
        span,
      )
    case "expected_token": {
      const [want, got] = words.replace("Expected ", "").split(", got ")
      return one(
        "G103",
        `Want ${want}, found ${got}.`,
        span,
        got === TOKENS["IN"] || got === "null" || got === "true or false" ? `Write ["${found}"].` : undefined,
      )
    }
    case "invalid_macro_argument":
      return one("G103", "The first argument of a macro names its variable: xs.map(x, …).", span)
    default:
      return one("G103", `${e.summary}.`, span)
  }
}
/** What is written may be called like anything, `__proto__` too. */
const adviceOn = (found: string) => (Object.hasOwn(ADVICE, found) ? ADVICE[found] : undefined)
const ADVICE: { readonly [found: string]: string } = {
  "=": "Write == to compare.",
  "&": "Write && for and.",
  "|": "Write || for or.",
  ";": "An expression has no statements.",
  "`": 'Write ["name"] for a field whose name is no word.',
  $: "Here expressions are written without ${ }.",
}
/** `a = b` ends at the "=" of an otherwise complete expression. */
const twice = (source: string, start: number) =>
  source[start] === "=" && source[start + 1] !== "=" ? ADVICE["="] : undefined
