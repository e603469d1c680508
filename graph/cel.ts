/**
 * Text forms of expressions: CEL written bare, text with `${ … }` insertions, and CEL with holes for templates. Each
 * form has a parser that reports every problem with its place, and a printer that is its reverse.
 */

export { DEPTH_MAX as EXPR_DEPTH_MAX, type ExprProblem, type Parsed, SOURCE_MAX } from "./cel/bounds.ts"
export { parseCel, parseCelAt } from "./cel/parse.ts"
export { printCel, spread } from "./cel/print.ts"
export { joined, parseCelWith, parseText, printText } from "./cel/text.ts"
