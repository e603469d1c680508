/**
 * The live view of a run: the timeline on the error stream, painted over itself while the run goes on, and once more,
 * for good, at its end. Nothing is painted in the first moment, so that a fast run does not flicker.
 */
import type { Writable } from "node:stream"
import type pc from "picocolors"
import { bars } from "./bars.ts"
import type { Timeline } from "./timeline.ts"

export interface Screen {
  readonly write: (text: string) => void
  /** Elsewhere nothing is painted over: only the last picture is written. */
  readonly isTerminal: boolean
  readonly columns: () => number
  readonly rows: () => number
  readonly colours: ReturnType<typeof pc.createColors>
  readonly stream: Writable
}

const FIRST_MS = 150
const EVERY_MS = 90
const ESC = "\u001b["

export class LiveView {
  readonly #screen: Screen
  readonly #timeline: Timeline
  readonly #tick: () => number
  #lines = 0
  #timer: ReturnType<typeof setInterval> | undefined
  #first: ReturnType<typeof setTimeout> | undefined

  constructor(screen: Screen, timeline: Timeline, tick: () => number) {
    this.#screen = screen
    this.#timeline = timeline
    this.#tick = tick
    this.resume()
  }

  /** Takes the view away while somebody else uses the terminal. */
  pause(): void {
    clearTimeout(this.#first)
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#erase()
  }

  resume(): void {
    if (!this.#screen.isTerminal) return
    this.#first = setTimeout(() => {
      this.#screen.write(`${ESC}?25l`)
      this.#paint()
      this.#timer = setInterval(() => this.#paint(), EVERY_MS)
      this.#timer.unref?.()
    }, FIRST_MS)
    this.#first.unref?.()
  }

  /** The last picture, which stays. */
  end(): void {
    this.pause()
    const lines = this.#bars(false, 60)
    if (lines.length > 0) this.#screen.write(`${lines.join("\n")}\n`)
  }

  #bars(live: boolean, linesMax: number): readonly string[] {
    const { colours, columns } = this.#screen
    const totals = this.#timeline.totals(this.#tick())
    return bars(this.#timeline.rows(), totals, { colours, columns: columns(), linesMax, live })
  }

  #paint(): void {
    const lines = this.#bars(true, Math.max(3, this.#screen.rows() - 3))
    const up = this.#lines === 0 ? "" : `${ESC}${this.#lines}A`
    const text = lines.map((line) => `\r${ESC}2K${fit(line, this.#screen.columns())}`).join("\n")
    this.#screen.write(`${up}${text}\n${ESC}0J`)
    this.#lines = lines.length
  }

  #erase(): void {
    if (this.#lines === 0) return
    this.#screen.write(`${ESC}${this.#lines}A\r${ESC}0J${ESC}?25h`)
    this.#lines = 0
  }
}

/** A line that is too long would be broken by the terminal, and then there are more lines than were counted. */
function fit(line: string, columns: number): string {
  let width = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes take no room
  return line.replace(/\u001b\[[0-9;]*m|[^\u001b]/gu, (c) => (c.startsWith("\u001b") || ++width < columns ? c : ""))
}
