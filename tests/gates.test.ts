// The three gates on every path on which a plan reaches a tool: registered, granted, validated. All 8 combinations, each
// with the whole engine behind it: one runs, 7 are refused with the gate and how to open it, and nobody's executor is
// called or even opened. The table is printed.
import { afterAll, describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { anew, resume, undo } from "../deploy/engine/again.ts"
import { Waker } from "../deploy/engine/waker.ts"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { Engine, systemChance, systemClock } from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import {
  accept,
  type McpConnection,
  type NodeKind,
  printPath,
  printProblemShort,
  type Rec,
  registry,
  type Services,
  T,
} from "../graph/mod.ts"
import { AdmissionError, admit, type Chain, type Gate, openPins } from "../kernel/mod.ts"
import { standardKinds, toolPin, toolPinKey } from "../nodes/mod.ts"
import { decodePlan, encodePlan, type Plan, type Step } from "../plan/mod.ts"
import {
  answeringLater,
  COLUMNS,
  COMBINATIONS,
  compiled,
  done,
  failureOf,
  grantsOf,
  graph,
  isOpen,
  KNOCK,
  kindsOf,
  PATHS,
  shut,
} from "./knocking.ts"

const services = { clock: systemClock, chance: systemChance }
const rows: string[] = []

let refusals = 0
afterAll(() => {
  console.log(
    [
      `${rows.length} paths × 8 combinations, ${refusals} refusals, calls after a refusal: 0`,
      `${" ".repeat(40)} ${COLUMNS}`,
      ...rows,
    ].join("\n"),
  )
})

/** Holds a refusal against what it must say. */
function refusedBy(cause: unknown, gates: readonly Gate[]): AdmissionError {
  expect(cause).toBeInstanceOf(AdmissionError)
  const error = cause as AdmissionError
  expect([...new Set(error.refusals.map((r) => r.gate))].sort()).toEqual([...gates].sort())
  for (const { message, fix, gate, path } of error.refusals) {
    expect(error.message).toContain(`${printPath(path)}: ${message}`)
    expect(fix).toMatch(/^[A-Z].*\.?$/)
    if (gate !== "granted") expect(error.message).toContain(fix)
    else expect(error.message).toContain("--grant app:door:")
  }
  refusals++
  return error
}

describe("all 8 combinations", () => {
  for (const [path, text] of PATHS) {
    test(path, async () => {
      const { checked, bytes } = compiled(text)
      const seen: string[] = []
      for (const c of COMBINATIONS) {
        done.length = 0
        const engine = new Engine({ registry: kindsOf(c), services })
        const prepare = () => engine.prepare(bytes, { grants: grantsOf(c, checked) })
        if (isOpen(c)) {
          const ready = await prepare()
          const result = await ready.run(accept(checked.input)({}))
          expect(result.outcome.ok).toBe(true)
          if (!path.includes("not taken")) expect(done.some((x) => x.startsWith("knocked"))).toBe(true)
          seen.push("runs")
        } else {
          refusedBy(await failureOf(prepare), shut(c))
          expect(done).toEqual([])
          seen.push(shut(c).join(" "))
        }
        await engine.close()
      }
      rows.push(`${path.padEnd(40)} ${seen.join(" | ")}`)
    })
  }
})

/** Begun anew with an outcome in the place of the door's own: nobody would be called, and it is refused all the same. */
const given: typeof anew = (engine, run, options) =>
  anew(engine, run, { ...options, pinned: [...options.pinned!, { path: ["a"], outcome: 1 }] })

describe("ways around", () => {
  test("an empty list of capabilities: all 8 refused", async () => {
    const { bytes } = compiled(PATHS[0]![1])
    const plan = decodePlan(bytes)
    const bare = encodePlan({ ...plan, needs: [], externs: plan.externs.map((x) => ({ ...x, needs: [] })) })
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      done.length = 0
      const cause = await failureOf(() => admit(bare, { registry: kindsOf(c), grants: [] }))
      expect(cause).toBeInstanceOf(AdmissionError)
      expect((cause as AdmissionError).refusals.map((r) => r.gate)).toContain("registered")
      expect(done).toEqual([])
      refusals++
      seen.push("registered")
    }
    rows.push(`${"a plan that claims to need nothing".padEnd(40)} ${seen.join(" | ")}`)
  })

  test("a dependency that nobody knows shuts the whole plan: not even its neighbour is called", async () => {
    const { checked, bytes } = compiled(graph(`  a: ${KNOCK}\n  b: ${KNOCK}`, "[a, b]"))
    const plan = decodePlan(bytes)
    const { steps } = plan.scopes[0]!
    const second = steps.findLastIndex((s) => s.op[0] === "invoke")
    const [name, to, , ...rest] = steps[second]!.op
    const op = [name, to, plan.externs.length, ...rest] as unknown as Step
    const foreign: Plan = {
      ...plan,
      externs: [...plan.externs, { ...plan.externs[0]!, kind: "elsewhere" }],
      scopes: [{ ...plan.scopes[0]!, steps: steps.with(second, { op }) }, ...plan.scopes.slice(1)],
    }
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      done.length = 0
      const run = () => admit(encodePlan(foreign), { registry: kindsOf(c), grants: grantsOf(c, checked) })
      refusedBy(await failureOf(run), [...new Set<Gate>(["registered", ...shut(c)])])
      expect(done).toEqual([])
      seen.push([...new Set(["registered", ...shut(c)])].join(" "))
    }
    rows.push(`${"beside a kind that nobody knows".padEnd(40)} ${seen.join(" | ")}`)
  })

  test("a run that goes on later, on the plan and pins that it began with, is admitted again like any other", async () => {
    const { checked, bytes } = compiled(graph("  a: { door: front, cache: 10m }", "a"))
    const open = COMBINATIONS[0]!
    const first = admit(bytes, { registry: kindsOf(open), grants: grantsOf(open, checked) })
    const pins = first.pins === null ? undefined : openPins(first.pins.bytes)
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      done.length = 0
      const again = () =>
        admit(first.bytes(), { registry: kindsOf(c), grants: grantsOf(c, checked), ...(pins ? { pins } : {}) })
      if (isOpen(c)) expect(again().hash).toBe(first.hash)
      else refusedBy(await failureOf(again), shut(c))
      expect(done).toEqual([])
      seen.push(isOpen(c) ? "goes on" : shut(c).join(" "))
    }
    rows.push(`${"a run that goes on later".padEnd(40)} ${seen.join(" | ")}`)
  })

  for (const [what, goOn] of [
    ["a parked run that is resumed", resume],
    ["a run that is begun anew", anew],
    ["a run begun anew with its outcome given", given],
  ] as const) {
    test(`${what}: nothing is written either`, async () => {
      const { checked, bytes } = compiled(graph(`  q: { ask: go? }\n  a: { door: front, after: q }`, "[q, a]"))
      const seen: string[] = []
      for (const c of COMBINATIONS) {
        const store = new MemoryLedger()
        const open = COMBINATIONS[0]!
        const before = new Engine({ registry: kindsOf(open), services, store, parks: true })
        const { run } = await (await before.prepare(bytes, { grants: grantsOf(open, checked) })).run({})
        const kept = ((await store.entries("", run)) as Chain).rows.length
        done.length = 0
        const engine = new Engine({ registry: kindsOf(c), services, store, parks: true })
        const replies = [{ path: ["q"], how: "answered", value: "yes" }] as const
        const pinned = [{ path: ["q"], outcome: "yes" }]
        const again = () => goOn(engine, run, { grants: grantsOf(c, checked), replies, pinned } as never)
        if (isOpen(c)) {
          expect((await again()).outcome).toEqual({ ok: true, value: ["yes", 1] })
          expect(done).toEqual(goOn === given ? [] : ["opened", "knocked at front"])
        } else {
          refusedBy(await failureOf(again), shut(c))
          expect(done).toEqual([])
          expect(((await store.entries("", run)) as Chain).rows.length).toBe(kept)
        }
        seen.push(isOpen(c) ? "goes on" : shut(c).join(" "))
      }
      rows.push(`${what.padEnd(40)} ${seen.join(" | ")}`)
    })
  }

  test("a run whose time has come, and which a server takes up by itself: nothing is written either", async () => {
    const { checked, bytes } = compiled(
      graph("  q: { ask: go?, within: 1h }\n  a: { door: front, catch: '0' }", "[a, q]"),
    )
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      const store = new MemoryLedger()
      const open = COMBINATIONS[0]!
      const before = new Engine({ registry: kindsOf(open), services, store, parks: true })
      const { run } = await (await before.prepare(bytes, { grants: grantsOf(open, checked) })).run({})
      const kept = ((await store.entries("", run)) as Chain).rows.length
      done.length = 0
      const later = { ...systemClock, now: () => systemClock.now() + 7_200_000 }
      const engine = new Engine({ registry: kindsOf(c), services: { ...services, clock: later }, store, parks: true })
      const told: unknown[] = []
      const options = { hosts: [], clock: later, signal: new AbortController().signal, onDefect: told.push.bind(told) }
      const taken = await new Waker({ engine, grants: grantsOf(c, checked) }, options).look()
      expect(taken).toHaveLength(1)
      await Promise.all(taken)
      if (isOpen(c)) expect([told, (await engine.history(run)).end !== undefined]).toEqual([[], true])
      else {
        refusedBy(told[0], shut(c))
        expect(((await store.entries("", run)) as Chain).rows.length).toBe(kept)
      }
      expect(done).toEqual([])
      seen.push(isOpen(c) ? "goes on" : shut(c).join(" "))
    }
    rows.push(`${"a run that a server takes up".padEnd(40)} ${seen.join(" | ")}`)
  })

  test("a call on a guess: nobody is asked, no shadow either", async () => {
    const mark = "speculate: true"
    const text = graph(`  a: { door: front, ${mark} }\n  b: { door: back, with: { x: "\${ a }" }, ${mark} }`, "b")
    const { checked, bytes } = compiled(text)
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      done.length = 0
      let asked = 0
      const predict = () => {
        asked++
        return { ok: true, value: 1, by: "00".repeat(32), alpha: 0, confidence: 1 } as const
      }
      const store = new MemoryLedger()
      const shadows = { of: () => ({ predict }) }
      const engine = new Engine({
        registry: answeringLater(kindsOf(c)),
        services: { ...services, shadows },
        store,
        speculate: { costs: false },
      })
      const prepare = () => engine.prepare(bytes, { grants: grantsOf(c, checked) })
      if (isOpen(c)) {
        const { run, outcome } = await (await prepare()).run({})
        expect(outcome).toEqual({ ok: true, value: 1 })
        const kinds = store.entries("", run).rows.map((row) => row.kind)
        expect([asked > 0, kinds.includes("guess")]).toEqual([true, true])
      } else {
        refusedBy(await failureOf(prepare), shut(c))
        expect([done, asked]).toEqual([[], 0])
      }
      seen.push(isOpen(c) ? "runs" : shut(c).join(" "))
      await engine.close()
    }
    rows.push(`${"a call on a guess".padEnd(40)} ${seen.join(" | ")}`)
  })

  test("a run that is undone: nothing is written either", async () => {
    const { checked, bytes } = compiled(graph("  a: { note: x, undo: { door: front, effect: write } }", "a"))
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      const store = new MemoryLedger()
      const open = COMBINATIONS[0]!
      const before = new Engine({ registry: kindsOf(open), services, store, parks: true })
      const { run } = await (await before.prepare(bytes, { grants: grantsOf(open, checked) })).run({})
      const kept = ((await store.entries("", run)) as Chain).rows.length
      expect(done).toEqual([])
      const engine = new Engine({ registry: kindsOf(c), services, store, parks: true })
      const back = () => undo(engine, run, { grants: grantsOf(c, checked) })
      if (isOpen(c)) {
        expect((await back()).undone).toMatchObject({ undone: [["a"]] })
        expect(done).toEqual(["opened", "knocked at front"])
      } else {
        refusedBy(await failureOf(back), shut(c))
        expect(done).toEqual([])
        expect(((await store.entries("", run)) as Chain).rows.length).toBe(kept)
      }
      done.length = 0
      seen.push(isOpen(c) ? "undone" : shut(c).join(" "))
    }
    rows.push(`${"a run that is undone".padEnd(40)} ${seen.join(" | ")}`)
  })

  test("a run that undoes when it fails: refused before it begins", async () => {
    const text = graph('  a: { note: x, undo: { door: front, effect: write } }\n  b: { expr: "[0][a]", after: a }', "b")
    const { checked, bytes } = compiled(text.replace("nodes:", "on_failure: undo\nnodes:"))
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      const engine = new Engine({ registry: kindsOf(c), services })
      const whole = async () => await (await engine.prepare(bytes, { grants: grantsOf(c, checked) })).run({})
      if (isOpen(c)) {
        expect((await whole()).undone).toMatchObject({ undone: [["a"]] })
        expect(done).toEqual(["opened", "knocked at front"])
      } else {
        refusedBy(await failureOf(whole), shut(c))
        expect(done).toEqual([])
      }
      done.length = 0
      seen.push(isOpen(c) ? "undone" : shut(c).join(" "))
    }
    rows.push(`${"a run that undoes when it fails".padEnd(40)} ${seen.join(" | ")}`)
  })

  test("an outcome in a warm cache is used again only past all gates", async () => {
    const { checked, bytes } = compiled(graph("  a: { door: front, cache: 10m }", "a"))
    const kinds = new Map(kindsOf(COMBINATIONS[0]!))
    const engine = new Engine({ registry: kinds, services })
    const warm = await engine.prepare(bytes, { grants: checked.needs })
    await warm.run({})
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      done.length = 0
      kinds.delete("door")
      for (const [name, kind] of kindsOf(c)) kinds.set(name, kind)
      const prepare = () => engine.prepare(bytes, { grants: grantsOf(c, checked) })
      if (isOpen(c)) expect((await (await prepare()).run({})).outcome).toEqual({ ok: true, value: 1 })
      else refusedBy(await failureOf(prepare), shut(c))
      expect(done).toEqual([])
      seen.push(isOpen(c) ? "recalled" : shut(c).join(" "))
    }
    rows.push(`${"an outcome in a warm cache".padEnd(40)} ${seen.join(" | ")}`)
    await engine.close()
  })
})

