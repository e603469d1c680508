// What the reader of CEL refuses and how it says so; texts that were made to hang or to crash it.
import { describe, expect, test } from "bun:test"
import { SCOPE } from "../cel.sample.ts"
import { parseCel, printCel } from "../cel.ts"
import { evaluate } from "../evaluate.ts"
import type { Expr } from "../expr.ts"
import { Random } from "../random.sample.ts"

function parsed(source: string): Expr {
  const p = parseCel(source)
  if ("problems" in p) throw new Error(`${source}: ${p.problems.map((x) => x.message).join(" ")}`)
  return p.expr
}

describe("problems of form", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "G103 0-1 An expression is missing here."],
    ["a = b", 'G103 2-3 "=" is not expected here. Write == to compare.'],
    ["a & b", 'G103 2-3 "&" is not expected here. Write && for and.'],
    ["1 +", "G103 3-4 The expression ends where a value is wanted."],
    ["a..b", 'G103 2-3 Want a name, found ".".'],
    ["a.in", 'G103 2-4 Want a name, found "in". Write ["in"].'],
    ["f(1", 'G103 3-4 Want ")", found the end.'],
    ["'x", "G103 0-2 Unterminated string."],
    ["'\\q'", "G103 1-3 Invalid escape sequence: \\q."],
    ["if", 'G004 0-2 "if" is a reserved word of the expression language.'],
    ["a.__proto__", 'G004 0-11 "__proto__" is no field of any value.'],
    ['{"__proto__": 1}', 'G004 1-12 "__proto__" is no field of any value.'],
    ['{"a": 1, "a": 2}', 'G003 9-12 The key "a" comes twice.'],
    ["{1: 2}", "G103 1-2 Keys of a record are text. Write the key in quotes."],
    [
      "{a: 1}",
      'G103 1-2 The bare key a could be the text or a name in scope. Write "a": for the field, (a): for the value of a.',
    ],
    ["1u", "G103 0-2 Graphs have no unsigned integers. Leave the u out."],
    [
      "12345678901234567890",
      "G103 0-20 A number has 53 bits: 12345678901234567890 would lose digits. Write int64(12345678901234567890), or 12345678901234567890.0 for the nearest number.",
    ],
    ["int64(9223372036854775808)", "G103 0-26 9223372036854775808 does not fit an int64 (−2^63 to 2^63−1)."],
    ["int(x)", "G103 0-6 Graphs leave out int(). Write int64(trunc(x)), or trunc(x) to stay a number."],
    [
      'duration("1s")',
      "G103 0-14 Graphs leave out duration(). Keep spans of time as numbers, and compute with dates in an fn node.",
    ],
    ["dyn(1)", "G103 0-6 Graphs leave out dyn(). Leave dyn() out: values of unknown type need no mark."],
    ["has(a)", "G103 0-6 has() asks for a field: has(a.b)."],
    ["xs.map(1, 2)", "G103 7-8 The first argument of a macro names its variable: xs.map(x, …)."],
    ["xs.sortBy(x)", "G103 0-12 sortBy takes a variable and an expression, found 1 arguments. Write xs.sortBy(x, …)."],
    ["xs.all(x, x, true)", 'G003 10-11 The macro names two variables "x".'],
    ['b"é"', 'G103 0-4 Bytes are written in ASCII and \\x escapes. Write bytes("…") for the UTF-8 bytes of a text.'],
    ["Foo{a: 1}", 'G103 3-4 "{" is not expected here.'],
    ["${ a }", 'G103 0-1 "$" is not expected here. Here expressions are written without ${ }.'],
  ]
  for (const [source, want] of cases) {
    test(source || "nothing", () => {
      const p = parseCel(source)
      if (!("problems" in p)) throw new Error("it parsed")
      const said = p.problems.map(
        (x) => `${x.code} ${x.span.start}-${Math.max(x.span.end, 1)} ${x.message}${x.fix ? ` ${x.fix}` : ""}`,
      )
      expect(said.join("\n")).toBe(want)
    })
  }

  test("several at once", () => {
    const p = parseCel('{a: int(x), "b": 1u} == dyn(y)')
    expect("problems" in p ? p.problems.length : 0).toBe(4)
  })
})

describe("hostile texts", () => {
  const deep = (n: number, open: string, close: string) => open.repeat(n) + "1" + close.repeat(n)
  const texts = [
    "!".repeat(20_000),
    `${"!".repeat(4000)}a`,
    `${"-".repeat(4000)}a`,
    deep(2000, "(", ")"),
    deep(2000, "[", "]"),
  ]
    .concat([
      deep(700, '{"a":', "}"),
      deep(1000, "f(", ")"),
      deep(500, "a ? b : (", ")"),
      `${"a?b:".repeat(1000)}c`,
      `a${"[0]".repeat(1300)}`,
    ])
    .concat([
      "1".repeat(4000),
      '"'.repeat(4095),
      `${"a.".repeat(2000)}a`,
      "\u0000",
      "\ud800",
      "a\u2028b",
      `"${"\\".repeat(4001)}"`,
      "{".repeat(4096),
    ])
  for (const text of texts) {
    test(`${JSON.stringify(text.slice(0, 12))}… ${text.length} characters`, () => {
      const p = parseCel(text)
      if ("expr" in p) {
        const again = parseCel(printCel(p.expr))
        expect("expr" in again).toBe(true)
      } else expect(p.problems.length).toBeLessThan(10)
    })
  }

  test("long chains are no nesting", () => {
    expect(evaluate(parsed(Array.from({ length: 1000 }, () => "1").join("+")), () => null)).toBe(1000)
    expect(evaluate(parsed(`${"no || ".repeat(500)}yes`), (n) => SCOPE[n]!)).toBe(true)
    expect(evaluate(parsed(`${"no ? 1 : ".repeat(200)}2`), (n) => SCOPE[n]!)).toBe(2)
    expect("expr" in parseCel(deep(60, "[", "]"))).toBe(true)
    expect("problems" in parseCel(deep(65, "[", "]"))).toBe(true)
  })

  test("20,000 mutated texts are parsed or refused, never a crash", () => {
    const seeds = [
      'xs.map(x, x.a + 1).sum() > 2 ? {"a": b.?c.orValue(-1.5e3)} : ["é", b\'x\', int64(5)]',
      "has(a.b) && !(a[?0] in xs)",
    ]
    const letters = "+-*/%<>=!&|?:.,()[]{}\"'\\ \n01ex_aé$\u{1f418}b"
    for (let seed = 1; seed <= 20_000; seed++) {
      const r = new Random(seed)
      let text = r.pick(seeds)
      for (let k = r.below(4); k >= 0; k--) {
        const at = r.below(text.length + 1)
        text = text.slice(0, at) + letters[r.below(letters.length)] + text.slice(at + r.below(3))
      }
      const p = parseCel(text)
      if ("expr" in p && !("expr" in parseCel(printCel(p.expr)))) expect(text).toBe("printable")
    }
  })
})
