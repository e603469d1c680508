// Printing and parsing are reverses, over random trees and over the awkward cases; every part has its place in the source.
import { describe, expect, test } from "bun:test"
import { parseCel, printCel, spread } from "../cel.ts"
import { randomExpr } from "../expr.sample.ts"
import { type Expr, spanOf } from "../expr.ts"
import { printLiteral } from "../literal.ts"
import { Random } from "../random.sample.ts"
import { withParts } from "../rebuild.ts"
import type { Value } from "../value.ts"

function parsed(source: string): Expr {
  const p = parseCel(source)
  if ("problems" in p) throw new Error(`${source}: ${p.problems.map((x) => x.message).join(" ")}`)
  return p.expr
}
/** A tree as text with every difference visible: −0, bigint, bytes, tensors. */
const shape = (e: Expr): string =>
  JSON.stringify(e, (key, v: unknown) => (key === "value" ? printLiteral(v as Value) : v))

describe("printing", () => {
  /** What parsing gives for a tree: constants that have no literal are taken apart. */
  const normal = (e: Expr): Expr => (e.op === "const" ? spread(e.value) : withParts(e, normal))

  test("8,000 random trees print as text that parses back to the same tree", () => {
    for (let seed = 1; seed <= 8000; seed++) {
      const e = normal(randomExpr(new Random(seed), 5))
      const text = printCel(e)
      if (text.length > 4096) continue
      const again = parseCel(text)
      if ("problems" in again) expect(`seed ${seed}: ${text}: ${again.problems[0]!.message}`).toBe("parsed")
      else if (shape(again.expr) !== shape(e)) expect(`seed ${seed}: ${text}`).toBe("the same")
    }
  })

  test("has no parentheses that are not needed, and those that are", () => {
    const same = [
      "a + b * c",
      "(a + b) * c",
      "a - (b - c)",
      "a - b - c",
      "!(a && b)",
      "!a && b",
      "(a ? b : c) ? d : e",
      "a ? b : c ? d : e",
    ]
      .concat([
        "-a.b",
        "(-a).abs()",
        "-(a + b)",
        "(-1).abs()",
        "a || b && c",
        "(a || b) && c",
        "a && (b && c)",
        "(1).fixed(2)",
        "a == (b == c)",
      ])
      .concat([
        "xs.map(x, x + 1)",
        "xs.sortBy(x, x.y)[0].z",
        "m.transformList(k, v, v)",
        '{"a": 1, "b-c": [1, 2]}',
        "{(a): 1}",
        'a["x-y"].?b[?c]',
      ])
      .concat([
        "has(a.b)",
        'has(a["x y"])',
        "a.?b.orValue(-1)",
        "1e+300 + 0.5 - -0",
        'b"a\\x00\\xff"',
        '"a\\n\\"b\\" é"',
        "a in [1, 2] == true",
      ])
      .concat([
        "int64(5) + int64(9223372036854775807)",
        "9007199254740992.0",
        "NaN == Infinity",
        'text(a, "b")',
        "a.in2",
        'a["in"]',
        "(1).size",
      ])
      .concat([
        'tensor("f32", [2, 1], b"\\x00\\x00\\x80?\\x00\\x00\\x00@")',
        "(a < b) < c == (d < e)",
        "a < b < c",
        "neg(1)",
        "-neg(1)",
      ])
    for (const text of same) {
      // The library reads `a < b < c` from the left, so its left parentheses are not needed.
      expect(printCel(parsed(text))).toBe(text.replace("(a < b) < c == (d < e)", "a < b < c == d < e"))
    }
  })

  test("one tree for the ways to write one thing", () => {
    const same = [
      ["size(xs)", "xs.size()"],
      ['a["b"]', "a.b"],
      ["a.?b.orValue(1)", "a.?b.or(1)", "orValue(a[?'b'], 1)"],
      ["xs.map(x, x > 1, x)", "xs.filter(x, x > 1).map(x, x)"],
      ["double(a)", "number(a)"],
      ["'a'", '"a"', '"""a"""', 'r"a"'],
      ["16", "0x10", "16.0", "1.6e1"],
      ["xs.exists_one(x, x)", "xs.existsOne(x, x)"],
      ["a+b // and so on", "a + b", "(a) + (b)"],
    ]
    for (const ways of same) expect(new Set(ways.map((w) => shape(parsed(w)))).size).toBe(1)
  })
})

test("spans of every part lie in the source and inside those around them", () => {
  const source = 'xs.map(x, x.a + -1)[0].?b.orValue({"k": [true, f.g]}) && has(a.b) || (c ? d : e)'
  const check = (e: Expr, start: number, end: number): void => {
    const span = spanOf(e)
    if (span === undefined) throw new Error(`${printCel(e)} has no span`)
    expect(span.start).toBeGreaterThanOrEqual(start)
    expect(span.end).toBeLessThanOrEqual(end)
    withParts(e, (p) => {
      check(p, span.start, span.end)
      return p
    })
  }
  check(parsed(source), 0, source.length)
})
