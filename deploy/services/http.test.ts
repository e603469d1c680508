/**
 * The HTTP service against real servers on loopback: what it refuses to reach (a table of disguised addresses, names
 * that resolve inside, redirects), what it does with bodies that do not end, and how each way of failing is told.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import { Failure, type HttpRequest } from "../../graph/mod.ts"
import { createHttp, type HttpOptions } from "./http.ts"

const close: (() => void)[] = []
afterAll(() => {
  for (const f of close) f()
})

async function listening(server: net.Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((ok, no) => server.once("error", no).listen(0, host, ok))
  close.push(() => server.close())
  return (server.address() as net.AddressInfo).port
}

/** Everything that a request of the tests does not say otherwise. */
const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  url,
  headers: {},
  bytesMax: 100_000,
  signal: new AbortController().signal,
  redirectsMax: 5,
  allowHost: () => true,
  privateAddresses: () => true,
  ...more,
})

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

async function failure(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise
  } catch (e) {
    if (e instanceof Failure) return e
    throw e
  }
  throw new Error("it did not fail")
}
const brief = (f: Failure) => ({
  code: f.code,
  data: f.data,
  retryable: f.retryable === true,
  undelivered: f.undelivered === true,
})

/** Names of the tests' own, as a resolver would give them. */
const named = (names: Record<string, string[]>): HttpOptions => ({
  resolve: async (name) => {
    const found = names[name]
    if (!found) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" })
    return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
  },
})

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}
let port = 0
let seen: Seen[] = []
let ended: string[] = []
const server = http.createServer((q, r) => {
  const chunks: Buffer[] = []
  r.on("close", () => ended.push(q.url!))
  q.on("data", (d) => chunks.push(d))
  q.on("end", () => {
    seen.push({ method: q.method!, url: q.url!, headers: q.headers, body: Buffer.concat(chunks).toString() })
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
const raw = net.createServer((socket) => {
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
let rawPort = 0
let closedPort = 0

beforeAll(async () => {
  port = await listening(server)
  rawPort = await listening(raw)
  const gone = net.createServer()
  await new Promise<void>((ok) => gone.listen(0, "127.0.0.1", ok))
  closedPort = (gone.address() as net.AddressInfo).port
  await new Promise<void>((ok) => gone.close(() => ok()))
})

describe("a request", () => {
  test("carries method, headers and body, and brings status, headers and body back", async () => {
    seen = []
    const body = new TextEncoder().encode('{"a":1}')
    const answer = await createHttp().request(
      request(`http://127.0.0.1:${port}/x?y=1`, { method: "POST", headers: { "x-a": "1" }, body }),
    )
    expect(answer.status).toBe(200)
    expect(answer.headers["set-cookie"]).toBe("a=1, b=2")
    expect(text(answer.body)).toBe("hello")
    expect(seen[0]).toMatchObject({ method: "POST", url: "/x?y=1", body: '{"a":1}' })
    expect(seen[0]!.headers).toMatchObject({ "x-a": "1", "content-length": "7", host: `127.0.0.1:${port}` })
  })

  test("reads chunked, gzip, deflate and br bodies, and none for HEAD and 204", async () => {
    const get = async (path: string, method = "GET") =>
      text((await createHttp().request(request(`http://127.0.0.1:${port}${path}`, { method }))).body)
    expect(await get("/chunks")).toBe("one,two")
    expect(await get("/gzip")).toBe("packed")
    expect(await get("/deflate")).toBe("packed")
    expect(await get("/br")).toBe("packed")
    expect(await get("/gzip", "HEAD")).toBe("")
    expect(await get("/nothing")).toBe("")
  })

  test("streams when asked to", async () => {
    const answer = await createHttp().request(request(`http://127.0.0.1:${port}/chunks`), { stream: true })
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
    const host = `api.test:${port}`
    seen = []
    await createHttp(named({ "api.test": ["127.0.0.1"] })).request(request(`http://${host}/`))
    expect(seen[0]!.headers.host).toBe(host)
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
    expect(brief(await failure(trusting.request(request(`https://secure.test:${port}/`))))).toMatchObject({
      code: "Unreachable",
      undelivered: true,
    })
  })
})

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
      seen = []
      const f = await failure(
        createHttp(names).request(request(`http://${form}:${port}/`, { privateAddresses: () => false })),
      )
      expect(brief(f)).toEqual({
        code: "Refused",
        data: { reason: f.data === null ? "" : (f.data as { reason: string }).reason },
        retryable: false,
        undelivered: true,
      })
      expect(["address", "url"]).toContain((f.data as { reason: string }).reason)
      expect(seen).toEqual([])
    })

  test("a name never leads to link-local or special addresses, whatever is granted", async () => {
    const http = createHttp(named({ "metadata.test": ["169.254.169.254"], "zero.test": ["0.0.0.0"] }))
    for (const name of ["metadata.test", "zero.test"])
      expect(brief(await failure(http.request(request(`http://${name}/`)))).data).toEqual({ reason: "address" })
  })

  test("a name that answers differently the second time gains nothing: it is asked once", async () => {
    let asked = 0
    const resolve = async () => [{ address: asked++ === 0 ? "127.0.0.1" : "10.0.0.1", family: 4 as const }]
    const answer = await createHttp({ resolve }).request(request(`http://rebind.test:${port}/`))
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
    const f = await failure(http.request(request(`http://other.test:${port}/`, { allowHost: (h) => h === "api.test" })))
    expect([brief(f).data, asked]).toEqual([{ reason: "host" }, 0])
    expect(f.message).toContain(`net:other.test:${port} is not granted`)
  })
})

describe("redirects", () => {
  const go = (path: string, more: Partial<HttpRequest> = {}, options: HttpOptions = {}) =>
    createHttp(options).request(request(`http://127.0.0.1:${port}${path}`, more))
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
      seen = []
      const sends = method !== "GET" && method !== "HEAD"
      await go(to(status, "/end"), {
        method,
        ...(sends ? { body, headers: { "content-type": "text/plain", authorization: "Bearer t" } } : {}),
      })
      expect(seen.map((s) => s.method)).toEqual([method, then])
      expect(seen[1]!.body).toBe(kept ? "data" : "")
      if (sends) {
        expect(seen[1]!.headers["content-type"]).toBe(kept ? "text/plain" : (undefined as never))
        expect(seen[1]!.headers.authorization).toBe("Bearer t")
      }
    }
  })

  test("to a private address are refused, in every form", async () => {
    const names = { ...named({ "api.test": ["127.0.0.1"], "inside.test": ["10.0.0.7"] }) }
    for (const target of ["127.0.0.1:1", "[::ffff:127.0.0.1]:1", "2130706433:1", "169.254.169.254", "inside.test"]) {
      seen = []
      const f = await failure(
        createHttp(names).request(
          request(`http://api.test:${port}${to(302, `http://${target}/`)}`, {
            // Only the first host may be inside.
            privateAddresses: (host) => host === `api.test:${port}`,
          }),
        ),
      )
      expect(brief(f)).toMatchObject({ code: "Refused", data: { reason: "address" } })
      expect(seen.length).toBe(1)
    }
  })

  test("to a host that is not allowed are refused", async () => {
    const f = await failure(
      go(
        to(302, "http://evil.test/"),
        { allowHost: (h) => h === `127.0.0.1:${port}` },
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
      connection: "close",
    })
    const body = new TextEncoder().encode("data")
    const f = await failure(go(to(307, `http://127.0.0.1:${other}/`), { method: "POST", body }))
    expect([brief(f).data, heard.length]).toEqual([{ reason: "redirect" }, 1])
  })

  test("from https to http are refused", async () => {
    const pem = (name: string) => readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8")
    const cert = pem("secure.test.cert.pem")
    const secure = https.createServer({ cert, key: pem("secure.test.key.pem") }, (_q, r) =>
      r.writeHead(302, { location: `http://secure.test:${port}/` }).end(),
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
    seen = []
    const f = await failure(go("/to/302/", { redirectsMax: 3 }))
    expect(brief(f)).toMatchObject({ code: "TooManyRedirects", data: { limit: 3 } })
    expect(seen.length).toBe(4)
    expect((await failure(go(to(302, "http://")))).code).toBe("Refused")
    expect((await failure(go(to(302, "javascript:alert(1)")))).code).toBe("Refused")
    expect((await go(to(302, "/end"), { redirectsMax: 0 })).status).toBe(302)
  })
})

