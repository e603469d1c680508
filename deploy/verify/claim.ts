/**
 * A claim: something that Shadowgraph promises, as a check that anybody can run from the installed package. It counts what
 * it tried and names what was wrong; what follows from the count is said by `verify.ts`, not by the claim.
 */

export interface Depth {
  /** Some ten times as much. */
  readonly thorough: boolean
  /** What chance is drawn from: 16 bytes or more. */
  readonly seed: Uint8Array
  /** A Postgres server that the checks may write to. */
  readonly postgres?: string
}

export interface Checked {
  readonly tried: number
  /** What was tried, in a word or two: `changed bytes`. */
  readonly what: string
  /** `every`: all that there are of the kind. `sample`: drawn at random, so a bound follows from how many there were. */
  readonly how: "every" | "sample"
  /** One line for each that was not as claimed; the first few are shown. */
  readonly wrong: readonly string[]
  /** Why nothing was tried: what the check needs is not here. */
  readonly skipped?: string
}

export interface Claim {
  readonly name: string
  /** The promise, as a sentence. */
  readonly says: string
  readonly check: (depth: Depth) => Promise<Checked>
}
