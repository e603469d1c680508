// Runs that rest, die, and go on: what is on record is never done again, and what nobody knows is for a person to say.
import { describe, expect, test } from "bun:test"
import { anew, cancel, due, replay, resume, waitingFor } from "../../deploy/engine/again.ts"
import { answerOf, resultOnRecord } from "../../deploy/http/answers.ts"
import { sha256, type Value } from "../../graph/mod.ts"
import { type LedgerStore, openEntry, verifyChain } from "../../kernel/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

const ORDER = `
graph: order
input: { n: number }
nodes:
  seen: { look: input.n }
  sure: { ask: "Is \${ seen } right?", output: boolean, within: 2d }
  sent: { send: seen + 10 }
  posted: { when: sure, then: { post: seen + 20 }, else: { expr: "0" } }
output: { seen: seen, sent: sent, posted: posted }
`

const kinds = async (store: LedgerStore, run: string): Promise<readonly string[]> => {
  const chain = await store.entries("", run)
  expect(verifyChain(chain, { digest: sha256, space: "", run })).toMatchObject({ ok: true })
  return chain.rows.map((r) => openEntry(r.entry).body.kind)
}

describe("a run that waits for a person", () => {
  test("rests with everything else done, and goes on in another process; the trace is that of a run that never stopped", async () => {
    const world = new World()
    const store = ledger()
    const first = await world.engine(store).prepare(world.plan(ORDER), { grants: GRANTS })
    const rested = await first.run({ n: 1 })
    expect(rested.outcome).toMatchObject({ ok: false, failure: { code: "Parked" } })
    expect(rested.parked).toMatchObject([
      {
        path: ["sure"],
        why: "ask",
        until: world.now + 2 * 86_400_000,
        request: { question: "Is 2 right?", type: "boolean" },
      },
    ])
    expect(world.calls).toEqual(["look 1", "send 12"])
    expect(store.parked("", 10).map((r) => r.run)).toEqual([rested.run])

    const other = world.engine(store)
    const wrong = resume(other, rested.run, {
      grants: GRANTS,
      replies: [{ path: ["sure"], how: "answered", value: "maybe" }],
    })
    await expect(wrong).rejects.toMatchObject({ _tag: "KernelError", reason: "answer" })
    const done = await resume(other, rested.run, {
      grants: GRANTS,
      replies: [{ path: ["sure"], how: "answered", value: true }],
    })
    expect(done.outcome).toEqual({ ok: true, value: { seen: 2, sent: 13, posted: 23 } })
    expect(world.calls).toEqual(["look 1", "send 12", "post 22"])
    expect(await kinds(store, rested.run)).toEqual(
      "start read intent outcome parked resume answer read intent outcome end".split(" "),
    )
    expect(store.parked("", 10)).toEqual([])

    const same = await anew(world.engine(store), rested.run, {
      grants: GRANTS,
      pinned: [{ path: ["sure"], outcome: true }],
    })
    expect(same.trace).toBe(done.trace)
    expect(await replay(world.engine(store), rested.run)).toMatchObject({
      same: true,
      trace: done.trace,
      divergences: [],
    })
    await expect(resume(other, rested.run, { grants: GRANTS })).rejects.toMatchObject({ reason: "closed" })
  })

  test("needs today's grants", async () => {
    const world = new World()
    const store = ledger()
    const ready = await world.engine(store).prepare(world.plan(ORDER), { grants: GRANTS })
    const { run } = await ready.run({ n: 1 })
    await expect(resume(world.engine(store), run, { grants: GRANTS.slice(1) })).rejects.toMatchObject({
      _tag: "AdmissionError",
    })
  })

  test("ends in a Timeout when nobody answers in time, and can be cancelled", async () => {
    const world = new World()
    const store = ledger()
    const ready = await world.engine(store).prepare(world.plan(ORDER), { grants: GRANTS })
    const [a, b] = [await ready.run({ n: 1 }), await ready.run({ n: 2 })]
    expect(await due(world.engine(store))).toEqual([])
    world.now += 3 * 86_400_000
    expect((await due(world.engine(store))).map((r) => r.run)).toEqual([a.run, b.run])
    const late = await resume(world.engine(store), a.run, { grants: GRANTS, by: "time" })
    expect(late.outcome).toMatchObject({ ok: false, failure: { code: "Timeout", path: ["sure"] } })
    world.now -= 3 * 86_400_000
    const cancelled = await cancel(world.engine(store), b.run)
    expect(cancelled.outcome).toMatchObject({ ok: false, failure: { code: "Cancelled" } })
    expect((await kinds(store, b.run)).at(-1)).toBe("end")
  })
})

