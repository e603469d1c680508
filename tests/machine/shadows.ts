// Shadows for tests: seeded predictors that know what a tool will say, and say it, something else, or nothing. They stand
// for what a trained model may do, well and badly; what they know they know from the test's own world.
import type { Prediction, Shadow, Value } from "../../graph/mod.ts"

export const BY = "ab".repeat(32)
export const sure = (value: unknown, alpha = 0.01, confidence = 0.99): Prediction => ({
  ok: true,
  value,
  by: BY,
  alpha,
  confidence,
})

/** A shadow that answers with a function of the arguments, and remembers what it was asked and told. */
export class TestShadow implements Shadow {
  readonly asked: Value[] = []
  readonly told: { readonly predicted: Value; readonly right: boolean }[] = []
  readonly #say: (args: Value, time: number) => Prediction
  constructor(say: (args: Value, time: number) => Prediction) {
    this.#say = say
  }
  readonly predict = (args: Value): Prediction => {
    this.asked.push(args)
    return this.#say(args, this.asked.length)
  }
  readonly observe: NonNullable<Shadow["observe"]> = (_, predicted, real) => {
    if (predicted !== undefined)
      this.told.push({ predicted, right: real.ok && JSON.stringify(real.value) === JSON.stringify(predicted) })
  }
}
