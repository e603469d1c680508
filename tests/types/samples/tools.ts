import { fn, type RunFn } from "builder"
import { Data, Effect } from "effect"
import * as v from "valibot"

export class Offline extends Data.TaggedError("Offline")<{ readonly host: string }> {}
export const lines = fn(
  "lines",
  { input: { order: v.string() }, output: v.array(v.number()), effect: "read", needs: ["sql:shop:read"] },
  () => [1, 2],
)
export const rates = fn(
  "rates",
  {
    input: {},
    output: v.object({ rates: v.record(v.string(), v.number()) }),
    effect: "read",
    needs: ["net:rates.example.com"],
  },
  () => Effect.fail(new Offline({ host: "rates.example.com" })),
)
export const convert = fn(
  "convert",
  { input: { amount: v.number(), to: v.picklist(["EUR", "USD"]) }, output: v.number(), effect: "pure" },
  ({ amount }) => amount,
)
export declare const run: RunFn<"engine">
