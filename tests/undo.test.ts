// `undo:` from the graph to the ledger: no edit of a plan adds, changes or drops one without being refused or being of
// another graph; labels, narrowed grants and budgets hold for what takes a write back; and the same in TypeScript.
import { afterEach, describe, expect, test } from "bun:test"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Exit } from "effect"
import * as Effect from "effect/Effect"
import * as v from "valibot"
import { compile } from "../compile/mod.ts"
import { undo } from "../deploy/engine/again.ts"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { Engine, runner, systemChance, systemClock } from "../deploy/mod.ts"
import { openLedger } from "../deploy/project/project.ts"
import { fn, grants, graph, map, undoable } from "../graph/build/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import {
  check,
  NO_POLICY,
  type NodeKind,
  parsePolicy,
  printPath,
  printProblemShort,
  registry,
  sha256,
  T,
} from "../graph/mod.ts"
import { AdmissionError, admit, openRow, verifyChain } from "../kernel/mod.ts"
import { standardKinds } from "../nodes/mod.ts"
import { decodePlan, disasm, encodePlan, graphOf, type Plan } from "../plan/mod.ts"

/** `{ do_it: place, n: … }` writes a number to a place and gives it back with the place's word before it. */
const done: string[] = []
const doIt: NodeKind = {
  kind: "do_it",
  about: "Does it.",
  main: { form: "static", type: T.string, required: true, about: "Where." },
  fields: {
    n: { form: "cel", type: T.number, required: true, about: "How much." },
    to: { form: "text", about: "Whom." },
  },
  schemes: ["place"],
  takesWith: false,
  sign: ({ config }) => ({
    effect: "write",
    resource: `place:${config["do_it"]}`,
    needs: [`place:${config["do_it"]}`],
    input: T.record({ n: T.number, to: { type: T.string, optional: true } }),
    output: T.record({ id: T.string, n: T.number }),
    keyed: true,
    sinks: { to: "url" },
    origin: config["do_it"] === "oracle" ? "model" : "tool",
  }),
  open: (config) => ({
    execute: (args) => {
      const { n } = args as { n: number }
      done.push(`${config["do_it"]} ${n}`)
      if (n === 13) throw Object.assign(new RangeError("13 is not done"), { code: "Unlucky" })
      return { id: `${config["do_it"]}-${n}`, n }
    },
  }),
}
const kinds = registry(doIt)
const UNDO = "undo: { do_it: back, n: 0 - out.n }"
const TEXT = `graph: g\non_failure: undo\ninput: { n: number }\nnodes:\n  a: { do_it: here, n: input.n, ${UNDO} }\n  b: { do_it: here, n: input.n + 1, after: a, ${UNDO} }\n  c: { do_it: there, n: 13, after: b }\noutput: c\n`

function planOf(text: string, load?: (file: string) => string) {
  const options = { registry: kinds, ...(load ? { load: (file: string) => ({ file, text: load(file) }) } : {}) }
  const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, options as never)
  expect(problems.map(printProblemShort)).toEqual([])
  const { bytes } = compile(checked!)
  return { checked: checked!, bytes, plan: decodePlan(bytes) }
}
const engines: Engine[] = []
const engineOn = (store?: MemoryLedger) => {
  const services = { clock: systemClock, chance: systemChance }
  const engine = new Engine({ registry: kinds, services, ...(store ? { store, parks: true } : {}) })
  engines.push(engine)
  return engine
}
afterEach(async () => {
  done.length = 0
  for (const engine of engines.splice(0)) await engine.close()
})

