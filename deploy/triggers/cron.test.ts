/** Time tables against the calendar itself: every minute of weeks in which clocks change, read off in the zone's own time. */
import { describe, expect, test } from "bun:test"
import { readTimeTable, type TimeTable } from "./cron.ts"

const table = (expression: string, zone = "UTC"): TimeTable => {
  const read = readTimeTable(expression, zone)
  if ("wrong" in read) throw new RangeError(read.wrong)
  return read
}
const ticks = (t: TimeTable, from: number, to: number): readonly number[] => {
  const out: number[] = []
  for (let at = t.after(from); at !== undefined && at <= to; at = t.after(at)) out.push(at)
  return out
}
const shown = (expression: string, zone: string, from: string, n: number): readonly string[] => {
  const t = table(expression, zone)
  const out: string[] = []
  for (let at = t.after(Date.parse(from)); out.length < n && at !== undefined; at = t.after(at))
    out.push(new Date(at).toISOString().slice(0, 16))
  return out
}

describe("a change of the clocks", () => {
  test("leaves no tick out that names its time, and gives none twice", () => {
    expect(shown("30 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ])
    expect(shown("30 2 * * *", "Europe/Zurich", "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ])
    expect(shown("15 2,3 * * *", "Europe/Zurich", "2026-10-24T22:30:00Z", 3)).toEqual([
      "2026-10-25T00:15",
      "2026-10-25T02:15",
      "2026-10-26T01:15",
    ])
  })

  test("is gone through by the clock where minutes or hours have a step or a star", () => {
    expect(shown("*/30 * * * *", "Europe/Zurich", "2026-10-25T00:00:00Z", 4)).toEqual([
      "2026-10-25T00:30",
      "2026-10-25T01:00",
      "2026-10-25T01:30",
      "2026-10-25T02:00",
    ])
    expect(shown("0 * * * *", "Europe/Zurich", "2026-03-29T00:00:00Z", 2)).toEqual([
      "2026-03-29T01:00",
      "2026-03-29T02:00",
    ])
  })
})

interface Fields {
  readonly text: string
  readonly fixed: boolean
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly day: (local: Date) => boolean
}
/** A small generator of its own (Numerical Recipes), so that the test repeats. */
function seeded(seed: number): (below: number) => number {
  let x = seed >>> 0
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 4294967296) * below)
  }
}
function drawn(next: (below: number) => number): Fields {
  const field = (size: number): readonly [string, ReadonlySet<number>, boolean] => {
    const all = Array.from({ length: size }, (_, i) => i)
    switch (next(4)) {
      case 0:
        return ["*", new Set(all), false]
      case 1: {
        const step = 1 + next(size / 2)
        return [`*/${step}`, new Set(all.filter((i) => i % step === 0)), false]
      }
      case 2: {
        const from = next(size)
        const to = from + next(size - from)
        return [`${from}-${to}`, new Set(all.slice(from, to + 1)), true]
      }
      default: {
        const list = [...new Set(Array.from({ length: 1 + next(3) }, () => next(size)))]
        return [list.join(","), new Set(list), true]
      }
    }
  }
  const [minute, minutes, fixedMinutes] = field(60)
  const [hour, hours, fixedHours] = field(24)
  const dom = next(3) === 0 ? 1 + next(31) : undefined
  const dow = next(3) === 0 ? next(7) : undefined
  const day = (local: Date) => {
    if (dom === undefined && dow === undefined) return true
    return (dom !== undefined && local.getUTCDate() === dom) || (dow !== undefined && local.getUTCDay() === dow)
  }
  return {
    text: `${minute} ${hour} ${dom ?? "*"} * ${dow ?? "*"}`,
    fixed: fixedMinutes && fixedHours,
    minutes,
    hours,
    day,
  }
}

const MINUTE = 60_000
/** What a zone's clock shows at each minute, as a date whose UTC fields are the local ones. */
function clockOf(zone: string, from: number, to: number): readonly Date[] {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" })
  const out: Date[] = []
  for (let at = from; at <= to; at += MINUTE) out.push(new Date(`${format.format(at).replace(" ", "T")}Z`))
  return out
}
/** The ticks by the words of `readTimeTable`, minute by minute. */
function expected({ fixed, minutes, hours, day }: Fields, clock: readonly Date[], from: number): readonly number[] {
  const named = (local: Date) => minutes.has(local.getUTCMinutes()) && hours.has(local.getUTCHours()) && day(local)
  const out: number[] = []
  const seen = new Set<number>()
  for (const [i, local] of clock.entries()) {
    const before = clock[i - 1]
    let hit = named(local) && !(fixed && seen.has(local.getTime()))
    seen.add(local.getTime())
    if (fixed && before !== undefined)
      for (let t = before.getTime() + MINUTE; t < local.getTime(); t += MINUTE) if (named(new Date(t))) hit = true
    if (hit && i > 0) out.push(from + i * MINUTE)
  }
  return out
}

describe("drawn tables", () => {
  const WEEKS = [
    ["Europe/Zurich", "2026-03-28T06:00Z"],
    ["Europe/Zurich", "2026-10-24T06:00Z"],
    ["America/New_York", "2026-03-07T12:00Z"],
    ["America/New_York", "2026-10-31T12:00Z"],
    ["Asia/Kolkata", "2026-02-27T12:00Z"],
    ["UTC", "2026-12-30T12:00Z"],
  ] as const
  for (const [zone, begin] of WEEKS)
    test(`${zone} from ${begin}`, () => {
      const from = Date.parse(begin)
      const to = from + 2 * 86_400_000
      const clock = clockOf(zone, from, to)
      const next = seeded(from)
      for (let i = 0; i < 30; i++) {
        const fields = drawn(next)
        const t = table(fields.text, zone)
        const found = ticks(t, from, to)
        expect([fields.text, found]).toEqual([fields.text, expected(fields, clock, from)])
        const now = from + next(2 * 1440) * MINUTE + next(MINUTE)
        expect(t.last(now, from)).toBe(found.findLast((at) => at <= now))
      }
    })
})

describe("what is no table", () => {
  test.each([
    ["", /0 fields|1 fields/],
    ["* * * *", /4 fields, wanted five/],
    ["0 0 0 * * *", /6 fields/],
    ["61 * * * *", /minute/],
    ["* 24 * * *", /hour/],
    ["*/0 * * * *", /stepping/],
    ["5-1 * * * *", /larger/],
    ["a b c d e", /illegal/],
    ["0 0 30 2 *", /never comes/],
    ["@often", /./],
    ["2026-01-01T00:00:00", /1 fields/],
  ])("%p is said to be none, and why", (expression, words) => {
    const read = readTimeTable(expression, "UTC")
    expect("wrong" in read ? read.wrong : "a table").toMatch(words)
  })

  test("a leap day comes, if rarely, and the last one is found", () => {
    const leap = table("0 12 29 2 *")
    expect(leap.after(Date.parse("2026-01-01T00:00Z"))).toBe(Date.parse("2028-02-29T12:00Z"))
    expect(leap.last(Date.parse("2026-01-01T00:00Z"), Number.NEGATIVE_INFINITY)).toBe(Date.parse("2024-02-29T12:00Z"))
    expect(leap.last(Date.parse("2026-01-01T00:00Z"), Date.parse("2025-01-01T00:00Z"))).toBeUndefined()
  })
})
