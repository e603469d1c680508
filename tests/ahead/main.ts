// `npm run ahead`: the trace hash of a run that looks ahead is that of the run that does not, on every example and on ten
// thousand random graphs. `-- --graphs 1000 --seed today` says how many and which, `-- --only today.17` looks at one.
import { Report } from "../../bench/report.ts"
import { campaign } from "../campaign.ts"
import { add, nothing, sideBySide, type Tally } from "./campaign.ts"
import { files, lookAhead, nothing as noExamples } from "./examples.ts"

const SHOWN_MAX = 20

await campaign<Tally>(import.meta.filename, {
  cases: "graphs",
  count: 10_000,
  seed: "ahead",
  part: 500,
  nothing,
  does: async (seed, from, count) => {
    const tally = nothing()
    for (let i = from; i < from + count; i++) add(tally, await sideBySide(`${seed}.${i}`))
    return tally
  },
  enough: ({ compared }, count) => compared >= count,
  says: ({ compared, different }) => `${compared} graphs compared, ${different.length} differ`,
  only: async (seed) => {
    const { different, ...counts } = await sideBySide(seed)
    console.log(different[0] ?? `${seed}: no difference`, counts)
    return different.length === 0
  },
  ends: async ({ compared, failed, kept, wrong, discarded, different }) => {
    const examples = noExamples()
    for (const file of files) await lookAhead(file, examples)
    for (const how of [...examples.differences, ...different].slice(0, SHOWN_MAX)) console.log(how)
    const report = new Report("Looking ahead changes nothing", "npm run ahead")
    report.text(
      "Value and trace hash of a run that looks ahead against those of the run that does not. Random graphs of reads and writes, " +
        `with shadows good and bad: ${kept} guesses kept, ${wrong} rolled back, ${discarded} reads called in vain; ${failed} more graphs ` +
        "ended in a failure or met one, after which what else had happened depends on time (`npm run laws -- --reads` explains " +
        `these from their records). ${files.length} examples, all reads marked, on drawn inputs: ${examples.values} of ` +
        `${examples.runs} runs ended in a value; ${examples.guesses} guesses, ${examples.wrong} of them wrong.`,
    )
    report.figure("ahead.graphs", compared, undefined, "≥ 10,000")
    report.figure("ahead.examples", files.length)
    report.figure("ahead.differences", different.length + examples.differences.length, undefined, "0")
    report.end()
    return different.length + examples.differences.length === 0
  },
})
