// Going on with a run: who may, what an answer has to be, and what it leaves on record. Chains are written by hand; whole
// runs that stop and go on are in tests/durable.
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { checkFile } from "../graph/file/mod.ts"
import {
  encode,
  type Failure,
  fail,
  type NodeKind,
  registry,
  sha256,
  T,
  type Validator,
  type Value,
  validated,
} from "../graph/mod.ts"
import { encodePlan } from "../plan/mod.ts"
import { SHOP_GRANTS, shop, shopBytes, shopKinds, shopRegistry } from "../tests/plans/shop.ts"
import { admit } from "./admit.ts"
import type { Ended, Intent } from "./commit.ts"
import { type History, openHistory } from "./history.ts"
import { type EntryBody, GENESIS, openEntry, type Row, seal, type Why } from "./ledger.ts"
import { openOutcome } from "./outcome.ts"
import { INTERRUPTED, taking } from "./past.ts"
import { answerRun, type Reply, replayRun, resumeRun, undoRun, waitAt } from "./resume.ts"
import { openRun, type RunRecord } from "./run.ts"
import type { Recalled } from "./run_options.ts"

const digest = sha256
const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS })
const ARGS = sha256(encode({ order: "A" }))
const NOW = 1_000
const named = { digest, space: "acme", run: "r1" }

type Written = readonly [body: EntryBody, data: Uint8Array | null]
const INPUT = encode({ order: "A" })
const start = (more: object = {}): Written => [
  { kind: "start", graph: plan.graph, plan: plan.hash, pins: null, input: sha256(INPUT), ...more },
  INPUT,
]
const parked = (path: string[], why: Why, request: Value = {}, until: number | null = null): Written => {
  const data = encode(request)
  return [{ kind: "parked", path, why, input: ARGS, request: digest(data), until }, data]
}
const intent: Written = [{ kind: "intent", path: ["store"], resource: "db:shop/orders", input: ARGS, key: "k" }, null]
const value = (v: Value) => encode(["value", v])
const end: Written = [{ kind: "end", outcome: digest(value(1)), message: null, trace: "t" }, value(1)]

/** A store with such a chain, and its history. */
function kept(...written: Written[]) {
  const store = new MemoryLedger()
  let prev = GENESIS
  const all = written[0]?.[0].kind === "start" ? written : [start(), ...written]
  for (const [seq, [body, data]] of all.entries()) {
    const row = seal({ space: "acme", run: "r1", seq, prev, at: 0, body }, data, digest)
    store.append(row)
    prev = row.hash
  }
  return { store, history: openHistory(store.entries("acme", "r1"), named), before: all.length }
}
const options = (store: MemoryLedger) => ({ store, digest, clock: { now: () => NOW } })

/** What answers leave on record, in words; or why they are refused. */
async function answered(written: readonly Written[], ...replies: Reply[]) {
  const { store, history, before } = kept(...written)
  try {
    await answerRun(plan, history, options(store), replies, "me")
  } catch (cause) {
    // An answer that does not fit leaves no trace.
    expect(store.entries("acme", "r1").rows).toHaveLength(before)
    return `${(cause as { reason: string }).reason}: ${(cause as Error).message}`
  }
  return store.entries("acme", "r1").rows.slice(before).map(told)
}
function told(row: Row): string {
  const { body } = openEntry(row.entry)
  const said = (data: Uint8Array | null, message: string | null) => {
    if (data === null) return "nothing"
    const outcome = openOutcome(data, message)
    return outcome.ok ? JSON.stringify(outcome.value) : `${outcome.failure.code} (${outcome.failure.message})`
  }
  switch (body.kind) {
    case "answer":
      return `answer ${body.how} by ${body.by}: ${said(row.data, body.message)}`
    case "read":
      return `read ${body.path.join(".")} ${body.resource}: ${said(row.data, body.message)}`
    case "outcome":
      return `outcome of ${body.intent} ${body.how}: ${said(row.data, body.message)}`
    case "taken":
      return `taken ${body.effect} ${body.path.join(".")} from ${body.from}: ${said(row.data, body.message)}`
    default:
      return body.kind
  }
}
const LINES = ["lines"]
const STORE = ["store"]