// ---- tools that a server adds while it runs

const pinOf = (name: string): Rec => toolPin({ name, inputSchema: { type: "object" }, outputSchema: undefined })
const mcpText = (node: string) => `graph: g\nservers: { files: { stdio: [files] } }\n${node}`

/** A server that offers one more tool than the lock knows. */
function server(called: string[]): Pick<Services, "mcp"> {
  const connection: McpConnection = {
    alive: () => true,
    tools: async () => ["read", "wipe"].map((name) => ({ name, inputSchema: { type: "object" } })),
    call: async (tool) => {
      called.push(tool)
      return { content: [{ type: "text", text: "done" }] }
    },
    close: async () => {},
  }
  return { mcp: { connect: async () => connection } }
}

describe("a tool that an MCP server adds at run time", () => {
  const pinned = (key: string) => (key === toolPinKey("files", "read") ? pinOf("read") : undefined)
  const everything = (key: string) => pinned(key) ?? (key === toolPinKey("files", "wipe") ? pinOf("wipe") : undefined)
  const planOf = (tool: string, pin: (key: string) => Rec | undefined): Uint8Array => {
    const text = mcpText(`nodes:\n  a: { mcp: files/${tool}, parse: text, effect: read }\noutput: a\n`)
    const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry: standardKinds, pin })
    expect(problems.map(printProblemShort)).toEqual([])
    return compile(checked!).bytes
  }

  test("all 8 combinations: it is registered by its pin", async () => {
    const bytes = planOf("wipe", everything)
    const seen: string[] = []
    for (const c of COMBINATIONS) {
      const called: string[] = []
      const mute: NodeKind = {
        ...standardKinds.get("mcp")!,
        sign: (node) => ({ ...(standardKinds.get("mcp")!.sign(node) as object), output: undefined }) as never,
      }
      // What a text is, the node says itself: without that nothing does.
      const plan = decodePlan(bytes)
      const any = encodePlan({ ...plan, types: plan.types.map((t) => (t.kind === "string" ? T.unknown : t)) })
      const engine = new Engine({
        registry: c.validated ? standardKinds : registry(mute),
        services: { ...services, ...server(called) },
      })
      // A grant for the whole server is what its user gave when it had one tool.
      const options = {
        grants: c.granted ? ["mcp:files", "spawn:files"] : [],
        pins: c.registered ? everything : pinned,
      }
      const prepare = () => engine.prepare(c.validated ? bytes : any, options)
      if (isOpen(c)) {
        expect((await (await prepare()).run({})).outcome).toEqual({ ok: true, value: "done" })
        expect(called).toEqual(["wipe"])
        seen.push("runs")
      } else {
        const cause = await failureOf(prepare)
        expect(cause).toBeInstanceOf(AdmissionError)
        expect((cause as AdmissionError).refusals.map((r) => r.gate)).toEqual(
          expect.arrayContaining([...shut(c)]) as never,
        )
        if (!c.registered) expect((cause as AdmissionError).message).toContain("mcp:files/wipe is not in the lock")
        expect(called).toEqual([])
        refusals++
        seen.push(shut(c).join(" "))
      }
      await engine.close()
    }
    rows.push(`${"a tool that a server adds at run time".padEnd(40)} ${seen.join(" | ")}`)
  })

  test("a model that asks for it in its tool loop is told that there is none", async () => {
    const text = mcpText(`models: { m: { url: "https://models.example.com/v1", model: m } }
nodes:
  a:
    llm: m
    prompt: Tidy up.
    stream: false
    tools: { look: { do: { mcp: files/read, parse: text, effect: read } } }
output: a
`)
    const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry: standardKinds, pin: pinned })
    expect(problems.map(printProblemShort)).toEqual([])
    const called: string[] = []
    const told: string[] = []
    const tool = (name: string) => ({
      message: { content: null, tool_calls: [{ id: name, type: "function", function: { name, arguments: "{}" } }] },
      finish_reason: "tool_calls",
    })
    const answers = [
      tool("wipe"),
      tool("files/wipe"),
      tool("look"),
      { message: { content: "ok" }, finish_reason: "stop" },
    ]
    const http: Services["http"] = {
      request: async ({ body }) => {
        const { messages } = JSON.parse(new TextDecoder().decode(body)) as {
          messages: { role: string; content: string }[]
        }
        const last = messages.at(-1)!
        if (last.role === "tool") told.push(last.content)
        const answer = { choices: [answers.shift()!] }
        const chunks = (async function* () {
          yield new TextEncoder().encode(JSON.stringify(answer))
        })()
        return { status: 200, headers: { "content-type": "application/json" }, body: new Uint8Array(), chunks }
      },
    }
    const engine = new Engine({ registry: standardKinds, services: { ...services, ...server(called), http } })
    const ready = await engine.prepare(compile(checked!).bytes, {
      grants: [...checked!.needs, "mcp:files"],
      pins: pinned,
    })
    expect((await ready.run({})).outcome).toEqual({ ok: true, value: "ok" })
    expect(called).toEqual(["read"])
    expect(told.map((x) => x.includes("UnknownTool"))).toEqual([true, true, false])
    await engine.close()
  })
})
