/** The watch against streams whose error is known: rare alarms without cause, quick ones with one. */
import { describe, expect, test } from "bun:test"
import { seeded } from "./model/random.sample.ts"
import { Watch } from "./watch.ts"

/** Answers until the watch closes, or `most`. */
function untilClosed(watch: Watch, risk: (i: number) => number, next: () => number, most: number): number {
  for (let i = 0; i < most; i++) {
    watch.saw(next() >= risk(i))
    if (watch.closed) return i + 1
  }
  return most
}

describe("a watch", () => {
  test("stays open for 10,000 answers and more on average while alpha of them are wrong", () => {
    const next = seeded(5)
    let sum = 0
    for (let i = 0; i < 100; i++) sum += untilClosed(new Watch({ alpha: 0.01 }), () => 0.01, next, 40_000)
    expect(sum / 100).toBeGreaterThan(10_000)
  })
  test("never closes while all are right, and remembers that none was wrong", () => {
    const watch = new Watch({ alpha: 0.01 })
    expect(untilClosed(watch, () => 0, seeded(1), 5_000)).toBe(5_000)
    expect([watch.closed, watch.seen, watch.wrong, watch.since]).toEqual([false, 5_000, 0, 0])
  })
  test("closes after a handful of answers when a tool has become another, however long it was right before", () => {
    for (const before of [0, 10, 100_000]) {
      const watch = new Watch({ alpha: 0.01 })
      for (let i = 0; i < before; i++) watch.saw(true)
      let wrong = 0
      while (!watch.closed) {
        watch.saw(false)
        wrong++
      }
      expect(wrong).toBeLessThanOrEqual(4)
      expect(watch.since).toBe(wrong)
    }
  })
  test.each([
    [0.5, 20],
    [0.1, 120],
    [0.05, 400],
    [0.03, 2_000],
  ])("where a share of %d is wrong it closes within about %d answers", (risk, answers) => {
    const next = seeded(9)
    const taken = Array.from({ length: 101 }, () => untilClosed(new Watch({ alpha: 0.01 }), () => risk, next, 50_000))
    taken.sort((a, b) => a - b)
    expect(taken[50]!).toBeLessThan(answers)
  })
  test("opened again it begins anew", () => {
    const watch = new Watch({ alpha: 0.05 })
    for (let i = 0; i < 9; i++) watch.saw(false)
    expect(watch.closed).toBe(true)
    watch.open()
    watch.saw(true)
    expect([watch.closed, watch.since]).toEqual([false, 0])
  })
})

test("what may be spent bounds the wrong answers of a stream, however slowly they come", () => {
  const watch = new Watch({ alpha: 0.01, spend: 0.8 })
  let wrong = 0
  for (let i = 1; i <= 100_000 && !watch.closed; i++) {
    const right = i % 90 !== 0
    if (!right) wrong++
    watch.saw(right)
    expect(wrong).toBeLessThanOrEqual(5 + 0.008 * i)
  }
  expect(watch.closed).toBe(true)
  watch.open()
  expect(watch.closed).toBe(false)
})