describe("who may go on", () => {
  const another = admit(encodePlan({ ...shop(), name: "another" }), { registry: shopRegistry, grants: SHOP_GRANTS })
  const ways = (admitted: typeof plan, history: History, store = new MemoryLedger()) => ({
    answer: () => answerRun(admitted, history, options(store), [], "me"),
    resume: async () => resumeRun(admitted, history, options(store)),
    undo: () => undoRun(admitted, history, options(store), { by: "me", left: [] }),
    replay: async () => replayRun(admitted, history, options(store)),
  })
  const reasonsOf = async (admitted: typeof plan, history: History, store?: MemoryLedger) => {
    const found: string[] = []
    for (const [way, go] of Object.entries(ways(admitted, history, store)))
      found.push(
        `${way} ${await go().then(
          () => "goes on",
          (cause) => `${cause.reason}: ${cause.message}`,
        )}`,
      )
    return found
  }

  test("is a plan that was admitted, with a history that was read from a chain, of the plan that it began with", async () => {
    const { history } = kept()
    for (const said of await reasonsOf({ ...plan }, history))
      expect(said).toContain("misuse: Cannot go on with a run: the plan was not admitted")
    for (const said of await reasonsOf(plan, { ...history }))
      expect(said).toContain("misuse: Cannot go on with a run: its history was not read from a chain")
    for (const said of await reasonsOf(another, history))
      expect(said).toContain(
        `diverged: Cannot go on with run "r1": it began with plan ${plan.hash}, found ${another.hash}`,
      )
    for (const odd of [{ graph: "other" }, { plan: "other" }])
      for (const said of await reasonsOf(plan, kept(start(odd)).history)) expect(said).toContain(" diverged: ")
  })

  test("is a run that has not ended; one that has can be replayed, and undone where something can", async () => {
    const [answer, resume, undo, replay] = await reasonsOf(plan, kept(end).history)
    for (const said of [answer, resume]) expect(said).toContain('closed: Cannot go on with run "r1": it has ended')
    expect(undo).toStartWith("undo undone: ")
    expect(replay).toBe("replay goes on")
    const { history, store } = kept()
    expect((await reasonsOf(plan, history, store)).map((said) => said.split(" ").slice(0, 3).join(" "))).toEqual([
      "answer goes on",
      "resume goes on",
      "undo closed: Cannot",
      "replay goes on",
    ])
  })
})

