/**
 * A file's text as cells: scalars, lists and mappings that know where they stand. YAML and JSON both become cells, so
 * that the reader reads one thing and every problem has a line and a column, whatever the file was written in.
 */
import type { Code } from "../messages.ts"
import type { Place } from "../problem.ts"

/** UTF-16 units of a file that is still read; a larger one is refused before anything looks at it. */
export const FILE_LENGTH_MAX = 20_000_000
/** Levels of lists and mappings in a file. 64 scopes fit many times; a stack must not depend on data. */
export const CELL_DEPTH_MAX = 400

export type Style = "plain" | "single" | "double" | "literal" | "folded" | "json"

interface Spanned {
  /** Offsets in the file's text, `end` exclusive; quotes and block headers included. */
  readonly start: number
  readonly end: number
}
/** A scalar. `raw` is what stands in the file where that may differ from the value: `1.50`, `0x10`, `~`. */
export interface Scalar extends Spanned {
  readonly kind: "scalar"
  readonly value: null | boolean | number | string
  readonly style: Style
  readonly raw?: string
}
export interface List extends Spanned {
  readonly kind: "list"
  readonly items: readonly Cell[]
}
export interface Entry {
  readonly key: string
  readonly keyStart: number
  readonly keyEnd: number
  readonly cell: Cell
}
export interface Mapping extends Spanned {
  readonly kind: "map"
  readonly entries: ReadonlyMap<string, Entry>
}
export type Cell = Scalar | List | Mapping

/** A problem of a document's form, before anything is known about graphs. */
export interface FormProblem extends Spanned {
  readonly code: Code
  readonly message: string
  readonly fix?: string
}
export interface Parsed {
  readonly root?: Cell
  readonly problems: readonly FormProblem[]
}

/** A named text with its lines, for turning offsets into places. */
export class Source {
  readonly file: string
  readonly text: string
  #lines: number[] | undefined

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  /** Line and column (1-based, UTF-16 units) of a span; the length stops at the end of its first line. */
  place(start: number, end: number): Place {
    this.#lines ??= lineStarts(this.text)
    const lines = this.#lines
    const from = Math.max(0, Math.min(start, this.text.length))
    let low = 0
    let high = lines.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (lines[middle]! <= from) low = middle
      else high = middle - 1
    }
    let lineEnd = low + 1 < lines.length ? lines[low + 1]! - 1 : this.text.length
    if (this.text.charCodeAt(lineEnd - 1) === 13 && lineEnd > from) lineEnd--
    const length = Math.max(1, Math.min(end, lineEnd) - from)
    return { file: this.file, line: low + 1, column: from - lines[low]! + 1, length }
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
  return starts
}

/** The key with which no mapping may be written: it would reach for a prototype. */
export const FORBIDDEN_KEY = "__proto__"

/** Problems that both forms share, worded once. */
export const formProblem = {
  tooLong: (length: number): FormProblem => ({
    code: "G006",
    start: 0,
    end: 1,
    message: `The file has ${megabytes(length)} MB; a graph file may have ${megabytes(FILE_LENGTH_MAX)} MB.`,
    fix: "Move parts of it into subgraphs, and data into files that a node reads.",
  }),
  tooDeep: (start: number): FormProblem => ({
    code: "G006",
    start,
    end: start + 1,
    message: `Lists and mappings are nested deeper than ${CELL_DEPTH_MAX} levels here.`,
    fix: "Move the inner part into a subgraph.",
  }),
  duplicate: (key: string, start: number, end: number): FormProblem => ({
    code: "G003",
    start,
    end,
    message: `The key ${JSON.stringify(key)} is written twice in one mapping.`,
    fix: "Give one of them another name.",
  }),
  forbiddenKey: (start: number, end: number): FormProblem => ({
    code: "G004",
    start,
    end,
    message: `No key may be called "${FORBIDDEN_KEY}".`,
    fix: "Choose another name.",
  }),
  inexact: (raw: string, start: number, end: number): FormProblem => ({
    code: "G008",
    start,
    end,
    message: `The number ${raw} cannot be held exactly: numbers are float64, whole up to 9007199254740991.`,
    fix: `Write it as text, "${raw}", where the port takes an int64.`,
  }),
} as const

const megabytes = (length: number) => Math.ceil(length / 1_000_000)

/** Is the literal a whole number that float64 would change silently? */
export const isInexact = (raw: string, value: number): boolean =>
  raw.length > 15 && /^[-+]?[0-9]+$/.test(raw) && !Number.isSafeInteger(value)
