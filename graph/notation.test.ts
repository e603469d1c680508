// The type notation: reading and printing are reverses over random types, every mistake has its place and a fix, defaults
// are checked. Times and sizes beside it.
import { describe, expect, test } from "bun:test"
import { parseField, parseType } from "./file/notation.ts"
import { parseDuration, parseSize, printDuration, printSize } from "./measure.ts"
import { Random, randomType } from "./random.sample.ts"
import { printType, sameType, T, type Type } from "./type.ts"

const LINE = T.record({ weight_kg: T.number, distance_km: T.number })
const named = (name: string): Type | undefined => (name === "Line" ? LINE : undefined)
const read = (source: string): string => {
  const p = parseType(source, named)
  if ("type" in p) return printType(p.type)
  return p.problems
    .map((x) => `${x.code} ${x.span.start}-${x.span.end} ${x.message}${x.fix ? ` ${x.fix}` : ""}`)
    .join("\n")
}

describe("types", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["number", "number"],
    [" [ Line ] ", "[{ weight_kg: number, distance_km: number }]"],
    ["EUR | USD | GBP", "EUR | USD | GBP"],
    ["EUR|USD", "EUR | USD"],
    [`"EUR"`, `"EUR"`],
    [`'a b' | "c"`, `"a b" | c`],
    [`"number" | x`, `"number" | x`],
    ["string | null", "string | null"],
    ["null | EUR | 1st", `null | EUR | "1st"`],
    ["{ a: number, b?: string }", "{ a: number, b?: string }"],
    ["{a:number,}", "{ a: number }"],
    [
      `{ "x-y": number, 'in': [Line | null] }`,
      `{ "x-y": number, in: [{ weight_kg: number, distance_km: number } | null] }`,
    ],
    ["{}", "{}"],
    [`{ "*": number }`, `{ "*": number }`],
    [`{ "\\u002a": number }`, `{ "\\u002a": number }`],
    ["stream<[number]>", "stream<[number]>"],
    ["tensor<f32>", "tensor<f32>"],
    ["tensor<f32>[2, ?]", "tensor<f32>[2, ?]"],
    ["tensor<u8>[]", "tensor<u8>[]"],
    ["(a | b) | number", "number | a | b"],
    ["[number | string] | null", "[number | string] | null"],
    [
      `{ a: number = 1.5, b: [string] = ["x", "}"], c?: { d: a | b = "a" } }`,
      `{ a: number = 1.5, b: [string] = ["x", "}"], c?: { d: a | b = "a" } }`,
    ],
    ["unknown | number", "unknown"],
    [
      "stream",
      `G106 0-6 There is no type "stream". Declare it under \`types:\`, or write "stream" in quotes for the word.`,
    ],
  ]
  for (const [source, want] of cases) test(source, () => expect(read(source)).toBe(want))

  test("4,000 random types print as what reads back as the same type", () => {
    for (let seed = 1; seed <= 4000; seed++) {
      const t = randomType(new Random(seed))
      const again = parseType(printType(t))
      if ("problems" in again) expect(`seed ${seed}: ${printType(t)}: ${again.problems[0]!.message}`).toBe("read")
      else if (!sameType(again.type, t)) expect(`seed ${seed}: ${printType(t)}`).toBe(printType(again.type))
    }
  })
})

describe("words of an enumeration that could be taken for types", () => {
  const words = [
    "text",
    "date",
    "number",
    "nul",
    "Number",
    "str",
    "bool",
    "undefined",
    "map",
    "stream",
    "tensor",
    "true",
    "EUR",
    "a-b",
  ]
  const types = words.flatMap((w) => [
    T.enum(w),
    T.enum(w, "other"),
    T.union(T.enum(w, "other"), T.null),
    T.union(T.number, T.enum(w)),
    T.list(T.union(T.enum(w), T.record({ a: T.enum("text", w) }))),
  ])
  test("are printed in quotes, and read back as words", () => {
    for (const type of types) {
      const again = parseType(printType(type))
      const read = "problems" in again ? again.problems[0]!.message : sameType(again.type, type)
      expect([printType(type), read]).toEqual([printType(type), true])
    }
    expect(printType(T.enum("text", "date", "single"))).toBe('"text" | "date" | single')
    expect(printType(T.union(T.enum("EUR", "nul"), T.null))).toContain('EUR | "nul"')
  })
})

