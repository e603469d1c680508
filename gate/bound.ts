/**
 * What a number of wrong answers among cases that were drawn at random says about how often an answer is wrong at all:
 * exact binomial bounds, and how the allowance for error is shared out over submissions. From + − × ÷ alone, so that
 * every host prints the same figure.
 * Source: Clopper and Pearson, The use of confidence or fiducial limits (Biometrika 26, 1934).
 */

/** A bound holds with probability 1 − this, over all submissions for a target. */
export const ALPHA = 0.05

/**
 * What the submission of this number (from 1) may spend of `ALPHA`. The shares of all submissions there ever are add up
 * to it: 1/2, 1/6, 1/12, … 1/m(m+1). So one of many attempts that passes by luck is as unlikely as one of one.
 */
export const alphaOf = (submission: number): number => ALPHA / submission / (submission + 1)

/**
 * The least p such that, were answers wrong with probability p, no more than `wrong` wrong ones in `cases` would have
 * probability `alpha` or less: the share of wrong answers is at most p with confidence 1 − alpha. With none wrong it is
 * 1 − alpha^(1/cases).
 */
export function errorBound(wrong: number, cases: number, alpha: number): number {
  if (wrong >= cases) return 1
  let low = wrong / cases
  let high = 1
  // Each turn halves the gap; 64 leave less than the last bit of a float64.
  for (let i = 0; i < 64; i++) {
    const middle = (low + high) / 2
    if (atMost(wrong, cases, middle) <= alpha) high = middle
    else low = middle
  }
  return high
}

/** The fewest cases for which none wrong bounds the share of wrong answers by `errorMax` with confidence 1 − alpha. */
export function casesFor(errorMax: number, alpha: number): number {
  let enough = 1
  while (power(1 - errorMax, enough) > alpha) enough *= 2
  let short = Math.floor(enough / 2)
  while (enough - short > 1) {
    const middle = Math.floor((short + enough) / 2)
    if (power(1 - errorMax, middle) <= alpha) enough = middle
    else short = middle
  }
  return enough
}

/** The most wrong answers in `cases` that still bound the share by `errorMax`, below 1; −1 where not even none is enough. */
export function wrongMax(cases: number, errorMax: number, alpha: number): number {
  let most = -1
  while (errorBound(most + 1, cases, alpha) <= errorMax) most++
  return most
}

/** Probability of `k` or fewer successes in `n` trials of probability `p`, for k below n. */
function atMost(k: number, n: number, p: number): number {
  // The term of k, its factors interleaved so that it neither vanishes nor overflows on the way; the rest by their ratios.
  const odds = p / (1 - p)
  let term = 1
  let left = n
  for (let i = 0; i < k; i++) {
    term *= ((n - i) / (k - i)) * odds
    for (; term > 1 && left > 0; left--) term *= 1 - p
  }
  term *= power(1 - p, left)
  let sum = 0
  for (let i = k; term > 0; i--) {
    sum += term
    term *= i / (n - i + 1) / odds
  }
  return sum
}

/** x to a whole power, by squaring. */
function power(x: number, n: number): number {
  let out = 1
  let square = x
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) out *= square
    square *= square
  }
  return out
}
