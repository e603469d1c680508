// A client of the ecosystem that shares no code with the official library connects and runs graphs: `@ai-sdk/mcp`, over HTTP and
// over standard streams. (The conformance suite's own client is a third: the older official library.)
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { createMCPClient, ElicitationRequestSchema, type MCPTransport } from "@ai-sdk/mcp"
import { Experimental_StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio"
import { folderWith, type Running, start } from "../cli/command.ts"

setDefaultTimeout(60_000)

const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")
let folder = ""
let server: Running
let url = ""
beforeAll(async () => {
  folder = folderWith({
    "quote.graph.yaml": `graph: quote
about: Quotes a delivery.
input: { km: number, currency: EUR | USD }
nodes:
  price: { expr: "input.km * 0.12" }
output: { price: price, currency: input.currency }
`,
    "sure.graph.yaml": `graph: sure
nodes:
  answer: { ask: Sure?, output: boolean }
output: answer
`,
    "shadowgraph.project.json": '{ "grants": ["ask:person"] }',
  })
  server = start(folder, ["serve", "--port", "0"])
  await server.said("/mcp")
  url = (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
})
afterAll(() => server.signal("SIGKILL"))

const WAYS: readonly (readonly [string, () => MCPTransport | { readonly type: "http"; readonly url: string }])[] = [
  ["HTTP", () => ({ type: "http", url: `${url}/mcp` })],
  [
    "standard streams",
    () =>
      new Experimental_StdioMCPTransport({
        command: process.execPath,
        args: [MAIN, "mcp", "serve"],
        cwd: folder,
        stderr: "ignore",
      }),
  ],
]

test.each(WAYS)("over %s it lists the graphs, runs one, and is asked by another", async (_, transport) => {
  const client = await createMCPClient({ transport: transport(), capabilities: { elicitation: {} } })
  client.onElicitationRequest(ElicitationRequestSchema, () => ({ action: "accept", content: { answer: true } }))
  const { tools } = await client.listTools()
  expect(tools.map((t) => t.name)).toEqual(["quote", "sure"])
  const result = await client.callTool({ name: "quote", arguments: { km: 100, currency: "EUR" } })
  expect(result).toMatchObject({ structuredContent: { price: 12, currency: "EUR" } })
  expect(await client.callTool({ name: "sure" })).toMatchObject({ content: [{ type: "text", text: "true" }] })
  expect(await client.callTool({ name: "quote", arguments: { km: "far" } })).toMatchObject({ isError: true })
  const { resources } = await client.listResources()
  expect(resources.filter((r) => r.name.startsWith("quote "))).toHaveLength(1 + Number(resources.length > 3))
  await client.close()
})
