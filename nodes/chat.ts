/**
 * The chat-completions protocol that OpenAI began and most model servers speak: one request in, one message out, whole
 * or as server-sent events. Only the protocol lives here; what is asked and what is done with the answer is `llm.ts`.
 * Source: platform.openai.com/docs/api-reference/chat; html.spec.whatwg.org, 9.2 "Server-sent events".
 */
import {
  type Call,
  Failure,
  fail,
  type Http,
  isRecord,
  type Rec,
  readJson,
  type Services,
  type Value,
} from "../graph/mod.ts"
import { type Auth, credential, rights, statusFailure, traceHeader } from "./endpoint.ts"
import { writeJson } from "./exact-json.ts"
import { blot } from "./secret.ts"
import { eventsOf } from "./sse.ts"

/** A model as the file declares it. */
export interface Endpoint {
  /** Without a slash at the end; `/chat/completions` follows. */
  readonly url: string
  readonly host: string
  readonly model: string
  readonly auth: Auth | undefined
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON, as the model wrote it: it may be anything. */
  readonly arguments: string
}
export interface Completion {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  /** Why the model stopped: `stop`, `length`, `tool_calls`, `content_filter`, or what a server made up. */
  readonly finish: string
  readonly usage: { readonly prompt: number; readonly completion: number } | undefined
}

/** A completion as a value, and back: so it stands on record. */
export const valueOf = ({ text, toolCalls, finish, usage }: Completion): Value => ({
  text,
  toolCalls: toolCalls.map(({ id, name, arguments: args }) => ({ id, name, arguments: args })),
  finish,
  usage: usage === undefined ? null : { ...usage },
})
export function completionOf(kept: Value): Completion {
  const { text, toolCalls, finish, usage } = kept as unknown as Completion & {
    readonly usage: Completion["usage"] | null
  }
  return { text, toolCalls, finish, usage: usage ?? undefined }
}

/** More than any answer that a graph can use; a server that does not stop is cut here. */
const ANSWER_BYTES_MAX = 32_000_000
const TOOL_CALLS_MAX = 64

/**
 * Asks once. `body` is the request without `model` and `stream`. Deltas of the text go to `call.note` as they arrive.
 * Fails with `HttpStatus`, `Unreachable`, `Refused`, `TooLarge`, `NoSecret` (as an `http` node does), with `BadAnswer`
 * where the answer is not of the protocol, `ModelError` where the server reports one inside its answer, and `Refusal`.
 */
export async function complete(
  endpoint: Endpoint,
  body: Rec,
  stream: boolean,
  http: Http,
  services: Services,
  call: Call,
): Promise<Completion> {
  const { headers, hidden } = credential(endpoint.auth, services)
  const more: Rec = stream ? { stream: true, stream_options: { include_usage: true } } : {}
  const what = `The model ${endpoint.model} at ${endpoint.host}`
  const sent = new TextEncoder().encode(writeJson({ model: endpoint.model, ...body, ...more }))
  let bytes = sent.length
  call.further?.()
  call.by?.(`${endpoint.model} at ${endpoint.host}`)
  const response = await http.request(
    {
      method: "POST",
      url: `${endpoint.url}/chat/completions`,
      headers: {
        accept: stream ? "text/event-stream, application/json" : "application/json",
        "content-type": "application/json",
        "user-agent": "shadowgraph",
        ...traceHeader(call),
        ...headers,
      },
      body: sent,
      bytesMax: ANSWER_BYTES_MAX,
      signal: call.signal,
      repeatable: true,
      redirectsMax: 0,
      ...rights(endpoint.host, services),
    },
    { stream: true },
  )
  const chunks = counted(response.chunks!, (length) => {
    bytes += length
  })
  // Tokens are paid for whatever the answer is worth: they are told before anybody looks at it.
  const paid: Paid = (tokensIn, tokensOut) => call.spent?.({ model: endpoint.model, tokensIn, tokensOut })
  try {
    if (response.status < 200 || response.status > 299)
      throw statusFailure(what, { ...response, body: await startOf(chunks, 8000) }, hidden)
    const streamed = /^text\/event-stream\b/i.test(response.headers["content-type"] ?? "")
    if (streamed) return await readStream(chunks, what, call.note, paid)
    const whole = new TextDecoder().decode(await startOf(chunks, Number.POSITIVE_INFINITY))
    return readWhole(parsed(whole, what), what, paid)
  } catch (cause) {
    throw cause instanceof Failure ? fail(cause.code, blot(cause.message, hidden), { ...cause }) : cause
  } finally {
    call.spent?.({ bytes })
  }
}

type Paid = (tokensIn: number, tokensOut: number) => void

async function* counted(chunks: AsyncIterable<Uint8Array>, took: (bytes: number) => void): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    took(chunk.length)
    yield chunk
  }
}

/** The first bytes of a body; the rest is not waited for. */
async function startOf(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const pieces: number[] = []
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    pieces.push(length)
    length += chunk.length
    if (length >= bytesMax) break
  }
  const out = new Uint8Array(length)
  for (const [i, chunk] of chunks.entries()) out.set(chunk, pieces[i]!)
  return out
}

const badAnswer = (what: string, message: string, cause?: unknown): Failure =>
  fail("BadAnswer", `${what} ${message}`, { ...(cause === undefined ? {} : { cause }) })

