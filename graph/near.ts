/**
 * The nearest name to a misspelt one. Every "did you mean" of a message comes from here, so that they all agree on
 * what is near enough to offer and none of them costs more than a bounded number of comparisons.
 */

/** More candidates than this are not looked at: a file full of mistakes must not make checking quadratic. */
const CANDIDATES_MAX = 200

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
  const begun = a.length >= 3 && b.length >= 3 && (a.startsWith(b) || b.startsWith(a))
  if (begun) return 1
  if (a.length === b.length && a.toLowerCase() === b.toLowerCase()) return 0.25
  if (Math.abs(a.length - b.length) > limit || a.length > LENGTH_MAX || b.length > LENGTH_MAX)
    return Number.POSITIVE_INFINITY
  // What both begin and end with costs nothing; names of one file often differ in a letter or two.
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  return edits(a.slice(start, a.length - end), b.slice(start, b.length - end), limit)
}

/** Three rows of the table below, used again and again: a file full of mistakes asks a million times. */
const LENGTH_MAX = 64
let before = new Uint8Array(LENGTH_MAX + 1)
let last = new Uint8Array(LENGTH_MAX + 1)
let row = new Uint8Array(LENGTH_MAX + 1)

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment); some
 * number above the limit where it takes more.
 */
function edits(a: string, b: string, limit: number): number {
  for (let j = 0; j <= b.length; j++) last[j] = j
  let leastBefore = 0
  for (let i = 1; i <= a.length; i++) {
    row[0] = i
    let least = i
    const x = a.charCodeAt(i - 1)
    for (let j = 1; j <= b.length; j++) {
      const y = b.charCodeAt(j - 1)
      let d = last[j - 1]! + (x === y ? 0 : 1)
      if (last[j]! + 1 < d) d = last[j]! + 1
      if (row[j - 1]! + 1 < d) d = row[j - 1]! + 1
      const swapped = i > 1 && j > 1 && x === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === y
      if (swapped && before[j - 2]! + 1 < d) d = before[j - 2]! + 1
      row[j] = d
      if (d < least) least = d
    }
    // A swap reaches back two rows, so both must be beyond the limit.
    if (least > limit && leastBefore > limit) return least
    leastBefore = least
    const free = before
    before = last
    last = row
    row = free
  }
  return last[b.length]!
}
