/**
 * A picture of a graph before it has a layout: boxes with words, links between them, and bodies as pictures inside a box.
 * Graphs and plans become pictures; pictures become SVG or Mermaid.
 */

/** How a box is painted: by what it may do to the world. */
export type Tone = "pure" | "read" | "write" | "input" | "output"

export interface Box {
  /** Unique in its picture. */
  readonly id: string
  readonly title: string
  /** Smaller words below the title. */
  readonly lines: readonly string[]
  readonly tone: Tone
  /** Bodies: of a `map`, of each case. */
  readonly inner: readonly { readonly label: string; readonly picture: Picture }[]
}

export interface Link {
  readonly from: string
  readonly to: string
  /** An order without data. */
  readonly orderOnly: boolean
}

export interface Picture {
  readonly boxes: readonly Box[]
  readonly links: readonly Link[]
}

/** Layout is quadratic in the worst case, and nobody reads a picture of more boxes. */
export const BOXES_MAX = 1_500

export const boxesOf = (picture: Picture): number =>
  picture.boxes.reduce((n, box) => n + 1 + box.inner.reduce((m, { picture: p }) => m + boxesOf(p), 0), 0)

export const clip = (text: string, max: number): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`
}
