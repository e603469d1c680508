/**
 * What the verifier found out about a right plan on its way, for whoever loads it: who waits for whom, who reads and
 * writes what, which effects a scope has. Flat arrays, since a scope may have a hundred thousand steps.
 */

/** Lists of numbers in one array: row `i` is `items[start[i]]` up to, not including, `items[start[i + 1]]`. */
export interface Rows {
  readonly start: Uint32Array
  readonly items: Uint32Array
}
export const row = (rows: Rows, i: number): Uint32Array => rows.items.subarray(rows.start[i]!, rows.start[i + 1]!)

/** What a scope may do to one resource. */
export interface Touched {
  readonly resource: string
  readonly write: boolean
}

/** Nodes of a scope: its parameters, 0 … params − 1, then its steps, params + step. */
export interface ScopeFacts {
  readonly params: number
  /** For each step the nodes that must be complete before it starts: makers of what it reads strictly, and `after`. */
  readonly preds: Rows
  /** For each node the steps that wait for it in `preds`. */
  readonly succs: Rows
  /** For each step the maker of each of its captures: bodies wait for these where they need them, the step does not. */
  readonly lazy: Rows
  /** For each step the slots it reads when it starts (a block: those it did not write first), and those it hands to bodies. */
  readonly strict: Rows
  readonly captures: Rows
  readonly writes: Rows
  /** For each step 1 where it is a block: synchronous, and done when it returns. */
  readonly blocks: Uint8Array
  /** The node that makes the scope's value. */
  readonly result: number
  /** Every resource that the scope and its bodies touch, sorted by name, each once. */
  readonly touches: readonly Touched[]
  /** The step that this scope is a body of; undefined for scope 0. */
  readonly owner: { readonly scope: number; readonly step: number } | undefined
}

export interface PlanFacts {
  readonly scopes: readonly ScopeFacts[]
}

/** Collects rows one after another. */
export class RowsOf {
  readonly #start: number[] = [0]
  readonly #items: number[] = []
  add(items: Iterable<number>): void {
    for (const x of items) this.#items.push(x)
    this.#start.push(this.#items.length)
  }
  done(): Rows {
    return { start: Uint32Array.from(this.#start), items: Uint32Array.from(this.#items) }
  }
}

/** The rows turned round: for each of `n` items the rows that hold it, in order. */
export function turned(rows: Rows, n: number): Rows {
  const start = new Uint32Array(n + 1)
  for (const x of rows.items) start[x + 1]!++
  for (let i = 0; i < n; i++) start[i + 1]! += start[i]!
  const at = start.slice()
  const items = new Uint32Array(rows.items.length)
  for (let i = 0; i + 1 < rows.start.length; i++) {
    for (let j = rows.start[i]!; j < rows.start[i + 1]!; j++) items[at[rows.items[j]!]!++] = i
  }
  return { start, items }
}
