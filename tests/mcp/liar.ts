/** A server of MCP over HTTP that lies, drawn from a seed, and what becomes of our client: a value, or a typed failure, and never a hang. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { createHttp, mcpService } from "../../deploy/mod.ts"
import { Failure } from "../../graph/mod.ts"
import { orAbort } from "../../nodes/mod.ts"
import { drawer } from "./garbage.ts"

export interface Lied {
  calls: number
  values: number
  failures: number
  readonly wrong: string[]
}

const TOOL = { name: "say", inputSchema: { type: "object", properties: { text: { type: "string" } } } }
const RIGHT: { readonly [method: string]: object } = {
  initialize: {
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "liar", version: "1" },
  },
  "tools/list": { tools: [TOOL] },
  "tools/call": { content: [{ type: "text", text: "said" }], structuredContent: { said: true } },
}
const LIES: readonly unknown[] = [
  null,
  0,
  "x",
  [],
  {},
  true,
  -1e300,
  "\u0000",
  [null],
  { type: "object" },
  "é".repeat(1000),
]

/** One part of the right answer is something else, or there, or gone. */
function bent(value: unknown, draw: ReturnType<typeof drawer>): unknown {
  if (typeof value !== "object" || value === null || draw.next() < 0.2) return draw.one(LIES)
  const entries = Object.entries(value)
  if (entries.length === 0) return draw.one(LIES)
  const at = draw.below(entries.length)
  const changed = entries.flatMap(([k, v], i): [string, unknown][] =>
    i !== at ? [[k, v]] : draw.next() < 0.25 ? [] : [[k, bent(v, draw)]],
  )
  return Array.isArray(value) ? changed.map(([, v]) => v) : Object.fromEntries(changed)
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  draw: ReturnType<typeof drawer>,
): Promise<void> {
  const parts: Buffer[] = []
  for await (const chunk of request) parts.push(chunk as Buffer)
  if (request.method !== "POST") {
    response.writeHead(draw.one([405, 404, 500])).end()
    return
  }
  const { id, method } = JSON.parse(Buffer.concat(parts).toString("utf8")) as {
    readonly id?: unknown
    readonly method: string
  }
  if (id === undefined) {
    response.writeHead(draw.one([202, 202, 202, 500, 200])).end()
    return
  }
  const right = {
    jsonrpc: "2.0",
    id,
    ...(RIGHT[method] ? { result: RIGHT[method] } : { error: { code: -32601, message: "no" } }),
  }
  const lie = 0.6 + 0.4 * Math.max(0, (draw.next() - 0.8) / 0.2)
  const send = (type: string, body: string, status = 200) => {
    response.writeHead(status, { "content-type": type, ...(method === "initialize" ? { "mcp-session-id": "s" } : {}) })
    response.end(body)
  }
  const event = (data: string) => `event: message\ndata: ${data}\n\n`
  const text = JSON.stringify(right)
  // Most answers are right, so that a conversation comes far enough for a lie to matter.
  if (lie === 0.6) return send("application/json", text)
  if (lie < 0.72) return send("application/json", JSON.stringify(bent(right, draw)))
  if (lie < 0.76)
    return send("application/json", draw.one(["", "{", "null", "[]", "<html>", text.slice(0, -3), text + text]))
  if (lie < 0.8) return send(draw.one(["text/html", "text/plain", "", "application/octet-stream"]), text)
  if (lie < 0.84) return send("application/json", "no", draw.one([400, 401, 403, 404, 418, 429, 500, 503]))
  if (lie < 0.88)
    return send(
      "text/event-stream",
      event("{") + event(JSON.stringify({ jsonrpc: "2.0", id: "other", result: {} })) + event(text),
    )
  if (lie < 0.91)
    return send("text/event-stream", draw.one(["", ": nothing\n\n", "data\ndata\n\n", event("null"), event("[1]")]))
  if (lie < 0.94) return send("application/json", JSON.stringify({ ...right, id: draw.one([null, "x", 99, {}]) }))
  if (lie < 0.97)
    return send(
      "application/json",
      JSON.stringify({ ...right, result: { content: [{ type: "text", text: "x".repeat(2 << 20) }] } }),
    )
  response.destroy()
}

/** `msMax`: how long one conversation may take; a server that does not answer is given up by the signal. */
export async function fuzzClient(seed: number, calls: number, msMax = 1_500): Promise<Lied> {
  const draw = drawer(seed)
  const told: Lied = { calls: 0, values: 0, failures: 0, wrong: [] }
  const server = createServer((request, response) => {
    answer(request, response, draw).catch(() => response.destroy())
  }).listen(0, "127.0.0.1")
  await new Promise((go) => server.once("listening", go))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const service = mcpService({ base: ".", http: createHttp() })
  try {
    for (let i = 0; i < calls; i++) {
      const signal = AbortSignal.timeout(msMax)
      const talk = async () => {
        const connection = await service.connect({ url: `${url}?${i}` }, signal, () => true)
        try {
          // As the node kind does: what is shared by many calls has no signal of its own.
          await orAbort(connection.tools(), signal)
          return await connection.call("say", { text: "hello" }, { signal, onProgress: () => undefined })
        } finally {
          await connection.close()
        }
      }
      const stuck = new Promise<"stuck">((go) => setTimeout(() => go("stuck"), msMax + 5_000).unref())
      told.calls++
      try {
        if ((await Promise.race([talk(), stuck])) === "stuck") told.wrong.push(`seed ${seed}, call ${i}: it hangs`)
        else told.values++
      } catch (cause) {
        if (cause instanceof Failure) told.failures++
        // A connection that was given up says so in the signal's own words.
        else if (signal.aborted) told.failures++
        else told.wrong.push(`seed ${seed}, call ${i}: ${(cause as Error).name}: ${(cause as Error).message}`)
      }
    }
  } finally {
    await service.close()
    server.closeAllConnections()
    server.close()
  }
  return told
}
