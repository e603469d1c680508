/**
 * Tools that a candidate may want to stand in for, each with an honest candidate and with near misses of it: one change to
 * its source, of the kind that a hurried author makes. The oracles are written otherwise than the candidates, on what the
 * host has (Date, btoa, Intl) where it has it.
 */

import type { Draw, Target } from "../../gate/mod.ts"
import { fail, T, type Value } from "../../graph/mod.ts"

export interface Subject {
  readonly target: Target
  /** Source of the body of `(x) => { … }`. */
  readonly honest: string
  /** [what to replace in it, by what]: each makes it wrong somewhere in the domain. */
  readonly misses: readonly (readonly [string, string])[]
}

type Rec = { readonly [key: string]: Value }
const at = <A>(x: Value, key: string): A => (x as Rec)[key] as A

const temperature: Subject = {
  target: {
    name: "celsius to fahrenheit",
    input: T.number,
    output: T.number,
    oracle: (x) => 32 + ((x as number) * 9) / 5,
    draw: (d) => d.between(-27315, 1_000_000) / 100,
    corners: (d) => d.pick([0, -0, -40, 37, 100, -273.15, 0.01, 1e-9]),
  },
  honest: "return (x * 9) / 5 + 32",
  misses: [
    ["9) / 5", "1.8)"],
    ["+ 32", "+ 31.999999"],
    ["9) / 5", "9) / 5.0000001"],
    ["(x * 9)", "(Math.round(x) * 9)"],
    ["(x * 9) / 5", "x * (9 / 5)"],
    ["return", "return x > 9000 ? 0 :"],
    ["return", "return x < -272 ? -459.67 :"],
  ],
}

const clamp: Subject = {
  target: {
    name: "clamp",
    input: T.record({ x: T.number, low: T.number, high: T.number }),
    output: T.number,
    oracle: (r) => [at<number>(r, "x"), at<number>(r, "low"), at<number>(r, "high")].sort((a, b) => a - b)[1]!,
    draw: (d) => {
      const low = d.between(-50, 40)
      return { x: d.between(-60, 60), low, high: low + d.between(0, 12) }
    },
  },
  honest: "return x.x < x.low ? x.low : x.x > x.high ? x.high : x.x",
  misses: [
    ["x.x < x.low", "x.x < x.low - 1"],
    ["x.x > x.high", "x.x > x.high + 1"],
    ["? x.high", "? x.high - 1"],
    ["? x.low", "? x.high"],
    ["return", "return x.low === x.high ? x.x :"],
    ["return", "return x.x === 0 ? 0 :"],
  ],
}

const civil = (d: Draw): Value => ({ year: d.between(1600, 2400), month: d.between(1, 12), day: d.between(1, 28) })
const utc = (r: Value): Date => new Date(Date.UTC(at(r, "year"), at<number>(r, "month") - 1, at(r, "day")))

const weekday: Subject = {
  target: {
    name: "day of the week",
    input: T.record({ year: T.number, month: T.number, day: T.number }),
    output: T.number,
    oracle: (r) => utc(r).getUTCDay(),
    draw: civil,
    corners: (d) => ({
      year: d.pick([1600, 1700, 1900, 2000, 2024, 2100, 2400]),
      month: d.pick([1, 2, 3]),
      day: d.between(1, 28),
    }),
  },
  honest: `const t = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
    const y = x.month < 3 ? x.year - 1 : x.year
    return (y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + t[x.month - 1] + x.day) % 7`,
  misses: [
    ["x.month < 3", "x.month < 2"],
    ["x.month < 3", "x.month <= 3"],
    ["- Math.floor(y / 100)", ""],
    ["+ Math.floor(y / 400)", ""],
    ["y / 400", "y / 401"],
    ["6, 2, 4]", "6, 2, 5]"],
    ["x.year - 1", "x.year"],
  ],
}

