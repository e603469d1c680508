/** Where runs begin: in the VM as it is, or, where somebody wants to hear of every node, in the one that tells. */
import type { Outcome, Value } from "../graph/mod.ts"
import type { Program } from "./program.ts"
import type { RunSettings } from "./settings.ts"
import { TellingVm } from "./telling.ts"
import { Vm } from "./vm.ts"

/** Runs a program on an input of the plan's input type. Answers at once when nothing had to be waited for. */
export function execute(program: Program, input: Value, settings: RunSettings): Outcome | Promise<Outcome> {
  const { onNode } = settings
  return onNode === undefined
    ? new Vm(program, settings).run(input)
    : new TellingVm(program.told(), settings, onNode).run(input)
}
