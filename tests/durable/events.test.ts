// An event that many runs wait for: a run that does not take it, or whose record cannot be read, keeps it from no other.
import { afterAll, expect, test } from "bun:test"
import { graphsApp } from "../../deploy/http/app.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import type { Type } from "../../graph/mod.ts"
import type { Chain } from "../../kernel/mod.ts"
import { GRANTS, World } from "./house.ts"

/** One run of it has lost its beginning. */
class Torn extends MemoryLedger {
  torn: string | undefined
  override entries(space: string, run: string): Chain {
    const chain = super.entries(space, run)
    return run === this.torn ? { ...chain, rows: chain.rows.slice(1) } : chain
  }
}

const world = new World()
const store = new Torn({ entriesMax: 1e6 })
const engine = world.engine(store)
afterAll(() => engine.close())

const TYPES = ["string", "number", "boolean"]

test("an event goes to every run that waits for it", async () => {
  const graphs = TYPES.map(async (output, i) => {
    const text = `graph: ${output}\nnodes:\n  paid: { event: go, within: ${i + 1}d, output: ${output} }\noutput: paid\n`
    const ready = await engine.prepare(world.plan(text), { grants: GRANTS })
    const { plan } = ready.admitted
    const [input, of] = [plan.types[plan.input] as Type, plan.types[plan.output]!]
    return { name: output, needs: plan.needs, input, output: of, engine, ready }
  })
  const app = graphsApp({ graphs: await Promise.all(graphs), runs: [{ engine, grants: GRANTS }] })
  const post = async (path: string, body: object) => {
    const headers = { "content-type": "application/json" }
    const response = await app.request(path, { method: "POST", headers, body: JSON.stringify(body) })
    return [response.status, await response.json()] as const
  }
  const [text, number, torn] = await Promise.all(
    TYPES.map(async (name) => (await post(`/graphs/${name}/runs`, {}))[1].run as string),
  )
  store.torn = torn
  expect(await post("/events/go", { value: 1 })).toMatchObject([
    200,
    { event: "go", runs: [number], refused: [{ run: text, type: "/problems/answer", status: 422 }] },
  ])
  expect(await post("/events/go", { value: 1 })).toMatchObject([422, { type: "/problems/answer" }])
  expect(await post("/events/go", { value: "paid" })).toEqual([200, { event: "go", runs: [text] }])
})
