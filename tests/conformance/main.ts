/**
 * `npm run conformance`: MCP's published conformance suite against graphs as a server, against the reference server beside it,
 * and with the `mcp:` node as the client, which also logs in. Exit code 1 where we pass less of a scenario than the reference server does, or
 * where something fails without a reason on record.
 */
import { compared, wrongs } from "./compare.ts"
import { ourClient, ourServer, referenceServer } from "./run.ts"
import { CLIENT_REASONS, clientScenariosOf } from "./scenarios.ts"
import { clientScenarios, ofScenario, scoreOf } from "./suite.ts"

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

const scenarios = clientScenarios()
const taken = clientScenariosOf(scenarios)
const client = await ourClient(taken)
console.log("\nclient scenario")
for (const { name } of taken) {
  const checks = ofScenario(client, name)
  const failing = [...checks]
    .filter(([, status]) => status !== "SUCCESS")
    .map(([check]) => check.slice(name.length + 1))
  console.log(`${name}: ${told(scoreOf(checks))}${failing.join(", ")}`.trimEnd())
  if (checks.size === 0) wrong.push(`client ${name} checked nothing`)
  for (const check of failing) wrong.push(`client ${name}: ${check} failed, and nobody says why`)
}
const left = scenarios.filter((name) => !taken.some((s) => s.name === name))
for (const name of left) console.log(`${name}: not run: ${CLIENT_REASONS[name] ?? ""}`)
for (const name of left.filter((n) => CLIENT_REASONS[n] === undefined))
  wrong.push(`client ${name} is not run, and nobody says why`)
for (const name of Object.keys(CLIENT_REASONS).filter((n) => !left.includes(n)))
  wrong.push(`client ${name} is none of the suite's, or is run: its reason is none any more`)

console.log("")
for (const line of wrong) console.log(`wrong: ${line}`)
const [server, theirs, mine] = [scoreOf(ours), scoreOf(reference), scoreOf(client)]
console.log(
  `server: ${server.passed} checks passed, ${server.failed} failed; the reference server: ${theirs.passed} and ${theirs.failed}`,
)
console.log(
  `client: ${mine.passed} checks passed, ${mine.failed} failed, in ${taken.length} scenarios; ${left.length} not run`,
)
console.log(`figure mcp.server_passed ${server.passed}`)
console.log(`figure mcp.server_failed ${server.failed}`)
console.log(`figure mcp.client_passed ${mine.passed}`)
console.log(`figure mcp.client_failed ${mine.failed}`)
console.log(`figure mcp.client_scenarios_run ${taken.length}`)
console.log(`figure mcp.client_scenarios_not_run ${left.length}`)
console.log(`figure mcp.reference_passed ${theirs.passed}`)
console.log(`figure mcp.reference_failed ${theirs.failed}`)
process.exit(wrong.length === 0 ? 0 : 1)
