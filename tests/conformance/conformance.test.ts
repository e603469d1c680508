// MCP's published conformance suite: graphs as a server pass no scenario worse than the reference server does, what they do not
// pass has its reason, and our client passes what a graph takes part in. `npm run conformance` shows all of it.
import { expect, setDefaultTimeout, test } from "bun:test"
import { compared, wrongs } from "./compare.ts"
import { ourClient, ourServer, referenceServer } from "./run.ts"
import { CLIENT_SCENARIOS } from "./scenarios.ts"
import { scoreOf } from "./suite.ts"

setDefaultTimeout(120_000)

test("graphs as a server: nothing below the reference server, nothing without a reason", async () => {
  const ours = await ourServer()
  expect(wrongs(compared(ours, await referenceServer()))).toEqual([])
  expect(scoreOf(ours)).toEqual({ passed: 38, failed: 2 })
})

test("the mcp node as a client: tools are called", async () => {
  const checks = await ourClient(CLIENT_SCENARIOS.filter(({ name }) => name === "tools_call"))
  expect([...checks]).toEqual([["tools_call/tool-add-numbers", "SUCCESS"]])
})
