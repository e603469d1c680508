// The structure of what the builder makes: nodes, bodies, names, the order of effects, and what it refuses to build.
import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import { printCel } from "../cel.ts"
import type { Node, Scope } from "../ir.ts"
import { bool, catchError, expr, fn, fold, graph, loop, map, match, need, num, or, sum, when } from "./mod.ts"

/** A scope in a few lines: name, kind, arguments, `after`, and its bodies indented. */
function outline(scope: Scope, indent = ""): string {
  const line = (n: Node): string => {
    const after = n.settings.after === undefined ? "" : ` after ${n.settings.after.join(", ")}`
    const bodies = Object.entries(n.scopes).map(
      ([role, s]) =>
        `${indent}  ${role}${s.name ? ` as ${s.name}` : ""}(${s.params.join(", ")})\n${outline(s, `${indent}    `)}`,
    )
    return [`${indent}${n.name}: ${n.kind} ${printCel(n.args)}${after}`, ...bodies].join("\n")
  }
  return [...scope.nodes.map(line), `${indent}→ ${printCel(scope.output)}`].join("\n")
}

const Line = v.object({ weight: v.number(), distance: v.number() })
const linesOf = fn(
  "lines_of",
  {
    input: { order: v.string() },
    output: v.array(Line),
    effect: "read",
    resource: "db:shop",
    needs: ["sql:shop:read"],
  },
  async () => [{ weight: 1, distance: 2 }],
)
const rates = fn(
  "rates",
  { input: {}, output: v.object({ rates: v.record(v.string(), v.number()) }), effect: "read", resource: "host:rates" },
  () => ({ rates: { EUR: 1 } }),
)
const double = fn("double", { input: v.number(), output: v.number(), effect: "pure", async: false }, (x) => x * 2)
const lineCost = graph("line_cost", { input: Line }, (line) => num`${line.weight} * 0.4 + ${line.distance} * 0.12`)
const save = fn("save", { input: { text: v.string() }, output: v.null(), resource: "fs:/data" }, () => null)
const load = fn("load", { input: {}, output: v.string(), effect: "read", resource: "fs:/data" }, () => "")
const loadPart = fn("load_part", { input: {}, output: v.string(), effect: "read", resource: "fs:/data/part" }, () => "")

