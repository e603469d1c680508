// Runs over HTTP that nobody waits for: begun, told as they go, taken up after a broken connection, cancelled, listed; keys
// that stand for one run, and batches. The application is called as a server would call it.
import { afterEach, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Draining } from "../../deploy/http/draining.ts"
import { SqliteStorage, SqlLedger } from "../../deploy/mod.ts"
import { ASKS, all, eventsOf, FAILS, Gates, SLOW, type StreamEvent, SUM, site } from "./world.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const ASYNC = { prefer: "respond-async" }
const STREAM = { accept: "text/event-stream" }

describe("a run that nobody waits for", () => {
  test("is on its way when it is answered, and is found by its id", async () => {
    const { post, get, world } = await site([SLOW])
    const begun = await post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
    expect([begun.status, begun.headers.get("location"), begun.headers.get("preference-applied")]).toEqual([
      202,
      `/runs/${begun.json.run}`,
      "respond-async",
    ])
    expect((await get(begun.json.url)).json).toMatchObject({ graph: "slow", status: "running" })
    await world.open(1)
    await world.open(2)
    for (let i = 0; i < 100 && (await get(begun.json.url)).json.status === "running"; i++)
      await new Promise((r) => setTimeout(r, 5))
    expect((await get(begun.json.url)).json).toMatchObject({ status: "ended", ok: true, output: 3, graph: "slow" })
  })

  test("is answered at once where it ends within the time that is waited", async () => {
    const { post, world } = await site([SUM, SLOW])
    const done = await post("/graphs/sum/runs", { input: { a: 1 } }, { prefer: "respond-async, wait=5" })
    expect(done).toMatchObject({ status: 200, json: { output: { sum: 2 } } })
    const slow = post("/graphs/slow/runs", { input: { n: 1 } }, { prefer: "wait=5, respond-async" })
    await world.open(1)
    await world.open(2)
    expect(await slow).toMatchObject({ status: 200, json: { output: 3 } })
  })

  test("is meant by a preference with parameters, too", async () => {
    const { post } = await site([SLOW])
    const begun = await post(
      "/graphs/slow/runs",
      { input: { n: 1 } },
      { prefer: "Respond-Async; why=slow, handling=strict" },
    )
    expect(begun.status).toBe(202)
  })

  test("is ended by its time", async () => {
    const { post, get } = await site([SLOW], { limits: { backgroundMsMax: 20 } })
    const { json } = await post("/graphs/slow/runs", { input: { n: 1 } }, { prefer: "respond-async, wait=9" })
    expect(json).toMatchObject({ status: 504, type: "/problems/too-slow" })
    expect((await get(`/runs/${json.run}`)).json).toMatchObject({ status: "ended", ok: false })
  })

  test("is cancelled by its id, once", async () => {
    const { post } = await site([SLOW])
    const { json } = await post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
    const at = `${json.url}/cancel`
    expect(await post(at, {})).toMatchObject({ status: 200, json: { status: "ended", ok: false } })
    expect(await post(at, {})).toMatchObject({ status: 409, json: { type: "/problems/closed" } })
    expect(await post("/runs/nobody/cancel", {})).toMatchObject({ status: 404 })
  })

  test("that rests is cancelled too, and resumed when it is answered", async () => {
    const { post, get } = await site([ASKS])
    const rest = await post("/graphs/asks/runs", { input: { id: "A" } }, { prefer: "respond-async, wait=5" })
    expect(rest).toMatchObject({ status: 202, json: { parked: [{ path: "sure", why: "ask" }] } })
    const at = `/runs/${rest.json.run}`
    expect((await get(at)).json).toMatchObject({ status: "parked", graph: "asks" })
    expect(await post(`${at}/resume`, { answers: { sure: true } })).toMatchObject({
      status: 200,
      json: { output: true },
    })
    expect((await get(at)).json).toMatchObject({ status: "ended", ok: true, output: true })
    const other = await post("/graphs/asks/runs", { input: { id: "B" } })
    const state = { status: "ended", ok: false, graph: "asks", parked: [], problem: { code: "Cancelled" } }
    expect(await post(`/runs/${other.json.run}/cancel`, {})).toMatchObject({ status: 200, json: state })
    expect((await get(`/runs/${other.json.run}`)).json).toMatchObject(state)
    const waits = await post("/graphs/asks/runs", { input: { id: "C" } }, { prefer: "respond-async, wait=5" })
    const form = { path: "sure", why: "ask", question: "Ship C?", type: "boolean" }
    expect(waits.json.parked).toMatchObject([form])
    expect((await get(`/runs/${waits.json.run}`)).json.parked).toMatchObject([form])
    expect(await post(`/runs/${waits.json.run}/cancel`, {})).toMatchObject({ status: 200, json: state })
    expect((await get(`/runs/${waits.json.run}`)).json).toMatchObject(state)
  })

  test("hears no answer under a name that nobody reads: it is told so, and nothing happens", async () => {
    const { post, get } = await site([ASKS])
    const { run } = (await post("/graphs/asks/runs", { input: { id: "A" } })).json
    for (const [path, body] of [
      [`/runs/${run}/resume`, { answer: { sure: true } }],
      [`/runs/${run}/undo`, { cancel: true, leaves: ["sure"] }],
      ["/events/paid", { values: 3 }],
      ["/events/paid", [3]],
    ] as const)
      expect([path, await post(path, body)]).toMatchObject([
        path,
        { status: 400, json: { type: "/problems/bad-body" } },
      ])
    expect((await get(`/runs/${run}`)).json).toMatchObject({ status: "parked" })
  })

  test("is ended by no page that a browser would let ask without leave", async () => {
    const { post, ask, get } = await site([ASKS])
    const { run } = (await post("/graphs/asks/runs", { input: { id: "A" } })).json
    const cancelled = async (headers: Record<string, string>) =>
      (await ask(`/runs/${run}/cancel`, { method: "POST", headers })).status
    expect(await cancelled({ origin: "https://evil.example.com", "content-type": "text/plain" })).toBe(415)
    expect(await cancelled({ origin: "null" })).toBe(415)
    expect((await get(`/runs/${run}`)).json).toMatchObject({ status: "parked" })
    // Whoever is no page may leave the body out.
    expect(await cancelled({})).toBe(200)
  })
})

