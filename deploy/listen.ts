/**
 * A server for an application that takes requests and gives responses, on `node:http`, which Bun, Deno and Node share.
 * The request's signal is aborted when its client goes away.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Readable } from "node:stream"
import { ProjectError, why } from "./project_error.ts"

export interface Listening {
  readonly url: string
  /** Takes no new connection, and resolves when those that are open have ended or `graceMs` are over. */
  readonly close: (graceMs: number) => Promise<void>
}

/** Fails with `ProjectError` where the address cannot be had. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    serve(fetch, incoming, outgoing).catch(() => outgoing.destroy())
  })
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

async function serve(
  fetch: (request: Request) => Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  const method = incoming.method ?? "GET"
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? "localhost"}`)
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
