/**
 * A proxy that clients reach over HTTP, in front of a server that speaks over its standard streams: every session has a
 * server of its own, so that ids, state and order are what they would be without a proxy. Answers go to the stream of
 * their request; what a server says besides goes where a client listens.
 * Source: the Model Context Protocol, 2025-11-25, "Streamable HTTP".
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { isRecord, type Rec, sameValue, type Value } from "../../graph/mod.ts"
import { idKey } from "../../learn/mod.ts"
import type { Back, BackEvents } from "./back.ts"
import { eventOf } from "./events.ts"
import { bodyOf, MCP_PATH, refuse, write } from "./http_front.ts"
import type { Piece } from "./lines.ts"
import { messageOf, messagesIn } from "./message.ts"
import { type Passed, Relay, type RelayOptions, summed } from "./relay.ts"

export interface SessionsOptions {
  readonly open: (events: BackEvents) => Promise<Back>
  readonly relay: RelayOptions
  readonly frameBytesMax: number
  readonly id: () => string
  /** Sessions at once; each is a process. */
  readonly sessionsMax: number
  /** A session that nobody uses is ended after so long. */
  readonly idleMs: number
}

const SESSION = "mcp-session-id"
/** Messages of a server that nobody listens to yet; then the oldest go. */
const UNHEARD_MAX = 1_000

export class Sessions {
  readonly #options: SessionsOptions
  readonly #open = new Map<string, Session>()
  #past: Passed[] = []

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  get passed(): readonly Passed[] {
    return [...this.#past, ...[...this.#open.values()].map((s) => s.passed)]
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((s) => s.close()))
  }

  readonly serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost")
    if (pathname !== MCP_PATH)
      return refuse(response, 404, `There is nothing at this path; the server is at ${MCP_PATH}`)
    const given = request.headers[SESSION]
    const session = typeof given === "string" ? this.#open.get(given) : undefined
    if (typeof given === "string" && session === undefined)
      return refuse(response, 404, "This session has ended: begin a new one with initialize")
    switch (request.method) {
      case "POST":
        return this.#post(session, request, response)
      case "GET":
        if (session === undefined) return refuse(response, 400, `A stream of events wants the header ${SESSION}`)
        return session.listen(response)
      case "DELETE":
        if (session === undefined) return refuse(response, 400, `The end of a session wants the header ${SESSION}`)
        await session.close()
        response.writeHead(200)
        response.end()
        return
      default:
        response.setHeader("allow", "GET, POST, DELETE")
        return refuse(response, 405, `${request.method ?? "This"} is not served here`)
    }
  }

  async #post(known: Session | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { frameBytesMax } = this.#options
    const { body } = await bodyOf(request, frameBytesMax)
    if (body === undefined)
      return refuse(response, 413, `A message may have ${frameBytesMax} bytes; --frame allows more`)
    const text = body.toString("utf8")
    const messages = messagesIn(text)
    if (messages.length === 0) return refuse(response, 400, "This is no message of JSON-RPC")
    const begins = messages.some((m) => m["method"] === "initialize")
    if (known === undefined && !begins)
      return refuse(response, 400, `A message wants the header ${SESSION}, which initialize gives`)
    const session = known ?? (await this.#begin(response))
    if (session === undefined) return
    await session.post(text, messages, response, request.headers.accept ?? "")
  }

  /** Starts a server for a new session. Undefined where it does not start: the client was told. */
  async #begin(response: ServerResponse): Promise<Session | undefined> {
    const { sessionsMax, id } = this.#options
    if (this.#open.size >= sessionsMax) {
      response.setHeader("retry-after", "10")
      refuse(response, 503, `${sessionsMax} sessions are open, and each is a process: try again later`)
      return undefined
    }
    const name = id()
    try {
      const session = await Session.start(name, this.#options, () => {
        const ended = this.#open.get(name)
        if (ended !== undefined) this.#past = summedUp([...this.#past, ended.passed])
        this.#open.delete(name)
      })
      this.#open.set(name, session)
      return session
    } catch (cause) {
      refuse(response, 502, (cause as Error).message)
      return undefined
    }
  }
}

/** One entry is enough for what is over. */
const summedUp = (all: readonly Passed[]): Passed[] => [all.reduce(summed)]

/** A request that waits for its answer on a stream of its own, or several of one batch. */
interface Exchange {
  readonly response: ServerResponse
  /** Answers go as events; otherwise the one answer is the body. */
  readonly streams: boolean
  readonly open: Set<string>
  readonly tokens: readonly Value[]
}

class Session {
  readonly #id: string
  readonly #options: SessionsOptions
  readonly #onEnd: () => void
  readonly #relay: Relay
  readonly #exchanges = new Set<Exchange>()
  #back!: Back
  #listener: ServerResponse | undefined
  #unheard: string[] = []
  #idle: ReturnType<typeof setTimeout> | undefined
  #over = false

  static async start(id: string, options: SessionsOptions, onEnd: () => void): Promise<Session> {
    const session = new Session(id, options, onEnd)
    session.#back = await options.open({ onPiece: (piece) => session.#hear(piece) })
    void session.#back.ended.then(({ words }) => session.#end(`The server ${session.#back.label} ended (${words})`))
    session.#used()
    return session
  }

  private constructor(id: string, options: SessionsOptions, onEnd: () => void) {
    this.#id = id
    this.#options = options
    this.#onEnd = onEnd
    this.#relay = new Relay(options.relay, (text, key) => this.#send(text, key))
  }

