/** Looking ahead through the engine: what a host's shadows are asked, what a run may say, and what the project's file may. */
import { describe, expect, test } from "bun:test"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { RunEvent } from "../../bus/mod.ts"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { type NodeKind, type Prediction, printPath, type Shadows, type Signature, type Value } from "../../graph/mod.ts"
import { openRow } from "../../kernel/mod.ts"
import { kindsOf } from "../../tests/machine/machine.ts"
import { BY, sure, TestShadow } from "../../tests/machine/shadows.ts"
import { readProjectFile } from "../project/project.ts"
import { systemClock } from "../services/clock.ts"
import { Engine, type RunOptions } from "./engine.ts"
import { LookingEngine } from "./looking_engine.ts"
import { readSpeculate, type Speculate } from "./speculate.ts"

const text = `graph: g
input: { x: number }
nodes:
  a: { read: f, on: "at:a", with: { n: "\${ input.x }" }, output: number }
  b: { read: f, on: "at:b", with: { n: "\${ a }" }, output: number, speculate: true }
output: b
`

function engine(speculate: Speculate | undefined, shadows: Shadows, kind?: (read: NodeKind) => NodeKind, graph = text) {
  const calls: string[] = []
  const f = async ({ n }: { readonly n: number | string }) => {
    calls.push(`f ${n}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
    calls.push(`f ${n} done`)
    return typeof n === "string" ? `${n}!` : n + 1
  }
  const kinds = kindsOf({ f })
  const read = kinds.get("read")!
  const registry = kind === undefined ? kinds : new Map([...kinds, ["read", kind(read)]])
  const { checked } = checkFile({ file: "g.graph.yaml", text: graph }, { registry })
  const services = { clock: systemClock, chance: { next: () => 0.5, bytes: (n: number) => new Uint8Array(n) }, shadows }
  const made = new LookingEngine({ registry, services, speculate })
  const run = async (input: Value, options: RunOptions = {}) => {
    const ready = await made.prepare(compile(checked!).bytes, { grants: checked!.needs })
    const result = await ready.run(input, options)
    const { rows } = await made.store.entries("", result.run)
    const guesses = rows.flatMap((row) => {
      const { body } = openRow(row)
      return body.kind === "guess" ? [`${printPath(body.path)} ${body.verdict}`] : []
    })
    return { result, guesses }
  }
  return { run, calls, store: made.store, close: () => made.close() }
}

/** The kind, whose calls sign more. */
const signing =
  (more: Partial<Signature>) =>
  (kind: NodeKind): NodeKind => ({ ...kind, sign: (node) => ({ ...(kind.sign(node) as Signature), ...more }) })

describe("an engine", () => {
  const right = new TestShadow((args) => sure((args as { n: number }).n + 1))

  test("asks for a shadow by what the tool is, and looks ahead where it is told to", async () => {
    const asked: string[] = []
    const shadows: Shadows = {
      of: ({ kind, signature, output }) => {
        asked.push(`${kind} ${signature.resource} ${output.kind}`)
        return right
      },
    }
    const ahead = engine({}, shadows)
    const [first, alone] = [await ahead.run({ x: 1 }), await ahead.run({ x: 1 }, { speculate: false })]
    expect(asked).toEqual(["read at:a number", "read at:b number"])
    expect(first.guesses).toEqual(["a kept"])
    expect(alone.guesses).toEqual([])
    expect(first.result.trace).toBe(alone.result.trace)
    expect(ahead.calls.slice(0, 4)).toEqual(["f 1", "f 2", "f 1 done", "f 2 done"])
    await ahead.close()
  })

  test("shadows of another edition are taken up by the next run", async () => {
    let edition = 1
    const shadows: Shadows = { of: () => (edition === 2 ? right : undefined), edition: () => edition }
    const made = engine({}, shadows)
    const guesses: unknown[] = []
    for (; edition <= 3; edition++) guesses.push((await made.run({ x: 1 })).guesses)
    expect(guesses).toEqual([[], ["a kept"], []])
    await made.close()
  })

  test("without being told it does not, whatever shadows there are", async () => {
    const still = engine(undefined, { of: () => right })
    expect((await still.run({ x: 1 })).guesses).toEqual([])
    expect((await still.run({ x: 1 }, { speculate: {} })).guesses).toEqual(["a kept"])
    await still.close()
  })

  test("tells a caller who asks an early answer, and whether it held", async () => {
    const early = engine({}, { of: () => right })
    const heard: unknown[] = []
    const { result } = await early.run(
      { x: 1 },
      {
        onEarly: async ({ value, bound, rests, verified }) => {
          heard.push([value, bound, rests.map(({ path }) => printPath(path)), early.calls.includes("f 1 done")])
          heard.push(await verified)
        },
      },
    )
    await Promise.resolve()
    expect(result.outcome).toEqual({ ok: true, value: 3 })
    expect(heard).toEqual([[3, 0.02, ["a", "b"], false], true])
    await early.close()
  })
})

test("the engine that carries nothing of looking ahead says so where it is asked to, and where to find it", () => {
  const services = { clock: systemClock, chance: { next: () => 0.5, bytes: (n: number) => new Uint8Array(n) } }
  const open = () => new Engine({ registry: kindsOf({}), services, speculate: {} })
  expect(open).toThrow(/the one of shadowgraph\/edge carries nothing for that; .* open the Engine of shadowgraph/)
})

describe("which inference made a guess, and why that one", () => {
  const RAN = "wasm-single: one call"
  const heard = async (shadow: TestShadow) => {
    const made = engine({}, { of: () => shadow })
    const events: RunEvent[] = []
    const { result } = await made.run({ x: 1 }, { onEvent: (event) => events.push(event) })
    const { rows } = await made.store.entries("", result.run)
    await made.close()
    const guesses = events.flatMap((e) => (e.type === "guess" ? [e] : []))
    const entries = rows.map((row) => openRow(row).body).flatMap((b) => (b.kind === "guess" ? [b] : []))
    return { guesses, entries, shadow }
  }

  test("stands in the ledger's entry and in the run's events", async () => {
    const { guesses, entries } = await heard(
      new TestShadow((args) => ({ ...sure((args as { n: number }).n + 1), ran: RAN }) as Prediction),
    )
    expect(entries.map(({ verdict, why }) => [verdict, why])).toEqual([["kept", RAN]])
    const told = { path: ["a"], by: BY, alpha: 0.01, confidence: 0.99, why: RAN }
    expect(guesses).toMatchObject([
      { verdict: "open", ...told },
      { verdict: "kept", ...told, ms: null },
    ])
    expect(guesses[0]!.ms).toBeGreaterThanOrEqual(0)
    expect(guesses[1]!.at).toBeGreaterThanOrEqual(guesses[0]!.at)
  })

  test("is not there where the shadow does not say, is cut where it says much; and why there is none is told as well", async () => {
    const silent = await heard(new TestShadow((args) => sure((args as { n: number }).n + 1)))
    expect([silent.entries[0]!.why, silent.guesses[0]!.why]).toEqual([null, null])
    const chatty = await heard(
      new TestShadow((args) => ({ ...sure((args as { n: number }).n + 1), ran: "x".repeat(9_999) }) as Prediction),
    )
    expect(chatty.entries[0]!.why).toHaveLength(200)
    const none = await heard(new TestShadow(() => ({ ok: false, why: "drift" })))
    expect(none.entries.map(({ verdict, why, by }) => [verdict, why, by])).toEqual([["off", "drift", null]])
    expect(none.guesses).toMatchObject([{ verdict: "off", why: "drift", by: null, ms: null }])
    // What was predicted is quoted to nobody who only watches.
    const odd = await heard(new TestShadow(() => sure("of another type")))
    expect([odd.entries[0]!.why, odd.guesses[0]!.why]).toEqual([expect.stringContaining("refused: "), "refused"])
  })

  test("a shadow hears of every call that the run comes to, guessed or not", async () => {
    const told: unknown[] = []
    const shadow = new TestShadow(() => ({ ok: false, why: "drift" }))
    const listening = { predict: shadow.predict, observe: (...words: unknown[]) => void told.push(words) }
    const made = engine({}, { of: () => listening })
    await made.run({ x: 1 })
    await made.close()
    expect(told).toEqual([
      [{ n: 1 }, undefined, { ok: true, value: 2 }],
      [{ n: 2 }, undefined, { ok: true, value: 3 }],
    ])
  })
})

describe("budgets", () => {
  const wrong = () => new TestShadow(() => sure(70))

  test("reads that were called in vain are paid for", async () => {
    const made = engine({}, { of: wrong })
    const { result } = await made.run({ x: 1 }, { budget: { calls: 10 } })
    expect(result.spent!.calls).toBe(3)
    const alone = await made.run({ x: 1 }, { budget: { calls: 10 }, speculate: false })
    expect(alone.result.spent!.calls).toBe(2)
    expect(result.trace).toBe(alone.result.trace)
    await made.close()
  })

  test("where half of a budget is used, nothing is called in vain", async () => {
    const made = engine({}, { of: wrong })
    const { result } = await made.run({ x: 1 }, { budget: { calls: 2 } })
    expect(result.outcome).toEqual({ ok: true, value: 3 })
    expect(result.spent!.calls).toBe(2)
    await made.close()
  })
})

test("what a shadow says counts as a model's words: where these may not go, nothing is called on a guess", async () => {
  const words = text.replaceAll("number", "string")
  const right = () => new TestShadow((args) => sure(`${(args as { n: string }).n}!`))
  for (const [sort, guesses] of [
    ["url-query", ["a kept"]],
    ["url-path", ["a kept"]],
  ] as const) {
    // As if the argument were a part of an address.
    const made = engine({}, { of: right }, signing({ sinks: { n: sort } }), words)
    expect((await made.run({ x: "1" })).guesses).toEqual([...guesses])
    // It is guessed, and called when it is certain.
    const together = made.calls.indexOf("f 1!") < made.calls.indexOf("f 1 done")
    expect(together).toBe(sort === "url-query")
    await made.close()
  }
})

describe("nothing is guessed", () => {
  const right = () => new TestShadow((args) => sure((args as { n: number }).n + 1))
  const cases: { readonly [what: string]: (kind: NodeKind) => NodeKind } = {
    "where a person is asked or a time is waited for": signing({ waits: true }),
    "where an independent oracle has to be asked whether it counts": (kind) => ({
      ...kind,
      validators: () => [{ level: "oracle", about: "somebody else agrees", by: "somebody", check: async () => true }],
    }),
  }
  for (const [what, kind] of Object.entries(cases)) {
    test(what, async () => {
      const shadow = right()
      // The mark would be refused by `check`: a plan that has it all the same is treated alike.
      const unmarked = text.replace(", speculate: true", "")
      const made = engine({}, { of: () => shadow }, kind, what.includes("oracle") ? text : unmarked)
      const { result } = await made.run({ x: 1 }, { onEarly: () => {} })
      expect(result.outcome).toEqual({ ok: true, value: 3 })
      expect(shadow.asked).toEqual([])
      expect(made.calls).toEqual(["f 1", "f 1 done", "f 2", "f 2 done"])
      await made.close()
    })
  }

  test("and `speculate:` on such a node is refused", () => {
    const registry = new Map([["read", signing({ waits: true })(kindsOf({ f: () => 1 }).get("read")!)]])
    const { problems } = checkFile({ file: "g.graph.yaml", text }, { registry })
    expect(problems.map((p) => `${p.code} ${p.message}`)).toEqual([
      "G207 A question or a wait cannot run on a guess: it is for when its arguments are certain.",
    ])
  })
})

describe("what is stated", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ["yes", '"speculate" wants true, false or a record like { "depth": 8 }, found "yes"'],
    [{ depht: 3 }, '"speculate" has no "depht"; it has depth, outstanding, calls, error, confidence, costs'],
    [{ depth: 0 }, '"speculate": "depth" must be a whole number from 1, found 0'],
    [{ error: 5 }, '"speculate": "error" must be a number from 0 to 1, found 5'],
    [{ costs: "no" }, '"speculate": "costs" must be true or false, found "no"'],
  ]
  for (const [data, message] of cases) {
    test(JSON.stringify(data), () => {
      expect(() => readSpeculate(data)).toThrow(message)
    })
  }

  test("in the project's file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shadowgraph-ahead-"))
    const write = (speculate: unknown) =>
      writeFileSync(join(folder, "shadowgraph.project.json"), JSON.stringify({ speculate }))
    write({ depth: 2, costs: false })
    expect((await readProjectFile(folder)).speculate).toEqual({ depth: 2, costs: false })
    write(true)
    expect((await readProjectFile(folder)).speculate).toEqual({})
    write(false)
    expect((await readProjectFile(folder)).speculate).toBeUndefined()
    write(3)
    await expect(readProjectFile(folder)).rejects.toThrow(/shadowgraph.project.json": "speculate" wants true/)
  })
})
