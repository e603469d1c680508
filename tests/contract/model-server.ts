/**
 * A server that speaks the chat-completions protocol as OpenAI's does, on loopback: it refuses requests that break the
 * protocol, answers whole or as events cut in awkward places, and says what the test's script tells it to.
 */
import { afterAll, beforeAll } from "bun:test"
import * as http from "node:http"
import type { AddressInfo } from "node:net"

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly {
    readonly role: string
    readonly content: string | null
    readonly tool_calls?: readonly {
      readonly id: string
      readonly function: { readonly name: string; readonly arguments: string }
    }[]
    readonly tool_call_id?: string
  }[]
  readonly stream?: boolean
  readonly stream_options?: unknown
  readonly tools?: readonly {
    readonly function: { readonly name: string; readonly description?: string; readonly parameters: unknown }
  }[]
  readonly response_format?: { readonly json_schema: { readonly schema: unknown; readonly strict: boolean } }
  readonly [field: string]: unknown
}

/** What the model says next. `raw`: whatever the server sends instead of the protocol. */
export interface Saying {
  readonly text?: string
  readonly calls?: readonly { readonly name: string; readonly arguments: string; readonly id?: string }[]
  readonly finish?: string
  readonly refusal?: string
  readonly usage?: readonly [prompt: number, completion: number] | null
  readonly raw?: (response: http.ServerResponse) => void
}

export interface ModelServer {
  /** The next answers; the last one is repeated. */
  script: Saying[]
  readonly requests: ChatRequest[]
  readonly headers: http.IncomingHttpHeaders[]
  url: string
  host: string
}

export function startModelServer(): ModelServer {
  const model: ModelServer = { script: [], requests: [], headers: [], url: "", host: "" }
  const server = http.createServer((q, r) => {
    let body = ""
    q.setEncoding("utf8").on("data", (d) => (body += d))
    q.on("end", () => answer(model, q, body, r))
  })
  beforeAll(async () => {
    await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
    model.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    model.url = `http://${model.host}/v1`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  return model
}

function answer(model: ModelServer, q: http.IncomingMessage, body: string, r: http.ServerResponse): void {
  const json = (status: number, value: unknown) =>
    void r.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
  if (q.method !== "POST" || q.url !== "/v1/chat/completions") return json(404, { error: { message: "no such path" } })
  const request = JSON.parse(body) as ChatRequest
  model.requests.push(request)
  model.headers.push(q.headers)
  const broken = breach(request)
  if (broken) return json(400, { error: { message: broken, type: "invalid_request_error" } })
  const saying = model.script.length > 1 ? model.script.shift()! : model.script[0]!
  if (saying.raw) return saying.raw(r)
  if (request.stream) return stream(request, saying, r)
  const calls = saying.calls?.map((c, i) => ({
    id: c.id ?? `call_${model.requests.length}_${i}`,
    type: "function",
    function: { name: c.name, arguments: c.arguments },
  }))
  json(200, {
    id: "x",
    object: "chat.completion",
    model: request.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: saying.text ?? null,
          refusal: saying.refusal ?? null,
          ...(calls ? { tool_calls: calls } : {}),
        },
        finish_reason: saying.finish ?? (calls ? "tool_calls" : "stop"),
      },
    ],
    ...(saying.usage === null ? {} : { usage: usageOf(saying) }),
  })
}

const usageOf = ({ usage }: Saying) => {
  const [prompt_tokens, completion_tokens] = usage ?? [10, 5]
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
}

/** The first rule of the protocol that a request breaks. */
function breach(q: ChatRequest): string | undefined {
  if (typeof q.model !== "string" || !Array.isArray(q.messages) || q.messages.length === 0)
    return "model and messages are wanted"
  let open: string[] = []
  for (const m of q.messages) {
    if (!["system", "user", "assistant", "tool"].includes(m.role)) return `role ${m.role}`
    if (m.role === "tool") {
      if (!open.includes(m.tool_call_id!)) return `tool message for an unknown call ${m.tool_call_id}`
      open = open.filter((id) => id !== m.tool_call_id)
    } else if (open.length > 0) return `tool calls without an answer: ${open.join(", ")}`
    if (m.role !== "assistant" && typeof m.content !== "string") return "content is wanted"
    if (m.tool_calls) open = m.tool_calls.map((c: { id: string }) => c.id)
  }
  return open.length > 0 ? `tool calls without an answer: ${open.join(", ")}` : undefined
}

/** Events in small pieces, cut in the middle of lines and of characters. */
function stream(request: ChatRequest, saying: Saying, r: http.ServerResponse): void {
  const chunk = (delta: unknown, finish: string | null = null) => ({
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  const events: unknown[] = [chunk({ role: "assistant", content: "" })]
  for (const piece of saying.text?.match(/[\s\S]{1,3}/gu) ?? []) events.push(chunk({ content: piece }))
  if (saying.refusal) events.push(chunk({ refusal: saying.refusal }))
  for (const [index, c] of (saying.calls ?? []).entries()) {
    events.push(
      chunk({
        tool_calls: [
          { index, id: c.id ?? `call_${index}`, type: "function", function: { name: c.name, arguments: "" } },
        ],
      }),
    )
    for (const piece of c.arguments.match(/[\s\S]{1,4}/gu) ?? [])
      events.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }))
  }
  events.push(chunk({}, saying.finish ?? (saying.calls ? "tool_calls" : "stop")))
  if (saying.usage !== null && request.stream_options) events.push({ choices: [], usage: usageOf(saying) })
  const text = `: keep-alive\n\n${events.map((e) => `data: ${JSON.stringify(e)}\r\n\r\n`).join("")}data: [DONE]\n\n`
  const bytes = Buffer.from(text)
  r.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
  for (let i = 0; i < bytes.length; i += 37) r.write(bytes.subarray(i, i + 37))
  r.end()
}