describe("an answer", () => {
  test("is one: two of one path are refused, whatever they say", async () => {
    const no: Reply = { path: STORE, how: "refused" }
    expect(await answered([intent], no, { path: STORE, how: "again" })).toBe(
      "answer: Cannot take two outcomes for store: say one",
    )
  })

  test("to a read is its outcome; to a write it settles what was announced, or stands for it", async () => {
    const yes = (path: string[], how: Reply["how"], v: Value = null): Reply => ({ path, how, value: v })
    expect(await answered([parked(LINES, "ask")], yes(LINES, "answered", 5))).toEqual([
      "resume",
      "answer answered by me: 5",
      "read lines db:shop: 5",
    ])
    expect(await answered([intent, parked(STORE, "uncertain")], yes(STORE, "delivered"))).toEqual([
      "resume",
      "answer delivered by me: null",
      "outcome of 1 delivered: null",
    ])
    expect(
      await answered([intent, parked(STORE, "uncertain")], { path: STORE, how: "refused", message: "lost" }),
    ).toEqual(["resume", "answer refused by me: Refused (lost)", "outcome of 1 refused: Refused (lost)"])
    expect(await answered([intent, parked(STORE, "uncertain")], { path: STORE, how: "again" })).toEqual([
      "resume",
      "answer again by me: nothing",
    ])
    expect(await answered([parked(STORE, "held")], yes(STORE, "delivered"))).toEqual([
      "resume",
      "answer delivered by me: null",
      "taken write store from null: null",
    ])
    expect(await answered([parked(LINES, "event")], { path: LINES, how: "refused" })).toEqual([
      "resume",
      "answer refused by me: Refused (A person said no)",
      "read lines db:shop: Refused (A person said no)",
    ])
  })

  test("fits what is waited for, also where the process died before it could say so", async () => {
    const misfit = (why: string, fits: string, how: string) =>
      `answer: Cannot answer lines: it waits (${why}) for ${fits}, found ${how}`
    for (const [why, fits] of [
      ["ask", "answered, refused"],
      ["sleep", "answered"],
      ["event", "answered, refused"],
      ["uncertain", "delivered, refused, again"],
      ["held", "delivered, refused, again"],
      ["budget", ""],
    ] as const)
      for (const how of ["answered", "delivered", "refused", "again"] as const) {
        const said = await answered([parked(LINES, why)], { path: LINES, how, value: 5 })
        if (fits.split(", ").includes(how)) expect(said).toBeArray()
        else expect(said).toBe(misfit(why, fits, how))
      }
    expect(await answered([intent], { path: STORE, how: "delivered" })).toContain("outcome of 1 delivered: null")
    expect(waitAt(kept(intent).history, STORE)).toMatchObject({ path: STORE, why: "uncertain", input: ARGS })
  })

  test("that is on record counts, however late the run goes on and whatever somebody says after it", async () => {
    const data = value(5)
    const said: Written = [
      { kind: "answer", path: LINES, how: "answered", by: "you", outcome: digest(data), message: null },
      data,
    ]
    const late = [parked(LINES, "ask", {}, NOW - 1), said]
    expect(await answered(late)).toEqual(["resume", "read lines db:shop: 5"])
    expect(await answered(late, { path: LINES, how: "refused" })).toBe(
      "answer: Cannot answer lines: it was answered by you, and that counts; resume the run without another answer",
    )
  })

  test("to what is not waited for is told what is", async () => {
    const reply: Reply = { path: ["freight", "rates"], how: "answered" }
    expect(await answered([], reply)).toBe('answer: Cannot answer freight.rates: run "r1" waits for nothing')
    expect(await answered([intent, parked(LINES, "ask")], reply)).toContain('run "r1" waits for lines, store')
  })

  test("is of the port's type, or leaves no trace", async () => {
    const wrong: Reply = { path: LINES, how: "answered", value: "five" }
    expect(await answered([parked(LINES, "ask")], wrong)).toStartWith("answer: Cannot take the outcome given for lines")
    expect(await answered([parked(LINES, "ask"), intent], { path: STORE, how: "delivered" }, wrong)).toBeString()
  })

  test("to a question about one value is a yes to that value, or no", async () => {
    const only = [parked(LINES, "ask", { only: 7 })]
    const said = (v: Value, how: Reply["how"] = "answered") => answered(only, { path: LINES, how, value: v })
    for (const yes of [true, 7]) expect(await said(yes)).toContain("read lines db:shop: 7")
    for (const no of [8, false, null, "7"])
      expect(await said(no)).toBe("answer: Cannot answer lines: what is asked is a yes to the value that is shown")
    expect(await said(8, "refused")).toContain("read lines db:shop: Refused (A person said no)")
    // Without such a value a yes is a yes.
    expect(await answered([parked(LINES, "ask")], { path: LINES, how: "answered", value: true })).toStartWith(
      "answer: ",
    )
  })

  test("that is on record without its outcome comes to it first", async () => {
    const told_: Written = [
      { kind: "answer", path: LINES, how: "answered", by: "you", outcome: digest(value(5)), message: null },
      value(5),
    ]
    expect(await answered([parked(LINES, "ask"), told_])).toEqual(["resume", "read lines db:shop: 5"])
    const empty: Written = [
      { kind: "answer", path: LINES, how: "answered", by: "you", outcome: null, message: null },
      null,
    ]
    expect(await answered([parked(LINES, "ask"), empty])).toEqual(["resume"])
  })

  test("about a write that stays uncertain on record is its answer alone", async () => {
    const lost = encode(["failure", { failure: "Timeout", data: null }])
    const uncertain: Written = [
      {
        kind: "outcome",
        intent: 1,
        how: "uncertain",
        outcome: digest(lost),
        message: "late",
        attempts: 1,
        spent: null,
      },
      lost,
    ]
    expect(await answered([intent, uncertain, parked(STORE, "uncertain")], { path: STORE, how: "delivered" })).toEqual([
      "resume",
      "answer delivered by me: null",
    ])
  })
})

