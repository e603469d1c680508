/** Unit conversion, date arithmetic and base64 through fit and gate, each held against the host's own. */
import { expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Draw } from "../gate/mod.ts"
import { type Rec, sha256, T, type Type, type Value } from "../graph/mod.ts"
import { LearnError } from "./errors.ts"
import { fit } from "./fit.ts"
import { gateShadow } from "./gate.ts"
import { drawOf } from "./record/generate.ts"

const chance = { next: () => 0.5, bytes: (n: number) => sha256(Uint8Array.of(9)).slice(0, n) }
const iso = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10)
const UNITS: { readonly [pair: string]: (x: number) => number } = {
  "celsius fahrenheit": (x) => (x * 9) / 5 + 32,
  "fahrenheit celsius": (x) => ((x - 32) * 5) / 9,
  "celsius kelvin": (x) => x + 273.15,
  "foot metre": (x) => x * 0.3048,
  "metre foot": (x) => x / 0.3048,
  "pound kilogram": (x) => x * 0.45359237,
}
const LETTERS = "abcdefghijklmnop0123456789 -"

const TOOLS: readonly (readonly [string, Type, Type, (d: Draw) => Rec, (args: Rec) => Value])[] = [
  [
    "units",
    T.record({ value: T.number, from: T.string, to: T.string }),
    T.number,
    (d) => {
      const [from, to] = d.pick(Object.keys(UNITS)).split(" ") as [string, string]
      return { value: d.between(-20_000, 20_000) / 100, from, to }
    },
    // A pair that no table has: the tool fails, as converters do.
    ({ value, from, to }) => {
      const way = UNITS[`${from} ${to}`]
      if (way === undefined) throw new TypeError("no such conversion")
      return way(value as number)
    },
  ],
  [
    "days later",
    T.record({ date: T.string, days: T.number }),
    T.string,
    (d) => ({ date: iso(d.between(0, 36_500)), days: d.between(-999, 999) }),
    ({ date, days }) => iso(Date.parse(String(date)) / 86_400_000 + (days as number)),
  ],
  [
    "days between",
    T.record({ from: T.string, to: T.string }),
    T.number,
    (d) => ({ from: iso(d.between(0, 36_500)), to: iso(d.between(0, 36_500)) }),
    ({ from, to }) => (Date.parse(String(to)) - Date.parse(String(from))) / 86_400_000,
  ],
  [
    "a calculator behind HTTP",
    T.record({ query: T.map(T.union(T.null, T.string, T.number, T.boolean)) }),
    T.number,
    (d) => ({ query: { op: d.pick(["add", "multiply"]), a: d.between(-999, 999) / 10, b: d.between(0, 99) } }),
    ({ query }) => {
      const { op, a, b } = query as { readonly op: string; readonly a: number; readonly b: number }
      return op === "add" ? a + b : a * b
    },
  ],
  [
    "units of an MCP server",
    T.record({ value: T.number, to: T.string }),
    T.record({ converted: T.number }),
    (d) => ({ value: d.between(-20_000, 20_000) / 100, to: d.pick(["fahrenheit", "kelvin"]) }),
    ({ value, to }) => ({ converted: UNITS[`celsius ${to}`]!(value as number) }),
  ],
  [
    "base64",
    T.record({ text: T.string }),
    T.string,
    (d) => ({ text: Array.from({ length: d.between(4, 12) }, () => d.pick([...LETTERS])).join("") }),
    ({ text }) => btoa(String(text)),
  ],
]

for (const [tool, input, output, draw, ask] of TOOLS) {
  test(`${tool}: found to be exact, and admitted`, async () => {
    const d = drawOf(tool)
    const inputs = Array.from({ length: 4_000 }, () => draw(d))
    const cases = inputs.map((args, seq) => ({ args, value: ask(args), seq }))
    const made = await Effect.runPromise(
      Effect.result(fit({ tool, version: "1", input, output, cases }, { families: ["composed"] })),
    )
    if (Result.isFailure(made)) throw made.failure
    const book = { last: (): number => 0, keep: () => {} }
    const gated = await gateShadow(
      made.success.bytes,
      { tool, version: "1", effect: "read", input, output, ask: async (args) => ask(args as Rec) },
      { chance, book, seen: inputs },
    )
    if (gated instanceof LearnError) throw gated
    expect(gated.verdict.message).toContain("admitted")
    expect(gated.verdict).toMatchObject({ outcome: "admitted", wrong: 0 })
  }, 60_000)
}
