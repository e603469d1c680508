// What the builder refuses, each with its reason and the words that say what to write instead.
import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import * as v from "valibot"
import { BuildError, type BuildReason, expr, fn, graph, loop, map, match, num, stream, when } from "./mod.ts"

/** The reason and message that building ends in. */
function refusal(build: () => unknown): { reason: BuildReason; message: string } {
  try {
    build()
  } catch (e) {
    if (e instanceof BuildError) return { reason: e.reason, message: e.message }
    throw e
  }
  throw new Error("it was built")
}

const double = fn("double", { input: v.number(), output: v.number(), effect: "pure", async: false }, (x) => x * 2)
const lineCost = graph("line_cost", { input: v.object({ weight: v.number() }) }, (line) => num`${line.weight} * 0.4`)
const save = fn("save", { input: { text: v.string() }, output: v.null(), resource: "fs:/data" }, () => null)
const load = fn("load", { input: {}, output: v.string(), effect: "read", resource: "fs:/data" }, () => "")

describe("what cannot be built says so", () => {
  const cases: readonly (readonly [what: string, reason: BuildReason, words: string, build: () => unknown])[] = [
    ["a node outside a graph", "scope", 'a call of "load"', () => load({})],
    [
      "a name used twice",
      "name",
      '…(…, { name: "load_2" })',
      () =>
        graph("g", { input: {} }, function* () {
          yield* load({})
          yield* load({})
          return null
        }),
    ],
    [
      "a control name used twice",
      "name",
      'map("all_2", …)',
      () =>
        graph("g", { input: {} }, function* () {
          yield* map("all", [1], (x) => x)
          yield* map("all", [1], (x) => x)
          return null
        }),
    ],
    [
      "a reserved name",
      "name",
      "reserved",
      () =>
        graph("g", { input: {} }, function* () {
          return yield* expr("loop", 1)
        }),
    ],
    ["a malformed name", "name", '"lineCost"', () => graph("lineCost", { input: {} }, () => null)],
    [
      "a node not yielded",
      "yield",
      'node "save" was made but not yielded',
      () =>
        graph("g", { input: {} }, function* () {
          save({ text: "x" })
          return yield* load({})
        }),
    ],
    [
      "a limit that is none",
      "option",
      'Cannot limit "fs:/data" in graph "g": perSecond lies above 0, up to 100000, found 0',
      () => graph("g", { input: {}, limits: { "fs:/data": { perSecond: 0 } } }, () => null),
    ],
    [
      "a limit in the words of a file",
      "option",
      "it has concurrent and perSecond, found",
      () => graph("g", { input: {}, limits: { "fs:/data": { per_second: 1 } as never } }, () => null),
    ],
    [
      "a yield without a star",
      "yield",
      "Write yield* instead of yield",
      () =>
        graph("g", { input: {} }, function* () {
          yield load({}) as never
          return null
        }),
    ],
    [
      "an Effect yielded",
      "yield",
      "An Effect runs inside a tool",
      () =>
        graph("g", { input: {} }, function* () {
          yield* Effect.succeed(1) as unknown as ReturnType<typeof load>
          return null
        }),
    ],
    ["an async body", "yield", "returned a promise", () => graph("g", { input: {} }, (async () => 1) as never)],
    [
      "a node yielded twice",
      "yield",
      "twice",
      () =>
        graph("g", { input: {} }, function* () {
          const node = load({})
          yield* node
          yield* node
          return null
        }),
    ],
    [
      "a node as a value",
      "yield",
      "write yield* before it",
      () =>
        graph("g", { input: {} }, function* () {
          yield* save({ text: load({}) as never })
          return null
        }),
    ],
    ["a tool as a value", "value", "call it", () => graph("g", { input: {} }, () => load as never)],
    ["undefined as a value", "value", "undefined", () => graph("g", { input: {} }, () => [undefined])],
    ["a date as a value", "value", "Date", () => graph("g", { input: {} }, () => new Date(0) as never)],
    [
      "a port of another body",
      "scope",
      'do of "all"',
      () =>
        graph("g", { input: {} }, function* () {
          let leaked: unknown
          yield* map("all", [1], (x) => {
            leaked = x
            return x
          })
          return leaked as never
        }),
    ],
    [
      "a port of another graph",
      "scope",
      'graph "one"',
      () => {
        let leaked: unknown
        graph("one", { input: { a: v.number() } }, (input) => {
          leaked = input.a
          return null
        })
        graph("two", { input: {} }, () => leaked as never)
      },
    ],
    [
      "an inner name that hides an outer one",
      "name",
      "hides",
      () =>
        graph("g", { input: {} }, function* () {
          yield* map("all", [1], function* () {
            yield* load({})
            return 1
          })
          yield* load({})
          return null
        }),
    ],
    [
      "a case that is missing",
      "option",
      "no case for b",
      () =>
        graph("g", { input: { w: v.picklist(["a", "b"]) } }, function* (input) {
          return yield* match("m", input.w, { a: () => 1 } as never)
        }),
    ],
    [
      "a case that never comes",
      "option",
      "never c",
      () =>
        graph("g", { input: { w: v.picklist(["a"]) } }, function* (input) {
          return yield* match("m", input.w, { a: () => 1, c: () => 2 } as never)
        }),
    ],
    [
      "a decision on a number",
      "value",
      "must be a boolean",
      () =>
        graph("g", { input: { n: v.number() } }, function* (input) {
          return yield* when("w", input.n as never, () => 1)
        }),
    ],
    [
      "a map over a number",
      "value",
      "a list or a stream is wanted",
      () =>
        graph("g", { input: { n: v.number() } }, function* (input) {
          return yield* map("m", input.n as never, (x) => x as never)
        }),
    ],
    [
      "an item of what a map makes of a stream",
      "port",
      "it has no items until the graph runs",
      () => {
        const words = fn("words", { input: {}, output: stream(v.string()), effect: "read" }, async function* () {})
        return graph("g", { input: {} }, function* () {
          const long = yield* map("long", yield* words({}), (word) => ({ word }))
          return (long as never as { at: (i: number) => null }).at(0)
        })
      },
    ],
    [
      "a loop without a bound",
      "option",
      "max 0",
      () =>
        graph("g", { input: {} }, function* () {
          return yield* loop("l", 1, { while: () => true, do: (n) => n, max: 0 })
        }),
    ],
    [
      "a duration that is none",
      "option",
      "timeout",
      () =>
        graph("g", { input: {} }, function* () {
          return yield* load({}, { timeout: "2 parsecs" as never })
        }),
    ],
    [
      "a timeout on a subgraph",
      "option",
      "Set it on the tools inside",
      () =>
        graph("g", { input: {} }, function* () {
          return yield* lineCost({ weight: 1 }, { timeout: "2s" })
        }),
    ],
    [
      "a pure tool with a resource",
      "option",
      "pure",
      () => fn("p", { input: {}, output: v.null(), effect: "pure", resource: "x" }, () => null),
    ],
    [
      "two functions of one id",
      "name",
      "another function there has the same id",
      () => {
        const other = fn("double", { input: v.number(), output: v.number(), effect: "pure" }, (x) => x)
        graph("g", { input: {} }, function* () {
          yield* double(1)
          yield* other(1, { name: "other" })
          return null
        })
      },
    ],
    [
      "an expression that doubles without end",
      "expression",
      "yield* expr(",
      () =>
        graph("g", { input: { n: v.number() } }, (input) => {
          let n = input.n
          for (let i = 0; i < 60; i++) n = num`${n} + ${n}`
          return n
        }),
    ],
    [
      "an expression that deepens without end",
      "expression",
      "512 levels",
      () =>
        graph("g", { input: { n: v.number() } }, (input) => {
          let n = input.n
          for (let i = 0; i < 10_000; i++) n = num`${n} + 1`
          return n
        }),
    ],
    ["a graph of a number", "schema", "its input is a record", () => graph("g", { input: v.number() }, (x) => x)],
  ]
  for (const [what, reason, words, build] of cases) {
    test(what, () => {
      const found = refusal(build)
      expect(found.reason).toBe(reason)
      expect(found.message).toContain(words)
    })
  }
})
