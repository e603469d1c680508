/** The report on shadows: one page, with tables and pictures as SVG, that needs nothing from anywhere else. */
import type { DoorState } from "../../learn/mod.ts"
import type { ShadowCard } from "./card.ts"
import { doorText } from "./door_text.ts"

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
const percent = (share: number | null): string => (share === null ? "–" : `${Number((share * 100).toPrecision(3))} %`)

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;margin:1rem 0}td,th{border-bottom:1px solid #d0d7de;padding:.3rem .8rem;text-align:left}
svg{max-width:100%;height:auto}figure{display:inline-block;margin:.5rem 1rem .5rem 0;vertical-align:top}
pre{overflow:auto;background:#f6f8fa;padding:.6rem}code{word-break:break-all}figcaption{color:#57606a}`

/** A shadow as the report shows it: its card, and its door, where that is known. */
export interface Reported {
  readonly card: ShadowCard
  readonly door?: DoorState
}

export function reportPage(shadows: readonly Reported[]): string {
  const cards = shadows.map(({ card }) => card)
  const all = shadows.map(section).join("\n")
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Shadows</title><style>${STYLE}</style></head><body>
<h1>Shadows</h1>
${summary(cards)}
${all === "" ? "<p>No tool has a shadow here.</p>" : all}
</body></html>
`
}

function summary(cards: readonly ShadowCard[]): string {
  const rows = cards.map(({ tool, family, calibration, verdict, fresh }) => [
    ...[tool, family, percent(calibration.coverage), percent(fresh.answered / fresh.drawn)],
    ...[`${verdict.wrong} of ${verdict.cases}`, percent(verdict.bound), percent(calibration.alpha)],
  ])
  return table(
    ["tool", "family", "calls answered", "fresh inputs answered", "wrong at the gate", "bound, 95 %", "promised"],
    rows,
  )
}

function section({ card, door }: Reported): string {
  const { tool, version, hash, calibration: c, verdict: v, losses, made, parts, leftOut } = card
  const facts = [
    ["version of the tool", version],
    ["file", hash],
    ["made", made],
    [
      "calls",
      `${parts.learned} learned from, ${parts.tuned} for thresholds, ${parts.calibrated} for calibration, ${leftOut} left out`,
    ],
    [
      "calibration",
      `threshold ${c.threshold}, ${c.wrong} wrong of ${c.accepted} accepted, of ${c.cases}; bound ${percent(c.bound)} at ${percent(1 - c.delta)}`,
    ],
    ["gate", v.message],
    ...(door === undefined ? [] : [["door", doorText(door)]]),
  ]
  const pictures = [
    losses.length === 0 ? "" : figure("Loss: training (dark), look at kept rows (light)", lossPicture(losses)),
    figure("Reliability: how sure against how often right", reliabilityPicture(card)),
    figure("Coverage against error", coveragePicture(card)),
  ].join("")
  const geometry = card.geometry
  return `<h2>${escaped(tool)}</h2>${table(["", ""], facts)}${pictures}
${door === undefined || door.history.length === 0 ? "" : `<h3>Calibrated anew</h3>${reopenings(door)}`}<h3>Where it fails</h3>${worst(card)}
<h3>Geometry of its encoding</h3>${geometry === null ? "" : `<pre>${escaped(geometry.table)}</pre>${geometry.picture}`}`
}

const reopenings = ({ history }: DoorState): string =>
  table(
    ["when", "block", "calls", "threshold", "accepted", "wrong", "bound", "door"],
    history.map((h) => [
      ...[new Date(h.at).toISOString(), String(h.attempt), String(h.cases), h.threshold?.toFixed(4) ?? "–"],
      ...[String(h.accepted), String(h.wrong), percent(h.bound), h.opened ? "opened" : "stayed shut"],
    ]),
  )

const worst = ({ worst: parts }: ShadowCard): string =>
  parts.length === 0
    ? "<p>Nowhere among its calibration cases.</p>"
    : table(
        ["place", "where", "cases", "wrong", "without an answer"],
        parts.map((w) => [w.place, w.where, String(w.cases), String(w.wrong), String(w.unsure)]),
      )

const row = (cells: readonly string[], tag: "td" | "th"): string =>
  `<tr>${cells.map((c) => `<${tag}>${escaped(c)}</${tag}>`).join("")}</tr>`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<table>${head.every((h) => h === "") ? "" : row(head, "th")}${rows.map((r) => row(r, "td")).join("")}</table>`
const figure = (caption: string, picture: string): string =>
  `<figure>${picture}<figcaption>${escaped(caption)}</figcaption></figure>`

// ---- pictures: 0 to 1 both ways, the origin at the lower left

const [WIDTH, HEIGHT, PAD] = [360, 240, 34]
type Place = readonly [x: number, y: number]
const at = ([x, y]: Place): string =>
  `${(PAD + x * (WIDTH - 2 * PAD)).toFixed(1)},${(HEIGHT - PAD - y * (HEIGHT - 2 * PAD)).toFixed(1)}`
const line = (places: readonly Place[], style: string): string =>
  places.length === 0 ? "" : `<polyline fill="none" ${style} points="${places.map(at).join(" ")}"/>`
const DARK = 'stroke="#0969da" stroke-width="1.8"'
const LIGHT = 'stroke="#8c959f" stroke-width="1.4"'
const THIN = 'stroke="#d0d7de" stroke-dasharray="4 3"'

function frame(inside: string, [left, right]: Place, [low, high]: Place): string {
  const word = (x: number, y: number, text: number, anchor: string) =>
    `<text x="${x}" y="${y}" font-size="10" text-anchor="${anchor}" fill="#57606a">${Number(text.toPrecision(3))}</text>`
  const labels = [
    word(PAD, HEIGHT - PAD + 14, left, "middle"),
    word(WIDTH - PAD, HEIGHT - PAD + 14, right, "middle"),
    word(PAD - 4, HEIGHT - PAD, low, "end"),
    word(PAD - 4, PAD + 4, high, "end"),
  ].join("")
  const box = line(
    [
      [0, 1],
      [0, 0],
      [1, 0],
    ],
    LIGHT,
  )
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">${box}${inside}${labels}</svg>`
}

function lossPicture(losses: ShadowCard["losses"]): string {
  const steps = Math.max(...losses.map(([step]) => step), 1)
  const most = Math.max(...losses.flatMap(([, loss, look]) => [loss, look]).filter(Number.isFinite), 1e-9)
  // A loss that is no number has no place in a picture; in a card that was kept it is null.
  const curve = (which: 1 | 2): Place[] =>
    losses.filter((l) => Number.isFinite(l[which])).map((l): Place => [l[0] / steps, l[which] / most])
  return frame(line(curve(2), LIGHT) + line(curve(1), DARK), [0, steps], [0, most])
}

function reliabilityPicture({ reliability }: ShadowCard): string {
  const low = Math.min(0.99, ...reliability.map((b) => Math.min(b.confidence, b.low)))
  const scaled = (x: number): number => (x - low) / (1 - low)
  const bars = reliability
    .map((b) =>
      line(
        [
          [scaled(b.confidence), scaled(b.low)],
          [scaled(b.confidence), scaled(b.high)],
        ],
        LIGHT,
      ),
    )
    .join("")
  const means = reliability.map((b): Place => [scaled(b.confidence), scaled(b.right)])
  return frame(
    line(
      [
        [0, 0],
        [1, 1],
      ],
      THIN,
    ) +
      bars +
      line(means, DARK),
    [low, 1],
    [low, 1],
  )
}

function coveragePicture({ coverageError, calibration }: ShadowCard): string {
  const most = Math.max(2 * calibration.alpha, ...coverageError.map((p) => p.error))
  const promised = line(
    [
      [0, calibration.alpha / most],
      [1, calibration.alpha / most],
    ],
    THIN,
  )
  const chosen = line(
    [
      [calibration.coverage, 0],
      [calibration.coverage, 1],
    ],
    THIN,
  )
  const curve = coverageError.map((p): Place => [p.coverage, p.error / most])
  return frame(promised + chosen + line(curve, DARK), [0, 1], [0, most])
}
