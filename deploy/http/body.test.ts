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
