/**
 * The geometry of encodings as a table and as a picture: one panel each, the distance of features over the distance of
 * values, with a band from the least to the greatest. Plain SVG, without a script or a font of its own.
 */
import type { Geometry } from "../geometry.ts"

/** A table in Markdown, one row an encoding. */
export function geometryTable(all: readonly Geometry[]): string {
  const rows = all.map((g) => [
    g.name,
    String(g.width),
    `${short(g.flips.mean)} (${short(g.flips.least)}–${short(g.flips.most)})`,
    `${short(g.flipDistance.mean)} (${short(g.flipDistance.least)}–${short(g.flipDistance.most)})`,
    short(g.isometry.near),
    short(g.isometry.far),
    short(g.lipschitz),
    short(g.lipschitzInverse),
  ])
  return [TITLES, TITLES.map(() => "---"), ...rows].map((r) => `| ${r.join(" | ")} |`).join("\n")
}

const TITLES = [
  "encoding",
  "features",
  "flips a step",
  "flip distance",
  "isometry near",
  "isometry far",
  "Lipschitz",
  "inverse",
]

const short = (x: number): string =>
  !Number.isFinite(x) ? "–" : x >= 1e6 ? x.toExponential(1) : Number.isInteger(x) ? String(x) : x.toFixed(2)

const PANEL = { width: 260, height: 190, left: 34, right: 10, top: 26, bottom: 30 } as const
const COLUMNS = 3

/** The picture: encodings whose values have no order have no panel. */
export function geometryPicture(all: readonly Geometry[]): string {
  const shown = all.filter((g) => g.curve.length > 1)
  const columns = Math.max(1, Math.min(COLUMNS, shown.length))
  const width = columns * PANEL.width
  const height = Math.max(1, Math.ceil(shown.length / columns)) * PANEL.height
  const panels = shown.map(
    (g, i) =>
      `<g transform="translate(${(i % columns) * PANEL.width} ${Math.floor(i / columns) * PANEL.height})">${panel(g)}</g>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="10" role="img">`,
    "<title>Distance of features over distance of values</title>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...panels,
    "</svg>",
  ].join("\n")
}

function panel({ name, curve, isometry }: Geometry): string {
  const { left, right, top, bottom } = PANEL
  const [x1, y1] = [PANEL.width - right, PANEL.height - bottom]
  const stepsMost = curve.at(-1)!.steps
  const most = curve.reduce((m, c) => Math.max(m, c.most), 0)
  const x = (steps: number) => place(left + ((x1 - left) * steps) / stepsMost)
  const y = (d: number) => place(y1 - ((y1 - top) * d) / (most || 1))
  const line = (of: "least" | "mean" | "most", from = curve) => from.map((c) => `${x(c.steps)},${y(c[of])}`).join(" ")
  return [
    `<text x="${left}" y="15" font-weight="bold">${escaped(name)}</text>`,
    `<text x="${x1}" y="15" text-anchor="end" fill="#666">near ${short(isometry.near)}, far ${short(isometry.far)}</text>`,
    `<polygon points="${line("most")} ${line("least", [...curve].reverse())}" fill="#7aa6c2" fill-opacity="0.35"/>`,
    `<polyline points="${line("mean")}" fill="none" stroke="#1f5f8b" stroke-width="1.5"/>`,
    `<path d="M${left} ${top}V${y1}H${x1}" fill="none" stroke="#333"/>`,
    `<text x="${left - 4}" y="${top + 4}" text-anchor="end">${short(most)}</text><text x="${left - 4}" y="${y1}" text-anchor="end">0</text>`,
    `<text x="${x1}" y="${y1 + 12}" text-anchor="end">${short(stepsMost)}</text>`,
    `<text x="${(left + x1) / 2}" y="${y1 + 22}" text-anchor="middle" fill="#666">steps between values</text>`,
  ].join("")
}

const place = (n: number): string => String(Math.round(n * 100) / 100)
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
