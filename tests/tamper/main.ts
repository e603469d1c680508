/** `npm run tamper [-- --tampers N --seed N]`: is every change of a ledger found, and where? Exit code 1 where one is not. */
import { parseArgs } from "node:util"
import { figures } from "../campaign.ts"
import { campaign } from "./campaign.ts"

const TAMPERS = 20_000

const { values } = parseArgs({ options: { tampers: { type: "string" }, seed: { type: "string" } } })
const count = Number(values.tampers ?? TAMPERS)
const seed = Number(values.seed ?? 1)
const { ledgers, tampers, missed, alarms, sorts } = await campaign(seed, count)
for (const { name, made, missed: lost } of sorts)
  console.log(`${String(made).padStart(6)}  ${lost === 0 ? "all found" : `${lost} MISSED`}  ${name}`)
for (const line of [...missed.slice(0, 10), ...alarms.slice(0, 10)]) console.log(line)
// With no miss in n independent tries, more than this share of misses is ruled out at 95 %.
const says = `${tampers} tampers of ${ledgers} ledgers, ${missed.length} missed (none in n: at most ${(3 / tampers).toExponential(1)} at 95 %), ${alarms.length} false alarms`
const told = { title: "Tampering with ledgers", command: "npm run tamper", says, whole: count >= TAMPERS }
figures({ "ledger.tampers": tampers, "ledger.tampers_missed": missed.length }, told)
process.exit(missed.length + alarms.length === 0 ? 0 : 1)
