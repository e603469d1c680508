// Runs that take back what they did: in the reverse of the order on record, each write once, also when a process dies in the
// middle, when nobody knows what came of a write, and when somebody asks again. The definition says what each comes to.
import { describe, expect, test } from "bun:test"
import { anew, cancel, replay, resume, undo } from "../../deploy/engine/again.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { evaluateGraph, fail, printPath, sha256, type Value } from "../../graph/mod.ts"
import { type LedgerStore, openRow, verifyChain } from "../../kernel/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

/** Three writes, one of them in a map, each with an undo that sends or posts the negative of its answer; then one more. */
const TRIP = (head: string, last = "post: input.n + 50", rest = ""): string => `
graph: trip
${head}
input: { n: number }
nodes:
  first: { send: input.n, undo: { send: "0 - out" } }
  each:
    map: "[1, 2]"
    do: { send: item + first * 100, undo: { send: "0 - out" } }
  posted: { post: first + 1000, undo: { post: "0 - args.post" }, after: each }
  plain: { post: first + 2000, after: posted }
  last: { ${last}, after: plain${rest} }
output: last
`
const FAILS = "on_failure: undo"

const world = () => {
  const made = new World()
  made.failing.add("post 51")
  return made
}
const kinds = async (store: LedgerStore, run: string): Promise<string> => {
  const chain = await store.entries("", run)
  expect(verifyChain(chain, { digest: sha256, space: "", run })).toMatchObject({ ok: true })
  return chain.rows.map((r) => r.kind).join(" ")
}
/** The definition, with tools that do what those of the world do. */
async function defined(w: World, text: string, input: Value, asked?: boolean) {
  const { checked } = checkFile({ file: "t.graph.yaml", text }, { registry: w.kinds })
  const answer = (at: string, x: number) => {
    if (w.failing.has(at)) throw fail("Broken", "it is broken", { data: { x } })
    return x + 1
  }
  return await evaluateGraph(
    checked!,
    input,
    { call: ({ node, args }) => answer(`${node.kind} ${(args as never)[node.kind]}`, (args as never)[node.kind]) },
    asked === undefined ? {} : { undo: asked },
  )
}
const DONE = ["send 1", "send 201", "send 202", "post 1002", "post 2002"]
const UNDONE = ["post -1002", "send -203", "send -202", "send -2"]
const paths = (list: readonly (readonly (string | number)[])[] | undefined) => list?.map(printPath)

