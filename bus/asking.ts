/** Calls of a look ahead: pure functions are called, everything else is asked of what is known and foreseen. */
import { Attempts } from "./attempt.ts"
import type { Frame } from "./frame.ts"
import type { StepCode } from "./program.ts"
import type { RunSettings } from "./settings.ts"
import type { Vm } from "./vm.ts"

export class AskingAttempts extends Attempts {
  readonly #ask: (frame: Frame, step: StepCode) => unknown
  constructor(settings: RunSettings, ask: (frame: Frame, step: StepCode) => unknown) {
    super(settings)
    this.#ask = ask
  }
  override perform(frame: Frame, step: StepCode, vm: Vm): unknown {
    const pure = step.tool!.extern.effect === "pure" && step.kind === "invoke"
    return pure ? super.perform(frame, step, vm) : this.#ask(frame, step)
  }
}
