/**
 * Where clients reach a proxy over HTTP: one address, `/mcp`. A page in somebody's browser must not reach it by a name that
 * points at this machine, so on a loopback address only its own names are served, and only pages from here.
 * Source: the Model Context Protocol, 2025-11-25, "Streamable HTTP", security warning.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { proxyError } from "./errors.ts"
import { Events } from "./events.ts"

export const MCP_PATH = "/mcp"

export interface HttpFront {
  readonly url: string
  /** Ends all connections. */
  readonly close: () => Promise<void>
}

export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Fails with `ProxyError` (`address`) where the address cannot be had. */
export async function listenHttp(host: string, port: number, serve: Serve): Promise<HttpFront> {
  const local = isLocal(host)
  const server = createServer((request, response) => {
    const refusal = local ? refusedFrom(request) : undefined
    if (refusal !== undefined) return refuse(response, 403, refusal)
    serve(request, response).catch((cause: unknown) => {
      if (!response.headersSent) refuse(response, 502, (cause as Error).message)
      else response.destroy()
    })
  })
  // Streams of events are open for as long as a client wants them.
  server.requestTimeout = 0
  server.timeout = 0
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(proxyError("address", `Cannot listen on ${host}:${port}: ${(cause as Error).message}`, cause)),
    )
    server.listen(port, host, resolve)
  })
  const { address, family, port: taken } = server.address() as AddressInfo
  const name = family === "IPv6" ? `[${address}]` : address
  return {
    url: `http://${name}:${taken}${MCP_PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]", "::1"])
const isLocal = (host: string): boolean => LOCAL.has(host)

/** Why a request is not served, in words. */
function refusedFrom({ headers }: IncomingMessage): string | undefined {
  const host = nameOf(`http://${headers.host ?? ""}`)
  if (host === undefined || !LOCAL.has(host)) return `Host ${JSON.stringify(headers.host ?? "")} is not this machine`
  const { origin } = headers
  if (origin === undefined) return undefined
  const from = nameOf(origin)
  return from !== undefined && LOCAL.has(from) ? undefined : `Origin ${JSON.stringify(origin)} is not this machine`
}
const nameOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).hostname : undefined)

/** An error in the protocol's own words, for a request whose id nobody knows. */
export function refuse(response: ServerResponse, status: number, message: string, id = "null"): void {
  const body = `{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":${JSON.stringify(message)}}}`
  response.writeHead(status, { "content-type": "application/json" })
  response.end(body)
}

/** All of a body; or, where it is larger than that, its pieces, those that were read first. */
export async function bodyOf(
  request: IncomingMessage,
  bytesMax: number,
): Promise<{ readonly body: Buffer } | { readonly body: undefined; readonly pieces: AsyncIterable<Uint8Array> }> {
  const parts: Buffer[] = []
  let held = 0
  const chunks = (request as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  for (;;) {
    const next = await chunks.next()
    if (next.done === true) return { body: Buffer.concat(parts) }
    parts.push(next.value)
    held += next.value.length
    if (held > bytesMax) return { body: undefined, pieces: all(parts, chunks) }
  }
}

async function* all(parts: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array> {
  yield* parts
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

/** Writes, and waits while the client takes nothing more. */
export async function write(response: ServerResponse, chunk: Uint8Array | string): Promise<void> {
  if (response.destroyed || response.write(chunk)) return
  await new Promise<void>((go) => {
    const done = () => {
      response.off("drain", done)
      response.off("close", done)
      go()
    }
    response.on("drain", done)
    response.on("close", done)
  })
}

/** Looks on at the messages of a body that passes: JSON, or a stream of events. Undefined for others. */
export function reader(
  type: string | undefined,
  bytesMax: number,
): { push(chunk: Uint8Array): readonly string[]; end(): readonly string[] } | undefined {
  const kind = type?.split(";")[0]?.trim().toLowerCase()
  if (kind === "text/event-stream") {
    const events = new Events(bytesMax)
    return { push: (chunk) => events.push(chunk), end: () => [] }
  }
  if (kind !== "application/json") return undefined
  const parts: Uint8Array[] = []
  let held = 0
  return {
    push: (chunk) => {
      held += chunk.length
      if (held <= bytesMax) parts.push(chunk)
      else parts.length = 0
      return []
    },
    end: () => (held > bytesMax || held === 0 ? [] : [Buffer.concat(parts).toString("utf8")]),
  }
}
