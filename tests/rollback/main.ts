// `npm run rollback`: guesses that turn out wrong at a hundred thousand points of random runs, on all processors. `-- --points
// 5000 --seed today` says how many and which, `-- --only today.17` looks at one graph. Every run that comes to something else,
// or sends what it should not, is printed.
import { Report } from "../../bench/report.ts"
import { campaign } from "../campaign.ts"
import { emptyTally, rollBacks, type Tally } from "./campaign.ts"

/** Runs of each graph, and lines that are printed at most. */
const RUNS = 10
const SHOWN_MAX = 20

const wrongIn = ({ mismatches, unverifiedWrites }: Tally): number => mismatches + unverifiedWrites

await campaign<Tally>(import.meta.filename, {
  cases: "points",
  count: 100_000,
  seed: "rollback",
  part: 40,
  nothing: emptyTally,
  does: async (seed, from, graphs) => {
    const tally = emptyTally()
    for (let i = from; i < from + graphs; i++) await rollBacks(`${seed}.${i}`, RUNS, tally)
    return tally
  },
  enough: ({ points }, count) => points >= count,
  says: ({ points, runs, mismatches }) => `${points} points in ${runs} runs, ${mismatches} mismatches`,
  only: async (graph) => {
    const tally = emptyTally()
    await rollBacks(graph, RUNS, tally)
    for (const wrong of tally.wrong) console.log(wrong)
    console.log(`${tally.points} points in ${tally.runs} runs, ${wrongIn(tally)} wrong`)
    return wrongIn(tally) === 0
  },
  ends: (total) => {
    for (const wrong of total.wrong.slice(0, SHOWN_MAX)) console.log(wrong)
    const report = new Report("Rolling back", "npm run rollback")
    report.text(
      "Random graphs of reads and writes, run alone and looking ahead with shadows that are right 20 to 100 times of a " +
        "hundred. Wherever guesses were refuted, the run's state (steps done, what those under way were given, fuel left) is " +
        "held against that of a run that never looked ahead and has learnt the same; at the end value, trace and every write. " +
        `${total.guesses} guesses, ${total.discarded} reads called in vain, ${total.writes} writes.`,
    )
    report.figure("rollback.points", total.points, undefined, "≥ 100,000")
    report.figure("rollback.mismatches", total.mismatches, undefined, "0")
    report.figure("rollback.unverified_writes", total.unverifiedWrites, undefined, "0")
    report.end()
    return wrongIn(total) === 0
  },
})
