// MCP over HTTP on the server's own handler: tokens and what they grant, sessions and who may use them, requests that stand by
// themselves, pages of other sites, forms.
import { afterAll, describe, expect, test } from "bun:test"
import type { Holder } from "../../deploy/http/holder.ts"
import { GRANTS } from "../durable/house.ts"
import { NEW, OLD, toldBy } from "./clients.ts"
import { type InApp, inApp } from "./in_app.ts"

interface Result {
  readonly resultType?: string
  readonly inputRequests: object
  readonly requestState: string
  readonly structuredContent?: unknown
  readonly isError?: boolean
}

const HOLDERS: { readonly [token: string]: Holder } = {
  all: { name: "all", grants: GRANTS },
  looks: { name: "looks", grants: ["app:look"] },
  one: { name: "one", grants: GRANTS, graphs: ["double"] },
  poor: { name: "poor", grants: GRANTS, budget: { budget: { calls: 3 }, windowMs: 3_600_000 } },
}
const apps: InApp[] = []
const made = async (...args: Parameters<typeof inApp>) => {
  const app = await inApp(...args)
  apps.push(app)
  return app
}
afterAll(async () => {
  for (const app of apps) await app.close()
})

describe.each([
  ["2025-11-25", OLD],
  ["2026-07-28", NEW],
] as const)("a token, %s", async (_, mode) => {
  const app = await made({ holders: HOLDERS })

  test("that is not known is answered 401, in whatever it asks", async () => {
    await expect(app.connect({ mode, token: "nobody" })).rejects.toMatchObject({ status: 401 })
  })

  test("grants what the server and it grant, and no more", async () => {
    const client = await app.connect({ mode, token: "looks" })
    expect(toldBy(await client.callTool({ name: "double", arguments: { x: 1 } })).failed).toBe(false)
    const { failed, text } = toldBy(await client.callTool({ name: "asks", arguments: { x: 1 } }))
    expect(failed).toBe(true)
    expect(text).toContain('the token "looks" grants app:look')
    await client.close()
  })

  test("for some graphs knows of no others, nor of their runs", async () => {
    const all = await app.connect({ mode, token: "all" })
    const { run } = toldBy(await all.callTool({ name: "asks", arguments: { x: 1 } }))
    const client = await app.connect({ mode, token: "one" })
    expect((await client.listTools()).tools.map((t) => t.name)).toEqual(["double"])
    await expect(client.callTool({ name: "asks", arguments: { x: 1 } })).rejects.toMatchObject({ code: -32602 })
    const uri = `shadowgraph://runs/${run}`
    await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32602 })
    expect((await client.listResources()).resources.map((r) => r.uri)).not.toContain(uri)
    expect((await all.listResources()).resources.map((r) => r.uri)).toContain(uri)
    await client.close()
    await all.close()
  })
})

test("a token's budget is spent over MCP as over HTTP", async () => {
  const app = await made({ holders: HOLDERS })
  const client = await app.connect({ token: "poor" })
  expect(toldBy(await client.callTool({ name: "double", arguments: { x: 1 } })).failed).toBe(false)
  expect(toldBy(await client.callTool({ name: "double", arguments: { x: 5 } }))).toMatchObject({ failed: true })
  const response = await app.fetch(
    new Request("http://localhost/graphs/double/runs", {
      method: "POST",
      headers: { authorization: "Bearer poor", "content-type": "application/json" },
      body: '{"input":{"x":9}}',
    }),
  )
  expect(response.status).not.toBe(200)
  await client.close()
})

const post = (body: unknown, headers: Record<string, string> = {}) =>
  new Request("http://localhost/mcp", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  })
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
}
const LIST = { jsonrpc: "2.0", id: 2, method: "tools/list", params: {} }

describe("a session", () => {
  test("is of the token that began it: another's is told there is none", async () => {
    const app = await made({ holders: HOLDERS })
    const begun = await app.fetch(post(INITIALIZE, { authorization: "Bearer all" }))
    const id = begun.headers.get("mcp-session-id")!
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    await begun.text()
    const with_ = (token: string) => app.fetch(post(LIST, { authorization: `Bearer ${token}`, "mcp-session-id": id }))
    expect((await with_("one")).status).toBe(404)
    expect((await with_("all")).status).toBe(200)
    const left = await app.fetch(
      new Request("http://localhost/mcp", {
        method: "DELETE",
        headers: { authorization: "Bearer all", "mcp-session-id": id },
      }),
    )
    expect(left.status).toBe(200)
    expect((await with_("all")).status).toBe(404)
  })

  test("makes room for others when nobody uses it", async () => {
    const app = await made({ way: { http: { sessionsMax: 2 } } })
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      const begun = await app.fetch(post(INITIALIZE))
      ids.push(begun.headers.get("mcp-session-id")!)
      await begun.text()
    }
    const status = async (id: string) => {
      const response = await app.fetch(post(LIST, { "mcp-session-id": id }))
      await response.text()
      return response.status
    }
    expect([await status(ids[0]!), await status(ids[2]!)]).toEqual([404, 200])
  })

  test("older versions are spoken too", async () => {
    const app = await made()
    for (const version of ["2025-06-18", "2025-03-26", "2024-11-05"]) {
      const params = { ...INITIALIZE.params, protocolVersion: version }
      const text = await (await app.fetch(post({ ...INITIALIZE, params }))).text()
      expect(text).toContain(`"protocolVersion":"${version}"`)
    }
    const text = await (
      await app.fetch(post({ ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: "1999-01-01" } }))
    ).text()
    expect(text).toContain('"protocolVersion":"2025-11-25"')
  })
})

