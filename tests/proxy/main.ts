/**
 * `npm run proxy [-- --calls N --seed N]`: does anything change when the proxy stands between? Drawn requests to real servers,
 * and MCP's own conformance suite, with and without it. Exit code 1 where something does.
 */
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { type Checks, scoreOf } from "../conformance/suite.ts"
import { compare, type Way } from "./campaign.ts"
import { changed, clientChecks, loginChecks, serverChecks } from "./conformance.ts"

const { values } = parseArgs({ options: { calls: { type: "string" }, seed: { type: "string" } } })
const wanted = Number(values.calls ?? 10_000)
const seed = Number(values.seed ?? 1)

/** Shares of all requests; a third more is asked, for not every request is a call of a tool. */
const PLAN: readonly (readonly [Way, "filesystem" | "everything", number])[] = [
  ["stdio-stdio", "filesystem", 0.45],
  ["stdio-stdio", "everything", 0.25],
  ["http-stdio", "filesystem", 0.1],
  ["http-http", "everything", 0.1],
  ["stdio-http", "everything", 0.1],
]

let calls = 0
let differences = 0
const asked: string[][] = []
for (const [way, server, share] of PLAN) {
  const found = await compare(way, server, Math.ceil(wanted * share * 1.3), seed)
  calls += found.calls
  differences += found.differences.length
  const { direct, proxied } = found.ms
  const counts = [found.calls, found.messages, found.differences.length].map(String)
  asked.push([way.replace("-", " to "), server, ...counts, direct.toFixed(2), proxied.toFixed(2)])
  console.log(
    `${way.padEnd(11)}  ${server.padEnd(10)}  ${String(found.calls).padStart(6)} calls, ${String(found.messages).padStart(6)} messages, ${found.differences.length} differences; a request ${direct.toFixed(2)} ms direct, ${proxied.toFixed(2)} ms through the proxy`,
  )
  for (const text of found.differences.slice(0, 5)) console.log(`  ${text}`)
  console.log(`  ${found.said.trim().split("\n").at(-1)}`)
}

let changes = 0
const checked: string[][] = []
const told = async (
  name: string,
  made: Promise<{ readonly direct: Checks; readonly http: Checks; readonly stdio?: Checks }>,
) => {
  const { direct, http, stdio } = await made
  const ways: [string, Checks][] = [
    ["direct", direct],
    ["through HTTP", http],
  ]
  if (stdio !== undefined) ways.push(["through standard streams", stdio])
  const words = ways.map(([way, checks]) => {
    const { passed, failed } = scoreOf(checks)
    checked.push([name, way, String(passed), String(failed)])
    return `${way} ${passed} passed, ${failed} failed`
  })
  console.log(`conformance, ${name}: ${words.join("; ")}`)
  const found = [...changed(direct, http), ...(stdio ? changed(direct, stdio) : [])]
  changes += found.length
  for (const line of found) console.log(`  ${line}`)
  return scoreOf(direct).passed
}
const server = await told("server scenarios", serverChecks())
const client = await told("client scenarios", clientChecks())
const login = await told("client scenarios with a login", loginChecks())
const report = new Report("In front of MCP servers", "npm run proxy")
report.text(
  "Drawn requests to the real filesystem and everything servers, directly and through the proxy, every message that comes back compared byte for byte; and MCP's own conformance suite with the proxy and without.",
)
report.table(
  ["client to server", "server", "calls", "messages", "differences", "ms direct", "ms through the proxy"],
  asked,
)
report.table(["conformance", "way", "passed", "failed"], checked)
report.figure("proxy.calls", calls, undefined, "≥ 10,000")
report.figure("proxy.differences", differences, undefined, "0")
report.figure("proxy.conformance_checks", server + client + login)
report.figure("proxy.conformance_changed", changes, undefined, "0")
report.end()
process.exit(differences + changes === 0 && calls >= wanted ? 0 : 1)
