/**
 * Real servers on loopback for the tests of HTTP: one that answers by path (packed, endless, silent, moved), one that
 * speaks only the bytes it is told to, and a port where nobody listens. With what a request of the tests looks like.
 */
import { afterAll, beforeAll } from "bun:test"
import * as http from "node:http"
import * as net from "node:net"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import type { HttpOptions } from "../../deploy/services/http.ts"
import { Failure, type HttpRequest } from "../../graph/mod.ts"

const close: (() => void)[] = []

/** Starts a server on a free port of loopback; it is closed when the file's tests are over. */
export async function listening(server: net.Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((ok, no) => server.once("error", no).listen(0, host, ok))
  close.push(() => server.close())
  return (server.address() as net.AddressInfo).port
}

/** Everything that a request of the tests does not say otherwise. */
export const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  url,
  headers: {},
  bytesMax: 100_000,
  signal: new AbortController().signal,
  repeatable: true,
  redirectsMax: 5,
  allowHost: () => true,
  privateAddresses: () => true,
  ...more,
})

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export async function failure(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise
  } catch (e) {
    if (e instanceof Failure) return e
    throw e
  }
  throw new Error("it did not fail")
}
export const brief = (f: Failure) => ({
  code: f.code,
  data: f.data,
  retryable: f.retryable === true,
  undelivered: f.undelivered === true,
})

/** Names of the tests' own, as a resolver would give them. */
export const named = (names: Record<string, string[]>): HttpOptions => ({
  resolve: async (name) => {
    const found = names[name]
    if (!found) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" })
    return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
  },
})

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export interface World {
  /** What the server by path was asked, and the paths whose answers ended, whoever ended them. */
  seen: Seen[]
  ended: string[]
  port: number
  rawPort: number
  /** Nobody listens here. */
  closedPort: number
}

/** Starts the servers for the tests of the file that calls, and closes them after. */
export function startServers(): World {
  const world: World = { seen: [], ended: [], port: 0, rawPort: 0, closedPort: 0 }
  beforeAll(async () => {
    world.port = await listening(byPath(world))
    world.rawPort = await listening(raw())
    const gone = net.createServer()
    await new Promise<void>((ok) => gone.listen(0, "127.0.0.1", ok))
    world.closedPort = (gone.address() as net.AddressInfo).port
    await new Promise<void>((ok) => gone.close(() => ok()))
  })
  afterAll(() => {
    for (const f of close.splice(0)) f()
  })
  return world
}

/** Answers by path, and writes down what it was asked. */
const byPath = (world: World) =>
  http.createServer((q, r) => {
    const chunks: Buffer[] = []
    r.on("close", () => world.ended.push(q.url!))
    q.on("data", (d) => chunks.push(d))
    q.on("end", () => {
      world.seen.push({ method: q.method!, url: q.url!, headers: q.headers, body: Buffer.concat(chunks).toString() })
      const to = /^\/to\/(\d+)\/(.*)$/.exec(q.url!)
      if (to) {
        r.writeHead(Number(to[1]), { location: decodeURIComponent(to[2]!) })
        return void r.end("moved")
      }
      switch (q.url) {
        case "/gzip":
          return void r.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("packed"))
        case "/deflate":
          return void r.writeHead(200, { "content-encoding": "deflate" }).end(deflateSync("packed"))
        case "/br":
          return void r.writeHead(200, { "content-encoding": "br" }).end(brotliCompressSync("packed"))
        case "/zstd":
          return void r.writeHead(200, { "content-encoding": "zstd" }).end("packed")
        case "/liar":
          return void r.writeHead(200, { "content-encoding": "gzip" }).end("this is not gzip at all")
        case "/bomb":
          return void r.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(50_000_000)))
        case "/big":
          return void r.end("x".repeat(100_001))
        case "/full":
          return void r.end("x".repeat(100_000))
        case "/endless": {
          const more = () => {
            while (!r.destroyed && r.write("x".repeat(10_000)));
            if (!r.destroyed) r.once("drain", more)
          }
          return more()
        }
        case "/slow":
          r.write("a first piece")
          return
        case "/hang":
          return
        case "/chunks":
          r.write("one,")
          setTimeout(() => r.end("two"), 5)
          return
        case "/nothing":
          return void r.writeHead(204).end()
        default:
          return void r.writeHead(200, { "content-type": "text/plain", "set-cookie": ["a=1", "b=2"] }).end("hello")
      }
    })
  })

/** A server that speaks no more than the bytes it is told to. */
const raw = () =>
  net.createServer((socket) => {
    socket.on("error", () => {})
    socket.once("data", (d) => {
      switch (d.toString().split(" ")[1]) {
        case "/garbage":
          return void socket.end("\u0000\u0001 not HTTP at all\r\n\r\n")
        case "/cut":
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
          return void setTimeout(() => socket.destroy(), 10)
        case "/cut-chunked":
          socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
          return void setTimeout(() => socket.end(), 10)
        case "/cut-gzip": {
          const packed = gzipSync("x".repeat(1000))
          socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`)
          socket.write(packed.subarray(0, packed.length - 10))
          return void setTimeout(() => socket.destroy(), 10)
        }
        case "/long-head":
          return void socket.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(300_000)}\r\n\r\n`)
        case "/both":
          return void socket.end(
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          )
        default:
          return void socket.destroy()
      }
    })
  })
