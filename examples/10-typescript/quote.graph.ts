/**
 * A graph in TypeScript, as Effect programs are written: `yield*` what acts, call operators plainly. Nothing runs here; the
 * body is read once, and its type says what comes out, what may fail, and what a run must be granted.
 */
import { Data, Effect } from "effect"
import { bool, database, fn, graph, map, num, sql, sumBy, when } from "shadowgraph"
import * as v from "valibot"
import parcel from "./parcel.graph.yaml"

export class NoOrder extends Data.TaggedError("NoOrder")<{ readonly order: string }> {}

const Lines = v.array(v.object({ weight_kg: v.number(), fragile: v.number() }))

const linesOf = sql("lines_of", {
  database: database("shop", "sqlite:./shop.db"),
  query: "select weight_kg, fragile from lines where order_id = :order",
  input: { order: v.string() },
  output: Lines,
})

/** A function of our own. Its error is part of the graph's type, and of the run's. */
const known = fn(
  "known",
  { input: { order: v.string(), lines: Lines }, output: Lines, effect: "pure" },
  ({ order, lines }) => (lines.length === 0 ? Effect.fail(new NoOrder({ order })) : Effect.succeed(lines)),
)

export const quote = graph(
  "quote",
  { about: "Price an order by its parcels.", input: { order: v.string(), express: v.optional(v.boolean(), false) } },
  function* (input) {
    const { order } = input
    const lines = yield* known({ order, lines: yield* linesOf({ order }) })
    // A graph file is a call like any other.
    const prices = yield* map(
      "prices",
      lines,
      (line) => parcel({ weight_kg: line.weight_kg, fragile: bool`${line.fragile} == 1` }),
      { parallel: 8 },
    )
    const sum = sumBy(prices, (p) => p.price)
    return yield* when(
      "total",
      input.express,
      () => num`round(${sum} * 1.5, 2)`,
      () => num`round(${sum}, 2)`,
    )
  },
)
