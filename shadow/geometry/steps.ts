/**
 * Distance between values in smallest steps, by the description of their encoding: a whole number has the next one, a
 * date the next day, a text another letter at one place. Against it the distance between features is held.
 */
import { isRecord, type Rec, type Value } from "../../graph/mod.ts"
import { dateOf, daysOf } from "../encode/calendar.ts"
import { unitsOf } from "../encode/numbers.ts"
import type { PartSpec } from "../encode/spec.ts"

/** Whole numbers below `n`, from a seed: the same everywhere. */
export type Draw = (n: number) => number

/** Marsaglia's xorshift on 32 bits. */
export function drawFrom(seed: number): Draw {
  let x = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1
  return (n) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % n
  }
}

/**
 * A value k smallest steps away from this one, in one place of it drawn by chance; undefined where there is none (the end
 * of a range, a type of one value). Of words and booleans all others are one step away.
 */
export function stepped(spec: PartSpec, value: Value, k: number, draw: Draw): Value | undefined {
  switch (spec.as) {
    case "null":
      return undefined
    case "boolean":
      return !value
    case "integer": {
      const at = countOf(spec, value)
      const to = [at + BigInt(k), at - BigInt(k)].find((n) => n >= BigInt(spec.min) && n <= BigInt(spec.max))
      return to === undefined ? undefined : valueOfCount(spec, to)
    }
    case "float64": {
      const next = fromOrder(orderOf(value as number) + BigInt(k))
      return Number.isFinite(next) ? next : undefined
    }
    case "word":
      return spec.words.length < 2
        ? undefined
        : spec.words[(spec.words.indexOf(value as string) + 1 + draw(spec.words.length - 1)) % spec.words.length]
    case "text":
      return otherText(spec, value as string, k, draw)
    case "bytes":
      return otherBytes(value as Uint8Array, k, draw)
    case "list": {
      const items = value as readonly Value[]
      if (items.length === 0) return undefined
      const i = draw(items.length)
      const item = stepped(spec.of, items[i]!, k, draw)
      return item === undefined ? undefined : items.with(i, item)
    }
    case "record":
      return otherEntry(value as Rec, (name) => spec.fields.find((f) => f.name === name)?.of, k, draw)
    case "map":
      return otherEntry(value as Rec, () => spec.of, k, draw)
    case "union": {
      const of = spec.of.find((m) => distance(m, value, value) === 0)
      return of === undefined ? undefined : stepped(of, value, k, draw)
    }
    case "date": {
      const text = dateText(daysIn(value as string) + k)
      return text.length === 10 && daysOf(spec.years[1] + 1, 1, 1) > daysIn(text) ? text : undefined
    }
    case "time":
    case "date-time":
      return laterText(value as string, k)
    case "epoch":
      return (value as number) + k
  }
}

function otherEntry(
  value: Rec,
  specOf: (name: string) => PartSpec | undefined,
  k: number,
  draw: Draw,
): Value | undefined {
  const names = Object.keys(value)
  if (names.length === 0) return undefined
  const name = names[draw(names.length)]!
  const of = specOf(name)
  const other = of === undefined ? undefined : stepped(of, value[name]!, k, draw)
  return other === undefined ? undefined : { ...value, [name]: other }
}

function otherText(spec: Extract<PartSpec, { as: "text" }>, value: string, k: number, draw: Draw): Value | undefined {
  const letters = [...value]
  const from = spec.alphabet === undefined ? undefined : [...spec.alphabet]
  if (letters.length === 0 || (from?.length ?? spec.below ?? 1) < 2) return undefined
  for (let n = 0; n < Math.min(k, letters.length); n++) {
    const i = (n + draw(letters.length)) % letters.length
    letters[i] =
      from === undefined
        ? nextLetter(letters[i]!, spec.below ?? 1)
        : from[(from.indexOf(letters[i]!) + 1) % from.length]!
  }
  return letters.join("")
}

/** The next code point that is a letter; the first one after the last. */
function nextLetter(letter: string, below: number): string {
  const next = letter.codePointAt(0)! + 1
  return String.fromCodePoint(next >= below ? 0 : next === 0xd800 ? (below > 0xe000 ? 0xe000 : 0) : next)
}

function otherBytes(value: Uint8Array, k: number, draw: Draw): Uint8Array | undefined {
  if (value.length === 0) return undefined
  const out = value.slice()
  const i = draw(value.length)
  out[i] = value[i]! + k <= 255 ? value[i]! + k : value[i]! - Math.min(k, value[i]!)
  return out
}

