/** Texts as people write them, from a draw: words of letters and digits, of a length between two bounds. */
import type { Draw } from "../../gate/mod.ts"

const LETTERS = [..."etaoinshrdlcumwfgypbvk  ETAOIN0123456789"]

/** From `least` to `most` characters, of which at most sixteen more than the least are used. */
export function drawText(draw: Draw, least: number, most: number): string {
  const length = least + draw.below(Math.min(most - least, 16) + 1)
  return Array.from({ length }, () => draw.pick(LETTERS)).join("")
}
