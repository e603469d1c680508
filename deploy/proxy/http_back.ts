/**
 * A server over streamable HTTP, seen from a client that speaks over standard streams: each line is posted, what comes back
 * becomes lines, and what the server says by itself is listened for. A stream that breaks off is taken up where it broke.
 * Source: the Model Context Protocol, 2025-11-25, "Streamable HTTP", "Resumability and Redelivery".
 */
import type { IncomingMessage } from "node:http"
import { isRecord, type Value } from "../../graph/mod.ts"
import { idKey } from "../../learn/mod.ts"
import type { Back, BackEvents, Ending } from "./back.ts"
import { Events } from "./events.ts"
import { messagesIn } from "./message.ts"
import { oneLine } from "./sessions.ts"
import { ask } from "./upstream.ts"

export interface HttpServer {
  readonly url: URL
  /** Name and value in turn. */
  readonly headers: readonly string[]
}

/** Requests on their way at once; a client that sends more waits. */
const REQUESTS_MAX = 64
/** How often a broken stream is taken up again before what it was to answer counts as lost, and how long that waits. */
const RESUMES_MAX = 5
const RETRY_MS = 1_000
const LEAVE_MS = 2_000
const SESSION = "mcp-session-id"

export function httpBack({ url, headers }: HttpServer, frameBytesMax: number, { onPiece }: BackEvents): Back {
  return new HttpBack(url, headers, frameBytesMax, onPiece)
}

interface Asked {
  readonly id: Value
  readonly method: string
}

class HttpBack implements Back {
  readonly label: string
  readonly ended: Promise<Ending>
  readonly #end: (ending: Ending) => void
  readonly #url: URL
  readonly #headers: readonly string[]
  readonly #bytesMax: number
  readonly #onPiece: BackEvents["onPiece"]
  readonly #stop = new AbortController()
  #session: string | undefined
  #version: string | undefined
  #inFlight = 0
  #room: (() => void)[] = []
  #paused: Promise<void> | undefined
  #go: (() => void) | undefined

  constructor(url: URL, headers: readonly string[], bytesMax: number, onPiece: BackEvents["onPiece"]) {
    this.label = `at ${url.origin}`
    this.#url = url
    this.#headers = headers
    this.#bytesMax = bytesMax
    this.#onPiece = onPiece
    const { promise, resolve } = Promise.withResolvers<Ending>()
    this.ended = promise
    this.#end = resolve
  }

  send(bytes: Uint8Array): void | Promise<void> {
    const text = new TextDecoder().decode(bytes).trim()
    if (text === "") return
    const asked = askedIn(text)
    this.#inFlight++
    const posted = this.#post(text, asked).finally(() => {
      this.#inFlight--
      for (const go of this.#room.splice(0)) go()
    })
    // What asks nothing has arrived before the next message goes; the first answer gives the session its name.
    if (asked.length === 0 || asked.some(({ method }) => method === "initialize")) return posted
    if (this.#inFlight >= REQUESTS_MAX) return new Promise((go) => this.#room.push(go))
  }

