// `serve` as a process: graphs over HTTP, every refusal as a problem document, limits, and an orderly end.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import * as http from "node:http"
import { type Running, start } from "./command.ts"
import { openShop, type Shop } from "./shop.ts"

setDefaultTimeout(60_000)

let shop: Shop
let server: Running
let url = ""

const SLOW = (rates: string) => `graph: slow
nodes:
  wait: { http: "GET http://${rates}/hang", output: string }
output: wait
`
const SUM = `graph: sum
about: Adds.
input: { a: number, b: int64 = 1, words?: "[string]" }
nodes:
  sum: { expr: input.a + double(input.b) }
output: { sum: sum, big: int64(9007199254740993) }
`

beforeAll(async () => {
  shop = await openShop()
  const { writeFileSync, rmSync } = await import("node:fs")
  rmSync(`${shop.folder}/quote.graph.yaml`)
  writeFileSync(`${shop.folder}/slow.graph.yaml`, SLOW(shop.rates))
  writeFileSync(`${shop.folder}/sum.graph.yaml`, SUM)
  writeFileSync(
    `${shop.folder}/locked.graph.yaml`,
    "graph: locked\nnodes:\n  t: { read_file: ./data/tariff.json }\noutput: t\n",
  )
  writeFileSync(
    `${shop.folder}/fails.graph.yaml`,
    "graph: fails\ninput: { at: number }\nnodes:\n  x: { expr: '[1, 2][input.at]' }\noutput: x\n",
  )
  server = start(shop.folder, [
    "serve",
    "--port",
    "0",
    "-g",
    `net:${shop.rates}`,
    "--timeout",
    "400ms",
    "--body",
    "2kB",
    "--concurrent",
    "2",
    "--waiting",
    "1",
    "--grace",
    "0s",
  ])
  await server.said("/graphs/sum/runs")
  url = (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
})
afterAll(() => server.signal("SIGKILL"))

const post = async (name: string, body: unknown, more: RequestInit = {}) => {
  const response = await fetch(`${url}/graphs/${name}/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...more,
  })
  const text = await response.text()
  return { status: response.status, type: response.headers.get("content-type"), text, json: JSON.parse(text) }
}

describe("graphs", () => {
  test("are listed, with what they need", async () => {
    const list = await (await fetch(`${url}/graphs`)).json()
    expect(list).toEqual([
      { admitted: true, name: "fails", needs: [], url: "/graphs/fails" },
      { admitted: false, name: "locked", needs: ["fs:read:./data"], url: "/graphs/locked" },
      { admitted: true, name: "slow", needs: [`net:${shop.rates}`], url: "/graphs/slow" },
      { about: "Adds.", admitted: true, name: "sum", needs: [], url: "/graphs/sum" },
    ])
    const sum = await (await fetch(`${url}/graphs/sum`)).json()
    expect(sum.input).toMatchObject({ type: "object", required: ["a"], properties: { a: { type: "number" } } })
  })

  test("run, and prove it", async () => {
    const { status, text, json } = await post("sum", { input: { a: 1.5, b: 2 } })
    expect(status).toBe(200)
    expect(json).toMatchObject({ output: { sum: 3.5 }, ledger: { position: 1 } })
    expect(json.run).toMatch(/^[0-9A-Z]{26}$/)
    expect(json.trace).toMatch(/^[0-9a-f]{64}$/)
    // Digits are not lost on the way through JSON.
    expect(text).toContain("9007199254740993")
    expect((await post("sum", '{ "input": { "a": 0, "b": 9007199254740993 } }')).status).toBe(200)
  })

  test("health", async () => {
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ ok: true, graphs: 4 })
  })
})

describe("problems", () => {
  const told = ({ status, type, json }: Awaited<ReturnType<typeof post>>) => [status, type, json.type, json.detail]
  const PROBLEM = "application/problem+json"

  test("each with its type, status and detail", async () => {
    expect(told(await post("nothing", {}))).toEqual([
      404,
      PROBLEM,
      "/problems/unknown-graph",
      'There is no graph "nothing".',
    ])
    expect(told(await post("sum", "{"))[2]).toBe("/problems/bad-body")
    expect(told(await post("sum", "[]"))).toEqual([400, PROBLEM, "/problems/bad-body", "The body is no JSON object."])
    expect(told(await post("sum", { inputs: {} }))[3]).toContain('The body has no key "inputs"')
    expect(told(await post("sum", { input: { a: "x" } }))).toEqual([
      422,
      PROBLEM,
      "/problems/wrong-input",
      'Cannot take "a": want number, found "x"',
    ])
    expect(told(await post("sum", { input: { a: 1, c: 1 } }))[0]).toBe(422)
    expect(told(await post("sum", {}))[0]).toBe(422)
    expect(told(await post("sum", "{}", { headers: { "content-type": "text/plain" } }))[2]).toBe("/problems/not-json")
    expect(told(await post("sum", { input: { a: 1, words: ["x".repeat(3000)] } }))[2]).toBe("/problems/too-large")
    expect(told(await post("locked", {}))).toEqual([
      403,
      PROBLEM,
      "/problems/capability-not-granted",
      "The run needs fs:read:./data, which this server was not granted.",
    ])
    expect((await post("locked", {})).json).toMatchObject({ graph: "locked", node: "t", missing: ["fs:read:./data"] })
  })

  test("a graph that fails says how and where, and what was recorded", async () => {
    const { status, json } = await post("fails", { input: { at: 7 } })
    expect(status).toBe(500)
    expect(json).toMatchObject({
      type: "/problems/run-failed",
      graph: "fails",
      code: "Missing",
      ledger: { position: 1 },
    })
  })

  test("ways that lead nowhere, methods that do nothing, pages of problems", async () => {
    expect((await fetch(`${url}/nowhere`)).status).toBe(404)
    const got = await fetch(`${url}/graphs/sum/runs`)
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"])
    expect(await (await fetch(`${url}/problems/too-slow`)).text()).toContain("Run took too long (504)")
  })

  test("a body without a length is cut at the limit", async () => {
    const port = new URL(url).port
    const status = await new Promise<number>((resolve, reject) => {
      const request = http.request({
        port,
        host: "127.0.0.1",
        path: "/graphs/sum/runs",
        method: "POST",
        headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
      })
      request.on("response", (r) => resolve(r.statusCode!))
      request.on("error", reject)
      for (let i = 0; i < 10; i++) request.write(`"${"x".repeat(500)}"`)
      request.end()
    })
    expect(status).toBe(413)
  })

  test("a page of another site that reached this machine is refused", async () => {
    const port = new URL(url).port
    const status = await new Promise<number>((resolve, reject) => {
      http
        .get({ port, host: "127.0.0.1", path: "/graphs", headers: { host: `evil.example.com:${port}` } }, (r) =>
          resolve(r.statusCode!),
        )
        .on("error", reject)
    })
    expect(status).toBe(403)
  })

  test("a run that takes too long, and more runs than run and wait at once", async () => {
    const late = new Promise((r) => setTimeout(r, 150))
    const runs = await Promise.all([
      post("slow", {}),
      post("slow", {}),
      post("slow", {}),
      late.then(() => post("slow", {})),
    ])
    const slow = "/problems/too-slow"
    expect(runs.map((r) => r.json.type)).toEqual([slow, slow, slow, "/problems/busy"])
    expect(runs[3]!.json.reason).toBe("full")
    expect((await post("sum", { input: { a: 1 } })).status).toBe(200)
  })
})

test("Ctrl-C ends runs that are on their way, and the server", async () => {
  const last = post("slow", {}).catch(() => undefined)
  await new Promise((wake) => setTimeout(wake, 100))
  server.signal("SIGINT")
  const { exit, err } = await server.done
  expect(exit).toBe(0)
  expect(err).toContain("not granted: fs:read:./data")
  expect((await last)?.json.type).toBe("/problems/shutting-down")
})
