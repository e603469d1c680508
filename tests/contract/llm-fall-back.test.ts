/**
 * A model with several servers, in whole runs over real ones: who answers, what of the others is on record, what streams to
 * the caller meanwhile, what it costs, and what is not passed on.
 */
import { describe, expect, test } from "bun:test"
import type { RunEvent } from "../../bus/mod.ts"
import { compile } from "../../compile/mod.ts"
import { Engine, type EngineOptions } from "../../deploy/engine/engine.ts"
import { createHttp } from "../../deploy/services/http.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { decode, type Rec } from "../../graph/mod.ts"
import { openRow } from "../../kernel/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { bare } from "./drive.ts"
import { startModelServer } from "./model-server.ts"

const first = startModelServer()
const second = startModelServer()

const file = (more = "") => `graph: g
models:
  main:
    - { url: ${first.url}, model: large-1, auth: secret:FIRST_KEY }
    - { url: ${second.url}, model: small-1 }
nodes:
  said:
    llm: main
    prompt: Say something.
${more}output: said
`

const check = (text: string) => checkFile({ file: "g.yaml", text }, { registry: standardKinds })

async function run(text = file(), options: Partial<EngineOptions> = {}, secret: string | undefined = "k") {
  const { checked, problems } = check(text)
  expect(problems).toEqual([])
  const engine = new Engine({
    registry: standardKinds,
    services: { clock: bare.clock, chance: bare.chance, http: createHttp(), secret: () => secret },
    ...options,
  })
  const ready = await engine.prepare(compile(checked!).bytes, { grants: checked!.needs })
  const notes: string[] = []
  const pieces: string[] = []
  const onEvent = (e: RunEvent) => {
    if (e.type !== "note") return
    notes.push(e.text)
    if (e.piece) pieces.push(e.text)
  }
  const result = await ready.run({}, { onEvent })
  const { rows } = await engine.store.entries("", result.run)
  const parts = rows.filter((row) => openRow(row).body.kind === "part").map((row) => decode(row.data!) as Rec)
  await engine.close()
  return { ...result, notes, pieces, parts }
}

const status = (code: number) => ({
  raw: (r: { writeHead: (code: number) => { end: (text: string) => void } }) => r.writeHead(code).end("no"),
})

describe("a model with several servers", () => {
  test("needs them all, and is granted them all", () => {
    expect([...check(file()).checked!.needs].sort()).toEqual(
      ["model:main", `net:${first.host}`, `net:${second.host}`, "secret:FIRST_KEY"].sort(),
    )
    const bad = (models: string) =>
      check(
        `graph: g\nmodels: { main: ${models} }\nnodes: { said: { llm: main, prompt: Hello } }\noutput: said\n`,
      ).problems.map((p) => `${p.code} ${p.path} ${p.message}`)
    expect(bad("[]")).toEqual(['G207 nodes.said.llm Model "main" lists 0 servers, wanted 1 to 16.'])
    expect(bad("[{ url: https://a.example/v1 }, 3]")).toEqual([
      'G207 nodes.said.llm Model "main" has no model.',
      'G207 nodes.said.llm Model "main" is no mapping.',
    ])
  })

  test("is answered by the first; that, too, is on record", async () => {
    first.script = [{ text: "hello from the first" }]
    const { outcome, parts, notes, pieces } = await run()
    // What a caller puts together is the answer, and no word about it.
    expect(pieces.join("")).toBe("hello from the first")
    expect(outcome).toEqual({ ok: true, value: "hello from the first" })
    expect(parts).toMatchObject([{ by: { host: first.host, model: "large-1" }, not: [] }])
    // What streams is what comes out, piece by piece, before the outcome is there.
    expect(notes.slice(0, -1).length).toBeGreaterThan(3)
    expect(notes.slice(0, -1).join("")).toBe("hello from the first")
  })

  test("goes on to the second where the first is overloaded, breaks off or has no key here, and says so", async () => {
    second.script = [{ text: "hello from the second" }]
    first.script = [status(503) as never]
    const busy = await run()
    expect(busy.outcome).toEqual({ ok: true, value: "hello from the second" })
    const not = (host: string) => [{ host, model: "large-1", reason: expect.stringContaining("answered 503") as never }]
    expect(busy.parts).toMatchObject([{ by: { host: second.host, model: "small-1" }, not: not(first.host) }])
    expect(busy.notes[0]).toContain(`answered 503: no; asks small-1 at ${second.host}`)

    first.script = [
      {
        raw: (r) => {
          r.writeHead(200, { "content-type": "text/event-stream" })
          r.write('data: {"choices":[{"index":0,"delta":{"content":"hel"}}]}\n\n')
          r.end()
        },
      },
    ]
    const cut = await run()
    expect(cut.outcome).toEqual({ ok: true, value: "hello from the second" })
    expect(cut.notes.slice(0, 2)).toEqual([
      "hel",
      expect.stringContaining("stopped in the middle of its answer; asks small-1"),
    ])

    const keyless = await run(file(), {}, "")
    expect(keyless.outcome.ok).toBe(true)
    expect(String((keyless.parts[0]!["not"] as readonly Rec[])[0]!["reason"])).toContain("FIRST_KEY")
  })

  test("fails where none answers, with what each said", async () => {
    first.script = [status(401) as never]
    second.script = [status(503) as never]
    const { outcome } = await run()
    expect(outcome).toMatchObject({
      ok: false,
      failure: { code: "HttpStatus", data: { status: 503 }, retryable: true },
    })
    if (outcome.ok) throw new TypeError("it answered")
    expect(outcome.failure.message).toContain('No server of the model "main" answered: The model large-1')
    expect(outcome.failure.message).toContain("answered 401")
  })

  test("does not ask another for what the first refuses to say", async () => {
    first.script = [{ refusal: "I will not." }]
    const before = second.requests.length
    const { outcome } = await run()
    expect(outcome).toMatchObject({ ok: false, failure: { code: "Refusal" } })
    expect(second.requests.length).toBe(before)
  })

  test("stays with the one that answered, for the rest of the conversation", async () => {
    first.script = [status(503) as never]
    second.script = [{ calls: [{ name: "double", arguments: '{"n":4}' }] }, { text: "eight" }]
    const asked = first.requests.length
    const tools = `    tools:\n      double: { about: Twice., input: { n: number }, do: { expr: n * 2.0 } }\n`
    const { outcome, parts } = await run(file(tools))
    expect(outcome).toEqual({ ok: true, value: "eight" })
    expect(first.requests.length - asked).toBe(1)
    expect(parts.map((p) => (p["not"] as readonly Rec[]).length)).toEqual([1, 0])
  })

  test("is paid for as what answered costs, and a budget counts both", async () => {
    const prices = {
      currency: "EUR",
      models: { "large-1": { in: 10, out: 20 }, "small-1": { in: 1_000_000, out: 2_000_000 } },
    }
    first.script = [{ raw: (r) => r.writeHead(200, { "content-type": "application/json" }).end('{"choices":[]}') }]
    second.script = [{ text: "paid", usage: [3, 2] }]
    const { spent } = await run(file(), { prices, budget: { money: 1_000_000, tokens: 100 } })
    // 3 tokens at one millionth, 2 at two.
    expect(spent).toMatchObject({ tokens: 5, money: 7 })
    const over = await run(file("    repairs: 1\n    output: { a: number }\n"), { prices, budget: { tokens: 4 } })
    expect(over.outcome).toMatchObject({ ok: false, failure: { code: "Budget" } })
  })
})
