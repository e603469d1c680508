// A run that rests, over HTTP: it answers 202 and where to go on, and goes on by an answer or by an event.
import { afterAll, expect, test } from "bun:test"
import { graphsApp } from "../../deploy/http.ts"
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
  expect(await post(`${at}/resume`, { answer: 1 })).toMatchObject([202, {}])
  expect(await post(`${at}/resume`, { answers: { sure: true } })).toMatchObject([200, { output: 8 }])
  expect(await post(`${at}/resume`, {})).toMatchObject([409, { type: "/problems/closed" }])
  expect(await post("/runs/nobody/resume", {})).toMatchObject([404, {}])
  expect(world.calls).toEqual(["send 7"])
})
