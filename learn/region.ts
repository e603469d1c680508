/**
 * Fresh inputs of the region that a log covers. Each place of an input is drawn by itself, between values that were seen
 * there, so that what is drawn is like the log and is not the log: hold-out cases that no trainer has ever seen.
 */

import type { Draw } from "../gate/mod.ts"
import { isRecord, type Value } from "../graph/mod.ts"

/** Draws one input. Everything in it lies between values that were seen at its place. */
export type Region = (draw: Draw) => Value

/** The region of some inputs; `values` must hold one at least. */
export function regionOf(values: readonly Value[]): Region {
  const first = values[0]!
  if (values.every((v) => typeof v === "number")) return numbers(values as readonly number[])
  if (values.every((v) => typeof v === "bigint")) return integers(values as readonly bigint[])
  if (values.every((v) => typeof v === "string")) return texts(values as readonly string[])
  if (values.every((v) => v instanceof Uint8Array)) return bytes(values as readonly Uint8Array[])
  if (Array.isArray(first) && values.every((v) => Array.isArray(v))) return lists(values as readonly Value[][])
  if (isRecord(first) && values.every(isRecord)) return records(values as readonly { readonly [k: string]: Value }[])
  return (draw) => draw.pick(values)
}

const SMALL = 6
/** Decimals that all of the numbers have at most, or undefined. */
function decimalsOf(values: readonly number[]): number | undefined {
  for (let d = 0, scale = 1; d <= SMALL; d++, scale *= 10)
    if (values.every((x) => Math.round(x * scale) / scale === x)) return scale
  return undefined
}

function numbers(values: readonly number[]): Region {
  const known = values.filter(Number.isFinite)
  const sorted = Float64Array.from(known).sort()
  const scale = decimalsOf(known)
  return (draw) => {
    if (sorted.length < 2 || draw.below(4) === 0) return draw.pick(values)
    const i = draw.below(sorted.length - 1)
    // A gap of two draws wide: equal neighbours would give nothing new.
    const to = sorted[Math.min(sorted.length - 1, i + 1 + draw.below(8))]!
    const x = sorted[i]! + draw.unit() * (to - sorted[i]!)
    const found = scale === undefined ? x : Math.round(x * scale) / scale
    return Object.is(found, -0) ? 0 : found
  }
}

function integers(values: readonly bigint[]): Region {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return (draw) => {
    if (sorted.length < 2) return draw.pick(values)
    const i = draw.below(sorted.length - 1)
    const gap = sorted[i + 1]! - sorted[i]!
    return sorted[i]! + BigInt(Math.floor(draw.unit() * Number(gap + 1n)))
  }
}

/** So often a text has to be seen on average for the texts to be a vocabulary. */
const SEEN_MIN = 4
const DATE = /^\d{4}-\d{2}-\d{2}$/

function texts(values: readonly string[]): Region {
  const words = new Set(values)
  if (words.size * SEEN_MIN <= values.length) return (draw) => draw.pick(values)
  if (values.every((v) => DATE.test(v))) return (draw) => dated(draw, values)
  const split = values.map((v) => [...v])
  return (draw) => {
    const { length } = draw.pick(split)
    let text = ""
    for (let i = 0; i < length; i++) text += letterAt(draw, split, i)
    return text
  }
}

/** A date of the year of one and the month of another; the day is one that every month has. */
const dated = (draw: Draw, values: readonly string[]): string =>
  `${draw.pick(values).slice(0, 4)}-${draw.pick(values).slice(5, 7)}-${String(draw.between(1, 28)).padStart(2, "0")}`

/** The character that another text has at this place; of texts that are shorter, at any place. */
function letterAt(draw: Draw, split: readonly (readonly string[])[], at: number): string {
  for (let tries = 0; tries < 16; tries++) {
    const other = draw.pick(split)
    if (other.length > at) return other[at]!
  }
  for (;;) {
    const other = draw.pick(split)
    if (other.length > 0) return draw.pick(other)
  }
}

function bytes(values: readonly Uint8Array[]): Region {
  return (draw) => {
    const { length } = draw.pick(values)
    return Uint8Array.from({ length }, (_, i) => {
      const other = draw.pick(values)
      return other[i] ?? draw.below(256)
    })
  }
}

function lists(values: readonly (readonly Value[])[]): Region {
  const items = values.flat(1) as Value[]
  const item = items.length === 0 ? undefined : regionOf(items)
  return (draw) => (item === undefined ? [] : draw.pick(values).map(() => item(draw)))
}

function records(values: readonly { readonly [key: string]: Value }[]): Region {
  const seen = new Map<string, Value[]>()
  for (const v of values)
    for (const [name, part] of Object.entries(v)) {
      const known = seen.get(name)
      if (known === undefined) seen.set(name, [part])
      else known.push(part)
    }
  const fields = new Map([...seen].map(([name, parts]) => [name, regionOf(parts)]))
  return (draw) => Object.fromEntries(Object.keys(draw.pick(values)).map((name) => [name, fields.get(name)!(draw)]))
}
