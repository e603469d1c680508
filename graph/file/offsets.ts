/**
 * From an offset inside a scalar's value to an offset in the file: through quotes, escapes, folded lines and block
 * indentation. The scalar is read a second time, unit by unit; when that reading does not give the very value that the
 * parser gave, there is no map, and a problem points at the whole scalar rather than at a wrong place.
 */
import type { Scalar } from "./source.ts"

/** File offsets of each unit of the value, and of its end; undefined when the value cannot be retraced. */
export function offsetsOf(scalar: Scalar, text: string): readonly number[] | undefined {
  const value = typeof scalar.value === "string" ? scalar.value : scalar.raw
  if (value === undefined) return undefined
  const body = text.slice(scalar.start, scalar.end)
  if (body === value) return Array.from({ length: value.length + 1 }, (_, i) => scalar.start + i)
  const trace = new Trace(text)
  switch (scalar.style) {
    case "double":
    case "json":
      double(trace, scalar.start + 1, scalar.end - 1)
      break
    case "single":
      single(trace, scalar.start + 1, scalar.end - 1)
      break
    case "plain":
      flowLines(trace, scalar.start, scalar.end, (at) => {
        trace.unit(at)
        return at + 1
      })
      break
    default:
      block(trace, scalar)
  }
  // A block scalar keeps or drops its last line breaks by its header; the parser's word counts.
  const got = trace.text()
  const kept = got.length > value.length ? got.slice(0, value.length) : got
  if (kept !== value) return undefined
  trace.offsets.length = value.length
  trace.offsets.push(
    scalar.style === "double" || scalar.style === "single" || scalar.style === "json" ? scalar.end - 1 : scalar.end,
  )
  return trace.offsets
}

class Trace {
  readonly source: string
  readonly offsets: number[] = []
  readonly #units: string[] = []
  constructor(source: string) {
    this.source = source
  }
  /** The value's next unit is the file's unit at this offset. */
  unit(at: number): void {
    this.#units.push(this.source[at]!)
    this.offsets.push(at)
  }
  /** The value's next units are these, all written at this offset. */
  put(units: string, at: number): void {
    for (let i = 0; i < units.length; i++) {
      this.#units.push(units[i]!)
      this.offsets.push(at)
    }
  }
  text(): string {
    return this.#units.join("")
  }
}

const isBlank = (c: string | undefined) => c === " " || c === "\t"

/** Reads flow text over its lines: white space around a line break goes, one break is a space, more are breaks. */
function flowLines(trace: Trace, start: number, end: number, unit: (at: number) => number): void {
  const { source } = trace
  let at = start
  while (at < end) {
    let run = at
    while (run < end && isBlank(source[run])) run++
    const c = source[run]
    if (run >= end || (c !== "\n" && !(c === "\r" && source[run + 1] === "\n"))) {
      for (; at < run; at++) trace.unit(at)
      if (at < end) at = unit(at)
      continue
    }
    let breaks = 0
    const first = run
    for (; run < end; run++) {
      if (source[run] === "\n") breaks++
      else if (source[run] !== "\r" && !isBlank(source[run])) break
    }
    trace.put(breaks === 1 ? " " : "\n".repeat(breaks - 1), first)
    at = run
  }
}

function single(trace: Trace, start: number, end: number): void {
  flowLines(trace, start, end, (at) => {
    trace.unit(at)
    return trace.source[at] === "'" ? at + 2 : at + 1
  })
}

const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\x07",
  b: "\b",
  t: "\t",
  "\t": "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  e: "\x1b",
  " ": " ",
  '"': '"',
  "/": "/",
  "\\": "\\",
  N: "\x85",
  _: "\xa0",
  L: "\u2028",
  P: "\u2029",
}
const WIDTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