describe("a graph that undoes when it fails", () => {
  test("takes back what was delivered, the latest first, and ends in its failure; the trace is the definition's", async () => {
    const w = world()
    const store = ledger()
    const ready = await w.engine(store).prepare(w.plan(TRIP(FAILS)), { grants: GRANTS })
    const result = await ready.run({ n: 1 })
    expect(result.outcome).toMatchObject({ ok: false, failure: { code: "Broken" } })
    expect(w.calls).toEqual([...DONE, "post 51", ...UNDONE])
    expect(paths(result.undone?.undone)).toEqual(["posted", "each[1].do", "each[0].do", "first"])
    expect(result.undone).toMatchObject({ untouched: [], left: [] })
    expect(await kinds(store, result.run)).toBe(
      `start ${"intent outcome ".repeat(6)}undo ${"intent outcome ".repeat(4)}end`,
    )
    const sum = await defined(w, TRIP(FAILS), { n: 1 })
    expect(sum.effects.map((e) => printPath(e.path)).slice(-4)).toEqual([
      "posted.undo",
      "each[1].do.undo",
      "each[0].do.undo",
      "first.undo",
    ])
    expect(result.trace).toBe(sum.trace)
    expect(await replay(w.engine(store), result.run)).toMatchObject({
      same: true,
      divergences: [],
      trace: result.trace,
    })
    await expect(undo(w.engine(store), result.run, { grants: GRANTS })).rejects.toMatchObject({ reason: "undone" })
  })

  test("does nothing of the sort when it succeeds, when nothing was delivered, or when a failure is caught", async () => {
    const w = world()
    const engine = w.engine(ledger())
    const fine = await engine.prepare(w.plan(TRIP(FAILS, "post: input.n + 60")), { grants: GRANTS })
    expect((await fine.run({ n: 1 })).undone).toBeUndefined()
    const caught = await engine.prepare(w.plan(TRIP(FAILS, undefined, ", catch: { expr: 0 }")), { grants: GRANTS })
    expect((await caught.run({ n: 1 })).outcome).toEqual({ ok: true, value: 0 })
    w.failing.add("send 7")
    const none = await fine.run({ n: 7 })
    expect(none.outcome.ok).toBe(false)
    expect(none.undone).toBeUndefined()
    expect(w.calls.some((c) => c.includes("-"))).toBe(false)
  })

  test("leaves it to whoever cancels", async () => {
    const w = world()
    const store = ledger()
    w.hangs.add("post 51")
    const ready = await w.engine(store).prepare(w.plan(TRIP(FAILS)), { grants: GRANTS })
    const stop = new AbortController()
    const running = ready.run({ n: 1 }, { id: "r", signal: stop.signal })
    await until(() => w.calls.length === 6)
    stop.abort()
    expect((await running).undone).toBeUndefined()
    expect(w.calls.length).toBe(6)
    const result = await undo(w.engine(store), "r", { grants: GRANTS })
    expect(result.outcome).toMatchObject({ ok: false, failure: { code: "Cancelled" } })
    expect(w.calls.slice(6)).toEqual(UNDONE)
  })

  test("the same whichever entry was the last that its process kept", async () => {
    const whole = world()
    const before = ledger()
    const full = await (await whole.engine(before).prepare(whole.plan(TRIP(FAILS)), { grants: GRANTS })).run({ n: 1 })
    const { rows } = before.entries("", full.run)
    for (let cut = 1; cut < rows.length; cut++) {
      const w = world()
      const store = ledger()
      const engine = w.engine(store)
      await engine.prepare(w.plan(TRIP(FAILS)), { grants: GRANTS })
      for (const row of rows.slice(0, cut)) store.append(row)
      // What was announced and has no outcome may have been done: the keyed tool is asked again, of the other a person is.
      const last = openRow(rows[cut - 1]!)
      const open = last.body.kind === "intent" ? last.body.path : undefined
      const posts = open !== undefined && last.body.kind === "intent" && last.body.resource === "posts"
      let result = await resume(engine, full.run, { grants: GRANTS })
      if (posts) {
        expect(result.parked).toMatchObject([{ path: open, why: "uncertain" }])
        result = await resume(w.engine(store), full.run, {
          grants: GRANTS,
          replies: [
            printPath(open!) === "last"
              ? { path: open!, how: "again" }
              : {
                  path: open!,
                  how: "delivered",
                  value:
                    last.body.kind === "intent" && open!.at(-1) === "undo"
                      ? -1001
                      : Number(printPath(open!) === "posted" ? 1003 : 2003),
                },
          ],
        })
      }
      expect([cut, result.trace]).toEqual([cut, full.trace])
      const known = new Set(rows.slice(0, cut).flatMap((r) => (r.kind === "outcome" ? [r.seq] : [])))
      expect([cut, w.calls.length]).toEqual([cut, 10 - known.size - (posts && printPath(open!) !== "last" ? 1 : 0)])
    }
  })
})

