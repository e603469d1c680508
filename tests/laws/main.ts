// `npm run laws [-- --graphs 100000 --seed 1]`: random graphs against the laws of `agree.ts`. What breaks one is shrunk and
// printed with its seed; the closing figures count graphs and mismatches.
import { parseArgs } from "node:util"
import { judge } from "./agree.ts"
import { someGraph } from "./graphs.ts"
import { graphText, shrunk } from "./shrink.ts"

const { values } = parseArgs({
  options: { graphs: { type: "string", default: "100000" }, seed: { type: "string", default: "1" } },
})
const wanted = Number(values.graphs)
let graphs = 0
let mismatches = 0
let failures = 0
for (let i = 0; graphs < wanted; i++) {
  const seed = `${values.seed} ${i}`
  const graph = someGraph(seed)
  const { checked, broken, ended } = await judge(graph, seed)
  if (!checked) continue
  graphs++
  if (ended === "failure") failures++
  if (broken.length > 0) {
    mismatches++
    const { law } = broken[0]!
    const small = await shrunk(graph, async (g) => (await judge(g, seed)).broken.some((b) => b.law === law), 300)
    const how = broken.map((b) => `${b.law}: ${b.how}`).join("\n  ")
    console.log(`seed "${seed}" breaks ${how}\n${graphText(small)}\n`)
  }
  if (graphs % 1000 === 0) console.error(`${graphs} graphs, ${mismatches} mismatches`)
}
console.log(`${graphs} graphs, ${failures} of which end in a failure`)
console.log(`figure laws.graphs ${graphs}`)
console.log(`figure laws.mismatches ${mismatches}`)
process.exitCode = mismatches > 0 ? 1 : 0
