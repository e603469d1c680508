/**
 * A proxy with HTTP on both sides: every request goes on as it came, every answer comes back as it was, byte for byte, and
 * the messages in them are looked at on the way. Sessions, resuming and events are the server's own affair.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { isRecord } from "../../graph/mod.ts"
import { idKey } from "../../learn/mod.ts"
import { eventOf } from "./events.ts"
import { bodyOf, MCP_PATH, reader, refuse, write } from "./http_front.ts"
import { isResourceMetadata, ledHere, loginPath, metadataHere, metadataPath } from "./login.ts"
import { messageOf } from "./message.ts"
import { NOTHING_PASSED, type Passed, Relay, type RelayOptions, summed } from "./relay.ts"
import { ask, passedOn } from "./upstream.ts"

export interface ReverseOptions {
  /** Where the server's endpoint is. */
  readonly url: URL
  /** For every request, name and value in turn, in place of what the client says. */
  readonly headers: readonly string[]
  readonly relay: RelayOptions
  readonly frameBytesMax: number
}

/** Sessions that are looked at; then the oldest is let go of, and its calls are seen no more. */
const SESSIONS_MAX = 1_000
const SESSION = "mcp-session-id"
const METADATA_PATHS_MAX = 16

/** A conversation, and the scope in which ids count there. */
interface Place {
  readonly talk: Conversation
  readonly scope: string
}

interface Conversation {
  readonly relay: Relay
  /** Where the proxy's own messages for a request go. */
  readonly routes: Map<string, (text: string) => void>
}

export class Reverse {
  readonly #options: ReverseOptions
  readonly #sessions = new Map<string, Conversation>()
  /** With a server that has no sessions: ids count within one exchange. */
  #shared: Conversation | undefined
  #exchanges = 0
  /** Where the server said that its metadata is, beside the usual places. */
  readonly #metadataPaths = new Set<string>()
  /** Of conversations that are over. */
  #past: Passed = NOTHING_PASSED

  constructor(options: ReverseOptions) {
    this.#options = options
  }

