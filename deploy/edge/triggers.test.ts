/** Schedules and hooks at the edge: what starts, when to look, what is remembered, and what comes along in the text of a program. */
import { describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { type Clock, type NodeKind, registry, T } from "../../graph/mod.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import { packTriggers, unpackTriggers } from "../triggers/packed.ts"
import { readTriggers } from "../triggers/read.ts"
import { tickId } from "../triggers/scheduler.ts"
import { httpAtEdge } from "./http.ts"
import { edge } from "./mod.ts"
import { triggersFrom } from "./triggers.ts"

/** A tool that wants a grant, so that triggers may have less than their graph. */
const post: NodeKind = {
  kind: "post",
  about: "Sends a number.",
  main: { form: "cel", type: T.number, required: true, about: "Which." },
  fields: {},
  takesWith: false,
  sign: () => ({
    effect: "write",
    resource: "desk",
    needs: ["app:desk"],
    input: T.record({ post: T.number }),
    output: T.number,
  }),
  open: () => ({ execute: (args) => (args as { readonly post: number }).post }),
}
const TEXT = "graph: order\ninput: { n: number }\nnodes:\n  sent: { post: input.n }\noutput: sent\n"
const { checked } = checkFile({ file: "o.graph.yaml", text: TEXT }, { registry: registry(post) })
const plan = { plan: compile(checked!).bytes, grants: checked!.needs }

function read(project: object) {
  const triggers = readTriggers("p", JSON.stringify(project), project as never)
  if ("problems" in triggers) throw new RangeError(JSON.stringify(triggers.problems))
  return triggers
}
const DAILY = { graph: "order", cron: "30 7 * * *", timezone: "Europe/Zurich", input: { n: "${ tick.ms / 1000.0 }" } }
const HOOK = {
  graph: "order",
  signature: "github",
  secret: ["secret:NEW", "secret:OLD"],
  when: "headers['x-github-event'] == 'push'",
  body: "{ size: number }",
  input: { n: "${ body.size }" },
}

/** A program with a clock that the test sets. */
function program(project: object, store = new MemoryLedger()) {
  const { schedules, hooks } = read(project)
  const world = { now: Date.parse("2026-11-22T05:00:00Z") }
  const clock: Clock = { now: () => world.now, tick: () => world.now, sleep: async () => {} }
  const told: unknown[] = []
  const app = httpAtEdge(
    edge({
      graphs: [plan],
      kinds: [post],
      parks: true,
      store,
      services: { clock },
      onDefect: (cause) => told.push(cause),
    }),
    { triggers: triggersFrom(packTriggers(schedules, hooks), (name) => ({ OLD: "hush" })[name]) },
  )
  const get = async (path: string) => (await (await app.fetch(new Request(`http://e.test${path}`))).json()) as object
  const deliver = async (name: string, body: string, { key = "hush", event = "push", id = "1" } = {}) => {
    const response = await app.fetch(
      new Request(`http://e.test/hooks/${name}`, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "x-hub-signature-256": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
          "x-github-event": event,
          "x-github-delivery": id,
        },
      }),
    )
    return {
      ...((await response.json()) as { readonly run?: string; readonly type?: string }),
      status: response.status,
    }
  }
  return { app, world, told, get, deliver, schedule: schedules[0]! }
}

describe("schedules at the edge", () => {
  test("start a run at their tick, by a look that ends with it, and say when the next one comes", async () => {
    const { app, world, get, schedule } = program({ schedules: { daily: DAILY } })
    // Nobody has looked: that is to be done first.
    expect(await app.next()).toBe(world.now)
    await app.look()
    const tick = Date.parse("2026-11-22T06:30:00Z")
    expect(await app.next()).toBe(tick)
    await app.look()
    expect(await get("/runs")).toEqual({ runs: [] })
    world.now = tick + 10
    await app.look()
    const run = tickId(schedule, tick)
    expect(await get(`/runs/${run}`)).toMatchObject({ status: "ended", ok: true, output: tick / 1000 })
    expect(await app.next()).toBe(tick + 86_400_000)
    await app.look()
    expect(await get("/runs")).toMatchObject({ runs: [{ run }] })
    await app.close(0)
  })

  test("that lack a grant of their own start nothing, and say so", async () => {
    const { app, world, told } = program({ schedules: { daily: { ...DAILY, grants: [] } } })
    await app.look()
    world.now = Date.parse("2026-11-22T06:30:00Z")
    await app.look()
    expect(told).toMatchObject([{ reason: "not-granted", schedule: "daily" }])
    await app.close(0)
  })
})

describe("hooks at the edge", () => {
  test("start the run that they declare, once for a delivery, by whoever signed", async () => {
    const { app, get, deliver } = program({ hooks: { pushed: HOOK } })
    expect(await deliver("pushed", '{"size":4}', { key: "guessed" })).toMatchObject({ status: 401 })
    expect(await deliver("pushed", '{"size":4}', { event: "ping" })).toMatchObject({ status: 200, ignored: true })
    expect(await deliver("pushed", '{"size":"four"}')).toMatchObject({ status: 422, type: "/problems/wrong-input" })
    expect(await deliver("nobody", "{}")).toMatchObject({ status: 404 })
    const { status, run } = await deliver("pushed", '{"size":4}')
    expect(status).toBe(202)
    expect(await deliver("pushed", '{"size":4}')).toMatchObject({ status: 200, again: true, run })
    expect(await get(`/runs/${run}`)).toMatchObject({ status: "ended", output: 4 })
    await app.close(0)
  })

  test("are routes of the interface that no token is asked for; other routes ask", async () => {
    const { schedules, hooks } = read({ hooks: { pushed: HOOK } })
    const at = edge({ graphs: [plan], kinds: [post], tokens: [] })
    const app = httpAtEdge(at, { triggers: triggersFrom(packTriggers(schedules, hooks), () => "hush") })
    const status = async (path: string) =>
      (await app.fetch(new Request(`http://e.test${path}`, { method: "POST", body: "{}" }))).status
    expect([await status("/hooks/pushed"), await status("/graphs/order/runs")]).toEqual([401, 401])
    const signed = await app.fetch(new Request("http://e.test/hooks/pushed", { method: "POST", body: "{}" }))
    expect(await signed.json()).toMatchObject({ type: "/problems/signature-missing" })
    await app.close(0)
  })
})

test("what a program carries is what was declared, but for what only checks it", () => {
  const project = {
    schedules: {
      daily: { ...DAILY, missed: "once", overlap: "allow", grants: ["app:desk"] },
      plain: { graph: "order", cron: "@daily", input: { n: 3 } },
    },
    hooks: { pushed: { ...HOOK, tolerance: "1m" } },
  }
  const { schedules, hooks } = read(project)
  const back = unpackTriggers(packTriggers(schedules, hooks))
  const given = (input: (typeof schedules)[number]["input"]) =>
    "inserted" in input ? { ...input, inserted: [] } : input
  expect(back.schedules).toMatchObject(schedules.map(({ table: _, ...s }) => ({ ...s, input: given(s.input) })))
  const now = Date.parse("2026-03-28T12:00:00Z")
  expect(back.schedules.map(({ table }) => table.after(now))).toEqual(schedules.map(({ table }) => table.after(now)))
  expect(back.hooks).toEqual(hooks.map((hook) => ({ ...hook, input: given(hook.input), body: T.unknown })))
})
