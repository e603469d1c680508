/**
 * What looking ahead should come to, reckoned apart from the engine: the delays of the relays, the tools' own time, and
 * guesses that are right as often as was measured. Chance from a seed, + − × ÷ alone.
 */
import { Chance } from "../../tests/laws/chance.ts"
import { delayMs, type Network } from "./delays.ts"

export interface Simulated {
  /** Milliseconds of each simulated run without and with guesses. */
  readonly off: readonly number[]
  readonly on: readonly number[]
}

/**
 * @param own For each tool, milliseconds that a call takes beside its delay.
 * @param right For each tool, how likely it is that its outcome is guessed, and rightly (p·c).
 */
export function simulated(
  network: Network,
  runs: number,
  own: readonly number[],
  right: readonly number[],
  times = 50,
): Simulated {
  const c = new Chance("simulation")
  const off: number[] = []
  const on: number[] = []
  for (let run = 0; run < runs; run++) {
    const calls = right.map((_, tool) => delayMs(network, tool, run, 0) + own[tool]!)
    off.push(calls.reduce((a, b) => a + b, 0))
    for (let i = 0; i < times; i++) on.push(ahead(calls, right, c))
  }
  return { off, on }
}

/** A call begins with the one before it where that was guessed rightly, and with its answer otherwise; the last answer ends the run. */
function ahead(calls: readonly number[], right: readonly number[], c: Chance): number {
  let begins = 0
  let ends = 0
  for (const [i, ms] of calls.entries()) {
    const answered = begins + ms
    if (answered > ends) ends = answered
    if (c.unit() >= right[i]!) begins = answered
  }
  return ends
}

/** The share of the serial time that is left of n calls of equal length: [1 + (n − 1)(1 − p·c)]/n. */
export const closedForm = (n: number, right: number): number => (1 + (n - 1) * (1 - right)) / n
