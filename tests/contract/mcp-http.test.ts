/**
 * The kind `mcp` over streamable HTTP, against servers made with the official library: one with sessions (the protocol
 * of 2025) and one without (that of 2026). Same kind, same answers; the rules of egress and secrets hold here too.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createMcpHandler, Server, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server"
import { createHttp, mcpService } from "../../deploy/mod.ts"
import { type Rec, type Services, T } from "../../graph/mod.ts"
import { mcp } from "../../nodes/mod.ts"
import { open, openFailure, sign, type Written } from "./drive.ts"

const cancelled: string[] = []
const begun: string[] = []
const tool = (name: string) => ({
  name,
  inputSchema: { type: "object" as const, properties: { text: { type: "string" as const } } },
})

function makeServer(): Server {
  const server = new Server({ name: "contract", version: "1" }, { capabilities: { tools: {} } })
  server.setRequestHandler("tools/list", () => ({ tools: ["say", "hang", "progress", "fail"].map(tool) }))
  server.setRequestHandler("tools/call", async (request, context) => {
    const { name } = request.params
    const text = String(request.params.arguments?.["text"] ?? "")
    if (name === "fail") return { isError: true, content: [{ type: "text", text: "no such order" }] }
    if (name === "hang") {
      begun.push(text)
      await new Promise<void>((done) => context.mcpReq.signal.addEventListener("abort", () => done()))
      cancelled.push(text)
    }
    if (name === "progress") {
      const progressToken = request.params._meta?.progressToken
      if (progressToken !== undefined) {
        await context.mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken, progress: 1, total: 2 },
        })
      }
      await Bun.sleep(20)
    }
    return { content: [{ type: "text", text }] }
  })
  return server
}

const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
const stateless = createMcpHandler(() => makeServer())
let requests: Headers[] = []
/** Where each POST came from. */
let ports: (number | undefined)[] = []
let http: ReturnType<typeof Bun.serve>
const service = mcpService({ base: ".", http: createHttp() })

beforeAll(() => {
  http = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (request, server) => {
      requests.push(request.headers)
      if (request.method === "POST") ports.push(server.requestIP(request)?.port)
      const { pathname } = new URL(request.url)
      if (pathname === "/elsewhere") return Response.redirect("http://127.0.0.2/mcp", 307)
      if (pathname === "/broken") return new Response("oh no", { status: 500 })
      if (pathname === "/page") return new Response("<h1>hello</h1>", { headers: { "content-type": "text/html" } })
      if (pathname === "/locked" && request.headers.get("authorization") !== "Bearer sesame") {
        return new Response("who are you?", { status: 401 })
      }
      if (pathname === "/new") return stateless.fetch(request)
      const id = request.headers.get("mcp-session-id")
      let transport = id === null ? undefined : sessions.get(id)
      if (transport === undefined) {
        const made = new WebStandardStreamableHTTPServerTransport({
          sessionIdGenerator: () => crypto.randomUUID(),
          onsessioninitialized: (name) => void sessions.set(name, made),
        })
        await makeServer().connect(made)
        transport = made
      }
      return transport.handleRequest(request)
    },
  })
})
afterAll(async () => {
  await service.close()
  await http.stop(true)
})

const node = (path: string, name: string, args: Rec = {}, more: Rec = {}): Written => ({
  resources: { servers: { s: { url: `http://127.0.0.1:${http.port}${path}`, ...more } } },
  config: { mcp: `s/${name}` },
  output: T.string,
  args,
})
const until = async (done: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !done(); i++) await Bun.sleep(10)
  expect(done()).toBe(true)
}

