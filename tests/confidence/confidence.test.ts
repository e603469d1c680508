/** The campaign of `npm run confidence`, in small. */
import { beforeAll, describe, expect, test } from "bun:test"
import { errorMaxOf, recalibrations, reopenings, type Subject, shifts, subject } from "./campaign.ts"

let trained: Subject
beforeAll(async () => {
  trained = await subject()
}, 120_000)

describe("a trained shadow that is not perfect", () => {
  test("keeps its promise over recalibrations, against the exact truth", () => {
    const found = recalibrations(trained, 40)
    expect(found.errorAll).toBeGreaterThan(0)
    expect(found.runs - found.without).toBeGreaterThan(0)
    expect(found.breaks).toBeLessThanOrEqual(3)
  }, 60_000)

  test("is opened again after a drift only where the promise holds, but for the share of worlds that delta leaves", () => {
    const found = reopenings(trained, 60)
    expect(found.opened).toBeGreaterThan(50)
    expect(found.breaks + found.breaksOfWorse).toBeLessThanOrEqual(6)
  }, 60_000)

  test("answers with at most 1 % wrong when calls shift, or not at all", () => {
    const found = shifts(trained, 8_000)
    expect(found).toHaveLength(6)
    expect(errorMaxOf(found)).toBeLessThanOrEqual(0.01)
    const of = (family: string) => found.find((s) => s.family === family)!
    expect(of("unseen category").coverageEnd).toBe(0)
    expect(of("the tool becomes another")).toMatchObject({ coverageEnd: 0, closed: true })
  }, 60_000)
})
