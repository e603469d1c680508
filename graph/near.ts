/**
 * The nearest name to a misspelt one. Every "did you mean" of a message comes from here, so that they all agree on
 * what is near enough to offer and none of them costs more than a bounded number of comparisons.
 */

/** More candidates than this are not looked at: a file full of mistakes must not make checking quadratic. */
const CANDIDATES_MAX = 500

/**
 * The candidate nearest to `name`, or undefined when none is near: another case, a word begun or cut short, or a few
 * letters wrong (one in three). The first of equally near ones wins, so the answer does not depend on chance.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestScore = Math.max(1, Math.floor(name.length / 3)) + 0.5
  let looked = 0
  for (const candidate of candidates) {
    if (++looked > CANDIDATES_MAX) break
    const score = distance(name, candidate, bestScore)
    if (score < bestScore) {
      best = candidate
      bestScore = score
    }
  }
  return best
}

function distance(a: string, b: string, limit: number): number {
  if (a === b) return 0
  if (a.toLowerCase() === b.toLowerCase()) return 0.25
  const begun = a.length >= 3 && b.length >= 3 && (a.startsWith(b) || b.startsWith(a))
  if (begun) return 1
  if (Math.abs(a.length - b.length) > limit || a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY
  return edits(a, b)
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
function edits(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let d = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2]! + 1)
      row.push(d)
    }
    before = last
    last = row
  }
  return last[b.length]!
}
