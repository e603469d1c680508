/**
 * A server that speaks the chat-completions protocol of hosted models, on loopback, so that the example needs no key and
 * always answers alike. Behind it stands no model but a handful of rules; the protocol is the real one: messages, typed
 * answers, tool calls, streams of events. Point `models:` at a real endpoint and the graph stays as it is.
 */
import { createServer, type ServerResponse } from "node:http"

const PORT = 4711

interface Message {
  readonly role: "system" | "user" | "assistant" | "tool"
  readonly content: string | null
}
interface Request {
  readonly model: string
  readonly messages: readonly Message[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly tools?: readonly { readonly function: { readonly name: string } }[]
  readonly response_format?: unknown
}
interface Reply {
  readonly text?: string
  readonly call?: { readonly name: string; readonly arguments: string }
}

const article = (text: string): string => /\b(crank|gear|spring)s?\b/i.exec(text)?.[1]?.toLowerCase() ?? ""

/** What a model would make of the conversation. */
function reply({ messages, tools, response_format }: Request): Reply {
  const mail = messages.findLast((m) => m.role === "user")?.content ?? ""
  const last = messages.at(-1)!
  if (response_format !== undefined) {
    const topic = /how many|in stock|in store/i.test(mail)
      ? "stock"
      : /parcel|deliver/i.test(mail)
        ? "delivery"
        : "other"
    return { text: JSON.stringify({ topic, urgent: /today|urgent|asap/i.test(mail), article: article(mail) }) }
  }
  if (last.role === "tool") {
    const [row] = JSON.parse(last.content ?? "[]") as { readonly pieces: number; readonly bin: string }[]
    if (row === undefined) return { text: "We do not carry that article." }
    return { text: row.pieces === 0 ? "We are out of them." : `We have ${row.pieces} of them, in bin ${row.bin}.` }
  }
  const tool = tools?.[0]?.function.name
  if (tool !== undefined) return { call: { name: tool, arguments: JSON.stringify({ article: article(mail) }) } }
  return { text: "Thank you for your message." }
}

const server = createServer(async (request, response) => {
  let body = ""
  for await (const chunk of request) body += String(chunk)
  if (request.method !== "POST" || request.url !== "/v1/chat/completions")
    return send(response, 404, { error: { message: "no such path" } })
  const asked = JSON.parse(body) as Request
  const said = reply(asked)
  const usage = { prompt_tokens: words(JSON.stringify(asked.messages)), completion_tokens: words(JSON.stringify(said)) }
  const finish = said.call === undefined ? "stop" : "tool_calls"
  const calls = said.call && [{ index: 0, id: "call_1", type: "function", function: said.call }]
  const message = { role: "assistant", content: said.text ?? null, ...(calls ? { tool_calls: calls } : {}) }
  const total = { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens }
  if (asked.stream !== true) {
    const choices = [{ index: 0, message, finish_reason: finish }]
    return send(response, 200, { object: "chat.completion", model: asked.model, choices, usage: total })
  }
  response.writeHead(200, { "content-type": "text/event-stream" })
  const event = (data: unknown) => response.write(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`)
  const chunk = (delta: unknown, reason: string | null = null) =>
    event({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] })
  if (calls) chunk({ role: "assistant", tool_calls: calls })
  for (const word of said.text?.match(/\S+\s*/g) ?? []) chunk({ content: word })
  chunk({}, finish)
  if (asked.stream_options?.include_usage) event({ choices: [], usage: total })
  event("[DONE]")
  response.end()
})

const words = (text: string): number => text.split(/\W+/).length

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

server.listen(PORT, "127.0.0.1", () => console.log(`a model on http://localhost:${PORT}/v1`))
