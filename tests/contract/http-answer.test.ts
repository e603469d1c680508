/**
 * The contract of the `http` kind, second half: what comes back by output type, what each status means, where a request
 * may go, and how it ends when the server does not.
 */
import { describe, expect, test } from "bun:test"
import { lit, type Rec, T, type Type, type Value } from "../../graph/mod.ts"
import { http } from "../../nodes/mod.ts"
import { ask, checked, signed, startSite } from "./http-node.ts"
import { failure } from "./servers.ts"
import { callOf, services } from "./services.ts"

const site = startSite()

describe("what comes back", () => {
  const json = (t: string) => `GET ${site.base}/json/${encodeURIComponent(t)}`

  test("JSON, with big integers exact", async () => {
    expect(await ask({ http: json('{"id":9007199254740993,"x":1.5,"e":1e3,"s":-9223372036854775808}') })).toEqual({
      id: 9007199254740993n,
      x: 1.5,
      e: 1000,
      s: -9223372036854775808n,
    })
  })

  test("by output type, and by content type where there is none", async () => {
    expect(await ask({ http: json("[1]"), output: T.string })).toBe("[1]")
    expect(await ask({ http: json('"a\\n\\u00fc"'), output: T.string })).toBe("a\nü")
    expect(await ask({ http: json('"USD"'), output: T.enum("EUR", "USD") })).toBe("USD")
    expect(await ask({ http: json('"USD"'), config: { parse: "text" }, output: T.string })).toBe('"USD"')
    expect(await ask({ http: json('"broken'), output: T.string })).toBe('"broken')
    expect(await ask({ http: `GET ${site.base}/typed/%22a%22?type=text/plain`, output: T.string })).toBe('"a"')
    expect(await ask({ http: json("[1]"), output: T.list(T.number) })).toEqual([1])
    expect(await ask({ http: json("[1]"), output: T.bytes })).toEqual(new TextEncoder().encode("[1]"))
    expect(await ask({ http: json("[1]"), config: { parse: "text" } })).toBe("[1]")
    const typed = (type: string) => ask({ http: `GET ${site.base}/typed/1?type=${encodeURIComponent(type)}` })
    expect(await typed("application/problem+json; charset=utf-8")).toBe(1)
    expect(await typed("text/csv")).toBe("1")
    expect(await typed("image/png")).toEqual(new Uint8Array([49]))
    expect(await ask({ http: `GET ${site.base}/latin`, output: T.string })).toBe("ü")
    expect(await ask({ http: `GET ${site.base}/binary`, output: T.bytes })).toEqual(new Uint8Array([0, 255, 128, 10]))
  })

  test("nothing is null, and HEAD gives what there is", async () => {
    expect(await ask({ http: `GET ${site.base}/empty` })).toBe(null)
    const answer = (await ask({ http: `HEAD ${site.base}/x`, config: { full: true } })) as Rec
    expect(answer).toMatchObject({ status: 200, body: null })
  })

  test("in full: status, headers without cookies, body", async () => {
    const node = { http: `GET ${site.base}/x`, config: { full: true } }
    const answer = (await ask(node)) as { status: number; headers: Rec; body: Value }
    expect([answer.status, answer.body, answer.headers["content-type"]]).toEqual([
      200,
      { ok: true },
      "application/json",
    ])
    expect(Object.keys(answer.headers)).not.toContain("set-cookie")
    const output = T.record({ status: T.number, body: T.string })
    expect(((await ask({ ...node, output })) as { body: Value }).body).toBe('{"ok":true}')
  })

  test("with `full` it gives a record, also where `output` describes another: `check` then tells", () => {
    const full = (body: Type) => T.record({ status: T.number, headers: T.map(T.string), body })
    const gives = (output: Type) =>
      signed({ http: "GET https://x.example.com/a", config: { full: true }, output }).output
    expect(gives(T.record({ status: T.number, body: T.boolean }))).toEqual(full(T.boolean))
    expect(gives(T.record({ a: T.number }))).toEqual(full(T.unknown))
  })

  test("JSON that holds what no value may says what that is", async () => {
    const refused = await failure(ask({ http: json('{"a":1,"__proto__":{}}') }))
    expect(refused).toMatchObject({ code: "BadBody", data: { wanted: "json" } })
    expect(refused.message).toContain('the key "__proto__" is refused')
  })

  test("garbage where JSON is wanted", async () => {
    for (const t of ["<html>", "", "{", "NaN", '{"a":1}}', "'x'"])
      expect(
        await failure(
          ask({ http: `GET ${site.base}/typed/${encodeURIComponent(t)}?type=text/html`, output: T.number }),
        ),
      ).toMatchObject({
        code: "BadBody",
        data: { wanted: "json" },
      })
    expect((await failure(ask({ http: `GET ${site.base}/binary`, output: T.number }))).code).toBe("BadBody")
    expect((await failure(ask({ http: `GET ${site.base}/deep` }))).code).toBe("BadBody")
    expect(await failure(ask({ http: `GET ${site.base}/binary`, output: T.string }))).toMatchObject({
      code: "BadBody",
      data: { wanted: "text" },
    })
  })
})

