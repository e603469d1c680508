// More runs than a host takes on: what waits, what is shed with which words, that nothing of what was shed is on record,
// that one caller cannot take all places, and how budgets are answered over HTTP. Real concurrency, real timers.
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { anew, resume, undo } from "../deploy/engine/again.ts"
import { type Begun, begin } from "../deploy/engine/begin.ts"
import { Engine, type EngineOptions, type RunResult } from "../deploy/engine/engine.ts"
import { Overloaded, Tenant } from "../deploy/engine/slots.ts"
import { type GraphsOptions, graphsApp, type Served } from "../deploy/http/app.ts"
import { Draining } from "../deploy/http/draining.ts"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { openHost } from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import { type NodeKind, registry, T, type Type } from "../graph/mod.ts"
import { Allowance } from "../kernel/mod.ts"
import { GRANTS, ledger, World } from "./durable/house.ts"

const host = openHost({ base: "." })
const load = { now: 0, most: 0, all: 0 }
/** Takes some milliseconds. */
const wait: NodeKind = {
  kind: "wait",
  about: "Waits.",
  main: { form: "cel", type: T.number, required: true, about: "Milliseconds." },
  fields: {},
  takesWith: false,
  sign: () => ({
    effect: "read",
    resource: "desk:a",
    needs: ["app:desk"],
    input: T.record({ wait: T.number }),
    output: T.number,
  }),
  open: () => ({
    execute: async (args) => {
      const { wait: ms } = args as { wait: number }
      load.most = Math.max(load.most, ++load.now)
      load.all++
      await new Promise((done) => setTimeout(done, ms))
      load.now--
      return ms
    },
  }),
}
const kinds = registry(wait)
const TEXT = `graph: waits
input: { ms: number }
nodes:
  one: { wait: input.ms }
  two: { wait: one }
output: two
`

async function prepared(options: Partial<EngineOptions> = {}) {
  const { checked } = checkFile({ file: "waits.graph.yaml", text: TEXT }, { registry: kinds })
  const store = new MemoryLedger()
  const engine = new Engine({ registry: kinds, services: host.services, store, ...options })
  const ready = await engine.prepare(compile(checked!).bytes, { grants: ["app:desk"] })
  Object.assign(load, { now: 0, most: 0, all: 0 })
  return { engine, ready, store, checked: checked! }
}
const asked = async (begin: () => unknown): Promise<string> => {
  try {
    await begin()
    return "ran"
  } catch (cause) {
    if (cause instanceof Overloaded) return cause.reason
    throw cause
  }
}

describe("an engine", () => {
  test("takes on so many runs, lets so many wait, and sheds the rest before anything of them is recorded", async () => {
    const { ready, store } = await prepared({ slots: { runsMax: 3, waitingMax: 5 } })
    const ends = await Promise.all(Array.from({ length: 40 }, () => asked(() => ready.run({ ms: 5 }))))
    expect(ends.filter((e) => e === "ran")).toHaveLength(8)
    expect(ends.filter((e) => e === "full")).toHaveLength(32)
    expect(load.most).toBe(3)
    expect(store.runs("", 100)).toHaveLength(8)
    expect(await asked(() => ready.run({ ms: 1 }))).toBe("ran")
  })

  test("without a bound takes on all", async () => {
    const { ready } = await prepared()
    const ends = await Promise.all(Array.from({ length: 40 }, () => asked(() => ready.run({ ms: 5 }))))
    expect(ends.every((e) => e === "ran")).toBe(true)
    expect(load.most).toBe(40)
  })

  test("gives the slot of a run back that could not begin, and of one that was cancelled", async () => {
    const { ready } = await prepared({ slots: { runsMax: 1 } })
    expect(() => ready.run({ ms: 1 }, { budget: { calls: -1 } })).toThrow(/whole number/)
    await ready.run({ ms: 60_000 }, { signal: AbortSignal.timeout(10) })
    expect(await asked(() => ready.run({ ms: 1 }))).toBe("ran")
  })

  test("lets the runs that go on end before it closes, and takes on none meanwhile", async () => {
    const { engine, ready, store } = await prepared({ slots: { runsMax: 2, waitingMax: 2 } })
    const runs = [1, 2, 3].map(() => asked(() => ready.run({ ms: 30 })))
    const closed = engine.close()
    expect(await asked(() => ready.run({ ms: 1 }))).toBe("closing")
    expect(await Promise.all(runs)).toEqual(["ran", "ran", "closing"])
    await closed
    expect(store.runs("", 9).every((r) => r.ended)).toBe(true)
  })

  test("sheds a run that is to go on, to be undone, or begun anew or by itself, and nothing of that is on record", async () => {
    const world = new World()
    const store = ledger()
    const engine = world.engine(store, {}, true, { runsMax: 1 })
    const grants = GRANTS
    const opened = async (lines: string) =>
      await engine.prepare(world.plan(`graph: g\ninput: { n: number }\nnodes:\n  a: ${lines}\noutput: a\n`), { grants })
    const rests = await (await opened('{ ask: "So?", output: number }')).run({ n: 1 })
    const wrote = await (await opened('{ send: input.n, undo: { send: "0 - out" } }')).run({ n: 5 })
    const looks = await opened("{ look: input.n }")
    const before = [rests, wrote].map(({ run }) => store.entries("", run))
    world.hangs.add("look 9")
    const stop = new AbortController()
    const busy = looks.run({ n: 9 }, { signal: stop.signal })
    const reply = { grants, replies: [{ path: ["a"], how: "answered", value: 7 }] } as const
    const asks = [
      () => resume(engine, rests.run, reply),
      () => undo(engine, wrote.run, { grants }),
      () => anew(engine, wrote.run, { grants }),
      () => begin(engine, looks, "tick", { n: 2 }),
    ]
    for (const ask of asks) expect(await asked(ask)).toBe("full")
    expect([rests, wrote].map(({ run }) => store.entries("", run))).toEqual(before)
    expect(store.parked("", 9).map(({ run }) => run)).toEqual([rests.run])
    expect(store.runs("", 9)).toHaveLength(3)
    stop.abort()
    await busy
    // And each goes as well as before.
    expect((await asks[0]!()) as RunResult).toMatchObject({ outcome: { ok: true, value: 7 } })
    expect((await asks[1]!()) as RunResult).toMatchObject({ undone: { undone: [["a"]] } })
    expect((await asks[2]!()) as RunResult).toMatchObject({ outcome: { ok: true, value: 6 } })
    expect(await ((await asks[3]!()) as Begun).result).toMatchObject({ run: "tick", outcome: { ok: true, value: 3 } })
  })

  test("does not wait for them for ever", async () => {
    const { engine, ready } = await prepared()
    const stop = new AbortController()
    const slow = ready.run({ ms: 60_000 }, { signal: stop.signal })
    await engine.close(10)
    stop.abort()
    await slow
  })
})