describe("mistakes", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "G008 0-1 A type is missing here."],
    ["Lin", `G106 0-3 There is no type "Lin". Declare it under \`types:\`, or write "Lin" in quotes for the word.`],
    ["numbr", `G106 0-5 There is no type "numbr". Write number, or "numbr" in quotes for the word.`],
    ["bool", `G106 0-4 There is no type "bool". Write boolean.`],
    [
      "int | str",
      `G106 0-3 There is no type "int". Write number, or int64 for whole numbers beyond 2^53.\nG106 6-9 There is no type "str". Write string.`,
    ],
    ["number | nul", `G106 9-12 There is no type "nul". Write null, or "nul" in quotes for the word.`],
    ["[number", `G008 7-8 Want "]" after the type of the elements, found the end.`],
    ["{ a }", `G008 4-5 Want ":" after the name of a field, found "}".`],
    ["{ a: number b: string }", `G008 12-13 Want "," or "}" after a field, found "b".`],
    ["{ a: number, a: string }", `G003 13-14 The field "a" comes twice.`],
    ["{ __proto__: number }", `G004 2-11 "__proto__" is no field of any value.`],
    [`{ a: number, "*": string }`, `G008 13-16 A map is written { "*": type } and has no other fields.`],
    ["number = 1", `G008 7-10 The type is complete, but "=" follows. A default belongs to a field.`],
    ["number string", `G008 7-13 The type is complete, but "string" follows.`],
    [
      "tensor<f23>",
      `G106 7-10 A tensor has elements of f64, i64, u64, f32, i32, u32, f16, i16, u16, i8, u8, bool, found "f23". Write f32.`,
    ],
    ["tensor<f32>[a]", `G008 12-13 A dimension is a whole number or ?, found "a".`],
    [`"abc`, "G008 0-4 The quotes are never closed."],
    [`"\\q"`, "G008 0-4 The text in quotes has an unknown escape."],
    ["a | ", "G008 4-5 A type is missing here."],
    ["#", `G008 0-1 Want a type, found "#".`],
    ["{ a: number = x }", 'G008 14-15 A default is a constant, found the name x. Write "x" for the text.'],
    [`{ a: number = "x" }`, `G101 14-17 The default does not fit: Cannot take the value: want number, found "x".`],
    [
      `${"[".repeat(40)}number${"]".repeat(40)}`,
      "G006 33-34 A type may be nested 32 levels deep. Name parts of it under `types:`.",
    ],
  ]
  for (const [source, want] of cases) test(source || "nothing", () => expect(read(source)).toBe(want))

  test("unknown names are reported all at once", () => {
    expect(
      read("{ a: Foo, b: [Bar], c: { d: Baz } }")
        .split("\n")
        .map((l) => l.slice(0, 4)),
    ).toEqual(["G106", "G106", "G106"])
  })

  test("10,000 mutated notations are read or refused", () => {
    const seeds = [`{ a: [Line] = [], "b-c"?: EUR | "x y" | null, t: tensor<f32>[2, ?] }`, `stream<{ "*": number }>`]
    const letters = "{}[]()<>|:,?=*\"' ab1.\\\n"
    for (let seed = 1; seed <= 10_000; seed++) {
      const r = new Random(seed)
      let text = r.pick(seeds)
      for (let k = r.below(4); k >= 0; k--) {
        const at = r.below(text.length + 1)
        text = text.slice(0, at) + letters[r.below(letters.length)] + text.slice(at + r.below(3))
      }
      const p = parseType(text, named)
      if ("type" in p && !("type" in parseType(printType(p.type)))) expect(text).toBe("printable")
    }
  })
})

