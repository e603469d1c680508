/** Which run of a ledger is meant: by the beginning of its id, in the space that `--space` names. */
import type { LedgerStore } from "../../kernel/mod.ts"
import { SqlLedger } from "../ledger/sql.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"

/** Runs that are looked through for one that begins so. */
const LOOKED_AT = 100_000

/** The tenant whose runs are meant; the command line's own have none. */
export const spaceOf = (call: Call): string => call.text("space") ?? ""

/** The one run whose id begins so. Fails with `CliError`. */
export async function runNamed(ledger: LedgerStore, space: string, word: string): Promise<string> {
  // Of a whole id there may be more and later runs than are looked through.
  if ((await ledger.entries(space, word)).rows.length > 0) return word
  const found = (await ledger.runs(space, LOOKED_AT)).filter(({ run }) => run.startsWith(word.replace(/…$/, "")))
  if (found.length === 1) return found[0]!.run
  if (found.length > 1) throw usage(`"${word}" begins ${found.length} runs`, ...found.slice(0, 5).map((h) => h.run))
  throw noRun(word, space, ledger instanceof SqlLedger ? await ledger.archive.spaces() : [])
}

/** `spaces`: that have runs. */
export function noRun(word: string, space = "", spaces: readonly string[] = []): CliError {
  const others = spaces.filter((other) => other !== space)
  const named = others.map((other) =>
    other === "" ? "without --space: the runs of the command line" : `--space ${other}`,
  )
  return new CliError({
    reason: "failed",
    message: `There is no run "${word}" in ${space === "" ? "this folder's ledger" : `space "${space}" of this folder's ledger`}`,
    hints: [...(space === "" ? ["shadowgraph runs   lists them"] : []), ...named.slice(0, 5)],
    exit: EXIT.failed,
  })
}