describe("what a status means", () => {
  test("each is a failure with the status as its data; some may be tried again", async () => {
    const retryable: number[] = []
    const unknown: number[] = []
    for (const status of [300, 400, 401, 403, 404, 408, 409, 418, 422, 425, 429, 500, 501, 502, 503, 504]) {
      const f = await failure(ask({ http: `GET ${site.base}/status/${status}` }))
      expect([f.code, f.data]).toEqual(["HttpStatus", { status }])
      expect(f.undelivered ?? false).toBe(false)
      expect(f.message).toContain("sorry")
      if (f.undelivered === false) unknown.push(status)
      if (f.retryable) retryable.push(status)
    }
    expect(retryable).toEqual([408, 425, 429, 502, 503, 504])
    expect(unknown).toEqual([502, 504])
  })

  test("accepted ones are answers", async () => {
    const node = { http: `GET ${site.base}/status/404`, config: { status: [200, 404], full: true }, output: T.unknown }
    expect(await ask({ ...node, config: { ...node.config, parse: "text" } })).toMatchObject({
      status: 404,
      body: "sorry, no one",
    })
    expect((await failure(ask({ http: `GET ${site.base}/empty`, config: { status: [200] } }))).data).toEqual({
      status: 204,
    })
  })

  test("a server that repeats the credential does not get it into a message", async () => {
    const f = await failure(
      ask(
        { http: `GET ${site.base}/status/403`, config: { auth: { bearer: "secret:KEY" } } },
        {},
        { secrets: { KEY: "hush-hush" } },
      ),
    )
    expect(f.message).toContain("sorry, Bearer …")
    expect(JSON.stringify({ ...f, message: f.message })).not.toContain("hush")
  })
})

describe("where a request may go", () => {
  test("loopback is granted by name or by net:private, and by no wildcard", async () => {
    const go = (...grants: string[]) => ask({ http: `GET ${site.base}/x` }, {}, { grants })
    expect(await go(`net:${site.host}`)).toEqual({ ok: true })
    expect(await go("net:private")).toEqual({ ok: true })
    expect(await go("net:127.0.0.1")).toEqual({ ok: true })
    for (const grants of [[], ["net:*"], ["net:127.*"], ["net"]])
      expect(await failure(go(...grants))).toMatchObject({
        code: "Refused",
        data: { reason: "address" },
        undelivered: true,
      })
  })

  test("a name that resolves inside needs net:private", async () => {
    const resolve = async () => [{ address: "127.0.0.1", family: 4 as const }]
    const go = (...grants: string[]) =>
      ask({ http: `GET http://api.test:${site.port}/x` }, {}, { grants, http: { resolve } })
    expect(await go(`net:api.test:${site.port}`, "net:private")).toEqual({ ok: true })
    expect((await failure(go(`net:api.test:${site.port}`))).data).toEqual({ reason: "address" })
  })

  test("a redirect goes only where the run may go by itself", async () => {
    const resolve = async () => [{ address: "127.0.0.1", family: 4 as const }]
    const target = encodeURIComponent(`http://other.test:${site.port}/x`)
    const go = (grants: string[]) => ask({ http: `GET ${site.base}/to/${target}` }, {}, { grants, http: { resolve } })
    expect((await failure(go([`net:${site.host}`]))).data).toEqual({ reason: "host" })
    expect((await failure(go([`net:${site.host}`, "net:other.test*"]))).data).toEqual({ reason: "address" })
    expect(await go([`net:${site.host}`, `net:other.test:${site.port}`, "net:private"])).toEqual({ ok: true })
    const f = await failure(
      ask(
        { http: `GET ${site.base}/to/${encodeURIComponent("http://169.254.169.254/latest/meta-data")}` },
        {},
        {
          grants: [`net:${site.host}`, "net:private", "net:*"],
        },
      ),
    )
    expect(f).toMatchObject({ code: "Refused", data: { reason: "address" } })
  })

  test("a write follows no redirect unless it says so", async () => {
    const node = { http: `POST ${site.base}/to/%2Fx`, args: { body: lit("a") } }
    expect((await failure(ask(node))).data).toEqual({ status: 302 })
    expect(await ask({ ...node, config: { redirects: 1 } })).toEqual({ ok: true })
  })
})

test("endless bodies and aborted calls end", async () => {
  expect(await failure(ask({ http: `GET ${site.base}/endless`, config: { limit: 50_000 } }))).toMatchObject({
    code: "TooLarge",
    data: { limit: 50_000 },
  })
  const abort = new AbortController()
  const waiting = failure(ask({ http: `GET ${site.base}/hang` }, {}, {}, callOf({ signal: abort.signal })))
  setTimeout(() => abort.abort(), 10)
  expect((await waiting).code).toBe("Cancelled")
})

test("a host without an HTTP client says so", async () => {
  const c = checked({ http: "GET https://a.example/" })
  if (!("signature" in c)) throw new Error("refused")
  const { http: _gone, ...poor } = services({})
  const executor = await http.open(c.config, {}, poor, c.signature)
  expect(await failure((async () => executor.execute({}, callOf()))())).toMatchObject({
    code: "Unavailable",
    undelivered: true,
  })
})
