/**
 * Calibration: from which confidence on a shadow may answer, so that at most a share `alpha` of its accepted answers is
 * wrong, with probability 1 − `delta` over the draw of the calibration cases, as long as calls and cases come from the
 * same source in any order (exchangeability). Nothing is promised beyond that: what leaves the region of the cases is for
 * the support check, and what changes later for the watch over its answers.
 * Source: Angelopoulos, Bates, Candès, Jordan and Lei, Learn then test (2021), section 4: fixed sequence testing with exact
 * binomial p-values; selective classification as in Geifman and El-Yaniv (NeurIPS 2017).
 */
import { casesFor, errorBound } from "../gate/mod.ts"
import { type LearnError, learnError } from "./errors.ts"

/** What a shadow said of one case that it was not trained on, and whether the tool says the same. */
export interface Scored {
  /** From 0 to 1. */
  readonly confidence: number
  readonly right: boolean
}

export interface CalibrateOptions {
  /** At most this share of accepted answers is wrong. */
  readonly alpha?: number
  /** The promise may fail with this probability over the draw of the cases. */
  readonly delta?: number
  /**
   * Confidences from which to accept, the strictest first; chosen without looking at the cases (`thresholdsOf` other ones).
   */
  readonly thresholds: readonly number[]
}
export const ALPHA_DEFAULT = 0.01
export const DELTA_DEFAULT = 0.02

export interface Calibration {
  readonly alpha: number
  readonly delta: number
  /** Answers from this confidence on are accepted. */
  readonly threshold: number
  readonly cases: number
  readonly accepted: number
  /** Of the accepted. */
  readonly wrong: number
  /** accepted / cases. */
  readonly coverage: number
  /** The share of wrong answers among the accepted is at most this, at 1 − delta, had this been the only threshold. */
  readonly bound: number
}

/** Why no threshold is good enough. */
export interface Uncalibrated {
  readonly reason: "too-few" | "too-wrong"
  readonly message: string
}

/**
 * The loosest threshold that passes, every stricter one having passed before it. `cases` must be drawn independently of
 * the model and of the thresholds. Fails with `LearnError` `training` for options outside of their ranges.
 */
export function calibrate(
  cases: readonly Scored[],
  options: CalibrateOptions,
): Calibration | Uncalibrated | LearnError {
  const { alpha = ALPHA_DEFAULT, delta = DELTA_DEFAULT, thresholds } = options
  const wrong = outOfRange("alpha", alpha) ?? outOfRange("delta", delta) ?? notStrictestFirst(thresholds)
  if (wrong !== undefined) return wrong
  const tallies = thresholds.map((threshold): Tally => ({ threshold, accepted: 0, wrong: 0 }))
  for (const one of cases) count(tallies, one)
  return loosest(tallies, cases.length, alpha, delta)
}

/** Of the cases from a threshold on: how many there are, and how many of them are wrong. */
export interface Tally {
  readonly threshold: number
  accepted: number
  wrong: number
}
/** A case counts for every threshold that accepts it. */
export function count(tallies: readonly Tally[], { confidence, right }: Scored): void {
  for (const tally of tallies) {
    // Not `<`: NaN is no confidence.
    if (!(confidence >= tally.threshold)) continue
    tally.accepted++
    if (!right) tally.wrong++
  }
}

/** Fixed sequence testing over tallies of `cases` cases, the strictest threshold first. */
export function loosest(
  tallies: readonly Tally[],
  cases: number,
  alpha: number,
  delta: number,
): Calibration | Uncalibrated {
  let best: Calibration | undefined
  for (const { threshold, accepted, wrong } of tallies) {
    const bound = accepted === 0 ? 1 : errorBound(wrong, accepted, delta)
    if (bound > alpha) return best ?? uncalibrated(cases, { accepted, wrong, bound }, alpha, delta)
    best = { alpha, delta, threshold, cases, accepted, wrong, coverage: accepted / cases, bound }
  }
  return best!
}

/**
 * Thresholds that accept about these shares of the given confidences, the strictest first. The confidences are of cases
 * that calibration does not use: those that training looked at.
 */
export function thresholdsOf(confidences: readonly number[], shares: readonly number[] = SHARES): readonly number[] {
  const sorted = confidences.filter((c) => c >= 0 && c <= 1).sort((a, b) => b - a)
  const at = shares.map((share) =>
    share >= 1 || sorted.length === 0 ? 0 : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!,
  )
  return [...new Set(at)].sort((a, b) => b - a)
}
export const SHARES: readonly number[] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 1]

function uncalibrated(
  cases: number,
  { accepted, wrong, bound }: { readonly accepted: number; readonly wrong: number; readonly bound: number },
  alpha: number,
  delta: number,
): Uncalibrated {
  const least = casesFor(alpha, delta)
  const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`
  const aim = `at most ${percent(alpha)} wrong at ${percent(1 - delta)}`
  return wrong === 0
    ? {
        reason: "too-few",
        message: `Cannot calibrate on ${cases} cases: ${accepted} accepted without an error show less than ${aim}; ${least} would do: record more calls`,
      }
    : {
        reason: "too-wrong",
        message: `Cannot calibrate on ${cases} cases: of the ${accepted} surest answers ${wrong} ${wrong === 1 ? "is" : "are"} wrong, which shows at most ${percent(bound)} at ${percent(1 - delta)}, wanted ${percent(alpha)}: record more calls and train again, or leave this tool without a shadow`,
      }
}

function outOfRange(name: string, x: number): LearnError | undefined {
  return x > 0 && x < 1
    ? undefined
    : learnError("training", `Cannot calibrate: ${name} must lie between 0 and 1, found ${x}`)
}
function notStrictestFirst(thresholds: readonly number[]): LearnError | undefined {
  if (thresholds.length === 0)
    return learnError("training", "Cannot calibrate: at least one threshold is wanted, found none")
  const at = thresholds.findIndex((t, i) => !(t >= 0 && t <= 1) || (i > 0 && t >= thresholds[i - 1]!))
  return at < 0
    ? undefined
    : learnError(
        "training",
        `Cannot calibrate: thresholds must fall from at most 1 to at least 0, found ${thresholds[at]} at number ${at}`,
      )
}
