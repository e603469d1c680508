// A body that does not come in its time is answered for, and what comes of it later is not looked at.
import { expect, test } from "bun:test"
import { SUM, site } from "../../tests/http/world.ts"

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
