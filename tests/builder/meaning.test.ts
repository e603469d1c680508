// What a graph built in TypeScript means: the checker takes it, the reference evaluator computes what plain TypeScript
// computes, and a graph file of the same graph has the same hash. The kinds are the real ones of `nodes`.
import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import {
  askOf,
  bool,
  catchError,
  cel,
  database,
  expr,
  fn,
  fold,
  type Graph,
  graph,
  httpOf,
  llmOf,
  loop,
  map,
  match,
  mcpOf,
  model,
  num,
  or,
  server,
  sqlOf,
  str,
  text,
  toolOf,
  when,
} from "../../graph/build/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { check, evaluateGraph, fail, type Registry, registry, type Value } from "../../graph/mod.ts"
import { ask, fn as fnKind, http, llm, mcp, now, sql } from "../../nodes/mod.ts"

const kinds: Registry = registry(ask, fnKind, http, llm, mcp, now, sql)

// biome-ignore lint/suspicious/noExplicitAny: any graph
const checked = (g: Graph<any, any, any, any>) => {
  const result = check(g.ir, { registry: kinds })
  const errors = result.problems.filter((p) => p.severity === "error")
  if (result.checked === undefined) throw fail("Refused", errors.map((p) => `${p.path}: ${p.message}`).join("\n"))
  return result.checked
}

/** The value or failure code of a run on the reference evaluator; tools are the graph's own closures. */
// biome-ignore lint/suspicious/noExplicitAny: any graph
async function run(g: Graph<any, any, any, any>, input: Value): Promise<unknown> {
  const { outcome } = await evaluateGraph(checked(g), input, {
    call: ({ node, args }) => g.code.get(String(node.config["code"]))!.call(args as never, {} as never),
  })
  return outcome.ok ? outcome.value : outcome.failure.code
}

const double = fn("double", { input: v.number(), output: v.number(), effect: "pure", async: false }, (x) => x * 2)
const parity = fn(
  "parity",
  { input: { n: v.number() }, output: v.picklist(["even", "odd"]), effect: "pure" },
  async ({ n }) => (n % 2 === 0 ? "even" : "odd"),
)
const log: string[] = []
const note = fn("note", { input: { text: v.string() }, output: v.null(), resource: "log" }, ({ text }) => {
  log.push(text)
  return null
})
const risky = fn(
  "risky",
  { input: { n: v.number() }, output: v.number(), effect: "read", resource: "dice" },
  ({ n }) => {
    if (n > 3) throw fail("TooHigh", "too high", { data: n })
    return n
  },
)

