/** The report on shadows: one page, with tables and pictures as SVG, that needs nothing from anywhere else. */
import type { DoorState } from "../../learn/mod.ts"
import type { ShadowCard } from "./card.ts"
import { doorText } from "./door_text.ts"
import { coveragePicture, escaped, lossPicture, reliabilityPicture } from "./pictures.ts"

const percent = (share: number | null): string => (share === null ? "–" : `${Number((share * 100).toPrecision(3))} %`)

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;margin:1rem 0}td,th{border-bottom:1px solid #d0d7de;padding:.3rem .8rem;text-align:left}
svg{max-width:100%;height:auto}figure{display:inline-block;max-width:24rem;margin:.5rem 1rem .5rem 0;vertical-align:top}
pre{overflow:auto;background:#f6f8fa;padding:.6rem}code{word-break:break-all}figcaption{color:#57606a;font-size:.85rem}`

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
      `threshold ${c.threshold.toFixed(4)}, ${c.wrong} wrong of ${c.accepted} accepted, of ${c.cases}; bound ${percent(c.bound)} at ${percent(1 - c.delta)}`,
    ],
    ["gate", v.message],
    ...(door === undefined ? [] : [["door", doorText(door)]]),
  ]
  const pictures = [
    losses.length === 0
      ? ""
      : figure("Loss: of training (blue), of rows kept for looking at (grey)", lossPicture(losses)),
    figure(
      "Reliability: how often right, with its interval at 95 %; below the diagonal it is too sure of itself",
      reliabilityPicture(card),
    ),
    figure(
      "Coverage against error: the most that may be wrong, and what its threshold answers, are dashed",
      coveragePicture(card),
    ),
  ].join("")
  const geometry = card.geometry
  return `<h2>${escaped(tool)}</h2>${table(["", ""], facts)}${pictures}
${door === undefined || door.history.length === 0 ? "" : `<h3>Calibrated anew</h3>${reopenings(door)}`}<h3>Where it fails</h3>${worst(card)}
<h3>Geometry of its encoding</h3>${geometry === null ? "" : geometryOf(geometry)}`
}

/** The card has the table in Markdown, as terminals show it. */
function geometryOf({ table: text, picture }: NonNullable<ShadowCard["geometry"]>): string {
  const rows = text.split("\n").map((one) => one.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")))
  const [head = [], , ...body] = rows
  const about =
    "features that change between a value and the next; how far distances of features follow those of values"
  return `${table(head, body)}${figure(about, picture)}`
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