describe("a write that nobody knows the end of", () => {
  const WRITE = (kind: string) => `
graph: one
input: { n: number }
nodes:
  before: { look: input.n }
  it: { ${kind}: before }
  after: { look: it }
output: after
`
  test("parks the run, whatever came of it, and a person says which", async () => {
    for (const [how, value, outcome, calls] of [
      ["delivered", 3, { ok: true, value: 4 }, ["look 1", "post 2", "look 3"]],
      ["again", undefined, { ok: true, value: 4 }, ["look 1", "post 2", "post 2", "look 3"]],
      ["refused", undefined, { ok: false, failure: { code: "Refused" } }, ["look 1", "post 2"]],
    ] as const) {
      const world = new World()
      const store = ledger()
      world.late.set("post 2", how === "delivered" ? "done" : "lost")
      const ready = await world.engine(store).prepare(world.plan(WRITE("post")), { grants: GRANTS })
      const rested = await ready.run({ n: 1 })
      expect(rested.parked).toMatchObject([
        { path: ["it"], why: "uncertain", request: { tool: "post", code: "Timeout" } },
      ])
      // Without an answer it stays where it is, however often it is resumed.
      const still = await resume(world.engine(store), rested.run, { grants: GRANTS })
      expect(still.parked).toMatchObject([{ path: ["it"], why: "uncertain" }])
      const reply = { path: ["it"], how, ...(value === undefined ? {} : { value }) }
      const done = await resume(world.engine(store), rested.run, { grants: GRANTS, replies: [reply] })
      expect(done.outcome).toMatchObject(outcome)
      expect(world.calls).toEqual([...calls])
      expect(await replay(world.engine(store), rested.run)).toMatchObject({ same: true })
    }
  })

  test("that was sent again by leave of a person needs another leave when the process dies once more", async () => {
    const world = new World()
    const store = ledger()
    world.late.set("post 2", "lost")
    const bytes = world.plan(WRITE("post"))
    const ready = await world.engine(store).prepare(bytes, { grants: GRANTS })
    const { run } = await ready.run({ n: 1 })
    const replies = [{ path: ["it"], how: "again" }] as const
    await resume(world.engine(store), run, { grants: GRANTS, replies })
    const { rows } = store.entries("", run)
    const half = ledger()
    await half.putBlob(ready.admitted.hash, bytes)
    for (const row of rows.slice(0, 1 + rows.findLastIndex((r) => r.kind === "intent"))) half.append(row)
    const before = world.calls.length
    const still = await resume(world.engine(half), run, { grants: GRANTS })
    expect(still.parked).toMatchObject([{ path: ["it"], why: "uncertain" }])
    expect(world.calls.length).toBe(before)
  })

  test("that never arrived is not asked about again when the run ends before it would be sent", async () => {
    const world = new World()
    const store = ledger()
    world.late.set("post 1", "lost")
    const both = `
graph: both
input: { n: number }
nodes:
  it: { post: input.n }
  round: { loop: input.n, while: "state > 0", max: 2, do: { look: state } }
output: [it, round]
`
    const ready = await world.engine(store).prepare(world.plan(both), { grants: GRANTS })
    const rested = await ready.run({ n: 1 })
    expect(rested.parked).toMatchObject([{ path: ["it"], why: "uncertain" }])
    const replies = [{ path: ["it"], how: "again" }] as const
    const done = await resume(world.engine(store), rested.run, { grants: GRANTS, replies })
    expect(done.parked).toBeUndefined()
    expect(done.outcome).toMatchObject({ ok: false, failure: { path: ["round"] } })
  })

  test("is sent again under the same key where the tool honours one", async () => {
    const world = new World()
    const store = ledger()
    world.late.set("send 2", "done")
    const ready = await world.engine(store).prepare(world.plan(WRITE("send")), { grants: GRANTS })
    const rested = await ready.run({ n: 1 })
    expect(rested.parked).toMatchObject([{ why: "uncertain" }])
    const done = await resume(world.engine(store), rested.run, { grants: GRANTS })
    expect(done.outcome).toEqual({ ok: true, value: 4 })
    expect([...world.delivered.values()]).toEqual([1])
  })

  test("parks a run that has failed meanwhile, and its failure stays its end", async () => {
    const world = new World()
    const store = ledger()
    world.late.set("post 1", "done")
    world.failing.add("look 1")
    const plan = world.plan(`
graph: two
input: { n: number }
nodes:
  a: { post: input.n }
  b: { look: input.n }
output: a + b
`)
    const ready = await world.engine(store).prepare(plan, { grants: GRANTS })
    const rested = await ready.run({ n: 1 })
    expect(rested.parked).toMatchObject([{ path: ["a"], why: "uncertain" }])
    const done = await resume(world.engine(store), rested.run, {
      grants: GRANTS,
      replies: [{ path: ["a"], how: "delivered", value: 2 }],
    })
    expect(done.outcome).toMatchObject({ ok: false, failure: { code: "Broken", path: ["b"] } })
    expect(world.calls.filter((c) => c === "post 1").length).toBe(1)
    expect(await replay(world.engine(store), rested.run)).toMatchObject({ same: true })
  })
})

