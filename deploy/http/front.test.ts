// The shortcut to a run and the router give the same answers: to a path however it is written, to other methods, to a defect,
// and where tokens or origins stand before every request.
import { describe, expect, test } from "bun:test"
import { ASKS, SUM, site } from "../../tests/http/world.ts"
import { TokenError } from "./holder.ts"

const POST = { method: "POST", headers: { "content-type": "application/json" }, body: '{"input":{"a":1}}' }

describe("a run is begun", () => {
  test("whichever way its path is written, and nothing else is", async () => {
    const { ask } = await site([SUM])
    for (const [path, status] of [
      ["/graphs/sum/runs", 200],
      ["/graphs/%73um/runs", 200],
      ["/graphs/sum/runs?early=true", 200],
      ["/graphs/sum/runs?x=/runs", 200],
      ["/graphs/sum/runs/", 404],
      ["//graphs/sum/runs", 404],
      ["/graphs/sum/x/runs", 404],
      ["/graphs//runs", 404],
      ["/graphs/runs", 405],
      ["/graphs/none/runs", 404],
      ["/x/graphs/sum/runs", 404],
    ] as const)
      expect([path, (await ask(path, POST)).status]).toEqual([path, status])
    expect((await ask("/graphs/sum/runs", { method: "PUT" })).status).toBe(405)
    expect((await ask("/graphs/sum/runs")).status).toBe(405)
  })

  test("for nobody without a token, where tokens are asked for", async () => {
    const holderOf = async (request: Request) => {
      if (request.headers.get("authorization") === "Bearer a") return { name: "a", grants: [], graphs: ["asks"] }
      throw new TokenError({ reason: "token-missing", message: "none" })
    }
    const { ask } = await site([SUM, ASKS], { holderOf })
    for (let i = 0; i < 2; i++) expect((await ask("/graphs/sum/runs", POST)).status).toBe(401)
    const headers = { ...POST.headers, authorization: "Bearer a" }
    expect((await ask("/graphs/sum/runs", { ...POST, headers })).status).toBe(403)
  })

  test("with the headers of CORS, where origins are named", async () => {
    const origin = "https://app.example.com"
    const { ask } = await site([SUM], { origins: [origin] })
    const headers = { ...POST.headers, origin }
    for (let i = 0; i < 2; i++)
      expect((await ask("/graphs/sum/runs", { ...POST, headers })).headers.get("access-control-allow-origin")).toBe(
        origin,
      )
  })
})

test("a defect on the way is a problem document, and is told", async () => {
  const told: unknown[] = []
  const broken = new TypeError("broken")
  const tenantOf = () => {
    throw broken
  }
  const { ask } = await site([SUM], { tenantOf, onDefect: (cause) => told.push(cause) })
  const response = await ask("/graphs/sum/runs", POST)
  expect([response.status, response.headers.get("content-type")]).toEqual([500, "application/problem+json"])
  expect(told).toEqual([broken])
})
