// Grants as layers: they add up however they are merged, the runner reads them back, and the names that a pattern covers
// in the type are those that it covers when a run is admitted.
import { describe, expect, test } from "bun:test"
import { Effect, Layer } from "effect"
import * as v from "valibot"
import { covers } from "../capability.ts"
import { BuildError, type Capability, type Covers, fn, grantedIn, grants, graph, within } from "./mod.ts"

const granted = Effect.map(Effect.context<never>(), grantedIn)

describe("grants", () => {
  test("are read back from the context, sorted, each once", () => {
    expect(Effect.runSync(granted)).toEqual([])
    expect(Effect.runSync(granted.pipe(Effect.provide(grants("sql:shop", "net:*.example.com", "sql:shop"))))).toEqual([
      "net:*.example.com",
      "sql:shop",
    ])
  })

  test("add up, merged or one around the other", () => {
    const merged = Layer.mergeAll(grants("a"), grants("b"))
    expect(Effect.runSync(granted.pipe(Effect.provide(merged), Effect.provide(grants("c"))))).toEqual(["a", "b", "c"])
  })

  test("of a list that is known only when it runs are taken as they are", () => {
    const list: readonly string[] = ["net:a.example.com", "fs:read:/data"]
    expect(Effect.runSync(granted.pipe(Effect.provide(grants(...list))))).toEqual([
      "fs:read:/data",
      "net:a.example.com",
    ])
  })

  test("refuse what names no capability", () => {
    for (const bad of ["", "net: a", "a\nb"]) expect(() => grants(bad)).toThrow(BuildError)
  })
})

describe("what a pattern covers in the type", () => {
  // Each line: pattern, name, and whether the type covers it; the compiler says when a word is wrong.
  const yes = <P extends string, N extends Covers<P>>(pattern: P, name: N) => expect(covers(pattern, name)).toBe(true)
  type No<P extends string, N extends string> = Capability<N> extends Capability<Covers<P>> ? "covered" : "not"
  const no = <const P extends string, const N extends string>(pattern: P, name: N, is: No<P, N>) => {
    expect(is).toBe("not" as never)
    expect(covers(pattern, name)).toBe(false)
  }

  test("is what it covers in a run", () => {
    yes("sql:shop", "sql:shop")
    yes("sql:shop", "sql:shop:read")
    yes("net:*.example.com", "net:rates.example.com")
    yes("net:*.example.com", "net:rates.example.com:8443")
    yes("fs:read:/data", "fs:read:/data/a.txt")
    yes("mcp:files", "mcp:files/read_text_file")
    yes("mcp:*", "mcp:files/read")
    no("sql:shop", "sql:shopping:read", "not")
    no("sql:shop:read", "sql:shop", "not")
    no("net:*.example.com", "net:rates.example.org", "not")
    no("fs:read:/data", "fs:read:/database", "not")
  })
})

describe("within", () => {
  const read = fn("read", { input: {}, output: v.number(), effect: "read", needs: ["app:a:read"] }, () => 1)
  const inner = graph("inner", { input: {} }, function* () {
    return yield* read({})
  })

  test("is `grants:` on the node of every call, in the IR and so in the graph's hash", () => {
    const narrowed = within(inner, "app:a", "net:*.example.com")
    const outer = graph("outer", { input: {} }, function* () {
      const one = yield* narrowed({})
      const two = yield* inner({}, { name: "free" })
      return [one, two]
    })
    expect(outer.ir.body.nodes.map((n) => [n.name, n.grants])).toEqual([
      ["inner", ["app:a", "net:*.example.com"]],
      ["free", undefined],
    ])
    expect([...outer.code.keys()]).toEqual(["inline:read"])
  })

  test("refuses what is no capability, and what is no graph", () => {
    // @ts-expect-error: a way out
    expect(() => within(inner, "app:a", "fs:read:/data/../etc")).toThrow(BuildError)
    expect(() => within(read as never, "app:a")).toThrow("no graph")
  })
})
