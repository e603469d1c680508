// A run that rests, over HTTP: it answers 202 and where to go on, and goes on by an answer or by an event.
import { afterAll, expect, test } from "bun:test"
import { graphsApp } from "../../deploy/http/app.ts"
import type { Type } from "../../graph/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

const GRAPH = `
graph: order
input: { id: string }
nodes:
  paid: { event: "paid/\${ input.id }", within: 1d, output: number }
  sure: { ask: "Ship \${ input.id }?", output: boolean }
  sent: { when: sure, then: { send: paid }, else: { expr: "0" } }
output: sent
`
const world = new World()
const engine = world.engine(ledger())
afterAll(() => engine.close())

test("a run rests, says what it waits for, and goes on when that is there", async () => {
  const ready = await engine.prepare(world.plan(GRAPH), { grants: GRANTS })
  const { plan } = ready.admitted
  const served = {
    name: "order",
    needs: plan.needs,
    input: plan.types[plan.input] as Type,
    output: plan.types[plan.output]!,
    engine,
    ready,
  }
  const app = graphsApp({ graphs: [served], runs: [{ engine, grants: GRANTS }] })
  const post = async (path: string, body: object) => {
    const response = await app.request(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    })
    return [response.status, (await response.json()) as Record<string, unknown>] as const
  }
  const [status, rested] = await post("/graphs/order/runs", { input: { id: "A" } })
  expect(status).toBe(202)
  expect(rested["parked"]).toMatchObject([
    { path: "paid", why: "event" },
    { path: "sure", why: "ask" },
  ])
  const at = `/runs/${rested["run"]}`
  expect(await (await app.request(at)).json()).toMatchObject({ status: "parked" })
  expect(await post("/events/paid/A", { value: 7 })).toEqual([
    200,
    { event: "paid/A", runs: [rested["run"] as string] },
  ])
  expect(await post("/events/paid/A", { value: 7 })).toEqual([200, { event: "paid/A", runs: [] }])
  expect(await post(`${at}/resume`, { answers: { sure: "perhaps" } })).toMatchObject([
    422,
    { type: "/problems/answer" },
  ])
  expect(await post(`${at}/resume`, { answer: 1 })).toMatchObject([400, { type: "/problems/bad-body" }])
  expect(await post(`${at}/resume`, {})).toMatchObject([202, {}])
  expect(await post(`${at}/resume`, { answers: { sure: true } })).toMatchObject([200, { output: 8 }])
  expect(await post(`${at}/resume`, {})).toMatchObject([409, { type: "/problems/closed" }])
  expect(await post("/runs/nobody/resume", {})).toMatchObject([404, { title: "No such run" }])
  expect(await post(`${at}/resume`, { answers: "x".repeat(2 << 20) })).toMatchObject([413, { title: "Body too large" }])
  // Every kind of problem has its page.
  for (const kind of ["no-such-run", "closed", "answer", "conflict", "diverged", "missing", "undone"])
    expect((await app.request(`/problems/${kind}`)).status).toBe(200)
  expect(world.calls).toEqual(["send 7"])
})

test("a run is undone: by itself when it fails, or when somebody asks", async () => {
  const w = new World()
  w.failing.add("post 9")
  const graph = (head: string) => `
graph: trip
${head}
input: { n: number }
nodes:
  first: { send: input.n, undo: { send: "0 - out" } }
  last: { post: first + 1, after: first }
output: last
`
  const store = ledger()
  const own = w.engine(store)
  const served = async (head: string, name: string) => {
    const ready = await own.prepare(w.plan(graph(head)), { grants: GRANTS })
    const { plan } = ready.admitted
    const input = plan.types[plan.input] as Type
    return { name, needs: plan.needs, input, output: plan.types[plan.output]!, engine: own, ready }
  }
  const graphs = [await served("on_failure: undo", "careful"), await served("", "plain")]
  const app = graphsApp({ graphs, runs: [{ engine: own, grants: GRANTS }] })
  const post = async (path: string, body: object) => {
    const headers = { "content-type": "application/json" }
    const response = await app.request(path, { method: "POST", headers, body: JSON.stringify(body) })
    return [response.status, (await response.json()) as Record<string, unknown>] as const
  }
  expect(await post("/graphs/careful/runs", { input: { n: 7 } })).toMatchObject([
    500,
    { undone: { undone: ["first"], untouched: [] } },
  ])
  expect(w.calls.splice(0)).toEqual(["send 7", "post 9", "send -8"])

  const [, { run }] = await post("/graphs/plain/runs", { input: { n: 1 } })
  const at = `/runs/${run}/undo`
  expect(await post(at, { leave: "first" })).toMatchObject([400, { type: "/problems/bad-body" }])
  expect(await post(at, { leave: ["nowhere"] })).toMatchObject([409, { type: "/problems/undone" }])
  w.failing.add("send -2")
  expect(await post(at, {})).toMatchObject([
    200,
    { run, ok: true, undone: { undone: [], stuck: { path: "first", code: "Broken" } } },
  ])
  // Whoever looks later reads the same in the record.
  const onRecord = async (id: unknown) =>
    ((await (await app.request(`/runs/${id}`)).json()) as { undone?: object }).undone
  expect(await onRecord(run)).toMatchObject({ undone: [], stuck: { path: "first", code: "Broken" } })
  w.failing.clear()
  expect(await post(at, {})).toMatchObject([200, { run, ok: true, undone: { undone: ["first"] } }])
  expect(await onRecord(run)).toEqual({ undone: ["first"], left: [], untouched: [] })
  expect(await post(at, {})).toMatchObject([409, { type: "/problems/undone" }])
  expect(await post("/runs/nobody/undo", {})).toMatchObject([404, {}])
  expect(w.calls).toEqual(["send 1", "post 3", "send -2", "send -2"])

  // One that rests must be cancelled first; the request may say so.
  w.late.set("post 5", "lost")
  const [status, rested] = await post("/graphs/plain/runs", { input: { n: 3 } })
  expect(status).toBe(202)
  const other = `/runs/${rested["run"]}/undo`
  expect(await post(other, {})).toMatchObject([409, { type: "/problems/closed" }])
  expect(await post(other, { cancel: true })).toMatchObject([200, { ok: false, undone: { undone: ["first"] } }])
  await own.close()
})
