// A random graph of reads, run alone and looking ahead: value and trace hash must be the same. Shadows are good and bad, and who
// is first among what is pending is drawn for each of the two runs.
import { besideAlone } from "../laws/agree.ts"
import { someReads } from "../laws/graphs.ts"

export interface Tally {
  /** Graphs whose runs ended in a value, by no way that depends on time: these are compared. */
  compared: number
  /** Graphs that failed, or met a failure that another order of events may replace by another. */
  failed: number
  /** Drawn, and refused by the checker. */
  refused: number
  kept: number
  wrong: number
  /** Reads that were called in vain. */
  discarded: number
  /** Seeds, and what was different. */
  readonly different: string[]
}

export const nothing = (): Tally => ({
  compared: 0,
  failed: 0,
  refused: 0,
  kept: 0,
  wrong: 0,
  discarded: 0,
  different: [],
})

/** One graph. */
export async function sideBySide(seed: string): Promise<Tally> {
  const { came, ahead, how } = await besideAlone(someReads(seed), seed)
  return { ...nothing(), ...ahead, [came]: 1, different: how === undefined ? [] : [`${seed}: ${how}`] }
}

export function add(total: Tally, more: Tally): void {
  for (const key of ["compared", "failed", "refused", "kept", "wrong", "discarded"] as const) total[key] += more[key]
  total.different.push(...more.different)
}
