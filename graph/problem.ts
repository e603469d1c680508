/**
 * A problem in a graph: what `check` reports, all at once. Each has a code with a page (`messages.ts`), a place in a
 * file and in the graph, what was found, what was wanted, and what to write instead.
 */
import { Data } from "effect"
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