describe("time and events", () => {
  const WAITS = `
graph: waits
input: { order: string }
nodes:
  paid: { event: "paid/\${ input.order }", within: 1d, default: 0, output: number }
  pause: { sleep: 2h }
  after: { look: paid, after: [pause] }
output: after
`
  test("rest the run, and make it go on when they come", async () => {
    const world = new World()
    const store = ledger()
    const ready = await world.engine(store).prepare(world.plan(WAITS), { grants: GRANTS })
    const a = await ready.run({ order: "A" })
    const b = await ready.run({ order: "B" })
    expect(a.parked?.map((w) => w.why).sort()).toEqual(["event", "sleep"])
    const waiting = await waitingFor(world.engine(store), "paid/A")
    expect(waiting.map((w) => w.run)).toEqual([a.run])
    const reply = { path: waiting[0]!.waits[0]!.path, how: "answered", value: 7 } as const
    const half = await resume(world.engine(store), a.run, { grants: GRANTS, replies: [reply], by: "event" })
    // The other moment is still the one that was said when the run first came to it.
    expect(half.parked).toMatchObject([{ path: ["pause"], until: 1_000_000 + 7_200_000 }])
    world.now += 7_200_000
    const done = await resume(world.engine(store), a.run, { grants: GRANTS, by: "time" })
    expect(done.outcome).toEqual({ ok: true, value: 8 })
    world.now += 86_400_000
    const late = await resume(world.engine(store), b.run, { grants: GRANTS, by: "time" })
    expect(late.outcome).toEqual({ ok: true, value: 1 })
  })
})

