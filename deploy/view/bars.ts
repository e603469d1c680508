/** The rows of a timeline as lines of text with bars: what ran when, and beside what. */
import type pc from "picocolors"
import type { Row, Totals } from "./timeline.ts"

type Colours = ReturnType<typeof pc.createColors>

export interface BarsOptions {
  readonly colours: Colours
  readonly columns: number
  /** Most lines; what does not fit is counted in the last one. */
  readonly linesMax: number
  /** The run goes on: what has not begun waits, and does not count as left out. */
  readonly live: boolean
}

const NAME_MAX = 28
const WHAT_MAX = 34
const BAR_MAX = 40
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

export function bars(rows: readonly Row[], totals: Totals, options: BarsOptions): readonly string[] {
  const { colours, columns, linesMax } = options
  const shown = chosen(rows, linesMax)
  const names = shown.map((r) => cut(r.name, NAME_MAX))
  const whats = shown.map((r) => cut(whatOf(r), WHAT_MAX))
  const times = shown.map((r) => timeOf(r, totals.ms))
  const wide = (texts: readonly string[]) => texts.reduce((w, t) => Math.max(w, t.length), 0)
  const [name, what, time] = [wide(names), wide(whats), wide(times)]
  const room = Math.min(BAR_MAX, columns - name - what - time - 10)
  const lines = shown.map((row, i) => {
    const bar = room < 8 ? "" : barOf(row, totals.ms, room, colours)
    const tail = tailOf(row, options)
    const after = [times[i]!.padStart(time), bar, tail].filter((part) => part.trim() !== "")
    // Nothing follows: then nothing is filled up either.
    const words = after.length === 0 ? whats[i]! : whats[i]!.padEnd(what)
    return `  ${colours.bold(names[i]!.padEnd(name))}  ${colours.dim(words)}${after.map((part) => `  ${part}`).join("")}`
  })
  const left = rows.length - shown.length
  return left === 0 ? lines : [...lines, colours.dim(`  … and ${left} more`)]
}

/** All of them, or those that touch the world, or those of these that took longest; always in their order. */
function chosen(rows: readonly Row[], max: number): readonly Row[] {
  if (rows.length <= max) return rows
  const effects = rows.filter((r) => r.effect !== "pure")
  if (effects.length <= max - 1) return effects
  const weight = (r: Row) => (r.running > 0 ? 1e12 : 0) + ((r.end ?? 0) - (r.start ?? 0))
  const kept = new Set([...effects].sort((a, b) => weight(b) - weight(a)).slice(0, max - 1))
  return effects.filter((r) => kept.has(r))
}

function whatOf({ what, calls, items }: Row): string {
  const times = Math.max(calls, items)
  return `${what}${times > 1 ? ` ×${times}` : ""}`
}

function timeOf(row: Row, now: number): string {
  if (row.start === undefined) return ""
  return printMs((row.end ?? now) - row.start)
}

function barOf(row: Row, total: number, room: number, colours: Colours): string {
  if (row.start === undefined || total <= 0) return ""
  const from = Math.min(room - 1, Math.floor((row.start / total) * room))
  const length = Math.max(1 / 8, (((row.end ?? total) - row.start) / total) * room)
  const whole = Math.min(room - from, Math.floor(length))
  const part = whole === room - from ? "" : EIGHTHS[Math.floor((length - whole) * 8)]!
  const text = "█".repeat(whole) + (whole === 0 && part === "" ? "▏" : part)
  return " ".repeat(from) + paintOf(row, colours)(text)
}

const paintOf = (row: Row, c: Colours): ((text: string) => string) =>
  row.failed > 0 ? c.red : row.running > 0 ? c.yellow : row.effect === "write" ? c.magenta : c.cyan

function tailOf(row: Row, { colours, live }: BarsOptions): string {
  const words: string[] = []
  if (row.failed > 0) words.push(colours.red(row.calls > 1 ? `${row.failed} failed` : "failed"))
  if (row.retries > 0) words.push(colours.yellow(`${row.retries} ${row.retries === 1 ? "retry" : "retries"}`))
  if (row.cached > 0) words.push(colours.dim(row.calls > 1 ? `${row.cached} from the cache` : "from the cache"))
  if (row.guesses > 0) words.push(guessedOf(row, colours))
  if (row.running > 0 && row.calls > 1) words.push(colours.dim(`${row.running} running`))
  if (row.note !== undefined) words.push(colours.dim(cut(oneLine(row.note), 40)))
  if (row.calls === 0 && row.effect !== "pure" && !live) words.push(colours.dim("not run"))
  return words.join(" ")
}

/** `guessed by wasm-single`: what computed it stands before the reason. */
function guessedOf({ guesses, wrong, ran }: Row, { dim, yellow }: Colours): string {
  const by = ran === undefined ? "" : ` by ${cut(oneLine(ran.split(":")[0]!), 20)}`
  const all = dim(`${guesses > 1 ? `${guesses} ` : ""}guessed${by}`)
  return wrong === 0 ? all : `${all}${yellow(guesses > 1 ? `, ${wrong} wrong` : ", wrong")}`
}

/** Tools may say anything; it stays in its line. */
const oneLine = (text: string): string => text.replace(CONTROLS, " ").trim()
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g

const cut = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`)

/** `0.4 ms`, `113 ms`, `2.4 s`, `3 min 12 s`. */
export function printMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 9_999.5) return `${Math.round(ms)} ms`
  if (ms < 119_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
