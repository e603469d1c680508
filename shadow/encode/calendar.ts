/**
 * Times as calendar fields. Days are counted as the proleptic Gregorian calendar of ISO 8601 has them, with whole
 * numbers only, so that every host agrees; no time zone is looked up and no leap second is known.
 */
import type { Value } from "../../graph/mod.ts"
import { nibbles, readNibbles, writeNibbles } from "./numbers.ts"
import { Miss, oneHot, type Part, type Shape, thermometer, useAll } from "./part.ts"
import type { By, PartSpec } from "./spec.ts"

/** Days from 1970-01-01 to a date, negative before (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
export function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const ofEra = y - era * 400
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468
}

/** The date of a day counted from 1970-01-01. */
export function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const ofEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const mp = Math.floor((5 * ofYear + 2) / 153)
  const month = mp < 10 ? mp + 3 : mp - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * mp + 2) / 5) + 1,
  }
}

export const daysInMonth = (year: number, month: number): number =>
  month === 12 ? 31 : daysOf(year, month + 1, 1) - daysOf(year, month, 1)

/** A piece of a time as whole numbers: how they are cut into digits. */
interface Field {
  readonly shapes: readonly Shape[]
  readonly write: (n: number, states: Uint16Array, at: number) => void
  readonly read: (states: Uint16Array, at: number) => number
}

/** A field of few values: one digit. */
const small = (shape: Shape): Field => ({
  shapes: [shape],
  write(n, states, at) {
    states[at] = n
  },
  read: (states, at) => states[at]!,
})

/** A field of many values: nibbles. */
function large(most: number): Field {
  const shapes = nibbles(most)
  return {
    shapes,
    write: (n, states, at) => writeNibbles(n, states, at, shapes.length),
    read: (states, at) => readNibbles(states, at, shapes.length),
  }
}

/** Fields one after another. */
class Fields {
  readonly digits: readonly Shape[]
  readonly #fields: readonly Field[]
  constructor(fields: readonly Field[]) {
    this.#fields = fields
    this.digits = fields.flatMap((f) => f.shapes)
  }
  write(numbers: readonly number[], states: Uint16Array, at: number): void {
    let to = at
    for (let i = 0; i < numbers.length; i++) {
      const field = this.#fields[i]!
      field.write(numbers[i]!, states, to)
      to += field.shapes.length
    }
  }
  read(states: Uint16Array, at: number): number[] {
    let from = at
    return this.#fields.map((field) => {
      const n = field.read(states, from)
      from += field.shapes.length
      return n
    })
  }
}

const DAY_SECONDS = 86_400
/** Monday is 0; 1970-01-01 was a Thursday. */
const weekdayOf = (days: number): number => (((days + 3) % 7) + 7) % 7

/**
 * Days, or seconds where `clock`: as the fields of the calendar, as a count since the first year, or both; with both, the
 * count and the day of the week are said once more and only the fields are read back. Written from and read as a whole
 * number of days, or of seconds, since 1970.
 */
function civil(years: readonly [number, number], by: By, clock: boolean): Field {
  const unit = clock ? DAY_SECONDS : 1
  const first = daysOf(years[0], 1, 1) * unit
  const last = daysOf(years[1] + 1, 1, 1) * unit - 1
  const counted = large(last - first)
  if (by === "count") {
    return {
      shapes: counted.shapes,
      write: (n, states, at) => counted.write(n - first, states, at),
      read: (states, at) => counted.read(states, at) + first,
    }
  }
  const date = [large(years[1]), small(oneHot(12)), small(thermometer(31))]
  const time = [small(thermometer(24)), small(thermometer(60)), small(thermometer(60))]
  const fields = new Fields([...date, ...(clock ? time : [])])
  const extra = by === "both" ? [oneHot(7), ...counted.shapes] : []
  const width = fields.digits.length
  return {
    shapes: [...fields.digits, ...extra],
    write(n, states, at) {
      const days = Math.floor(n / unit)
      const { year, month, day } = dateOf(days)
      const s = n - days * unit
      const numbers = clock ? [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60] : []
      fields.write([year, month - 1, day - 1, ...numbers], states, at)
      if (by !== "both") return
      states[at + width] = weekdayOf(days)
      counted.write(n - first, states, at + width + 1)
    },
    read(states, at) {
      const [year = 0, m = 0, d = 0, hour = 0, minute = 0, second = 0] = fields.read(states, at)
      if (d >= daysInMonth(year, m + 1)) return Number.NaN
      const days = daysOf(year, m + 1, d + 1)
      return clock ? days * DAY_SECONDS + hour * 3600 + minute * 60 + second : days
    },
  }
}

