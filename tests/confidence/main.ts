// `npm run confidence`: 200 recalibrations of a really trained, imperfect shadow against the exact truth of its domain, and
// six ways in which calls stop being like the log. `-- --runs 50` does fewer.
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { errorMaxOf, recalibrations, reopenings, shifts, subject } from "./campaign.ts"

const { values } = parseArgs({
  options: { runs: { type: "string", default: "200" }, calls: { type: "string", default: "50000" } },
})
const trained = await subject()
const found = recalibrations(trained, Number(values.runs))
const again = reopenings(trained, Number(values.runs))
const shifted = shifts(trained, Number(values.calls))
const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

const report = new Report("Confidence of shadows", "npm run confidence")
report.text(
  `A network that compares two numbers in three ways, trained on some of 12,288 inputs; without a door it is wrong on ${percent(found.errorAll)} ` +
    `of the others. ${found.runs} calibrations (alpha 1 %, delta 2 %) on 2,000 cases each, drawn anew, each threshold held against all of ` +
    `those inputs: ${found.without} came to no threshold, the others answer ${percent(found.coverageMean)} on average; the worst has ${percent(found.errorMax)} wrong.`,
)
report.text(
  `${again.runs} doors that drift has shut, each hearing calls like those of the calibration again: ${again.opened} are opened within three blocks, ` +
    `${again.breaks} of them to more than 1 % wrong. Where 1.1 % of all answers are made wrong besides, ${again.breaksOfWorse} of ${again.runs} are opened all the same; delta allows 2 %.`,
)
report.text(
  "Streams that shift after a tenth; every call is heard, as speculation does, so a door that was shut may open again:",
)
report.table(
  ["shift", "calls", "answered", "wrong", "answered at the end", "door", "opened again"],
  shifted.map((s) => [
    s.family,
    String(s.calls),
    String(s.accepted),
    `${s.wrong} (${percent(s.accepted === 0 ? 0 : s.wrong / s.accepted)})`,
    percent(s.coverageEnd),
    s.closed ? "shut by the watch" : "open",
    String(s.opened),
  ]),
)
report.figure("shadow.alpha_breaks_of_200", found.breaks, undefined, "≤ 10")
report.figure("shadow.reopened_breaks_of_200", Math.max(again.breaks, again.breaksOfWorse), undefined, "≤ 10")
report.figure(
  "shadow.shift_error_pct_max",
  Number((100 * errorMaxOf(shifted)).toFixed(4)),
  "%",
  "≤ 1, of streams in which it still answers at the end",
)
report.end()
process.exitCode =
  found.breaks <= 10 && Math.max(again.breaks, again.breaksOfWorse) <= 10 && errorMaxOf(shifted) <= 0.01 ? 0 : 1
