// What the checker says about expressions: types, every problem with its place and its fix, what a test teaches about
// its branches. Soundness is a property over random expressions: a value is of the type that was inferred for it.
import { describe, expect, test } from "bun:test"
import { accept } from "./accept.ts"
import { parseCel, printCel } from "./cel.ts"
import { evaluate } from "./evaluate.ts"
import { randomExpr, SCOPE, valuesOfScope } from "./expr.sample.ts"
import { Failure } from "./failure.ts"
import { parseType } from "./file/notation.ts"
import { infer, LIST_GUESS, staticCost } from "./infer.ts"
import { Random } from "./random.sample.ts"
import { printType, type Type } from "./type.ts"
import type { Value } from "./value.ts"

function typed(notation: string): Type {
  const parsed = parseType(notation)
  if ("problems" in parsed) throw parsed.problems[0]
  return parsed.type
}
const ENV: ReadonlyMap<string, Type> = new Map(
  Object.entries({
    line: "{ weight_kg: number, distance_km: number }",
    tariff: "{ per_kg: number, per_km: number }",
    input: `{ currency: EUR | USD, note?: string, who: { name: string } | null, n: int64, data: unknown, text: string }`,
    pay: `{ kind: "card", no: string } | { kind: "cash", sum: number } | { kind: "gift" }`,
    lines: "[{ weight_kg: number, distance_km: number }]",
    rates: `{ "*": number }`,
    maybe: "[number] | null",
    raw: "bytes",
  }).map(([name, notation]) => [name, typed(notation)]),
)

function inferred(source: string) {
  const parsed = parseCel(source)
  if ("problems" in parsed) throw new Error(`${source}: ${parsed.problems[0]!.message}`)
  return infer(parsed.expr, ENV)
}
/** `type`, with `!` where it may fail and `?` where the run decides something; or the problems. */
function says(source: string): string {
  const { type, problems, mayFail, checks } = inferred(source)
  if (problems.length === 0) return `${printType(type)}${mayFail ? " !" : ""}${checks.length > 0 ? " ?" : ""}`
  return problems
    .map((p) => `${p.code} ${source.slice(p.span.start, p.span.end)}: ${p.message}${p.fix ? ` ${p.fix}` : ""}`)
    .join("\n")
}

describe("types", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["line.weight_kg * tariff.per_kg", "number"],
    ["lines.map(l, l.weight_kg * 2)", "[number]"],
    ["lines.map(l, l.weight_kg).sum() > 1000", "boolean"],
    ["lines.filter(l, l.weight_kg > 1).sumBy(l, l.distance_km)", "number"],
    ["lines.sortBy(l, l.weight_kg)[0].weight_kg", "number !"],
    ["lines.transformList(i, l, i * l.weight_kg)", "[number]"],
    ["rates.transformList(k, v, text(k, v))", "[string]"],
    ["rates.map(k, k)", "[string]"],
    ["rates[input.currency]", "number !"],
    ["rates[?input.currency]", "number | null"],
    ["rates[?input.currency].orValue(1)", "number"],
    ["rates.EUR", "number !"],
    ['input.currency == "EUR" ? 1 : 2', "number"],
    ['input.currency == "EUR" ? "a" : "b"', "a | b"],
    ["input.n + int64(1)", "int64 !"],
    ["-input.n", "int64 !"],
    ["number(input.n) / 2", "number"],
    ["input.n < 2.5", "boolean"],
    ['{"a": 1, "b": [input.text]}', "{ a: number, b: [string] }"],
    ["{(input.text): 1}", `{ "*": number } !`],
    ["[1, null]", "[number | null]"],
    ["[]", "[never]"],
    ["[] + [1]", "[number]"],
    ["lines[0]", "{ weight_kg: number, distance_km: number } !"],
    ["lines[?0].?weight_kg.orValue(0)", "number"],
    ["input.data.x", "unknown ! ?"],
    ["input.data.x * 2", "number ! ?"],
    ["input.data == 1", "boolean"],
    ["input.?note", "string | null"],
    ['text(input.n, " ", line.weight_kg)', "string"],
    ["maybe.orValue([]).sum()", "number"],
    ['{"a": 1}.merge({"b": "x"})', `{ a: number, b: "x" }`],
    ['{"a": input.?note}.compact()', "{ a?: string }"],
    ["size(raw) + lines.size()", "number"],
    ['raw + bytes("x")', "bytes"],
    ["json(input.text)", "unknown !"],
    ["lines.zip([1])[0].right", "number !"],
    ['"EUR" in rates && rates.EUR > 1', "boolean !"],
  ]
  for (const [source, want] of cases) test(`${source} is ${want}`, () => expect(says(source)).toBe(want))
})