describe("who edits the plan", () => {
  const { checked, plan } = planOf(TEXT)
  const grants = checked.needs
  const take = (edited: Plan) => admit(encodePlan(edited), { registry: kinds, grants })

  test("as it was compiled it is of its graph, and its text says all of it", () => {
    expect(take(plan).graph).toBe(checked.hash)
    expect(graphOf(plan)).toBe(checked.hash)
    const text = disasm(plan, "0".repeat(64))
    expect(text).toContain("on failure undo")
    expect(text).toMatch(/undo a {3}do_it ← \{"n": 0 - out\.n\} {3}place:back/)
  })
  const [a, b] = plan.undos!
  const other = { op: "record", fields: [["n", { op: "const", value: 7 }]] } as const
  const { undos: _, onFailure: __, ...bare } = plan
  const retried = (x: Plan["externs"][number], i: number) =>
    i === a!.extern ? { ...x, settings: { retry: { times: 3, delayMs: 1, delayMsMax: 2 } } } : x
  const edits: readonly (readonly [what: string, edited: Plan])[] = [
    ["drops one", { ...plan, undos: [b!] }],
    ["drops all", { ...bare, onFailure: "undo" }],
    ["drops what happens on failure", { ...bare, undos: plan.undos! }],
    ["drops both", bare],
    ["adds one", { ...plan, undos: [a!, b!, { path: ["c"], extern: a!.extern, args: other }] }],
    ["calls it with something else", { ...plan, undos: [{ ...a!, args: other }, b!] }],
    [
      "lets another tool do it",
      { ...plan, undos: [{ ...a!, extern: plan.externs.findIndex((x) => x.config["do_it"] === "there") }, b!] },
    ],
    ["tries it more often", { ...plan, externs: plan.externs.map(retried) }],
    ["undoes another write", { ...plan, undos: [b!, { ...a!, path: ["c"] }] }],
  ]
  for (const [what, edited] of edits) {
    test(`${what}: another graph, and refused where its graph is known`, () => {
      const admitted = take(edited)
      expect(admitted.graph).not.toBe(checked.hash)
      const known = () => admit(encodePlan(edited), { registry: kinds, grants, graph: checked.hash })
      expect(known).toThrow(AdmissionError)
      // To claim the hash itself is to be none.
      expect(() => take({ ...edited, graph: checked.hash })).toThrow("64 lower-case hexadecimal digits")
      expect(take({ ...edited, graph: checked.hash.slice(2) }).graph).not.toBe(checked.hash)
    })
  }
  test("cannot make one of what is no write, or hand it what it does not take", () => {
    const wrong = (undos: unknown) => () => take({ ...plan, undos: undos as never })
    expect(wrong([{ ...a!, args: { op: "record", fields: [["n", { op: "const", value: "x" }]] } }, b])).toThrow("P055")
    expect(wrong([{ ...a!, args: { op: "ref", name: "input" } }, b])).toThrow("P055")
    expect(wrong([b, a])).toThrow("P055")
    expect(wrong([])).toThrow("left out")
    expect(wrong([{ ...a!, extern: 99 }, b])).toThrow("P011")
  })
  test("cannot hide what an undo needs", () => {
    const free = plan.externs.map((x, i) => (i === a!.extern ? { ...x, needs: [] } : x))
    expect(() => take({ ...plan, externs: free, needs: plan.needs.filter((n) => n !== "place:back") })).toThrow(
      AdmissionError,
    )
    expect(() => admit(encodePlan(plan), { registry: kinds, grants: ["place:here", "place:there"] })).toThrow(
      /a\.undo: needs place:back, which is not granted|--grant place:back/,
    )
  })
})

describe("labels", () => {
  const say = (undoing: string) =>
    `graph: g\ninput: { to: string }\nnodes:\n  a: { do_it: oracle, n: 1, undo: { do_it: back, n: 1, to: "\${ ${undoing} }" } }\noutput: a\n`
  test("what a model said does not become the address that an undo calls", () => {
    const { problems, checked } = checkFile({ file: "g.graph.yaml", text: say("out.id") }, { registry: kinds })
    expect(checked).toBeUndefined()
    expect(problems.map(printProblemShort).join()).toContain("nodes.a.undo")
    const blind = checkFile({ file: "g.graph.yaml", text: say("out.id") }, { registry: kinds, policy: NO_POLICY })
    const bytes = compile(blind.checked!).bytes
    const grants = blind.checked!.needs
    expect(() => admit(bytes, { registry: kinds, grants })).toThrow(/a\.undo: .*model oracle|a\.undo/)
    expect(admit(bytes, { registry: kinds, grants, policy: parsePolicy(["allow any into anything"]) })).toBeDefined()
  })
  test("what is written down may", () => {
    expect(
      checkFile({ file: "g.graph.yaml", text: say("'https://x.example'") }, { registry: kinds }).checked,
    ).toBeDefined()
  })
})

