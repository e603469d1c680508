// Looking ahead changes nothing, on every example; `npm run ahead` does the same on ten thousand random graphs.
import { afterAll, describe, expect, test } from "bun:test"
import { add, nothing as noGraphs, sideBySide } from "./campaign.ts"
import { files, lookAhead, nameOf, nothing } from "./examples.ts"

describe("every example", () => {
  const total = nothing()
  for (const file of files) {
    test(nameOf(file), async () => {
      await lookAhead(file, total)
      expect(total.differences).toEqual([])
    }, 120_000)
  }

  afterAll(() => {
    // It is worth something.
    expect(total.values).toBeGreaterThan(total.runs / 2)
    expect(total.guesses).toBeGreaterThan(50)
    expect(total.wrong).toBeGreaterThan(10)
  })
})

test("random graphs of reads have the same trace hash looking ahead and alone", async () => {
  const total = noGraphs()
  for (let i = 0; i < 200; i++) add(total, await sideBySide(`test.${i}`))
  expect(total.different).toEqual([])
  expect(total.compared).toBeGreaterThan(20)
  expect(Math.min(total.kept, total.wrong)).toBeGreaterThan(10)
}, 60_000)
