/**
 * Entries that the store refused, and what hangs on them: appended before their writer heard of it. The number of such an entry may be
 * free, and another's entry stand before it, but a chain with it in it would be none. So it is refused as well.
 */
import { hex } from "../../graph/mod.ts"
import { KernelError, kernelError, openEntry, type Row } from "../../kernel/mod.ts"

/** What waits to be written, and whoever waits for that. */
export interface Waiting {
  readonly row?: Row
  readonly blob?: { readonly hash: string; readonly bytes: Uint8Array }
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

type Causes = ReadonlyMap<string, unknown>

export class Refused {
  /** Why, by the entry's hash: of the group before, and of this one. */
  readonly #before: Causes
  readonly #now = new Map<string, unknown>()
  /** Of this group, those that are on record all the same. */
  readonly #kept = new Set<string>()

  constructor(before: Causes = new Map()) {
    this.#before = before
  }

  /** For the next group: whoever appends to one after that has heard. What hangs on an entry that is on record is in its place. */
  ofLast(): Refused {
    if (this.#now.size === 0 && this.#before.size === 0) return this
    return new Refused(new Map([...this.#now].filter(([hash]) => !this.#kept.has(hash))))
  }

  /** `kept`: it came a second time, and is on record. */
  refuse({ reject, row }: Waiting, cause: unknown, kept = false): void {
    if (row !== undefined) {
      const hash = hex(row.hash)
      this.#now.set(hash, cause)
      if (kept) this.#kept.add(hash)
    }
    reject(told(cause, row))
  }

  /** Those that hang on nothing that was refused; the others are. */
  without(group: readonly Waiting[]): readonly Waiting[] {
    if (this.#before.size === 0 && this.#now.size === 0) return group
    return group.filter((one) => {
      if (one.row === undefined) return true
      const prev = hex(openEntry(one.row.entry).prev)
      if (!this.#before.has(prev) && !this.#now.has(prev)) return true
      this.refuse(one, this.#now.get(prev) ?? this.#before.get(prev))
      return false
    })
  }
}

/** Two that write one run are told which run it is; that its place is taken is the table's way to say it. */
function told(cause: unknown, row: Row | undefined): unknown {
  if (!(cause instanceof KernelError) || cause.reason !== "conflict" || row === undefined) return cause
  const { run, seq } = row
  const what = `Cannot keep entry ${seq} of run "${run}": it is not what comes next on record; another process goes on with the run`
  return kernelError("conflict", what, cause)
}
