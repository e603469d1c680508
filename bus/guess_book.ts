/**
 * The account of guesses: what became of each goes on the run's record, to whoever watches the run, into the odds, and to
 * the shadow that made it. Nothing that is decided here changes what the run comes to.
 */
import { type Outcome, type Path, sameValue, toFailure, type Value } from "../graph/mod.ts"
import type { Aside } from "../kernel/mod.ts"
import type { Foreseen, Guess } from "./foreseen.ts"
import { nameOf } from "./guess.ts"
import type { StepCode } from "./program.ts"
import type { RunEvent, RunSettings } from "./settings.ts"
import type { Speculation } from "./speculation.ts"

/** A call, as a guess is about one. */
export interface Guessed {
  readonly path: Path
  readonly step: StepCode
  readonly args: Value
}
type Verdict = Extract<RunEvent, { type: "guess" }>["verdict"]

export class GuessBook {
  readonly #settings: RunSettings
  readonly #with: Speculation
  /** The run goes on alone: nothing more is written. */
  over = false

  constructor(settings: RunSettings, speculation: Speculation) {
    this.#settings = settings
    this.#with = speculation
  }

  made(call: Guessed, guess: Guess): void {
    this.#event(call.path, "open", guess, guess.ran)
  }

  none(call: Guessed, why: string): void {
    this.aside(call, { kind: "no guess", why })
    // The words of a refusal may quote what was predicted; whoever watches a run is shown no data.
    this.#event(call.path, "off", undefined, /^(refused|unable):/.exec(why)?.[1] ?? why)
  }

  /** The guess, held against what the tool itself answered. */
  verify(f: Foreseen, outcome: Outcome): void {
    const { guess, step } = f
    if (guess === undefined || f.verified) return
    f.verified = true
    const right = outcome.ok && sameValue(guess.value, outcome.value)
    this.#with.odds.verified(nameOf(step), right)
    this.#became(f, guess, right ? "kept" : "wrong")
  }

  dropped(f: Foreseen): void {
    if (f.guess !== undefined && !f.verified) this.#became(f, f.guess, "dropped")
  }

  #became(f: Foreseen, guess: Guess, verdict: Exclude<Verdict, "open" | "off">): void {
    this.aside(f, { kind: "guess", verdict, ...guess })
    this.#event(f.path, verdict, guess, guess.ran)
  }

  /** The shadow hears of what the run really asked, guessed or not, and of nothing that was asked on a guess. */
  tell({ step, path }: Pick<Guessed, "step" | "path">, args: Value, predicted: Value | undefined, real: Outcome): void {
    const shadow = this.#with.shadows[step.tool!.index]
    if (shadow?.observe === undefined) return
    try {
      shadow.observe(args, predicted, real)
    } catch (cause) {
      const { onEvent, services } = this.#settings
      const text = `its shadow cannot be told of a verification: ${toFailure(cause).message}`
      onEvent?.({ type: "note", path, text, at: services.clock.tick() })
    }
  }

  aside(f: Guessed, what: Aside): void {
    if (this.over) return
    try {
      this.#settings.record.aside(f.path, f.step.tool!.index, f.args, what)
    } catch {
      // The chain is broken: the run's next commit says so. Nothing more is foreseen.
      this.over = true
    }
  }

  #event(path: Path, verdict: Verdict, guess: Guess | undefined, why: string | null): void {
    const { onEvent, services } = this.#settings
    if (onEvent === undefined) return
    const { by = null, alpha = null, confidence = null, ms = null } = guess ?? {}
    const at = services.clock.tick()
    onEvent({ type: "guess", path, verdict, by, alpha, confidence, why, ms: verdict === "open" ? ms : null, at })
  }
}
