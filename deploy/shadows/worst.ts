/** Where a shadow fails: each place of the input cut into parts of as many cases, and the parts where most is wrong. */
import { compareKeys, isRecord, type Value } from "../../graph/mod.ts"
import type { Scored } from "../../learn/mod.ts"
import type { Worst } from "./card.ts"

const PARTS = 8
const WORDS_MAX = 64
/** Fewer cases say nothing. */
const CASES_MIN = 10
const SHOWN = 12
/** Of a list the first are looked at one by one: the places of a URL are such. */
const ITEMS_MAX = 8

type One = Scored & { readonly args: Value }
type At = { readonly value: Value; readonly one: One }

/** The parts with the greatest share of wrong or missing answers among all that were asked, the worst first. */
export function worstOf(scored: readonly One[]): readonly Worst[] {
  const places = new Map<string, At[]>()
  for (const one of scored)
    each(one.args, "", (place, value) => {
      const known = places.get(place)
      if (known === undefined) places.set(place, [{ value, one }])
      else known.push({ value, one })
    })
  const cut = [...places].map(([place, all]) => partsOf(place === "" ? "input" : place, all))
  // Of a place with one part all that can be said is how often it is wrong at all.
  const several = cut.filter((parts) => parts.length > 1)
  const parts = (several.length > 0 ? several : cut).flat()
  const share = ({ cases, wrong, unsure }: Worst): number => (wrong + unsure) / cases
  return parts
    .filter((p) => p.cases >= CASES_MIN && p.wrong + p.unsure > 0)
    .sort((a, b) => share(b) - share(a) || b.cases - a.cases)
    .slice(0, SHOWN)
}

function each(value: Value, at: string, visit: (place: string, value: Value) => void): void {
  if (isRecord(value)) {
    for (const [name, part] of Object.entries(value)) each(part, at === "" ? name : `${at}.${name}`, visit)
  } else if (Array.isArray(value)) {
    visit(`${at} items`, value.length)
    for (const [i, part] of value.slice(0, ITEMS_MAX).entries()) each(part as Value, `${at}[${i}]`, visit)
  } else if (value instanceof Uint8Array) visit(`${at} bytes`, value.length)
  else visit(at, value)
}

function partsOf(place: string, all: readonly At[]): readonly Worst[] {
  if (all.every(({ value }) => isNumber(value))) return ranges(place, all, (a, b) => Number(a) - Number(b))
  const groups = Map.groupBy(all, ({ value }) => (typeof value === "string" ? JSON.stringify(value) : String(value)))
  if (groups.size <= WORDS_MAX) return [...groups].map(([word, part]) => tally(place, word, part))
  const lengths = all.map(({ value, one }) => ({ value: String(value).length, one }))
  // Texts that are all as long, dates for one, have an order of their own.
  return lengths.every(({ value }) => value === lengths[0]!.value)
    ? ranges(place, all, (a, b) => compareKeys(String(a), String(b)))
    : partsOf(`${place} length`, lengths)
}

/** Also one that is written out, as in the place of a URL. */
const isNumber = (value: Value): boolean =>
  typeof value === "number" ||
  typeof value === "bigint" ||
  (typeof value === "string" && /^-?\d{1,15}(\.\d{1,15})?$/.test(value))

/** Parts of about as many cases each; values that are the same stay together. */
function ranges(place: string, all: readonly At[], order: (a: Value, b: Value) => number): readonly Worst[] {
  const sorted = [...all].sort((a, b) => order(a.value, b.value))
  const parts: Worst[] = []
  for (let from = 0; from < sorted.length; ) {
    let to = Math.min(sorted.length, from + Math.ceil(sorted.length / PARTS))
    while (to < sorted.length && sorted[to]!.value === sorted[to - 1]!.value) to++
    const [low, high] = [sorted[from]!.value, sorted[to - 1]!.value]
    parts.push(tally(place, low === high ? `${low}` : `${low} to ${high}`, sorted.slice(from, to)))
    from = to
  }
  return parts
}

function tally(place: string, where: string, part: readonly { readonly one: One }[]): Worst {
  const unsure = part.filter(({ one }) => Number.isNaN(one.confidence)).length
  const wrong = part.filter(({ one }) => !one.right && !Number.isNaN(one.confidence)).length
  return { place, where, cases: part.length, wrong, unsure }
}
