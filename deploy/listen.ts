/**
 * A server for an application that takes requests and gives responses: Bun's own where there is one, else `node:http`, which
 * Deno and Node share. The request's signal is aborted when its client goes away.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type Duplex, Readable } from "node:stream"
import * as Data from "effect/Data"
import { ProjectError, why } from "./project/error.ts"

export interface Listening {
  readonly url: string
  /** Takes no new connection, and resolves when those that are open have ended or `graceMs` are over. */
  readonly close: (graceMs: number) => Promise<void>
}

export type Fetch = (request: Request) => Response | Promise<Response>
export interface Address {
  readonly host: string
  readonly port: number
}

/** Fails with `ProjectError` where the address cannot be had. */
export async function listen(fetch: Fetch, address: Address): Promise<Listening> {
  if (typeof Bun === "undefined") return listenOnNode(fetch, address)
  return (await import("./listen_bun.ts")).listenOnBun(fetch, address)
}

/** The same on `node:http`. */
export async function listenOnNode(fetch: Fetch, { host, port }: Address): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    serve(fetch, incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.on("clientError", refuse)
  // Slow senders do not keep a connection for ever.
  server.requestTimeout = 60_000
  server.headersTimeout = 15_000
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new ProjectError({ reason: "unreadable", message: `Cannot listen on ${host}:${port}: ${why(cause)}`, cause }),
      ),
    )
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`,
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), graceMs)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

/** What is no request, or one with too many headers, or one that came too slowly: answered before the application sees it. */
function refuse(cause: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy()
  const [status, title] = UNREADABLE[cause.code ?? ""] ?? [400, "Bad Request"]
  const body = JSON.stringify({ type: "about:blank", title, status, detail: "The request cannot be read." })
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
}
class Unreadable extends Data.TaggedError("Unreadable")<{ readonly code: "TARGET" | "METHOD" }> {}
/** Methods that no `Request` has. Source: fetch.spec.whatwg.org, "forbidden method". */
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"])
const UNREADABLE: { readonly [code: string]: readonly [status: number, title: string] } = {
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
  METHOD: [405, "Method Not Allowed"],
}

async function serve(fetch: Fetch, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController()
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  const method = incoming.method ?? "GET"
  const url = URL.parse(incoming.url ?? "/", `http://${incoming.headers.host ?? "localhost"}`)
  if (url === null) return refuse(new Unreadable({ code: "TARGET" }), incoming.socket)
  if (FORBIDDEN.has(method)) return refuse(new Unreadable({ code: "METHOD" }), incoming.socket)
  const headers = new Headers()
  for (let i = 0; i < incoming.rawHeaders.length; i += 2)
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
  const body =
    method === "GET" || method === "HEAD" ? null : (Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>)
  const request = new Request(url, { method, headers, body, signal: gone.signal, duplex: "half" } as RequestInit)
  const response = await fetch(request)
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null || method === "HEAD") {
    outgoing.end()
    return
  }
  const reader = response.body.getReader()
  // Who has gone hears nothing more: a stream that has no end of its own ends with its client.
  const left = new Promise<void>((go) => outgoing.once("close", go))
  void left.then(() => reader.cancel().catch(() => {}))
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (!outgoing.write(next.value))
      await Promise.race([new Promise((drained) => outgoing.once("drain", drained)), left])
  }
  outgoing.end()
}
