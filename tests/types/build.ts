/**
 * The builder's types, as a program that compiles: what must compile does, what must not is marked, and the compiler
 * itself says when a mark is wrong. Run by `tsc` with everything else; nothing here is executed.
 */
import { Data, Effect } from "effect"
import * as v from "valibot"
import {
  type Capability,
  type Caught,
  catchError,
  expr,
  fn,
  fold,
  type Graph,
  grants,
  graph,
  loop,
  map,
  match,
  num,
  or,
  type orNull,
  type Port,
  type PortOf,
  type RunFn,
  str,
  stream,
  sum,
  undoable,
  when,
  within,
} from "../../graph/build/mod.ts"

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Same<A, B>) => {}
declare const run: RunFn<"engine">

class Offline extends Data.TaggedError("Offline")<{ readonly host: string }> {}
class NoOrder extends Data.TaggedError("NoOrder")<{ readonly id: string }> {}
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
  (input) => (input.order === "" ? Effect.fail(new NoOrder({ id: "" })) : Effect.succeed([])),
)
const rates = fn(
  "rates",
  {
    input: {},
    output: v.object({ rates: v.record(v.string(), v.number()), at: v.optional(v.string()) }),
    effect: "read",
    needs: ["net:rates.example.com"],
  },
  () => Effect.fail(new Offline({ host: "rates" })),
)
const convert = fn(
  "convert",
  { input: { amount: v.number(), rate: v.number() }, output: v.number(), effect: "pure" },
  ({ amount, rate }) => amount * rate,
)
const double = fn("double", { input: v.number(), output: v.number(), effect: "pure" }, (x) => x * 2)
const later = fn("later", { input: v.string(), output: v.string() }, async (x) => x)
const lineCost = graph("line_cost", { input: Line }, (line) => num`${line.weight} * 0.4 + ${line.distance} * 0.12`)

const quote = graph(
  "delivery_quote",
  {
    input: {
      order: v.string(),
      currency: v.picklist(["EUR", "USD"]),
      note: v.optional(v.string()),
      margin: v.optional(v.number(), 1.2),
    },
  },
  function* (input) {
    const lines = yield* linesOf({ order: input.order })
    const { rates: table } = yield* rates({})
    const cost = yield* map("cost", lines, lineCost, { parallel: 16 })
    return yield* convert({ amount: sum(cost), rate: or(table.at(input.currency), 1) })
  },
)
is<
  typeof quote,
  Graph<
    { order: string; currency: "EUR" | "USD"; note?: string; margin?: number },
    number,
    NoOrder | Offline,
    Capability<"sql:shop:read"> | Capability<"net:rates.example.com">
  >
>(true)

// ---- inputs of graphs and tools

graph("x", { input: { a: v.optional(v.number(), 3), b: v.optional(v.string()) } }, (input) => {
  is<typeof input.a, Port<number>>(true)
  const b: Port<string | undefined> = input.b
  return b
})
is<(typeof lineCost)["types"]["input"], { weight: number; distance: number }>(true)
is<(typeof double)["types"]["input"], number>(true)
graph("x", { input: { a: v.number(), s: v.string() } }, function* (input) {
  yield* double(3)
  const d: Port<number> = yield* double(input.a)
  yield* convert({ amount: d, rate: 2 }, { name: "again", timeout: "2s", retry: 3 })
  // @ts-expect-error: a string where a number is wanted
  yield* double(input.s, { name: "wrong" })
  // @ts-expect-error: a field is missing
  yield* convert({ amount: d }, { name: "less" })
  // @ts-expect-error: a field too many
  yield* convert({ amount: d, rate: 1, extra: 1 }, { name: "more" })
  // @ts-expect-error: not a duration
  yield* double(1, { name: "slow", timeout: "2 seconds" })
  return null
})
const noted = fn("noted", { input: { note: v.optional(v.string()) }, output: v.null() }, () => null)
graph("x", { input: { note: v.optional(v.string()) } }, function* (input) {
  yield* noted({ note: input.note })
  yield* noted({}, { name: "without" })
  // @ts-expect-error: what may be absent does not fit what must be there
  yield* later(input.note)
  yield* later(or(input.note, "none"))
  is<ReturnType<typeof orNull<string | undefined>>, Port<string | null>>(true)
  return null
})
// @ts-expect-error: the function gives text, the schema says number
fn("bad", { input: v.number(), output: v.number() }, (x) => String(x))
// @ts-expect-error: nor may a promise of it
fn("bad", { input: v.number(), output: v.number() }, async (x) => String(x))

