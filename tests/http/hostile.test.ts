// Bad requests at the socket, against both servers that there are: what is no request, floods of headers, bodies that trickle,
// names that climb, more streams than are kept up with. Each is answered, and the server stays up.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import * as net from "node:net"
import { graphsApp } from "../../deploy/http/app.ts"
import { type Listening, listen, listenOnNode } from "../../deploy/listen.ts"
import { Engine, openHost } from "../../deploy/mod.ts"
import { Gates, type Site, SLOW, SUM, site } from "./world.ts"

setDefaultTimeout(60_000)

const JSON_HEAD = "content-type: application/json\r\n"

for (const [name, open] of [
  ["Bun's server", listen],
  ["node:http", listenOnNode],
] as const) {
  describe(name, () => {
    let here: Site
    let server: Listening
    let port = 0
    beforeAll(async () => {
      here = await site([SUM, SLOW], { limits: { bodyMsMax: 150, heartbeatMs: 20 }, shared: true })
      server = await open((request) => here.app.fetch(request), { host: "127.0.0.1", port: 0 })
      port = Number(new URL(server.url).port)
    })
    afterAll(async () => await server.close(0))

    /** What a socket is answered to these texts, with a pause between them, until it closes or `ms` are over. */
    const raw = (texts: readonly string[], ms = 2_000): Promise<{ readonly status: number; readonly text: string }> =>
      new Promise((resolve) => {
        const socket = net.connect(port, "127.0.0.1")
        let text = ""
        const end = () => {
          clearTimeout(timer)
          socket.destroy()
          resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text })
        }
        const timer = setTimeout(end, ms)
        socket.on("data", (data) => {
          text += data
          if (/\r\n\r\n[\s\S]*\}(\r\n0\r\n\r\n)?$/.test(text)) end()
        })
        socket.on("close", end)
        socket.on("error", end)
        const send = async () => {
          for (const each of texts) {
            if (socket.destroyed) return
            socket.write(each)
            await new Promise((wake) => setTimeout(wake, 30))
          }
        }
        void send()
      })
    const alive = async () => {
      const response = await fetch(`${server.url}/graphs/sum/runs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"input":{"a":1}}',
      })
      return [response.status, (await response.json()).output] as const
    }

    test("what is no request is answered 400, a flood of headers 431, and the server stays up", async () => {
      for (const [text, statuses] of [
        ["\x00\x01nonsense\r\n\r\n", [400]],
        [`GET / HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(20_000)}\r\n`, [431, 400]],
        [`GET / HTTP/1.1\r\nhost: x\r\na: ${"x".repeat(100_000)}\r\n\r\n`, [431]],
        [`POST /graphs/sum/runs HTTP/1.1\r\nhost: x\r\ncontent-length: abc\r\n\r\n`, [400]],
        [
          `POST /graphs/sum/runs HTTP/1.1\r\nhost: x\r\n${JSON_HEAD}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
          [400],
        ],
      ] as const) {
        const { status, text: told } = await raw([text])
        // Bun writes these answers by itself, and has no words for them.
        expect(told.includes("application/problem+json")).toBe(name === "node:http")
        expect([text.slice(0, 60), statuses.includes(status as never), status]).toEqual([
          text.slice(0, 60),
          true,
          status,
        ])
      }
      expect(await alive()).toEqual([200, { sum: 2 }])
    })

    test("a method that no request may have is answered with a problem", async () => {
      const { status, text } = await raw(["TRACE /graphs/sum/runs HTTP/1.1\r\nhost: localhost\r\n\r\n"])
      expect([[404, 405].includes(status), text.includes("application/problem+json")]).toEqual([true, true])
      expect(await alive()).toEqual([200, { sum: 2 }])
    })

    test("a body that trickles is answered 408, one that is too large 413", async () => {
      const head = `POST /graphs/sum/runs HTTP/1.1\r\nhost: localhost\r\n${JSON_HEAD}`
      const slow = await raw([`${head}content-length: 100\r\n\r\n`, ...'{ "input": {'.split("")])
      expect([slow.status, slow.text.includes("/problems/slow-body")]).toEqual([408, true])
      const large = await raw([`${head}content-length: 99999999\r\n\r\n{}`])
      expect([large.status, large.text.includes("/problems/too-large")]).toEqual([413, true])
      expect(await alive()).toEqual([200, { sum: 2 }])
    })

    test("names that climb out of their place name nothing", async () => {
      for (const path of [
        "/graphs/../../etc/passwd",
        "/graphs/..%2f..%2fetc%2fpasswd/runs",
        "/runs/..%5c..%5cledger.db",
        "/problems/__proto__",
        "/graphs/sum%00/runs",
        "/graphs/%ff/runs",
        "/graphs/%",
        "//graphs/sum/runs",
      ]) {
        const { status, text } = await raw([`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`])
        expect([path, status === 404 || status === 405 || status === 400, text.includes("problem+json")]).toEqual([
          path,
          true,
          true,
        ])
      }
    })

    test("a stream is told over the wire, and ends with its client", async () => {
      const begun = await here.post("/graphs/slow/runs", { input: { n: 1 } }, { prefer: "respond-async" })
      const gone = new AbortController()
      const response = await fetch(`${server.url}${begun.json.events}`, { signal: gone.signal })
      const reader = response.body!.getReader()
      let text = ""
      while (!text.includes('"path":"first"') || !text.includes(": \n\n"))
        text += new TextDecoder().decode((await reader.read()).value)
      expect((await here.get("/health")).json.streams).toBe(1)
      gone.abort()
      await reader.closed.catch(() => {})
      for (let i = 0; i < 200 && (await here.get("/health")).json.streams > 0; i++)
        await new Promise((r) => setTimeout(r, 10))
      expect((await here.get("/health")).json.streams).toBe(0)
      await here.post(`/runs/${begun.json.run}/cancel`, {})
    })
  })
}

