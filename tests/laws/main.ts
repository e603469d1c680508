// `npm run laws`: the laws on many random graphs, on all processors. `-- --graphs 100000 --seed today` says how many and
// which, `-- --only today.17` looks at one. A graph that breaks a law is made small and printed.
import { printGraph } from "../../graph/file/mod.ts"
import { campaign, figures } from "../campaign.ts"
import { type Broken, judge } from "./agree.ts"
import { campaign as laws, nothing } from "./campaign.ts"
import { graphsOf } from "./declaring.ts"
import { someGraph, someReads } from "./graphs.ts"
import { kinds } from "./runs.ts"
import { graphText, shrunk } from "./shrink.ts"

const SHOWN_MAX = 5

await campaign(import.meta.filename, {
  cases: "graphs",
  count: 100_000,
  seed: "laws",
  part: 2_000,
  flags: ["reads"],
  nothing,
  does: (seed, from, count, flags) => laws(seed, from, count, undefined, graphOf(flags)),
  says: ({ graphs, broken }) => `${graphs} graphs, ${broken.length} break a law`,
  only: keeps,
  ends: async ({ graphs, refused, ended, ahead, undos, again, broken }, flags, whole) => {
    for (const { seed } of broken.slice(0, SHOWN_MAX)) await keeps(seed, flags)
    for (const { seed, law } of broken.slice(SHOWN_MAX)) console.log(`${seed}: ${law}`)
    const { kept, wrong, discarded } = ahead
    const says =
      `${ended.value} ended in a value, ${ended.failure} in a failure, ${refused} were no graphs; looking ahead, ${kept} guesses were ` +
      `kept, ${wrong} rolled back, and ${discarded} reads called in vain; ${undos} runs took back what they had done; ${again.cut} were cut ` +
      `and went on, ${again.rested} times one rested for days, ${again.replayed} were computed again from their record`
    const told = { title: "Laws", command: "npm run laws", says, whole }
    figures({ "laws.graphs": graphs, "laws.mismatches": broken.length }, told)
    return broken.length === 0
  },
})

/** Graphs that are mostly reads, which looking ahead is for, or any. */
function graphOf(flags: ReadonlySet<string>): typeof someGraph {
  return flags.has("reads") ? someReads : someGraph
}

/** Prints the smallest graph found that breaks the same law. Says whether the seed keeps them all. */
async function keeps(seed: string, flags: ReadonlySet<string>): Promise<boolean> {
  const graph = graphOf(flags)(seed)
  const [first] = (await judge(graph, seed)).broken
  if (first === undefined) {
    console.log(`${seed} keeps the laws`)
    return true
  }
  const same = alike(first)
  const small = await shrunk(graph, async (other) => {
    try {
      return (await judge(other, seed)).broken.some(same)
    } catch {
      // It breaks something else.
      return false
    }
  })
  const how = (await judge(small, seed)).broken.find(same)?.how ?? first.how
  console.log(`\n${seed} breaks a law: ${first.law}\n${how}\n${text(small)}`)
  return false
}

/** The same law in the same way, as far as words without numbers and names tell. */
function alike(first: Broken): (other: Broken) => boolean {
  const key = ({ law, how }: Broken) =>
    `${law} ${how
      .replace(/^[^:]*: /, "")
      .replace(/[0-9]+/g, "")
      .slice(0, 25)}`
  return (other) => key(other) === key(first)
}

function text(graph: ReturnType<typeof someGraph>): string {
  try {
    return [...graphsOf(graph)].map((each) => printGraph(each, kinds)).join("\n")
  } catch {
    // Made small it may be no graph that a file can say.
    return graphText(graph)
  }
}
