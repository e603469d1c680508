/**
 * How a run may look ahead: which shadows it has, within what bounds, and who hears of an early answer. Whatever stands
 * here changes when and how often reads are called, and never what a run comes to.
 */
import type { Path, Shadow, Value } from "../graph/mod.ts"
import { Ahead } from "./ahead.ts"
import type { Odds } from "./odds.ts"
import type { Vm } from "./vm.ts"

/** Bounds of what may be guessed at once. */
export interface Bounds {
  /** Guesses that one call may rest on. */
  readonly depth: number
  /** Guesses in all that no tool has confirmed yet. */
  readonly outstanding: number
  /** Reads under way at once on guessed arguments. */
  readonly calls: number
  /** The largest bound (`alpha`) of a prediction that is used. A node's own `shadow: { error }` may ask for less. */
  readonly error: number
  /** The least confidence of a prediction that is used. */
  readonly confidence: number
  /** Guess only where it is expected to pay. */
  readonly costs: boolean
}

/** What looks ahead with a run, and its bounds where nobody says otherwise. */
export const SPECULATION: Bounds & Pick<Speculation, "begin"> = {
  depth: 16,
  outstanding: 64,
  calls: 16,
  error: 0.05,
  confidence: 0,
  costs: true,
  begin: (vm, input, make) => new Ahead(vm, input, make),
}

export interface Speculation extends Bounds {
  /** What looks ahead beside a run. With the settings of those that do, so that a program whose runs do not carries none of it. */
  readonly begin: (vm: Vm, input: Value, make: typeof Vm) => Ahead
  /** By extern of the plan. */
  readonly shadows: readonly (Shadow | undefined)[]
  /** Calls that are never made on a guess, whatever they are marked: the names of their paths, joined by points. */
  readonly certain?: ReadonlySet<string>
  /** What is known of tools and shadows by now; shared by the runs of a host. */
  readonly odds: Odds
  /** Hears what the run will probably come to, before it is known. Told again when that turns out to be wrong. */
  readonly onEarly?: ((early: EarlyAnswer) => void) | undefined
}

/** What a run will probably come to. */
export interface EarlyAnswer {
  readonly value: Value
  /** At most this likely to be wrong, by the bounds of the guesses that it rests on, added up; 1 where they say nothing. */
  readonly bound: number
  /** Calls whose outcome was guessed. */
  readonly rests: readonly { readonly path: Path; readonly by: string; readonly alpha: number }[]
  /** Resolves when the run has ended: did it come to this value? */
  readonly verified: Promise<boolean>
}
