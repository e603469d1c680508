/** `--ledger`, read alike by every command that takes it. */
import { isLedgerPlace, LEDGER_PLACES, type LedgerPlace } from "../ledger/place.ts"
import { type Call, usage } from "./command.ts"

/** What `--ledger` says. Fails with `CliError` (`usage`). */
export function ledgerOf(call: Call): LedgerPlace | undefined {
  const ledger = call.text("ledger")
  if (ledger === undefined || isLedgerPlace(ledger)) return ledger
  throw usage(`--ledger must be ${LEDGER_PLACES}; found "${ledger}"`)
}
