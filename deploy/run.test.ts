// Graphs written in TypeScript, run through the package's own door: values, typed errors, grants, services, interruption.
import { describe, expect, test } from "bun:test"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Data, Effect, Fiber } from "effect"
import * as v from "valibot"
import {
  AdmissionError,
  catchError,
  database,
  Failure,
  fn,
  grants,
  graph,
  map,
  num,
  run,
  runner,
  sql,
  sum,
} from "../mod.ts"
import { SqliteStorage } from "./storage/sqlite.ts"

class NoOrder extends Data.TaggedError("NoOrder")<{ readonly id: string }> {}
const Line = v.object({ weight: v.number() })

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-run-"))
const made = new SqliteStorage({ file: join(folder, "shop.db") })
made.batch([
  ["create table lines (id text, weight real)", []],
  ["insert into lines values ('A17', 2), ('A17', 3)", []],
])
made.close()

const shop = database("shop", "sqlite:./shop.db")
const linesOf = sql("lines_of", {
  database: shop,
  query: "select weight from lines where id = :id",
  input: { id: v.string() },
  output: v.array(Line),
})
const known = fn("known", { input: { id: v.string() }, output: v.string(), effect: "read" }, ({ id }) =>
  id === "" ? Effect.fail(new NoOrder({ id })) : Effect.succeed(id),
)
const cost = graph("cost", { input: Line }, (line) => num`${line.weight} * 2`)
const quote = graph("quote", { input: { id: v.string(), margin: v.optional(v.number(), 1.5) } }, function* (input) {
  const id = yield* known({ id: input.id })
  const lines = yield* linesOf({ id })
  const costs = yield* map("costs", lines, cost)
  return num`${sum(costs)} * ${input.margin}`
})

const here = runner({ folder })

describe("run", () => {
  test("makes no more calls at once than the graph's limits say of a resource", async () => {
    const seen = { now: 0, most: 0 }
    const slow = fn(
      "slow",
      { input: { n: v.number() }, output: v.number(), effect: "read", resource: "desk" },
      async ({ n }) => {
        seen.most = Math.max(seen.most, ++seen.now)
        await new Promise((done) => setTimeout(done, 5))
        seen.now--
        return n
      },
    )
    const most = async (concurrent?: number) => {
      Object.assign(seen, { now: 0, most: 0 })
      const limits = concurrent === undefined ? {} : { desk: { concurrent } }
      const all = graph("all", { input: {}, limits }, function* () {
        return yield* map("each", [1, 2, 3, 4, 5, 6], (n) => slow({ n }), { parallel: 6 })
      })
      expect(await Effect.runPromise(here(all, {}))).toEqual([1, 2, 3, 4, 5, 6])
      return seen.most
    }
    expect([await most(), await most(2)]).toEqual([6, 2])
  })

  test("gives the graph's value; defaults are put in", async () => {
    const priced = here(quote, { id: "A17" }).pipe(Effect.provide(grants("sql:shop")))
    expect(await Effect.runPromise(priced)).toBe(15)
    expect(await Effect.runPromise(priced)).toBe(15)
  })

  test("a function's typed error is the Effect's, as it was thrown, and can be caught by its tag", async () => {
    const caught = here(quote, { id: "" }).pipe(
      Effect.catchTag("NoOrder", (e) => Effect.succeed(e instanceof NoOrder && e.id === "" ? "caught" : "another")),
      Effect.provide(grants("sql:shop")),
    )
    expect(await Effect.runPromise(caught)).toBe("caught")
  })

  test("an input that its schema refuses fails with Mismatch", async () => {
    const wrong = here(quote, { id: 7 as unknown as string }).pipe(Effect.provide(grants("sql:shop")), Effect.flip)
    const failure = await Effect.runPromise(wrong)
    expect(failure).toBeInstanceOf(Failure)
    expect((failure as Failure).code).toBe("Mismatch")
  })

  test("grants that are plain texts are decided at admission", async () => {
    const list: string[] = ["sql:other"]
    const refused = here(quote, { id: "A17" }).pipe(Effect.provide(grants(...list)), Effect.flip)
    const error = await Effect.runPromise(refused)
    expect(error).toBeInstanceOf(AdmissionError)
    expect((error as AdmissionError).message).toContain("--grant sql:shop:read")
  })

  test("several grants add up", async () => {
    const both = here(quote, { id: "A17" }).pipe(
      Effect.provide(grants("net:*")),
      Effect.provide(grants("sql:shop:read")),
    )
    expect(await Effect.runPromise(both)).toBe(15)
  })

  test("what happened is told: events, run, trace", async () => {
    const told: string[] = []
    const listening = runner({
      folder,
      onEvent: (e) => told.push(`${e.type} ${e.path.join(".")}`),
      onEnd: ({ trace, ledger }) => told.push(`${trace.length} ${ledger.position}`),
    })
    await Effect.runPromise(listening(quote, { id: "A17" }).pipe(Effect.provide(grants("sql:shop"))))
    expect(told).toEqual(["start known", "end known", "start lines_of", "end lines_of", "items costs", "64 3"])
  })
})

describe("services and interruption", () => {
  class Greeting extends Context.Service<Greeting, { readonly word: string }>()("test/Greeting") {}
  const greet = fn("greet", { input: { name: v.string() }, output: v.string(), effect: "read" }, ({ name }) =>
    Effect.gen(function* () {
      return `${(yield* Greeting).word} ${name}`
    }),
  )
  const greeting = graph("greeting", { input: { name: v.string() } }, function* (input) {
    return yield* greet({ name: input.name })
  })

  test("functions use the services of the program", async () => {
    const greeted = here(greeting, { name: "Ada" }).pipe(Effect.provideService(Greeting, { word: "Hello" }))
    expect(await Effect.runPromise(greeted)).toBe("Hello Ada")
  })

  test("interrupting the Effect stops the tools", async () => {
    let stopped = false
    const slow = fn("slow", { input: {}, output: v.null(), effect: "read" }, () =>
      Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => void (stopped = true)))),
    )
    const waiting = graph("waiting", { input: {} }, function* () {
      return yield* slow({})
    })
    const interrupted = Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(run(waiting, {}))
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(fiber)
    })
    await Effect.runPromise(interrupted)
    expect(stopped).toBe(true)
  })

  test("a failure that is caught in the graph is none of the run", async () => {
    const safe = graph("safe", { input: { id: v.string() } }, function* (input) {
      return yield* catchError(known({ id: input.id }), (error) => error.code)
    })
    expect(await Effect.runPromise(here(safe, { id: "" }))).toBe("NoOrder")
  })
})
