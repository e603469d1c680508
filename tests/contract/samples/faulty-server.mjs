// An MCP server over stdio with every way to misbehave, one tool each. It speaks the protocol by hand, because a proper
// library would not let it. Arguments: `shape=2` changes a schema, `log=<file>` writes down what it was told.
import { spawn } from "node:child_process"
import { appendFileSync } from "node:fs"
import { createInterface } from "node:readline"

const option = (name) => process.argv.find((a) => a.startsWith(`${name}=`))?.slice(name.length + 1)
const log = (line) => option("log") && appendFileSync(option("log"), `${line}\n`)
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)

const object = (properties, required = Object.keys(properties)) => ({ type: "object", properties, required })
const text = { type: "string" }
const TOOLS = [
  {
    name: "add",
    inputSchema: object({ a: { type: "number" }, b: option("shape") === "2" ? text : { type: "number" } }),
    outputSchema: object({ sum: { type: "number" } }),
    annotations: { readOnlyHint: true },
  },
  ...[
    "say",
    "fail",
    "refuse",
    "hang",
    "garbage",
    "wrong",
    "die",
    "noisy",
    "progress",
    "late",
    "liar",
    "pid",
    "child",
  ].map((name) => ({
    name,
    inputSchema: object({ text }, []),
    ...(name === "liar" ? { outputSchema: object({ sum: { type: "number" } }) } : {}),
  })),
]

const answer = (id, value) => send({ id, result: { content: [{ type: "text", text: String(value) }] } })
const tools = {
  add: (id, { a, b }) => send({ id, result: { content: [], structuredContent: { sum: a + b } } }),
  say: (id, args) => answer(id, args.text ?? ""),
  fail: (id) => send({ id, result: { isError: true, content: [{ type: "text", text: "no such order" }] } }),
  refuse: (id) => send({ id, error: { code: -32602, message: "I do not like this" } }),
  hang: () => undefined,
  garbage: (id) => process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{ oh no\n`),
  wrong: (id) => send({ id, result: { content: "not a list" } }),
  die: () => {
    process.stderr.write("out of cheese\n")
    process.exit(3)
  },
  noisy: (id) => {
    process.stdout.write("Debug: hello\n\n")
    send({ id: 424242, result: { content: [] } })
    answer(id, "still fine")
  },
  progress: (id, _args, meta) => {
    for (const progress of [1, 2]) {
      send({
        method: "notifications/progress",
        params: { progressToken: meta?.progressToken, progress, total: 2, message: "working" },
      })
    }
    setTimeout(() => answer(id, "done"), 20)
  },
  late: (id) => setTimeout(() => answer(id, "too late"), 200),
  liar: (id) => send({ id, result: { content: [], structuredContent: { sum: "three" } } }),
  pid: (id) => answer(id, process.pid),
  child: (id) => answer(id, spawn("sleep", ["1000"], { stdio: "inherit" }).pid),
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line)
  log(method === "notifications/cancelled" ? "cancelled" : method === "tools/call" ? `call ${params.name}` : method)
  if (method === "initialize") {
    send({
      id,
      result: {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "faulty", version: "1" },
      },
    })
  } else if (method === "tools/list") send({ id, result: { tools: TOOLS } })
  else if (method === "tools/call") tools[params.name](id, params.arguments ?? {}, params._meta)
  else if (id !== undefined) send({ id, error: { code: -32601, message: "unknown method" } })
})
if (option("deaf")) {
  process.on("SIGTERM", () => log("SIGTERM"))
  setInterval(() => undefined, 1000)
} else process.stdin.on("end", () => process.exit(0))
