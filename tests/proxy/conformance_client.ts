/**
 * A client for the suite's client scenarios, by the official library: straight to the server that the suite started, or
 * through the proxy, over HTTP or over standard streams. `bun conformance_client.ts direct|http|stdio <folder> <url>`.
 */
import { join } from "node:path"
import { Client, StreamableHTTPClientTransport, type Transport } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { listening } from "./talk.ts"

const [way, folder = ".", url = ""] = process.argv.slice(2)
const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")
const words = [MAIN, "mcp", "proxy", "--in", folder, "--url", url]

let close = async (): Promise<void> => undefined
async function transport(): Promise<Transport> {
  if (way === "stdio") return new StdioClientTransport({ command: process.execPath, args: words, stderr: "inherit" })
  if (way === "direct") return new StreamableHTTPClientTransport(new URL(url))
  const front = await listening(
    { command: process.execPath, args: [...words, "--listen", "0"], cwd: folder },
    /serving (\S+)/,
  )
  close = front.close
  return new StreamableHTTPClientTransport(new URL(front.found[1]!))
}

const client = new Client(
  { name: "conformance-client", version: "1" },
  { capabilities: { elicitation: { form: { applyDefaults: true } } } },
)
client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: {} }))
await client.connect(await transport())
const { tools } = await client.listTools()
for (const { name, inputSchema } of tools) {
  const fields = Object.keys(inputSchema.properties ?? {})
  await client
    .callTool({ name, arguments: Object.fromEntries(fields.map((field, i) => [field, i + 2])) })
    .catch((cause) => {
      console.error(String(cause))
    })
}
await client.close()
await close()
process.exit(0)
