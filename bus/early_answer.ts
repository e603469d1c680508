/** What a run will probably come to, told to whoever wants to hear it: with its bound, and with a promise of whether it held. */
import { type Outcome, sameValue, type Value } from "../graph/mod.ts"
import type { Foreseen } from "./foreseen.ts"
import type { EarlyAnswer } from "./speculation.ts"

export class EarlyAnswers {
  readonly #hears: (early: EarlyAnswer) => void
  #last: { readonly value: Value; readonly verified: (yes: boolean) => void } | undefined

  constructor(hears: (early: EarlyAnswer) => void) {
    this.#hears = hears
  }

  /** The look ahead has come to a value. The same again is told once. */
  tell(value: Value, rests: readonly Foreseen[]): void {
    if (this.#last !== undefined && sameValue(this.#last.value, value)) return
    this.#last?.verified(false)
    let verdict: (yes: boolean) => void = () => {}
    const verified = new Promise<boolean>((resolve) => {
      verdict = resolve
    })
    this.#last = { value, verified: verdict }
    const guesses = rests.flatMap(({ path, guess, guessed }) =>
      guess === undefined || !guessed ? [] : [{ path, by: guess.by, alpha: guess.alpha }],
    )
    const bound = Math.min(
      1,
      guesses.reduce((sum, g) => sum + g.alpha, 0),
    )
    this.#hears({ value, bound, rests: guesses, verified })
  }

  /** The run has ended; undefined: it ended looking ahead. */
  end(outcome: Outcome | undefined): void {
    this.#last?.verified(outcome?.ok === true && sameValue(outcome.value, this.#last.value))
    this.#last = undefined
  }
}