function double(trace: Trace, start: number, end: number): void {
  const { source } = trace
  flowLines(trace, start, end, (at) => {
    if (source[at] !== "\\") {
      trace.unit(at)
      return at + 1
    }
    const c = source[at + 1] ?? ""
    const width = WIDTHS[c]
    if (width !== undefined) {
      const code = Number.parseInt(source.slice(at + 2, at + 2 + width), 16)
      trace.put(code <= 0x10ffff ? String.fromCodePoint(code) : "?", at)
      return at + 2 + width
    }
    const lineEnd = c === "\r" && source[at + 2] === "\n" ? 3 : c === "\n" ? 2 : 0
    if (lineEnd > 0) {
      // An escaped line break joins two lines; the indentation of the second goes.
      let next = at + lineEnd
      while (next < end && isBlank(source[next])) next++
      return next
    }
    trace.put(ESCAPES[c] ?? c, at)
    return at + 2
  })
}

/** `|` and `>`: the lines after the header, without their indentation. */
function block(trace: Trace, scalar: Scalar): void {
  const { source } = trace
  const headerEnd = source.indexOf("\n", scalar.start)
  if (headerEnd < 0) return
  const stated = /[1-9]/.exec(source.slice(scalar.start, headerEnd).split("#")[0] ?? "")?.[0]
  const lines: { start: number; end: number; next: number }[] = []
  for (let at = headerEnd + 1; at < scalar.end; ) {
    const newline = source.indexOf("\n", at)
    const next = newline < 0 || newline >= scalar.end ? scalar.end : newline + 1
    const end = newline < 0 || newline >= scalar.end ? scalar.end : newline
    lines.push({ start: at, end: source[end - 1] === "\r" && end > at ? end - 1 : end, next })
    at = next
  }
  const indentOf = (line: { start: number; end: number }) => {
    let n = line.start
    while (n < line.end && source[n] === " ") n++
    return n === line.end ? undefined : n - line.start
  }
  const first = lines.map(indentOf).find((n) => n !== undefined) ?? 0
  // A stated indentation counts from the parent; the first line with text shows it unless it starts with spaces.
  const indent = stated === undefined ? first : statedIndent(source, scalar.start, Number(stated), first)
  if (scalar.style === "literal") {
    for (const line of lines) {
      for (let at = Math.min(line.start + indent, line.end); at < line.end; at++) trace.unit(at)
      trace.put("\n", line.end)
    }
    return
  }
  fold(trace, lines, indent)
}

/** The indentation of the line that the block's key stands on, and what the header adds. */
function statedIndent(source: string, at: number, stated: number, first: number): number {
  const lineStart = source.lastIndexOf("\n", at) + 1
  let column = lineStart
  while (source[column] === " " || (source[column] === "-" && source[column + 1] === " ")) column++
  return Math.min(first, column - lineStart + stated)
}

/** Folding: neighbouring lines of text are joined by a space; empty lines are breaks; indented lines stay lines. */
function fold(trace: Trace, lines: readonly { start: number; end: number }[], indent: number): void {
  const { source } = trace
  let joint: "" | " " | "\n" = ""
  let jointAt = 0
  let indented = false
  for (const line of lines) {
    const from = Math.min(line.start + indent, line.end)
    if (from === line.end) {
      // An empty line: the break before it is dropped when text is being folded, and its own is kept.
      if (joint === " ") joint = "\n"
      else {
        if (joint !== "") trace.put(joint, jointAt)
        joint = "\n"
      }
      jointAt = line.end
      continue
    }
    if (isBlank(source[from])) {
      if (joint === " ") joint = "\n"
      else if (joint === "\n" && !indented) {
        trace.put("\n", jointAt)
      }
      indented = true
    } else if (indented) {
      indented = false
    }
    if (joint !== "") trace.put(joint, jointAt)
    for (let at = from; at < line.end; at++) trace.unit(at)
    joint = isBlank(source[from]) ? "\n" : " "
    jointAt = line.end
  }
  trace.put("\n\n", jointAt)
}