describe("a stream", () => {
  test("tells nodes as they go, and at last what the run came to", async () => {
    const { ask, world } = await site([SLOW])
    const body = JSON.stringify({ input: { n: 1 } })
    const headers = { "content-type": "application/json", ...STREAM }
    const response = await ask("/graphs/slow/runs", { method: "POST", headers, body })
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"])
    const seen: StreamEvent[] = []
    for await (const event of eventsOf(response)) {
      seen.push(event)
      if (event.data.phase === "start") await world.open(event.data.path === "first" ? 1 : 2)
    }
    expect(seen.map((e) => [e.event, e.data.phase, e.data.path])).toEqual([
      ["run", undefined, undefined],
      ["node", "start", "first"],
      ["node", "end", "first"],
      ["node", "start", "second"],
      ["node", "end", "second"],
      ["result", undefined, undefined],
    ])
    expect(seen.at(-1)!.data).toMatchObject({ output: 3 })
    expect(new Set(seen.map((e) => e.id)).size).toBe(6)
  })

  test("goes on after the last event that a client had, while the run goes on and when it has ended", async () => {
    const { post, ask, world } = await site([SLOW])
    const { json } = await post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
    const first: StreamEvent[] = []
    const response = await ask(json.events)
    for await (const event of eventsOf(response)) {
      first.push(event)
      if (first.length === 2) break
    }
    await world.open(1)
    await world.open(2)
    const rest = await all(await ask(json.events, { headers: { "last-event-id": first[1]!.id! } }))
    expect([...first, ...rest].map((e) => e.data.phase ?? e.event)).toEqual([
      "run",
      "start",
      "end",
      "start",
      "end",
      "result",
    ])
    const again = await all(await ask(json.events, { headers: { "last-event-id": rest.at(-2)!.id! } }))
    expect(again.map((e) => e.event)).toEqual(["result"])
    // An id that nobody gave: told from the beginning, and said so.
    const strange = await all(await ask(json.events, { headers: { "last-event-id": "x.1" } }))
    expect(strange.map((e) => e.event)).toEqual(["gap", "run", "node", "node", "node", "node", "result"])
  })

  test("of a run that only the record knows has the ids of its entries", async () => {
    const folder = mkdtempSync(join(tmpdir(), "http-"))
    folders.push(folder)
    const store = () => SqlLedger.open({ storage: new SqliteStorage({ file: join(folder, "l.db") }) })
    const world = new Gates()
    const one = await site([SLOW], {}, await store(), world)
    const { json } = await one.post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
    await world.open(1)
    await world.open(2)
    await all(await one.ask(json.events))
    await one.engine.close()
    const two = await site([SLOW], {}, await store(), world)
    const told = await all(await two.ask(json.events))
    expect(told.map((e) => [e.id, e.event, e.data.path])).toEqual([
      ["r0", "run", undefined],
      ["r1", "node", "first"],
      ["r2", "node", "second"],
      ["r3", "result", undefined],
    ])
    expect(told.at(-1)!.data.output).toBe(3)
    const rest = await all(await two.ask(json.events, { headers: { "last-event-id": "r1" } }))
    expect(rest.map((e) => e.id)).toEqual(["r2", "r3"])
    await two.engine.close()
  })

  test("that is not read costs a bounded buffer, and says what was missed", async () => {
    const items = `
graph: items
input: { n: number }
nodes:
  all: { map: "range(input.n)", as: i, do: { look: i } }
output: all
`
    const { post, ask } = await site([items], { limits: { feedEventsMax: 20 } })
    const { json } = await post("/graphs/items/runs", { input: { n: 200 } }, { prefer: "respond-async, wait=30" })
    const events = await all(await ask(`/runs/${json.run}/events`))
    expect(events[0]).toMatchObject({ event: "gap" })
    expect(events).toHaveLength(21)
    expect(events[0]!.data.missed).toBeGreaterThan(350)
    expect(events.at(-1)!.event).toBe("result")
  })

  test("beats while nothing happens; there are so many at once, and of a token", async () => {
    const { post, ask, get } = await site([SLOW], { limits: { streamsMax: 2, heartbeatMs: 5 } })
    const { json } = await post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
    const one = (await ask(json.events)).body!.getReader()
    let text = ""
    while (text.split(": \n\n").length < 4) text += new TextDecoder().decode((await one.read()).value)
    const two = await ask(json.events)
    const three = await get(json.events)
    expect(three).toMatchObject({ status: 503, json: { type: "/problems/too-many-streams" } })
    expect(three.headers.get("retry-after")).toBe("2")
    await one.cancel()
    const four = await ask(json.events)
    expect(four.status).toBe(200)
    await Promise.all([two.body!.cancel(), four.body!.cancel()])
    expect((await get("/health")).json.streams).toBe(0)
  })

  test("whose client takes nothing for too long is let go", async () => {
    const { post, ask, get } = await site([SLOW], { limits: { heartbeatMs: 2, stalledMsMax: 5 } })
    const { json } = await post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
    const idle = await ask(json.events)
    for (let i = 0; i < 200 && (await get("/health")).json.streams > 0; i++) await new Promise((r) => setTimeout(r, 2))
    expect((await get("/health")).json.streams).toBe(0)
    const reader = idle.body!.getReader()
    const taken = async () => {
      for (;;) if ((await reader.read()).done) return
    }
    await expect(taken()).rejects.toMatchObject({
      status: 408,
      body: { title: "The client took nothing for too long" },
    })
  })
})