describe("a graph", () => {
  test("becomes its IR", () => {
    const quote = graph(
      "delivery_quote",
      {
        input: { order: v.string(), currency: v.picklist(["EUR", "USD"]), margin: v.optional(v.number(), 1.2) },
        about: "A quote.",
      },
      function* (input) {
        const lines = yield* linesOf({ order: input.order }, { timeout: "2s", retry: 3 })
        const { rates: table } = yield* rates({})
        const cost = yield* map("cost", lines, lineCost, { parallel: 16 })
        return yield* when(
          "quote",
          bool`${sum(cost)} > 1000`,
          () => 0,
          () => num`${sum(cost)} * ${input.margin} * ${or(table.at(input.currency), 1)}`,
        )
      },
    )
    expect(outline(quote.ir.body)).toBe(`lines_of: fn {"order": input.order}
rates: fn {}
cost: map lines_of
  do(item)
    do: graph item
    → do
quote: when cost.sum() > 1000
  then()
    then: expr 0
    → then
  else()
    else: expr cost.sum() * input.margin * rates.rates[?input.currency].orValue(1)
    → else
→ quote`)
    expect(quote.ir.name).toBe("delivery_quote")
    expect(quote.ir.about).toBe("A quote.")
    expect(quote.ir.input).toEqual({
      kind: "record",
      fields: {
        order: { type: { kind: "string" } },
        currency: { type: { kind: "enum", values: ["EUR", "USD"] } },
        margin: { type: { kind: "number" }, default: 1.2 },
      },
    })
    expect(quote.ir.body.nodes[0]!.settings).toEqual({
      timeoutMs: 2000,
      retry: { times: 3, delayMs: 200, delayMsMax: 10_000 },
    })
    expect(quote.ir.body.nodes[2]!.config).toEqual({ parallel: 16 })
    expect([...quote.code.keys()]).toEqual(["inline:lines_of", "inline:rates"])
  })

  test("is plain data: it survives JSON, and building it twice gives the same", () => {
    const build = () =>
      graph("twice", { input: { a: v.number() } }, function* (input) {
        return yield* double(input.a)
      }).ir
    expect(JSON.parse(JSON.stringify(build()))).toEqual(build() as never)
  })

  test("keeps a function's signature as data and its closure beside", async () => {
    const g = graph("g", { input: { a: v.number() } }, function* (input) {
      return yield* double(input.a)
    })
    expect(g.ir.body.nodes[0]!.config).toEqual({
      code: "inline:double",
      effect: "pure",
      input: "number",
      output: "number",
      async: false,
    })
    const { call } = g.code.get("inline:double")!
    expect(call(21 as never, {} as never)).toBe(42)
  })

  test("is a call: subgraphs bring their code along", () => {
    const inner = graph("inner", { input: { a: v.number() } }, function* (input) {
      return yield* double(input.a)
    })
    const outer = graph("outer", { input: { x: v.number() } }, function* (input) {
      const once = yield* inner({ a: input.x })
      return yield* inner({ a: once }, { name: "again" })
    })
    expect(outline(outer.ir.body)).toBe('inner: graph {"a": input.x}\nagain: graph {"a": inner}\n→ again')
    expect(outer.ir.body.nodes[0]!.graph).toBe(inner.ir)
    expect([...outer.code.keys()]).toEqual(["inline:double"])
  })

  test("gives an expression a name of its own", () => {
    const g = graph("g", { input: { a: v.number() } }, function* (input) {
      const b = yield* expr("b", { twice: num`${input.a} * 2`, tags: ["x", input.a] })
      return b.twice
    })
    expect(outline(g.ir.body)).toBe('b: expr {"twice": input.a * 2, "tags": ["x", input.a]}\n→ b.twice')
  })

  test("of control nodes, nested, with variables that never hide one another", () => {
    const g = graph(
      "g",
      { input: { xs: v.array(v.array(v.number())), word: v.picklist(["a", "b"]) } },
      function* (input) {
        const sums = yield* map("sums", input.xs, function* (xs, { index }) {
          const total = yield* fold("total", xs, 0, (acc, x) => num`${acc} + ${x} + ${index}`)
          return yield* double(total)
        })
        const grown = yield* loop(
          "grown",
          { n: 1 },
          { while: (s) => bool`${s.n} < 10`, do: (s) => ({ n: num`${s.n} * 2` }), max: 9 },
        )
        return yield* match("chosen", input.word, { a: () => sums.length, b: () => grown.n })
      },
    )
    expect(outline(g.ir.body)).toBe(`sums: map input.xs
  do as do(item, index)
    total: fold {"over": item, "from": 0}
      do(acc, item_2)
        do: expr acc + item_2 + index
        → do
    double: fn total
    → double
grown: loop {"from": {"n": 1}}
  while(state)
    → state.n < 10
  do(state)
    do: expr {"n": state.n * 2}
    → do
chosen: switch input.word
  case:a()
    a: expr sums.size()
    → a
  case:b()
    b: expr grown.n
    → b
→ chosen`)
  })

  test("catches failures where the node is made", () => {
    const g = graph("g", { input: {} }, function* () {
      const a = yield* catchError(load({}), (e) => e.code)
      return yield* catchError(double(num`${1}`, { name: "b" }), function* () {
        yield* save({ text: a })
        return 0
      })
    })
    expect(outline(g.ir.body)).toBe(`load: fn {}
  catch(error)
    → error.code
b: fn 1
  catch as catch(error)
    save: fn {"text": load}
    → 0
→ b`)
  })
})

describe("the order of effects", () => {
  const after = (body: () => Generator<never, unknown, never>) =>
    Object.fromEntries(
      graph("g", { input: { a: v.boolean() } }, body as never).ir.body.nodes.map((n) => [
        n.name,
        n.settings.after ?? [],
      ]),
    )

  test("is that of the yields, between those that conflict", () => {
    expect(
      after(function* () {
        yield* load({})
        yield* load({}, { name: "load_2" })
        yield* save({ text: "x" })
        yield* save({ text: "x" }, { name: "save_2" })
        yield* loadPart({})
        yield* rates({})
        return null
      } as never),
    ).toEqual({ load: [], load_2: [], save: ["load", "load_2"], save_2: ["save"], load_part: ["save_2"], rates: [] })
  })

  test("is left to the data where a way leads from the one to the other", () => {
    const g = graph("g", { input: {} }, function* () {
      const text = yield* load({})
      const longer = yield* expr("longer", [text])
      return yield* save({ text: need(longer.at(0)) })
    })
    expect(g.ir.body.nodes.map((n) => n.settings.after)).toEqual([undefined, undefined, undefined])
  })

  test("sees into bodies and subgraphs", () => {
    const inner = graph("inner", { input: {} }, function* () {
      return yield* save({ text: "y" })
    })
    expect(
      after(function* () {
        yield* load({})
        yield* inner({})
        yield* when("maybe", true, () => loadPart({}))
        yield* map("each_one", [1, 2], () => save({ text: "z" }))
        return null
      } as never),
    ).toEqual({ load: [], inner: ["load"], maybe: ["inner"], each_one: ["maybe"] })
  })

  test("can be made stricter by hand", () => {
    const g = graph("g", { input: {} }, function* () {
      const r = yield* rates({})
      yield* load({}, { after: [r] })
      yield* save({ text: "x" }, { after: ["rates"] })
      return null
    })
    expect(g.ir.body.nodes.map((n) => n.settings.after)).toEqual([undefined, ["rates"], ["rates", "load"]])
  })
})
