import { fn, grants, graph, match, or, sum } from "builder"
import { Effect } from "effect"
import * as v from "valibot"
import { convert, lines, rates, run } from "./tools.ts"

const quote = graph("quote", { input: { order: v.string(), to: v.picklist(["EUR", "USD"]) } }, function* (input) {
  const all = yield* lines({ order: input.order })
  yield* rates({})
  return yield* convert({ amount: sum(all), to: input.to })
})

// A grant is missing.
const granted = run(quote, { order: "A17", to: "EUR" }).pipe(Effect.provide(grants("sql:shop")))
// TS2379: Type 'Capability<"net:rates.example.com">' is not assignable to type 'never'.
Effect.runPromise(granted)

// The input is not the graph's.
// TS2322: Type '"DKK"' is not assignable to type '"EUR" | "USD"'.
run(quote, { order: "A17", to: "DKK" })

graph(
  "wrong",
  { input: { order: v.string(), n: v.number(), on: v.boolean(), to: v.picklist(["EUR", "USD"]) } },
  function* (input) {
    // A wrong port.
    // TS2322: Type 'number' is not assignable to type 'string'.
    yield* lines({ order: input.n })
    // An input is missing.
    // TS2345: Property 'to' is missing in type '{ amount: number; }' but required in type '{ readonly amount: In<number>; readonly to: In<"EUR" | "USD">; }'.
    yield* convert({ amount: 1 })
    // yield* was forgotten.
    // TS2339: Property 'rates' does not exist on type 'Node<{ rates: { [x: string]: number; }; }, Offline, Capability<"net:rates.example.com">>'.
    const { rates: table } = rates({})
    // A port as a condition.
    // TS2801: This condition will always return true since this 'Port<boolean>' is always defined.
    if (input.on) return 1
    // Arithmetic on a port.
    // TS2362: The left-hand side of an arithmetic operation must be of type 'any', 'number', 'bigint' or an enum type.
    const twice = input.n * 2
    // A comparison with a port.
    // TS2367: This comparison appears to be unintentional because the types 'Port<string>' and 'string' have no overlap.
    const same = input.order === "x"
    // A case is missing.
    // TS2345: Property 'USD' is missing in type '{ EUR: () => number; }' but required in type '{ readonly USD: () => Body; }'.
    yield* match("chosen", input.to, { EUR: () => 1 })
    // What may be absent.
    // TS2345: Type 'undefined' is not assignable to type 'number'.
    yield* half((yield* rates({})).rates.at("EUR"))
    yield* half(or((yield* rates({})).rates.at("EUR"), 1))
    return [table, twice, same]
  },
)

const half = fn("half", { input: v.number(), output: v.number(), effect: "pure" }, (x) => x / 2)
// TS2322: Type 'string' is not assignable to type 'Answer<number>'.
fn("text", { input: v.number(), output: v.number() }, (x) => String(x))