describe("a key", () => {
  test("stands for one run: while it goes on, when it has ended, and when the server is another", async () => {
    const folder = mkdtempSync(join(tmpdir(), "http-"))
    folders.push(folder)
    const store = () => SqlLedger.open({ storage: new SqliteStorage({ file: join(folder, "l.db") }) })
    const world = new Gates()
    const one = await site([SLOW], {}, await store(), world)
    const key = { "idempotency-key": '"k-1"' }
    const both = [
      one.post("/graphs/slow/runs", { input: { n: 1 } }, key),
      one.post("/graphs/slow/runs", { input: { n: 1 } }, key),
    ]
    const other = await one.post("/graphs/slow/runs", { input: { n: 2 } }, key)
    expect(other).toMatchObject({ status: 422, json: { type: "/problems/idempotency-key-reused" } })
    await world.open(1)
    await world.open(2)
    const [a, b] = await Promise.all(both)
    expect([a!.status, b!.status, a!.json, a!.json.output]).toEqual([200, 200, b!.json, 3])
    expect(world.gated).toBe(2)
    await one.engine.close()

    const two = await site([SLOW], {}, await store(), world)
    const again = await two.post("/graphs/slow/runs", { input: { n: 1 } }, { "idempotency-key": "k-1" })
    expect([again.status, again.json, again.headers.get("idempotency-replayed")]).toEqual([200, a!.json, "true"])
    expect(world.gated).toBe(2)
    expect(await two.post("/graphs/slow/runs", { input: { n: 9 } }, key)).toMatchObject({ status: 422 })
    await two.engine.close()
  })

  test("of another token is another key; a bad one is refused", async () => {
    const holderOf = async (request: Request) => ({ name: request.headers.get("who")!, grants: ["app:look"] })
    const { post } = await site([SUM], { holderOf })
    const runs = await Promise.all(
      ["a", "b", "a"].map((who) => post("/graphs/sum/runs", { input: { a: 1 } }, { who, "idempotency-key": "k" })),
    )
    expect([runs[0]!.json.run === runs[1]!.json.run, runs[0]!.json.run === runs[2]!.json.run]).toEqual([false, true])
    for (const bad of ["", '""', "x".repeat(300), "a b"])
      expect(await post("/graphs/sum/runs", { input: { a: 1 } }, { who: "a", "idempotency-key": bad })).toMatchObject({
        status: 400,
        json: { type: "/problems/idempotency-key-wrong" },
      })
  })

  test("keeps a run going whose caller has gone, and a failure stays what it was", async () => {
    const { app, world, post } = await site([SLOW, FAILS])
    const gone = new AbortController()
    const request = (signal: AbortSignal) =>
      new Request("http://localhost/graphs/slow/runs", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "k" },
        body: '{"input":{"n":1}}',
        signal,
      })
    void app.fetch(request(gone.signal))
    await world.open(1)
    gone.abort()
    const again = app.fetch(request(new AbortController().signal))
    await world.open(2)
    expect(await (await again).json()).toMatchObject({ output: 3 })
    const key = { "idempotency-key": "f" }
    const failed = await post("/graphs/fails/runs", { input: { at: 5 } }, key)
    expect(failed).toMatchObject({ status: 500, json: { code: "Missing" } })
    expect((await post("/graphs/fails/runs", { input: { at: 5 } }, key)).json).toEqual(failed.json)
  })
})