// ---- ports are no values

graph("x", { input: { a: v.number(), on: v.boolean(), list: v.array(v.string()) } }, (input) => {
  // @ts-expect-error: a port is always there
  if (input.on) return 1
  // @ts-expect-error: arithmetic on a port
  const twice = input.a * 2
  // @ts-expect-error: comparison with a value
  const same = input.a === 3
  // @ts-expect-error: a number has no fields
  input.a.b
  // @ts-expect-error: no items until the graph runs
  for (const _ of input.list) break
  return [twice, same]
})
graph("x", { input: { order: v.string() } }, function* (input) {
  const node = rates({})
  // @ts-expect-error: a node is not a port: yield* was forgotten
  node.rates
  // @ts-expect-error: nor may it be handed on
  yield* convert({ amount: double(1), rate: 1 })
  // @ts-expect-error: yielded without a star
  const forgotten = graph("y", { input: {} }, function* () {
    yield double(1)
    return null
  })
  void forgotten
  return input.order
})

// ---- control

graph(
  "x",
  { input: { n: v.number(), word: v.picklist(["a", "b"]), text: v.string(), xs: v.array(v.number()) } },
  function* (input) {
    const chosen = yield* match("chosen", input.word, { a: () => 1, b: () => later("x") })
    is<typeof chosen, Port<string | number>>(true)
    // @ts-expect-error: no case for "b"
    yield* match("less", input.word, { a: () => 1 })
    yield* match("rest", input.word, { a: () => 1, else: () => 2 })
    // @ts-expect-error: any text may come
    yield* match("any", input.text, { a: () => 1 })
    yield* match("any2", input.text, { a: () => 1, else: () => 2 })

    const total = yield* fold("total", input.xs, 0, (acc, x) => num`${acc} + ${x}`)
    is<typeof total, Port<number>>(true)
    const pair = yield* fold("pair", input.xs, { n: 0, last: "" }, (acc, x) => ({ n: num`${acc.n} + ${x}`, last: "x" }))
    const n: Port<number> = pair.n
    // @ts-expect-error: the body must give what the accumulator is
    yield* fold("wrong", input.xs, 0, () => "text")

    const grown = yield* loop(
      "grown",
      { n: 1 },
      {
        while: (s) => num`${s.n}` as never,
        do: function* (s) {
          return { n: yield* double(s.n) }
        },
        max: 10,
      },
    )
    const m: Port<number> = grown.n
    const maybe = yield* when("maybe", true, () => input.n)
    is<typeof maybe, Port<number | null>>(true)
    const named = yield* expr("named", { a: input.n, b: [1, input.text] })
    const a: Port<number> = named.a
    const many = yield* map("many", input.xs, (x, { index }) => double(num`${x} + ${index}`))
    is<(typeof many)["length"], Port<number>>(true)
    return [n, m, a]
  },
)

graph("x", { input: { seed: v.number() } }, function* (input) {
  const words = fn("words", { input: v.number(), output: stream(v.string()), effect: "read" }, async function* () {
    yield "a"
  })
  const said = yield* words(input.seed)
  const long = yield* map("long", said, (word) => later(word))
  is<typeof long, PortOf<AsyncIterable<string>>>(true)
  const longer = yield* map("longer", long, (word, { index }) => ({ word, index }))
  is<typeof longer, PortOf<AsyncIterable<{ word: string; index: number }>>>(true)
  const first = yield* fold("first", longer, 0, (acc, { index }) => num`${acc} + ${index}`)
  is<typeof first, Port<number>>(true)
  // @ts-expect-error: what a stream becomes is a stream: it has no places either
  long.at(0)
  // @ts-expect-error: nor a length
  long.length
  // @ts-expect-error: a stream has no places
  said.at(0)
  // @ts-expect-error: and goes into no tool
  yield* later(said, { name: "all_at_once" })
  return yield* fold("joined", said, "", (acc, word) => str`${acc} + ${word}`)
})

// ---- failures

const caught = graph("caught", { input: { order: v.string() } }, function* (input) {
  return yield* catchError(linesOf({ order: input.order }), (error) => {
    is<typeof error.code, Port<Caught<NoOrder>["code"]>>(true)
    return []
  })
})
is<(typeof caught)["types"]["error"], never>(true)
is<(typeof caught)["types"]["needs"], Capability<"sql:shop:read">>(true)
const moved = graph("moved", { input: {} }, function* () {
  return yield* catchError(rates({}), function* () {
    yield* linesOf({ order: "1" })
    return { rates: {} }
  })
})
is<(typeof moved)["types"]["error"], NoOrder>(true)
graph("bad", { input: {} }, function* () {
  // @ts-expect-error: what stands in must fit
  return yield* catchError(rates({}), () => 3)
})

