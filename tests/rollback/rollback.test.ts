// Guesses that turn out wrong, at points that chance chooses: `npm run rollback` does a hundred thousand of them.
import { expect, test } from "bun:test"
import { deaths, emptyTally, rollBacks } from "./campaign.ts"

test("after every rollback the run is where it would be had it never looked ahead, and nothing was sent on a guess", async () => {
  const tally = emptyTally()
  for (let i = 0; i < 20; i++) await rollBacks(`test.${i}`, 5, tally)
  expect(tally.wrong).toEqual([])
  expect(tally.unverifiedWrites + tally.mismatches).toBe(0)
  // It is worth something: many guesses were wrong, and many writes sent.
  expect(tally.points).toBeGreaterThan(100)
  expect(tally.writes).toBeGreaterThan(50)
  expect(tally.discarded).toBeGreaterThan(50)
}, 60_000)

test("a run that dies while it looks ahead goes on from its record, and comes to the same", async () => {
  const wrong: string[] = []
  for (let i = 0; i < 15; i++) wrong.push(...(await deaths(`death.${i}`, 5)))
  expect(wrong).toEqual([])
}, 60_000)
