/**
 * `npm run fuzz:mcp [-- --seeds N --seed N]`: garbage for graphs served over MCP, over HTTP and standard streams, and from a
 * server for our client, a fresh seed at a time. Exit code 1 where something hangs, breaks, or shows its insides.
 */
import { parseArgs } from "node:util"
import { fuzzHttp, fuzzStdio } from "./fuzz.ts"
import { fuzzClient } from "./liar.ts"

const { values } = parseArgs({ options: { seeds: { type: "string" }, seed: { type: "string" } } })
const seeds = Number(values.seeds ?? 20)
const first = Number(values.seed ?? 1)
const FRAMES = 500
const CALLS = 30

let frames = 0
let answers = 0
let conversations = 0
const wrong: string[] = []
for (let seed = first; seed < first + seeds; seed++) {
  const http = await fuzzHttp(seed, FRAMES)
  const stdio = await fuzzStdio(seed, FRAMES)
  const client = await fuzzClient(seed, CALLS, 1_000)
  frames += http.frames + stdio.frames
  answers += http.answers + stdio.answers
  conversations += client.calls
  const found = [...http.wrong, ...stdio.wrong, ...client.wrong]
  wrong.push(...found)
  console.log(
    `seed ${seed}: ${http.frames + stdio.frames} frames, ${http.answers + stdio.answers} answers, ${client.calls} conversations with a server that lies, ${found.length} wrong`,
  )
  for (const line of found.slice(0, 10)) console.log(`  ${line}`)
}
console.log(`figure mcp.fuzz_frames ${frames}`)
console.log(`figure mcp.fuzz_answers ${answers}`)
console.log(`figure mcp.fuzz_conversations ${conversations}`)
console.log(`figure mcp.fuzz_wrong ${wrong.length}`)
process.exit(wrong.length === 0 ? 0 : 1)