  get passed(): Passed {
    return [...this.#conversations()].map(({ relay }) => relay.passed).reduce(summed, this.#past)
  }

  close(): void {
    for (const { relay } of this.#conversations()) relay.close()
  }

  #conversations(): Iterable<Conversation> {
    return new Set([...this.#sessions.values(), ...(this.#shared === undefined ? [] : [this.#shared])])
  }

  readonly serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const to = this.#target(request.url ?? "/")
    if (to === undefined) return refuse(response, 404, `There is nothing at this path; the server is at ${MCP_PATH}`)
    const method = request.method ?? "GET"
    const gone = new AbortController()
    response.on("close", () => {
      if (!response.writableFinished) gone.abort()
    })
    const read = await bodyOf(request, this.#options.frameBytesMax)
    const isMessage = method === "POST" && to.pathname === this.#options.url.pathname && read.body !== undefined
    const text = isMessage ? read.body.toString("utf8") : undefined
    const given = request.headers[SESSION]
    const at = this.#at(typeof given === "string" ? given : undefined, text)
    if (text !== undefined) {
      const first = this.#firstAnswer(at, text, response)
      if (first === "early") await this.#behind(at, to, request, read.body!, keyIn(text, at.scope)!, response)
      if (first !== "none") return
    }
    const answer = await ask({
      method,
      url: to,
      headers: this.#headers(request, read.body === undefined),
      ...(method === "GET" || method === "HEAD" ? {} : read.body === undefined ? { pieces: read.pieces } : read),
      signal: gone.signal,
    })
    this.#settle(at.talk, typeof given === "string" ? given : undefined, method, answer)
    const mine = new URL(MCP_PATH, `http://${request.headers.host}`)
    const where = metadataPath(answer.headers["www-authenticate"], this.#options.url)
    if (where !== undefined && this.#metadataPaths.size < METADATA_PATHS_MAX) this.#metadataPaths.add(where)
    if (isResourceMetadata(to.pathname) || this.#metadataPaths.has(to.pathname))
      await this.#metadata(answer, response, mine)
    else await this.#pass(at, answer, response, mine)
  }

  /** What a server says of how to log in, with the address that its client knows. */
  async #metadata(answer: IncomingMessage, response: ServerResponse, mine: URL): Promise<void> {
    const parts: Buffer[] = []
    for await (const chunk of answer as AsyncIterable<Buffer>) parts.push(chunk)
    const text = Buffer.concat(parts).toString("utf8")
    const body = Buffer.from(metadataHere(text, this.#options.url, mine) ?? text)
    const headers = passedOn(answer.rawHeaders, ["content-length"])
    response.writeHead(answer.statusCode ?? 502, [...headers, "content-length", String(body.length)])
    response.end(body)
  }

  /** The conversation that a request belongs to. */
  #at(session: string | undefined, text: string | undefined): Place {
    const known = session === undefined ? undefined : this.#sessions.get(session)
    if (known !== undefined) return { talk: known, scope: "" }
    // What begins one is not known to have a session before it is answered.
    if (session !== undefined || text?.includes('"initialize"')) return { talk: this.#conversation(), scope: "" }
    this.#shared ??= this.#conversation()
    return { talk: this.#shared, scope: `${++this.#exchanges} ` }
  }

  /** After the head of an answer it is known whose conversation this was, and whether it is over. */
  #settle(talk: Conversation, given: string | undefined, method: string, answer: IncomingMessage): void {
    const begun = answer.headers[SESSION]
    const id = typeof begun === "string" ? begun : given
    if (id === undefined) {
      this.#shared ??= talk
      return
    }
    const over = method === "DELETE" || answer.statusCode === 404
    if (!over) this.#sessions.set(id, talk)
    const oldest = this.#sessions.size > SESSIONS_MAX ? this.#sessions.keys().next().value : undefined
    for (const end of [...(over ? [id] : []), ...(oldest === undefined ? [] : [oldest])]) this.#forget(end)
  }

  #forget(id: string): void {
    const talk = this.#sessions.get(id)
    if (talk === undefined) return
    this.#sessions.delete(id)
    talk.relay.close()
    this.#past = summed(this.#past, talk.relay.passed)
  }

  #target(path: string): URL | undefined {
    const { url } = this.#options
    const at = new URL(path, url.origin)
    if (at.pathname === MCP_PATH) {
      const to = new URL(url)
      if (at.search !== "") to.search = at.search
      return to
    }
    const own = this.#metadataPaths.has(at.pathname)
    const login = own ? at.pathname : loginPath(at.pathname, MCP_PATH, url.pathname)
    return login === undefined ? undefined : new URL(login + at.search, url.origin)
  }

  #conversation(): Conversation {
    const routes = new Map<string, (text: string) => void>()
    const relay = new Relay(this.#options.relay, (text, key) => routes.get(key ?? "")?.(text))
    return { relay, routes }
  }

  #headers(request: IncomingMessage, streamed: boolean): string[] {
    const { headers } = this.#options
    const own = headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    const without = ["host", "accept-encoding", ...(streamed ? [] : ["content-length"]), ...own]
    return [...passedOn(request.rawHeaders, without), "accept-encoding", "identity", ...headers]
  }

  /** The answer as it comes, with a look at the messages in it. */
  async #pass(
    { talk: { relay }, scope }: Place,
    answer: IncomingMessage,
    response: ServerResponse,
    mine: URL,
  ): Promise<void> {
    const look = reader(answer.headers["content-type"], this.#options.frameBytesMax)
    const headers = ledHere(passedOn(answer.rawHeaders), this.#options.url.origin, mine.origin)
    response.writeHead(answer.statusCode ?? 502, headers)
    response.flushHeaders()
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      for (const text of look?.push(chunk) ?? []) relay.fromServer(text, scope)
      await write(response, chunk)
    }
    for (const text of look?.end() ?? []) relay.fromServer(text, scope)
    response.end()
  }

  // ---- early answers

  /** What the proxy itself says first: an early answer, a verdict, or nothing. */
  #firstAnswer({ talk, scope }: Place, text: string, response: ServerResponse): "early" | "own" | "none" {
    const key = this.#options.relay.mode === "speculate" ? keyIn(text, scope) : undefined
    if (key === undefined) {
      talk.relay.fromClient(text, scope)
      return "none"
    }
    const own = (answer: string) => {
      talk.routes.delete(key)
      response.writeHead(200, { "content-type": "application/json" })
      response.end(answer)
    }
    let early: string | undefined
    let collecting = true
    talk.routes.set(key, (answer) => {
      if (collecting) early = answer
      else own(answer)
    })
    const passes = talk.relay.fromClient(text, scope)
    collecting = false
    if (!passes) {
      // A question of what became of an early answer; one that waits is answered when it is known.
      if (early !== undefined) own(early)
      return "own"
    }
    if (early === undefined) {
      talk.routes.delete(key)
      return "none"
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
    response.write(eventOf(early))
    talk.routes.set(key, (answer) => void response.write(eventOf(answer)))
    return "early"
  }

  /** The tool's own answer, behind an early one: the client is told on the same stream what became of it. */
  async #behind(
    { talk, scope }: Place,
    to: URL,
    request: IncomingMessage,
    body: Buffer,
    key: string,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const answer = await ask({ method: "POST", url: to, headers: this.#headers(request, false), body })
      const look = reader(answer.headers["content-type"], this.#options.frameBytesMax)
      const pass = async (texts: readonly string[]) => {
        for (const text of texts) if (talk.relay.fromServer(text, scope)) await write(response, eventOf(text))
      }
      for await (const chunk of answer as AsyncIterable<Buffer>) await pass(look?.push(chunk) ?? [])
      await pass(look?.end() ?? [])
    } finally {
      // Where no answer came, nobody will ever know.
      talk.relay.lost(key)
      talk.routes.delete(key)
      response.end()
    }
  }
}

/** The key of the one request in a body, where it is one. */
function keyIn(text: string, scope: string): string | undefined {
  const message = messageOf(text).value
  return message !== undefined &&
    isRecord(message) &&
    typeof message["method"] === "string" &&
    Object.hasOwn(message, "id")
    ? scope + idKey(message["id"]!)
    : undefined
}
