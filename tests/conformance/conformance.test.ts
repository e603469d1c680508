// MCP's published conformance suite: graphs as a server pass no scenario worse than the reference server does, what they do not
// pass has its reason, and our client passes what a graph takes part in. `npm run conformance` shows all of it.
import { expect, setDefaultTimeout, test } from "bun:test"
import { compared, wrongs } from "./compare.ts"
import { ourClient, ourServer, referenceServer } from "./run.ts"
import { CLIENT_REASONS, clientScenariosOf } from "./scenarios.ts"
import { clientScenarios, scoreOf } from "./suite.ts"

setDefaultTimeout(120_000)

test("graphs as a server: nothing below the reference server, nothing without a reason", async () => {
  const ours = await ourServer()
  expect(wrongs(compared(ours, await referenceServer()))).toEqual([])
  expect(scoreOf(ours)).toEqual({ passed: 38, failed: 2 })
})

test("the mcp node as a client: tools are called, behind a login, too", async () => {
  const own = ["tools_call", "auth/metadata-var3", "auth/scope-step-up", "auth/client-credentials-jwt"]
  const checks = await ourClient(clientScenariosOf(clientScenarios()).filter(({ name }) => own.includes(name)))
  expect([...checks].filter(([, status]) => status !== "SUCCESS")).toEqual([])
  expect(checks.get("tools_call/tool-add-numbers")).toBe("SUCCESS")
  expect(checks.get("auth/scope-step-up/scope-step-up-escalation")).toBe("SUCCESS")
})

test("every client scenario of the suite is run, or has its reason", () => {
  const all = clientScenarios()
  const taken = clientScenariosOf(all).map(({ name }) => name)
  expect([...taken, ...Object.keys(CLIENT_REASONS)].sort()).toEqual([...all].sort())
})
