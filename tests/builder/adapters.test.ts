// Tools of the node kinds that ship, made in TypeScript: their types name what a run must be granted, and what a kind
// refuses is refused when the graph is built, in the kind's words.
import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import {
  askOf,
  BuildError,
  type Capability,
  database,
  fn,
  graph,
  httpOf,
  llmOf,
  mcpOf,
  model,
  num,
  server,
  sqlOf,
  text,
  toolOf,
} from "../../graph/build/mod.ts"
import { check, type Graph, registry } from "../../graph/mod.ts"
import { ask, fn as fnKind, http, llm, mcp, readFile, sql } from "../../nodes/mod.ts"

const kinds = registry(ask, fnKind, http, llm, mcp, sql, readFile)
const needsOf = (g: { readonly ir: Graph }): readonly string[] => {
  const { checked, problems } = check(g.ir, { registry: kinds })
  expect(problems.filter((p) => p.severity === "error").map((p) => p.message)).toEqual([])
  return checked!.needs
}
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Same<A, B>) => {}

const shop = database("shop", "sqlite:./shop.db")
const wiki = server("wiki", { url: "https://wiki.example.com/mcp" })
const small = model("small", { url: "https://models.example.com/v1", model: "tiny", auth: "secret:KEY" })

describe("the type of a tool names what its kind asks for", () => {
  test("http: the host, and the secret", () => {
    const rates = httpOf(http)("rates", {
      request: "GET https://Rates.example.com:8443/latest?base={base}",
      auth: { bearer: "secret:RATES" },
      input: { base: v.string() },
      output: v.object({ rates: v.record(v.string(), v.number()) }),
    })
    is<(typeof rates)["types"]["needs"], Capability<"net:rates.example.com:8443" | "secret:RATES">>(true)
    const g = graph("g", { input: {} }, () => rates({ base: "EUR" }))
    expect(needsOf(g)).toEqual(["net:rates.example.com:8443", "secret:RATES"])
    expect(g.ir.body.nodes[0]!.config["method"]).toBe("GET")
  })

  test("sql: the database, to read or to write", () => {
    const read = sqlOf(sql)("read", {
      database: shop,
      query: "SELECT 1 as n",
      output: v.array(v.object({ n: v.number() })),
    })
    const write = sqlOf(sql)("write", {
      database: shop,
      query: "insert into orders (id) values (:id)",
      input: { id: v.string() },
      output: v.object({ changes: v.number() }),
    })
    is<(typeof read)["types"]["needs"], Capability<"sql:shop:read">>(true)
    is<(typeof write)["types"]["needs"], Capability<"sql:shop:write">>(true)
    const g = graph("g", { input: {} }, function* () {
      const [a, b] = [yield* read({}), yield* write({ id: "x" })]
      return [a, b]
    })
    expect(needsOf(g)).toEqual(["sql:shop:read", "sql:shop:write"])
    // A read and a write of one database, in the order of the yields.
    expect(g.ir.body.nodes[1]!.settings.after).toEqual(["read"])
    expect(g.ir.resources).toEqual({ databases: { shop: "sqlite:./shop.db" } })
  })

  test("mcp: the tool, and the server's host", () => {
    const search = mcpOf(mcp)("search", {
      server: wiki,
      tool: "search",
      input: { q: v.string() },
      output: v.string(),
      parse: "text",
    })
    is<(typeof search)["types"]["needs"], Capability<"mcp:wiki/search" | "net:wiki.example.com">>(true)
    const g = graph("g", { input: { q: v.string() } }, (input) => search({ q: text`about ${input.q}` }))
    expect(needsOf(g)).toEqual(["mcp:wiki/search", "net:wiki.example.com"])
  })

  test("mcp: who logs in", () => {
    const url = "https://wiki.example.com/mcp"
    const call = <const D>(declaration: D) =>
      mcpOf(mcp)("search", { server: server("wiki", declaration), tool: "search", output: v.string(), parse: "text" })
    const person = call({ url, auth: "oauth" })
    is<(typeof person)["types"]["needs"], Capability<"mcp:wiki/search" | "net:wiki.example.com">>(true)
    expect(needsOf(graph("g", { input: {} }, () => person({})))).toEqual(["mcp:wiki/search", "net:wiki.example.com"])
    const issuer = "https://login.example.com"
    const machine = call({
      url,
      auth: { oauth: "client_credentials", id: "app", secret: "secret:APP", issuer } as const,
    })
    type Needs = "mcp:wiki/search" | "net:wiki.example.com" | "net:login.example.com" | "secret:APP"
    is<(typeof machine)["types"]["needs"], Capability<Needs>>(true)
    expect(needsOf(graph("g", { input: {} }, () => machine({})))).toEqual([
      "mcp:wiki/search",
      "net:login.example.com",
      "net:wiki.example.com",
      "secret:APP",
    ])
    const token = call({ url, auth: "secret:KEY" })
    is<(typeof token)["types"]["needs"], Capability<"mcp:wiki/search" | "net:wiki.example.com" | "secret:KEY">>(true)
    expect(needsOf(graph("g", { input: {} }, () => token({})))).toEqual([
      "mcp:wiki/search",
      "net:wiki.example.com",
      "secret:KEY",
    ])
  })

  test("llm: the model, its host, its secret, and what its tools need", () => {
    const convert = fn(
      "convert",
      {
        input: { amount: v.number(), to: v.string() },
        output: v.number(),
        effect: "read",
        needs: ["net:rates.example.com"],
      },
      ({ amount }) => amount,
    )
    const double = graph("double", { input: { n: v.number() } }, (input) => num`${input.n} * 2`)
    const answer = llmOf(llm)("answer", {
      model: small,
      prompt: "Convert {amount} euros.",
      input: { amount: v.number() },
      output: v.object({ total: v.number() }),
      tools: { convert: { about: "Converts.", call: convert }, double },
    })
    is<
      (typeof answer)["types"]["needs"],
      Capability<"model:small" | "net:models.example.com" | "secret:KEY"> | Capability<"net:rates.example.com">
    >(true)
    const g = graph("g", { input: { amount: v.number() } }, (input) => answer({ amount: input.amount }))
    const node = g.ir.body.nodes[0]!
    expect(Object.keys(node.scopes)).toEqual(["tool:convert", "tool:double"])
    expect(node.scopes["tool:convert"]!.params).toEqual(["amount", "to"])
    expect([...g.code.keys()]).toEqual(["inline:convert"])
    expect(needsOf(g)).toEqual(["model:small", "net:models.example.com", "net:rates.example.com", "secret:KEY"])
  })

  test("llm: a model with several servers needs all of them", () => {
    const main = model("main", [
      { url: "https://models.example.com/v1", model: "large", auth: "secret:FIRST" },
      { url: "http://localhost:11434/v1", model: "tiny" },
    ])
    const answer = llmOf(llm)("answer", { model: main, prompt: "Say {what}.", input: { what: v.string() } })
    is<
      (typeof answer)["types"]["needs"],
      Capability<"model:main" | "net:models.example.com" | "secret:FIRST" | "net:localhost:11434">
    >(true)
    const g = graph("g", { input: { what: v.string() } }, (input) => answer({ what: input.what }))
    expect(needsOf(g)).toEqual(["model:main", "net:localhost:11434", "net:models.example.com", "secret:FIRST"])
  })

  test("any other kind: what its author says, held against what it asks for", () => {
    const read = toolOf(readFile, "config", { main: "/data/config.json", needs: ["fs:read:/data/config.json"] })
    is<(typeof read)["types"]["needs"], Capability<"fs:read:/data/config.json">>(true)
  })

  test("ask: a person, and the words to choose from are its type", () => {
    const g = graph("g", { input: { what: v.string() } }, function* (input) {
      const said = yield* askOf(ask)("sure", text`Really ${input.what}?`, { choices: ["yes", "no"], timeout: "1h" })
      is<typeof said, import("../../graph/build/mod.ts").PortOf<"yes" | "no">>(true)
      return said
    })
    is<(typeof g)["types"]["needs"], Capability<"ask:person">>(true)
    expect(needsOf(g)).toEqual(["ask:person"])
  })
})

