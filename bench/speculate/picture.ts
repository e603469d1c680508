/** The sweep as a picture: what is saved, and what it costs, over the threshold. Plain SVG, without a script or a font of its own. */

export interface Line {
  readonly name: string
  readonly colour: string
  readonly values: readonly number[]
}

const PANEL = { width: 420, height: 250, left: 44, right: 16, top: 30, bottom: 64 } as const

/** Panels side by side, each with lines over the same words. Values are percent. */
export function sweepPicture(
  title: string,
  at: readonly string[],
  panels: readonly { readonly title: string; readonly lines: readonly Line[] }[],
): string {
  const width = panels.length * PANEL.width
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}" width="${width}" height="${PANEL.height}" font-family="sans-serif" font-size="11" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${PANEL.height}" fill="#fff"/>`,
    ...panels.map((p, i) => `<g transform="translate(${i * PANEL.width} 0)">${panel(p.title, at, p.lines)}</g>`),
    "</svg>",
  ].join("\n")
}

function panel(title: string, at: readonly string[], lines: readonly Line[]): string {
  const { left, right, top, bottom } = PANEL
  const [x1, y1] = [PANEL.width - right, PANEL.height - bottom]
  const most = niceAbove(Math.max(1, ...lines.flatMap((l) => l.values)))
  const x = (i: number) => left + ((x1 - left) * i) / Math.max(1, at.length - 1)
  const y = (v: number) => y1 - ((y1 - top) * v) / most
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const h = y(share * most).toFixed(1)
    return `<line x1="${left}" x2="${x1}" y1="${h}" y2="${h}" stroke="#e2e8f0"/><text x="${left - 6}" y="${Number(h) + 4}" text-anchor="end" fill="#64748b">${Number((share * most).toPrecision(3))}</text>`
  })
  const words = at.map(
    (word, i) => `<text x="${x(i).toFixed(1)}" y="${y1 + 16}" text-anchor="middle" fill="#64748b">${word}</text>`,
  )
  const drawn = lines.map(({ name, colour, values }, i) => {
    const points = values.map((v, j) => `${x(j).toFixed(1)},${y(v).toFixed(1)}`)
    const dots = points.map((p) => `<circle cx="${p.split(",")[0]}" cy="${p.split(",")[1]}" r="3" fill="${colour}"/>`)
    const label = `<text x="${left + 130 * i}" y="${y1 + 52}" fill="${colour}">● ${name}</text>`
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}${label}`
  })
  const axis = `<text x="${(left + x1) / 2}" y="${y1 + 34}" text-anchor="middle" fill="#64748b">least confidence of a guess</text>`
  const head = `<text x="${left}" y="18" font-weight="bold" fill="#0f172a">${title}</text>`
  return [head, ...grid, ...words, axis, ...drawn].join("")
}

/** The next of 1, 2, 5, 10, 20, … that is not below. */
function niceAbove(x: number): number {
  let step = 1
  for (;;) {
    for (const n of [1, 2, 5]) if (n * step >= x) return n * step
    step *= 10
  }
}
