/** A picture as SVG: one file without scripts or fonts of its own, at home on light and dark pages. */
import { type Layout, layout, type Placed, type Point, SIZES } from "./layout.ts"
import type { Picture } from "./picture.ts"

export interface SvgOptions {
  /** Above the picture, and read aloud. */
  readonly title: string
  readonly about?: string
}

const MARGIN = 20

/** The pictures side by side, each under its own heading where there are several. */
export function svgOf(
  pictures: readonly { readonly heading?: string; readonly picture: Picture }[],
  options: SvgOptions,
): string {
  const head = options.about === undefined ? 34 : 54
  let x = MARGIN
  let tallest = 0
  const parts: string[] = []
  for (const { heading, picture } of pictures) {
    const placed = layout(picture)
    const top = head + (heading === undefined ? 0 : 30)
    if (heading !== undefined) parts.push(text(x, head + 18, "heading", heading))
    parts.push(`<g transform="translate(${round(x)} ${round(top)})">\n${drawn(placed)}</g>`)
    x += Math.max(placed.width, (heading?.length ?? 0) * SIZES.lineChar) + 48
    tallest = Math.max(tallest, top + placed.height)
  }
  const titles = Math.max(options.title.length * 10, (options.about?.length ?? 0) * SIZES.lineChar)
  const width = Math.ceil(Math.max(x - 48, MARGIN + titles) + MARGIN)
  const height = Math.ceil(tallest + MARGIN)
  const about = options.about === undefined ? "" : text(MARGIN, 44, "about", options.about)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(options.title)}">
<style>${STYLE}</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0.5 L8 4 L0 7.5 z"/></marker></defs>
<rect class="paper" width="${width}" height="${height}"/>
${text(MARGIN, 24, "name", options.title)}
${about}
${parts.join("\n")}
</svg>
`
}

const STYLE = `
svg { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; --paper: #ffffff; --ink: #1f2937; --soft: #6b7280; --line: #94a3b8; --pure: #f1f5f9; --pure-edge: #cbd5e1; --read: #e0f2fe; --read-edge: #38bdf8; --write: #fde8d8; --write-edge: #f97316; --end: #ffffff; --end-edge: #64748b; --room: #ffffffa6 }
@media (prefers-color-scheme: dark) { svg { --paper: #0f172a; --ink: #e5e7eb; --soft: #94a3b8; --line: #64748b; --pure: #1e293b; --pure-edge: #475569; --read: #0c3349; --read-edge: #0ea5e9; --write: #43230f; --write-edge: #f97316; --end: #0f172a; --end-edge: #94a3b8; --room: #0f172a80 } }
.paper { fill: var(--paper) } .name { font-size: 17px; font-weight: 600; fill: var(--ink) } .about, .heading { font-size: 12px; fill: var(--soft) }
.box { stroke-width: 1.2 } .pure { fill: var(--pure); stroke: var(--pure-edge) } .read { fill: var(--read); stroke: var(--read-edge) } .write { fill: var(--write); stroke: var(--write-edge) } .input, .output { fill: var(--end); stroke: var(--end-edge); stroke-dasharray: 4 3 }
.room { fill: var(--room); stroke: none } .title { font-size: ${SIZES.title}px; font-weight: 600; fill: var(--ink) } .word { font-size: ${SIZES.line}px; fill: var(--soft) } .label { font-size: 10.5px; fill: var(--soft); font-style: italic }
.link { fill: none; stroke: var(--line); stroke-width: 1.3 } .order { stroke-dasharray: 2 4 } .tip { fill: var(--line) }
`.trim()

function drawn({ boxes, links }: Layout): string {
  const lines = links.map(
    ({ points, orderOnly }) =>
      `<path class="link${orderOnly ? " order" : ""}" d="${curve(points)}" marker-end="url(#arrow)"/>\n`,
  )
  return lines.join("") + boxes.map(boxOf).join("")
}

function boxOf({ box, x, y, width, height, inner }: Placed): string {
  const { padX, padY, titleHeight, lineHeight } = SIZES
  const radius = box.tone === "input" || box.tone === "output" ? 14 : 7
  const parts = [
    `<rect class="box ${box.tone}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${radius}"/>`,
  ]
  parts.push(text(x + padX, y + padY + 12, "title", box.title))
  box.lines.forEach((line, i) => {
    parts.push(text(x + padX, y + padY + titleHeight + 10 + i * lineHeight, "word", line))
  })
  for (const body of inner) {
    const [bx, by] = [x + body.x, y + body.y]
    parts.push(text(bx, by - 6, "label", body.label))
    parts.push(
      `<rect class="room" x="${round(bx - 6)}" y="${round(by - 2)}" width="${round(body.layout.width + 12)}" height="${round(body.layout.height + 6)}" rx="5"/>`,
    )
    parts.push(`<g transform="translate(${round(bx)} ${round(by)})">\n${drawn(body.layout)}</g>`)
  }
  return `${parts.join("\n")}\n`
}

/** A soft line through the points that the layout gives. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points
  if (first === undefined) return ""
  let d = `M${round(first.x)} ${round(first.y)}`
  for (let i = 0; i < rest.length; i++) {
    const p = rest[i]!
    const next = rest[i + 1]
    if (next === undefined) d += ` L${round(p.x)} ${round(p.y)}`
    else d += ` Q${round(p.x)} ${round(p.y)} ${round((p.x + next.x) / 2)} ${round((p.y + next.y) / 2)}`
  }
  return d
}

const text = (x: number, y: number, kind: string, words: string): string =>
  `<text class="${kind}" x="${round(x)}" y="${round(y)}">${escaped(words)}</text>`

const round = (n: number): number => Math.round(n * 10) / 10

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }
/** Characters that XML knows nothing of are left out: words of a graph may be anything. */
const escaped = (words: string): string =>
  words
    .toWellFormed()
    .replace(NOT_XML, "")
    .replace(/[&<>"]/g, (c) => ESCAPES[c]!)
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g
