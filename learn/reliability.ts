/**
 * How sure a shadow is against how often it is right: the bins of a reliability diagram, and what share of calls it would
 * accept at what error. Source: Niculescu-Mizil and Caruana, Predicting good probabilities with supervised learning (ICML
 * 2005); the intervals are Clopper and Pearson's.
 */
import { errorBound } from "../gate/mod.ts"
import type { Scored } from "./calibrate.ts"

export interface Bin {
  /** Mean confidence of the bin's cases. */
  readonly confidence: number
  /** Share of them that is right, with its interval at 95 %. */
  readonly right: number
  readonly low: number
  readonly high: number
  readonly cases: number
}

/** Bins of about as many cases each, from the least sure on; equal confidences stay together. */
export function reliability(cases: readonly Scored[], bins = 10): readonly Bin[] {
  const sorted = cases.filter((c) => !Number.isNaN(c.confidence)).sort((a, b) => a.confidence - b.confidence)
  const out: Bin[] = []
  let from = 0
  while (from < sorted.length) {
    let to = Math.min(sorted.length, from + Math.ceil(sorted.length / bins))
    while (to < sorted.length && sorted[to]!.confidence === sorted[to - 1]!.confidence) to++
    out.push(binOf(sorted.slice(from, to)))
    from = to
  }
  return out
}

function binOf(cases: readonly Scored[]): Bin {
  const n = cases.length
  const wrong = cases.filter((c) => !c.right).length
  return {
    confidence: cases.reduce((sum, c) => sum + c.confidence, 0) / n,
    right: (n - wrong) / n,
    low: 1 - errorBound(wrong, n, 0.025),
    high: errorBound(n - wrong, n, 0.025),
    cases: n,
  }
}

export interface Point {
  readonly threshold: number
  /** Share of all cases that is accepted from this confidence on. */
  readonly coverage: number
  /** Share of the accepted that is wrong. */
  readonly error: number
}

/** Coverage against error over all thresholds that make a difference, the strictest first; at most `points` of them. */
export function coverageError(cases: readonly Scored[], points = 200): readonly Point[] {
  const sorted = cases.filter((c) => !Number.isNaN(c.confidence)).sort((a, b) => b.confidence - a.confidence)
  const all: Point[] = []
  let wrong = 0
  for (const [i, c] of sorted.entries()) {
    if (!c.right) wrong++
    if (sorted[i + 1]?.confidence === c.confidence) continue
    all.push({ threshold: c.confidence, coverage: (i + 1) / cases.length, error: wrong / (i + 1) })
  }
  const step = Math.max(1, all.length / points)
  const kept = Array.from({ length: Math.ceil(all.length / step) }, (_, i) => all[Math.floor(i * step)]!)
  const last = all.at(-1)
  return last === undefined || kept.at(-1) === last ? kept : [...kept, last]
}
