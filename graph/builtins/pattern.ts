/**
 * What `matches` and `find` ask of an engine for patterns. The engine is lent, because it is by far the largest part of the
 * room and most plans hold no pattern: `graph/patterns/mod.ts` lends RE2, and whoever compiles, checks or reads files has
 * it. A host at the edge takes it along where its plans need it.
 */
import { fail } from "../failure.ts"

/** A pattern that was read. */
export interface Pattern {
  /** The first part of the text that the pattern matches, or null. Linear in the length of the text. */
  readonly first: (text: string) => string | null
}

/** Reads a pattern; fails with `BadPattern`. */
export type Patterns = (source: string) => Pattern

let lent: Patterns | undefined

/** From now on patterns are read by this engine. There is one per process, as there is one meaning of a pattern. */
export function lendPatterns(engine: Patterns): void {
  lent = engine
}

/** Can patterns be read here? Where not, no plan that holds one may run. */
export const hasPatterns = (): boolean => lent !== undefined

/** The builtins that read a pattern. */
export const WITH_PATTERNS: ReadonlySet<string> = new Set(["matches", "find"])

export function patternOf(source: string): Pattern {
  if (lent !== undefined) return lent(source)
  throw fail("NoPatterns", 'Cannot read a pattern here: import "shadowgraph/graph/patterns" where the program begins', {
    data: null,
  })
}
