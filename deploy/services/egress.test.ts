/**
 * Where the HTTP service goes and where it does not: a table of disguised addresses, names that resolve inside or change
 * their mind, redirects of every kind. Against real servers on loopback, which must not hear of what is refused.
 */
import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import type { HttpRequest } from "../../graph/mod.ts"
import { brief, failure, listening, named, request, startServers } from "../../tests/contract/servers.ts"
import { createHttp, type HttpOptions } from "./http.ts"

const world = startServers()

describe("addresses that are not granted", () => {
  const FORMS: readonly (readonly [form: string, why: string])[] = [
    ["127.0.0.1", "loopback"],
    ["127.1", "loopback, short"],
    ["2130706433", "loopback, one number"],
    ["0x7f000001", "loopback, hexadecimal"],
    ["0x7f.1", "loopback, hexadecimal and short"],
    ["017700000001", "loopback, octal"],
    ["0177.0.0.1", "loopback, octal part"],
    ["127.0.0.1.", "loopback with a dot at the end"],
    ["%31%32%37.0.0.1", "loopback, percent-encoded"],
    ["①②⑦.0.0.1", "loopback in circled digits"],
    ["0.0.0.0", "this host"],
    ["0", "this host, short"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["192.168.1.1", "private"],
    ["100.64.0.1", "carrier-grade NAT"],
    ["169.254.169.254", "link-local: a cloud's credentials"],
    ["192.0.0.192", "reserved: another cloud's credentials"],
    ["198.18.0.1", "benchmarking"],
    ["224.0.0.1", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "broadcast"],
    ["[::1]", "loopback, IPv6"],
    ["[::]", "this host, IPv6"],
    ["[::ffff:127.0.0.1]", "mapped"],
    ["[::ffff:7f00:1]", "mapped, hexadecimal"],
    ["[::127.0.0.1]", "compatible"],
    ["[::ffff:0:127.0.0.1]", "translated, SIIT"],
    ["[64:ff9b::7f00:1]", "translated, NAT64"],
    ["[64:ff9b:1::a00:1]", "translated, local NAT64"],
    ["[2002:7f00:1::]", "6to4"],
    ["[2001:0:7f00:1::]", "Teredo"],
    ["[fe80::1]", "link-local, IPv6"],
    ["[fc00::1]", "unique local"],
    ["[fd00:ec2::254]", "unique local: a cloud's credentials"],
    ["[fec0::1]", "site local"],
    ["[ff02::1]", "multicast, IPv6"],
    ["[2001:db8::1]", "documentation"],
    ["localhost", "a name of this machine"],
    ["inside.test", "a name that resolves inside"],
    ["both.test", "a name that resolves outside and inside"],
    ["mapped.test", "a name that resolves to a mapped address"],
    ["metadata.test", "a name that resolves to link-local"],
  ]
  const names = named({
    localhost: ["127.0.0.1", "::1"],
    "127.0.0.1.": ["127.0.0.1"],
    "inside.test": ["10.1.2.3"],
    "both.test": ["93.184.216.34", "127.0.0.1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
  })
  for (const [form, why] of FORMS)
    test(`${form} (${why})`, async () => {
      world.seen = []
      const f = await failure(
        createHttp(names).request(request(`http://${form}:${world.port}/`, { privateAddresses: () => false })),
      )
      expect(brief(f)).toEqual({
        code: "Refused",
        data: { reason: f.data === null ? "" : (f.data as { reason: string }).reason },
        retryable: false,
        undelivered: true,
      })
      expect(["address", "url"]).toContain((f.data as { reason: string }).reason)
      expect(world.seen).toEqual([])
    })

  test("a name never leads to link-local or special addresses, whatever is granted", async () => {
    const http = createHttp(named({ "metadata.test": ["169.254.169.254"], "zero.test": ["0.0.0.0"] }))
    for (const name of ["metadata.test", "zero.test"])
      expect(brief(await failure(http.request(request(`http://${name}/`)))).data).toEqual({ reason: "address" })
  })

  test("a name that answers differently the second time gains nothing: it is asked once", async () => {
    let asked = 0
    const resolve = async () => [{ address: asked++ === 0 ? "127.0.0.1" : "10.0.0.1", family: 4 as const }]
    const answer = await createHttp({ resolve }).request(request(`http://rebind.test:${world.port}/`))
    expect([answer.status, asked]).toEqual([200, 1])
  })

  test("other schemes and credentials in the URL are refused", async () => {
    for (const url of [
      "file:///etc/passwd",
      "ftp://127.0.0.1/",
      "gopher://127.0.0.1/",
      "http://u:p@127.0.0.1/",
      "nonsense",
    ])
      expect(brief(await failure(createHttp().request(request(url)))).data).toEqual({ reason: "url" })
  })

  test("a host that is not allowed is not even looked up", async () => {
    let asked = 0
    const http = createHttp({
      resolve: async () => {
        asked++
        return [{ address: "127.0.0.1", family: 4 }]
      },
    })
    const f = await failure(
      http.request(request(`http://other.test:${world.port}/`, { allowHost: (h) => h === "api.test" })),
    )
    expect([brief(f).data, asked]).toEqual([{ reason: "host" }, 0])
    expect(f.message).toContain(`net:other.test:${world.port} is not granted`)
  })
})

describe("redirects", () => {
  const go = (path: string, more: Partial<HttpRequest> = {}, options: HttpOptions = {}) =>
    createHttp(options).request(request(`http://127.0.0.1:${world.port}${path}`, more))
  const to = (status: number, target: string) => `/to/${status}/${encodeURIComponent(target)}`

  test("are followed as the standard says", async () => {
    const body = new TextEncoder().encode("data")
    for (const [status, method, then, kept] of [
      [301, "GET", "GET", false],
      [302, "POST", "GET", false],
      [303, "PUT", "GET", false],
      [303, "HEAD", "HEAD", false],
      [307, "POST", "POST", true],
      [308, "PUT", "PUT", true],
    ] as const) {
      world.seen = []
      const sends = method !== "GET" && method !== "HEAD"
      await go(to(status, "/end"), {
        method,
        ...(sends ? { body, headers: { "content-type": "text/plain", authorization: "Bearer t" } } : {}),
      })
      expect(world.seen.map((s) => s.method)).toEqual([method, then])
      expect(world.seen[1]!.body).toBe(kept ? "data" : "")
      if (sends) {
        expect(world.seen[1]!.headers["content-type"]).toBe(kept ? "text/plain" : (undefined as never))
        expect(world.seen[1]!.headers.authorization).toBe("Bearer t")
      }
    }
  })

  test("to a private address are refused, in every form", async () => {
    const names = { ...named({ "api.test": ["127.0.0.1"], "inside.test": ["10.0.0.7"] }) }
    for (const target of ["127.0.0.1:1", "[::ffff:127.0.0.1]:1", "2130706433:1", "169.254.169.254", "inside.test"]) {
      world.seen = []
      const f = await failure(
        createHttp(names).request(
          request(`http://api.test:${world.port}${to(302, `http://${target}/`)}`, {
            // Only the first host may be inside.
            privateAddresses: (host) => host === `api.test:${world.port}`,
          }),
        ),
      )
      expect(brief(f)).toMatchObject({ code: "Refused", data: { reason: "address" } })
      expect(world.seen.length).toBe(1)
    }
  })

  test("to a host that is not allowed are refused", async () => {
    const f = await failure(
      go(
        to(302, "http://evil.test/"),
        { allowHost: (h) => h === `127.0.0.1:${world.port}` },
        named({ "evil.test": ["93.184.216.34"] }),
      ),
    )
    expect(brief(f).data).toEqual({ reason: "host" })
  })

  test("never carry credentials or bodies to another host", async () => {
    const heard: http.IncomingHttpHeaders[] = []
    const other = await listening(
      http.createServer((q, r) => {
        heard.push(q.headers)
        r.end("other")
      }),
    )
    const headers = { authorization: "Bearer t", "x-api-key": "k", cookie: "c=1", accept: "text/plain" }
    await go(to(302, `http://127.0.0.1:${other}/`), { headers })
    expect(heard[0]).toEqual({
      accept: "text/plain",
      "accept-encoding": "gzip, deflate, br",
      host: `127.0.0.1:${other}`,
      connection: "keep-alive",
    })
    const body = new TextEncoder().encode("data")
    const f = await failure(go(to(307, `http://127.0.0.1:${other}/`), { method: "POST", body }))
    expect([brief(f).data, heard.length]).toEqual([{ reason: "redirect" }, 1])
  })

  test("from https to http are refused", async () => {
    const pem = (name: string) => readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8")
    const cert = pem("secure.test.cert.pem")
    const secure = https.createServer({ cert, key: pem("secure.test.key.pem") }, (_q, r) =>
      r.writeHead(302, { location: `http://secure.test:${world.port}/` }).end(),
    )
    const p = await listening(secure)
    const f = await failure(
      createHttp({ ...named({ "secure.test": ["127.0.0.1"] }), ca: cert }).request(
        request(`https://secure.test:${p}/`),
      ),
    )
    expect(brief(f).data).toEqual({ reason: "redirect" })
  })

  test("end: in a circle, at the limit, at a broken target, and at once where none are wanted", async () => {
    world.seen = []
    const f = await failure(go("/to/302/", { redirectsMax: 3 }))
    expect(brief(f)).toMatchObject({ code: "TooManyRedirects", data: { limit: 3 } })
    expect(world.seen.length).toBe(4)
    expect((await failure(go(to(302, "http://")))).code).toBe("Refused")
    expect((await failure(go(to(302, "javascript:alert(1)")))).code).toBe("Refused")
    expect((await go(to(302, "/end"), { redirectsMax: 0 })).status).toBe(302)
  })
})