describe("another run from here", () => {
  const STORY = `
graph: story
input: { n: number }
nodes:
  a: { look: input.n }
  b: { look: a }
  c: { post: b }
output: { a: a, b: b, c: c }
`
  test("takes over what came before, puts another outcome in its place, and holds writes until it may send them", async () => {
    const world = new World()
    const store = ledger()
    const ready = await world.engine(store).prepare(world.plan(STORY), { grants: GRANTS })
    const first = await ready.run({ n: 1 })
    expect(first.outcome).toEqual({ ok: true, value: { a: 2, b: 3, c: 4 } })
    world.calls.length = 0
    const other = await anew(world.engine(store), first.run, {
      grants: GRANTS,
      from: ["b"],
      pinned: [{ path: ["b"], outcome: 30 }],
      held: true,
    })
    expect(other.run).not.toBe(first.run)
    expect(world.calls).toEqual([])
    expect(other.parked).toMatchObject([{ path: ["c"], why: "held", request: { tool: "post", args: { post: 30 } } }])
    const sent = await resume(world.engine(store), other.run, {
      grants: GRANTS,
      replies: [{ path: ["c"], how: "again" }],
    })
    expect(sent.outcome).toEqual({ ok: true, value: { a: 2, b: 30, c: 31 } })
    expect(world.calls).toEqual(["post 30"])
    expect(await kinds(store, other.run)).toEqual(
      "start taken taken parked resume answer intent outcome end".split(" "),
    )
    expect(await replay(world.engine(store), other.run)).toMatchObject({ same: true })

    world.calls.length = 0
    const live = await anew(world.engine(store), first.run, { grants: GRANTS, from: ["c"], input: { n: 5 } })
    // Another input: what was asked with other arguments is asked for real.
    expect(world.calls).toEqual(["look 5", "look 6", "post 7"])
    expect(live.outcome).toEqual({ ok: true, value: { a: 6, b: 7, c: 8 } })
    await expect(anew(world.engine(store), first.run, { grants: GRANTS, from: ["z"] })).rejects.toMatchObject({
      reason: "answer",
    })
  })
})

describe("an outcome that is put in the place of another", () => {
  const TEXT = `graph: held
input: { n: number }
nodes:
  a: { look: input.n, valid: out > 0 }
  b: { look: a, valid: out > args.look }
output: { a: a, b: b }
`
  test("is judged at once where `valid:` looks at it alone, and at its call where it looks at the arguments", async () => {
    const world = new World()
    const store = ledger()
    const first = await (await world.engine(store).prepare(world.plan(TEXT), { grants: GRANTS })).run({ n: 1 })
    const again = (pinned: readonly { readonly path: string[]; readonly outcome: Value }[]) =>
      anew(world.engine(store), first.run, { grants: GRANTS, pinned })
    await expect(again([{ path: ["a"], outcome: -1 }])).rejects.toMatchObject({ reason: "answer" })
    expect((await again([{ path: ["b"], outcome: 30 }])).outcome).toEqual({ ok: true, value: { a: 2, b: 30 } })
    const low = await again([{ path: ["b"], outcome: 2 }])
    expect(low.outcome).toMatchObject({ ok: false, failure: { code: "Mismatch", path: ["b"] } })
    expect(await replay(world.engine(store), low.run)).toMatchObject({ same: true })
    expect(world.calls).toEqual(["look 1", "look 2", "look 1", "look 1"])
  })
})