function parsed(text: string, what: string): Rec {
  let value: Value
  try {
    value = readJson(text)
  } catch (cause) {
    throw badAnswer(what, `answered what is not JSON; it begins ${JSON.stringify(text.slice(0, 60))}`, cause)
  }
  if (!isRecord(value)) throw badAnswer(what, "answered JSON that is no object")
  const error = value["error"]
  if (error !== undefined && error !== null) throw modelError(what, error)
  return value
}

/** A server that has begun to answer can only report an error inside the answer. It is mostly overload. */
function modelError(what: string, error: Value): Failure {
  const message = isRecord(error) ? (error["message"] ?? error["code"] ?? "") : error
  return fail("ModelError", `${what} reports: ${String(message).slice(0, 300)}`, { retryable: true })
}

// ---- a whole answer

const recordOf = (v: Value | undefined): Rec => (v !== undefined && isRecord(v) ? v : {})
const listOf = (v: Value | undefined): readonly Value[] => (Array.isArray(v) ? (v as readonly Value[]) : [])
const textOf = (v: Value | undefined): string => (typeof v === "string" ? v : "")

function readWhole(answer: Rec, what: string, paid: Paid): Completion {
  const choice = listOf(answer["choices"])[0]
  if (choice === undefined || !isRecord(choice) || !isRecord(choice["message"] ?? null))
    throw badAnswer(what, "answered without `choices[0].message`")
  const message = choice["message"] as Rec
  const calls = listOf(message["tool_calls"]).map((c): ToolCall => {
    const { id, function: f } = recordOf(c) as { id?: Value; function?: Value }
    return { id: textOf(id), name: textOf(recordOf(f)["name"]), arguments: argumentsOf(recordOf(f)["arguments"]) }
  })
  return finished(
    { text: contentOf(message["content"]), refusal: textOf(message["refusal"]), calls },
    textOf(choice["finish_reason"]),
    answer["usage"],
    what,
    paid,
  )
}

/** Text, or a list of parts of which some are text. */
const contentOf = (content: Value | undefined): string =>
  typeof content === "string"
    ? content
    : listOf(content)
        .map((part) => textOf(recordOf(part)["text"]))
        .join("")

/** Some servers hand the arguments over parsed. */
const argumentsOf = (given: Value | undefined): string =>
  typeof given === "string" ? given : given === undefined || given === null ? "" : writeJson(given)

interface Said {
  readonly text: string
  readonly refusal: string
  readonly calls: readonly ToolCall[]
}

function finished(said: Said, finish: string, usage: Value | undefined, what: string, paid: Paid): Completion {
  const { prompt_tokens: prompt, completion_tokens: completion } = recordOf(usage)
  const counts = isCount(prompt) && isCount(completion)
  if (counts) paid(prompt, completion)
  if (said.refusal !== "" || finish === "content_filter") {
    const reason = finish === "content_filter" ? "content_filter" : "refusal"
    throw fail("Refusal", `${what} refuses to answer${said.refusal === "" ? "" : `: ${said.refusal.slice(0, 300)}`}`, {
      data: { reason },
    })
  }
  if (said.calls.length > TOOL_CALLS_MAX)
    throw badAnswer(what, `calls ${said.calls.length} tools at once; at most ${TOOL_CALLS_MAX} are run`)
  for (const c of said.calls) if (c.name === "") throw badAnswer(what, "calls a tool without a name")
  const calls = said.calls.map((c, i) => (c.id === "" ? { ...c, id: `call_${i}` } : c))
  return { text: said.text, toolCalls: calls, finish, usage: counts ? { prompt, completion } : undefined }
}

const isCount = (v: Value | undefined): v is number => Number.isSafeInteger(v) && (v as number) >= 0

// ---- a streamed answer

/** Puts the deltas together. An answer counts as whole when the server says why it stopped, or ends with `[DONE]`. */
async function readStream(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
  note: Call["note"],
  paid: Paid,
): Promise<Completion> {
  const calls: { id: string; name: string; arguments: string }[] = []
  let text = ""
  let refusal = ""
  let finish = ""
  let done = false
  let usage: Value | undefined
  for await (const event of eventsOf(chunks)) {
    if (event === "[DONE]") {
      done = true
      break
    }
    const part = parsed(event, what)
    if (part["usage"] !== undefined && part["usage"] !== null) usage = part["usage"]
    const choice = recordOf(listOf(part["choices"])[0])
    const delta = recordOf(choice["delta"])
    const piece = contentOf(delta["content"])
    if (piece !== "") note(piece, true)
    text += piece
    refusal += textOf(delta["refusal"])
    for (const [i, c] of listOf(delta["tool_calls"]).entries()) addDelta(calls, recordOf(c), i, what)
    finish = textOf(choice["finish_reason"]) || finish
  }
  if (!done && finish === "") {
    throw fail("Unreachable", `${what} stopped in the middle of its answer`, {
      data: { reason: "cut" },
      retryable: true,
    })
  }
  return finished({ text, refusal, calls }, finish, usage, what, paid)
}

function addDelta(
  calls: { id: string; name: string; arguments: string }[],
  delta: Rec,
  place: number,
  what: string,
): void {
  const index = delta["index"] ?? place
  if (!isCount(index) || index > TOOL_CALLS_MAX)
    throw badAnswer(what, "numbers its tool calls in a way that is not followed")
  while (calls.length <= index) calls.push({ id: "", name: "", arguments: "" })
  const call = calls[index]!
  const f = recordOf(delta["function"])
  call.id = textOf(delta["id"]) || call.id
  call.name += textOf(f["name"])
  call.arguments += argumentsOf(f["arguments"])
}