describe("what is due", () => {
  const due = (request: Value, until = NOW, ...replies: Reply[]) =>
    answered([parked(LINES, "event", request, until)], ...replies)
  const timeout = "Timeout (Nobody answered lines in time)"
  test("by now comes to what was said when the wait began, or to a Timeout", async () => {
    const by = (said: string) => ["resume", `answer due by time: ${said}`, `read lines db:shop: ${said}`]
    expect(await due({ due: ["value", 5] })).toEqual(by("5"))
    expect(await due({ due: ["value", 5] }, NOW - 1)).toEqual(by("5"))
    expect(await due({ due: ["failure", { failure: "Late", data: 1 }, "too late"] })).toEqual(by("Late (too late)"))
    expect(await due({ due: ["failure", { failure: "Late" }] })).toEqual(by("Late ()"))
    for (const odd of [
      {},
      { due: "soon" },
      { due: ["failure"] },
      { due: ["failure", "Late"] },
      { due: ["failure", { failure: 5 }] },
    ])
      expect(await due(odd)).toEqual(by(timeout))
  })

  test("later, for nobody, or by a budget is not", async () => {
    expect(await due({ due: ["value", 5] }, NOW + 1)).toEqual(["resume"])
    expect(await answered([parked(LINES, "ask")])).toEqual(["resume"])
    expect(await answered([parked(LINES, "budget", {}, NOW)])).toEqual(["resume"])
  })

  test("and answered at once is answered", async () => {
    expect(await due({}, NOW, { path: LINES, how: "answered", value: 5 })).toEqual([
      "resume",
      "answer answered by me: 5",
      "read lines db:shop: 5",
    ])
  })
})