  pause(): void {
    if (this.#paused !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#paused = promise
    this.#go = resolve
  }
  resume(): void {
    this.#paused = undefined
    this.#go?.()
  }

  end(): void {
    void this.close()
  }

  /** Answers that are on their way are waited for; then the session is left. */
  async close(): Promise<void> {
    while (this.#inFlight > 0 && !this.#stop.signal.aborted) {
      const late = new Promise<"late">((go) => setTimeout(() => go("late"), LEAVE_MS).unref())
      if ((await Promise.race([new Promise<void>((go) => this.#room.push(go)), late])) === "late") break
    }
    this.#stop.abort()
    if (this.#session !== undefined) {
      const leaving = ask({ method: "DELETE", url: this.#url, headers: this.#own([]) })
      await Promise.race([
        leaving.then(
          (answer) => void answer.resume(),
          () => undefined,
        ),
        new Promise((go) => setTimeout(go, LEAVE_MS).unref()),
      ])
    }
    this.#end({ words: "the client left", code: 0 })
  }

  #own(more: readonly string[]): string[] {
    return [
      ...(this.#session === undefined ? [] : [SESSION, this.#session]),
      ...(this.#version === undefined ? [] : ["mcp-protocol-version", this.#version]),
      "accept-encoding",
      "identity",
      ...more,
      ...this.#headers,
    ]
  }

  /** Posts a message and hands on what comes back. Never fails: the client is told in the protocol's words. */
  async #post(text: string, asked: readonly Asked[]): Promise<void> {
    const open = new Map(asked.map((a) => [idKey(a.id), a]))
    try {
      const answer = await ask({
        method: "POST",
        url: this.#url,
        headers: this.#own(["content-type", "application/json", "accept", "application/json, text/event-stream"]),
        body: new TextEncoder().encode(text),
        signal: this.#stop.signal,
      })
      const session = answer.headers[SESSION]
      if (typeof session === "string") this.#session = session
      const status = answer.statusCode ?? 0
      if (status < 200 || status >= 300) {
        await this.#refused(answer, status, open)
        return
      }
      await this.#read(answer, open)
      // Now the server may speak by itself.
      if (asked.length === 0 && text.includes('"notifications/initialized"')) void this.#listen()
      for (let i = 0; open.size > 0 && i < RESUMES_MAX && this.#broken(answer) !== undefined; i++)
        await this.#resumed(this.#broken(answer)!, open)
      this.#lost(open, `The server ${this.label} closed the stream`)
    } catch (cause) {
      if (!this.#stop.signal.aborted) this.#lost(open, (cause as Error).message)
    }
  }

  readonly #streams = new WeakMap<IncomingMessage, Events>()

  /** The stream of an answer that broke off, where it can be taken up. */
  #broken(answer: IncomingMessage): Events | undefined {
    const events = this.#streams.get(answer)
    return events?.lastId === undefined ? undefined : events
  }

  async #read(answer: IncomingMessage, open: Map<string, Asked>): Promise<void> {
    if (answer.headers["content-type"]?.startsWith("text/event-stream")) {
      const events = new Events(this.#bytesMax)
      this.#streams.set(answer, events)
      await this.#readEvents(answer, events, open)
      return
    }
    const parts: Buffer[] = []
    for await (const chunk of answer as AsyncIterable<Buffer>) parts.push(chunk)
    const text = Buffer.concat(parts).toString("utf8").trim()
    if (text !== "") await this.#hear(text, open)
  }

  async #readEvents(answer: IncomingMessage, events: Events, open: Map<string, Asked>): Promise<void> {
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>)
        for (const data of events.push(chunk)) if (data !== "") await this.#hear(data, open)
    } catch (cause) {
      // Cut in the middle: what is missing is asked for again.
      if (events.lastId === undefined) throw cause
    }
  }

  async #hear(text: string, open: Map<string, Asked>): Promise<void> {
    for (const m of messagesIn(text)) {
      if (typeof m["method"] === "string" || !Object.hasOwn(m, "id")) continue
      const asked = open.get(idKey(m["id"]!))
      open.delete(idKey(m["id"]!))
      const result = m["result"]
      if (asked?.method === "initialize" && isRecord(result) && typeof result["protocolVersion"] === "string")
        this.#version = result["protocolVersion"]
    }
    if (this.#paused !== undefined) await this.#paused
    this.#onPiece({ bytes: new TextEncoder().encode(`${oneLine(text)}\n`), whole: true })
  }

  /** Takes up a stream behind the last event that was heard. */
  async #resumed(events: Events, open: Map<string, Asked>): Promise<void> {
    await waited(events.retryMs ?? RETRY_MS, this.#stop.signal)
    const last = events.lastId!
    const answer = await ask({
      method: "GET",
      url: this.#url,
      headers: this.#own(["accept", "text/event-stream", "last-event-id", last]),
      signal: this.#stop.signal,
    })
    if (answer.statusCode !== 200) {
      answer.resume()
      return
    }
    await this.#readEvents(answer, events, open)
  }

  /** Listens to what the server says by itself, as long as it lets anybody. */
  async #listen(): Promise<void> {
    const events = new Events(this.#bytesMax)
    const none = new Map<string, Asked>()
    for (let failed = 0; failed < RESUMES_MAX && !this.#stop.signal.aborted; ) {
      try {
        const last = events.lastId
        const answer = await ask({
          method: "GET",
          url: this.#url,
          headers: this.#own(["accept", "text/event-stream", ...(last === undefined ? [] : ["last-event-id", last])]),
          signal: this.#stop.signal,
        })
        if (answer.statusCode !== 200) {
          answer.resume()
          return
        }
        failed = 0
        await this.#readEvents(answer, events, none)
      } catch {
        failed++
      }
      await waited(events.retryMs ?? RETRY_MS, this.#stop.signal)
    }
  }

  async #refused(answer: IncomingMessage, status: number, open: Map<string, Asked>): Promise<void> {
    const parts: Buffer[] = []
    for await (const chunk of answer as AsyncIterable<Buffer>) parts.push(chunk)
    const text = Buffer.concat(parts).toString("utf8").trim()
    // The server's own words count, where they are an answer to what was asked.
    if (messagesIn(text).some((m) => Object.hasOwn(m, "id") && open.has(idKey(m["id"]!)))) {
      await this.#hear(text, open)
      return
    }
    const hint =
      status === 401 || status === 403
        ? "; --header authorization=secret:NAME says who asks"
        : status === 404 && this.#session !== undefined
          ? "; the session has ended"
          : status >= 300 && status < 400
            ? `; it is at ${String(answer.headers.location)}`
            : ""
    this.#lost(open, `The server ${this.label} answered ${status}${hint}`)
  }

  #lost(open: Map<string, Asked>, why: string): void {
    for (const { id, method } of open.values()) {
      const words = JSON.stringify(`${why} before it answered ${method}`)
      const name = typeof id === "bigint" ? String(id) : JSON.stringify(id)
      const text = `{"jsonrpc":"2.0","id":${name},"error":{"code":-32000,"message":${words}}}\n`
      this.#onPiece({ bytes: new TextEncoder().encode(text), whole: true })
    }
    open.clear()
  }
}

const askedIn = (text: string): readonly Asked[] =>
  messagesIn(text).flatMap((m) =>
    typeof m["method"] === "string" && Object.hasOwn(m, "id") ? [{ id: m["id"]!, method: m["method"] }] : [],
  )

function waited(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
