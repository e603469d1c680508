// What a run looks like: rows from events, bars from rows, values as text. No terminal is needed for any of it.
import { describe, expect, test } from "bun:test"
import pc from "picocolors"
import type { RunEvent } from "../../bus/mod.ts"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { bars, printMs } from "./bars.ts"
import { Timeline } from "./timeline.ts"
import { prettyJson, resultText } from "./value.ts"

const text = `graph: shop
input: { ids: "[string]" }
databases: { shop: "sqlite::memory:" }
nodes:
  lines: { sql: shop, query: "select 1 as n", output: "[{ n: number }]" }
  each:
    map: input.ids
    parallel: 4
    do: { http: "GET https://api.example.com/\${ item }", output: string }
  total: { expr: "lines.size() + each.size()" }
output: total
`
const { checked, problems } = checkFile({ file: "shop.graph.yaml", text }, { registry: standardKinds })
if (checked === undefined) throw new TypeError(problems.map((p) => p.message).join("\n"))
const { plan } = compile(checked)
const AUTHOR = checked.graph.body.nodes.map((n) => n.name)

const start = (path: (string | number)[], at: number, kind = "http", attempt = 1): RunEvent => ({
  type: "start",
  extern: 0,
  path,
  kind,
  effect: "read",
  resource: kind === "sql" ? "db:shop" : "host:api.example.com",
  at,
  attempt,
})
const end = (path: (string | number)[], at: number, more: { ok?: boolean; cached?: boolean } = {}): RunEvent => ({
  type: "end",
  extern: 0,
  path,
  ok: more.ok ?? true,
  at,
  attempts: 1,
  cached: more.cached ?? false,
})

/** 100 ms: lines 0–10; items 10–50, 10–90 and, after one retry, 50–100, which fails. */
function played(): Timeline {
  const timeline = new Timeline(plan, 1000, AUTHOR)
  for (const event of [
    start(["lines"], 1000, "sql"),
    end(["lines"], 1010),
    start(["each", 0, "do"], 1010),
    start(["each", 1, "do"], 1010),
    end(["each", 0, "do"], 1050),
    start(["each", 2, "do"], 1050),
    start(["each", 2, "do"], 1070, "http", 2),
    end(["each", 1, "do"], 1090, { cached: true }),
    end(["each", 2, "do"], 1100, { ok: false }),
  ])
    timeline.add(event)
  timeline.end(1100)
  return timeline
}

const guess = (
  path: (string | number)[],
  verdict: "open" | "kept" | "wrong" | "off",
  why: string | null,
): RunEvent => ({
  ...{ type: "guess", path, verdict, why, at: 1_005 },
  ...{ by: "ab", alpha: 0.01, confidence: 0.9, ms: 0.1 },
})

test("guesses stand beside the node that they are about: by which inference, and how many were wrong", () => {
  const tails = (...events: RunEvent[]): string[] => {
    const timeline = new Timeline(plan, 1000, AUTHOR)
    for (const event of [start(["lines"], 1000, "sql"), ...events, end(["lines"], 1010)]) timeline.add(event)
    const options = { colours: pc.createColors(false), columns: 100, linesMax: 9, live: false }
    return bars(timeline.rows(), timeline.totals(1010), options).flatMap(
      (l) => /(?:\d+ )?guessed.*$/.exec(l)?.[0] ?? [],
    )
  }
  const RAN = "wasm-single: one call"
  expect(tails(guess(["lines"], "open", RAN), guess(["lines"], "kept", RAN))).toEqual(["guessed by wasm-single"])
  expect(tails(guess(["lines"], "open", RAN), guess(["lines"], "wrong", RAN))).toEqual([
    "guessed by wasm-single, wrong",
  ])
  const each = (i: number, verdict: "open" | "wrong") => guess(["each", i, "do"], verdict, null)
  expect(tails(start(["each", 0, "do"], 1001), each(0, "open"), each(1, "open"), each(1, "wrong"))).toEqual([
    "2 guessed, 1 wrong",
  ])
  expect(tails(guess(["lines"], "off", "drift"))).toEqual([])
  // A shadow may say anything; it stays in its line.
  expect(tails(guess(["lines"], "open", "a\u001b[2Jb\nc: d"))).toEqual(["guessed by a [2Jb c"])
})

describe("a node with `catch:`", () => {
  test("is the tool that it guards, and its calls count", () => {
    const text = `graph: g
databases: { shop: "sqlite::memory:" }
nodes:
  lines: { sql: shop, query: "select 1", output: number, catch: { expr: "0.0" } }
  sums: { map: "[1, 2]", do: { sql: shop, query: "select 1", output: number }, catch: { expr: "[0.0]" } }
output: lines + sums.sum()
`
    const { checked } = checkFile({ file: "g.graph.yaml", text }, { registry: standardKinds })
    const timeline = new Timeline(compile(checked!).plan, 1000)
    for (const path of [["lines"], ["sums", 0, "do"], ["sums", 1, "do"]]) {
      timeline.add(start(path, 1000, "sql"))
      timeline.add(end(path, 1010))
    }
    timeline.end(1010)
    expect(timeline.rows().map(({ name, what, calls }) => [name, what, calls])).toEqual([
      ["lines", "sql shop", 1],
      ["sums.do", "sql shop", 2],
    ])
    expect(timeline.totals(1010)).toMatchObject({ nodes: 2, reads: 3, writes: 0 })
  })
})