describe("a run that goes on", () => {
  const ARGS_OF = { order: "A" }
  test("and rests again asks for what its record left open, once, in the words in which it asked before", () => {
    const rested = (...written: Written[]) => {
      const { store, history, before } = kept(...written)
      const record = resumeRun(plan, history, options(store))
      return { store, record, rows: () => store.entries("acme", "r1").rows.slice(before) }
    }
    const asked = rested(intent)
    asked.record.park()
    expect(asked.record.waits).toMatchObject([
      { path: STORE, why: "uncertain", input: ARGS, request: { tool: "store", code: "Uncertain" } },
    ])
    expect(asked.rows().map((r) => r.kind)).toEqual(["parked"])
    const again = rested(intent, parked(STORE, "uncertain", { tool: "as before" }))
    again.record.park()
    expect(again.record.waits).toMatchObject([{ path: STORE, request: { tool: "as before" } }])
    const met = rested(intent)
    met.record.wait(STORE, 2, ARGS_OF, fail("Timeout", "no answer"))
    met.record.park()
    expect(met.record.waits).toMatchObject([{ path: STORE, request: { code: "Timeout" } }])
  })

  test("and ends says of which open writes nobody knows, and not of one that certainly never arrived", () => {
    const waits = parked(STORE, "uncertain")
    const again: Written = [{ kind: "answer", path: STORE, how: "again", by: "me", outcome: null, message: null }, null]
    for (const [written, uncertain] of [
      [[intent, waits], [STORE]],
      [[intent, waits, again], []],
    ] as const) {
      const { store, history } = kept(...written)
      const record = resumeRun(plan, history, options(store))
      record.end(fail("Cancelled", "no more"))
      expect(record.uncertain).toEqual(uncertain as never)
    }
  })

  test("has the trace of one that never stopped, also where a finished item still has an open write", () => {
    const tool: NodeKind = {
      kind: "tool",
      about: "Writes a number.",
      main: { form: "cel", type: T.number, required: true, about: "Which." },
      fields: {},
      takesWith: false,
      sign: () => ({
        effect: "write",
        resource: "here",
        needs: [],
        input: T.record({ tool: T.number }),
        output: T.number,
      }),
      open: () => ({ execute: () => 1 }),
    }
    const kinds = registry(tool)
    const text = 'graph: g\nnodes:\n  m: { map: "[1, 2]", do: { tool: item } }\noutput: m\n'
    const mapped = admit(compile(checkFile({ file: "g.graph.yaml", text }, { registry: kinds }).checked!).bytes, {
      registry: kinds,
      grants: [],
    })
    const at = (i: number) => ["m", i, "do"]
    const written = (record: RunRecord, i: number, answer: Value | Failure, how: "delivered" | "uncertain") => {
      record.delivered(record.intent(at(i), 0, { tool: i + 1 }) as Intent, answer, how)
    }
    const traceOf = (record: RunRecord) => (record.end(5) as Ended).trace
    const begun = (store: MemoryLedger) => openRun(mapped, { ...options(store), run: "r", space: "", input: {} })
    const whole = begun(new MemoryLedger())
    written(whole, 0, INTERRUPTED, "uncertain")
    written(whole, 1, 1, "delivered")
    whole.seal(["m"], 2)
    const store = new MemoryLedger()
    begun(store).intent(at(0), 0, { tool: 1 })
    const history = openHistory(store.entries("", "r"), { digest, space: "", run: "r" })
    const resumed = resumeRun(mapped, history, options(store))
    written(resumed, 1, 1, "delivered")
    resumed.seal(["m"], 2)
    expect(traceOf(resumed)).toBe(traceOf(whole))
  })

  test("in which a person put an outcome says from where the others are", async () => {
    const { history } = kept([
      {
        kind: "read",
        path: LINES,
        resource: "db:shop",
        input: ARGS,
        outcome: digest(value(3)),
        message: null,
        attempts: 1,
        cachedMs: null,
        spent: null,
      },
      value(3),
    ])
    const before = { before: STORE, held: false }
    const opened = { ...history, open: new Map([["store", { path: STORE, seq: 9 }]]) } as unknown as History
    for (const [pinned, from] of [
      [[], "r1"],
      [[{ path: LINES, outcome: 3 }], null],
    ] as const) {
      const store = new MemoryLedger()
      const past = await taking(opened, plan, { ...before, pinned }, options(store))
      const run = openRun(plan, { ...options(store), run: "r2", space: "acme", input: ARGS_OF }, past)
      expect(run.answered(LINES, 0, ARGS_OF, () => [])).toMatchObject({ commit: { outcome: { ok: true, value: 3 } } })
      expect(store.entries("acme", "r2").rows.slice(1).map(told)).toEqual([`taken read lines from ${from}: 3`])
    }
  })

  test("in which a person put an outcome waits for what looks at it later", async () => {
    const small: Validator = { level: "property", about: "is small", holds: async (v) => (v as number) < 5 }
    const strict = admit(shopBytes(), {
      registry: registry(
        validated(shopKinds[0]!, () => [small]),
        ...shopKinds.slice(1),
      ),
      grants: SHOP_GRANTS,
    })
    const { history } = kept()
    for (const [outcome, ok] of [
      [3, true],
      [7, false],
    ] as const) {
      const store = new MemoryLedger()
      const past = await taking(history, strict, { pinned: [{ path: LINES, outcome }], held: false }, options(store))
      // A clock bounds the wait for a verdict; here it never comes to that.
      const clock = { now: () => NOW, sleep: () => new Promise<void>(() => {}) }
      const run = openRun(strict, { ...options(store), clock, run: "r2", space: "acme", input: ARGS_OF }, past)
      const { commit } = run.answered(LINES, 0, ARGS_OF, () => []) as Extract<Recalled, { readonly commit: unknown }>
      expect((await commit).outcome.ok).toBe(ok)
      const said = ok ? "3" : "Mismatch (The answer was refused by its property validator (is small): it does not hold)"
      expect(store.entries("acme", "r2").rows.slice(1).map(told)).toEqual([`taken read lines from null: ${said}`])
    }
  })
})
