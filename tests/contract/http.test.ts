/**
 * The contract of the `http` kind, first half: what a node is to the checker, what is wrong with it, and what it sends.
 * The answers are in `http-answer.test.ts`.
 */
import { describe, expect, test } from "bun:test"
import { type Expr, lit, type Rec, ref, T, type Type, type Value } from "../../graph/mod.ts"
import { http } from "../../nodes/mod.ts"
import { ask, checked, problems, record, signed, startSite, text } from "./http-node.ts"
import { failure } from "./servers.ts"

const site = startSite()

describe("what a node is", () => {
  test("reads, writes, resources and needs", () => {
    expect(signed({ http: "GET https://rates.example.com/latest?base=${ c }" })).toMatchObject({
      effect: "read",
      resource: "host:rates.example.com",
      needs: ["net:rates.example.com"],
      output: T.unknown,
    })
    const effects = ["GET", "HEAD", "OPTIONS", "QUERY", "POST", "PUT", "PATCH", "DELETE"].map((m) => [
      m,
      signed({ http: `${m} https://a.example/`, config: { full: true } }).effect,
    ])
    expect(effects.filter(([, e]) => e === "read").map(([m]) => m)).toEqual(["GET", "HEAD", "OPTIONS", "QUERY"])
    expect(signed({ http: "POST https://a.example/search", config: { effect: "read" } }).effect).toBe("read")
    expect(signed({ http: "GET https://a.example/unsubscribe", config: { effect: "write" } }).effect).toBe("write")
    expect(signed({ http: "POST https://a.example:8443/", config: { key_header: "Idempotency-Key" } })).toMatchObject({
      keyed: true,
      resource: "host:a.example:8443",
      needs: ["net:a.example:8443"],
    })
    expect(signed({ http: "GET https://a.example/", config: { auth: { bearer: "secret:KEY" } } }).needs).toEqual([
      "net:a.example",
      "secret:KEY",
    ])
    expect(signed({ http: "GET http://localhost:8080/" }).needs).toEqual(["net:localhost:8080"])
  })

  test("is printed as it was written", () => {
    const node = {
      http: "PUT https://a.example/${ id }?v=1",
      config: { limit: 1000 },
      args: { body: record({ a: ref("x") }) },
    }
    const c = checked(node)
    if (!("signature" in c)) throw new Error("refused")
    expect(http.lower!(c)).toEqual({ config: node.config, args: { http: text(node.http), ...node.args }, with: {} })
  })

  test("bad settings are told all at once", () => {
    const get = (config: Rec, args: Record<string, Expr> = {}, output?: Type) =>
      problems({ http: "GET https://a.example/", config, args, ...(output ? { output } : {}) })
    expect(get({ limit: -1, redirects: 99, status: [99], parse: "xml", auth: { bearer: "x", basic: "y" } })).toEqual([
      "G207 auth",
      "G207 parse",
      "G207 status",
      "G207 limit",
      "G207 redirects",
    ])
    expect(get({ auth: { bearer: "sk-abcdefghijklmnopqrst" } })).toEqual(["G304 auth.bearer"])
    expect(get({ auth: { header: "X-Api-Key", secret: "0123456789" } })).toEqual(["G304 auth.secret"])
    expect(get({ auth: { basic: "secret:P", password: "x" } })).toEqual(["G207 auth.password"])
    expect(get({ auth: { header: "a b", secret: "secret:P" } })).toEqual(["G207 auth.header"])
    expect(get({ key_header: "Idempotency-Key" })).toEqual(["G207 key_header"])
    expect(get({}, { body: lit("x") })).toEqual(["G207 body"])
    expect(get({}, {}, T.stream(T.string))).toEqual(["G101 output"])
    expect(problems({ http: "POST https://a.example/", args: { body: lit("x"), form: record({ a: "1" }) } })).toEqual([
      "G207 form",
    ])
    expect(problems({ http: "HEAD https://a.example/" })).toEqual(["G207 http"])
    const header = (name: string, value: Expr | string) => get({}, { headers: record({ [name]: value }) })
    expect(header("Authorization", "Bearer ${ token }")).toEqual(["G304 headers.Authorization"])
    expect(header("Cookie", ref("c"))).toEqual(["G304 headers.Cookie"])
    expect(header("X-Token", "0123456789abcdef")).toEqual(["G304 headers.X-Token"])
    expect(header("Host", "evil.test")).toEqual(["G207 headers.Host"])
    expect(header("Content-Length", "1")).toEqual(["G207 headers.Content-Length"])
    expect(header("a b", "x")).toEqual(["G207 headers.a b"])
    expect(header("X-A", "one\r\nX-B: two")).toEqual(["G207 headers.X-A"])
    expect(header("Accept-Language", "de")).toEqual([])
  })
})

