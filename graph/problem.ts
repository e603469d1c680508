/**
 * A problem in a graph: what `check` reports, all at once. Each has a code with a page (`messages.ts`), a place in a
 * file and in the graph, what was found, what was wanted, and what to write instead.
 */
import * as Data from "effect/Data"
import type { Code } from "./messages.ts"

export interface Place {
  readonly file: string
  /** 1-based line and column, in UTF-16 units; `length` in units on that line. */
  readonly line: number
  readonly column: number
  readonly length: number
}

export interface Problem {
  readonly code: Code
  readonly severity: "error" | "warning"
  /** Path in the document: `nodes.cost.do.expr`. */
  readonly path: string
  readonly place?: Place
  /** One or two sentences: action or subject, the value found in quotes, the value wanted. */
  readonly message: string
  /** What to write: `Write line.weight_kg.` */
  readonly fix?: string
}

/** Every problem of a graph or file at once. The message is the short text form of all of them. */
export class GraphProblems extends Data.TaggedError("GraphProblems")<{
  readonly problems: readonly Problem[]
  readonly message: string
}> {
  static of(problems: readonly Problem[]): GraphProblems {
    return new GraphProblems({ problems, message: problems.map(printProblemShort).join("\n") })
  }
}

export const printProblemShort = (p: Problem): string =>
  `${p.severity} ${p.code}${p.place ? ` ${p.place.file}:${p.place.line}:${p.place.column}` : ""} ${p.path}: ${p.message}${p.fix ? ` ${p.fix}` : ""}`

/** Problems as they are reported: file by file as these were met, by line and column inside each, each problem once. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const ranks = new Map<string | undefined, number>()
  for (const p of problems) if (!ranks.has(p.place?.file)) ranks.set(p.place?.file, ranks.size)
  const key = (p: Problem) => `${p.code} ${p.place?.file}:${p.place?.line}:${p.place?.column} ${p.path} ${p.message}`
  const once = [...new Map(problems.map((p) => [key(p), p])).values()]
  return once.sort(
    (a, b) =>
      ranks.get(a.place?.file)! - ranks.get(b.place?.file)! ||
      (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
      (a.place?.column ?? 0) - (b.place?.column ?? 0),
  )
}
