// A body that does not come in its time is answered for, and what comes of it later is not looked at.
import { expect, test } from "bun:test"
import { SUM, site } from "../../tests/http/world.ts"
import { codingOf } from "./body.ts"

test("no body is waited for longer than its time", async () => {
  const { app } = await site([SUM], { limits: { bodyMsMax: 30 } })
  const body = new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode('{"input"')) })
  const headers = { "content-type": "application/json" }
  const request = new Request("http://localhost/graphs/sum/runs", {
    method: "POST",
    headers,
    body,
    duplex: "half",
  } as RequestInit)
  const response = await app.fetch(request)
  expect([response.status, (await response.json()).type]).toEqual([408, "/problems/slow-body"])
})

test("no run is begun for a body that comes when its time is over", async () => {
  const { ask, app } = await site([SUM], { limits: { bodyMsMax: 20 } })
  let come = (): void => {}
  const body = new ReadableStream({
    start: (c) => {
      come = () => {
        c.enqueue(new TextEncoder().encode('{"input":{"a":1}}'))
        c.close()
      }
    },
  })
  const headers = { "content-type": "application/json", "content-length": "17" }
  const init = { method: "POST", headers, body, duplex: "half" } as RequestInit
  const response = await app.fetch(new Request("http://localhost/graphs/sum/runs", init))
  expect([response.status, (await response.json()).type]).toEqual([408, "/problems/slow-body"])
  come()
  await new Promise((wake) => setTimeout(wake, 10))
  expect(await (await ask("/runs")).json()).toMatchObject({ runs: [] })
})

test("a body that was compressed is answered 415, with the coding that is taken", async () => {
  const { app } = await site([SUM], {})
  const packed = Bun.gzipSync('{"input":{"a":1}}')
  const post = (path: string, coding: string, body: Uint8Array<ArrayBuffer> | string) =>
    app.fetch(
      new Request(`http://localhost${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": coding, "content-length": `${body.length}` },
        body,
      }),
    )
  const response = await post("/graphs/sum/runs", "gzip", packed)
  expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "identity"])
  expect(await response.json()).toMatchObject({ type: "/problems/encoded-body" })
  expect((await post("/graphs/sum/runs", "identity", '{"input":{"a":1}}')).status).toBe(200)
  expect(codingOf(new Request("http://localhost/", { headers: { "content-encoding": "br" } }))?.status).toBe(415)
})

test("a path that is there for other methods is answered 405 with them, and any other 404", async () => {
  const { app } = await site([SUM], {})
  const asked = async (method: string, path: string) => {
    const response = await app.fetch(new Request(`http://localhost${path}`, { method }))
    return [response.status, response.headers.get("allow"), (await response.json()).type]
  }
  expect(await asked("DELETE", "/graphs/sum")).toEqual([405, "GET, HEAD", "/problems/wrong-method"])
  expect(await asked("POST", "/health")).toEqual([405, "GET, HEAD", "/problems/wrong-method"])
  expect(await asked("GET", "/graphs/sum/batch")).toEqual([405, "POST", "/problems/wrong-method"])
  expect(await asked("DELETE", "/nowhere")).toEqual([404, null, "/problems/not-found"])
  expect(await asked("GET", "/graphs/sum/other")).toEqual([404, null, "/problems/not-found"])
})

test("a body that is no UTF-8 is answered 400; U+FFFD itself, and a mark at the beginning, are read", async () => {
  const { app } = await site([SUM], {})
  const utf8 = new TextEncoder()
  const posted = async (...parts: (string | readonly number[])[]) => {
    const bytes = parts.flatMap((part) => [...(typeof part === "string" ? utf8.encode(part) : part)])
    const sent = async (headers: Record<string, string>) => {
      const init = { method: "POST", headers: { "content-type": "application/json", ...headers } }
      const response = await app.fetch(
        new Request("http://localhost/graphs/sum/runs", { ...init, body: new Uint8Array(bytes) }),
      )
      return [response.status, (await response.json()).detail ?? ""]
    }
    // In one piece, and in pieces of unknown number.
    return [await sent({ "content-length": `${bytes.length}` }), await sent({})]
  }
  const said = (key: string) => [422, expect.stringContaining(key)]
  for (const broken of [[0xff], [0xe2, 0x82], [0xf0, 0x9f], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
    expect(await posted('{"input":{"a":1,"', broken, '":1}}')).toEqual([
      [400, "The body is no UTF-8."],
      [400, "The body is no UTF-8."],
    ])
  for (const key of ["\ufffd", "\ufffd\ufffd é 😀"])
    expect(await posted(`{"input":{"a":1,"${key}":1}}`)).toEqual([said(key), said(key)])
  const MARK = [0xef, 0xbb, 0xbf]
  expect(await posted(MARK, '{"input":{"a":1}}')).toEqual([
    [200, ""],
    [200, ""],
  ])
  expect(await posted(MARK, '{"input":{"a":1,"\ufffd":1}}')).toEqual([said("\ufffd"), said("\ufffd")])
  const alone = [400, "The body is a byte order mark alone."]
  expect(await posted(MARK)).toEqual([alone, alone])
  // What no length tells: docs/http.md, Limits.
  expect(await posted(MARK, '{"input":{"a":1,"', [0xff], "x", [0xe2, 0x82], '":1}}')).toEqual([
    said("\ufffd"),
    [400, "The body is no UTF-8."],
  ])
  expect(await posted('{"input":{"a":1,"', [0xf0, 0x9f, 0x98], '":1}}')).toEqual([
    said("\ufffd"),
    [400, "The body is no UTF-8."],
  ])
})

test("a body is as long as its bytes, whatever its text comes to", async () => {
  const BYTES = 200
  const { app } = await site([SUM], { limits: { bodyBytesMax: BYTES } })
  const utf8 = new TextEncoder()
  const posted = async (body: Uint8Array<ArrayBuffer>) => {
    const sent = async (more: Record<string, string>) => {
      const headers = { "content-type": "application/json", ...more }
      const response = await app.fetch(
        new Request("http://localhost/graphs/sum/runs", { method: "POST", headers, body }),
      )
      return [response.status, (await response.json()).type]
    }
    return [await sent({ "content-length": `${body.length}` }), await sent({})]
  }
  const both = (status: number, type: string) => Array(2).fill([status, `/problems/${type}`])
  for (const letter of ["x", "é", "€", "😀", "\ufffd"]) {
    const size = utf8.encode(letter).length
    const filled = (bytes: number) => {
      const room = bytes - utf8.encode('{"":1}').length
      return utf8.encode(`{"${letter.repeat(Math.floor(room / size))}${"x".repeat(room % size)}":1}`)
    }
    expect(await posted(filled(BYTES))).toEqual(both(400, "bad-body"))
    expect(await posted(filled(BYTES + 1))).toEqual(both(413, "too-large"))
  }
  // Each of these becomes three bytes of its text.
  const broken = new Uint8Array(BYTES).fill(0xff)
  expect(await posted(broken)).toEqual(both(400, "bad-body"))
  expect(await posted(new Uint8Array(BYTES + 1).fill(0xff))).toEqual(both(413, "too-large"))
})

test("a body that somebody has read before is answered for", async () => {
  const { app } = await site([SUM], {})
  for (const headers of [{}, { "content-length": "17" }]) {
    const init = { method: "POST", headers: { "content-type": "application/json", ...headers } }
    const request = new Request("http://localhost/graphs/sum/runs", { ...init, body: '{"input":{"a":1}}' })
    await request.text()
    const response = await app.fetch(request)
    expect([response.status, (await response.json()).detail]).toEqual([400, "The body broke off."])
  }
})
