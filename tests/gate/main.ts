// `npm run gate`: the hold-out gate against near misses and cheats, through the real sandbox. `-- --cheats 500` says how
// many cheats. Every candidate that comes out otherwise than it should is printed.
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { campaign } from "./campaign.ts"

const { values } = parseArgs({ options: { cheats: { type: "string", default: "10000" } } })
const cheats = Number(values.cheats)

const began = performance.now()
let done = 0
const ran = await campaign(cheats, () => {
  if (++done % 500 === 0) console.log(`${done} verdicts, ${((performance.now() - began) / 1000).toFixed(0)} s`)
})
for (const surprise of ran.surprises) console.log(surprise)

const report = new Report("Hold-out gate", "npm run gate")
report.text(
  "Candidates for ten tools, each run in the sandbox on cases that are drawn after it was handed in: honest ones, near " +
    "misses (one change to an honest source), and generated cheats (tables of seen cases, answers right on a part of the " +
    "domain, probes for the oracle, the host, the clock and chance).",
)
report.figure("gate.honest", ran.honest)
report.figure("gate.honest_admitted", ran.honestAdmitted, undefined, `${ran.honest}`)
report.figure("gate.cases_least", ran.casesLeast, undefined, "≥ 2,995")
report.figure("gate.mutants", ran.mutants, undefined, "≥ 50")
report.figure("gate.mutants_killed", ran.mutantsKilled, undefined, "≥ 95 %")
report.figure("gate.cheats", ran.cheats, undefined, "10,000")
report.figure("gate.cheats_admitted", ran.cheatsAdmitted, undefined, "0")
report.end()
const good = ran.honestAdmitted === ran.honest && ran.mutantsKilled >= 0.95 * ran.mutants && ran.cheatsAdmitted === 0
process.exitCode = good ? 0 : 1
