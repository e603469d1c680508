// Pictures of graphs and plans: every box is drawn, none lies on another, every link joins the boxes it names, and the
// SVG is XML whatever a graph's words are.
import { describe, expect, test } from "bun:test"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import type { CheckedGraph } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { pictureOfGraph } from "./graph.ts"
import { type Layout, layout } from "./layout.ts"
import { mermaidOf } from "./mermaid.ts"
import { boxesOf, type Picture } from "./picture.ts"
import { pictureOfPlan } from "./plan.ts"
import { svgOf } from "./svg.ts"

const text = `graph: nested
about: One & two <three> "four"
input: { orders: "[string]", urgent: boolean }
databases: { shop: "sqlite:./shop.db" }
nodes:
  all:
    map: input.orders
    as: order
    parallel: 4
    do:
      nodes:
        rows: { sql: shop, query: "select kg from lines where id = :o", with: { o: "\${ order }" }, output: "[{ kg: number }]" }
        total: { expr: "rows.map(r, r.kg).sum()" }
      output: total
  report:
    when: input.urgent
    then:
      nodes:
        note: { write_file: ./out/urgent.txt, text: "\${ string(all.sum()) }" }
        mark: { write_file: ./out/mark.txt, text: x, after: note }
      output: note.bytes
    else: { expr: "0" }
output: { total: all.sum(), bytes: report }
`
function checkedOf(file: string, source: string): CheckedGraph {
  const { checked, problems } = checkFile({ file, text: source }, { registry: standardKinds })
  if (checked === undefined) throw new TypeError(problems.map((p) => `${p.path} ${p.message}`).join("\n"))
  return checked
}
const checked = checkedOf("nested.graph.yaml", text)
const picture = pictureOfGraph(checked)

/** All boxes that overlap another one of their level, or stand outside what is around them. */
function misplaced({ boxes, width, height }: Layout): string[] {
  const found: string[] = []
  boxes.forEach((a, i) => {
    if (a.x < -0.5 || a.y < -0.5 || a.x + a.width > width + 0.5 || a.y + a.height > height + 0.5)
      found.push(`${a.box.id} is outside`)
    for (const b of boxes.slice(i + 1)) {
      if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
        found.push(`${a.box.id} on ${b.box.id}`)
    }
    for (const { x, y, layout: inner } of a.inner) {
      if (x + inner.width > a.width || y + inner.height > a.height) found.push(`a body of ${a.box.id} is too large`)
      found.push(...misplaced(inner))
    }
  })
  return found
}

/** Links whose ends do not touch the boxes that they name. */
function loose(p: Picture, { boxes, links }: Layout): string[] {
  const near = (id: string, at: { x: number; y: number }) => {
    const b = boxes.find((x) => x.box.id === id)!
    return at.x >= b.x - 1.5 && at.x <= b.x + b.width + 1.5 && at.y >= b.y - 1.5 && at.y <= b.y + b.height + 1.5
  }
  return p.links.flatMap(({ from, to }, i) => {
    const { points } = links[i]!
    return near(from, points[0]!) && near(to, points.at(-1)!) ? [] : [`${from} → ${to}`]
  })
}

describe("a graph", () => {
  test("has a box for each node, a link for each value and each order", () => {
    expect(picture.boxes.map((b) => `${b.id} ${b.tone}`)).toEqual([
      "input input",
      "all read",
      "report write",
      "output output",
    ])
    expect(picture.links.map((l) => `${l.from} ${l.to}`).sort()).toEqual([
      "all output",
      "all report",
      "input all",
      "input report",
      "report output",
    ])
    const then = picture.boxes[2]!.inner[0]!
    expect(then.label).toBe("then")
    expect(then.picture.links).toEqual([{ from: "note", to: "mark", orderOnly: true }])
    expect(boxesOf(picture)).toBe(8)
  })

  test("is laid out without overlaps, and links end at their boxes", () => {
    const placed = layout(picture)
    expect(misplaced(placed)).toEqual([])
    expect(loose(picture, placed)).toEqual([])
  })
})

describe("a plan", () => {
  const { plan } = compile(checked)
  const drawn = pictureOfPlan(plan)

  test("has a box for each step, numbered as in the listing", () => {
    const count = (p: Picture): number =>
      p.boxes.filter((b) => b.tone !== "input" && b.tone !== "output").length +
      p.boxes.reduce((n, b) => n + b.inner.reduce((m, i) => m + count(i.picture), 0), 0)
    expect(count(drawn)).toBe(plan.scopes.reduce((n, s) => n + s.steps.length, 0))
    expect(drawn.boxes.some((b) => b.title.startsWith("e0 "))).toBe(true)
  })

  test("is laid out without overlaps", () => {
    expect(misplaced(layout(drawn))).toEqual([])
  })
})

describe("as text", () => {
  test("SVG is well-formed XML, and words of a graph are only words", async () => {
    const hostile: Picture = {
      boxes: [{ id: "a", title: `<script>"&'\u0000\ud800`, lines: ["]]>", "\u202e"], tone: "pure", inner: [] }],
      links: [],
    }
    const svg = svgOf([{ picture: hostile }, { heading: "<b>", picture }], {
      title: "<x>",
      about: checked.graph.about!,
    })
    const opened: string[] = []
    let bad = ""
    for (const [, close, name, , self] of svg.matchAll(/<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
      if (close === "/") bad ||= opened.pop() === name ? "" : `</${name}>`
      else if (self !== "/") opened.push(name!)
    }
    expect({ bad, opened }).toEqual({ bad: "", opened: [] })
    expect(svg).not.toContain("<script")
    expect(svg.replace(/<[^<>]*>/g, "")).not.toMatch(/[<>]/)
    expect(svg).toContain("One &amp; two &lt;three&gt; &quot;four&quot;")
  })

  test("Mermaid names every box", () => {
    const mermaid = mermaidOf(picture)
    for (const name of ["all", "rows", "total", "report", "note", "mark"]) expect(mermaid).toContain(`<b>${name}</b>`)
    expect(mermaid).toContain("n_all --> n_report")
    expect(mermaid).toContain("-.->")
    expect(mermaid.split("\n").filter((l) => /^\s*subgraph /.test(l)).length).toBe(
      mermaid.split("\n").filter((l) => /^\s*end$/.test(l)).length,
    )
  })
})

test("the same graph gives the same picture", () => {
  const again = pictureOfGraph(checkedOf("nested.graph.yaml", text))
  expect(svgOf([{ picture: again }], { title: "t" })).toBe(svgOf([{ picture }], { title: "t" }))
})