test("of ten thousand streams the first are kept up with, and the others told when to come again", async () => {
  const { ask, post, get, world } = await site([SLOW, SUM], { limits: { streamsMax: 500 } })
  const { json } = await post("/graphs/slow/runs", { input: { n: 1 } }, { prefer: "respond-async" })
  const all = await Promise.all(Array.from({ length: 10_000 }, () => ask(json.events)))
  const open = all.filter((r) => r.status === 200)
  const shed = all.filter((r) => r.status === 503)
  expect([open.length, shed.length, new Set(shed.map((r) => r.headers.get("retry-after")))]).toEqual([
    500,
    9_500,
    new Set(["2"]),
  ])
  expect((await shed[0]!.json()).type).toBe("/problems/too-many-streams")
  expect(await post("/graphs/sum/runs", { input: { a: 1 } })).toMatchObject({ status: 200 })
  await world.open(1)
  await world.open(2)
  const texts = await Promise.all(open.map((r) => r.text()))
  expect(texts.every((text) => text.includes("event: result"))).toBe(true)
  expect((await get("/health")).json.streams).toBe(0)
})

test("what a stream and a record tell holds no secret of an adapter", async () => {
  const secret = "s3cr3t-token-of-a-tool"
  const seen: string[] = []
  const tool = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      seen.push(request.headers.get("authorization") ?? "")
      return Response.json(1, { status: seen.length === 1 ? 503 : 200 })
    },
  })
  const host = openHost({ base: ".", secret: () => secret })
  const world = new Gates()
  const engine = new Engine({ registry: world.kinds, services: host.services })
  const text = `
graph: asks_tool
nodes:
  got: { http: "GET http://127.0.0.1:${tool.port}/", auth: { bearer: "secret:TOKEN" }, output: number, retry: 2 }
output: got
`
  const grants = [`net:127.0.0.1:${tool.port}`, "secret:TOKEN"]
  const ready = await engine.prepare(world.plan(text), { grants })
  const { plan } = ready.admitted
  const served = {
    name: "asks_tool",
    needs: plan.needs,
    input: plan.types[plan.input] as never,
    output: plan.types[plan.output]!,
    engine,
    ready,
  }
  const app = graphsApp({ graphs: [served], runs: [{ engine, grants }] })
  const response = await app.request("/graphs/asks_tool/runs", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: "{}",
  })
  const told = await response.text()
  expect(seen.every((header) => header === `Bearer ${secret}`)).toBe(true)
  expect(seen.length).toBeGreaterThan(1)
  expect(told).toContain("event: result")
  expect(told).not.toContain(secret)
  await engine.close()
  await host.close()
  await tool.stop(true)
})