for (const [what, path] of [
  ["with sessions", "/mcp"],
  ["without sessions", "/new"],
] as const) {
  describe(`a server ${what}`, () => {
    test("answers, fails, tells its progress", async () => {
      const say = await open(mcp, node(path, "say", { text: "hello" }), { mcp: service })
      expect(await say.call()).toBe("hello")
      const failing = await open(mcp, node(path, "fail"), { mcp: service })
      expect(await failing.failure()).toMatchObject({ code: "ToolError", data: { text: "no such order" } })
      const progress = await open(mcp, node(path, "progress", { text: "done" }), { mcp: service })
      const notes: string[] = []
      expect(await progress.call(undefined, { note: (text) => notes.push(text) })).toBe("done")
      expect(notes).toEqual(["1/2"])
      for (const d of [say, failing, progress]) await d.close()
    })
    test("is asked over a kept connection by tools that read, and over a new one by all others", async () => {
      for (const [effect, most] of [
        ["read", 1],
        ["write", 3],
      ] as const) {
        const written = node(path, "say", { text: effect })
        const d = await open(mcp, { ...written, config: { ...written.config, effect } }, { mcp: service })
        await d.call()
        ports = []
        for (let i = 0; i < 3; i++) {
          expect(await d.call()).toBe(effect)
          // A stream ends a little after the answer that it brought.
          await Bun.sleep(50)
        }
        expect(new Set(ports).size).toBe(most)
        await d.close()
      }
    })
    test("is told when a call is cancelled", async () => {
      const d = await open(mcp, node(path, "hang", { text: `hang ${path}` }), { mcp: service })
      const stop = new AbortController()
      const failed = d.failure(undefined, { signal: stop.signal })
      await until(() => begun.includes(`hang ${path}`))
      stop.abort()
      expect(await failed).toMatchObject({ code: "Cancelled" })
      await until(() => cancelled.includes(`hang ${path}`))
      await d.close()
    })
  })
}

describe("reaching a server", () => {
  test("its host is a need, and so is each secret; the secret goes in a header", async () => {
    const written = node("/locked", "say", { text: "in" }, { auth: "secret:WORD" })
    const host = `127.0.0.1:${http.port}`
    expect(sign(mcp, written)).toMatchObject({ needs: ["mcp:s/say", `net:${host}`, "secret:WORD"] })
    const secret = (name: string) => (name === "WORD" ? "sesame" : undefined)
    requests = []
    const d = await open(mcp, written, { mcp: service, secret })
    expect(await d.call()).toBe("in")
    expect(requests.every((h) => h.get("authorization") === "Bearer sesame")).toBe(true)
    await d.close()
    const wrong = await openFailure(mcp, written, { mcp: service, secret: () => "password" })
    expect(wrong).toMatchObject({ code: "Unreachable", data: { status: 401 } })
    expect(JSON.stringify(wrong)).not.toContain("password")
  })
  test("a private address is reached only by a grant that names it", async () => {
    const host = `net:127.0.0.1:${http.port}`
    const only =
      (...granted: string[]): Services["granted"] =>
      (capability) =>
        granted.includes(capability)
    const written = node("/mcp", "say", { text: "x" })
    const allowed = await open(mcp, written, { mcp: service, granted: only(host) })
    expect(await allowed.call()).toBe("x")
    // Also while a connection of a plan with more rights stands.
    expect(await openFailure(mcp, written, { mcp: service, granted: only() })).toMatchObject({ undelivered: true })
    await allowed.close()
  })
  test("a redirect elsewhere, an error, a page: Unreachable, nothing sent", async () => {
    for (const path of ["/elsewhere", "/broken", "/page"]) {
      expect(await openFailure(mcp, node(path, "say"), { mcp: service })).toMatchObject({
        code: "Unreachable",
        undelivered: true,
      })
    }
  })
  test("a server that is gone, and a host without HTTP", async () => {
    const gone = { ...node("/mcp", "say"), resources: { servers: { s: { url: "http://127.0.0.1:9" } } } }
    expect(await openFailure(mcp, gone, { mcp: service })).toMatchObject({
      code: "Unreachable",
      undelivered: true,
      retryable: true,
    })
    expect(await openFailure(mcp, node("/mcp", "say"), { mcp: mcpService({ base: "." }) })).toMatchObject({
      code: "Unavailable",
    })
  })
})
