// What an agent's program does with the server: it starts it, lists the tools, calls them, and lets its person answer.
// The server's command is what stands behind: bun client.ts npx shadowgraph mcp serve
import { Client } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"

const client = new Client({ name: "example", version: "1" }, { capabilities: { elicitation: { form: {} } } })
client.setRequestHandler("elicitation/create", ({ params }) => {
  console.log(`  asked: ${params.message}`)
  return { action: "accept", content: { yes: true, note: "ring twice" } }
})
const [command = "npx", ...args] = process.argv.slice(2)
await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }))

console.log(client.getInstructions())
for (const { name, description, annotations } of (await client.listTools()).tools)
  console.log(`${name}: ${description} ${annotations?.readOnlyHint ? "It only reads." : "It may write."}`)

const call = async (name: string, given: Record<string, unknown>) => {
  console.log(`${name} ${JSON.stringify(given)}`)
  const { content, structuredContent } = await client.callTool({ name, arguments: given })
  console.log(`  ${structuredContent === undefined ? JSON.stringify(content) : JSON.stringify(structuredContent)}`)
}
await call("quote", { weight_kg: 10, distance_km: 100 })
await call("quote", { weight_kg: "heavy" })
await call("order", { what: "a piano", weight_kg: 200, distance_km: 10 })

const { resources } = await client.listResources()
console.log(resources.map((run) => run.title).join("\n"))
const { messages } = await client.getPrompt({ name: "opening", arguments: { from: "Bern", to: "Ulm" } })
console.log(messages.map((m) => (m.content.type === "text" ? m.content.text : m.content.type)).join("\n"))
await client.close()