describe("a run that somebody wants undone", () => {
  test("keeps its outcome, and has the trace of what was done and undone", async () => {
    const w = world()
    const store = ledger()
    const text = TRIP("about: Asked for.", "post: input.n + 60")
    const ready = await w.engine(store).prepare(w.plan(text), { grants: GRANTS })
    const { run, trace } = await ready.run({ n: 1 })
    await expect(undo(w.engine(store), run, { grants: ["app:send"] })).rejects.toMatchObject({
      _tag: "AdmissionError",
    })
    const result = await undo(w.engine(store), run, { grants: GRANTS, by: "anna" })
    expect(result.outcome).toEqual({ ok: true, value: 62 })
    expect(w.calls.slice(6)).toEqual(UNDONE)
    expect(result.trace).not.toBe(trace)
    expect(result.trace).toBe((await defined(w, text, { n: 1 }, true)).trace)
    expect(trace).toBe((await defined(w, text, { n: 1 })).trace)
    expect(await replay(w.engine(store), run)).toMatchObject({ same: true, trace: result.trace })
    await expect(undo(w.engine(store), run, { grants: GRANTS })).rejects.toMatchObject({
      reason: "undone",
      message: expect.stringContaining("everything"),
    })
    await expect(resume(w.engine(store), run, { grants: GRANTS })).rejects.toMatchObject({ reason: "closed" })
  })

  test("stops at an undo that fails, and goes on from there when it is asked again", async () => {
    const w = world()
    const store = ledger()
    const ready = await w.engine(store).prepare(w.plan(TRIP("", "post: input.n + 60")), { grants: GRANTS })
    const { run } = await ready.run({ n: 1 })
    w.failing.add("send -203")
    const first = await undo(w.engine(store), run, { grants: GRANTS })
    expect(first.undone).toMatchObject({ stuck: { path: ["each", 1, "do"], failure: { code: "Broken" } } })
    expect(paths(first.undone?.untouched)).toEqual(["first", "each[0].do"])
    const broken = await defined(w, TRIP("", "post: input.n + 60"), { n: 1 }, true)
    expect(first.trace).toBe(broken.trace)
    w.failing.clear()
    const second = await undo(w.engine(store), run, { grants: GRANTS })
    expect(w.calls.slice(6)).toEqual(["post -1002", "send -203", "send -203", "send -202", "send -2"])
    expect(paths(second.undone?.undone)).toEqual(["posted", "each[1].do", "each[0].do", "first"])
    expect(second.trace).toBe((await defined(w, TRIP("", "post: input.n + 60"), { n: 1 }, true)).trace)
    expect(await replay(w.engine(store), run)).toMatchObject({ same: true })
  })

  test("leaves what is to stay", async () => {
    const w = world()
    const store = ledger()
    const ready = await w.engine(store).prepare(w.plan(TRIP("", "post: input.n + 60")), { grants: GRANTS })
    const { run } = await ready.run({ n: 1 })
    w.failing.add("send -203")
    await undo(w.engine(store), run, { grants: GRANTS })
    await expect(undo(w.engine(store), run, { grants: GRANTS, left: ["plain"] })).rejects.toMatchObject({
      reason: "undone",
      message: expect.stringContaining("nothing at plain that has an undo"),
    })
    const result = await undo(w.engine(store), run, { grants: GRANTS, left: ["each[1].do"] })
    expect(result.undone).toMatchObject({ left: [["each", 1, "do"]], untouched: [] })
    expect(w.calls.slice(6)).toEqual(["post -1002", "send -203", "send -202", "send -2"])
    await expect(undo(w.engine(store), run, { grants: GRANTS })).rejects.toMatchObject({ reason: "undone" })
  })

  test("must have ended, and must have done something", async () => {
    const w = new World()
    const store = ledger()
    const text =
      'graph: g\nnodes:\n  a: { look: "1" }\n  b: { ask: "yes?", output: boolean, within: 1d }\noutput: "[a, b]"\n'
    const ready = await w.engine(store).prepare(w.plan(text), { grants: GRANTS })
    const { run } = await ready.run({})
    const asked = () => undo(w.engine(store), run, { grants: GRANTS })
    await expect(asked()).rejects.toMatchObject({
      reason: "closed",
      message: expect.stringContaining("cancel it first"),
    })
    await cancel(w.engine(store), run)
    await expect(asked()).rejects.toMatchObject({
      reason: "undone",
      message: expect.stringContaining("nothing that has an undo"),
    })
  })

  test("by one process only", async () => {
    const w = world()
    const store = ledger()
    const ready = await w.engine(store).prepare(w.plan(TRIP("", "post: input.n + 60")), { grants: GRANTS })
    const { run } = await ready.run({ n: 1 })
    const both = await Promise.allSettled([1, 2].map(() => undo(w.engine(store), run, { grants: GRANTS })))
    expect(both.map((b) => b.status).sort()).toEqual(["fulfilled", "rejected"])
    expect(w.calls.slice(6)).toEqual(UNDONE)
  })
})

