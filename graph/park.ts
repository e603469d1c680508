/**
 * What an executor hands back instead of an answer when the answer may take days: the run rests, this process forgets it,
 * and whoever answers, or the clock, makes it go on. Only where the host can do that (`Call.parks`).
 */
import { type Failure, failureIdentity } from "./failure.ts"
import type { Rec, Value } from "./value.ts"

export class Park {
  readonly why: "ask" | "sleep" | "event"
  /** What is asked, for whoever answers: it is kept in the ledger. */
  readonly request: Rec
  /** When the wait is due by itself, in milliseconds since the epoch; null: somebody has to answer. */
  readonly until: number | null

  /** @param due What the node comes to when its time has come; of a failure its code, message and data. */
  constructor(why: Park["why"], request: Rec, until: number | null, due?: { readonly value: Value } | Failure) {
    this.why = why
    this.request = due === undefined ? request : { ...request, due: dueOf(due) }
    this.until = until
  }
}

const dueOf = (due: { readonly value: Value } | Failure): Value =>
  "value" in due ? ["value", due.value] : ["failure", failureIdentity(due), due.message]
