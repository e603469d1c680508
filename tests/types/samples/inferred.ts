import { fold, graph, map, match, num, or, sum, when } from "builder"
import * as v from "valibot"
import { convert, lines, rates } from "./tools.ts"

export const quote = graph(
  "quote",
  {
    input: {
      order: v.string(),
      to: v.picklist(["EUR", "USD"]),
      note: v.optional(v.string()),
      margin: v.optional(v.number(), 1.2),
    },
  },
  function* (input) {
    const all = yield* lines({ order: input.order })
    const { rates: table } = yield* rates({})
    const each = yield* map("each", all, (x) => num`${x} * ${or(table.at(input.to), 1)}`)
    const most = yield* fold("most", each, { max: 0 }, (acc, x) => ({ max: num`max(${acc.max}, ${x})` }))
    const kind = yield* match("kind", input.to, { EUR: () => "here", USD: () => "there" })
    const price = yield* when("price", true, () => convert({ amount: sum(each), to: input.to }))
    return { price, most, kind, tags: ["a", input.order] }
  },
)