  get passed(): Passed {
    return this.#relay.passed
  }

  /** A message of the client. What it asks is answered on the response, when the server has answered. */
  async post(text: string, messages: readonly Rec[], response: ServerResponse, accept: string): Promise<void> {
    this.#used()
    const asks = messages.filter((m) => typeof m["method"] === "string" && Object.hasOwn(m, "id"))
    response.setHeader(SESSION, this.#id)
    if (asks.length > 0) {
      const streams = accept.includes("text/event-stream") || asks.length > 1
      const exchange: Exchange = {
        response,
        streams,
        open: new Set(asks.map((m) => idKey(m["id"]!))),
        tokens: asks.flatMap(tokenOf),
      }
      this.#exchanges.add(exchange)
      response.on("close", () => this.#exchanges.delete(exchange))
      if (streams) {
        response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
        response.flushHeaders()
      }
    }
    if (this.#relay.fromClient(text)) await this.#back.send(Buffer.from(`${oneLine(text)}\n`))
    if (asks.length > 0) return
    response.writeHead(202)
    response.end()
  }

  /** A stream for what the server says by itself. One at a time. */
  listen(response: ServerResponse): void {
    if (this.#listener !== undefined) return refuse(response, 409, "Somebody listens to this session already")
    this.#used()
    this.#listener = response
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", [SESSION]: this.#id })
    response.flushHeaders()
    response.on("close", () => {
      if (this.#listener === response) this.#listener = undefined
    })
    for (const text of this.#unheard.splice(0)) response.write(eventOf(text))
  }

  async close(): Promise<void> {
    this.#end("The session was ended")
    await this.#back.close()
  }

  // ---- from the server

  #hear({ bytes, whole }: Piece): void {
    if (!whole) {
      this.#options.relay.warn(
        `The server sent a message of more than ${this.#options.frameBytesMax} bytes: over HTTP it cannot be passed on; --frame allows more`,
      )
      void this.#back.close()
      return
    }
    const text = new TextDecoder().decode(bytes).trim()
    if (text === "" || !this.#relay.fromServer(text)) return
    this.#send(text, undefined)
  }

  /** Sends a message where it belongs; `key` says to which request, where that is known. */
  #send(text: string, key: string | undefined): void {
    const { value } = messageOf(text)
    // What is no message has no place in a stream of messages.
    if (value === undefined) return
    const message = isRecord(value) ? value : undefined
    const answers = message !== undefined && typeof message["method"] !== "string" && Object.hasOwn(message, "id")
    const id = answers ? idKey(message!["id"]!) : undefined
    const exchange = this.#exchangeOf(id ?? key, message)
    if (exchange === undefined) return this.#sendBeside(text)
    if (exchange.streams) this.#slow(write(exchange.response, eventOf(text)))
    else if (answers) {
      exchange.response.writeHead(200, { "content-type": "application/json" })
      exchange.response.write(text)
    } else this.#sendBeside(text)
    // An early answer is followed by the verdict: its stream stays open until then.
    const early = id !== undefined && this.#relay.isEarly(id)
    const done = early ? undefined : (id ?? (key !== undefined && !this.#relay.isEarly(key) ? key : undefined))
    if (done === undefined) return
    exchange.open.delete(done)
    if (exchange.open.size > 0) return
    this.#exchanges.delete(exchange)
    exchange.response.end()
  }

  #exchangeOf(key: string | undefined, message: Rec | undefined): Exchange | undefined {
    const all = [...this.#exchanges]
    if (key !== undefined) return all.find((e) => e.open.has(key))
    const params = message?.["params"]
    const token = isRecord(params) ? params["progressToken"] : undefined
    const own = token === undefined ? undefined : all.find((e) => e.tokens.some((t) => sameValue(t, token)))
    // Over standard streams nothing says what a message belongs to. One open request is what it is about, most likely.
    const streams = all.filter((e) => e.streams)
    return (
      own ?? (streams.length === 1 || (this.#listener === undefined && streams.length > 0) ? streams.at(-1) : undefined)
    )
  }

  #sendBeside(text: string): void {
    if (this.#listener !== undefined) {
      this.#slow(write(this.#listener, eventOf(text)))
      return
    }
    this.#unheard.push(text)
    if (this.#unheard.length > UNHEARD_MAX) this.#unheard.shift()
  }

  /** A client that reads slowly makes its server wait. */
  #slow(written: Promise<void>): void {
    let waits = true
    void written.then(() => {
      waits = false
      this.#back.resume()
    })
    queueMicrotask(() => {
      if (waits) this.#back.pause()
    })
  }

  // ---- the end

  #used(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      // Who listens, or waits for an answer, uses it.
      if (this.#exchanges.size > 0 || this.#listener !== undefined) this.#used()
      else void this.close()
    }, this.#options.idleMs)
    this.#idle.unref?.()
  }

  #end(why: string): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#idle)
    this.#relay.ended(why)
    for (const { response } of this.#exchanges) response.end()
    this.#exchanges.clear()
    this.#listener?.end()
    this.#onEnd()
  }
}

const tokenOf = (m: Rec): readonly Value[] => {
  const meta = isRecord(m["params"]) ? m["params"]["_meta"] : undefined
  const token = isRecord(meta) ? meta["progressToken"] : undefined
  return token === undefined ? [] : [token]
}

/** A message on one line: breaks stand between its parts only, for in JSON no text holds one. */
export const oneLine = (text: string): string => (/[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, " ").trim() : text)
