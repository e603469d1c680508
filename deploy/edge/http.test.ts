/** The whole interface on the graphs of an edge: what the small one has not, runs that rest, and when to look after them. */
import { describe, expect, test } from "bun:test"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { type NodeKind, registry } from "../../graph/mod.ts"
import { type EdgeHttp, httpAtEdge } from "./http.ts"
import { ask, type EdgeOptions, edge, event } from "./mod.ts"

const KINDS: readonly NodeKind[] = [ask, event]
function planOf(text: string) {
  const { checked, problems } = checkFile({ file: "t.graph.yaml", text }, { registry: registry(...KINDS) })
  if (checked === undefined) throw new RangeError(JSON.stringify(problems))
  return { plan: compile(checked).bytes, grants: checked.needs }
}

const SUM = "graph: sum\ninput: { a: number, b: number }\nnodes:\n  total: { expr: input.a + input.b }\noutput: total\n"
const ASKS = "graph: asks\nnodes:\n  sure: { ask: Really?, output: boolean }\noutput: sure\n"
const LATE = "graph: late\nnodes:\n  paid: { event: paid, within: 100ms, default: 7, output: number }\noutput: paid\n"
const LONG = "graph: long\nnodes:\n  paid: { event: paid, within: 1h, default: 7, output: number }\noutput: paid\n"

const serve = (texts: readonly string[], more: Partial<EdgeOptions> = {}): EdgeHttp =>
  httpAtEdge(edge({ graphs: texts.map(planOf), kinds: KINDS, parks: true, ...more }), { version: "1.2" })
const request = (path: string, body?: object, headers: Record<string, string> = {}) =>
  new Request(`http://edge.test${path}`, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: { "content-type": "application/json", ...headers },
  })
type Said = { readonly [key: string]: unknown }
const said = async (app: EdgeHttp, ...asked: Parameters<typeof request>): Promise<Said> =>
  (await (await app.fetch(request(...asked))).json()) as Said

describe("the whole interface at the edge", () => {
  test("streams, batches, runs by their ids, a document", async () => {
    const app = serve([SUM])
    const { run, output } = await said(app, "/graphs/sum/runs", { input: { a: 1, b: 2 } })
    expect(output).toBe(3)
    expect(await said(app, `/runs/${String(run)}`)).toMatchObject({ graph: "sum", status: "ended", output: 3 })
    const stream = await app.fetch(
      request("/graphs/sum/runs", { input: { a: 1, b: 2 } }, { accept: "text/event-stream" }),
    )
    expect(stream.headers.get("content-type")).toBe("text/event-stream")
    expect(await stream.text()).toMatch(/event: result\ndata: .*"output":3/)
    const inputs = [{ a: 1, b: 1 }, {}, { a: 2, b: 2 }]
    expect(await said(app, "/graphs/sum/batch", { inputs })).toMatchObject({ ended: 2, failed: 1 })
    const document = await said(app, "/openapi.json")
    expect((document["info"] as { version: string }).version).toBe("1.2")
    expect(Object.keys(document["paths"] as object)).toContain("/graphs/sum/batch")
    await app.close(0)
    expect((await app.fetch(request("/graphs/sum/runs", { input: { a: 1, b: 2 } }))).status).toBe(503)
  })

  test("a run rests, is answered, and is told from an event", async () => {
    const app = serve([ASKS, LONG])
    const asked = await said(app, "/graphs/asks/runs", {})
    expect(asked["parked"]).toMatchObject([{ path: "sure", why: "ask" }])
    const resume = `/runs/${String(asked["run"])}/resume`
    expect((await app.fetch(request(resume, { answers: { sure: "perhaps" } }))).status).toBe(422)
    expect(await said(app, resume, { answers: { sure: true } })).toMatchObject({ output: true })
    const { run } = await said(app, "/graphs/long/runs", {})
    expect(await said(app, "/events/paid", { value: 9 })).toMatchObject({ runs: [run] })
    expect(await said(app, `/runs/${String(run)}`)).toMatchObject({ status: "ended", output: 9 })
    await app.close(0)
  })

  test("says when to look after runs that rest, and a look goes on with those whose time has come", async () => {
    const app = serve([LATE, LONG, ASKS])
    expect(await app.next()).toBeUndefined()
    await said(app, "/graphs/asks/runs", {})
    expect(await app.next()).toBeUndefined()
    await said(app, "/graphs/long/runs", {})
    const hour = Number(await app.next()) - Date.now()
    expect(hour > 3_500_000 && hour <= 3_600_000).toBe(true)
    const { run } = await said(app, "/graphs/late/runs", {})
    const at = Number(await app.next())
    expect(at - Date.now() <= 100).toBe(true)
    await app.look()
    while (Date.now() < at) await new Promise((go) => setTimeout(go, 10))
    await app.look()
    expect(await said(app, `/runs/${String(run)}`)).toMatchObject({ status: "ended", output: 7 })
    expect(Number(await app.next()) > Date.now() + 3_000_000).toBe(true)
    await app.close(0)
  })

  test("each graph goes on with its own grants", async () => {
    const asks = planOf(ASKS)
    const grants: string[] = [...asks.grants]
    const app = httpAtEdge(edge({ graphs: [{ ...asks, grants }, planOf(SUM)], kinds: KINDS, parks: true }))
    const { run } = await said(app, "/graphs/asks/runs", {})
    // What a graph was granted is taken from it, and stays with the other.
    grants.length = 0
    const response = await app.fetch(request(`/runs/${String(run)}/resume`, { answers: { sure: true } }))
    expect(response.status).toBe(403)
    await app.close(0)
  })

  test("a store that is away is told, and there again at the next request", async () => {
    const told: unknown[] = []
    let away = true
    const app = serve([SUM], {
      store: async () => {
        if (away) throw new RangeError("no store today")
        const { MemoryLedger } = await import("../ledger/memory.ts")
        return new MemoryLedger()
      },
      onDefect: (cause) => told.push(cause),
    })
    expect((await app.fetch(request("/graphs"))).status).toBe(500)
    await app.look()
    expect(await app.next()).toBeUndefined()
    expect(told.map(String)).toEqual(Array(3).fill("RangeError: no store today"))
    away = false
    expect((await app.fetch(request("/graphs"))).status).toBe(200)
    expect(await app.next()).toBeUndefined()
    await app.close(0)
  })
})
