/**
 * How often shadows of each tool were handed in to the gate, over the life of a project: `.shadowgraph/shadows/submissions.json`,
 * signed with the project's key. A count that was changed is refused; one that was deleted begins again behind the last
 * submission of which a card is left.
 */
import { readFile } from "node:fs/promises"
import type { SubmissionBook } from "../../gate/mod.ts"
import type { LedgerKey } from "../services/ledger_key.ts"
import { ShadowStoreError } from "./card.ts"
import { printSigned, readSigned, type SignedKind } from "./signed.ts"

export interface BookOptions {
  readonly file: string
  readonly key: () => Promise<LedgerKey>
  readonly write: (text: string) => Promise<void>
  /** The last submission that a kept card of the target speaks of, 0 for none. */
  readonly onCards: (target: string) => Promise<number>
}
type Counts = { readonly [target: string]: number }

const KIND: SignedKind = { name: "submissions", head: "shadowgraph/shadow-submissions\n" }

/** Fails with `ShadowStoreError` (`changed`, `unreadable`). */
export function submissionBook({ file, key, write, onCards }: BookOptions): SubmissionBook {
  const read = async (): Promise<Counts> => {
    let text: string
    try {
      text = await readFile(file, "utf8")
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {}
      throw refused("unreadable", file, (cause as Error).message, cause)
    }
    let counts: unknown
    try {
      counts = await readSigned(KIND, text, await key())
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause
      throw refused("unreadable", file, cause.message, cause)
    }
    if (counts !== undefined) return counts as Counts
    throw refused("changed", file, "want counts that this project's key has signed, found others")
  }
  return {
    last: async (target) => {
      const counts = await read()
      return Math.max(Object.hasOwn(counts, target) ? counts[target]! : 0, await onCards(target))
    },
    keep: async (target, submission) => {
      const counts = { ...(await read()), [target]: submission }
      await write(await printSigned(KIND, counts, await key()))
    },
  }
}

const refused = (reason: "changed" | "unreadable", file: string, why: string, cause?: unknown) =>
  new ShadowStoreError({
    reason,
    message: `Cannot use the count of submissions "${file}": ${why}; without it nobody knows how often the gate was tried. Put the file back, or remove .shadowgraph/shadows and train again`,
    ...(cause === undefined ? {} : { cause }),
  })