/** How many smallest steps lie between two values of the encoding; NaN where one of them is none of its values. */
export function distance(spec: PartSpec, a: Value, b: Value): number {
  switch (spec.as) {
    case "null":
      return a === null && b === null ? 0 : Number.NaN
    case "boolean":
      return typeof a === "boolean" && typeof b === "boolean" ? (a === b ? 0 : 1) : Number.NaN
    case "integer": {
      const [x, y] = [countOf(spec, a), countOf(spec, b)]
      return x === NO_COUNT || y === NO_COUNT ? Number.NaN : Math.abs(Number(x - y))
    }
    case "float64":
      return typeof a === "number" && typeof b === "number" ? Math.abs(Number(orderOf(a) - orderOf(b))) : Number.NaN
    case "word":
      return spec.words.includes(a as string) && spec.words.includes(b as string) ? (a === b ? 0 : 1) : Number.NaN
    case "text":
      return typeof a === "string" && typeof b === "string" ? places([...a], [...b], same) : Number.NaN
    case "bytes":
      return a instanceof Uint8Array && b instanceof Uint8Array ? places([...a], [...b], apart) : Number.NaN
    case "list":
      return Array.isArray(a) && Array.isArray(b) ? places(a, b, (x, y) => distance(spec.of, x, y)) : Number.NaN
    case "record":
      return isRecord(a) && isRecord(b)
        ? entries(a, b, (name) => spec.fields.find((f) => f.name === name)?.of)
        : Number.NaN
    case "map":
      return isRecord(a) && isRecord(b) ? entries(a, b, () => spec.of) : Number.NaN
    case "union":
      return ofUnion(spec.of, a, b)
    case "date":
      return typeof a === "string" && typeof b === "string" ? Math.abs(daysIn(a) - daysIn(b)) : Number.NaN
    case "time":
    case "date-time":
      return typeof a === "string" && typeof b === "string" ? Math.abs(secondsIn(a) - secondsIn(b)) : Number.NaN
    case "epoch":
      return typeof a === "number" && typeof b === "number" ? Math.abs(a - b) : Number.NaN
  }
}

const same = (x: unknown, y: unknown): number => (x === y ? 0 : 1)
const apart = (x: number, y: number): number => Math.abs(x - y)

/** Places one by one; each that only one of them has is a step. */
function places<A>(a: readonly A[], b: readonly A[], each: (x: A, y: A) => number): number {
  const common = Math.min(a.length, b.length)
  let sum = Math.abs(a.length - b.length)
  for (let i = 0; i < common; i++) sum += each(a[i]!, b[i]!)
  return sum
}

function entries(a: Rec, b: Rec, specOf: (name: string) => PartSpec | undefined): number {
  let sum = 0
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const of = specOf(name)
    if (of === undefined) return Number.NaN
    sum += Object.hasOwn(a, name) && Object.hasOwn(b, name) ? distance(of, a[name]!, b[name]!) : 1
  }
  return sum
}

function ofUnion(members: readonly PartSpec[], a: Value, b: Value): number {
  const memberOf = (v: Value) => members.find((m) => distance(m, v, v) === 0)
  const [x, y] = [memberOf(a), memberOf(b)]
  if (x === undefined || y === undefined) return Number.NaN
  return x === y ? distance(x, a, b) : 1
}

type Integer = Extract<PartSpec, { as: "integer" }>
/** What no count of an integer is. */
const NO_COUNT = 1n << 70n

function countOf(spec: Integer, value: Value): bigint {
  if (spec.of === "int64") return typeof value === "bigint" ? value : NO_COUNT
  const units = typeof value === "number" ? unitsOf(value, spec.decimals) : undefined
  return units === undefined ? NO_COUNT : BigInt(units)
}

const valueOfCount = (spec: Integer, n: bigint): Value =>
  spec.of === "int64" ? n : Number(n) / Number(`1e${spec.decimals}`)

const BITS = new DataView(new ArrayBuffer(8))
/** Float64s in their order, as whole numbers: neighbours differ by 1. NaN is behind the infinities. */
function orderOf(x: number): bigint {
  BITS.setFloat64(0, x)
  const bits = BITS.getBigInt64(0)
  return bits >= 0n ? bits : -(bits & 0x7fffffffffffffffn)
}
function fromOrder(n: bigint): number {
  BITS.setBigInt64(0, n >= 0n ? n : -n | -0x8000000000000000n)
  return BITS.getFloat64(0)
}

const DAY = 86_400
const daysIn = (text: string): number =>
  daysOf(Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10)))
function dateText(days: number): string {
  const { year, month, day } = dateOf(days)
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`
}

/** Seconds as the text's own clock shows them: the zone is left out. */
function secondsIn(text: string): number {
  const [day, clock] = text[10] === "T" ? [daysIn(text), text.slice(11)] : [0, text]
  return day * DAY + Number(clock.slice(0, 2)) * 3600 + Number(clock.slice(3, 5)) * 60 + Number(clock.slice(6, 8))
}

/** The same text k seconds later, with its fraction and zone. */
function laterText(text: string, k: number): string | undefined {
  const dated = text[10] === "T"
  const seconds = secondsIn(text) + k
  const days = Math.floor(seconds / DAY)
  if (!dated && days > 0) return undefined
  const s = seconds - days * DAY
  const two = (n: number) => String(n).padStart(2, "0")
  const clock = `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
  const rest = text.slice(dated ? 19 : 8)
  return dated ? `${dateText(days)}T${clock}${rest}` : `${clock}${rest}`
}
