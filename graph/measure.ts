/**
 * Times and sizes as people write them: `10ms`, `2s`, `5m`, `1h`, `3d`, and `512B`, `10kB`, `10MB`, `1GiB`. A time is
 * whole milliseconds, a size whole bytes; each has one printed form, which reads back as the same number.
 */
import type { ExprProblem } from "./cel/bounds.ts"
import { nearest } from "./near.ts"

const TIMES: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]
const SIZES: readonly (readonly [unit: string, bytes: number])[] = [
  ["TiB", 2 ** 40],
  ["TB", 1e12],
  ["GiB", 2 ** 30],
  ["GB", 1e9],
  ["MiB", 2 ** 20],
  ["MB", 1e6],
  ["KiB", 1024],
  ["kB", 1000],
  ["B", 1],
]
/** Other spellings of the units. */
const ALSO: { readonly [unit: string]: string } = {
  sec: "s",
  min: "m",
  minutes: "m",
  seconds: "s",
  hours: "h",
  days: "d",
  kb: "kB",
  KB: "kB",
  mb: "MB",
  gb: "GB",
  kib: "KiB",
  mib: "MiB",
  gib: "GiB",
  K: "kB",
  M: "MB",
  G: "GB",
}

export type Measured = { readonly value: number } | { readonly problems: readonly ExprProblem[] }

/** A time in milliseconds. */
export const parseDuration = (source: string): Measured => measure(source, TIMES, "time", "10ms, 2s, 5m, 1h or 3d")
/** A size in bytes. */
export const parseSize = (source: string): Measured => measure(source, SIZES, "size", "512B, 10kB, 10MB or 1GiB")
/** Milliseconds in the largest unit that is exact: 90000 is `90s`, 120000 is `2m`. */
export const printDuration = (ms: number): string => print(ms, TIMES)
/** Bytes in the largest unit that is exact. */
export const printSize = (bytes: number): string => print(bytes, SIZES)

function measure(source: string, units: readonly (readonly [string, number])[], what: string, like: string): Measured {
  const bad = (message: string, fix?: string): Measured => ({
    problems: [{ code: "G008", message, span: { start: 0, end: Math.max(1, source.length) }, ...(fix ? { fix } : {}) }],
  })
  const m = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*$/.exec(source)
  if (m === null)
    return bad(`A ${what} is a number and a unit, like ${like}, found ${JSON.stringify(source.slice(0, 40))}.`)
  const [, digits = "", unit = ""] = m
  const factor = units.find(([u]) => u === unit)?.[1]
  if (factor === undefined) {
    const near = Object.hasOwn(ALSO, unit)
      ? ALSO[unit]
      : nearest(
          unit,
          units.map(([u]) => u),
        )
    const known = units.some(([u]) => u === near) ? near : undefined
    if (unit === "")
      return bad(
        `A ${what} has a unit, like ${like}, found ${JSON.stringify(source.trim())}.`,
        `Write ${digits}${units.at(-1)![0]}.`,
      )
    return bad(
      `"${unit}" is no unit of ${what}. Units are ${units
        .map(([u]) => u)
        .toReversed()
        .join(", ")}.`,
      known && `Write ${digits}${known}.`,
    )
  }
  const value = Number(digits) * factor
  const whole = Math.round(value)
  if (Math.abs(value - whole) > 1e-6 || !Number.isSafeInteger(whole))
    return bad(`${source.trim()} is no whole number of ${units.at(-1)![0]}.`)
  return { value: whole }
}

function print(n: number, units: readonly (readonly [string, number])[]): string {
  const [unit, factor] = units.find(([, f]) => n >= f && n % f === 0) ?? units.at(-1)!
  return `${n / factor}${unit}`
}
