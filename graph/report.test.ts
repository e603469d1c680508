/** The rendered look of problems, held against the text of the surface document and against hostile files. */
import { describe, expect, test } from "bun:test"
import type { Problem } from "./problem.ts"
import { renderProblems } from "./report.ts"

const at = (line: number, column: number, length: number, more: Partial<Problem> = {}): Problem => ({
  code: "G017",
  severity: "error",
  path: "nodes.cost.do.expr",
  place: { file: "quote.graph.yaml", line, column, length },
  message: 'line has no field "weight". It has: weight_kg (number), distance_km (number).',
  fix: "Write line.weight_kg.",
  ...more,
})
const plain = (problems: readonly Problem[], text: string) => renderProblems(problems, () => text, { colour: false })

describe("rendered problems", () => {
  test("look as the surface says", () => {
    const text = `${"\n".repeat(39)}      expr: line.weight * tariff.per_kg + line.distance_km * tariff.per_km\n`
    expect(plain([at(40, 13, 11)], text)).toBe(
      [
        "error G017  quote.graph.yaml:40:13  nodes.cost.do.expr",
        "    40 │       expr: line.weight * tariff.per_kg + line.distance_km * tariff.per_km",
        "       │             ^^^^^^^^^^^",
        '  line has no field "weight". It has: weight_kg (number), distance_km (number).',
        "  Write line.weight_kg.                                             more: shadowgraph explain G017",
        "1 problem in 1 file",
        "",
      ].join("\n"),
    )
  })

  test("a long line is cut around the mistake", () => {
    const text = `${"x".repeat(100_000)}WRONG${"y".repeat(100_000)}`
    const [, line, marks] = plain([at(1, 100_001, 5)], text).split("\n")
    expect(line!.length).toBeLessThan(130)
    expect(line!.slice(marks!.indexOf("^"), marks!.lastIndexOf("^") + 1)).toBe("WRONG")
  })

  test("a file cannot write to the terminal through its mistakes", () => {
    const out = plain([at(1, 1, 3, { message: 'found "\u001b[2J\u202e"', path: "a\u0007" })], "\u001b[31mred\tx")
    expect([...out].some((c) => c !== "\n" && /\p{Cc}|\u202e/u.test(c))).toBe(false)
  })

  test("wide letters keep the carets under their word", () => {
    const [, , marks] = plain([at(1, 5, 2)], "日本 = ab").split("\n")
    expect(marks).toBe("       │       ^^")
  })

  test("colour only where it is asked for; the count tells warnings apart", () => {
    const problems = [at(1, 1, 1), at(2, 1, 1, { severity: "warning" })]
    expect(plain(problems, "a\nb")).toEndWith("1 problem and 1 warning in 1 file\n")
    expect(renderProblems(problems, () => "a\nb", { colour: true })).toContain("\u001b[31;1merror G017\u001b[0m")
  })

  test("a graph without a file has paths alone", () => {
    const { place: _, ...problem } = at(1, 1, 1)
    expect(renderProblems([problem], () => undefined, { colour: false }).split("\n")[0]).toBe(
      "error G017  nodes.cost.do.expr",
    )
  })
})
