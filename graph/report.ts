/**
 * Problems as a person reads them: the place, the line with the part that is wrong underlined, what is wrong, what to
 * write instead, and where more is said. Text from files is shown with control characters taken out, so that a file
 * cannot write to a terminal through its mistakes.
 */
import type { Problem } from "./problem.ts"

export interface RenderOptions {
  /** ANSI colours: for terminals only. */
  readonly colour: boolean
}

/** Columns up to which `more: …` is pushed to the right. */
const WIDTH = 98
/** Columns of a source line that are shown; longer ones are cut around the mistake. */
const EXCERPT_MAX = 110
const PATH_MAX = 120

/** All problems, one block each, and a line that counts them. `sourceOf` gives the text of a file, where it is at hand. */
export function renderProblems(
  problems: readonly Problem[],
  sourceOf: (file: string) => string | undefined,
  options: RenderOptions,
): string {
  const paint = painter(options.colour)
  const lines = new Lines(sourceOf)
  const blocks = problems.map((problem) => block(problem, lines, paint))
  return `${[...blocks, countLine(problems)].join("\n")}\n`
}

type Paint = (text: string, style: "error" | "warning" | "mark" | "dim") => string

const CODES = { error: "31;1", warning: "33;1", mark: "31", dim: "2" } as const
const painter = (colour: boolean): Paint =>
  colour ? (text, style) => `\u001b[${CODES[style]}m${text}\u001b[0m` : (text) => text

function block(problem: Problem, lines: Lines, paint: Paint): string {
  const { code, severity, path, place, message, fix } = problem
  const where = place === undefined ? "" : `  ${clean(place.file)}:${place.line}:${place.column}`
  const head = `${paint(`${severity} ${code}`, severity)}${where}${path === "" ? "" : `  ${clean(cut(path))}`}`
  const more = paint(`more: shadowgraph explain ${code}`, "dim")
  const room = WIDTH - `more: shadowgraph explain ${code}`.length
  const said = (fix === undefined ? [message] : [message, fix]).map((text) => `  ${clean(text)}`)
  const last = said.at(-1)!
  if (columns(last) + 2 <= room) said[said.length - 1] = last + " ".repeat(room - columns(last)) + more
  else said.push(" ".repeat(room) + more)
  const excerpt = place === undefined ? [] : excerptOf(problem, lines.at(place.file, place.line), paint)
  return [head, ...excerpt, ...said].join("\n")
}

function excerptOf({ place, severity }: Problem, line: string | undefined, paint: Paint): readonly string[] {
  if (place === undefined || line === undefined) return []
  const number = String(place.line).padStart(6)
  let start = place.column - 1
  let text = line
  let before = ""
  if (text.length > EXCERPT_MAX) {
    const from = Math.max(0, Math.min(start - EXCERPT_MAX / 2, text.length - EXCERPT_MAX))
    text = text.slice(from, from + EXCERPT_MAX) + (from + EXCERPT_MAX < line.length ? "…" : "")
    if (from > 0) before = "…"
    start -= from
  }
  const length = Math.max(1, Math.min(place.length, text.length - start))
  const head = clean(before + text.slice(0, start))
  const marked = clean(text.slice(start, start + length))
  const shown = head + marked + clean(text.slice(start + length))
  const marks = paint("^".repeat(Math.max(1, columns(marked))), severity === "error" ? "mark" : "warning")
  return [`${number} │ ${shown.trimEnd()}`, `${" ".repeat(6)} │ ${" ".repeat(columns(head))}${marks}`]
}

/** A long path without its middle. */
const cut = (path: string): string =>
  path.length > PATH_MAX ? `${path.slice(0, PATH_MAX / 2)}…${path.slice(-PATH_MAX / 2)}` : path

function countLine(problems: readonly Problem[]): string {
  const files = new Set(problems.flatMap((p) => (p.place === undefined ? [] : [p.place.file]))).size
  const warnings = problems.filter((p) => p.severity === "warning").length
  const errors = problems.length - warnings
  const counted = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`
  const what =
    warnings === 0
      ? counted(errors, "problem")
      : errors === 0
        ? counted(warnings, "warning")
        : `${counted(errors, "problem")} and ${counted(warnings, "warning")}`
  return files === 0 ? what : `${what} in ${counted(files, "file")}`
}

/** Lines of files, each file split once. */
class Lines {
  readonly #sourceOf: (file: string) => string | undefined
  readonly #files = new Map<string, readonly string[] | undefined>()

  constructor(sourceOf: (file: string) => string | undefined) {
    this.#sourceOf = sourceOf
  }

  at(file: string, line: number): string | undefined {
    if (!this.#files.has(file)) this.#files.set(file, this.#sourceOf(file)?.split(/\r?\n/))
    return this.#files.get(file)?.[line - 1]
  }
}

/** Tabs become one space, so that columns agree; other control characters and direction marks are shown as "·". */
const clean = (text: string): string =>
  text
    .replaceAll("\t", " ")
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "·")
    .toWellFormed()

/** Columns a text takes on a terminal: two for wide letters and pictures, none for marks that combine. */
function columns(text: string): number {
  let n = 0
  for (const c of text) {
    if (/\p{Mn}|\p{Default_Ignorable_Code_Point}/u.test(c)) continue
    n +=
      /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        c,
      )
        ? 2
        : 1
  }
  return n
}