describe("what a kind refuses is refused when the graph is built", () => {
  const cases: readonly (readonly [what: string, words: string, make: () => (input: never) => unknown])[] = [
    ["a request that is none", "rates", () => httpOf(http)("rates", { request: "FETCH nothing" as never })],
    [
      "a setting that the kind has not",
      "takes query, headers",
      () => toolOf(http, "h", { main: "GET https://a.example.com/", set: { querry: {} } }),
    ],
    [
      "an input that goes nowhere",
      "goes nowhere",
      () => httpOf(http)("h", { request: "GET https://a.example.com/", input: { q: v.string() } }),
    ],
    [
      "an insertion of no field",
      "{q} names no field",
      () => httpOf(http)("h", { request: "GET https://a.example.com/{q}" }),
    ],
    [
      "a need that the type does not say",
      'needs: ["net:a.example.com","secret:KEY"]',
      () =>
        toolOf(http, "h", {
          main: "GET https://a.example.com/",
          set: { auth: { bearer: "secret:KEY" } },
          needs: ["net:a.example.com"],
        }),
    ],
    ["a parameter that is not given", "order", () => sqlOf(sql)("s", { database: shop, query: "select :order" })],
    [
      "two declarations of one name",
      "declares another",
      () => {
        const one = sqlOf(sql)("one", { database: shop, query: "select 1" })
        const two = sqlOf(sql)("two", { database: database("shop", "sqlite:./other.db"), query: "select 1" })
        graph("inside", { input: {} }, function* () {
          yield* one({})
          yield* two({})
          return null
        })
        return () => null
      },
    ],
    [
      "tools on a kind that calls none",
      "calls none",
      () =>
        toolOf(sql, "s", {
          main: "shop",
          uses: [shop],
          set: { query: "select 1" },
          tools: { shop: fn("f", { input: {}, output: v.null() }, () => null) },
        }),
    ],
  ]
  for (const [what, words, make] of cases) {
    test(what, () => {
      expect(() => graph("g", { input: {} }, (() => make()({} as never)) as never)).toThrow(BuildError)
      expect(() => graph("g", { input: {} }, (() => make()({} as never)) as never)).toThrow(words)
    })
  }
})