/** Bounds of days, or seconds, since 1970. */
const boundsOf = (years: readonly [number, number], unit: number): readonly [number, number] => [
  daysOf(years[0], 1, 1) * unit,
  daysOf(years[1] + 1, 1, 1) * unit - 1,
]

/** Whole seconds or milliseconds since 1970. */
export function epoch(spec: Extract<PartSpec, { as: "epoch" }>): Part {
  const moment = civil(spec.years, spec.by, true)
  const scale = spec.unit === "ms" ? 1000 : 1
  const [first, last] = boundsOf(spec.years, DAY_SECONDS)
  const n = moment.shapes.length
  const rest = scale === 1 ? [] : nibbles(scale - 1)
  const digits = [...moment.shapes, ...rest]
  const want = `whole ${spec.unit === "s" ? "seconds" : "milliseconds"} since 1970, in the years ${spec.years[0]} to ${spec.years[1]}`
  return {
    digits,
    write(value, states, at) {
      if (typeof value !== "number" || !Number.isSafeInteger(value) || Object.is(value, -0))
        return new Miss(want, value)
      const seconds = Math.floor(value / scale)
      if (seconds < first || seconds > last) return new Miss(want, value)
      moment.write(seconds, states, at)
      writeNibbles(value - seconds * scale, states, at + n, rest.length)
      return undefined
    },
    read(states, at, used) {
      useAll(used, at, digits.length)
      const seconds = moment.read(states, at)
      const more = readNibbles(states, at + n, rest.length)
      if (!(seconds >= first && seconds <= last) || more >= scale) return new Miss(want, "fields of no such time")
      return seconds * scale + more
    },
  }
}

