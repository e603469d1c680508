/** HTTP on `fetch` against the servers that the client on sockets is held to: what it brings back, refuses and cuts. */
import { describe, expect, test } from "bun:test"
import { Failure, type HttpRequest } from "../../graph/mod.ts"
import { brief, failure, request, startServers, text } from "../../tests/contract/servers.ts"
import { fetchHttp } from "./fetch.ts"

const world = startServers()
const get = (path: string, more: Partial<HttpRequest> = {}) =>
  fetchHttp().request(request(`http://127.0.0.1:${world.port}${path}`, more))

describe("a request on fetch", () => {
  test("carries method, headers and body, and brings status, headers and body back", async () => {
    world.seen = []
    const body = new TextEncoder().encode('{"a":1}')
    const answer = await get("/x?y=1", { method: "POST", headers: { "x-a": "1" }, body })
    expect([answer.status, text(answer.body)]).toEqual([200, "hello"])
    expect(world.seen[0]).toMatchObject({ method: "POST", url: "/x?y=1", body: '{"a":1}', headers: { "x-a": "1" } })
    expect(text((await get("/gzip")).body)).toBe("packed")
    expect(text((await get("/nothing")).body)).toBe("")
  })

  test("streams when asked to", async () => {
    const answer = await fetchHttp().request(request(`http://127.0.0.1:${world.port}/chunks`), { stream: true })
    const parts: string[] = []
    for await (const chunk of answer.chunks!) parts.push(text(chunk))
    expect(parts.join("")).toBe("one,two")
  })

  test("follows redirects that are granted, and refuses those that are not, or lead inside", async () => {
    const to = (path: string) => `/to/302/${encodeURIComponent(path)}`
    expect(text((await get(to("/gzip"))).body)).toBe("packed")
    expect((await get(to("/x"), { redirectsMax: 0 })).status).toBe(302)
    const circle = to(to(to("/x")))
    expect((await failure(get(circle, { redirectsMax: 2 }))).code).toBe("TooManyRedirects")
    const host = `127.0.0.1:${world.port}`
    const elsewhere = get(to("http://other.test/"), { allowHost: (h) => h === host })
    expect(brief(await failure(elsewhere))).toMatchObject({ code: "Refused", data: { reason: "host" } })
    const inside = get(to("http://169.254.169.254/latest/"), { privateAddresses: (h) => h === host })
    expect(brief(await failure(inside))).toMatchObject({ code: "Refused", data: { reason: "address" } })
    const posted = get("/to/307/http%3A%2F%2Fother.test%2F", { method: "POST", body: new Uint8Array(1) })
    expect(brief(await failure(posted))).toMatchObject({ code: "Refused", data: { reason: "redirect" } })
  })

  test.each([
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::1]/",
    "http://10.0.0.1/",
    "http://169.254.169.254/",
    "http://[fe80::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://localhost/",
    "http://a.localhost/",
  ])("refuses %s where private addresses are not granted, before anything is sent", async (url) => {
    let asked = 0
    const http = fetchHttp({
      fetch: async () => {
        asked++
        return new Response("secret")
      },
    })
    const f = await failure(http.request(request(url, { privateAddresses: () => false })))
    expect(brief(f)).toMatchObject({ code: "Refused", data: { reason: "address" }, undelivered: true })
    expect(asked).toBe(0)
  })

  test("refuses other schemes, and URLs with a name and password", async () => {
    for (const url of ["file:///etc/passwd", "data:text/plain,x", "http://me:secret@a.test/"]) {
      const f = await failure(fetchHttp().request(request(url)))
      expect(brief(f)).toMatchObject({ code: "Refused", data: { reason: "url" } })
      expect(f.message).not.toContain("secret")
    }
  })

  test("cuts bodies that are larger than asked for", async () => {
    expect((await get("/full")).body.length).toBe(100_000)
    for (const path of ["/big", "/endless", "/bomb"])
      expect(brief(await failure(get(path)))).toMatchObject({ code: "TooLarge", data: { limit: 100_000 } })
  })

  test("is given up when the caller aborts, and when the server falls silent", async () => {
    for (const path of ["/slow", "/hang"]) {
      const abort = new AbortController()
      const answer = failure(get(path, { signal: abort.signal }))
      setTimeout(() => abort.abort(), 20)
      expect((await answer).code).toBe("Cancelled")
      const silent = fetchHttp({ silenceMsMax: 30 }).request(request(`http://127.0.0.1:${world.port}${path}`))
      expect(brief(await failure(silent))).toMatchObject({ code: "Unreachable", data: { reason: "silent" } })
    }
    const why = new Failure({ code: "Timeout", message: "too slow", data: null })
    expect(await failure(get("/hang", { signal: AbortSignal.abort(why) }))).toBe(why)
  })

  test("to a server that is not there is unreachable; whether it was delivered nobody knows", async () => {
    const gone = fetchHttp().request(request(`http://127.0.0.1:${world.closedPort}/`))
    expect(brief(await failure(gone))).toEqual({
      code: "Unreachable",
      data: { reason: "refused" },
      retryable: true,
      undelivered: false,
    })
  })
})
