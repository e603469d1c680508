/** Calendar fields against the host's own calendar, and forms of times that come back character for character. */
import { describe, expect, test } from "bun:test"
import { T, type Value } from "../../graph/mod.ts"
import { Random } from "../../graph/random.sample.ts"
import { must, roundTrip } from "../../tests/encodings/trip.ts"
import { encodingOf, type Notes, outputOf } from "../mod.ts"
import { dateOf, daysOf } from "./calendar.ts"

test("days of all dates of 400 years, and of the edges, agree with the host's calendar", () => {
  const wrong: number[] = []
  for (let days = daysOf(1799, 12, 31); days <= daysOf(2200, 1, 1); days++) {
    const { year, month, day } = dateOf(days)
    const host = new Date(days * 86_400_000)
    const same = year === host.getUTCFullYear() && month === host.getUTCMonth() + 1 && day === host.getUTCDate()
    if (!same || daysOf(year, month, day) !== days) wrong.push(days)
  }
  expect(wrong).toEqual([])
  expect(daysOf(0, 1, 1)).toBe(-719_528)
  expect(dateOf(daysOf(9999, 12, 31))).toEqual({ year: 9999, month: 12, day: 31 })
})

const both = (type: typeof T.string | typeof T.number, notes: Notes) =>
  (["fields", "count"] as const).map((by) => must(outputOf(type, { ...notes, by })))

test("every date of a century comes back, by fields and by count", () => {
  const notes = { format: "date", years: [1900, 1999] } as const
  const ways = [must(encodingOf(T.string, notes)), ...both(T.string, notes)]
  const wrong: string[] = []
  for (let days = daysOf(1900, 1, 1); days < daysOf(2000, 1, 1); days++) {
    const text = new Date(days * 86_400_000).toISOString().slice(0, 10)
    for (const way of ways) if (roundTrip(way, text) !== undefined) wrong.push(text)
  }
  expect(wrong).toEqual([])
  for (const outside of [
    "1899-12-31",
    "2000-01-01",
    "1900-02-29",
    "1950-13-01",
    "1950-00-10",
    "1950-1-1",
    "19500101",
  ]) {
    for (const way of ways) expect(roundTrip(way, outside)?.reason).toBe("outside")
  }
})

test("moments since 1970, in seconds and milliseconds", () => {
  const r = new Random(3)
  const wrong: number[] = []
  for (const unit of ["s", "ms"] as const) {
    const notes = { format: `epoch-${unit}`, years: [1600, 2400] } as const
    const ways = [must(encodingOf(T.number, notes)), ...both(T.number, notes)]
    for (let i = 0; i < 2_000; i++) {
      const n = (r.u32() - 2 ** 31) * (unit === "ms" ? 1000 : 1) + r.below(1000)
      for (const way of ways) if (roundTrip(way, n) !== undefined) wrong.push(n)
    }
    expect(wrong).toEqual([])
    for (const outside of [0.5, 1e15, -0, Number.NaN]) {
      for (const way of ways) expect(roundTrip(way, outside)?.reason).toBe("outside")
    }
  }
})

describe("texts of times", () => {
  const good = [
    "2024-02-29T23:59:59Z",
    "0000-01-01T00:00:00",
    "9999-12-31T10:20:30.123456789+05:30",
    "2024-02-29T10:00:00.0-00:00",
  ]
  const bad = [
    "2023-02-29T00:00:00Z",
    "2024-01-01 00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:00Z",
  ]

  test("come back with their fraction and zone as they were", () => {
    const ways = [must(encodingOf(T.string, { format: "date-time" })), ...both(T.string, { format: "date-time" })]
    for (const way of ways) {
      for (const text of good) expect(roundTrip(way, text)).toBeUndefined()
      for (const text of [...bad, "2024-01-01T00:00:00z", "2024-01-01T00:00:00+24:00"] as Value[]) {
        expect(roundTrip(way, text)?.reason).toBe("outside")
      }
    }
    const clock = must(encodingOf(T.string, { format: "time" }))
    for (const text of good) expect(roundTrip(clock, text.slice(11))).toBeUndefined()
    expect(roundTrip(clock, "10:00")?.reason).toBe("outside")
  })

  test("may only have the zone and the fraction of the notes", () => {
    const e = must(encodingOf(T.string, { format: "date-time", zone: "Z", fraction: [3, 3] }))
    expect(roundTrip(e, "2024-02-29T23:59:59.250Z")).toBeUndefined()
    for (const text of ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59.250", "2024-02-29T23:59:59.2500Z"]) {
      expect(roundTrip(e, text)?.reason).toBe("outside")
    }
  })
})