describe("without sessions", () => {
  test("a request stands by itself in either protocol", async () => {
    const app = await made({ way: { http: { sessionsMax: 0 } } })
    for (const mode of [OLD, NEW]) {
      const client = await app.connect({ mode })
      expect(toldBy(await client.callTool({ name: "double", arguments: { x: 1 } })).failed).toBe(false)
      const { run, text } = toldBy(await client.callTool({ name: "asks", arguments: { x: 1 } }))
      expect(text).toContain("it rests")
      const { contents } = await client.readResource({ uri: `shadowgraph://runs/${run}` })
      expect(JSON.parse((contents[0] as { text: string }).text).status).toBe("parked")
      await client.close()
    }
    const begun = await app.fetch(post(INITIALIZE))
    expect(begun.headers.get("mcp-session-id")).toBeNull()
  })

  test("a question asked by one server is answered to another of the same store and key; with another key it is not believed", async () => {
    const key = new Uint8Array(32).fill(7)
    const first = await made({ way: { http: { sessionsMax: 0 }, key } })
    const second = await made({ way: { http: { sessionsMax: 0 }, key }, of: first })
    const stranger = await made({ way: { http: { sessionsMax: 0 }, key: new Uint8Array(32).fill(8) }, of: first })
    const envelope = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
    }
    const call = (more: object) =>
      post(
        {
          jsonrpc: "2.0",
          id: 1,
          method: "tools/call",
          params: { name: "asks", arguments: { x: 4 }, _meta: envelope, ...more },
        },
        { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "asks" },
      )
    const asked = (await (await first.fetch(call({}))).json()) as { readonly result: Result }
    expect(asked.result.resultType).toBe("input_required")
    expect(Object.keys(asked.result.inputRequests)).toEqual(["sure"])
    const answer = {
      requestState: asked.result.requestState,
      inputResponses: { sure: { action: "accept", content: { answer: true } } },
    }
    const refused = (await (await stranger.fetch(call(answer))).json()) as { readonly error: object }
    expect(refused.error).toMatchObject({ code: -32602, data: { reason: "invalid_request_state" } })
    const done = (await (await second.fetch(call(answer))).json()) as {
      readonly result: Result
    }
    expect(done.result.structuredContent).toBe(5)
    // Said again, it is the same run, which has ended.
    const again = (await (await second.fetch(call(answer))).json()) as {
      readonly result: Result
    }
    expect(again.result.isError).toBe(true)
    expect([...first.world.delivered.values()]).toEqual([1])
  })
})

describe("pages", () => {
  test("of other sites are turned away by their origin, other hosts by their name", async () => {
    const app = await made()
    const status = async (headers: Record<string, string>) => (await app.fetch(post(INITIALIZE, headers))).status
    expect(await status({ origin: "http://localhost:1234" })).toBe(200)
    expect(await status({ origin: "http://evil.example.com" })).toBe(403)
    expect(await status({ origin: "null" })).toBe(403)
    expect(await status({ host: "evil.example.com" })).toBe(403)
  })

  test("of an origin that is named may ask, by all headers that the protocol has", async () => {
    const origin = "https://app.example.com"
    const app = await made({ origins: [origin] })
    const told = await app.fetch(post(INITIALIZE, { origin }))
    expect([told.status, told.headers.get("access-control-allow-origin")]).toEqual([200, origin])
    expect(told.headers.get("access-control-expose-headers")).toContain("mcp-session-id")
    const asks = { origin, "access-control-request-method": "POST" }
    const before = await app.fetch(new Request(post(INITIALIZE).url, { method: "OPTIONS", headers: asks }))
    expect([before.status, before.headers.get("access-control-allow-headers")]).toEqual([
      204,
      expect.stringContaining("mcp-protocol-version, mcp-session-id"),
    ])
    expect((await app.fetch(post(INITIALIZE, { origin: "https://evil.example.com" }))).status).toBe(403)
  })
})

describe("a form", () => {
  test("has a field for each of the record's, with its default; what is left out is that", async () => {
    const app = await made()
    for (const mode of [OLD, NEW]) {
      let form: object = {}
      const client = await app.connect({
        mode,
        answer: (asked) => {
          form = asked.requestedSchema
          return { action: "accept", content: { name: "Ann" } }
        },
      })
      const result = await client.callTool({ name: "form", arguments: {} })
      expect(form).toEqual({
        type: "object",
        properties: {
          name: { type: "string" },
          age: { type: "integer", default: 30 },
          sex: { type: "string", enum: ["f", "m", "x"] },
        },
        required: ["name"],
      })
      expect(result.structuredContent).toMatchObject({ name: "Ann", age: 30 })
      await client.close()
    }
  })

  test("that is filled in wrongly is asked for again, and then the run rests", async () => {
    const app = await made()
    const asked: string[] = []
    const client = await app.connect({
      mode: NEW,
      answer: ({ message }) => {
        asked.push(message)
        return { action: "accept", content: { name: "Ann", age: asked.length === 1 ? "old" : 5 } }
      },
    })
    expect(toldBy(await client.callTool({ name: "form", arguments: {} })).failed).toBe(false)
    expect(asked).toEqual(["Who?", expect.stringContaining("Who? (")])
    await client.close()
  })
})
