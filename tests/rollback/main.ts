// `npm run rollback`: guesses that turn out wrong at a hundred thousand points of random runs, on all processors. `-- --points
// 5000 --seed today` says how many and which. Every run that comes to something else, or sends what it should not, is printed.
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { emptyTally, rollBacks, type Tally } from "./campaign.ts"

const { values } = parseArgs({
  options: {
    points: { type: "string", default: "100000" },
    seed: { type: "string", default: "rollback" },
    jobs: { type: "string", default: String(availableParallelism()) },
    /** The first graph of a part, in a process of its own. */
    part: { type: "string" },
  },
})
/** Graphs that one process does, and runs of each. */
const GRAPHS = 40
const RUNS = 10

type Count = Exclude<keyof Tally, "wrong">
const COUNTS: readonly Count[] = ["runs", "points", "mismatches", "unverifiedWrites", "writes", "guesses", "discarded"]

if (values.part === undefined) await all(Number(values.points), Number(values.jobs))
else {
  const tally = emptyTally()
  for (let i = 0; i < GRAPHS; i++) await rollBacks(`${values.seed}.${Number(values.part) + i}`, RUNS, tally)
  process.stdout.write(JSON.stringify(tally))
}

async function all(points: number, jobs: number): Promise<void> {
  const total = emptyTally()
  const began = performance.now()
  let next = 0
  const worker = async () => {
    while (total.points < points) {
      const from = next
      next += GRAPHS
      const tally = await part(from)
      for (const key of COUNTS) total[key] += tally[key]
      total.wrong.push(...tally.wrong)
      const seconds = ((performance.now() - began) / 1000).toFixed(0)
      console.log(`${total.points} points in ${total.runs} runs, ${total.mismatches} mismatches, ${seconds} s`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  for (const wrong of total.wrong.slice(0, 20)) console.log(wrong)
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
  process.exitCode = total.mismatches + total.unverifiedWrites === 0 ? 0 : 1
}

/** A part of the campaign in a process of its own. */
function part(from: number): Promise<Tally> {
  const args = ["--seed", values.seed, "--part", `${from}`]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [import.meta.filename, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let text = ""
    child.stdout.on("data", (chunk) => {
      text += String(chunk)
    })
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as Tally)
      else reject(new TypeError(`Graphs from ${from} on ended with code ${code}: ${text}`))
    })
  })
}
