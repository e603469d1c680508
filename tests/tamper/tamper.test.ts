/** Every sort of tampering is found, and where; the whole campaign is `npm run tamper`. */
import { expect, test } from "bun:test"
import { campaign } from "./campaign.ts"

test("whatever is done to a ledger without its key is found at its place; what nobody touched is whole", async () => {
  const { missed, alarms, sorts } = await campaign(7, 400)
  expect([...missed, ...alarms]).toEqual([])
  expect(sorts.filter((s) => s.made < 3).map((s) => s.name)).toEqual([])
}, 120_000)