const leap: Subject = {
  target: {
    name: "days in a month",
    input: T.record({ year: T.number, month: T.number }),
    output: T.number,
    oracle: (r) => new Date(Date.UTC(at(r, "year"), at(r, "month"), 0)).getUTCDate(),
    draw: (d) => ({ year: d.between(1600, 2400), month: d.pick([1, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) }),
  },
  honest: `const leap = x.year % 4 === 0 && (x.year % 100 !== 0 || x.year % 400 === 0)
    return x.month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(x.month) ? 30 : 31`,
  misses: [
    ["&& (x.year % 100 !== 0 || x.year % 400 === 0)", ""],
    ["|| x.year % 400 === 0", ""],
    ["% 4 ===", "% 8 ==="],
    ["9, 11", "9"],
    ["[4, 6", "[6"],
    ["? 29 : 28", "? 28 : 29"],
    ["% 400", "% 800"],
  ],
}

const days: Subject = {
  target: {
    name: "days between two dates",
    input: T.record({ year: T.number, month: T.number, day: T.number }),
    output: T.number,
    oracle: (r) => Math.round(utc(r).getTime() / 86_400_000),
    draw: civil,
  },
  honest: `const y = x.month <= 2 ? x.year - 1 : x.year
    const era = Math.floor(y / 400), yoe = y - era * 400
    const doy = Math.floor((153 * (x.month + (x.month > 2 ? -3 : 9)) + 2) / 5) + x.day - 1
    return era * 146097 + yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy - 719468`,
  misses: [
    ["x.month <= 2", "x.month < 2"],
    ["146097", "146096"],
    ["- Math.floor(yoe / 100)", ""],
    ["+ 2) / 5", "+ 1) / 5"],
    ["+ 2) / 5", "+ 3) / 5"],
    ["719468", "719469"],
    ["153", "152"],
  ],
}

const base64: Subject = {
  target: {
    name: "base64",
    input: T.bytes,
    output: T.string,
    oracle: (b) => btoa(String.fromCharCode(...(b as Uint8Array))),
    draw: (d) => d.bytes(d.below(40)),
    corners: (d) => d.bytes(d.below(4)),
  },
  honest: `const A = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    let s = ""
    for (let i = 0; i < x.length; i += 3) {
      const n = (x[i] << 16) | ((x[i + 1] ?? 0) << 8) | (x[i + 2] ?? 0)
      s += A[n >> 18] + A[(n >> 12) & 63] + (i + 1 < x.length ? A[(n >> 6) & 63] : "=") + (i + 2 < x.length ? A[n & 63] : "=")
    }
    return s`,
  misses: [
    ["9+/", "9-_"],
    ["i + 1 < x.length", "i + 1 <= x.length"],
    ['(i + 2 < x.length ? A[n & 63] : "=")', '(i + 2 < x.length ? A[n & 63] : "")'],
    ["n & 63", "n & 62"],
    ["(x[i + 1] ?? 0) << 8", "(x[i + 1] ?? 16) << 8"],
    ["XYZabc", "XYZbac"],
    ["return s", "return s.slice(0, 48)"],
  ],
}

const ROMAN: readonly (readonly [number, string])[] = [
  ...([
    [1000, "M"],
    [900, "CM"],
    [500, "D"],
    [400, "CD"],
    [100, "C"],
    [90, "XC"],
  ] as const),
  ...([
    [50, "L"],
    [40, "XL"],
    [10, "X"],
    [9, "IX"],
    [5, "V"],
    [4, "IV"],
    [1, "I"],
  ] as const),
]
const roman: Subject = {
  target: {
    name: "roman numerals",
    input: T.number,
    output: T.string,
    oracle: (n) => {
      let rest = n as number
      if (!Number.isInteger(rest) || rest < 1 || rest > 3999) throw fail("NoNumeral", "there is no numeral")
      let text = ""
      for (const [value, letters] of ROMAN) {
        text += letters.repeat(Math.floor(rest / value))
        rest %= value
      }
      return text
    },
    // A few beyond the domain: where the tool fails, so must its stand-in.
    draw: (d) => d.between(-40, 4100),
    corners: (d) => d.pick([0, 1, 4, 9, 40, 90, 400, 900, 3999, 4000, -1, 1.5]),
  },
  honest: `if (!Number.isInteger(x) || x < 1 || x > 3999) throw new RangeError("no numeral")
    const digit = (n, i, v, t) => ["", i, i + i, i + i + i, i + v, v, v + i, v + i + i, v + i + i + i, i + t][n]
    return "M".repeat(Math.floor(x / 1000)) + digit(Math.floor(x / 100) % 10, "C", "D", "M") +
      digit(Math.floor(x / 10) % 10, "X", "L", "C") + digit(x % 10, "I", "V", "X")`,
  misses: [
    ["x < 1", "x < 0"],
    ["x > 3999", "x > 4000"],
    ["i + v, v,", "i + i + i + i, v,"],
    ["i + t]", "v + i + i + i + i]"],
    ['"X", "L", "C"', '"X", "L", "D"'],
    ["throw new RangeError", "return String"],
  ],
}

const luhn: Subject = {
  target: {
    name: "the Luhn check",
    input: T.string,
    output: T.boolean,
    oracle: (s) =>
      [...(s as string)]
        .reverse()
        .map(Number)
        .map((n, i) => (i % 2 === 0 ? n : n > 4 ? 2 * n - 9 : 2 * n))
        .reduce((a, b) => a + b, 0) %
        10 ===
      0,
    draw: (d) => Array.from({ length: d.between(1, 19) }, () => d.below(10)).join(""),
  },
  honest: `let sum = 0
    for (let i = 0; i < x.length; i++) {
      const n = x.charCodeAt(x.length - 1 - i) - 48
      sum += i % 2 === 1 ? (n * 2 > 9 ? n * 2 - 9 : n * 2) : n
    }
    return sum % 10 === 0`,
  misses: [
    ["n * 2 > 9", "n * 2 > 10"],
    ["% 10 ===", "% 5 ==="],
    ["x.length - 1 - i", "i"],
    ["i % 2 === 1", "i % 2 === 0"],
    ["let i = 0; i <", "let i = 1; i <"],
    ["return", "return x.length > 18 ? false :"],
  ],
}

const median: Subject = {
  target: {
    name: "the median",
    input: T.list(T.number),
    output: T.union(T.number, T.null),
    oracle: (v) => {
      const sorted = Float64Array.from(v as number[]).sort()
      const n = sorted.length
      return n === 0 ? null : n % 2 === 1 ? sorted[(n - 1) / 2]! : (sorted[n / 2 - 1]! + sorted[n / 2]!) / 2
    },
    draw: (d) => Array.from({ length: d.below(9) }, () => d.between(-50, 150)),
  },
  honest: `if (x.length === 0) return null
    const s = [...x].sort((a, b) => a - b), h = s.length >> 1
    return s.length % 2 === 1 ? s[h] : (s[h - 1] + s[h]) / 2`,
  misses: [
    [".sort((a, b) => a - b)", ".sort()"],
    ["return null", "return 0"],
    ["(s[h - 1] + s[h]) / 2", "s[h]"],
    ["(s[h - 1] + s[h]) / 2", "(s[h - 1] + s[h]) >> 1"],
    ["[...x]", "[...new Set(x)]"],
    ["a - b", "b - a || 0"],
  ].map(([a, b]) => (b === "b - a || 0" ? ["s[h - 1]", "s[h - 2] ?? s[h - 1]"] : [a!, b!]) as [string, string]),
}

const color: Subject = {
  target: {
    name: "a colour in hexadecimal",
    input: T.record({ r: T.number, g: T.number, b: T.number }),
    output: T.string,
    oracle: (c) => `#${["r", "g", "b"].map((k) => at<number>(c, k).toString(16).padStart(2, "0")).join("")}`,
    draw: (d) => ({ r: d.below(256), g: d.below(256), b: d.below(256) }),
    corners: (d) => ({ r: d.pick([0, 15, 16, 255]), g: d.pick([0, 15, 16, 255]), b: d.pick([0, 15, 16, 255]) }),
  },
  honest: `return "#" + ((1 << 24) | (x.r << 16) | (x.g << 8) | x.b).toString(16).slice(1)`,
  misses: [
    ["(1 << 24) | ", ""],
    ["x.g << 8", "x.g << 9"],
    [".slice(1)", ".slice(1).toUpperCase()"],
    ["x.b)", "Math.min(x.b, 254))"],
    ["x.r << 16", "(x.r || 1) << 16"],
  ],
}

export const SUBJECTS: readonly Subject[] = [
  ...[temperature, clamp, weekday, leap, days, base64, roman, luhn, median, color],
]

export const sourceOf = (body: string): string => `export default (x) => { ${body} }`

/** The sources of all near misses. Fails where one says nothing: a mutant that is the original is no mutant. */
export function missesOf({
  target,
  honest,
  misses,
}: Subject): readonly { readonly name: string; readonly source: string }[] {
  return misses.map(([from, to]) => {
    const changed = honest.replace(from, () => to)
    if (changed === honest) throw new TypeError(`${target.name}: "${from}" is not in the source`)
    return { name: `${target.name}: ${from} → ${to === "" ? "(nothing)" : to}`, source: sourceOf(changed) }
  })
}
