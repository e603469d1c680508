/** `--early`: what a run will probably come to, told while it goes on, marked as such; and at its end whether it held. */
import type { EarlyAnswer } from "../../bus/mod.ts"
import { printPath } from "../../graph/mod.ts"
import { earlyJson } from "../engine/speculate.ts"
import { resultText } from "../view/value.ts"
import type { Call } from "./command.ts"
import { printable } from "./errors.ts"

/** Early answers of one run, as they are shown. */
export class EarlyTold {
  readonly #call: Call
  #told = 0
  #held: Promise<boolean> | undefined

  constructor(call: Call) {
    this.#call = call
  }

  /** To standard output as a line of JSON where that is asked for, else to the error stream: the result alone is the result. */
  tell(early: EarlyAnswer): void {
    const { out, err } = this.#call.terminal
    this.#told++
    this.#held = early.verified
    if (this.#call.on("json")) {
      out.write(`${JSON.stringify({ early: earlyJson(early) })}\n`)
      return
    }
    const text = resultText(early.value, err.columns())
    const value = typeof text === "string" ? printable(text.trim()) : `${text.length} bytes`
    const rests = early.rests.map(({ path }) => printPath(path)).join(", ")
    const guessed = rests === "" ? "nothing of it guessed" : `guessed: ${rests}; at most ${percent(early.bound)} wrong`
    err.write(`${err.colours.yellow("early")}  ${value}  ${err.colours.dim(guessed)}\n`)
  }

  /** The run has ended. For its JSON: how many were told, and whether the last of them held; undefined where none was. */
  async end(): Promise<{ readonly told: number; readonly held: boolean } | undefined> {
    if (this.#held === undefined) return undefined
    const held = await this.#held
    const { err } = this.#call.terminal
    if (!held && !this.#call.on("json")) err.write(`${err.colours.red("early")}  it came otherwise\n`)
    return { told: this.#told, held }
  }
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`