describe("fields with defaults", () => {
  const field = (source: string) => {
    const p = parseField(source)
    return "problems" in p ? p.problems[0]!.message : [printType(p.type), p.default]
  }
  test("are checked against their type, and converted to it", () => {
    expect(field("number = 1.2")).toEqual(["number", 1.2])
    expect(field("number")).toEqual(["number", undefined])
    expect(field("int64 = 5")).toEqual(["int64", 5n])
    expect(field("int64 = int64(9223372036854775807)")).toEqual(["int64", 2n ** 63n - 1n])
    expect(field(`EUR | USD = "EUR"`)).toEqual(["EUR | USD", "EUR"])
    expect(field(`{ a: number, b: number = 2 } = {"a": 1}`)).toEqual(["{ a: number, b: number = 2 }", { a: 1, b: 2 }])
    expect(field("[number] = []")).toEqual(["[number]", []])
    expect(field("string | null = null")).toEqual(["string | null", null])
    expect(field(`bytes = bytes("é")`)).toEqual(["bytes", new Uint8Array([0xc3, 0xa9])])
  })
  test("say what does not fit", () => {
    expect(field("EUR | USD = EUR")).toBe("A default is a constant, found the name EUR.")
    expect(field(`EUR | USD = "DKK"`)).toBe(
      `The default does not fit: Cannot take the value: want EUR | USD, found "DKK".`,
    )
    expect(field("number = ")).toBe("An expression is missing here.")
    expect(field("number = [][0]")).toBe("The default does not fit: Cannot find 0 in [].")
    expect(field("number == 1")).toBe(`"=" is not expected here.`)
  })
})

describe("times and sizes", () => {
  const said = (p: ReturnType<typeof parseSize>) =>
    "value" in p ? p.value : `${p.problems[0]!.message} ${p.problems[0]!.fix ?? ""}`.trim()

  test("as people write them", () => {
    const times = {
      "10ms": 10,
      "2s": 2000,
      "5m": 300_000,
      "1h": 3_600_000,
      "3d": 259_200_000,
      "1.5s": 1500,
      " 2 s ": 2000,
      "0ms": 0,
    }
    for (const [text, ms] of Object.entries(times)) expect([text, said(parseDuration(text))]).toEqual([text, ms])
    const sizes = {
      "512B": 512,
      "10kB": 10_000,
      "10MB": 10_000_000,
      "1GiB": 1_073_741_824,
      "1.5KiB": 1536,
      "2TB": 2e12,
    }
    for (const [text, n] of Object.entries(sizes)) expect([text, said(parseSize(text))]).toEqual([text, n])
  })

  test("print in the largest exact unit and read back", () => {
    const r = new Random(9)
    for (let i = 0; i < 5000; i++) {
      const n = r.below(2 ** 26) * (r.chance(0.3) ? r.pick([1000, 1024, 60_000, 86_400_000]) : 1)
      expect(said(parseDuration(printDuration(n)))).toBe(n)
      expect(said(parseSize(printSize(n)))).toBe(n)
    }
    expect([printDuration(90_000), printDuration(120_000), printDuration(0)]).toEqual(["90s", "2m", "0ms"])
    expect([printSize(1536), printSize(2048), printSize(1000)]).toEqual(["1536B", "2KiB", "1kB"])
  })

  test("mistakes offer the nearest", () => {
    expect(said(parseDuration("5"))).toBe(`A time has a unit, like 10ms, 2s, 5m, 1h or 3d, found "5". Write 5ms.`)
    expect(said(parseDuration("5 sec"))).toBe(`"sec" is no unit of time. Units are ms, s, m, h, d. Write 5s.`)
    expect(said(parseDuration("-1s"))).toContain("A time is a number and a unit")
    expect(said(parseDuration("0.5ms"))).toBe("0.5ms is no whole number of ms.")
    expect(said(parseSize("10mb"))).toContain("Write 10MB.")
    expect(said(parseSize("1e3B"))).toContain("A size is a number and a unit")
    expect(said(parseSize("99999999TB"))).toContain("no whole number of B")
  })
})
