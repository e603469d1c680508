/**
 * The HTTP service against real servers on loopback: what it sends and reads, what it does with bodies that do not end,
 * and how each way of failing is told. Where it may go is `egress.test.ts`.
 */
import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { Failure, type HttpRequest } from "../../graph/mod.ts"
import { brief, failure, listening, named, request, startServers, text } from "../../tests/contract/servers.ts"
import { createHttp, type HttpOptions } from "./http.ts"

const world = startServers()

describe("a request", () => {
  test("carries method, headers and body, and brings status, headers and body back", async () => {
    world.seen = []
    const body = new TextEncoder().encode('{"a":1}')
    const answer = await createHttp().request(
      request(`http://127.0.0.1:${world.port}/x?y=1`, { method: "POST", headers: { "x-a": "1" }, body }),
    )
    expect(answer.status).toBe(200)
    expect(answer.headers["set-cookie"]).toBe("a=1, b=2")
    expect(text(answer.body)).toBe("hello")
    expect(world.seen[0]).toMatchObject({ method: "POST", url: "/x?y=1", body: '{"a":1}' })
    expect(world.seen[0]!.headers).toMatchObject({ "x-a": "1", "content-length": "7", host: `127.0.0.1:${world.port}` })
  })

  test("reads chunked, gzip, deflate and br bodies, and none for HEAD and 204", async () => {
    const get = async (path: string, method = "GET") =>
      text((await createHttp().request(request(`http://127.0.0.1:${world.port}${path}`, { method }))).body)
    expect(await get("/chunks")).toBe("one,two")
    expect(await get("/gzip")).toBe("packed")
    expect(await get("/deflate")).toBe("packed")
    expect(await get("/br")).toBe("packed")
    expect(await get("/gzip", "HEAD")).toBe("")
    expect(await get("/nothing")).toBe("")
  })

  test("streams when asked to", async () => {
    const answer = await createHttp().request(request(`http://127.0.0.1:${world.port}/chunks`), { stream: true })
    const parts: string[] = []
    for await (const chunk of answer.chunks!) parts.push(text(chunk))
    expect(parts.join("")).toBe("one,two")
    expect(parts.length).toBe(2)
  })

  test("reaches an IPv6 address", async () => {
    const six = http.createServer((q, r) => r.end(q.headers.host))
    const p = await listening(six, "::1")
    const answer = await createHttp().request(request(`http://[::1]:${p}/`))
    expect(text(answer.body)).toBe(`[::1]:${p}`)
  })

  test("connects to the checked address, and sends the name", async () => {
    const host = `api.test:${world.port}`
    world.seen = []
    await createHttp(named({ "api.test": ["127.0.0.1"] })).request(request(`http://${host}/`))
    expect(world.seen[0]!.headers.host).toBe(host)
  })

  test("speaks TLS to a pinned address and checks the certificate against the name", async () => {
    const pem = (name: string) => readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8")
    const cert = pem("secure.test.cert.pem")
    const secure = https.createServer({ cert, key: pem("secure.test.key.pem") }, (_q, r) => r.end("private words"))
    const p = await listening(secure)
    const names = named({ "secure.test": ["127.0.0.1"], "other.test": ["127.0.0.1"] })
    const trusting = createHttp({ ...names, ca: cert })
    expect(text((await trusting.request(request(`https://secure.test:${p}/`))).body)).toBe("private words")
    const tls = { code: "Unreachable", data: { reason: "tls" }, retryable: false, undelivered: true }
    expect(brief(await failure(trusting.request(request(`https://other.test:${p}/`))))).toEqual(tls)
    expect(brief(await failure(createHttp(names).request(request(`https://secure.test:${p}/`))))).toEqual(tls)
    expect(brief(await failure(trusting.request(request(`https://secure.test:${world.port}/`))))).toMatchObject({
      code: "Unreachable",
      undelivered: true,
    })
  })
})

describe("bodies", () => {
  const get = (path: string, more: Partial<HttpRequest> = {}) =>
    createHttp().request(request(`http://127.0.0.1:${world.port}${path}`, more))

  test("beyond the limit are cut: announced, endless, and unpacked", async () => {
    expect((await get("/full")).body.length).toBe(100_000)
    for (const path of ["/big", "/endless", "/bomb"]) {
      world.ended = []
      const f = await failure(get(path))
      expect(brief(f)).toEqual({ code: "TooLarge", data: { limit: 100_000 }, retryable: false, undelivered: false })
    }
  })

  test("that end too early are told from those that are not what they say", async () => {
    for (const path of ["/cut", "/cut-chunked", "/cut-gzip"]) {
      const f = await failure(createHttp().request(request(`http://127.0.0.1:${world.rawPort}${path}`)))
      expect(brief(f)).toEqual({ code: "Unreachable", data: { reason: "cut" }, retryable: true, undelivered: false })
    }
    for (const path of ["/liar", "/zstd"])
      expect(brief(await failure(get(path)))).toMatchObject({ code: "BadBody", data: { wanted: "encoding" } })
  })

  test("are given up when the caller aborts, and the server hears of it", async () => {
    for (const path of ["/slow", "/hang", "/endless"]) {
      world.ended = []
      const abort = new AbortController()
      const answer = failure(get(path, { signal: abort.signal, bytesMax: 1e12 }))
      setTimeout(() => abort.abort(), 20)
      expect((await answer).code).toBe("Cancelled")
      while (!world.ended.includes(path)) await new Promise((ok) => setTimeout(ok, 1))
    }
    const why = new Failure({ code: "Timeout", message: "too slow", data: null })
    expect(await failure(get("/hang", { signal: AbortSignal.abort(why) }))).toBe(why)
  })

  test("of servers that fall silent end by themselves", async () => {
    for (const path of ["/slow", "/hang"]) {
      const f = await failure(
        createHttp({ silenceMsMax: 30 }).request(request(`http://127.0.0.1:${world.port}${path}`)),
      )
      expect(brief(f)).toEqual({ code: "Unreachable", data: { reason: "silent" }, retryable: true, undelivered: false })
    }
  })
})

describe("servers that cannot be asked", () => {
  const reason = async (url: string, options: HttpOptions = {}) =>
    brief(await failure(createHttp(options).request(request(url))))

  test("refuse, have no address, hang up, talk nonsense", async () => {
    expect(await reason(`http://127.0.0.1:${world.closedPort}/`)).toEqual({
      code: "Unreachable",
      data: { reason: "refused" },
      retryable: true,
      undelivered: true,
    })
    const nowhere = { code: "Unreachable", data: { reason: "dns" }, retryable: true, undelivered: true }
    expect(await reason("http://nowhere.test/", named({}))).toEqual(nowhere)
    expect(await reason("http://nowhere.test/", named({ "nowhere.test": [] }))).toEqual(nowhere)
    expect(await reason("http://name.invalid/")).toEqual(nowhere)
    expect(await reason(`http://127.0.0.1:${world.rawPort}/drop`)).toEqual({
      code: "Unreachable",
      data: { reason: "cut" },
      retryable: true,
      undelivered: false,
    })
    for (const path of ["/garbage", "/long-head", "/both"])
      expect(await reason(`http://127.0.0.1:${world.rawPort}${path}`)).toEqual({
        code: "Unreachable",
        data: { reason: "protocol" },
        retryable: false,
        undelivered: false,
      })
  })

  test("messages carry no query", async () => {
    const f = await failure(createHttp().request(request(`http://127.0.0.1:${world.closedPort}/a?key=hush`)))
    expect(f.message).toContain("/a")
    expect(f.message).not.toContain("hush")
  })
})
