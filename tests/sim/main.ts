// `npm run sim [-- --seeds 10000 --seed today --jobs 2]`: worlds from seeds, lived through. A seed in which anything is
// wrong prints itself, made small; `--only "today 17"` looks at one.
import { campaign, figures } from "../campaign.ts"
import { textOf } from "./graphs.ts"
import { live, type Scenario, scenarioOf } from "./live.ts"
import { shrunk } from "./shrink.ts"

const SHOWN_MAX = 5

interface Tally {
  seeds: number
  processes: number
  applied: number
  undone: number
  stopped: number
  rivals: number
  kept: number
  guessedWrong: number
  value: number
  failure: number
  refused: number
  wrong: string[]
}
const nothing = (): Tally => ({
  seeds: 0,
  processes: 0,
  applied: 0,
  undone: 0,
  stopped: 0,
  rivals: 0,
  kept: 0,
  guessedWrong: 0,
  value: 0,
  failure: 0,
  refused: 0,
  wrong: [],
})

await campaign(import.meta.filename, {
  cases: "seeds",
  count: 10_000,
  seed: "sim",
  part: 250,
  nothing,
  does: lived,
  says: ({ seeds, wrong }) => `${seeds} seeds, ${wrong.length} in which something is wrong`,
  only: isWell,
  ends: async (
    { seeds, processes, applied, undone, stopped, rivals, kept, guessedWrong, value, failure, refused, wrong },
    _,
    whole,
  ) => {
    for (const seed of wrong.slice(0, SHOWN_MAX)) await isWell(seed)
    for (const seed of wrong.slice(SHOWN_MAX)) console.log(seed)
    const says =
      `${processes} processes, of which ${processes - seeds} took up what another had left; ${applied} writes done, ` +
      `${undone} of them undos; ${stopped} runs that somebody ended, ${rivals} times two went on with the same at once; ${kept} guesses were right and ${guessedWrong} wrong; runs: ${value} ended in a value, ${failure} in a failure; ` +
      `${refused} graphs refused for want of a grant`
    const told = { title: "Seeded worlds", command: "npm run sim", says, whole }
    figures({ "sim.seeds": seeds, "sim.violations": wrong.length }, told)
    return wrong.length === 0
  },
})

async function lived(seed: string, from: number, count: number): Promise<Tally> {
  const tally = nothing()
  for (let i = from; i < from + count; i++) {
    const { wrong, processes, applied, undone, stopped, rivals, guesses, ended } = await live(
      scenarioOf(`${seed} ${i}`),
    )
    tally.seeds++
    tally.processes += processes
    tally.applied += applied
    tally.undone += undone
    tally.stopped += stopped
    tally.rivals += rivals
    tally.kept += guesses.kept
    tally.guessedWrong += guesses.wrong
    tally.value += ended.value
    tally.failure += ended.failure
    tally.refused += ended.refused
    if (wrong.length === 0) continue
    tally.wrong.push(`${seed} ${i}`)
    // Said at once: what depends on how busy the machine is may not be met again.
    console.error(`${seed} ${i}: ${wrong.join("; ")}`)
  }
  return tally
}

/** Prints a seed in which something is wrong, made small. Says whether nothing is. */
async function isWell(seed: string): Promise<boolean> {
  const scenario = scenarioOf(seed)
  const { wrong } = await live(scenario)
  if (wrong.length === 0) {
    console.log(`${seed}: nothing is wrong`)
    return true
  }
  const small = await shrunk(scenario)
  console.log(`\n${seed}:\n${(await live(small)).wrong.join("\n")}\n${told(small)}`)
  return false
}

function told({ nodes, inputs, strikes, withheld, undo, ahead, stops = [], rivals, redacts }: Scenario): string {
  const faults = strikes.map((s) => `${s.fault} at ${s.at}`).join(", ")
  const ended = stops.map(({ at, run }) => `; ${run} is to end at ${at}`).join("")
  const without = withheld === undefined ? "" : `; without ${withheld}`
  return `${textOf(nodes, undo === "on failure")}inputs ${inputs.join(", ")}; ${faults || "no faults"}${without}; undone: ${undo}${ahead ? "; looking ahead" : ""}${ended}${rivals ? "; with rivals" : ""}${redacts ? "; redacted" : ""}`
}