describe("bodies", () => {
  const get = (path: string, more: Partial<HttpRequest> = {}) =>
    createHttp().request(request(`http://127.0.0.1:${port}${path}`, more))

  test("beyond the limit are cut: announced, endless, and unpacked", async () => {
    expect((await get("/full")).body.length).toBe(100_000)
    for (const path of ["/big", "/endless", "/bomb"]) {
      ended = []
      const f = await failure(get(path))
      expect(brief(f)).toEqual({ code: "TooLarge", data: { limit: 100_000 }, retryable: false, undelivered: false })
    }
  })

  test("that end too early are told from those that are not what they say", async () => {
    for (const path of ["/cut", "/cut-chunked", "/cut-gzip"]) {
      const f = await failure(createHttp().request(request(`http://127.0.0.1:${rawPort}${path}`)))
      expect(brief(f)).toEqual({ code: "Unreachable", data: { reason: "cut" }, retryable: true, undelivered: false })
    }
    for (const path of ["/liar", "/zstd"])
      expect(brief(await failure(get(path)))).toMatchObject({ code: "BadBody", data: { wanted: "encoding" } })
  })

  test("are given up when the caller aborts, and the server hears of it", async () => {
    for (const path of ["/slow", "/hang", "/endless"]) {
      ended = []
      const abort = new AbortController()
      const answer = failure(get(path, { signal: abort.signal, bytesMax: 1e12 }))
      setTimeout(() => abort.abort(), 20)
      expect((await answer).code).toBe("Cancelled")
      while (!ended.includes(path)) await new Promise((ok) => setTimeout(ok, 1))
    }
    const why = new Failure({ code: "Timeout", message: "too slow", data: null })
    expect(await failure(get("/hang", { signal: AbortSignal.abort(why) }))).toBe(why)
  })

  test("of servers that fall silent end by themselves", async () => {
    for (const path of ["/slow", "/hang"]) {
      const f = await failure(createHttp({ silenceMsMax: 30 }).request(request(`http://127.0.0.1:${port}${path}`)))
      expect(brief(f)).toEqual({ code: "Unreachable", data: { reason: "silent" }, retryable: true, undelivered: false })
    }
  })
})