const two = (n: number): string => String(n).padStart(2, "0")
const dateText = (days: number): string => {
  const { year, month, day } = dateOf(days)
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`
}

/** Days since 1970 of `YYYY-MM-DD`; NaN where it is no date. */
function parseDate(text: string): number {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  if (found === null) return Number.NaN
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])]
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
    ? daysOf(year, month, day)
    : Number.NaN
}

/** `YYYY-MM-DD`. */
export function date(spec: Extract<PartSpec, { as: "date" }>): Part {
  const day = civil(spec.years, spec.by, false)
  const [first, last] = boundsOf(spec.years, 1)
  const want = `a date YYYY-MM-DD in the years ${spec.years[0]} to ${spec.years[1]}`
  return {
    digits: day.shapes,
    write(value, states, at) {
      const days = typeof value === "string" ? parseDate(value) : Number.NaN
      if (!(days >= first && days <= last)) return new Miss(want, value)
      day.write(days, states, at)
      return undefined
    },
    read(states, at, used) {
      useAll(used, at, day.shapes.length)
      const days = day.read(states, at)
      return days >= first && days <= last ? dateText(days) : new Miss(want, "fields of no such date")
    },
  }
}

const CLOCK = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|([+-])(\d\d):(\d\d))?$/

/** A time of day as its text says it: seconds, digits of the fraction, and the zone. */
interface Clock {
  readonly seconds: number
  readonly fraction: string
  readonly zone: string
}

function parseClock(text: string): Clock | undefined {
  const found = CLOCK.exec(text)
  if (found === null) return undefined
  const [, h, m, s, fraction = "", zone = "", , zh = "0", zm = "0"] = found
  if (Number(h) > 23 || Number(m) > 59 || Number(s) > 59 || Number(zh) > 23 || Number(zm) > 59) return undefined
  return { seconds: Number(h) * 3600 + Number(m) * 60 + Number(s), fraction, zone }
}

const clockText = (seconds: number): string =>
  `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`

type Tail = Pick<Extract<PartSpec, { as: "time" }>, "fraction" | "zone">

/** What stands behind the seconds: the fraction as decimal digits, first one first, and the zone. */
function tail({ fraction: [least, most], zone }: Tail) {
  const length: readonly Shape[] = most > least ? [thermometer(most - least + 1)] : []
  const decimals = Array.from({ length: most }, () => thermometer(10))
  const zones = zone === "any" ? [oneHot(3), thermometer(2), thermometer(24), thermometer(60)] : []
  const zoneAt = length.length + most
  return {
    digits: [...length, ...decimals, ...zones] as readonly Shape[],
    write(clock: Clock, states: Uint16Array, at: number): boolean {
      const n = clock.fraction.length
      if (n < least || n > most || (zone !== "any" && clock.zone !== (zone === "Z" ? "Z" : ""))) return false
      if (length.length > 0) states[at] = n - least
      for (let i = 0; i < most; i++) states[at + length.length + i] = i < n ? clock.fraction.charCodeAt(i) - 48 : 0
      if (zone !== "any") return true
      const offset = clock.zone.length === 6
      states[at + zoneAt] = offset ? 2 : clock.zone === "Z" ? 0 : 1
      states[at + zoneAt + 1] = clock.zone[0] === "-" ? 1 : 0
      states[at + zoneAt + 2] = offset ? Number(clock.zone.slice(1, 3)) : 0
      states[at + zoneAt + 3] = offset ? Number(clock.zone.slice(4, 6)) : 0
      return true
    },
    read(states: Uint16Array, at: number, used: Uint8Array | undefined): string {
      const n = length.length > 0 ? least + states[at]! : least
      useAll(used, at, length.length + n)
      let text = n > 0 ? "." : ""
      for (let i = 0; i < n; i++) text += String(states[at + length.length + i])
      if (zone !== "any") return zone === "Z" ? `${text}Z` : text
      const form = states[at + zoneAt]
      useAll(used, at + zoneAt, form === 2 ? 4 : 1)
      if (form !== 2) return form === 0 ? `${text}Z` : text
      return `${text}${states[at + zoneAt + 1] === 1 ? "-" : "+"}${two(states[at + zoneAt + 2]!)}:${two(states[at + zoneAt + 3]!)}`
    },
  }
}

const formText = ({ fraction: [least, most], zone }: Tail): string =>
  `${most === 0 ? "" : `, ${least} to ${most} digits of a fraction`}${zone === "any" ? "" : zone === "Z" ? ", Z" : ", no zone"}`

/** `HH:MM:SS`, `HH:MM:SS.fffZ`, `HH:MM:SS+HH:MM`. */
export function time(spec: Extract<PartSpec, { as: "time" }>): Part {
  const fields = new Fields([small(thermometer(24)), small(thermometer(60)), small(thermometer(60))])
  const end = tail(spec)
  const n = fields.digits.length
  const want = `a time HH:MM:SS${formText(spec)}`
  return {
    digits: [...fields.digits, ...end.digits],
    write(value, states, at) {
      const clock = typeof value === "string" ? parseClock(value) : undefined
      if (clock === undefined || !end.write(clock, states, at + n)) return new Miss(want, value)
      const s = clock.seconds
      fields.write([Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60], states, at)
      return undefined
    },
    read(states, at, used) {
      useAll(used, at, n)
      const [hour = 0, minute = 0, second = 0] = fields.read(states, at)
      return clockText(hour * 3600 + minute * 60 + second) + end.read(states, at + n, used)
    },
  }
}

/** `YYYY-MM-DDTHH:MM:SSZ` and its kin. The fields are those that are written: the zone is a field beside them. */
export function dateTime(spec: Extract<PartSpec, { as: "date-time" }>): Part {
  const moment = civil(spec.years, spec.by, true)
  const end = tail(spec)
  const n = moment.shapes.length
  const [first, last] = boundsOf(spec.years, DAY_SECONDS)
  const want = `a time YYYY-MM-DDTHH:MM:SS${formText(spec)} in the years ${spec.years[0]} to ${spec.years[1]}`
  return {
    digits: [...moment.shapes, ...end.digits],
    write(value: Value, states: Uint16Array, at: number) {
      if (typeof value !== "string" || value[10] !== "T") return new Miss(want, value)
      const days = parseDate(value.slice(0, 10))
      const clock = parseClock(value.slice(11))
      const seconds = clock === undefined ? Number.NaN : days * DAY_SECONDS + clock.seconds
      if (!(seconds >= first && seconds <= last) || !end.write(clock!, states, at + n)) return new Miss(want, value)
      moment.write(seconds, states, at)
      return undefined
    },
    read(states: Uint16Array, at: number, used: Uint8Array | undefined) {
      useAll(used, at, n)
      const seconds = moment.read(states, at)
      if (!(seconds >= first && seconds <= last)) return new Miss(want, "fields of no such time")
      const days = Math.floor(seconds / DAY_SECONDS)
      return `${dateText(days)}T${clockText(seconds - days * DAY_SECONDS)}${end.read(states, at + n, used)}`
    },
  }
}
