/** What a person is told of a shadow: its card in a few lines. */
import type { ShadowCard } from "../shadows/card.ts"
import type { Call } from "./command.ts"
import { printable } from "./errors.ts"

export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

export function cardLines(card: ShadowCard, { dim, green }: Call["terminal"]["out"]["colours"]): string {
  const { calibration: c, verdict: v, fresh, family, hash, version, parts } = card
  const rows: (readonly [string, string])[] = [
    ["shadow", `${hash.slice(0, 16)}  ${dim(`${family}, of version ${printable(version.slice(0, 16))}`)}`],
    ["learned", `from ${parts.learned} calls; ${parts.calibrated} others for calibration`],
    ["promises", `at most ${percent(c.alpha)} of its accepted answers are wrong, at ${percent(1 - c.delta)}`],
    ["answers", `${percent(c.coverage)} of calls, from confidence ${c.threshold.toFixed(4)} on`],
    [
      "gate",
      `${green(v.outcome)}: ${v.wrong} wrong in ${v.cases} fresh cases; ${percent(fresh.answered / fresh.drawn)} of fresh inputs answered`,
    ],
    ["bound", v.bound === null ? "none" : `${percent(v.bound)} wrong at most, at 95 % (submission ${v.submission})`],
  ]
  return `${rows.map(([name, text]) => `  ${name.padEnd(8)}  ${text}`).join("\n")}\n`
}