test("a subgraph that may not undo is refused before anything runs", () => {
  const inner = `graph: in\ninput: { n: number }\nnodes:\n  a: { do_it: here, n: input.n, ${UNDO} }\noutput: a\n`
  const outer = (list: string) =>
    `graph: g\ninput: { n: number }\nnodes:\n  s: { graph: ./in.graph.yaml, with: { n: "\${ input.n }" }, grants: [${list}] }\noutput: s\n`
  const whole = planOf(outer("place:here, place:back"), () => inner)
  expect(admit(whole.bytes, { registry: kinds, grants: whole.checked.needs }).graph).toBe(whole.checked.hash)
  const { problems } = checkFile({ file: "g.graph.yaml", text: outer("place:here") }, {
    registry: kinds,
    load: (file: string) => ({ file, text: inner }),
  } as never)
  expect(problems.map(printProblemShort).join()).toContain("place:back")
  const narrowed = { ...whole.plan, narrowed: [{ at: ["s"], grants: ["place:here"] }] }
  expect(() => admit(encodePlan(narrowed), { registry: kinds, grants: whole.checked.needs })).toThrow(
    "s.a.undo: needs place:back",
  )
})

test("no budget forbids it, and it is counted", async () => {
  const { checked, bytes } = planOf(TEXT)
  const ready = await engineOn().prepare(bytes, { grants: checked.needs })
  const { outcome, undone, spent } = await ready.run({ n: 1 }, { budget: { calls: 2 } })
  expect(outcome).toMatchObject({ ok: false, failure: { code: "Budget" } })
  expect(undone?.undone.map(printPath)).toEqual(["b", "a"])
  expect(done).toEqual(["here 1", "here 2", "back -2", "back -1"])
  expect(spent?.calls).toBe(4)
})

test("what stands beside an intent is held to what it names", async () => {
  const { checked, bytes } = planOf(TEXT)
  const store = new MemoryLedger()
  const ready = await engineOn(store).prepare(bytes, { grants: checked.needs })
  const { run } = await ready.run({ n: 1 })
  const chain = store.entries("", run)
  const options = { digest: sha256, space: "", run }
  expect(verifyChain(chain, options)).toMatchObject({ ok: true, ended: true })
  const at = chain.rows.findIndex((row) => row.kind === "intent" && row.data !== null)
  expect(openRow(chain.rows[at]!).body).toMatchObject({ kind: "intent", path: ["a"], args: true })
  const without = chain.rows.map((row, i) => (i === at ? { ...row, data: null } : row))
  expect(verifyChain({ before: null, rows: without }, options)).toMatchObject({ ok: false, seq: at, reason: "data" })
  const swapped = chain.rows.map((row, i) => (i === at ? { ...row, data: chain.rows.at(-1)!.data } : row))
  expect(verifyChain({ before: null, rows: swapped }, options)).toMatchObject({ ok: false, seq: at })
  // The one that has no undo keeps none, and nothing but an undo follows an end.
  const last = chain.rows.findLastIndex((row) => row.kind === "intent" && openRow(row).body.kind === "intent")
  expect(chain.rows[last]!.data).toBeNull()
})