describe("what is sent", () => {
  test("path, query, headers and a JSON body with exact integers", async () => {
    site.seen = []
    await ask(
      {
        http: `POST ${site.base}/things/\${ id }?fixed=1&q=\${ q }`,
        args: {
          query: record({ tag: ref("tags"), none: ref("none") }),
          headers: record({ "X-Trace": "t-${ id }" }),
          body: record({ n: ref("big"), id: ref("id") }),
        },
      },
      { id: "a/b", q: "x&y", tags: ["p", "q"], none: null, big: 9007199254740993n },
    )
    expect(site.seen).toMatchObject([
      {
        method: "POST",
        url: "/things/a%2Fb?fixed=1&q=x%26y&tag=p&tag=q",
        body: '{"n":9007199254740993,"id":"a/b"}',
        headers: { "content-type": "application/json", "x-trace": "t-a/b", "user-agent": "shadowgraph" },
      },
    ])
  })

  test("text, bytes and form bodies, and the idempotency key of a write", async () => {
    site.seen = []
    const post = { http: `POST ${site.base}/x`, config: { key_header: "Idempotency-Key" } }
    await ask({ ...post, args: { body: lit("text ü") } })
    await ask({ ...post, args: { body: ref("b") } }, { b: new Uint8Array([104, 105]) })
    await ask({ ...post, args: { form: record({ a: "1 2", b: ref("b") }) } }, { b: ["x", "&"] })
    await ask({
      ...post,
      args: { body: record({ a: "1" }), headers: record({ "Content-Type": "application/vnd.api+json" }) },
    })
    expect(site.seen.map((s) => [s.headers["content-type"], s.body])).toEqual([
      ["text/plain; charset=utf-8", "text ü"],
      ["application/octet-stream", "hi"],
      ["application/x-www-form-urlencoded", "a=1+2&b=x&b=%26"],
      ["application/vnd.api+json", '{"a":"1"}'],
    ])
    expect(site.seen.map((s) => s.headers["idempotency-key"])).toEqual(Array(4).fill("key-of-run-and-path"))
  })

  test("credentials, fetched by name at the call", async () => {
    site.seen = []
    const world = { secrets: { KEY: "hush-hush", PAIR: "me:pässword", WORD: "pass:word", BAD: "a\nb" } }
    const get = (auth: Rec) => ask({ http: `GET ${site.base}/x`, config: { auth } }, {}, world)
    await get({ bearer: "secret:KEY" })
    await get({ basic: "secret:PAIR" })
    await get({ basic: "secret:WORD", user: "me" })
    await get({ header: "X-Api-Key", secret: "secret:KEY" })
    expect(site.seen.map((s) => s.headers.authorization ?? s.headers["x-api-key"])).toEqual([
      "Bearer hush-hush",
      `Basic ${Buffer.from("me:pässword").toString("base64")}`,
      `Basic ${Buffer.from("me:pass:word").toString("base64")}`,
      "hush-hush",
    ])
    for (const name of ["NONE", "BAD"])
      expect(await failure(get({ bearer: `secret:${name}` }))).toMatchObject({
        code: "NoSecret",
        data: { name },
        undelivered: true,
      })
  })

  test("headers that a run makes up are checked again", async () => {
    for (const headers of [
      { "X-A": "a\r\nX-B: b" },
      { Host: "evil.test" },
      { Authorization: "Bearer x" },
      { "a:b": "c" },
      { "X-A": "ü\u0100" },
    ])
      expect(
        await failure(ask({ http: `GET ${site.base}/x`, args: { headers: ref("h") } }, { h: headers as Rec })),
      ).toMatchObject({
        code: "Refused",
        data: { reason: "header" },
      })
  })

  test("what JSON cannot say is refused", async () => {
    for (const v of [Number.NaN, Number.NEGATIVE_INFINITY, new Uint8Array(2)] as Value[])
      expect(
        await failure(ask({ http: `POST ${site.base}/x`, args: { body: record({ v: ref("v") }) } }, { v })),
      ).toMatchObject({
        code: "Refused",
        data: { reason: "json" },
      })
  })
})
