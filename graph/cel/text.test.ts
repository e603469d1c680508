// Text with insertions and CEL with holes: what they mean, where problems are said to be, and printing as the reverse.
import { describe, expect, test } from "bun:test"
import { joined, parseCel, parseCelWith, parseText, printText } from "../cel.ts"
import { type Expr, lit, ref, spanOf } from "../expr.ts"
import { printLiteral } from "../literal.ts"
import { Random, randomText } from "../random.sample.ts"
import type { Value } from "../value.ts"

function parsed(source: string): Expr {
  const p = parseCel(source)
  if ("problems" in p) throw new Error(`${source}: ${p.problems.map((x) => x.message).join(" ")}`)
  return p.expr
}
/** A tree as text with every difference visible: −0, bigint, bytes, tensors. */
const shape = (e: Expr): string =>
  JSON.stringify(e, (key, v: unknown) => (key === "value" ? printLiteral(v as Value) : v))

describe("text with insertions", () => {
  const text = (source: string): string => {
    const p = parseText(source)
    return "expr" in p
      ? shape(p.expr)
      : p.problems.map((x) => `${x.code} ${x.span.start}-${x.span.end} ${x.message}`).join("\n")
  }

  test("none, one that is all, several", () => {
    expect(text("plain")).toBe(shape(lit("plain")))
    expect(text("")).toBe(shape(lit("")))
    expect(text("${ a.b }")).toBe(shape(parsed("a.b")))
    expect(text("${1}${ 2 }")).toBe(shape({ op: "text", parts: [lit(1), lit(2)] }))
    expect(text("a ${ x } b")).toBe(shape({ op: "text", parts: [lit("a "), ref("x"), lit(" b")] }))
    expect(text('${ {"k": "}"}.k } // ${ \'}\' }')).toBe(
      shape({ op: "text", parts: [parsed('{"k": "}"}.k'), lit(" // }")] }),
    )
    expect(text("cost: $5, $${ not } $")).toBe(shape(lit("cost: $5, ${ not } $")))
    expect(text("${ 'a' }b")).toBe(shape(lit("ab")))
  })

  test("problems have their place in the whole text", () => {
    expect(text("ab ${ 1 + } c ${ x")).toBe(
      "G103 10-11 The expression ends where a value is wanted.\nG103 14-18 The insertion is never closed.",
    )
    expect(text("x ${} y")).toBe("G103 4-4 An expression is missing here.")
  })

  test("spans are offsets in the whole text", () => {
    const p = parseText("é ${ a.b } and ${ c }")
    if (!("expr" in p) || p.expr.op !== "text") throw new Error("no text")
    expect(p.expr.parts.map((x) => spanOf(x))).toEqual([
      { start: 0, end: 2 },
      { start: 5, end: 8 },
      { start: 10, end: 15 },
      { start: 18, end: 19 },
    ])
  })

  test("20,000 texts print as what reads back to the same", () => {
    const pieces = ["$", "{", "}", "${", "$${", "a", " ", '"', "\\", "\n", "é"]
    for (let seed = 1; seed <= 20_000; seed++) {
      const r = new Random(seed)
      const parts = r.times(4, (): Expr => {
        const plain = () => lit(r.times(4, () => r.pick(pieces)).join(""))
        return r.chance(0.6) ? plain() : r.chance(0.5) ? ref("a") : parsed('{"k": "}"}.k + r.x')
      })
      const e = r.chance(0.8) ? joined(parts) : r.chance(0.5) ? lit(randomText(r)) : ({ op: "text", parts } as const)
      const again = parseText(printText(e))
      if ("problems" in again || shape(again.expr) !== shape(e))
        expect(`seed ${seed}: ${printText(e)}`).toBe("the same")
    }
  })
})

describe("CEL with holes", () => {
  test("holes take expressions as they are", () => {
    const line = ref("line")
    const p = parseCelWith(["", ".weight * 2 + size(", ")"], [line, { op: "list", items: [lit(1)] }])
    expect("expr" in p ? shape(p.expr) : "").toBe(shape(parsed("line.weight * 2 + size([1])")))
  })
  test("names in the text that look like holes are left alone", () => {
    const p = parseCelWith(["hole_0_ + ", ""], [ref("x")])
    expect("expr" in p ? shape(p.expr) : "").toBe(shape(parsed("hole_0_ + x")))
  })
  test("a hole inside quotes or in the place of a variable is refused", () => {
    for (const strings of [
      ['"', '"'],
      ["xs.map(", ", 1)"],
    ]) {
      const p = parseCelWith(strings, [ref("x")])
      expect("problems" in p ? p.problems[0]!.message : "").toContain("Hole 1 does not stand where a value can")
    }
  })
})
