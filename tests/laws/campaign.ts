// Many graphs against the laws, one seed each: the same campaign in the tests and by `npm run laws`.
import type { Graph } from "../../graph/mod.ts"
import { judge } from "./agree.ts"
import { someGraph } from "./graphs.ts"

export interface Tally {
  /** Graphs that passed the checker and were run. */
  graphs: number
  refused: number
  ended: { value: number; failure: number }
  /** Guesses that were held against their tools, and reads that were called in vain. */
  ahead: { kept: number; wrong: number; discarded: number }
  /** Runs that took something back. */
  undos: number
  /** Runs that were cut and went on, that were computed again from their record, and how often one rested. */
  again: { cut: number; replayed: number; rested: number }
  /** Seeds of graphs that broke a law, and how. */
  readonly broken: { readonly seed: string; readonly law: string; readonly how: string }[]
}

export const nothing = (): Tally => ({
  graphs: 0,
  refused: 0,
  ended: { value: 0, failure: 0 },
  ahead: { kept: 0, wrong: 0, discarded: 0 },
  undos: 0,
  again: { cut: 0, replayed: 0, rested: 0 },
  broken: [],
})

/** Every so many graphs one is looked at thoroughly. */
const THOROUGH_EVERY = 4

/** Holds the graphs `from` … `from + count − 1` of a seed against the laws. */
export async function campaign(
  seed: string,
  from: number,
  count: number,
  tell?: (done: number) => void,
  graphOf: (seed: string) => Graph = someGraph,
): Promise<Tally> {
  const tally = nothing()
  for (let i = from; i < from + count; i++) {
    const each = `${seed}.${i}`
    const { checked, broken, ended, ahead, undos, again } = await judge(graphOf(each), each, i % THOROUGH_EVERY === 0)
    if (ended === "refused" || !checked) tally.refused++
    else {
      tally.graphs++
      tally.ended[ended]++
      tally.undos += undos
      tally.again.cut += again.cut
      tally.again.replayed += again.replayed
      tally.again.rested += again.rested
      for (const key of ["kept", "wrong", "discarded"] as const) tally.ahead[key] += ahead[key]
    }
    const [first] = broken
    if (first !== undefined) tally.broken.push({ seed: each, ...first })
    tell?.(i - from + 1)
  }
  return tally
}