describe("the reference evaluator computes what TypeScript does", () => {
  test("with every control node", async () => {
    const g = graph(
      "all",
      { input: { xs: v.array(v.number()), word: v.picklist(["sum", "max"]), bonus: v.optional(v.number(), 5) } },
      function* (input) {
        const marked = yield* map("marked", input.xs, function* (x, { index }) {
          const twice = yield* double(x)
          const kind = yield* parity({ n: x })
          return { at: index, twice, kind }
        })
        const total = yield* fold("total", input.xs, 0, (acc, x) => num`${acc} + ${x}`)
        const grown = yield* loop(
          "grown",
          { n: 1, steps: 0 },
          {
            while: (s) => bool`${s.n} < ${total}`,
            do: function* (s) {
              return { n: yield* double(s.n), steps: num`${s.steps} + 1` }
            },
            max: 100,
          },
        )
        const chosen = yield* match("chosen", input.word, { sum: () => total, max: () => num`max(${input.xs})` })
        const judged = yield* when(
          "judged",
          bool`${chosen} > 10`,
          () => str`"much"`,
          () => "little",
        )
        return { marked, grown, chosen: num`${chosen} + ${input.bonus}`, judged }
      },
    )
    const plain = (xs: number[], word: "sum" | "max", bonus = 5) => {
      const total = xs.reduce((a, x) => a + x, 0)
      let n = 1
      let steps = 0
      for (; n < total; steps++) n *= 2
      const chosen = word === "sum" ? total : Math.max(...xs)
      return {
        marked: xs.map((x, at) => ({ at, twice: x * 2, kind: x % 2 === 0 ? "even" : "odd" })),
        grown: { n, steps },
        chosen: chosen + bonus,
        judged: chosen > 10 ? "much" : "little",
      }
    }
    expect(await run(g, { xs: [1, 2, 3], word: "sum" })).toEqual(plain([1, 2, 3], "sum"))
    expect(await run(g, { xs: [8, 20, 3, 1], word: "max", bonus: 1 })).toEqual(plain([8, 20, 3, 1], "max", 1))
  })

  test("with caught failures", async () => {
    const g = graph("caught", { input: { n: v.number() } }, function* (input) {
      const a = yield* catchError(risky({ n: input.n }), (e) => num`${e.code} == "TooHigh" ? -1 : -2`)
      const b = yield* catchError(risky({ n: num`${input.n} + 1` }, { name: "b" }), function* (e) {
        yield* note({ text: text`failed: ${e.message}` })
        return 0
      })
      return [a, b]
    })
    log.length = 0
    expect(await run(g, { n: 2 })).toEqual([2, 3])
    expect(await run(g, { n: 3 })).toEqual([3, 0])
    expect(await run(g, { n: 4 })).toEqual([-1, 0])
    expect(log).toEqual(["failed: too high", "failed: too high"])
  })

  test("with effects in the order of the yields", async () => {
    const g = graph("ordered", { input: {} }, function* () {
      yield* note({ text: "a" })
      yield* map("bs", [1, 2], (x) => note({ text: text`b${x}` }))
      yield* note({ text: "c" }, { name: "c" })
      return null
    })
    log.length = 0
    await run(g, {})
    expect(log).toEqual(["a", "b1", "b2", "c"])
  })

  test("with validators that say more than types, in a graph, a subgraph and a tool", async () => {
    const small = v.pipe(v.number(), v.maxValue(9))
    const inner = graph(
      "inner",
      { input: { n: small }, output: v.pipe(v.number(), v.minValue(2)) },
      (input) => num`${input.n} * 2`,
    )
    const tool = fn(
      "tool",
      { input: { n: small }, output: v.pipe(v.number(), v.integer()), effect: "pure" },
      ({ n }) => n / 2,
    )
    const g = graph("g", { input: { n: v.number(), m: v.number() } }, function* (input) {
      return { inner: yield* inner({ n: input.n }), tool: yield* tool({ n: input.m }) }
    })
    expect(await run(g, { n: 3, m: 4 })).toEqual({ inner: 6, tool: 2 })
    expect(await run(g, { n: 10, m: 4 })).toBe("Mismatch")
    expect(await run(g, { n: 0, m: 4 })).toBe("Mismatch")
    expect(await run(g, { n: 3, m: 10 })).toBe("Mismatch")
    expect(await run(g, { n: 3, m: 3 })).toBe("Mismatch")
    expect(await run(inner, { n: 10 })).toBe("Mismatch")
    expect(inner.ir.body.nodes.map((n) => n.name)).toEqual(["valid_input", "valid_output"])
  })

  test("with defaults, deep ones too", async () => {
    const lines = fn(
      "lines",
      {
        input: { unit: v.optional(v.string(), "kg"), rows: v.array(v.object({ n: v.optional(v.number(), 7) })) },
        output: v.array(v.string()),
        effect: "pure",
      },
      ({ unit, rows }) => rows.map((r) => `${r.n} ${unit}`),
    )
    const g = graph("g", { input: { rows: v.array(v.object({ n: v.optional(v.number(), 8) })) } }, function* (input) {
      const a = yield* lines({ rows: [{ n: 1 }, {}] })
      const b = yield* lines({ rows: input.rows, unit: "g" }, { name: "b" })
      return [a, b]
    })
    expect(await run(g, { rows: [{}, { n: 2 }] })).toEqual([
      ["1 kg", "7 kg"],
      ["8 g", "2 g"],
    ])
  })
})

