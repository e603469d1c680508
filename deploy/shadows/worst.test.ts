/** Where a shadow fails: the parts of each place, the worst first, and none of them twice. */
import { describe, expect, test } from "bun:test"
import type { Value } from "../../graph/mod.ts"
import { worstOf } from "./worst.ts"

const scored = (all: readonly (readonly [Value, boolean | undefined])[]) =>
  all.map(([args, right]) => ({ args, right: right === true, confidence: right === undefined ? Number.NaN : 0.9 }))
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe("the worst parts", () => {
  test("of numbers are ranges of as many cases, and equal numbers stay together", () => {
    const all = upTo(800).map((i) => [{ n: i < 400 ? 0 : i }, i < 780] as const)
    expect(worstOf(scored(all))).toEqual([{ place: "n", where: "700 to 799", cases: 100, wrong: 20, unsure: 0 }])
    const zeros = upTo(800).map((i) => [{ n: i < 400 ? 0 : i }, i % 400 > 3] as const)
    expect(worstOf(scored(zeros)).map(({ where, cases }) => `${where}: ${cases}`)).toEqual([
      "400 to 499: 100",
      "0: 400",
    ])
  })

  test("of few words are the words; where it says nothing counts as well", () => {
    const all = upTo(300).map(
      (i) => [{ in: { zone: ["a", "b", "c"][i % 3]! } }, i % 3 === 1 ? undefined : true] as const,
    )
    expect(worstOf(scored(all))).toEqual([{ place: "in.zone", where: '"b"', cases: 100, wrong: 0, unsure: 100 }])
  })

  test("of dates are ranges of dates, of other texts ranges of lengths", () => {
    const day = (i: number) => new Date(i * 86_400_000).toISOString().slice(0, 10)
    const dates = upTo(160).map((i) => [{ day: day(i) }, i >= 20] as const)
    const [first, ...more] = worstOf(scored(dates))
    expect(first).toEqual({ place: "day", where: "1970-01-01 to 1970-01-20", cases: 20, wrong: 20, unsure: 0 })
    expect(more).toEqual([])
    const texts = upTo(160).map((i) => [{ text: `${"x".repeat(1 + (i % 4))}${i + 100}` }, i % 4 !== 3] as const)
    expect(worstOf(scored(texts))[0]).toEqual({ place: "text length", where: "7", cases: 40, wrong: 40, unsure: 0 })
  })

  test("of lists are those of their items, too: places of a URL are numbers in words", () => {
    const all = upTo(800).map((i) => [{ url: [`${i}.5`], of: "x" }, i >= 50] as const)
    expect(worstOf(scored(all))).toEqual([{ place: "url[0]", where: "0.5 to 99.5", cases: 100, wrong: 50, unsure: 0 }])
  })

  test("are the whole, where no place has two", () => {
    const all = upTo(50).map((i) => [{ url: ["x"] }, i > 0] as const)
    expect(worstOf(scored(all)).map(({ place, wrong }) => [place, wrong])).toEqual([
      ["url items", 1],
      ["url[0]", 1],
    ])
  })
})
