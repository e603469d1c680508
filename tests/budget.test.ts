// Budgets in whole runs: a run is stopped before the request that would be too much, no `catch:` meets that, what was
// spent stands in the ledger, and a model's tokens cost what its price says.
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { resume } from "../deploy/engine/again.ts"
import { Engine, type EngineOptions, type RunOptions } from "../deploy/engine/engine.ts"
import { Tenant } from "../deploy/engine/slots.ts"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { openHost } from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import { accept, type Call, fail, type NodeKind, printPath, registry, T, type Value } from "../graph/mod.ts"
import { Allowance, KernelError, openEntry } from "../kernel/mod.ts"
import { standardKinds } from "../nodes/mod.ts"
import { startModelServer } from "./contract/model-server.ts"

const server = startModelServer()
const host = openHost({ base: "." })

/** What a tool of these tests does with a call; the test says. */
let act: (x: number, call: Call) => unknown = (x) => x
const tool = (kind: string, effect: "read" | "write"): NodeKind => ({
  kind,
  about: "Does what the test says.",
  main: { form: "cel", type: T.number, required: true, about: "A number." },
  fields: {},
  takesWith: false,
  sign: () => ({
    effect,
    resource: "desk:a",
    needs: ["app:desk"],
    input: T.record({ [kind]: T.number }),
    output: T.number,
    keyed: true,
  }),
  open: () => ({ execute: (args, call) => act((args as { [k: string]: number })[kind]!, call) }),
})
const kinds = registry(...standardKinds.values(), tool("get", "read"), tool("set", "write"))

async function prepared(text: string, options: Partial<EngineOptions> = {}) {
  const { checked, problems } = checkFile({ file: "it.graph.yaml", text }, { registry: kinds })
  if (checked === undefined) throw new RangeError(problems.map((p) => p.message).join("\n"))
  const store = new MemoryLedger()
  const engine = new Engine({ registry: kinds, services: host.services, store, ...options })
  const ready = await engine.prepare(compile(checked).bytes, { grants: checked.needs })
  const run = async (input: Value, more: RunOptions = {}) => ready.run(accept(checked.input)(input), more)
  const entries = (id: string) => store.entries("", id).rows.map((r) => openEntry(r.entry).body)
  return { run, entries, engine }
}
const failed = ({ outcome }: { readonly outcome: { readonly ok: boolean; readonly failure?: unknown } }) => {
  const { code, path, data } = outcome.failure as { code: string; path: (string | number)[]; data: Value }
  return { code, at: printPath(path), data }
}

const EACH = `graph: each
input: { xs: [number] }
nodes:
  all:
    map: input.xs
    as: x
    do: { get: x }
    catch: "[0.0]"
output: all
`

