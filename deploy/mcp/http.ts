/**
 * Graphs over streamable HTTP, both ways in which MCP is spoken there: the newest protocol, where each request stands by
 * itself, and the older ones, with sessions. A request without a session is served too, by itself. Web requests in,
 * responses out; who may ask, and from which page, was decided before.
 * Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Streamable HTTP".
 */
import {
  createMcpHandler,
  InMemoryServerEventBus,
  isInitializeRequest,
  isLegacyRequest,
  legacyStatelessFallback,
  type McpHttpHandler,
  type Server,
  type ServerContext,
  type ServerEvent,
  type ServerEventBus,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server"
import { bytesOf } from "../http/body.ts"
import type { Caller } from "../http/callers.ts"
import { Answer, problemOf } from "../http/problems.ts"
import { SessionEvents } from "./events.ts"
import { exactly } from "./exact.ts"
import { makeServer } from "./server.ts"
import { listsOf, type McpServing } from "./serving.ts"
import { Watch } from "./watch.ts"

export interface McpHttpOptions {
  readonly bodyBytesMax: number
  /** Milliseconds that a body may take. */
  readonly bodyMsMax: number
  /** Sessions at once. 0: none are held, and every request stands by itself, as on a host that forgets between two of them. */
  readonly sessionsMax: number
  /** Milliseconds after which a session that nobody uses is forgotten. */
  readonly idleMs: number
}
export const MCP_HTTP: McpHttpOptions = {
  bodyBytesMax: 4 << 20,
  bodyMsMax: 15_000,
  sessionsMax: 1_000,
  idleMs: 60 * 60_000,
}

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly server: Server
  /** The name of the token it was begun with; nobody else goes on with it. */
  readonly holder: string | undefined
  used: number
  busy: number
}

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true })
const SESSION = "mcp-session-id"
/** Milliseconds that a client is asked to wait before it comes again to a stream that broke. */
const RETRY_MS = 1_000

export class McpHttp {
  readonly #serving: McpServing
  readonly #options: McpHttpOptions
  readonly #watch: Watch
  readonly #modern: McpHttpHandler
  readonly #single: ReturnType<typeof legacyStatelessFallback>
  readonly #sessions = new Map<string, Session>()

