// Shadows of the laws: seeded predictors that know what the world will answer and say so as often as their seed lets them;
// otherwise something else of the right type, or what no honest shadow says: nothing, garbage, no bound, too much, an error.
import { type Odds, SPECULATION, type Speculation } from "../../bus/mod.ts"
import type { Prediction, Rec, Shadow, Value } from "../../graph/mod.ts"
import type { Admitted } from "../../kernel/mod.ts"
import type { Chance } from "./chance.ts"
import { located } from "./declaring.ts"
import { fateOf } from "./tools.ts"
import { garbageFor, someValue } from "./values.ts"

/** What became of the guesses of a run. */
export interface Told {
  kept: number
  wrong: number
}

/** How a run of a seed looks ahead, with a shadow for every read. */
export function speculationOf({ externs, plan }: Admitted, chance: Chance, odds: Odds, told: Told): Speculation {
  const right = chance.of([100, 95, 80, 50, 0])
  const speaks = chance.of([100, 90, 50])
  const odd = chance.of([0, 0, 5, 40])
  const shadowOf = ({ kind, config, output }: (typeof externs)[number]["claim"]): Shadow => ({
    predict: (args) => {
      if (!chance.percent(speaks)) return { ok: false, why: chance.of(["support", "confidence", "drift", "unable"]) }
      if (chance.percent(odd)) return strange(chance, args)
      const fate = fateOf(kind, located(kind, config as Rec, plan.resources), args, 1, undefined)
      if (fate.kind === "value" && chance.percent(right)) return said(fate.value)
      return said(
        chance.percent(15) ? garbageFor(chance, plan.types[output]!) : someValue(chance, plan.types[output]!, true),
      )
    },
    observe: (_, predicted, real) => {
      if (chance.percent(odd)) throw new TypeError("a shadow that cannot listen")
      if (real.ok && predicted !== undefined) told.kept++
      else told.wrong++
    },
  })
  return {
    ...SPECULATION,
    shadows: externs.map(({ claim }) => (claim.kind === "probe" ? shadowOf(claim) : undefined)),
    odds,
    depth: chance.of([1, 2, 16]),
    outstanding: chance.of([1, 3, 64]),
    calls: chance.of([1, 2, 16]),
    costs: chance.percent(20),
    ...(chance.percent(30) ? { onEarly: () => {} } : {}),
  }
}

const said = (value: unknown): Prediction => ({ ok: true, value, by: "5a".repeat(32), alpha: 0.01, confidence: 0.9 })

/** What no honest shadow says. */
function strange(chance: Chance, args: Value): Prediction {
  switch (chance.below(6)) {
    case 0:
      throw new RangeError("no weights")
    case 1:
      return { ...said(1), alpha: Number.NaN } as Prediction
    case 2:
      return { ...said(null), confidence: 2 } as Prediction
    case 3:
      return undefined as unknown as Prediction
    case 4:
      // It was handed the arguments, and writes on them.
      if (typeof args === "object" && args !== null) (args as { [key: string]: Value })["a"] = "spoilt"
      return said(args)
    default:
      return said(() => 1)
  }
}
