// A rough MCP server over standard streams for the tests of the proxy: it does what each tool's name says, with the bytes
// that a careful library would never send. Plain JavaScript, so that any runtime starts it at once.
import { createInterface } from "node:readline"

const say = (text) => process.stdout.write(`${text}\n`)
const schema = { type: "object", properties: { n: { type: "number" }, password: { type: "string", writeOnly: true } } }
const tool = (name, more = {}) => ({ name, inputSchema: schema, annotations: { readOnlyHint: true }, ...more })
const TOOLS = [
  tool("double", { outputSchema: { type: "object", properties: { twice: { type: "number" } }, required: ["twice"] } }),
  tool("shout"),
  ...["die", "garbage", "huge", "never", "odd", "slow"].map((name) => tool(name)),
]

const answers = {
  initialize: () => ({
    protocolVersion: "2025-06-18",
    capabilities: { tools: {} },
    serverInfo: { name: "rough", version: "1" },
  }),
  "tools/list": () => ({ tools: TOOLS }),
  ping: () => ({}),
}

function call(id, { name, arguments: args = {}, _meta }) {
  const answer = (result) => say(JSON.stringify({ jsonrpc: "2.0", id, result }))
  const text = (words) => answer({ content: [{ type: "text", text: words }] })
  switch (name) {
    case "double": {
      const structuredContent = { twice: args.n * 2 }
      return answer({ content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent })
    }
    case "shout":
      return text(`HEY ${args.n}`)
    case "slow":
      if (_meta?.progressToken !== undefined)
        say(
          JSON.stringify({
            jsonrpc: "2.0",
            method: "notifications/progress",
            params: { progressToken: _meta.progressToken, progress: 1 },
          }),
        )
      return void setTimeout(() => text(`${args.n}`), 150)
    case "die":
      return process.exit(3)
    case "garbage":
      say("this is no message")
      say('{"jsonrpc":"2.0","id":')
      say("")
      return text("after garbage")
    case "huge":
      return text("x".repeat(args.n))
    case "odd":
      // Big numbers, keys in an order of its own, spaces, escapes, a carriage return.
      return say(
        `{ "id" :${JSON.stringify(id)}, "result":{"content":[ {"text":"\\u0041\\ud83d\\ude00 12345678901234567890","type":"text"} ],"z":1e400,"a":12345678901234567890} ,"jsonrpc":"2.0"}\r`,
      )
    case "never":
      return undefined
    default:
      return say(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32602, message: `no tool ${name}` } }))
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  if (line.trim() === "") return
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  if (method === "tools/call") return call(id, params)
  const result = answers[method]?.()
  say(
    JSON.stringify(
      result ? { jsonrpc: "2.0", id, result } : { jsonrpc: "2.0", id, error: { code: -32601, message: "?" } },
    ),
  )
})
process.stderr.write("rough server is up\n")
