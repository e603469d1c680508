/**
 * A graph file with `http` and `llm` nodes from text to result, against real servers: read, checked, granted what it
 * needs, and run by the reference evaluator; the model's tools are nodes of the graph and do real work.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import * as server from "node:http"
import type { AddressInfo } from "node:net"
import { checkFile } from "../../graph/file/mod.ts"
import {
  type EffectRecord,
  type Evaluated,
  type Executor,
  evaluateGraph,
  parsePolicy,
  printPath,
  registry,
  type Value,
} from "../../graph/mod.ts"
import { http, llm } from "../../nodes/mod.ts"
import { startModelServer } from "./model-server.ts"
import { callOf, services } from "./services.ts"

const kinds = registry(http, llm)
const model = startModelServer()
let rates = ""
let asked: string[] = []
let busy = 0
const site = server.createServer((q, r) => {
  asked.push(`${q.method} ${q.url}`)
  if (busy-- > 0) return void r.writeHead(503).end("busy")
  const url = new URL(q.url!, "http://x")
  const words: Record<string, unknown> = {
    "/latest": { rates: { EUR: 1, USD: 1.25 } },
    "/words/euro": "EUR",
    "/words/dollar": "USD",
  }
  const found = words[url.pathname]
  r.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" }).end(
    JSON.stringify(found ?? null),
  )
})
beforeAll(async () => {
  await new Promise<void>((ok) => site.listen(0, "127.0.0.1", ok))
  rates = `127.0.0.1:${(site.address() as AddressInfo).port}`
})
afterAll(() => {
  site.closeAllConnections()
  site.close()
})

const file = () => `graph: convert
input: { question: string }
models:
  main: { url: "${model.url}", model: tiny-1 }
nodes:
  rates:
    http: GET http://${rates}/latest
    output: { rates: { "*": number } }
    retry: 2
  answer:
    llm: main
    prompt: \${ input.question }
    tools:
      word:
        about: The code of a currency's name.
        input: { name: string }
        do:
          http: GET http://${rates}/words/\${ name }
          output: EUR | USD
      convert:
        input: { amount: number, code: EUR | USD = "EUR" }
        do:
          expr: amount * rates.rates[code]
    output: { amount: number, code: EUR | USD }
output: answer
`

// The model is let choose which word it looks up.
const policy = parsePolicy(["default", "allow model main text into url-path at convert.answer.word"])

async function run(text: string, input: Value): Promise<Evaluated> {
  const { checked, problems } = checkFile({ file: "convert.graph.yaml", text }, { registry: kinds, policy })
  if (checked === undefined) throw new Error(problems.map((p) => `${p.code} ${p.path}: ${p.message}`).join("\n"))
  const lent = services({ grants: checked.needs })
  const opened = new Map<object, Executor>()
  return evaluateGraph(checked, input, {
    call: async ({ node, signature, args, path, attempt, invoke }) => {
      const kind = kinds.get(node.kind)!
      const executor = opened.get(node) ?? (await kind.open(node.config, checked.graph.resources, lent, signature))
      opened.set(node, executor)
      return executor.execute(args, callOf({ path, attempt, invoke }))
    },
  })
}
const shown = (effects: readonly EffectRecord[]) =>
  effects.map((e) => `${printPath(e.path)} ${e.resource} ${e.outcome.ok ? "ok" : e.outcome.failure.code}`)

test("the model asks tools, the tools ask servers, the answer is typed", async () => {
  asked = []
  model.script = [
    { calls: [{ name: "word", arguments: '{"name":"dollar"}' }] },
    {
      calls: [
        { name: "convert", arguments: '{"amount":8,"code":"USD"}' },
        { name: "word", arguments: '{"name":"../latest"}' },
      ],
    },
    { text: '{"amount":10,"code":"USD"}' },
  ]
  const { outcome, effects } = await run(file(), { question: "8 euros in dollars?" })
  expect(outcome).toEqual({ ok: true, value: { amount: 10, code: "USD" } })
  expect(asked).toEqual(["GET /latest", "GET /words/dollar"])
  expect(shown(effects)).toEqual([
    `rates host:${rates} ok`,
    `answer[0].word host:${rates} ok`,
    `answer[2].word host:${rates} Refused`,
    "answer model:main ok",
  ])
  const told = model.requests
    .at(-1)!
    .messages.filter((m) => m.role === "tool")
    .map((m) => m.content!)
  expect(told.slice(0, 2)).toEqual(['"USD"', "10"])
  expect(told[2]).toContain("Refused")
})

test("a busy server is asked again, a missing page is not", async () => {
  asked = []
  busy = 2
  model.script = [{ text: '{"amount":1,"code":"EUR"}' }]
  expect((await run(file(), { question: "x" })).outcome.ok).toBe(true)
  expect(asked).toEqual(["GET /latest", "GET /latest", "GET /latest"])
  asked = []
  const { outcome } = await run(file().replace("/latest\n", "/nowhere\n"), { question: "x" })
  expect(outcome).toMatchObject({ ok: false, failure: { code: "HttpStatus", data: { status: 404 } } })
  expect(asked).toEqual(["GET /nowhere"])
})

test("what happened has one fingerprint, whatever was in the way", async () => {
  const once = async (obstacles: number) => {
    busy = obstacles
    model.script = [{ calls: [{ name: "word", arguments: '{"name":"euro"}' }] }, { text: '{"amount":2,"code":"EUR"}' }]
    return (await run(file(), { question: "x" })).trace
  }
  expect(await once(2)).toBe(await once(0))
})
