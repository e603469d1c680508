/**
 * `npm run bench:encodings`: which way to show numbers to a small model learns arithmetic best. It does what
 * `docs/shadows/ablation.md` laid down before the first run: four tasks, four encodings, ten seeds, two hold-outs, and a
 * claim only where intervals do not overlap. `-- --seeds 2 --steps 200 --dry` tries it out and leaves no results.
 */
import { writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import { geometryOf, geometryPicture, geometryTable } from "../shadow/mod.ts"
import type { Job, Score } from "./encodings/run.ts"
import { type Interval, intervalOf, separated } from "./encodings/statistics.ts"
import { CODED, CODES, type Code, HOLD_OUTS, operand, STEPS, TASKS, type Task } from "./encodings/task.ts"
import { Report, show } from "./report.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10" },
    steps: { type: "string", default: String(STEPS) },
    workers: { type: "string", default: String(Math.min(2, availableParallelism())) },
    dry: { type: "boolean", default: false },
  },
})
const [seeds, steps] = [Number(values.seeds), Number(values.steps)]

const jobs: Job[] = []
for (let seed = 1; seed <= seeds; seed++) {
  for (const task of TASKS) for (const code of CODES) jobs.push({ task, code, seed, steps })
}

const began = performance.now()
const scores = await all(jobs, Number(values.workers))
const seconds = (performance.now() - began) / 1000

type HoldOut = (typeof HOLD_OUTS)[number]
const found = (task: Task, code: Code, holdOut: HoldOut): Interval =>
  intervalOf(scoresOf(task, code).map((s) => (holdOut === "random" ? s.random : s.outside)))
function scoresOf(task: Task, code: Code): Score[] {
  return jobs.flatMap((job, i) => (job.task === task && job.code === code ? [scores[i]!] : []))
}

const report = new Report("Encodings compared", "npm run bench:encodings")
report.text(
  `Share of hold-out pairs answered exactly, in percent: mean over ${seeds} seeds and its 95 % interval by Student's t. ` +
    `${jobs.length} trainings of ${steps} steps in ${seconds.toFixed(0)} s, as docs/shadows/ablation.md laid down before the first run.`,
)
for (const holdOut of HOLD_OUTS) {
  report.table(
    [holdOut, ...CODES],
    TASKS.map((task) => [task, ...CODES.map((code) => inPercent(found(task, code, holdOut)))]),
  )
}
report.table(
  ["parameters", ...CODES],
  TASKS.map((task) => [task, ...CODES.map((code) => String(scoresOf(task, code)[0]!.parameters))]),
)
report.text(sentence())

const geometry = CODES.map((code) => geometryOf(operand, { name: `${code}, 8 bits`, features: CODED[code] }))
report.text(geometryTable(geometry))
for (const task of TASKS) {
  for (const code of CODES) {
    for (const holdOut of HOLD_OUTS) {
      const name = `encodings.${task.toLowerCase()}.${code.toLowerCase()}.${holdOut === "random" ? "random" : "outside"}_pct`
      report.figure(name, 100 * found(task, code, holdOut).mean, "%")
    }
  }
}
if (!values.dry) {
  writeFileSync(join(import.meta.dirname, "../docs/shadows/geometry.svg"), `${geometryPicture(geometry)}\n`)
  report.end()
} else console.log(geometryTable(geometry))

function inPercent({ mean, low, high }: Interval): string {
  return `${show(100 * mean)} [${show(100 * low)}, ${show(100 * high)}]`
}

/** Encodings that no other one lies above, by the protocol's rule. */
function leaders(task: Task, holdOut: HoldOut): Code[] {
  const at = (code: Code) => found(task, code, holdOut)
  return CODES.filter((a) => !CODES.some((b) => separated(at(b), at(a)) > 0))
}

/** What was found, in one sentence: who is not beaten, task by task, and whether anybody is unbeaten everywhere. */
function sentence(): string {
  const always = CODES.filter((code) => HOLD_OUTS.every((h) => TASKS.every((task) => leaders(task, h).includes(code))))
  const parts = HOLD_OUTS.map((holdOut) => {
    const each = TASKS.map((task) => {
      const first = leaders(task, holdOut)
      const best = Math.max(...first.map((code) => found(task, code, holdOut).mean))
      const names = first.length === CODES.length ? "nothing separated" : first.join(", ")
      return `${task} ${names} (at best ${show(100 * best)} %)`
    })
    return `${holdOut === "random" ? "on the random hold-out" : "out of range"} ${each.join(", ")}`
  })
  const verdict =
    always.length === 0
      ? "no encoding is unbeaten everywhere"
      : `${always.join(" and ")} ${always.length === 1 ? "is" : "are"} unbeaten everywhere`
  return `Found: ${verdict}; those that no other one lies above are, ${parts.join("; ")}.`
}

/** Does all jobs on so many threads; the scores are in the order of the jobs. */
function all(todo: readonly Job[], threads: number): Promise<Score[]> {
  const out = new Array<Score>(todo.length)
  let [next, done] = [0, 0]
  return new Promise((resolve, reject) => {
    for (let t = 0; t < threads; t++) {
      const worker = new Worker(new URL("./encodings/worker.ts", import.meta.url))
      let mine = -1
      const give = () => {
        if (next < todo.length) worker.postMessage(todo[(mine = next++)])
        else void worker.terminate()
      }
      worker.on("error", reject)
      worker.on("message", ({ job, score }: { job: Job; score: Score }) => {
        out[mine] = score
        done++
        const at = `${done} of ${todo.length}`
        console.log(
          `${at}: ${job.task} ${job.code} seed ${job.seed}: ${show(100 * score.random)} % and ${show(100 * score.outside)} %, ${score.seconds.toFixed(1)} s`,
        )
        if (done === todo.length) resolve(out)
        give()
      })
      give()
    }
  })
}
