// Tokens for some graphs and the runs of these: looked at, resumed and woken by events, and no others; what such a caller
// may spend holds for the part of a run that it asks for.
import { afterAll, describe, expect, test } from "bun:test"
import { graphsApp } from "../../deploy/http/app.ts"
import type { Holder } from "../../deploy/http/holder.ts"
import type { Type } from "../../graph/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

const world = new World()
const engine = world.engine(ledger())
afterAll(() => engine.close())

const graph = (name: string) => `
graph: ${name}
nodes:
  paid: { event: go, within: 1d, output: number }
  seen: { look: paid }
  more: { look: seen }
output: more
`
const HOLDERS: { readonly [token: string]: Holder } = {
  all: { name: "all", grants: GRANTS },
  one: { name: "one", grants: GRANTS, graphs: ["one"] },
  poor: { name: "poor", grants: GRANTS, graphs: ["one"], budget: { budget: { calls: 1 }, windowMs: 3_600_000 } },
}

async function served(name: string) {
  const ready = await engine.prepare(world.plan(graph(name)), { grants: GRANTS })
  const { plan } = ready.admitted
  return {
    name,
    needs: plan.needs,
    input: plan.types[plan.input] as Type,
    output: plan.types[plan.output]!,
    engine,
    ready,
  }
}
const app = graphsApp({
  graphs: [await served("one"), await served("two")],
  runs: [{ engine, grants: GRANTS }],
  holderOf: async (request) => HOLDERS[request.headers.get("authorization")!]!,
})
const ask = async (token: string, path: string, body?: object) => {
  const response = await app.request(path, {
    headers: { authorization: token, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  })
  return [response.status, (await response.json()) as Record<string, unknown>] as const
}
const begun = async (name: string): Promise<string> => {
  const [status, { run }] = await ask("all", `/graphs/${name}/runs`, {})
  expect(status).toBe(202)
  return run as string
}

describe("a token for some graphs", () => {
  test("is for the runs of these, and of the others it is not told whether they are", async () => {
    const [one, two] = [await begun("one"), await begun("two")]
    expect(await ask("one", `/runs/${one}`)).toMatchObject([200, { status: "parked" }])
    expect(await ask("one", `/runs/${one}/resume`, {})).toMatchObject([202, { run: one }])
    const none = await ask("one", "/runs/nobody")
    expect(none).toMatchObject([404, { type: "/problems/no-such-run" }])
    expect(await ask("one", `/runs/${two}`)).toEqual(none)
    expect(await ask("one", `/runs/${two}/resume`, { answers: { paid: 1 } })).toEqual(none)
    expect(await ask("all", `/runs/${two}`)).toMatchObject([200, { status: "parked" }])
  })

  test("wakes these by an event, and leaves the others asleep", async () => {
    const two = await begun("two")
    const [, { runs }] = await ask("one", "/events/go", { value: 1 })
    expect(runs).not.toContain(two)
    expect(await ask("all", `/runs/${two}`)).toMatchObject([200, { status: "parked" }])
    expect((await ask("all", "/events/go", { value: 1 }))[1]).toMatchObject({ runs: expect.arrayContaining([two]) })
    expect(await ask("all", `/runs/${two}`)).toMatchObject([200, { status: "ended", ok: true }])
  })

  test("that is out of its budget leaves the run at rest until somebody asks again", async () => {
    const run = await begun("one")
    const calls = world.calls.length
    const [status, rested] = await ask("poor", `/runs/${run}/resume`, { answers: { paid: 1 } })
    expect([status, rested["parked"]]).toMatchObject([202, [{ path: "more", why: "budget" }]])
    expect(rested["parked"]).not.toMatchObject([{ until: expect.anything() }])
    expect(await ask("poor", `/runs/${run}/resume`, {})).toMatchObject([202, {}])
    expect(await ask("one", `/runs/${run}/resume`, {})).toMatchObject([200, { output: 3 }])
    expect(world.calls.slice(calls)).toEqual(["look 1", "look 2"])
  })
})