describe("narrowing", () => {
  const fine = [
    'has(input.note) ? input.note : ""',
    'has(input.note) && input.note == "x"',
    "!has(input.note) || input.note.size() > 1",
    "!(has(input.note) && input.note.size() > 1)",
    'input.who != null ? input.who.name : ""',
    'input.who == null || input.who.name == "x"',
    'null != input.who && input.who.name == "x"',
    'input.who.hasValue() ? input.who.name : ""',
    'input.?who.?name != null && input.who.name == "x"',
    'has(input.?who.name) ? input.who.name : ""',
    'pay.kind == "card" ? pay.no : pay.kind == "cash" ? string(pay.sum) : "gift"',
    'pay.kind != "card" || pay.no == "1"',
    "maybe != null && maybe.all(x, x > 0)",
    "[input.who].filter(w, w != null).map(w, w.name)",
    '[pay].filter(p, p.kind == "cash").map(p, p.sum)',
  ]
  for (const source of fine) test(source, () => expect(inferred(source).problems).toEqual([]))

  test("does not reach the other branch, nor past the test", () => {
    expect(says("has(input.note) ? 1 : input.note.size()")).toContain("may be absent")
    expect(says('(has(input.note) || true) && input.note == "x"')).toContain("may be absent")
    expect(says("input.who != null ? 1 : input.who.name.size()")).toContain("always null")
    expect(says('[has(input.note), input.note == "x"]')).toContain("may be absent")
    expect(says('pay.kind == "card" ? pay.sum : 1')).toContain("G017")
  })
})

describe("problems", () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "line.weight * tariff.per_kg",
      `G017 line.weight: line has no field "weight". It has: weight_kg (number), distance_km (number). Write line.weight_kg.`,
    ],
    [
      'input.currency == "DKK"',
      `G105 input.currency == "DKK": Always false: input.currency is never "DKK". It is one of: EUR, USD.`,
    ],
    [
      'input.currency != "EURO"',
      `G105 input.currency != "EURO": Always true: input.currency is never "EURO". It is one of: EUR, USD. Write "EUR".`,
    ],
    [
      'input.currency in ["EUR", "USd"]',
      `G105 "USd": input.currency is never "USd". It is one of: EUR, USD. Write "USD".`,
    ],
    ["input.text == 1", "G105 input.text == 1: Always false: string is never equal to number."],
    [
      "lin.weight_kg",
      `G102 lin: "lin" is no name in scope. In scope: line, tariff, input, pay, lines, rates, maybe, raw. Write line.`,
    ],
    ["lines.siz()", "G104 lines.siz(): There is no function siz(). Write size()."],
    [
      "lines.size",
      "G017 lines.size: lines is [{ weight_kg: number, distance_km: number }]: it has no fields. Write lines.size() for the function.",
    ],
    [
      "input.note.size()",
      "G101 input.note: input.note may be absent. Write input.?note.orValue(…), or test has(input.note) first.",
    ],
    [
      "input.who.name",
      `G101 input.who.name: input.who may be null, so it may have no "name". Write input.who.?name.orValue(…), or test input.who != null first.`,
    ],
    [
      "input.n + line.weight_kg",
      "G101 input.n + line.weight_kg: + does not mix int64 and number: input.n is an int64. Write number(input.n), or int64(line.weight_kg).",
    ],
    [
      "1 + input.text",
      "G101 1 + input.text: + takes (number, number) or (int64, int64) or (string, string) or ([unknown], [unknown]) or (bytes, bytes), found (number, string). Write string(1).",
    ],
    ["maybe.sum()", "G101 maybe: maybe may be null, and sum() does not take null. Write maybe.orValue(…)."],
    [
      "line ? 1 : 2",
      "G101 line: What stands before ? is true or false, found { weight_kg: number, distance_km: number }.",
    ],
    [
      'lines["0" + "1"]',
      'G101 "0" + "1": lines is [{ weight_kg: number, distance_km: number }], so it is looked up by position (number), found string.',
    ],
    [
      '[{ "a": 1 }, { "a": "b" }].map(x, x[0])',
      'G101 0: x is { a: number } | { a: "b" }, none of which is looked up by number.',
    ],
    [
      'text("a", input.?note)',
      'G101 input.?note: input.?note may be null, and null has no text. Write input.?note.orValue("").',
    ],
    ["text(raw)", "G101 raw: bytes has no text. Write base64(…) or utf8(…)."],
    ["lines.map(line, 1)", `G003 lines.map(line, 1): The variable "line" hides a name in scope. Give it another name.`],
    [
      "input.text.matches(input.text)",
      "G103 input.text: The pattern of matches is written out, so that it can be checked.",
    ],
    [
      'input.text.matches("(?=a)")',
      'G103 "(?=a)": Cannot use the pattern "(?=a)": invalid or unsupported Perl syntax: `(?=`.',
    ],
    [
      'input.text.matches("(a{1000}){1000}")',
      'G103 "(a{1000}){1000}": Cannot use the pattern "(a{1000}){1000}": invalid repeat count: `{1000}`.',
    ],
    ["line == null", "G105 line == null: Always false: line is never null. Leave the test out."],
    ["abs(1, 2)", "G104 abs(1, 2): abs() takes (number) or (int64), found (number, number)."],
    [
      "rates.map(k, k).sum()",
      "G101 rates.map(k, k).sum(): sum() takes ([number]) or ([number], number) or ([int64], int64), found ([string]).",
    ],
  ]
  for (const [source, want] of cases) test(source, () => expect(says(source)).toBe(want))

  test("all at once, none twice, and nothing that only follows from another", () => {
    const { problems } = inferred("a.b + (c * 2).size() + line.weight + input.currency.nope")
    expect(problems.map((p) => p.code)).toEqual(["G102", "G102", "G017", "G017"])
  })

  test("a warning where a test is only superfluous", () => {
    expect(inferred("line == null").problems[0]?.severity).toBe("warning")
  })

  test("macros in macros more than four deep", () => {
    const deep = (n: number): string => (n === 0 ? "1" : `range(2).map(x${n}, ${deep(n - 1)})`)
    expect(says(deep(4))).toBe("[[[[number]]]] !")
    expect(says(deep(5))).toContain("G006")
  })
})

