/**
 * `npm run conformance`: MCP's published conformance suite against graphs as a server, against the reference server beside it,
 * and with the `mcp:` node as the client. Exit code 1 where we pass less of a scenario than the reference server does, or
 * where something fails without a reason on record.
 */
import { compared, wrongs } from "./compare.ts"
import { ourClient, ourServer, referenceServer } from "./run.ts"
import { CLIENT_REASONS, CLIENT_SCENARIOS } from "./scenarios.ts"
import { clientScenarios, scoreOf } from "./suite.ts"

const ours = await ourServer()
const reference = await referenceServer()
const all = compared(ours, reference)
const width = Math.max(...all.map(({ scenario }) => scenario.length))
const told = ({ passed, failed }: { readonly passed: number; readonly failed: number }) =>
  `${passed} of ${passed + failed}`.padEnd(8)

console.log(`${"server scenario".padEnd(width)}  ours      reference`)
for (const { scenario, ours: mine, reference: theirs, reason } of all)
  console.log(
    `${scenario.padEnd(width)}  ${told(mine)}  ${told(theirs)}${mine.failed > 0 ? `  ${reason ?? ""}` : ""}`.trimEnd(),
  )
const wrong = [...wrongs(all)]

const client = await ourClient(CLIENT_SCENARIOS)
console.log("\nclient scenario")
for (const [check, status] of client) {
  console.log(`${check}: ${status}`)
  if (status === "FAILURE") wrong.push(`client ${check} failed`)
}
const left = clientScenarios().filter((name) => !CLIENT_SCENARIOS.some((s) => s.name === name))
for (const [scenarios, reason] of Object.entries(CLIENT_REASONS)) {
  const own = left.filter((name) =>
    scenarios.endsWith("*") ? name.startsWith(scenarios.slice(0, -1)) : name === scenarios,
  )
  console.log(`${scenarios}: ${own.length} not run: ${reason}`)
}
for (const name of left.filter((n) => !n.startsWith("auth/") && CLIENT_REASONS[n] === undefined))
  wrong.push(`client ${name} is not run, and nobody says why`)

console.log("")
for (const line of wrong) console.log(`wrong: ${line}`)
const [server, theirs, mine] = [scoreOf(ours), scoreOf(reference), scoreOf(client)]
console.log(
  `server: ${server.passed} checks passed, ${server.failed} failed; the reference server: ${theirs.passed} and ${theirs.failed}`,
)
console.log(`figure mcp.server_passed ${server.passed}`)
console.log(`figure mcp.server_failed ${server.failed}`)
console.log(`figure mcp.client_passed ${mine.passed}`)
console.log(`figure mcp.client_failed ${mine.failed}`)
console.log(`figure mcp.client_scenarios_not_run ${left.length}`)
console.log(`figure mcp.reference_passed ${theirs.passed}`)
console.log(`figure mcp.reference_failed ${theirs.failed}`)
process.exit(wrong.length === 0 ? 0 : 1)
