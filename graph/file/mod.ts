/**
 * The door of graph files: texts that become checked graphs, and graphs that become texts again, with the expressions and
 * types inside them. It stands beside the room's own door because a host that only runs plans needs no parser.
 */
export {
  EXPR_DEPTH_MAX,
  type ExprProblem,
  joined,
  type Parsed,
  parseCel,
  parseCelAt,
  parseCelWith,
  parseText,
  printText,
  SOURCE_MAX,
} from "../cel.ts"
export * from "../check-file.ts"
export { expressionReference } from "../reference.ts"
export { parseField, parseType } from "./notation.ts"
export { printGraph, subgraphFile } from "./print.ts"
export * from "./read.ts"
export { graphSchema } from "./schema.ts"