test("a durable ledger keeps it salted, and a redaction takes it out and leaves the rest whole", async () => {
  const folder = mkdtempSync(join(tmpdir(), "shadowgraph-undo-"))
  const ledger = await openLedger(folder, "file", {})
  const { checked, bytes } = planOf(TEXT)
  const services = { clock: systemClock, chance: systemChance }
  const engine = new Engine({ registry: kinds, services, store: ledger, parks: true })
  const ready = await engine.prepare(bytes, { grants: checked.needs })
  const { run, undone } = await ready.run({ n: 1 })
  expect(undone?.undone.length).toBe(2)
  const again = await engine.history(run)
  expect(again.undoable.map(({ args, out }) => [args, out])).toEqual([
    [{ n: 1 }, { id: "here-1", n: 1 }],
    [{ n: 2 }, { id: "here-2", n: 2 }],
  ])
  await ledger.redact("", run, "a")
  const { rows } = await ledger.entries("", run)
  const options = { digest: sha256, space: "", run, redactions: await ledger.redactions("", run) }
  expect(verifyChain({ before: null, rows }, options)).toMatchObject({ ok: true })
  for (const row of rows) if (row.kind === "intent") expect(row.data).toBeNull()
  // What took it back was called with its answer.
  const gone = rows.filter((row) => row.kind === "outcome" && row.data === null)
  expect(gone.length).toBe(2)
  await expect(undo(engine, run, { grants: checked.needs })).rejects.toMatchObject({ reason: "redacted" })
  await engine.close()
})

describe("in TypeScript", () => {
  const log: string[] = []
  const book = fn(
    "book",
    {
      input: { what: v.string() },
      output: v.object({ id: v.string() }),
      effect: "write",
      resource: "shop",
      needs: ["app:shop:book"],
    },
    ({ what }) => {
      if (what === "none") throw Object.assign(new RangeError("nothing left"), { _tag: "Gone" })
      log.push(`book ${what}`)
      return { id: `${what}-1` }
    },
  )
  const cancel = fn(
    "cancel",
    {
      input: { id: v.string(), was: v.string() },
      output: v.null(),
      effect: "write",
      resource: "shop",
      needs: ["app:shop:cancel"],
    },
    ({ id, was }) => {
      log.push(`cancel ${id} ${was}`)
      return null
    },
  )
  const trip = graph("trip", { input: { last: v.string() }, onFailure: "undo" }, function* (input) {
    const days = yield* map("days", ["mon", "tue"], (day) =>
      undoable(book, { what: day }, (out, args) => cancel({ id: out.id, was: args.what })),
    )
    const last = yield* undoable(book, { what: input.last }, (out) => cancel({ id: out.id, was: "last" }), {
      name: "last",
    })
    return { days, last }
  })

  test("the builder says the same", async () => {
    const { checked, problems } = check(trip.ir, { registry: standardKinds })
    expect(problems.filter((p) => p.severity === "error")).toEqual([])
    expect(checked?.needs).toEqual(["app:shop:book", "app:shop:cancel"])
    const granted = grants("app:shop:book", "app:shop:cancel")
    const live = (last: string) => Effect.runPromiseExit(runner()(trip, { last }).pipe(Effect.provide(granted)))
    expect(Exit.isSuccess(await live("wed"))).toBe(true)
    expect(log.splice(0)).toEqual(["book mon", "book tue", "book wed"])
    expect(Exit.isFailure(await live("none"))).toBe(true)
    expect(log.splice(0)).toEqual(["book mon", "book tue", "cancel tue-1 tue", "cancel mon-1 mon"])
  })

  test("refuses what an undo cannot be", () => {
    const made = (body: () => unknown) => () => graph("g", { input: { x: v.string() } }, body as never)
    const outside = made(function* (input?: { x: never }) {
      return yield* undoable(book, { what: "a" }, (out) => cancel({ id: out.id, was: input!.x }))
    } as never)
    expect(outside).toThrow('it belongs to graph "g", which is not around this')
    expect(made(() => undoable(book, { what: "a" }, (() => "text") as never))).toThrow("an undo is one call of a tool")
    expect(
      made(() =>
        undoable(
          ((input: never) => undoable(book, input, (out) => cancel({ id: out.id, was: "" }))) as never,
          { what: "a" } as never,
          (() => cancel({ id: "", was: "" })) as never,
        ),
      ),
    ).toThrow("Cannot say twice")
    expect(() => undoable(book, { what: "a" }, (out) => cancel({ id: out.id, was: "" }))).toThrow(
      "inside the body of a graph",
    )
  })
})