describe("a batch", () => {
  test("has one result for each input, and says which failed", async () => {
    const { post } = await site([FAILS])
    const { status, json } = await post("/graphs/fails/batch", {
      inputs: [{ at: 0 }, { at: 9 }, { at: "x" }, { at: 1 }],
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      ended: 2,
      failed: 2,
      unfinished: 0,
      results: [
        { index: 0, status: 200, output: 1 },
        { index: 1, status: 500, type: "/problems/run-failed", code: "Missing" },
        { index: 2, status: 422, type: "/problems/wrong-input" },
        { index: 3, status: 200, output: 2 },
      ],
    })
    expect(new Set(json.results.map((r: { run?: string }) => r.run)).size).toBe(4)
  })

  test("is bounded, and with a key it is one batch", async () => {
    const { post } = await site([SUM], { limits: { batchMax: 3 } })
    expect(await post("/graphs/sum/batch", { inputs: [{}, {}, {}, {}] })).toMatchObject({ status: 413 })
    expect(await post("/graphs/sum/batch", { input: [] })).toMatchObject({ status: 400 })
    const key = { "idempotency-key": "b" }
    const first = await post("/graphs/sum/batch", { inputs: [{ a: 1 }, { a: 2 }] }, key)
    expect((await post("/graphs/sum/batch", { inputs: [{ a: 1 }, { a: 2 }] }, key)).json).toEqual(first.json)
    const changed = await post("/graphs/sum/batch", { inputs: [{ a: 1 }, { a: 3 }] }, key)
    expect(changed.json.results[1]).toMatchObject({ status: 422, type: "/problems/idempotency-key-reused" })
  })
})