describe("timeline", () => {
  test("a row for each node, in the plan's order, however often it ran", () => {
    const rows = played().rows()
    expect(rows.map((r) => [r.name, r.what, r.calls, r.failed, r.retries, r.cached, r.start, r.end])).toEqual([
      ["lines", "sql shop", 1, 0, 0, 0, 0, 10],
      ["each.do", "http api.example.com", 3, 1, 1, 1, 10, 100],
      ["total", "pure", 0, 0, 0, 0, undefined, undefined],
    ])
  })

  test("one after another: the calls' own times, and the time in which none ran", () => {
    expect(played().totals(0)).toEqual({ nodes: 3, reads: 4, writes: 0, ms: 100, serialMs: 10 + 40 + 80 + 50 })
  })

  test("before anything has begun the plan is there already", () => {
    expect(new Timeline(plan, 0, AUTHOR).rows().map((r) => r.name)).toEqual(["lines", "each", "total"])
  })
})

describe("bars", () => {
  const colours = pc.createColors(false)

  test("say what ran when, beside what", () => {
    const timeline = played()
    const lines = bars(timeline.rows(), timeline.totals(0), { colours, columns: 100, linesMax: 20, live: false })
    expect(lines).toEqual([
      "  lines    sql shop                 10 ms  ████",
      "  each.do  http api.example.com ×3  90 ms      ████████████████████████████████████  1 failed 1 retry 1 from the cache",
      "  total    pure",
    ])
  })

  test("without room for bars the words stay; what does not fit is counted", () => {
    const timeline = played()
    const narrow = bars(timeline.rows(), timeline.totals(0), { colours, columns: 40, linesMax: 2, live: false })
    expect(narrow.join("\n")).not.toContain("█")
    const few = bars(
      Array.from({ length: 50 }, () => ({ ...timeline.rows()[1]! })),
      timeline.totals(0),
      { colours, columns: 100, linesMax: 5, live: false },
    )
    expect([few.length, few.at(-1)]).toEqual([5, "  … and 46 more"])
  })

  test("a tool's words stay in their line", () => {
    const timeline = new Timeline(plan, 0, AUTHOR)
    timeline.add(start(["lines"], 0, "sql"))
    timeline.add({ type: "note", path: ["lines"], text: "half\n\u001b[2Jdone", at: 5 })
    const [line] = bars(timeline.rows(), timeline.totals(10), { colours, columns: 120, linesMax: 9, live: true })
    expect(line).toContain("half [2Jdone")
  })

  test("times as people say them", () => {
    expect([0.04, 3, 9.96, 113.4, 2400, 11_949, 192_000].map(printMs)).toEqual([
      "0.0 ms",
      "3.0 ms",
      "10 ms",
      "113 ms",
      "2400 ms",
      "11.9 s",
      "3 min 12 s",
    ])
  })
})

describe("values", () => {
  test("on one line where it fits, broken where not", () => {
    const value = { amount: 18.4, lines: [{ kg: 1 }, { kg: 2 }] }
    expect(prettyJson(value, 80)).toBe('{ "amount": 18.4, "lines": [{ "kg": 1 }, { "kg": 2 }] }')
    expect(prettyJson(value, 40)).toBe('{\n  "amount": 18.4,\n  "lines": [{ "kg": 1 }, { "kg": 2 }]\n}')
    expect(prettyJson(value, 20)).toBe('{\n  "amount": 18.4,\n  "lines": [\n    { "kg": 1 },\n    { "kg": 2 }\n  ]\n}')
    expect(prettyJson([], 2)).toBe("[]")
  })

  test("reads back as the same, at any width", () => {
    const value = { a: [1, [2, { b: "x".repeat(30), c: null }], "y"], d: { e: { f: [true, {}, []] } } }
    for (const columns of [1, 5, 10, 20, 40, 80]) expect(JSON.parse(prettyJson(value, columns))).toEqual(value)
  })

  test("text and bytes are themselves; what JSON has no word for is told", () => {
    expect(resultText("two\nlines", 80)).toBe("two\nlines")
    expect(resultText(new Uint8Array([1]), 80)).toEqual(new Uint8Array([1]))
    expect(resultText([Number.NaN, 2n ** 60n], 80)).toBe('["NaN", "1152921504606846976"]')
  })
})
