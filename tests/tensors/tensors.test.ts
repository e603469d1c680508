// Tensors survive bit for bit: a part of the campaign that `npm run tensors` runs a million long.
import { expect, test } from "bun:test"
import { campaign } from "./campaign.ts"

test("20,000 random tensors, by the codec and through whole runs: 0 differences", async () => {
  const { differences, runs, odd } = await campaign(20_000, 7)
  expect(differences).toEqual([])
  expect([runs, odd > 2_000]).toEqual([200, true])
})