describe("a write of which nobody knows what came of it", () => {
  test("parks the run for a person before anything that came earlier is undone", async () => {
    for (const how of ["delivered", "refused"] as const) {
      const w = world()
      const store = ledger()
      w.late.set("post 1002", how === "delivered" ? "done" : "lost")
      const ready = await w.engine(store).prepare(w.plan(TRIP(FAILS)), { grants: GRANTS })
      const rested = await ready.run({ n: 1 })
      expect(rested.parked).toMatchObject([{ path: ["posted"], why: "uncertain" }])
      const reply = how === "delivered" ? { how, value: 1003 } : { how }
      const result = await resume(w.engine(store), rested.run, {
        grants: GRANTS,
        replies: [{ path: ["posted"], ...reply }],
      })
      expect(result.undone?.stuck).toBeUndefined()
      expect(w.calls.filter((c) => c === "post -1002").length).toBe(how === "delivered" ? 1 : 0)
      expect(w.calls.at(-1)).toBe("send -2")
    }
  })

  test("so does an undo of which nobody knows", async () => {
    for (const how of ["delivered", "refused", "again"] as const) {
      const w = world()
      const store = ledger()
      w.late.set("post -1002", "lost")
      const ready = await w.engine(store).prepare(w.plan(TRIP(FAILS)), { grants: GRANTS })
      const rested = await ready.run({ n: 1 })
      expect(rested.parked).toMatchObject([{ path: ["posted", "undo"], why: "uncertain" }])
      expect(w.calls.at(-1)).toBe("post -1002")
      const path = ["posted", "undo"]
      const result = await resume(w.engine(store), rested.run, {
        grants: GRANTS,
        replies: [how === "delivered" ? { path, how, value: -1001 } : { path, how }],
      })
      expect(result.outcome).toMatchObject({ ok: false, failure: { code: "Broken" } })
      if (how === "refused") expect(result.undone).toMatchObject({ stuck: { path: ["posted"] } })
      else expect(paths(result.undone?.undone)).toEqual(["posted", "each[1].do", "each[0].do", "first"])
      expect(w.calls.filter((c) => c === "post -1002").length).toBe(how === "again" ? 2 : 1)
      expect(await replay(w.engine(store), rested.run)).toMatchObject({ same: true })
    }
  })

  test("where runs cannot rest it stops there, and a person says when it is asked again", async () => {
    for (const how of ["delivered", "refused"] as const) {
      const w = world()
      const store = new MemoryLedger({ entriesMax: 1e6 })
      w.late.set("post 1002", how === "delivered" ? "done" : "lost")
      const engine = w.engine(store, {}, false)
      const bytes = w.plan(TRIP(FAILS))
      const ready = await engine.prepare(bytes, { grants: GRANTS })
      const result = await ready.run({ n: 1 })
      expect(result.outcome).toMatchObject({ ok: false, failure: { code: "Timeout" } })
      expect(result.undone).toMatchObject({ undone: [], stuck: { path: ["posted"], failure: { code: "Uncertain" } } })
      const trace = (await defined(w, TRIP(FAILS), { n: 1 })).trace
      expect(trace).not.toBe(result.trace)
      const durable = w.engine(store)
      await durable.prepare(bytes, { grants: GRANTS })
      const rested = await undo(durable, result.run, { grants: GRANTS })
      expect(rested.parked).toMatchObject([{ path: ["posted"], why: "uncertain" }])
      const reply = how === "delivered" ? { how, value: 1003 } : { how }
      const end = await resume(w.engine(store), result.run, {
        grants: GRANTS,
        replies: [{ path: ["posted"], ...reply }],
      })
      expect(end.outcome).toMatchObject({ ok: false, failure: { code: "Timeout" } })
      expect(paths(end.undone?.undone)).toEqual([
        ...(how === "delivered" ? ["posted"] : []),
        "each[1].do",
        "each[0].do",
        "first",
      ])
      expect(await replay(w.engine(store), result.run)).toMatchObject({ same: true })
    }
  })
})

test("undoing that rests can be cancelled, and asked for again", async () => {
  const w = world()
  const store = ledger()
  w.late.set("post -1002", "lost")
  const ready = await w.engine(store).prepare(w.plan(TRIP(FAILS)), { grants: GRANTS })
  const { run } = await ready.run({ n: 1 })
  const stopped = await cancel(w.engine(store), run)
  // It ends in what it had come to, and nobody knows what came of the one undo.
  expect(stopped.outcome).toMatchObject({ ok: false, failure: { code: "Broken" } })
  const rested = await undo(w.engine(store), run, { grants: GRANTS })
  expect(rested.parked).toMatchObject([{ path: ["posted", "undo"], why: "uncertain" }])
  const replies = [{ path: ["posted", "undo"], how: "refused" }] as const
  const end = await resume(w.engine(store), run, { grants: GRANTS, replies })
  expect(paths(end.undone?.undone)).toEqual(["posted", "each[1].do", "each[0].do", "first"])
  expect(w.calls.filter((c) => c === "post -1002").length).toBe(2)
  expect(await replay(w.engine(store), run)).toMatchObject({ same: true, divergences: [] })
})

test("a new run does not take over what was undone", async () => {
  const w = world()
  const store = ledger()
  const ready = await w.engine(store).prepare(w.plan(TRIP(FAILS)), { grants: GRANTS })
  const { run } = await ready.run({ n: 1 })
  w.failing.clear()
  w.calls.length = 0
  const again = await anew(w.engine(store), run, { grants: GRANTS, from: ["last"] })
  expect(again.outcome).toEqual({ ok: true, value: 52 })
  // `plain` has no undo: it is still there, and is taken over.
  expect(w.calls).toEqual(["send 1", "send 201", "send 202", "post 1002", "post 51"])
})

const until = async (there: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !there(); i++) await new Promise((resolve) => setTimeout(resolve, 2))
}