describe("what may go wrong with going on", () => {
  const parked = async () => {
    const world = new World()
    const store = ledger()
    const bytes = world.plan(ORDER)
    const ready = await world.engine(store).prepare(bytes, { grants: GRANTS })
    return { world, store, bytes, hash: ready.admitted.hash, run: (await ready.run({ n: 1 })).run }
  }
  const YES = [{ path: ["sure"], how: "answered", value: true }] as const

  test("two processes at once: one goes on, the other is refused, and nothing is done twice", async () => {
    const { world, store, run } = await parked()
    const both = await Promise.allSettled([
      resume(world.engine(store), run, { grants: GRANTS, replies: YES }),
      resume(world.engine(store), run, { grants: GRANTS, replies: YES }),
    ])
    expect(both.map((b) => b.status).sort()).toEqual(["fulfilled", "rejected"])
    const lost = both.find((b) => b.status === "rejected")
    expect(lost?.reason).toMatchObject({ _tag: "KernelError", reason: "conflict" })
    expect(world.calls.filter((c) => c.startsWith("post"))).toEqual(["post 22"])
    expect((await kinds(store, run)).at(-1)).toBe("end")
  })

  test("a process that dies between an answer and what it comes to: the answer counts", async () => {
    const { world, store, bytes, hash, run } = await parked()
    await resume(world.engine(store), run, { grants: GRANTS, replies: YES })
    const { rows } = store.entries("", run)
    const half = ledger()
    await half.putBlob(hash, bytes)
    for (const row of rows.slice(0, 1 + rows.findIndex((r) => r.kind === "answer"))) half.append(row)
    const done = await resume(world.engine(half), run, { grants: GRANTS })
    expect(done.outcome).toEqual({ ok: true, value: { seen: 2, sent: 13, posted: 23 } })
  })

  test("no such run, a plan that is not kept, an answer to nothing, a wrong way to answer", async () => {
    const { world, store, run } = await parked()
    const engine = world.engine(store)
    const reasons: string[] = []
    for (const act of [
      () => resume(engine, "nobody", { grants: GRANTS }),
      () => resume(engine, run, { grants: GRANTS, replies: [{ path: ["seen"], how: "answered", value: 1 }] }),
      () => resume(engine, run, { grants: GRANTS, replies: [{ path: ["sure"], how: "delivered", value: true }] }),
      async () => {
        const other = ledger()
        for (const row of store.entries("", run).rows) other.append(row)
        await resume(world.engine(other), run, { grants: GRANTS })
      },
      async () => {
        const cut = ledger()
        for (const row of store.entries("", run).rows)
          cut.append({ ...row, data: row.kind === "read" ? null : row.data })
        await resume(world.engine(cut), run, { grants: GRANTS })
      },
    ])
      await act().catch((cause: { readonly reason: string }) => reasons.push(cause.reason))
    expect(reasons).toEqual(["missing", "answer", "answer", "missing", "corrupt"])
    // None of these left anything behind.
    expect((await kinds(store, run)).at(-1)).toBe("parked")
  })

  test("a run that is cancelled while nobody knows the end of a write says so", async () => {
    const world = new World()
    const store = ledger()
    world.late.set("post 1", "done")
    const plan = world.plan("graph: one\ninput: { n: number }\nnodes:\n  it: { post: input.n }\noutput: it\n")
    const ready = await world.engine(store).prepare(plan, { grants: GRANTS })
    const { run } = await ready.run({ n: 1 })
    const cancelled = await cancel(world.engine(store), run)
    expect(cancelled.uncertain).toEqual([["it"]])
    expect(resultOnRecord(await world.engine(store).history(run))).toMatchObject({ uncertain: [["it"]] })
    expect(answerOf(cancelled).body).toMatchObject({ status: 409, uncertain: ["it"] })
    const bodies = store.entries("", run).rows.map((r) => openEntry(r.entry).body)
    expect(bodies.at(-2)).toMatchObject({ kind: "outcome", how: "uncertain" })
    expect(bodies.at(-1)).toMatchObject({ kind: "end" })
    expect(await replay(world.engine(store), run)).toMatchObject({ same: true })
  })

  test("a run that cannot rest says so at its end, whether the failure ended it or was caught", async () => {
    for (const [node, ok] of [
      ["{ post: input.n }", false],
      ['{ post: input.n, catch: { expr: "0" } }', true],
    ] as const) {
      const world = new World()
      const store = ledger()
      world.late.set("post 1", "done")
      const plan = world.plan(`graph: one\ninput: { n: number }\nnodes:\n  it: ${node}\noutput: it\n`)
      const ready = await world.engine(store, {}, false).prepare(plan, { grants: GRANTS })
      const ended = await ready.run({ n: 1 })
      expect([ended.outcome.ok, ended.uncertain]).toEqual([ok, [["it"]]])
      expect(answerOf(ended).body).toMatchObject({ uncertain: ["it"] })
      const onRecord = resultOnRecord(await world.engine(store).history(ended.run))
      expect(onRecord).toMatchObject({ uncertain: [["it"]] })
      // Where it is known what came of every write nothing is said.
      expect((await ready.run({ n: 2 })).uncertain).toBeUndefined()
    }
  })
})
