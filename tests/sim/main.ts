// `npm run sim [-- --seeds 10000 --seed today --jobs 2]`: worlds from seeds, lived through. A seed in which anything is
// wrong prints itself, made small; `--only "today 17"` looks at one.
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { textOf } from "./graphs.ts"
import { live, type Scenario, scenarioOf } from "./live.ts"
import { shrunk } from "./shrink.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    seed: { type: "string", default: "sim" },
    from: { type: "string", default: "0" },
    jobs: { type: "string", default: String(availableParallelism()) },
    only: { type: "string" },
    part: { type: "boolean", default: false },
  },
})
/** Seeds that one process lives through before another takes over. */
const PART = 500
const SHOWN_MAX = 5

interface Tally {
  seeds: number
  processes: number
  applied: number
  value: number
  failure: number
  refused: number
  wrong: string[]
}
const nothing = (): Tally => ({ seeds: 0, processes: 0, applied: 0, value: 0, failure: 0, refused: 0, wrong: [] })

if (values.only !== undefined) process.exit((await show(values.only)) ? 1 : 0)
else if (values.part) process.stdout.write(JSON.stringify(await lived(Number(values.from), Number(values.seeds))))
else await all(Number(values.seeds), Number(values.jobs))

async function lived(from: number, count: number): Promise<Tally> {
  const tally = nothing()
  for (let i = from; i < from + count; i++) {
    const { wrong, processes, applied, ended } = await live(scenarioOf(`${values.seed} ${i}`))
    tally.seeds++
    tally.processes += processes
    tally.applied += applied
    tally.value += ended.value
    tally.failure += ended.failure
    tally.refused += ended.refused
    if (wrong.length > 0) tally.wrong.push(`${values.seed} ${i}`)
  }
  return tally
}

async function all(count: number, jobs: number): Promise<void> {
  const total = nothing()
  const began = performance.now()
  let next = 0
  const worker = async () => {
    while (next < count) {
      const from = next
      next += PART
      const tally = await part(from, Math.min(PART, count - from))
      for (const key of ["seeds", "processes", "applied", "value", "failure", "refused"] as const)
        total[key] += tally[key]
      total.wrong.push(...tally.wrong)
      const seconds = ((performance.now() - began) / 1000).toFixed(0)
      console.log(`${total.seeds} seeds, ${total.wrong.length} in which something is wrong, ${seconds} s`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  for (const seed of total.wrong.slice(0, SHOWN_MAX)) await show(seed)
  for (const seed of total.wrong.slice(SHOWN_MAX)) console.log(seed)
  console.log(
    `${total.processes} processes, of which ${total.processes - total.seeds} took up what another had left; ${total.applied} writes done; ` +
      `runs: ${total.value} ended in a value, ${total.failure} in a failure; ${total.refused} graphs refused for want of a grant`,
  )
  console.log(`figure sim.seeds ${total.seeds}`)
  console.log(`figure sim.violations ${total.wrong.length}`)
  process.exit(total.wrong.length > 0 ? 1 : 0)
}

function part(from: number, count: number): Promise<Tally> {
  const args = ["--part", "--seed", values.seed, "--from", `${from}`, "--seeds", `${count}`]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [import.meta.filename, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let text = ""
    child.stdout.on("data", (chunk) => {
      text += String(chunk)
    })
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as Tally)
      else reject(new TypeError(`Seeds ${from} to ${from + count - 1} ended with code ${code}: ${text}`))
    })
  })
}

/** Prints a seed in which something is wrong, made small. Says whether something is. */
async function show(seed: string): Promise<boolean> {
  const scenario = scenarioOf(seed)
  const { wrong } = await live(scenario)
  if (wrong.length === 0) {
    console.log(`${seed}: nothing is wrong`)
    return false
  }
  const small = await shrunk(scenario)
  console.log(`\n${seed}:\n${(await live(small)).wrong.join("\n")}\n${told(small)}`)
  return true
}

function told({ nodes, inputs, strikes, withheld }: Scenario): string {
  const faults = strikes.map((s) => `${s.fault} at ${s.at}`).join(", ")
  const without = withheld === undefined ? "" : `; without ${withheld}`
  return `${textOf(nodes)}inputs ${inputs.join(", ")}; ${faults || "no faults"}${without}`
}