describe("cost", () => {
  const cost = (source: string): number => {
    const p = parseCel(source)
    return "expr" in p ? staticCost(p.expr) : Number.NaN
  }
  test("counts nodes, weights and elements; macros in macros multiply", () => {
    expect(cost("1 + 2")).toBeLessThan(10)
    expect(cost("lines.map(a, a)")).toBeGreaterThan(LIST_GUESS)
    expect(cost("lines.map(a, lines.map(b, b))")).toBeGreaterThan(LIST_GUESS ** 2)
    expect(cost("[1, 2].map(a, a)")).toBeLessThan(20)
    expect(cost("true ? lines.sum() : 1")).toBe(cost("true ? 1 : lines.sum()"))
  })
  test("is never below what the evaluator counts, for expressions without lists", () => {
    for (const source of ["1 + 2 * 3 - 4", "true ? 1 : 2", "!false && true", "abs(-3) + sqrt(4.0)", '{"a": 1}.a']) {
      const fuel = { left: 1000 }
      const p = parseCel(source)
      if ("expr" in p) evaluate(p.expr, () => null, fuel)
      expect(1000 - fuel.left).toBeLessThanOrEqual(cost(source))
    }
  })
})

describe("soundness over random expressions", () => {
  const SEEDS = 8000
  test(`${SEEDS} trees: only failures are thrown, only where foretold, and values are of their type`, () => {
    let wellTyped = 0
    let evaluated = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const r = new Random(seed)
      const e = randomExpr(r, 4)
      const t = infer(e, SCOPE)
      const clean = t.problems.every((p) => p.severity === "warning")
      const values = valuesOfScope(r)
      const name = () => `seed ${seed}: ${printCel(e)} : ${printType(t.type)}`
      let v: Value
      try {
        v = evaluate(e, (n) => values.get(n)!, { left: 1e6 })
      } catch (f) {
        if (!(f instanceof Failure)) throw f
        if (clean && !t.mayFail && f.code !== "Fuel" && f.code !== "TooLarge")
          expect(`${name()} ${f.message}`).toBe("total")
        if (clean && t.checks.length === 0 && f.code === "Mismatch") expect(`${name()} ${f.message}`).toBe("a match")
        continue
      }
      if (!clean) continue
      wellTyped++
      if (t.type.kind === "never") expect(name()).toBe("failing")
      let taken: Value
      try {
        taken = accept(t.type)(v)
      } catch (f) {
        taken = null
        expect(`${name()} ${f}`).toBe("sound")
      }
      if (taken !== v && !Number.isNaN(v)) expect(`${name()} ${String(v)}`).toBe("of its type as it is")
      evaluated++
    }
    expect(wellTyped).toBeGreaterThan(SEEDS / 20)
    expect(evaluated).toBe(wellTyped)
  })
})