describe("a graph file of the same graph has the same hash", () => {
  const fileHash = (yaml: string): string => {
    const result = checkFile({ file: "g.graph.yaml", text: yaml }, { registry: kinds })
    const errors = result.problems.filter((p) => p.severity === "error")
    if (result.checked === undefined) throw fail("Refused", errors.map((p) => `${p.path}: ${p.message}`).join("\n"))
    return result.checked.hash
  }
  const cases: readonly (readonly [string, string, () => Graph<never, unknown, unknown, unknown>])[] = [
    [
      "expressions and control",
      `graph: g
input: { xs: [number], word: a | b, who?: { name?: string }, table: { "*": number } }
nodes:
  twice: { expr: "xs.map(x, x * 2)" }
  total: { fold: input.xs, from: 0, as: x, do: { expr: acc + x } }
  many: { map: input.xs, as: x, index: i, parallel: 4, do: { nodes: { y: { expr: x + i } }, output: y * 2 } }
  grown: { loop: 1, while: state < total, max: 9, do: { expr: state * 2 } }
  pick: { switch: input.word, cases: { a: { expr: total }, b: { expr: grown } } }
  maybe: { when: pick > 3, then: { expr: '{"n": pick}' } }
output: '{"many": many, "name": input.?who.?name.orValue("x"), "eur": input.table.?EUR.orValue(0), "maybe": maybe, "twice": twice}'
`.replace("xs.map", "input.xs.map"),
      () =>
        graph(
          "g",
          {
            input: {
              xs: v.array(v.number()),
              word: v.picklist(["a", "b"]),
              who: v.optional(v.object({ name: v.optional(v.string()) })),
              table: v.record(v.string(), v.number()),
            },
          },
          function* (input) {
            const twice = yield* expr("twice", cel<readonly number[]>`${input.xs}.map(x, x * 2)`)
            const total = yield* fold("total", input.xs, 0, (acc, x) => num`${acc} + ${x}`, { as: "x" })
            const many = yield* map(
              "many",
              input.xs,
              function* (x, { index }) {
                const y = yield* expr("y", num`${x} + ${index}`)
                return num`${y} * 2`
              },
              { as: "x", index: "i", parallel: 4 },
            )
            const grown = yield* loop("grown", 1, {
              while: (s) => bool`${s} < ${total}`,
              max: 9,
              do: (s) => num`${s} * 2`,
            })
            const pick = yield* match("pick", input.word, { a: () => total, b: () => grown })
            const maybe = yield* when("maybe", bool`${pick} > 3`, () => ({ n: pick }))
            return { many, name: or(input.who.name, "x"), eur: or(input.table.at("EUR"), 0), maybe, twice }
          },
        ) as never,
    ],
    [
      "tools of every kind",
      `graph: g
input: { order: string, base: 'string = "EUR"' }
limits: { "host:rates.example.com": { concurrent: 2, per_second: 0.5 }, "db:shop": { concurrent: 1 } }
servers: { files: { stdio: [npx, files] } }
databases: { shop: "sqlite:./shop.db" }
models: { small: { url: "https://models.example.com/v1", model: tiny, auth: "secret:KEY" } }
nodes:
  lines:
    sql: shop
    query: select weight from lines where order_id = :order
    with: { order: "\${ input.order }" }
    output: [{ weight: number }]
  tariff:
    mcp: files/read_text_file
    with: { path: tariff.json }
    parse: json
    effect: read
    output: { per_kg: number }
    retry: 3
    timeout: 2s
  rates:
    http: GET https://rates.example.com/latest?base=\${ input.base }
    headers: { accept: application/json }
    output: { rates: { "*": number } }
    retry: { times: 2, delay: 1s }
    cache: 10m
  summary:
    llm: small
    system: Be brief.
    prompt: "Summarise \${ input.order }"
    temperature: 0
  sure:
    ask: Send \${ summary }?
    choices: ["yes", "no"]
  when_now: { now: ms }
output: '[lines, tariff, rates, summary, sure, when_now]'
`,
      () => {
        const shop = database("shop", "sqlite:./shop.db")
        const files = server("files", { stdio: ["npx", "files"] })
        const small = model("small", { url: "https://models.example.com/v1", model: "tiny", auth: "secret:KEY" })
        const lines = sqlOf(sql)("lines", {
          database: shop,
          query: "select weight from lines where order_id = :order",
          input: { order: v.string() },
          output: v.array(v.object({ weight: v.number() })),
        })
        const tariff = mcpOf(mcp)("tariff", {
          server: files,
          tool: "read_text_file",
          parse: "json",
          effect: "read",
          input: { path: v.string() },
          output: v.object({ per_kg: v.number() }),
        })
        const rates = httpOf(http)("rates", {
          request: "GET https://rates.example.com/latest?base={base}",
          input: { base: v.string() },
          fill: () => ({ headers: { accept: "application/json" } }),
          output: v.object({ rates: v.record(v.string(), v.number()) }),
        })
        const summary = llmOf(llm)("summary", {
          model: small,
          system: "Be brief.",
          prompt: "Summarise {order}",
          temperature: 0,
          input: { order: v.string() },
        })
        const time = toolOf(now, "when_now", { main: "ms", input: {}, needs: ["time"] })
        const limits = { "host:rates.example.com": { concurrent: 2, perSecond: 0.5 }, "db:shop": { concurrent: 1 } }
        const fields = { order: v.string(), base: v.optional(v.string(), "EUR") }
        return graph("g", { input: fields, limits }, function* (input) {
          const a = yield* lines({ order: input.order })
          const b = yield* tariff({ path: "tariff.json" }, { retry: 3, timeout: "2s" })
          const c = yield* rates({ base: input.base }, { retry: { times: 2, delay: "1s" }, cache: "10m" })
          const d = yield* summary({ order: input.order })
          const e = yield* askOf(ask)("sure", text`Send ${d}?`, { choices: ["yes", "no"] })
          const f = yield* time({})
          return [a, b, c, d, e, f]
        }) as never
      },
    ],
    [
      "effects in an explicit order",
      `graph: g
input: { text: string }
servers: { files: { stdio: [npx, files] } }
nodes:
  first: { mcp: files/write, with: { text: "\${ input.text }" }, output: string }
  second: { mcp: files/write, with: { text: x }, output: string, after: first }
  third: { mcp: files/write, with: { text: "\${ second }" }, output: string, catch: error.code }
output: third
`,
      () => {
        const files = server("files", { stdio: ["npx", "files"] })
        const write = mcpOf(mcp)("write", {
          server: files,
          tool: "write",
          input: { text: v.string() },
          output: v.string(),
        })
        return graph("g", { input: { text: v.string() } }, function* (input) {
          yield* write({ text: input.text }, { name: "first" })
          const second = yield* write({ text: "x" }, { name: "second" })
          return yield* catchError(write({ text: second }, { name: "third" }), (e) => e.code)
        }) as never
      },
    ],
  ]
  for (const [what, yaml, build] of cases) test(what, () => expect(checked(build() as never).hash).toBe(fileHash(yaml)))

  test("and another hash, or a problem, when a limit differs", () => {
    const of = (resource: string, perSecond: number) =>
      graph("g", { input: {}, limits: { [resource]: { perSecond } } }, function* () {
        return yield* toolOf(now, "at", { main: "ms", input: {}, needs: ["time"] })({})
      })
    expect(checked(of("time", 1)).hash).toBe(checked(of("time", 1)).hash)
    expect(checked(of("time", 1)).hash).not.toBe(checked(of("time", 2)).hash)
    expect(() => checked(of("times", 1))).toThrow('Nothing in this graph touches the resource "times"')
  })
  test("and another hash when a function's declared effect differs", () => {
    const of = (effect: "pure" | "read") =>
      checked(
        graph("g", { input: {} }, function* () {
          return yield* fn("f", { input: {}, output: v.number(), effect }, () => 1)({})
        }),
      ).hash
    expect(of("pure")).toBe(of("pure"))
    expect(of("pure")).not.toBe(of("read"))
  })
})
