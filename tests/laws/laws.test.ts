// The laws on 2,000 random graphs: compiled by interpretation and by translation they do what the reference evaluator says,
// with the same trace hash. `npm run laws` does many more, and makes the graph of a failing seed small.
import { expect, test } from "bun:test"
import { campaign } from "./campaign.ts"
import { someReads } from "./graphs.ts"

const GRAPHS = 2_000
const PART = 200

for (let from = 0; from < GRAPHS; from += PART) {
  test(`random graphs ${from} to ${from + PART - 1} keep the laws`, async () => {
    const { graphs, ended, broken, undos, again } = await campaign("test", from, PART)
    expect(broken).toEqual([])
    // They are worth something: most pass the checker, and both ends are met.
    expect(graphs).toBeGreaterThan(PART * 0.9)
    expect(ended.value).toBeGreaterThan(PART / 3)
    expect(ended.failure).toBeGreaterThan(PART / 10)
    expect(undos).toBeGreaterThan(PART / 20)
    expect(again.rested).toBeGreaterThan(0)
  }, 120_000)
}

test("random graphs of reads keep the laws, looking ahead on guesses right and wrong", async () => {
  const { graphs, ahead, broken } = await campaign("test", 0, 100, undefined, someReads)
  expect(broken).toEqual([])
  expect(graphs).toBeGreaterThan(90)
  // Guesses were kept, refuted, and paid for in vain.
  expect(Math.min(ahead.kept, ahead.wrong, ahead.discarded)).toBeGreaterThan(8)
}, 240_000)
