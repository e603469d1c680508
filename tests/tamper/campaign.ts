/**
 * The campaign: random ledgers, and of each many changed ones. A change counts as found only where the audit says the right
 * place; and a ledger that nobody touched must be whole.
 */
import { auditLedger, type SignedHead } from "../../audit/mod.ts"
import { Chance } from "../hostile/chance.ts"
import { digest, keys, type Made, makeLedger } from "./ledger.ts"
import { TAMPERS } from "./tampers.ts"

export interface Tally {
  readonly name: string
  made: number
  missed: number
}
export interface Campaign {
  readonly ledgers: number
  readonly tampers: number
  /** Not found, or found at another place; each with its seed. */
  readonly missed: readonly string[]
  /** Untouched ledgers that were called broken. */
  readonly alarms: readonly string[]
  readonly sorts: readonly Tally[]
}

const TRIGGERS = [
  "ledger_in_order",
  "ledger_no_update",
  "ledger_no_delete",
  "ledger_log_no_update",
  "ledger_log_no_delete",
]
/** Changed ledgers for each ledger that is made. */
const PER_LEDGER = 60

export async function campaign(seed: number, tampers: number): Promise<Campaign> {
  const { own, foreign } = await keys()
  const sorts = TAMPERS.map(({ name }): Tally => ({ name, made: 0, missed: 0 }))
  const missed: string[] = []
  const alarms: string[] = []
  let [ledgers, done, turn] = [0, 0, 0]
  const audit = (made: Made, heads: readonly SignedHead[]) =>
    auditLedger(made.ledger.archive, { digest, verify: own.verify, heads, piece: 50 })
  while (done < tampers) {
    const at = seed + ledgers
    const chance = new Chance(at)
    const made = await makeLedger(chance, own)
    ledgers++
    const clean = await audit(made, [])
    if (!clean.ok || clean.unsigned > 0)
      alarms.push(`seed ${at}: ${JSON.stringify(clean.findings[0] ?? clean.unsigned)}`)
    for (const trigger of TRIGGERS) made.storage.all(`DROP TRIGGER ${trigger}`, [])
    for (let i = 0; i < PER_LEDGER && done < tampers; i++) {
      const which = turn++ % TAMPERS.length
      const tamper = TAMPERS[which]!
      made.storage.all("SAVEPOINT tamper", [])
      const expected = await tamper.make(made, chance, foreign)
      if (expected !== undefined) {
        done++
        sorts[which]!.made++
        const { findings } = await audit(made, tamper.external ? clean.heads : [])
        if (!findings.some(expected)) {
          sorts[which]!.missed++
          missed.push(`seed ${at}, ${tamper.name}: ${JSON.stringify(findings.slice(0, 2))}`)
        }
      }
      made.storage.all("ROLLBACK TO tamper", [])
      made.storage.all("RELEASE tamper", [])
    }
    await made.ledger.close()
  }
  return { ledgers, tampers: done, missed, alarms, sorts }
}
