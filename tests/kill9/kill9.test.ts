// A few of the thousand: `npm run kill9` is the whole campaign.
import { expect, test } from "bun:test"
import { campaign } from "./campaign.ts"

test("a process that is killed at random points loses nothing, does nothing twice, and ends as if nothing had happened", async () => {
  const { kills, runs, wrong, crashes, lost, double } = await campaign(4)
  expect({ kills, wrong, crashes, lost, double }).toEqual({ kills: 4, wrong: [], crashes: 0, lost: 0, double: 0 })
  expect(runs).toBeGreaterThan(0)
}, 120_000)
