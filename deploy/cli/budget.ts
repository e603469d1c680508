/** `--budget` and `--fuel`, which say what a run may spend, over what the project's file says. */
import { BudgetProblem, type Budgets, parseBudget, readFuel } from "../engine/budget.ts"
import { type Call, usage } from "./command.ts"

/** Fails with `CliError` (`usage`). */
export function budgetsOf(call: Call): Budgets {
  const [budget, fuel] = [call.text("budget"), call.text("fuel")]
  try {
    return {
      ...(budget === undefined ? {} : { budget: parseBudget(budget) }),
      ...(fuel === undefined ? {} : { fuel: readFuel(fuel) }),
    }
  } catch (cause) {
    if (cause instanceof BudgetProblem) throw usage(`--${budget === undefined ? "fuel" : "budget"}: ${cause.message}`)
    throw cause
  }
}
