/**
 * Looking ahead as an engine, a project's file and the command line state it: `"speculate": true`, or its bounds. Which
 * shadows a plan has comes from the host's `shadows`; without one that speaks for a tool of the plan nothing is done.
 */
import * as Data from "effect/Data"
import { type Bounds, type EarlyAnswer, Odds, SPECULATION, type Speculation } from "../../bus/mod.ts"
import { jsonOf, type Policy, printPath, type Shadows } from "../../graph/mod.ts"
import { type Admitted, refusedOnGuess } from "../../kernel/mod.ts"
import type { Looking } from "./looking.ts"

/** Bounds of looking ahead; what is left out has its default (`docs/speculation.md`). */
export type Speculate = Partial<Bounds>

/** What a run says of looking ahead. */
export interface RunAhead {
  /** Over what the engine says; false: this run does not look ahead. */
  readonly speculate?: Speculate | false
  /** Hears what the run will probably come to, marked as such, while it goes on. */
  readonly onEarly?: (early: EarlyAnswer) => void
}

/** An early answer as JSON, for whoever is told of it outside of this process: what it is, its bound, and what it rests on. */
export const earlyJson = ({ value, bound, rests }: EarlyAnswer) => ({
  output: jsonOf(value, { nonFinite: "text" }),
  bound,
  rests: rests.map(({ path, by, alpha }) => ({ path: printPath(path), by, alpha })),
})

export class SpeculateProblem extends Data.TaggedError("SpeculateProblem")<{ readonly message: string }> {}

const whole = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 1
const share = (x: unknown): boolean => typeof x === "number" && x >= 0 && x <= 1
const COUNT = [whole, "a whole number from 1"] as const
const SHARE = [share, "a number from 0 to 1"] as const
const KEYS: { readonly [K in keyof Bounds]: readonly [fits: (x: unknown) => boolean, wanted: string] } = {
  depth: COUNT,
  outstanding: COUNT,
  calls: COUNT,
  error: SHARE,
  confidence: SHARE,
  costs: [(x) => typeof x === "boolean", "true or false"],
}

/** Reads `true`, `false` or a record of bounds. Fails with `SpeculateProblem`. */
export function readSpeculate(data: unknown): Speculate | undefined {
  if (data === undefined || data === false) return undefined
  if (data === true) return {}
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new SpeculateProblem({
      message: `"speculate" wants true, false or a record like { "depth": 8 }, found ${JSON.stringify(data)}`,
    })
  for (const [key, value] of Object.entries(data)) {
    const known = Object.hasOwn(KEYS, key) ? KEYS[key as keyof Bounds] : undefined
    if (known === undefined) {
      throw new SpeculateProblem({
        message: `"speculate" has no "${key}"; it has ${Object.keys(KEYS).join(", ")}`,
      })
    }
    const [fits, wanted] = known
    if (!fits(value))
      throw new SpeculateProblem({ message: `"speculate": "${key}" must be ${wanted}, found ${JSON.stringify(value)}` })
  }
  return data as Speculate
}

/** What the shadows of one edition are to a plan. */
interface Known {
  readonly edition: number
  readonly of: Pick<Speculation, "shadows" | "certain">
}

/** How the runs of one engine look ahead: what they have measured is shared. */
export class LooksAhead implements Looking {
  readonly odds = new Odds()
  readonly #shadows: Shadows | undefined
  readonly #bounds: Speculate | undefined
  readonly #policy: Policy | undefined
  readonly #known = new WeakMap<Admitted, Known>()

  /** @param policy Whose text may go where: what a shadow says counts as a model's. */
  constructor(shadows: Shadows | undefined, bounds: Speculate | undefined, policy?: Policy) {
    this.#shadows = shadows
    this.#bounds = bounds
    this.#policy = policy
  }

  /** Of one run; undefined where it does not look ahead, or nothing could come of it. */
  of(admitted: Admitted, run: RunAhead): Speculation | undefined {
    const { speculate = this.#bounds, onEarly } = run
    if (speculate === undefined || speculate === false) return undefined
    if (this.inVain(admitted, onEarly !== undefined) !== undefined) return undefined
    return { ...SPECULATION, ...speculate, ...this.#of(admitted, this.#shadows!), odds: this.odds, onEarly }
  }

  /** Why nothing could come of looking ahead with a plan; undefined where something could. */
  inVain(admitted: Admitted, early = false): string | undefined {
    if (!early && !admitted.externs.some((x) => x.claim.settings.speculate === true))
      return "no read of the graph says speculate: true, so none may begin earlier"
    if (
      this.#shadows === undefined ||
      this.#of(admitted, this.#shadows).shadows.every((shadow) => shadow === undefined)
    )
      return "no tool of the graph has a shadow here"
    return undefined
  }

  #of(admitted: Admitted, shadows: Shadows): Known["of"] {
    const edition = shadows.edition?.() ?? 0
    let known = this.#known.get(admitted)
    if (known?.edition !== edition) {
      const { types } = admitted.plan
      const found = admitted.externs.map(({ claim: { kind, config, output }, signature }) =>
        signature.effect === "read" ? shadows.of({ kind, config, signature, output: types[output]! }) : undefined,
      )
      const guessed = found.map((shadow) => shadow !== undefined)
      known = { edition, of: { shadows: found, certain: refusedOnGuess(admitted, guessed, this.#policy) } }
      this.#known.set(admitted, known)
    }
    return known.of
  }
}
