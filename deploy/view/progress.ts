/** One line on the terminal that says how far something has come: a bar, counts, a rate, and how long it will take. */
import type { Screen } from "./live.ts"

const EVERY_MS = 80
const BAR_MAX = 30
const ESC = "\u001b["

export class Progress {
  readonly #screen: Screen
  readonly #tick: () => number
  readonly #began: number
  #last = Number.NEGATIVE_INFINITY
  #shown = false

  constructor(screen: Screen, tick: () => number) {
    this.#screen = screen
    this.#tick = tick
    this.#began = tick()
  }

  /** Painted at most every 80 ms, and only on a terminal. */
  at(done: number, of: number, words: string): void {
    const now = this.#tick()
    if (!this.#screen.isTerminal || now - this.#last < EVERY_MS) return
    this.#last = now
    const share = of === 0 ? 1 : Math.min(1, done / of)
    const { dim, cyan } = this.#screen.colours
    const rate = done / Math.max(1e-3, (now - this.#began) / 1_000)
    const left = rate === 0 ? "" : ` · ${timeText((of - done) / rate)} left`
    const text = `${String(Math.floor(share * 100)).padStart(3)} %  ${words} · ${rateText(rate)}/s${left}`
    const room = Math.min(BAR_MAX, this.#screen.columns() - text.length - 4)
    const full = Math.floor(share * Math.max(0, room))
    const bar = room < 6 ? "" : `${cyan("█".repeat(full))}${dim("░".repeat(room - full))} `
    this.#screen.write(`\r${ESC}2K${bar}${text.slice(0, this.#screen.columns() - 1)}`)
    this.#shown = true
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown) this.#screen.write(`\r${ESC}2K`)
    this.#shown = false
  }
}

const rateText = (rate: number): string => (rate >= 10 ? Math.round(rate).toLocaleString("en") : rate.toFixed(1))
const timeText = (seconds: number): string => {
  if (!Number.isFinite(seconds) || seconds < 0) return "…"
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
}
