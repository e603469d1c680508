/** Which entries of a run a redaction touches. */
import { printPath, UNDO } from "../../graph/mod.ts"
import { type EntryKind, kernelError, openRow, type Row } from "../../kernel/mod.ts"

export interface Redaction {
  /** Entries whose data go, and all that is beside them. */
  readonly seqs: readonly number[]
  /** Entries that keep their data and lose the hash of their input. */
  readonly inputs: readonly number[]
}

/** Of the effect at `path`, or of the whole run. Fails with `KernelError` (`misuse`). */
export function redactionOf(run: string, rows: readonly Row[], path: string | undefined): Redaction {
  const refuse = (why: string) => kernelError("misuse", `Cannot redact run "${run}": ${why}`)
  if (rows.length === 0) throw refuse("the ledger has no such run")
  if (rows.at(-1)!.kind !== "end") throw refuse("it has not ended; cancel it first")
  const entries = rows.map((row) => ({ row, ...openRow(row) }))
  const of = new Set(
    entries.flatMap(({ body, seq }) =>
      path === undefined || ("path" in body && isOf(printPath(body.path), path)) ? [seq] : [],
    ),
  )
  if (of.size === 0) throw refuse(`no effect of it is at "${path}"; shadowgraph runs ${run} shows its paths`)
  const first = Math.min(...of)
  const chosen = (e: (typeof entries)[number]) =>
    of.has(e.seq) ||
    e.body.kind === "end" ||
    e.body.kind === "undo" ||
    // Arguments of later writes, requests of later waits and the failures that scopes met may say what is to go.
    (e.seq > first && e.row.data !== null && TELLS.has(e.body.kind)) ||
    (e.body.kind === "outcome" && of.has(e.body.intent))
  const beside = ({ row }: (typeof entries)[number]) =>
    row.data !== null || row.asked !== undefined || row.told !== undefined
  const seqs = entries.filter((e) => chosen(e) && beside(e))
  const plain = seqs.find(({ row, redacted }) => !redacted && row.asked === undefined && row.told === undefined)
  if (plain !== undefined)
    throw refuse(`entry ${plain.seq} was recorded without a salt, and holds the hashes themselves`)
  return {
    seqs: seqs.map((e) => e.seq),
    inputs: entries.filter((e) => !chosen(e) && e.seq > first && e.row.asked !== undefined).map((e) => e.seq),
  }
}

/** Kinds of entry beside which stands what a call was given, or what another call came to. */
const TELLS: ReadonlySet<EntryKind> = new Set(["intent", "parked", "met"])

/** The effect itself, and what took it back: that was called with its answer. */
const isOf = (at: string, path: string): boolean => at === path || at === `${path}.${UNDO}`
