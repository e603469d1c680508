import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import { printCel } from "../cel.ts"
import { bool, fn, graph, map, num, or, sum, when } from "./mod.ts"

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
  { input: {}, output: v.object({ rates: v.record(v.string(), v.number()) }), effect: "read", resource: "host:r" },
  () => ({ rates: { EUR: 1 } }),
)
const lineCost = graph("line_cost", { input: Line }, (line) => num`${line.weight} * 0.4 + ${line.distance} * 0.12`)

describe("graph", () => {
  test("the surface example becomes its IR", () => {
    const quote = graph(
      "delivery_quote",
      { input: { order: v.string(), currency: v.picklist(["EUR", "USD"]) } },
      function* (input) {
        const lines = yield* linesOf({ order: input.order })
        const { rates: table } = yield* rates({})
        const cost = yield* map("cost", lines, lineCost, { parallel: 16 })
        return yield* when(
          "quote",
          bool`${sum(cost)} > 1000`,
          () => num`0`,
          () => num`${sum(cost)} * ${or(table.at(input.currency), 1)}`,
        )
      },
    )
    console.log(JSON.stringify(quote.ir, null, 1))
    expect(quote.ir.body.nodes.map((n) => `${n.name}:${n.kind}`)).toEqual([
      "lines_of:fn",
      "rates:fn",
      "cost:map",
      "quote:when",
    ])
    expect(printCel(quote.ir.body.nodes[2]!.args)).toBe("lines_of")
  })
})