async function app(options: Partial<GraphsOptions> = {}, of: Partial<EngineOptions> = {}) {
  const { engine, ready, checked, store } = await prepared(of)
  const { plan } = ready.admitted
  const served: Served = {
    name: "waits",
    needs: plan.needs,
    input: checked.input,
    output: plan.types[plan.output] as Type,
    engine,
    ready,
  }
  const http = graphsApp({ graphs: [served], ...options })
  const post = async (ms: number, who = "a") => {
    const response = await http.request("/graphs/waits/runs", {
      method: "POST",
      headers: { "content-type": "application/json", who },
      body: JSON.stringify({ input: { ms } }),
    })
    return {
      status: response.status,
      again: response.headers.get("retry-after"),
      json: (await response.json()) as Problem,
    }
  }
  return { post, http, store }
}
interface Problem {
  readonly type?: string
  readonly detail?: string
  readonly data?: unknown
}

describe("over HTTP", () => {
  test("who comes when as many run and wait as may is told to come again, and when", async () => {
    const { post, store, http } = await app({ limits: { runsMax: 2, waitingMax: 3 } })
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(10)))
    expect(answers.filter((a) => a.status === 200)).toHaveLength(5)
    const shed = answers.filter((a) => a.status === 503)
    expect(shed).toHaveLength(15)
    expect(shed[0]).toMatchObject({ again: "1", json: { type: "/problems/busy", status: 503 } })
    expect(shed[0]!.json.detail).toBe("Cannot begin the run: 2 of at most 2 runs go on, and 3 of at most 3 wait")
    expect(load.most).toBeLessThanOrEqual(2)
    expect(store.runs("", 99)).toHaveLength(5)
    expect(await (await http.request("/health")).json()).toMatchObject({ running: 0, waiting: 0 })
  })

  test("the same where it is the engine that has bounds", async () => {
    const defects: unknown[] = []
    const onDefect = (cause: unknown) => defects.push(cause)
    const { post } = await app({ onDefect }, { slots: { runsMax: 1, waitingMax: 1 } })
    const answers = await Promise.all(Array.from({ length: 4 }, () => post(10)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503, 503])
    expect(answers.find(({ status }) => status === 503)).toMatchObject({ again: "1", json: { type: "/problems/busy" } })
    expect(defects).toEqual([])
  })

  test("a caller that floods the server does not keep another from its answers", async () => {
    const tenants: Record<string, Tenant> = { a: new Tenant(), b: new Tenant() }
    const { post } = await app({
      limits: { runsMax: 2, waitingMax: 6 },
      tenantOf: (request) => tenants[request.headers.get("who")!],
    })
    const flood = Array.from({ length: 60 }, () => post(5, "a"))
    const trickle = await Promise.all([post(5, "b"), post(5, "b")])
    expect(trickle.map((t) => t.status)).toEqual([200, 200])
    const flooded = await Promise.all(flood)
    expect(flooded.filter((f) => f.status === 503).length).toBeGreaterThan(40)
  })

  test("each caller has its own budget", async () => {
    const tenants: Record<string, Tenant> = {
      a: new Tenant(new Allowance({ calls: 3 }, 60_000, host.services.clock)),
      b: new Tenant(),
    }
    const { post } = await app({ tenantOf: (request) => tenants[request.headers.get("who")!] })
    expect((await post(1)).status).toBe(200)
    expect(await post(1)).toMatchObject({
      status: 429,
      json: { type: "/problems/tenant-budget", data: { of: "tenant", budget: "calls", limit: 3 } },
    })
    expect((await post(1, "b")).status).toBe(200)
  })

  test("a run over its own budget is a problem of its own, and so is one without fuel", async () => {
    const { post } = await app({}, { budget: { calls: 1 } })
    expect(await post(1)).toMatchObject({
      status: 422,
      json: {
        type: "/problems/over-budget",
        code: "Budget",
        node: "two",
        data: { of: "run", budget: "calls", limit: 1 },
      },
    })
    const dry = await app({}, { fuel: 1 })
    expect(await dry.post(1)).toMatchObject({ status: 422, json: { type: "/problems/over-budget", code: "Fuel" } })
  })

  test("who waits when the server stops is told so", async () => {
    const draining = new Draining()
    const { post } = await app({ limits: { runsMax: 1, waitingMax: 1 }, draining })
    const answers = [post(60_000), post(60_000)]
    await new Promise((done) => setTimeout(done, 30))
    await draining.stop(0)
    const all = await Promise.all(answers)
    expect(all.map((a) => [a.status, a.json.type])).toEqual(Array(2).fill([503, "/problems/shutting-down"]))
  })
})
