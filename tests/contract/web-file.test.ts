/**
 * `http` and `llm` nodes in graph files: what the checker makes of them, and each mistake at its line with one clear
 * message.
 */
import { describe, expect, test } from "bun:test"
import { checkFile } from "../../graph/file/mod.ts"
import { leastNeeds, parsePolicy, printType, registry } from "../../graph/mod.ts"
import { http, llm } from "../../nodes/mod.ts"

const FILE = `graph: web
input:
  id: string
  currency: EUR | USD
  more: { a: number }
  question: string
models:
  main: { url: https://api.example.com/v1, model: some-1, auth: secret:MODEL_KEY }
nodes:
  rates:
    http: GET https://rates.example.com/latest?base=\${ input.currency }
    output: { rates: { "*": number } }
    timeout: 2s
    retry: 3
  order:
    http: POST https://shop.example.com/customers/\${ input.id }/orders
    query: { dry: true, tags: [a, b], currency: "\${ input.currency }" }
    headers: { X-Trace: "t-\${ input.id }" }
    body: { rates: "\${ rates.rates }", note: "For \${ input.id }" }
    auth: { bearer: secret:SHOP_KEY }
    key_header: Idempotency-Key
    limit: 2MB
    status: [200, 201]
    output: { id: int64 }
  answer:
    llm: main
    system: Be kind.
    prompt: |
      \${ input.question }
      Thanks.
    temperature: 0
    tools:
      add:
        about: Adds.
        input: { a: number, b: number = 1 }
        do: { expr: a + b }
      rate:
        input: { word: string }
        do:
          http: GET https://rates.example.com/words/\${ word }
          output: string
    output: { sum: number }
output: { id: order.id, sum: answer.sum }
`
const kinds = registry(http, llm)
// The model is let choose whose rate it asks for.
const policy = parsePolicy(["default", "allow model main text into url-path at web.answer.rate"])
const check = (text: string) => checkFile({ file: "web.graph.yaml", text }, { registry: kinds, policy })

test("effects, resources, needs and types", () => {
  const { checked, problems } = check(FILE)
  expect(problems).toEqual([])
  const facts = Object.fromEntries(
    checked!.graph.body.nodes.map((n) => {
      const signature = checked!.nodes.get(n)!.signature!
      return [n.name, [signature.effect, signature.resource, signature.keyed === true]]
    }),
  )
  expect(facts).toEqual({
    rates: ["read", "host:rates.example.com", false],
    order: ["write", "host:shop.example.com", true],
    answer: ["read", "model:main", false],
  })
  expect(leastNeeds(checked!)).toEqual([
    "model:main",
    "net:api.example.com",
    "net:rates.example.com",
    "net:shop.example.com",
    "secret:MODEL_KEY",
    "secret:SHOP_KEY",
  ])
  expect(printType(checked!.output)).toBe("{ id: int64, sum: number }")
})

describe("each mistake has its place and one message", () => {
  const MISTAKES: readonly (readonly [was: string, is: string, problems: readonly string[]])[] = [
    ["https://rates.example.com/latest", "https://${ input.id }/latest", ["G207 11 nodes.rates.http"]],
    ["GET https://rates.example.com/latest", "FETCH https://rates.example.com/latest", ["G207 11 nodes.rates.http"]],
    ["customers/${ input.id }", "customers/${ input.more }", ["G101 15 nodes.order"]],
    ["customers/${ input.id }", "customers/${ input.ib }", ["G017 16 nodes.order.http"]],
    ['currency: "${ input.currency }" }', 'currency: "${ rates }" }', ["G101 17 nodes.order.query.currency"]],
    ["X-Trace:", "Host:", ["G207 18 nodes.order.headers.Host"]],
    ["X-Trace:", "Authorization:", ["G304 18 nodes.order.headers.Authorization"]],
    ["bearer: secret:SHOP_KEY", "bearer: abcdefghijklm", ["G304 20 nodes.order.auth.bearer"]],
    ["bearer: secret:SHOP_KEY", "bear: secret:SHOP_KEY", ["G008 20 nodes.order.auth"]],
    ["limit: 2MB", "limit: 2000GB", ["G207 22 nodes.order.limit"]],
    ["status: [200, 201]", "status: [20]", ["G207 23 nodes.order.status"]],
    ["output: { id: int64 }", "output: { id: int64 }\n    redirects: -1", ["G207 25 nodes.order.redirects"]],
    ["llm: main", "llm: man", ["G202 26 nodes.answer.llm"]],
    ["temperature: 0", "temperature: hot", ["G008 31 nodes.answer.temperature"]],
    ["temperature: 0", "temperature: 9", ["G207 31 nodes.answer.temperature"]],
    ["a + b", "a + c", ["G102 36 nodes.answer.tools.add.do.expr"]],
    ["input: { word: string }", "input: { word?: string }", ["G207 38 nodes.answer.tools.rate.input"]],
    ["output: { sum: number }", "output: { sum: bytes }", ["G101 42 nodes.answer.output"]],
    ["sum: answer.sum", "sum: answer.total", ["G017 43 output.sum"]],
    ["auth: secret:MODEL_KEY", "auth: hunter2", ["G304 26 nodes.answer.llm"]],
  ]
  for (const [was, is, want] of MISTAKES)
    test(is, () => {
      expect(FILE).toContain(was)
      const { problems } = check(FILE.replace(was, is))
      expect(problems.map((p) => `${p.code} ${p.place?.line} ${p.path}`)).toEqual([...want])
    })
})