describe("the list of runs", () => {
  test("comes in pages, the latest first", async () => {
    const { post, get } = await site([SUM, FAILS])
    const runs: string[] = []
    for (let i = 0; i < 7; i++)
      runs.push(
        (await post(`/graphs/${i % 2 ? "fails" : "sum"}/runs`, { input: i % 2 ? { at: 9 } : { a: i } })).json.run,
      )
    const seen: string[] = []
    for (let at: string | undefined = "/runs?limit=3"; at !== undefined; ) {
      const { status, json }: { status: number; json: { runs: { run: string }[]; next?: string } } = await get(at)
      expect(status).toBe(200)
      seen.push(...json.runs.map((r) => r.run))
      at = json.next
    }
    expect(seen).toEqual(runs.toReversed())
    const { json } = await get("/runs?graph=fails&limit=500")
    expect(json.runs).toHaveLength(3)
    expect(json.runs[0]).toMatchObject({ graph: "fails", status: "ended", ok: false })
    for (const bad of ["limit=0", "limit=501", "limit=x", "size=3"])
      expect(await get(`/runs?${bad}`)).toMatchObject({ status: 400, json: { type: "/problems/bad-query" } })
    expect((await get("/runs?before=nobody")).json).toEqual({ runs: [] })
  })
})

describe("the server", () => {
  test("lets what goes on end when it stops, and takes on nothing new", async () => {
    const draining = new Draining()
    const { post, get, world } = await site([SLOW, SUM], { draining })
    const last = post("/graphs/slow/runs", { input: { n: 1 } })
    await world.open(1)
    const stopped = draining.stop(5_000)
    expect(await get("/ready")).toMatchObject({ status: 503, json: { type: "/problems/not-ready" } })
    expect(await get("/health")).toMatchObject({ status: 200 })
    const late = await post("/graphs/sum/runs", { input: { a: 1 } })
    expect([late.status, late.json.type, late.headers.get("retry-after")]).toEqual([
      503,
      "/problems/shutting-down",
      "1",
    ])
    await world.open(2)
    expect(await last).toMatchObject({ status: 200, json: { output: 3 } })
    await stopped
  })

  test("leaves a run that nobody waits for to the next one, where the ledger lasts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "http-"))
    folders.push(folder)
    const store = () => SqlLedger.open({ storage: new SqliteStorage({ file: join(folder, "l.db") }) })
    const draining = new Draining()
    const world = new Gates()
    const one = await site([SLOW], { draining }, await store(), world)
    const begun = await one.post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
    const keyed = one.post("/graphs/slow/runs", { input: { n: 5 } }, { "idempotency-key": "k" })
    await world.open(1)
    for (let i = 0; i < 500 && world.gated < 3; i++) await new Promise((r) => setTimeout(r, 5))
    await draining.stop(20)
    const told = await keyed
    expect([told.status, told.json.type, told.headers.get("retry-after")]).toEqual([
      503,
      "/problems/shutting-down",
      "5",
    ])
    await one.engine.close(0)

    const two = await site([SLOW], {}, await store(), world)
    expect((await two.get(begun.json.url)).json).toMatchObject({ status: "unfinished" })
    const resumed = two.post(`${begun.json.url}/resume`, {})
    for (let i = 0; i < 500 && world.gated < 4; i++) await new Promise((r) => setTimeout(r, 5))
    await world.open(2)
    expect(await resumed).toMatchObject({ status: 200, json: { output: 3 } })
    await two.engine.close()
  })

  test("says safe things in every header, and lets no other site in unless it is named", async () => {
    const closed = await site([SUM])
    const origin = "https://app.example.com"
    for (const path of ["/health", "/graphs", "/nowhere", "/runs/x", "/problems/busy"]) {
      const { headers } = await closed.ask(path, { headers: { origin } })
      expect([path, headers.get("x-content-type-options"), headers.get("cache-control")]).toEqual([
        path,
        "nosniff",
        "no-store",
      ])
      expect(headers.get("content-security-policy")).toContain("default-src 'none'")
      expect(headers.get("access-control-allow-origin")).toBeNull()
    }
    const open = await site([SUM], { origins: [origin] })
    const asked = { origin, "access-control-request-method": "POST" }
    const before = await open.ask("/graphs/sum/runs", { method: "OPTIONS", headers: asked })
    expect([before.status, before.headers.get("access-control-allow-origin")]).toEqual([204, origin])
    const { headers } = await open.post("/graphs/sum/runs", { input: { a: 1 } }, { origin })
    expect([headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")]).toEqual([
      origin,
      null,
    ])
    const evil = await open.ask("/graphs", { headers: { origin: "https://evil.example.com" } })
    expect(evil.headers.get("access-control-allow-origin")).toBeNull()
  })
})
