// `npm run laws`: the laws on many random graphs, on all processors. `-- --graphs 100000 --seed today` says how many and
// which, `-- --only today.17` looks at one. A graph that breaks a law is made small and printed.
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { printGraph } from "../../graph/file/mod.ts"
import { type Broken, judge } from "./agree.ts"
import { campaign, type Tally } from "./campaign.ts"
import { someGraph, someReads } from "./graphs.ts"
import { kinds } from "./runs.ts"
import { graphText, shrunk } from "./shrink.ts"

const { values } = parseArgs({
  options: {
    graphs: { type: "string", default: "100000" },
    seed: { type: "string", default: "laws" },
    from: { type: "string", default: "0" },
    jobs: { type: "string", default: String(availableParallelism()) },
    only: { type: "string" },
    part: { type: "boolean", default: false },
    /** Graphs that are mostly reads, which looking ahead is for. */
    reads: { type: "boolean", default: false },
  },
})
/** Graphs that one process does before another takes over: its memory goes with it. */
const PART = 2_000
const SHOWN_MAX = 5
const graphOf = values.reads ? someReads : someGraph

if (values.only !== undefined) process.exitCode = (await show(values.only)) ? 1 : 0
else if (values.part) {
  const tally = await campaign(values.seed, Number(values.from), Number(values.graphs), undefined, graphOf)
  process.stdout.write(JSON.stringify(tally))
} else await all(Number(values.graphs), Number(values.jobs))

async function all(count: number, jobs: number): Promise<void> {
  const total: Tally = {
    graphs: 0,
    refused: 0,
    ended: { value: 0, failure: 0 },
    ahead: { kept: 0, wrong: 0, discarded: 0 },
    undos: 0,
    broken: [],
  }
  const began = performance.now()
  let next = 0
  const worker = async () => {
    while (next < count) {
      const from = next
      next += PART
      const tally = await part(from, Math.min(PART, count - from))
      total.graphs += tally.graphs
      total.refused += tally.refused
      total.ended.value += tally.ended.value
      total.ended.failure += tally.ended.failure
      for (const key of ["kept", "wrong", "discarded"] as const) total.ahead[key] += tally.ahead[key]
      total.undos += tally.undos
      total.broken.push(...tally.broken)
      const seconds = ((performance.now() - began) / 1000).toFixed(0)
      console.log(`${total.graphs} graphs, ${total.broken.length} break a law, ${seconds} s`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  for (const { seed } of total.broken.slice(0, SHOWN_MAX)) await show(seed)
  for (const { seed, law } of total.broken.slice(SHOWN_MAX)) console.log(`${seed}: ${law}`)
  console.log(
    `${total.ended.value} ended in a value, ${total.ended.failure} in a failure, ${total.refused} were no graphs`,
  )
  const { kept, wrong, discarded } = total.ahead
  console.log(`looking ahead: ${kept} guesses kept, ${wrong} rolled back, ${discarded} reads called in vain`)
  console.log(`undone: ${total.undos} runs took back what they had done`)
  console.log(`figure laws.graphs ${total.graphs}`)
  console.log(`figure laws.mismatches ${total.broken.length}`)
  process.exitCode = total.broken.length > 0 ? 1 : 0
}

/** A part of the campaign in a process of its own. */
function part(from: number, count: number): Promise<Tally> {
  const args = ["--part", "--seed", values.seed, "--from", `${from}`, "--graphs", `${count}`]
  if (values.reads) args.push("--reads")
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [import.meta.filename, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let text = ""
    child.stdout.on("data", (chunk) => {
      text += String(chunk)
    })
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as Tally)
      else reject(new TypeError(`Graphs ${from} to ${from + count - 1} ended with code ${code}: ${text}`))
    })
  })
}

/** Prints the smallest graph found that breaks the same law. Says whether the seed breaks one. */
async function show(seed: string): Promise<boolean> {
  const graph = graphOf(seed)
  const [first] = (await judge(graph, seed)).broken
  if (first === undefined) {
    console.log(`${seed} keeps the laws`)
    return false
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
  return true
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
    return printGraph(graph, kinds)
  } catch {
    // Made small it may be no graph that a file can say.
    return graphText(graph)
  }
}
