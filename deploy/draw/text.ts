/**
 * A picture as lines of text, for a terminal. What stands in one bracket needs nothing of one another and may run at the
 * same time; what stands below waits for something above, which is named behind the arrow.
 */
import type { Box, Picture } from "./picture.ts"

/** Paints a box's name by its tone; without one the text is plain. */
export type Paint = (tone: Box["tone"], text: string) => string

export interface TextOptions {
  readonly columns: number
  readonly paint: Paint
  readonly dim: (text: string) => string
}

export function textOf(picture: Picture, options: TextOptions): string {
  return `${rowsOf(picture, "  ", options).join("\n")}\n`
}

const WHAT_MAX = 44

function rowsOf(whole: Picture, indent: string, options: TextOptions): readonly string[] {
  const { columns, paint, dim } = options
  const picture = withoutInput(whole)
  const given = whole.boxes.filter(isInput)
  const layers = [...(given.length === 0 ? [] : [given]), ...layersOf(picture)]
  const waits = waitsOf(picture)
  const titles = new Map(whole.boxes.map((box) => [box.id, box.title]))
  const width = (texts: readonly string[]) => texts.reduce((w, t) => Math.max(w, lengthOf(t)), 0)
  const name = width(whole.boxes.map((b) => b.title))
  const room = Math.max(8, columns - indent.length - 2 - name - 2)
  const whats = new Map(whole.boxes.map((b) => [b.id, cut(b.lines[0] ?? "", Math.min(WHAT_MAX, room))]))
  const what = width([...whats.values()])
  const rows: string[] = []
  layers.forEach((layer, l) => {
    if (l > 0) rows.push(`${indent}${dim("│")}`)
    layer.forEach((box, i) => {
      const mark = layer.length === 1 ? "─" : i === 0 ? "┌" : i === layer.length - 1 ? "└" : "├"
      const said = whats.get(box.id)!
      const from = (waits.get(box.id) ?? []).map((id) => titles.get(id)!).join(" ")
      const left = columns - indent.length - 2 - name - 2 - what - 4
      const tail = from === "" || left < 8 ? "" : `  ${dim(`← ${cut(from, left)}`)}`
      const words = `${said}${tail === "" ? "" : " ".repeat(what - lengthOf(said))}`
      const pad = words === "" ? "" : `${" ".repeat(name - lengthOf(box.title))}  `
      rows.push(`${indent}${dim(mark)} ${paint(box.tone, box.title)}${pad}${words}${tail}`)
      const more = i < layer.length - 1 ? "│" : " "
      for (const { label, picture: inner } of box.inner) {
        const alone = box.inner.length === 1
        if (!alone) rows.push(`${indent}${dim(`${more} │ ${label}`)}`)
        rows.push(...rowsOf(inner, `${indent}${dim(more)} ${dim("│")}${alone ? " " : "   "}`, { ...options, columns }))
      }
    })
  })
  return rows
}

const isInput = (box: Box): boolean => box.tone === "input"

/** The input is there before anything begins, so nothing waits for it. */
function withoutInput({ boxes, links }: Picture): Picture {
  const input = new Set(boxes.filter(isInput).map((b) => b.id))
  return { boxes: boxes.filter((b) => !isInput(b)), links: links.filter((l) => !input.has(l.from)) }
}

/** Boxes by the length of the longest way to them: each as early as it may begin. */
function layersOf({ boxes, links }: Picture): readonly (readonly Box[])[] {
  const before = new Map<string, string[]>(boxes.map((b) => [b.id, []]))
  for (const { from, to } of links) before.get(to)?.push(from)
  const depths = new Map<string, number>()
  const layers: Box[][] = []
  // Boxes stand in an order in which each comes after what it waits for, or nearly: rounds settle the rest.
  for (let round = 0, moved = true; moved && round <= boxes.length; round++) {
    moved = false
    for (const { id } of boxes) {
      const depth = before.get(id)!.reduce((d, from) => Math.max(d, (depths.get(from) ?? 0) + 1), 0)
      if (depth === depths.get(id)) continue
      depths.set(id, depth)
      moved = true
    }
  }
  for (const box of boxes) (layers[depths.get(box.id)!] ??= []).push(box)
  return layers.filter((layer) => layer !== undefined)
}

/** What each box waits for, without what it waits for anyway through another. */
function waitsOf({ boxes, links }: Picture): ReadonlyMap<string, readonly string[]> {
  const direct = new Map<string, Set<string>>(boxes.map((b) => [b.id, new Set()]))
  for (const { from, to } of links) if (direct.has(from)) direct.get(to)?.add(from)
  const above = new Map<string, ReadonlySet<string>>()
  const aboveOf = (id: string): ReadonlySet<string> => {
    const known = above.get(id)
    if (known !== undefined) return known
    const all = new Set<string>()
    above.set(id, all)
    for (const from of direct.get(id)!) {
      all.add(from)
      for (const further of aboveOf(from)) all.add(further)
    }
    return all
  }
  return new Map(
    boxes.map(({ id }) => {
      const froms = [...direct.get(id)!]
      return [id, froms.filter((from) => !froms.some((other) => other !== from && aboveOf(other).has(from)))]
    }),
  )
}

const lengthOf = (text: string): number => [...text].length
const cut = (text: string, max: number): string =>
  lengthOf(text) <= max ? text : `${[...text].slice(0, Math.max(0, max - 1)).join("")}…`
