/** Where a shadow fails: each place of the input cut into parts of as many cases, and the parts where most is wrong. */
import { isRecord, type Value } from "../../graph/mod.ts"
import type { Scored } from "../../learn/mod.ts"
import type { Worst } from "./card.ts"

const PARTS = 8
const WORDS_MAX = 64
/** Fewer cases say nothing. */
const CASES_MIN = 10
const SHOWN = 12

type One = Scored & { readonly args: Value }

/** The parts with the greatest share of wrong or missing answers among all that were asked, the worst first. */
export function worstOf(scored: readonly One[]): readonly Worst[] {
  const places = new Map<string, { readonly value: Value; readonly one: One }[]>()
  for (const one of scored)
    each(one.args, "", (place, value) => {
      const known = places.get(place)
      if (known === undefined) places.set(place, [{ value, one }])
      else known.push({ value, one })
    })
  const parts = [...places].flatMap(([place, all]) => partsOf(place === "" ? "input" : place, all))
  const share = ({ cases, wrong, unsure }: Worst): number => (wrong + unsure) / cases
  return parts
    .filter((p) => p.cases >= CASES_MIN && p.wrong + p.unsure > 0)
    .sort((a, b) => share(b) - share(a))
    .slice(0, SHOWN)
}

function each(value: Value, at: string, visit: (place: string, value: Value) => void): void {
  if (isRecord(value)) {
    for (const [name, part] of Object.entries(value)) each(part, at === "" ? name : `${at}.${name}`, visit)
  } else if (Array.isArray(value)) visit(`${at} items`, value.length)
  else if (value instanceof Uint8Array) visit(`${at} bytes`, value.length)
  else visit(at, value)
}

function partsOf(place: string, all: readonly { readonly value: Value; readonly one: One }[]): readonly Worst[] {
  const numbers = all.filter(({ value }) => typeof value === "number" || typeof value === "bigint")
  if (numbers.length === all.length) {
    const sorted = [...all].sort((a, b) => Number(a.value) - Number(b.value))
    const size = Math.ceil(sorted.length / PARTS)
    return Array.from({ length: Math.ceil(sorted.length / size) }, (_, i) => {
      const part = sorted.slice(i * size, (i + 1) * size)
      return tally(place, `${part[0]!.value} to ${part.at(-1)!.value}`, part)
    })
  }
  const groups = Map.groupBy(all, ({ value }) => (typeof value === "string" ? JSON.stringify(value) : String(value)))
  if (groups.size > WORDS_MAX) {
    const lengths = all.map(({ value, one }) => ({ value: String(value).length, one }))
    return partsOf(`${place} length`, lengths)
  }
  return [...groups].map(([word, part]) => tally(place, word, part))
}

function tally(place: string, where: string, part: readonly { readonly one: One }[]): Worst {
  const unsure = part.filter(({ one }) => Number.isNaN(one.confidence)).length
  const wrong = part.filter(({ one }) => !one.right && !Number.isNaN(one.confidence)).length
  return { place, where, cases: part.length, wrong, unsure }
}