  constructor(serving: McpServing, options: Partial<McpHttpOptions> = {}) {
    this.#serving = serving
    this.#options = { ...MCP_HTTP, ...options }
    const { hosts, clock, onDefect } = serving
    this.#watch = new Watch({ hosts, clock, onDefect })
    const { bodyBytesMax: maxRequestBodySize } = this.#options
    const make = (era: "legacy" | "modern") => makeServer({ serving, callerOf, era })
    this.#modern = createMcpHandler(() => make("modern"), {
      legacy: "reject",
      bus: new WatchedBus(this.#watch, serving),
      maxRequestBodySize,
    })
    this.#single = legacyStatelessFallback(() => make("legacy"), undefined, { maxRequestBodySize })
    serving.stopping?.addEventListener("abort", () => void this.close(), { once: true })
  }

  /** Answers a request of a caller who was let in. */
  async fetch(asked: Request, caller: Caller): Promise<Response> {
    const request = await this.#read(asked)
    if (request instanceof Answer) return refusalOf(request)
    const { bodyBytesMax: maxRequestBodySize } = this.#options
    const authInfo = { token: "", clientId: caller.holder?.name ?? "", scopes: [], extra: { caller } }
    if (!(await isLegacyRequest(request, undefined, { maxRequestBodySize })))
      return await this.#modern.fetch(request, { authInfo })
    const id = request.headers.get(SESSION)
    if (id !== null) {
      const session = this.#sessions.get(id)
      // A session of somebody else is none.
      if (session === undefined || session.holder !== caller.holder?.name)
        return refusal(404, "There is no such session")
      return await this.#within(session, () => session.transport.handleRequest(request, { authInfo }))
    }
    if (this.#options.sessionsMax > 0 && (await begins(request, maxRequestBodySize))) {
      if (!this.#makeRoom()) return refusal(503, "There are as many sessions as the server holds")
      const session = await this.#begin(caller)
      return await this.#within(session, () => session.transport.handleRequest(request, { authInfo }))
    }
    return await this.#single(request, { authInfo })
  }

  /** The request with a body that is here, within its size and its time, and exact. */
  async #read(request: Request): Promise<Request | Answer> {
    if (request.method !== "POST") return request
    const bytes = await bytesOf(request, this.#options)
    if (bytes instanceof Answer) return bytes
    let text: string
    try {
      text = STRICT_UTF8.decode(bytes)
    } catch {
      return problemOf("bad-body", "The body is no UTF-8.")
    }
    const { url, method, signal } = request
    const headers = new Headers(request.headers)
    // Of the body as it came.
    headers.delete("content-length")
    headers.delete("transfer-encoding")
    return new Request(url, { method, headers, signal, body: exactly(text) })
  }

  /** How many sessions there are. */
  get sessions(): number {
    return this.#sessions.size
  }

  async close(): Promise<void> {
    const all = [...this.#sessions.values()]
    this.#sessions.clear()
    await Promise.allSettled([this.#modern.close(), ...all.map(({ server }) => server.close())])
  }

  async #begin({ holder }: Caller): Promise<Session> {
    const serving = this.#serving
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void this.#sessions.set(id, session),
      onsessionclosed: (id) => void this.#end(id),
      eventStore: new SessionEvents(),
      retryInterval: RETRY_MS,
      maxRequestBodySize: this.#options.bodyBytesMax,
    })
    const server = makeServer({ serving, watch: this.#watch, callerOf, era: "legacy" })
    const session: Session = { transport, server, holder: holder?.name, used: serving.clock.tick(), busy: 0 }
    await server.connect(transport)
    return session
  }

  async #end(id: string): Promise<void> {
    const session = this.#sessions.get(id)
    this.#sessions.delete(id)
    await session?.server.close()
  }

  async #within(session: Session, work: () => Promise<Response>): Promise<Response> {
    session.busy++
    try {
      const response = await work()
      if (response.body === null) return response
      // A session whose stream is open is used for as long as that is.
      session.busy++
      return new Response(
        ending(response.body, () => this.#used(session)),
        response,
      )
    } finally {
      this.#used(session)
    }
  }

  #used(session: Session): void {
    session.busy--
    session.used = this.#serving.clock.tick()
  }

  /** Forgets sessions that nobody uses; the one unused for longest where there are too many. */
  #makeRoom(): boolean {
    const now = this.#serving.clock.tick()
    const { idleMs, sessionsMax } = this.#options
    const idle = [...this.#sessions].filter(([, { busy }]) => busy === 0).sort(([, a], [, b]) => a.used - b.used)
    for (const [id, { used }] of idle) if (now - used > idleMs || this.#sessions.size >= sessionsMax) void this.#end(id)
    return this.#sessions.size < sessionsMax
  }
}

const callerOf = (context: ServerContext): Caller => context.http!.authInfo!.extra!["caller"] as Caller

/** Does the request begin a session? The body is read from a copy. */
async function begins(request: Request, bytesMax: number): Promise<boolean> {
  if (request.method !== "POST" || Number(request.headers.get("content-length") ?? 0) > bytesMax) return false
  try {
    const body: unknown = JSON.parse(await request.clone().text())
    return isInitializeRequest(body)
  } catch {
    // No JSON: whoever answers the request says so.
    return false
  }
}

function refusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ jsonrpc: "2.0", id: null, error: { code: -32_000, message } }, { status, headers })
}

/** What is wrong with a body, as clients of this protocol read it. */
function refusalOf({ status, body, headers }: Answer): Response {
  const { "content-type": _, ...more } = headers
  return refusal(status, (body as { readonly detail: string }).detail, more)
}

/** The same stream; calls back once when it has ended, either way. */
function ending(body: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let open = true
  const end = () => {
    if (open) done()
    open = false
  }
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const next = await reader.read()
        if (!next.done) return controller.enqueue(next.value)
        end()
        controller.close()
      } catch (cause) {
        end()
        controller.error(cause)
      }
    },
    cancel: async (reason) => {
      end()
      await reader.cancel(reason)
    },
  })
}

/** The library's own bus, which looks for changes only while somebody listens. */
class WatchedBus implements ServerEventBus {
  readonly #bus = new InMemoryServerEventBus()
  readonly #watch: Watch
  readonly #serving: McpServing

  constructor(watch: Watch, serving: McpServing) {
    this.#watch = watch
    this.#serving = serving
  }
  publish(event: ServerEvent): void {
    this.#bus.publish(event)
  }
  subscribe(listener: (event: ServerEvent) => void): () => void {
    const off = this.#watch.listen((uri) => listener({ kind: "resource_updated", uri }))
    const unsubscribe = this.#bus.subscribe(listener)
    const unheard = this.#serving.changes?.(() => {
      for (const list of listsOf(this.#serving)) listener({ kind: `${list}_list_changed` })
    })
    return () => {
      off()
      unheard?.()
      unsubscribe()
    }
  }
}