describe("servers that cannot be asked", () => {
  const reason = async (url: string, options: HttpOptions = {}) =>
    brief(await failure(createHttp(options).request(request(url))))

  test("refuse, have no address, hang up, talk nonsense", async () => {
    expect(await reason(`http://127.0.0.1:${closedPort}/`)).toEqual({
      code: "Unreachable",
      data: { reason: "refused" },
      retryable: true,
      undelivered: true,
    })
    const nowhere = { code: "Unreachable", data: { reason: "dns" }, retryable: true, undelivered: true }
    expect(await reason("http://nowhere.test/", named({}))).toEqual(nowhere)
    expect(await reason("http://nowhere.test/", named({ "nowhere.test": [] }))).toEqual(nowhere)
    expect(await reason("http://name.invalid/")).toEqual(nowhere)
    expect(await reason(`http://127.0.0.1:${rawPort}/drop`)).toEqual({
      code: "Unreachable",
      data: { reason: "cut" },
      retryable: true,
      undelivered: false,
    })
    for (const path of ["/garbage", "/long-head", "/both"])
      expect(await reason(`http://127.0.0.1:${rawPort}${path}`)).toEqual({
        code: "Unreachable",
        data: { reason: "protocol" },
        retryable: false,
        undelivered: false,
      })
  })

  test("messages carry no query", async () => {
    const f = await failure(createHttp().request(request(`http://127.0.0.1:${closedPort}/a?key=hush`)))
    expect(f.message).toContain("/a")
    expect(f.message).not.toContain("hush")
  })
})
