// `npm run kill9 [-- --runs N]`: N times kill -9 (1,000 by default); exit code 1 where anything was lost or done twice.
import { parseArgs } from "node:util"
import { figures } from "../campaign.ts"
import { campaign } from "./campaign.ts"

const RUNS = 1_000

const { values } = parseArgs({ options: { runs: { type: "string", default: String(RUNS) } } })
const begun = performance.now()
const report = await campaign(Number(values.runs), (line) => console.log(line))
const { kills, runs, wrong, crashes, lost, double, asked } = report
const says = `${kills} kills in ${Math.round((performance.now() - begun) / 1000)} s over ${runs} runs; a person was asked ${asked} times`
if (crashes > 0) console.log(`workers that went by themselves: ${crashes}`)
if (wrong.length > 0) console.log(`wrong: ${wrong.slice(0, 20).join(" ")}`)
const counted = {
  "kernel.kill9_runs": kills,
  "kernel.kill9_lost": lost + wrong.length + crashes,
  "kernel.kill9_double": double,
}
figures(counted, { title: "Processes killed", command: "npm run kill9", says, whole: kills >= RUNS })
process.exit(lost + wrong.length + crashes + double > 0 || kills < Number(values.runs) ? 1 : 0)
