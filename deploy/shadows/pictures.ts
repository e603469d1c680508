/** Pictures of a shadow's card as SVG: loss, reliability, coverage against error. Their axes are named, and nothing moves. */
import type { ShadowCard } from "./card.ts"

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT] = [380, 250, 52, 16, 14, 40]
/** Both ways from 0 to 1, the origin at the lower left. */
type Place = readonly [x: number, y: number]
const across = (x: number): number => LEFT + x * (WIDTH - LEFT - RIGHT)
const up = (y: number): number => HEIGHT - FOOT - y * (HEIGHT - TOP - FOOT)
const at = ([x, y]: Place): string => `${across(x).toFixed(1)},${up(y).toFixed(1)}`
const line = (places: readonly Place[], style: string): string =>
  places.length < 2 ? "" : `<polyline fill="none" ${style} points="${places.map(at).join(" ")}"/>`
const dots = (places: readonly Place[], colour: string): string =>
  places
    .map(([x, y]) => `<circle cx="${across(x).toFixed(1)}" cy="${up(y).toFixed(1)}" r="2.2" fill="${colour}"/>`)
    .join("")
const [BLUE, GREY] = ["#0969da", "#8c959f"]
const DARK = `stroke="${BLUE}" stroke-width="1.8"`
const LIGHT = `stroke="${GREY}" stroke-width="1.4"`
const THIN = 'stroke="#afb8c1" stroke-dasharray="4 3"'

interface Axis {
  readonly name: string
  /** What stands at its ends. */
  readonly ends: readonly [string, string]
}

const short = (x: number): string => String(Number(x.toPrecision(3)))
const share = (x: number): string => `${short(100 * x)} %`

function frame(inside: string, x: Axis, y: Axis): string {
  const text = (words: string, place: string, anchor: string) =>
    `<text ${place} font-size="10" text-anchor="${anchor}" fill="#57606a">${escaped(words)}</text>`
  const foot = HEIGHT - FOOT + 14
  const [middle, half] = [across(0.5), up(0.5)]
  const labels = [
    text(x.ends[0], `x="${across(0)}" y="${foot}"`, "middle"),
    text(x.ends[1], `x="${across(1)}" y="${foot}"`, "middle"),
    text(x.name, `x="${middle}" y="${foot + 14}"`, "middle"),
    text(y.ends[0], `x="${LEFT - 5}" y="${up(0)}"`, "end"),
    text(y.ends[1], `x="${LEFT - 5}" y="${up(1) + 4}"`, "end"),
    text(y.name, `transform="translate(12 ${half}) rotate(-90)"`, "middle"),
  ].join("")
  const corner: readonly Place[] = [
    [0, 1],
    [0, 0],
    [1, 0],
  ]
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="sans-serif">${line(corner, LIGHT)}${inside}${labels}</svg>`
}

/** Losses fall by powers of ten, and so does the picture. */
export function lossPicture(losses: ShadowCard["losses"]): string {
  const steps = Math.max(...losses.map(([step]) => step), 1)
  // A loss that is no number has no place in a picture, and neither has 0; in a card that was kept the first is null.
  const shown = (x: number): boolean => Number.isFinite(x) && x > 0
  const all = losses.flatMap(([, loss, look]) => [loss, look]).filter(shown)
  const [low, high] = [Math.floor(Math.log10(Math.min(...all, 1))), Math.ceil(Math.log10(Math.max(...all, 1)))]
  const span = Math.max(1, high - low)
  const curve = (which: 1 | 2): Place[] =>
    losses.filter((l) => shown(l[which])).map((l): Place => [l[0] / steps, (Math.log10(l[which]) - low) / span])
  return frame(
    line(curve(2), LIGHT) + line(curve(1), DARK) + dots(curve(2), GREY) + dots(curve(1), BLUE),
    { name: "step", ends: ["0", String(steps)] },
    { name: "loss", ends: [short(10 ** low), short(10 ** (low + span))] },
  )
}

export function reliabilityPicture({ reliability }: ShadowCard): string {
  const low = Math.min(0.99, ...reliability.map((b) => Math.min(b.confidence, b.low)))
  const scaled = (x: number): number => (x - low) / (1 - low)
  const bars = reliability.map((b) => {
    const x = scaled(b.confidence)
    return line(
      [
        [x, scaled(b.low)],
        [x, scaled(b.high)],
      ],
      LIGHT,
    )
  })
  const means = reliability.map((b): Place => [scaled(b.confidence), scaled(b.right)])
  const ideal = line(
    [
      [0, 0],
      [1, 1],
    ],
    THIN,
  )
  const ends = [share(low), "100 %"] as const
  return frame(
    ideal + bars.join("") + line(means, DARK) + dots(means, BLUE),
    { name: "how sure it is", ends },
    { name: "how often right", ends },
  )
}

export function coveragePicture({ coverageError, calibration }: ShadowCard): string {
  const most = Math.max(2 * calibration.alpha, ...coverageError.map((p) => p.error))
  const promised: readonly Place[] = [
    [0, calibration.alpha / most],
    [1, calibration.alpha / most],
  ]
  const chosen: readonly Place[] = [
    [calibration.coverage, 0],
    [calibration.coverage, 1],
  ]
  const curve = coverageError.map((p): Place => [p.coverage, p.error / most])
  const points = curve.length < 2 ? dots(curve, BLUE) : ""
  return frame(
    line(promised, THIN) + line(chosen, THIN) + line(curve, DARK) + points,
    { name: "calls that it would answer", ends: ["0", "100 %"] },
    { name: "of these wrong", ends: ["0", share(most)] },
  )
}
