// Requests of other servers that start runs: who signed may start the one run that the hook declares, a delivery that is made
// again starts nothing, and everything that is wrong has its problem document. Signatures are made by node:crypto.
import { afterAll, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { graphsApp } from "../../deploy/http/app.ts"
import { hooksWay } from "../../deploy/http/hooks.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { readTriggers } from "../../deploy/triggers/read.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { GRANTS, World } from "./house.ts"

const folder = mkdtempSync(join(tmpdir(), "hooks-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0

const ORDER = `
graph: order
input: { n: number, who: string }
nodes:
  sent: { post: input.n }
output: sent
`
const HOOKS = {
  pushed: {
    graph: "order",
    signature: "github",
    secret: ["secret:NEW", "secret:OLD"],
    when: "headers['x-github-event'] == 'push'",
    input: { n: "${ body.size }", who: "${ body.pusher.name }" },
  },
  paid: {
    graph: "order",
    signature: "stripe",
    secret: "secret:OLD",
    tolerance: "1m",
    body: "{ id: string, amount: number }",
    input: { n: "${ body.amount }", who: "stripe ${ body.id }" },
  },
  closed: { graph: "order", signature: "github", secret: "secret:UNSET", input: { n: 1, who: "x" } },
  bare: { graph: "order", signature: "github", secret: "secret:OLD", grants: [], input: { n: 1, who: "x" } },
}
const SECRETS: { readonly [name: string]: string } = { NEW: "new secret", OLD: "old secret" }

async function house(limits: { readonly runsMax?: number; readonly waitingMax?: number } = {}) {
  const world = new World()
  world.now = 1_800_000_000_000
  const text = JSON.stringify({ hooks: HOOKS })
  const triggers = readTriggers("p", text, JSON.parse(text))
  if ("problems" in triggers) throw new RangeError(JSON.stringify(triggers.problems))
  const file = join(folder, `${++made}.db`)
  const open = async () => {
    const store = await SqlLedger.open({ storage: new SqliteStorage({ file }) })
    const engine = world.engine(store)
    const plan = world.plan(ORDER)
    const ready = await engine.prepare(plan, { grants: GRANTS })
    const bare = await engine
      .prepare(plan, { grants: GRANTS, within: [[]] })
      .catch((cause: unknown) => cause as AdmissionError)
    expect(bare).toBeInstanceOf(AdmissionError)
    const ended: string[] = []
    const app = graphsApp({
      graphs: [],
      hosts: ["127.0.0.1"],
      ways: [
        hooksWay({
          hooks: triggers.hooks.map((hook) => ({
            hook,
            engine,
            ready: hook.grants === undefined ? ready : bare,
            secret: (name) => SECRETS[name],
          })),
          onRun: ({ run, result }) => void (result && ended.push(`${run} ${result.outcome.ok}`)),
        }),
      ],
      limits: { bodyBytesMax: 1_000, ...limits },
      clock: { now: () => world.now, tick: () => performance.now(), sleep: () => new Promise(() => {}) },
    })
    const post = async (hook: string, body: string, headers: { readonly [name: string]: string } = {}) => {
      const response = await app.request(`/hooks/${hook}`, {
        method: "POST",
        headers: { "content-type": "application/json", host: "example.com", ...headers },
        body,
      })
      const json = (await response.json()) as { readonly [key: string]: unknown }
      return {
        status: response.status,
        json,
        type: String(json["type"] ?? "").replace("/problems/", ""),
        head: response.headers,
      }
    }
    return { app, post, engine, store, ended }
  }
  return { world, open, ...(await open()) }
}
const github = (body: string, more: object = {}, secret = "old secret") => ({
  "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  "x-github-event": "push",
  "x-github-delivery": "d1",
  ...more,
})
const stripe = (body: string, t: number) => ({
  "stripe-signature": `t=${t},v1=${createHmac("sha256", "old secret").update(`${t}.${body}`).digest("hex")}`,
})
const PUSH = JSON.stringify({ size: 3, pusher: { name: "ada" }, much: ["more"] })
const settled = async (is: () => boolean) => {
  for (let i = 0; i < 500 && !is(); i++) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(is()).toBe(true)
}

describe("a signed request", () => {
  test("starts the run that the hook declares, with the input that it makes, and is answered when that is on record", async () => {
    const { post, world, engine, store, ended } = await house()
    const { status, json, head } = await post("pushed", PUSH, github(PUSH))
    expect(status).toBe(202)
    const run = json["run"] as string
    expect(run).toMatch(/^[0-9A-Z]{26}$/)
    expect(head.get("location")).toBe(`/runs/${run}`)
    expect((await store.entries("", run)).rows.length).toBeGreaterThan(0)
    await settled(() => ended.length > 0)
    expect(ended).toEqual([`${run} true`])
    expect((await engine.history(run)).input).toEqual({ n: 3, who: "ada" })
    expect(world.calls).toEqual(["post 3"])
    await engine.close()
  })

  test("that is made again finds its run: at once, at the same time, after a restart, and in another server", async () => {
    const { post, world, engine, open } = await house()
    const first = await Promise.all(Array.from({ length: 5 }, () => post("pushed", PUSH, github(PUSH))))
    expect(first.map((f) => f.status).sort()).toEqual([200, 200, 200, 200, 202])
    const other = await open()
    const again = [await post("pushed", PUSH, github(PUSH)), await other.post("pushed", PUSH, github(PUSH))]
    await engine.close()
    again.push(await other.post("pushed", PUSH, github(PUSH)))
    expect(again.map((a) => [a.status, a.json["again"]])).toEqual(Array(3).fill([200, true]))
    expect(new Set([...first, ...again].map((a) => a.json["run"])).size).toBe(1)
    expect(world.calls).toEqual(["post 3"])
    // Another delivery is another run, also of the same body.
    expect((await other.post("pushed", PUSH, github(PUSH, { "x-github-delivery": "d2" }))).status).toBe(202)
    await settled(() => world.calls.length === 2)
    await other.engine.close()
  })

  test("is right with the old secret and with the new one", async () => {
    const { post, engine } = await house()
    expect((await post("pushed", PUSH, github(PUSH, {}, "new secret"))).status).toBe(202)
    expect((await post("pushed", PUSH, github(PUSH, { "x-github-delivery": "d2" }, "old secret"))).status).toBe(202)
    expect((await post("pushed", PUSH, github(PUSH, {}, "third"))).type).toBe("signature-wrong")
    await engine.close()
  })

  test("of another event starts nothing", async () => {
    const { post, world, engine } = await house()
    const ping = await post("pushed", "{}", github("{}", { "x-github-event": "ping" }))
    expect([ping.status, ping.json]).toEqual([200, { hook: "pushed", ignored: true }])
    expect(world.calls).toEqual([])
    await engine.close()
  })

  test("is told apart by what its body says, where the sender has no header for that", async () => {
    const { post, world, engine } = await house()
    const body = JSON.stringify({ id: "evt_1", amount: 5 })
    const now = world.now / 1000
    expect((await post("paid", body, stripe(body, now))).status).toBe(202)
    // Sent again later, it is signed anew.
    world.now += 3_600_000
    expect((await post("paid", body, stripe(body, now + 3_600))).json["again"]).toBe(true)
    expect((await post("paid", body, stripe(body, now))).type).toBe("signature-old")
    await engine.close()
  })
})

describe("a request that is refused", () => {
  test("says why, and starts nothing", async () => {
    const { post, world, engine, app } = await house()
    const body = JSON.stringify({ id: "evt_1", amount: 5 })
    const now = world.now / 1000
    const types = async (all: readonly (ReturnType<typeof post> | Promise<unknown>)[]) =>
      (await Promise.all(all as readonly ReturnType<typeof post>[])).map((x) => [x.status, x.type])
    expect(
      await types([
        post("nothing", PUSH, github(PUSH)),
        post("pushed", PUSH),
        post("pushed", `${PUSH} `, github(PUSH)),
        post("paid", body, stripe(body, now - 61)),
        post("paid", body, stripe(body, now + 61)),
        post("closed", PUSH, github(PUSH)),
        post("bare", PUSH, github(PUSH)),
        post("pushed", "{", github("{")),
        post("pushed", "[1]", github("[1]")),
        post("pushed", PUSH, github(PUSH, { "x-github-delivery": "" })),
        post("pushed", PUSH, github(PUSH, { "content-type": "text/plain" })),
        post("pushed", "x".repeat(1_001), github("x".repeat(1_001))),
      ]),
    ).toEqual([
      [404, "unknown-hook"],
      [401, "signature-missing"],
      [401, "signature-wrong"],
      [401, "signature-old"],
      [401, "signature-old"],
      [503, "hook-not-ready"],
      [403, "capability-not-granted"],
      [400, "bad-body"],
      [422, "wrong-input"],
      [422, "wrong-delivery"],
      [415, "not-json"],
      [413, "too-large"],
    ])
    const bad = JSON.stringify({ size: "three", pusher: { name: "ada" } })
    const wrong = await post("pushed", bad, github(bad))
    expect(wrong).toMatchObject({ status: 422, type: "wrong-input", json: { hook: "pushed", code: "Mismatch" } })
    const got = await app.request("/hooks/pushed")
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"])
    expect(world.calls).toEqual([])
    expect(await engine.store.runs("", 9)).toEqual([])
    await engine.close()
  })

  test("for want of room is told to come again, and its run is not begun", async () => {
    const { post, world, engine, ended } = await house({ runsMax: 1, waitingMax: 0 })
    world.hangs.add("post 3")
    expect((await post("pushed", PUSH, github(PUSH))).status).toBe(202)
    const busy = await post("pushed", PUSH, github(PUSH, { "x-github-delivery": "d2" }))
    expect([busy.status, busy.type, busy.head.get("retry-after")]).toEqual([503, "busy", "1"])
    expect(await engine.store.runs("", 9)).toHaveLength(1)
    expect(ended).toEqual([])
    await engine.close(1)
  })
})