// ---- a declared output

graph("told", { input: { a: v.number() }, output: v.object({ n: v.number() }) }, (input) => ({ n: input.a }))
// @ts-expect-error: the body gives text
graph("told", { input: { a: v.string() }, output: v.object({ n: v.number() }) }, (input) => ({ n: input.a }))

// ---- running and granting

const granted = run(quote, { order: "A17", currency: "USD" }).pipe(
  Effect.provide(grants("sql:shop", "net:*.example.com")),
)
is<typeof granted, Effect.Effect<number, NoOrder | Offline | "engine", never>>(true)
const two = run(quote, { order: "A17", currency: "USD" }).pipe(
  Effect.provide(grants("sql:shop")),
  Effect.provide(grants("net:rates.example.com")),
)
const done: Effect.Effect<number, unknown> = two
const half = run(quote, { order: "A17", currency: "USD" }).pipe(Effect.provide(grants("sql:shop")))
// @ts-expect-error: net:rates.example.com is not granted
const none: Effect.Effect<number, unknown> = half

// ---- capabilities have a grammar; a subgraph is handed no more than it is given

grants("net:api.example.com/v1/*", "fs:read:/", "sql:shop:write", "mcp:files/read_*", "env:APP_*", "app:orders:read")
// @ts-expect-error: a host in capitals
grants("net:Example.com")
// @ts-expect-error: a way out
grants("fs:read:/data/../etc")
// @ts-expect-error: no mode of a folder
grants("fs:raed:/data")
// @ts-expect-error: nobody drops
grants("sql:shop:drop")
// @ts-expect-error: a space
grants("net: example.com")
const narrowed = within(quote, "sql:shop", "net:*.example.com")
graph("outer", { input: {} }, function* () {
  const n = yield* narrowed({ order: "A17", currency: "USD" })
  is<typeof n, PortOf<number>>(true)
  return n
})
// @ts-expect-error: inside, net:rates.example.com is needed too
within(quote, "sql:shop")

// ---- what takes a write back sees its answer and its arguments, and must be granted, too

const book = fn(
  "book",
  { input: { seat: v.string() }, output: v.object({ id: v.string() }), effect: "write", needs: ["app:book"] },
  () => ({ id: "" }),
)
const cancel = fn(
  "cancel",
  { input: { id: v.string() }, output: v.null(), effect: "write", needs: ["app:cancel"] },
  () => null,
)
const booking = graph("booking", { input: { seat: v.string() }, onFailure: "undo" }, function* (input) {
  const made = yield* undoable(book, { seat: input.seat }, (out, args) => {
    is<typeof out.id, PortOf<string>>(true)
    is<typeof args.seat, PortOf<string>>(true)
    return cancel({ id: out.id })
  })
  is<typeof made, PortOf<{ id: string }>>(true)
  return made.id
})
const booked: Graph<{ seat: string }, string, never, Capability<"app:book"> | Capability<"app:cancel">> = booking
graph("unbooked", { input: {} }, function* () {
  // @ts-expect-error: the answer has no such field
  return yield* undoable(book, { seat: "1A" }, (out) => cancel({ id: out.ticket }))
})
// @ts-expect-error: there is nothing else to do on failure
graph("retried", { input: {}, onFailure: "retry" }, () => 1)

// ---- bounds on calls of a resource

graph(
  "bounded",
  { input: {}, limits: { "host:api.example.com": { concurrent: 2 }, "db:shop": { perSecond: 0.5 } } },
  () => 1,
)
// @ts-expect-error: in TypeScript it is perSecond
graph("misspelt", { input: {}, limits: { "db:shop": { per_second: 1 } } }, () => 1)

const counted = fn("counted", { input: {}, output: stream(v.number()), effect: "read" }, async function* () {
  yield 1
})
const flowing = graph("flowing", { input: {} }, function* () {
  return yield* map("doubled", yield* counted({}), (n) => double(n))
})
const all = run(flowing, {})
is<Effect.Success<typeof all>, readonly number[]>(true)
// @ts-expect-error: not a currency of the graph
run(quote, { order: "A17", currency: "DKK" })

export { booked, done, none, str }
