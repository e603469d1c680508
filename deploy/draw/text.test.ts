// The drawing as lines of text: what may run at the same time stands in one bracket, what waits stands below what it waits
// for, no line is wider than the terminal, and every box is there.
import { describe, expect, test } from "bun:test"
import { checkFile } from "../../graph/file/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { pictureOfGraph } from "./graph.ts"
import { type Box, boxesOf, type Picture } from "./picture.ts"
import { textOf } from "./text.ts"

const plain = { paint: (_: Box["tone"], text: string) => text, dim: (text: string) => text }
const box = (id: string, tone: Box["tone"] = "pure", inner: Box["inner"] = []): Box => ({
  id,
  title: id,
  lines: [],
  tone,
  inner,
})
const links = (...pairs: readonly string[]) =>
  pairs.map((pair) => ({ from: pair.slice(0, 1), to: pair.slice(1), orderOnly: false }))

test("a graph, line by line", () => {
  const { checked } = checkFile(
    {
      file: "g.yaml",
      text: `graph: quote
input: { order: string }
databases: { shop: "sqlite:./shop.db" }
nodes:
  lines: { sql: shop, query: "select kg from lines where id = :id", with: { id: "\${ input.order }" }, output: "[number]" }
  tariff: { read_file: ./data/tariff.json, parse: json, output: "{ per_kg: number }" }
  cost:
    map: lines
    as: kg
    parallel: 4
    do: { expr: kg * tariff.per_kg }
  choice:
    when: cost.sum() > 10
    then: { expr: '"dear"' }
    else: { expr: '"cheap"' }
output: choice
`,
    },
    { registry: standardKinds },
  )
  expect(textOf(pictureOfGraph(checked!), { columns: 80, ...plain })).toBe(`  ─ input   order string
  │
  ┌ lines   sql shop
  └ tariff  read_file ./data
  │
  ─ cost    map lines ×4          ← lines tariff
  │
  ─ choice  when cost.sum() > 10  ← cost
  │
  ─ output  dear | cheap          ← choice
`)
})

describe("in any picture", () => {
  const nested: Picture = { boxes: [box("x"), box("y")], links: links("xy") }
  const picture: Picture = {
    boxes: [
      box("i", "input"),
      box("a", "read"),
      box("b", "read"),
      box("c", "pure", [{ label: "do", picture: nested }]),
      box("d", "write", [
        { label: "then", picture: nested },
        { label: "else", picture: nested },
      ]),
      box("e"),
    ],
    links: links("ia", "ib", "ac", "bc", "cd", "ad", "ie"),
  }

  test("every box has a line, below those that it waits for", () => {
    const lines = textOf(picture, { columns: 80, ...plain }).split("\n")
    expect(lines.filter((line) => /[─┌├└] \w/.test(line)).length).toBe(boxesOf(picture))
    const at = (title: string) => lines.findIndex((line) => new RegExp(`^ {2}[─┌├└] ${title}( |$)`).test(line))
    for (const { from, to } of picture.links) expect(at(from)).toBeLessThan(at(to))
  })

  test("a bracket holds what waits for nothing in it, and arrows leave out what goes without saying", () => {
    const text = textOf(picture, { columns: 80, ...plain })
    expect(text).toContain("  ┌ a\n  ├ b\n  └ e\n")
    expect(text).toContain("─ d  ← c\n")
  })

  test("no line is wider than the terminal", () => {
    const long = "n".repeat(30)
    const wide: Picture = {
      boxes: [box("a"), { ...box("b"), lines: [long.repeat(4)], inner: [{ label: long, picture }] }],
      links: links("ab"),
    }
    for (const columns of [60, 80, 100]) {
      for (const line of textOf(wide, { columns, ...plain }).split("\n"))
        expect([...line].length).toBeLessThanOrEqual(columns)
    }
  })
})
