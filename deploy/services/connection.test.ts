/**
 * When a connection is kept and when it is not, against servers that count connections, close them at bad moments, and
 * answer more slowly than a connection is kept.
 */
import { describe, expect, test } from "bun:test"
import * as http from "node:http"
import * as net from "node:net"
import type { HttpRequest } from "../../graph/mod.ts"
import { brief, failure, listening, request, startServers, text } from "../../tests/contract/servers.ts"
import { createHttp, type HttpOptions } from "./http.ts"

startServers()

/** A server that says how many connections it has seen, and what each request was. */
async function counting(answer: (q: http.IncomingMessage, r: http.ServerResponse) => void) {
  const seen = { connections: 0, methods: [] as string[] }
  const server = http.createServer((q, r) => {
    seen.methods.push(q.method!)
    answer(q, r)
  })
  server.on("connection", () => seen.connections++)
  return { seen, port: await listening(server) }
}
const asker = (port: number, options: HttpOptions = {}) => {
  const client = createHttp(options)
  return (more: Partial<HttpRequest> = {}) => client.request(request(`http://127.0.0.1:${port}/`, more))
}

describe("a kept connection", () => {
  test("serves one read after another; a write has its own", async () => {
    const { seen, port } = await counting((_q, r) => r.end("hello"))
    const ask = asker(port)
    for (let i = 0; i < 5; i++) expect(text((await ask()).body)).toBe("hello")
    expect(seen.connections).toBe(1)
    for (let i = 0; i < 3; i++) await ask({ method: "POST", repeatable: false, body: new Uint8Array(3) })
    expect(seen.connections).toBe(4)
    const ask0 = asker(port, { keepMsMax: 0 })
    for (let i = 0; i < 3; i++) await ask0()
    expect(seen.connections).toBe(7)
  })

  test("is not kept when the body was not read to its end", async () => {
    const { seen, port } = await counting((_q, r) => r.end("x".repeat(200_000)))
    const ask = asker(port)
    for (let i = 0; i < 3; i++) expect((await failure(ask())).code).toBe("TooLarge")
    expect(seen.connections).toBe(3)
  })

  test("that died in the meantime costs nothing but time", async () => {
    // Answers the first request of each connection and hangs up on the second, without a word.
    let connections = 0
    const port = await listening(
      net.createServer((socket) => {
        let asked = 0
        connections++
        socket.on("error", () => {})
        socket.on("data", () => {
          if (++asked === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
          else socket.destroy()
        })
      }),
    )
    const ask = asker(port)
    for (let i = 0; i < 4; i++) expect(text((await ask()).body)).toBe("ok")
    expect(connections).toBeGreaterThan(2)
    // A fresh connection that is hung up on is a failure like any other, and is not tried again here.
    const rude = await listening(net.createServer((s) => s.on("error", () => {}).on("data", () => s.destroy())))
    expect(brief(await failure(asker(rude)()))).toEqual({
      code: "Unreachable",
      data: { reason: "cut" },
      retryable: true,
      undelivered: false,
    })
  })

  test("bounds only how long nobody uses it, not how long an answer takes", async () => {
    const { seen, port } = await counting((_q, r) => void setTimeout(() => r.end("late"), 150))
    const ask = asker(port, { keepMsMax: 40 })
    expect(text((await ask()).body)).toBe("late")
    expect(text((await ask()).body)).toBe("late")
    await new Promise((ok) => setTimeout(ok, 150))
    expect(text((await ask()).body)).toBe("late")
    expect(seen.connections).toBeGreaterThan(1)
  })

  test("to an address inside is of no use to a request that may not go there", async () => {
    const { seen, port } = await counting((_q, r) => r.end("inside"))
    const ask = asker(port)
    await ask()
    expect((await failure(ask({ privateAddresses: () => false }))).data).toEqual({ reason: "address" })
    expect(seen.methods.length).toBe(1)
  })

  test("many requests at once each have their own answer", async () => {
    const { seen, port } = await counting((q, r) => void setTimeout(() => r.end(q.url), 1))
    const client = createHttp()
    const paths = Array.from({ length: 200 }, (_, i) => `/${i}`)
    const answers = await Promise.all(paths.map((p) => client.request(request(`http://127.0.0.1:${port}${p}`))))
    expect(answers.map((a) => text(a.body))).toEqual(paths)
    expect(seen.methods.length).toBe(200)
  })
})

test("a resolver that never answers is not waited for", async () => {
  const http = createHttp({ resolve: () => new Promise(() => {}), connectMsMax: 20 })
  expect(brief(await failure(http.request(request("http://slow.test/"))))).toEqual({
    code: "Unreachable",
    data: { reason: "timeout" },
    retryable: true,
    undelivered: true,
  })
  const abort = new AbortController()
  const waiting = failure(
    createHttp({ resolve: () => new Promise(() => {}) }).request(
      request("http://slow.test/", { signal: abort.signal }),
    ),
  )
  abort.abort()
  expect((await waiting).code).toBe("Cancelled")
})

test("a connection that is never answered ends by itself", async () => {
  // A port whose queue is full would do; a TLS greeting that nobody answers is the same wait, and certain.
  const mute = await listening(net.createServer((s) => void s.on("error", () => {})))
  const client = createHttp({ connectMsMax: 40 })
  expect(brief(await failure(client.request(request(`https://127.0.0.1:${mute}/`))))).toEqual({
    code: "Unreachable",
    data: { reason: "timeout" },
    retryable: true,
    undelivered: true,
  })
})
