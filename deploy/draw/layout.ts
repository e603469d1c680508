/**
 * Where the boxes of a picture stand. Each body is laid out on its own and then stands in its box as one thing, so that a
 * picture reads from the outside in; dagre places the boxes of one level and bends the links.
 */
import { layout as dagre, Graph } from "@dagrejs/dagre"
import type { Box, Picture } from "./picture.ts"

export interface Point {
  readonly x: number
  readonly y: number
}
export interface Placed {
  readonly box: Box
  /** Of the upper left corner. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Bodies, placed inside the box. */
  readonly inner: readonly { readonly label: string; readonly x: number; readonly y: number; readonly layout: Layout }[]
}
export interface Layout {
  readonly width: number
  readonly height: number
  readonly boxes: readonly Placed[]
  readonly links: readonly { readonly points: readonly Point[]; readonly orderOnly: boolean }[]
}

/** Pixels; text is set in a monospaced face, so its width is known without measuring. */
export const SIZES = {
  title: 14,
  line: 11.5,
  titleChar: 8.45,
  lineChar: 6.95,
  titleHeight: 20,
  lineHeight: 16,
  padX: 14,
  padY: 10,
  label: 18,
  gap: 14,
} as const

export function layout(picture: Picture): Layout {
  const graph = new Graph()
  graph.setGraph({ rankdir: "TB", nodesep: 26, edgesep: 14, ranksep: 38, marginx: 2, marginy: 2 })
  graph.setDefaultEdgeLabel(() => ({}))
  const sized = picture.boxes.map((box) => ({ box, ...sizeOf(box) }))
  for (const { box, width, height } of sized) graph.setNode(box.id, { width, height })
  for (const { from, to } of picture.links) graph.setEdge(from, to)
  dagre(graph)
  const boxes = sized.map(({ box, width, height, inner }): Placed => {
    const { x = 0, y = 0 } = graph.node(box.id) as { readonly x?: number; readonly y?: number }
    return { box, x: x - width / 2, y: y - height / 2, width, height, inner }
  })
  const links = picture.links.map(({ from, to, orderOnly }) => {
    const { points } = graph.edge(from, to) as { readonly points: readonly Point[] }
    return { points, orderOnly }
  })
  const width = Math.max(0, ...boxes.map((b) => b.x + b.width), ...links.flatMap((l) => l.points.map((p) => p.x)))
  const height = Math.max(0, ...boxes.map((b) => b.y + b.height))
  return { width: width + 2, height: height + 2, boxes, links }
}

/** How large a box must be for its words and its bodies, which stand side by side below the words. */
function sizeOf(box: Box): { readonly width: number; readonly height: number; readonly inner: Placed["inner"] } {
  const { titleChar, lineChar, titleHeight, lineHeight, padX, padY, label, gap } = SIZES
  const words = Math.max(columns(box.title) * titleChar, ...box.lines.map((line) => columns(line) * lineChar))
  const head = padY + titleHeight + box.lines.length * lineHeight
  const inner: Placed["inner"][number][] = []
  let x = padX
  let tallest = 0
  for (const { label: name, picture } of box.inner) {
    const inside = layout(picture)
    inner.push({ label: name, x, y: head + label + 2, layout: inside })
    x += Math.max(inside.width, columns(name) * lineChar) + gap
    tallest = Math.max(tallest, inside.height)
  }
  const width = Math.max(words + 2 * padX, inner.length === 0 ? 0 : x - gap + padX, 64)
  const height = inner.length === 0 ? head + padY - 2 : head + label + tallest + padY + 4
  return { width: Math.ceil(width), height: Math.ceil(height), inner }
}

/** Columns in a monospaced face: wide letters take two. */
function columns(text: string): number {
  let n = 0
  for (const c of text)
    n += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]|\p{Emoji_Presentation}/u.test(c) ? 2 : 1
  return n
}