describe("a run", () => {
  test("is stopped before the call that would be too much, and no `catch:` meets that", async () => {
    let made = 0
    act = (x) => {
      made++
      return x * 2
    }
    const { run, entries } = await prepared(EACH)
    const result = await run({ xs: [1, 2, 3, 4, 5] }, { budget: { calls: 3 } })
    expect(failed(result)).toEqual({
      code: "Budget",
      at: "all[3].do",
      data: { of: "run", budget: "calls", limit: 3 },
    })
    expect(made).toBe(3)
    expect(entries(result.run).map((e) => e.kind)).toEqual(["start", "read", "read", "read", "end"])
    expect(result.spent).toMatchObject({ calls: 3 })
    const enough = await run({ xs: [1, 2, 3, 4, 5] }, { budget: { calls: 5 } })
    expect(enough.outcome).toEqual({ ok: true, value: [2, 4, 6, 8, 10] })
  })

  test("without a budget counts nothing", async () => {
    act = (x) => x
    const { run, entries } = await prepared(EACH)
    const result = await run({ xs: [1] })
    expect(result.spent).toBeUndefined()
    expect(entries(result.run)[1]).toMatchObject({ kind: "read", spent: null })
  })

  test("counts every call as soon as a tool says what one cost, whatever went before or was under way", async () => {
    const spends = (of: number) => (x: number, call: Call) => {
      if (x === of) call.spent?.({ bytes: 700 })
      return x
    }
    const { run } = await prepared(EACH)
    for (const of of [1, 2, 3]) {
      act = spends(of)
      expect((await run({ xs: [1, 2, 3] })).spent).toMatchObject({ calls: 3 })
    }
    act = async (x, call) => spends(2)(x, call)
    const parallel = await prepared(EACH.replace("as: x", "as: x\n    parallel: 3"))
    expect((await parallel.run({ xs: [1, 2, 3] })).spent).toMatchObject({ calls: 3 })
  })

  test("that goes on elsewhere, with a budget or without, has not forgotten the calls that nobody counted", async () => {
    const text = `graph: rests
nodes:
  one: { get: 1.0 }
  two: { set: one + 1.0 }
  go: { ask: go on?, after: two }
  three: { get: 3.0, after: go }
output: three
`
    act = (x) => x
    const { run, engine } = await prepared(text, { parks: true, space: "" })
    const rests = async () => (await run({})).run
    const replies = [{ path: ["go"], how: "answered", value: "yes" }] as const
    const grants = ["app:desk", "ask:person"]
    const poor = await resume(engine, await rests(), { grants, replies, budget: { calls: 2 } })
    expect(failed(poor)).toMatchObject({ code: "Budget", at: "three", data: { budget: "calls", limit: 2 } })
    act = (x, call) => {
      call.spent?.({ bytes: 10 })
      return x
    }
    const on = await resume(engine, await rests(), { grants, replies })
    expect([on.outcome, on.spent?.calls]).toEqual([{ ok: true, value: 3 }, 3])
  })

  test("leaves what each call spent in its entry: what the tool says, and what is measured where it says nothing", async () => {
    act = (x, call) => {
      if (x === 1) call.spent?.({ bytes: 700, money: 5 })
      return x
    }
    const { run, entries } = await prepared(EACH)
    const result = await run({ xs: [1, 2] }, { budget: { calls: 9 } })
    const spent = entries(result.run).flatMap((e) => (e.kind === "read" ? [e.spent!.slice(0, 4)] : []))
    // { get: 2 } takes 6 bytes, ["value", 2] takes 8.
    expect(spent).toEqual([
      [1, 700, 0, 5],
      [1, 14, 0, 0],
    ])
    expect(result.spent).toMatchObject({ calls: 2, bytes: 714, money: 5 })
  })

  test("counts attempts that fail, and stops between them", async () => {
    act = (_, call) => {
      call.spent?.({ money: 10 })
      throw fail("Busy", "later", { retryable: true })
    }
    const retried = EACH.replace("{ get: x }", "{ get: x, retry: { times: 5, delay: 1ms } }")
    const { run, entries } = await prepared(retried)
    const result = await run({ xs: [1] }, { budget: { money: 25 } })
    expect(failed(result)).toMatchObject({ code: "Budget", data: { budget: "money", limit: 25 } })
    expect(result.spent).toMatchObject({ calls: 3, money: 30 })
    // Nothing was learnt: the call that was given up has no entry.
    expect(entries(result.run).map((e) => e.kind)).toEqual(["start", "end"])
  })

  test("announces no write that it may not send; one that was sent keeps its outcome", async () => {
    const text = `graph: writes
input: { x: number }
nodes:
  one: { set: input.x }
  two: { set: one + 1.0 }
output: two
`
    act = (x) => x
    const { run, entries } = await prepared(text)
    const result = await run({ x: 1 }, { budget: { calls: 1 } })
    expect(failed(result)).toMatchObject({ code: "Budget", at: "two" })
    expect(entries(result.run).map((e) => e.kind)).toEqual(["start", "intent", "outcome", "end"])
    expect(entries(result.run)[2]).toMatchObject({ how: "delivered" })
  })

  test("whose time is up while it waits for an answer is stopped then, with the answer's place", async () => {
    act = (x, call) =>
      new Promise((done) => {
        const timer = setTimeout(() => done(x), 20_000)
        call.signal.addEventListener("abort", () => clearTimeout(timer))
      })
    const { run, entries } = await prepared(EACH)
    const result = await run({ xs: [1] }, { budget: { wallMs: 30 } })
    expect(failed(result)).toEqual({
      code: "Budget",
      at: "all[0].do",
      data: { of: "run", budget: "wallMs", limit: 30 },
    })
    expect(entries(result.run).map((e) => e.kind)).toEqual(["start", "end"])
  })

  test("may ask in the middle of a call whether it may go on; what the tool then fails with counts for nothing", async () => {
    act = (_, call) => {
      for (let i = 0; i < 10; i++) {
        try {
          call.further?.()
        } catch (cause) {
          throw fail("Mine", "a tool that dresses it up", { cause })
        }
        call.spent?.({ tokensIn: 40 })
      }
      return 1
    }
    const { run, entries } = await prepared(EACH)
    const result = await run({ xs: [1] }, { budget: { tokens: 100 } })
    expect(failed(result)).toMatchObject({ code: "Budget", data: { budget: "tokens" } })
    expect(result.spent).toMatchObject({ tokens: 120 })
    expect(entries(result.run).map((e) => e.kind)).toEqual(["start", "end"])
  })

  test("whose tool says what is no amount fails at that tool", async () => {
    act = (x, call) => {
      call.spent?.({ money: -1 })
      return x
    }
    const { run } = await prepared(EACH.replace('    catch: "[0.0]"\n', ""))
    expect(failed(await run({ xs: [1] }, { budget: { money: 5 } }))).toMatchObject({ code: "BadCost", at: "all[0].do" })
  })

  test("is out of time also while a call waits for a place at its resource", async () => {
    const go: (() => void)[] = []
    act = (x) => new Promise<number>((resolve) => go.push(() => resolve(x)))
    const limited = EACH.replace("nodes:", "limits: { 'desk:a': { concurrent: 1 } }\nnodes:")
    const { run } = await prepared(limited)
    const first = run({ xs: [1] })
    const poor = await run({ xs: [2] }, { budget: { wallMs: 30 } })
    expect(failed(poor)).toMatchObject({ code: "Budget", at: "all[0].do", data: { budget: "wallMs", limit: 30 } })
    expect(go).toHaveLength(1)
    go[0]!()
    expect((await first).outcome).toEqual({ ok: true, value: [1] })
    // Who gave up waits no more: the next one has the place.
    const next = run({ xs: [3] }, { budget: { wallMs: 60_000 } })
    while (go.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
    go[1]!()
    expect((await next).outcome).toEqual({ ok: true, value: [3] })
  })

  test("has a budget that is one, or does not begin", async () => {
    act = (x) => x
    const { run, engine } = await prepared(EACH)
    await expect(run({ xs: [1] }, { budget: { calls: 1.5 } })).rejects.toThrow(KernelError)
    expect(await engine.store.runs("", 9)).toEqual([])
    await expect(prepared(EACH, { budget: { tokens: -1 } })).rejects.toThrow(/whole number from 0, found -1/)
  })
})

describe("a tenant", () => {
  test("has one budget for all of its runs; a caller's own takes its place", async () => {
    act = (x) => x
    const { run } = await prepared(EACH, { tenant: { budget: { calls: 4 }, windowMs: 3_600_000 } })
    expect((await run({ xs: [1, 2, 3] })).outcome.ok).toBe(true)
    expect(failed(await run({ xs: [1, 2, 3] }))).toMatchObject({ at: "all[1].do", data: { of: "tenant", limit: 4 } })
    const own = new Tenant(new Allowance({ calls: 2 }, 1000, host.services.clock))
    expect(failed(await run({ xs: [1, 2, 3] }, { tenant: own }))).toMatchObject({ at: "all[2].do", data: { limit: 2 } })
  })
})

describe("a model", () => {
  const text = () => `graph: asks
models:
  main: { url: "${server.url}", model: tiny-1 }
nodes:
  one: { llm: main, prompt: hello }
  two: { llm: main, prompt: "again, \${ one }" }
output: two
`
  const prices = { currency: "EUR", models: { "tiny-1": { in: 1_000_000, out: 2_000_000 } } }

  test("costs what its tokens cost by the price that the host states", async () => {
    server.script = [{ text: "yes", usage: [30, 12] }]
    const { run, entries } = await prepared(text(), { prices })
    const result = await run({}, { budget: { money: 100 } })
    expect(result.outcome).toEqual({ ok: true, value: "yes" })
    expect(result.spent).toMatchObject({ calls: 2, tokens: 84, money: 108 })
    expect(entries(result.run)[1]).toMatchObject({ spent: [1, expect.any(Number), 42, 54, expect.any(Number)] })
    expect(failed(await run({}, { budget: { money: 54 } }))).toMatchObject({ code: "Budget", at: "two" })
    expect(failed(await run({}, { budget: { tokens: 40 } }))).toMatchObject({ code: "Budget", at: "two" })
  })

  test("is paid for an answer that is of no use", async () => {
    server.script = [{ text: "yes", usage: [30, 12], finish: "length" }]
    const { run } = await prepared(text(), { prices })
    const result = await run({})
    expect(failed(result).code).toBe("Truncated")
    expect(result.spent).toMatchObject({ tokens: 42, money: 54 })
  })

  test("without a price ends a run whose money is bounded", async () => {
    server.script = [{ text: "yes", usage: [30, 12] }]
    const { run } = await prepared(text())
    const result = failed(await run({}, { budget: { money: 1_000_000 } }))
    expect(result).toMatchObject({ code: "Budget", at: "two", data: { model: "tiny-1" } })
  })
})

describe("a run that may rest", () => {
  test("rests where its budget is used up, says so on record, and goes on with a larger one, doing nothing twice", async () => {
    const called: number[] = []
    act = (x, call) => {
      called.push(x)
      call.spent?.({ money: 10 })
      return x * 2
    }
    const { run, entries, engine } = await prepared(EACH, { parks: true, space: "" })
    const stopped = await run({ xs: [1, 2, 3, 4] }, { budget: { money: 20 } })
    expect(failed(stopped)).toMatchObject({ code: "Budget", at: "all[2].do" })
    expect(stopped.parked).toMatchObject([{ why: "budget", path: ["all", 2, "do"], until: null }])
    expect(entries(stopped.run).map((e) => e.kind)).toEqual(["start", "read", "read", "parked"])
    // As little as before is used up at once: what was spent is not forgotten.
    const again = await resume(engine, stopped.run, { grants: ["app:desk"], budget: { money: 20 } })
    expect(failed(again)).toMatchObject({ code: "Budget", at: "all[2].do" })
    const done = await resume(engine, stopped.run, { grants: ["app:desk"], budget: { money: 100 } })
    expect(done.outcome).toEqual({ ok: true, value: [2, 4, 6, 8] })
    expect(called).toEqual([1, 2, 3, 4])
    expect(done.spent).toMatchObject({ calls: 4, money: 40 })
  })

  test("counts what was paid for a call that has no entry", async () => {
    act = (_, call) => {
      call.spent?.({ money: 10 })
      throw fail("Busy", "later", { retryable: true })
    }
    const retried = EACH.replace("{ get: x }", "{ get: x, retry: { times: 5, delay: 1ms } }")
    const { run, engine } = await prepared(retried, { parks: true })
    const stopped = await run({ xs: [1] }, { budget: { money: 25 } })
    expect(stopped.spent).toMatchObject({ calls: 3, money: 30 })
    act = (x) => x
    const done = await resume(engine, stopped.run, { grants: ["app:desk"], budget: { money: 31 } })
    expect(done.outcome).toEqual({ ok: true, value: [1] })
    expect(done.spent).toMatchObject({ calls: 4, money: 30 })
  })

  test("rests for its tenant's budget until there is more, and is due then by itself", async () => {
    act = (x) => x
    const tenant = { budget: { calls: 1 }, windowMs: 60_000 }
    const { run, engine } = await prepared(EACH, { parks: true, tenant })
    const stopped = await run({ xs: [1, 2] })
    const [wait] = stopped.parked ?? []
    expect(wait).toMatchObject({ why: "budget" })
    expect(wait!.until! - engine.now()).toBeLessThanOrEqual(1000)
  })
})
