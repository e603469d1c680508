// The bounded part of `npm run fuzz:http`: requests drawn by chance, each answered as it should be.
import { expect, setDefaultTimeout, test } from "bun:test"
import { fuzz } from "./fuzz.ts"

setDefaultTimeout(60_000)

test("every request is answered: never a hang, a defect or a word of the inside", async () => {
  for (const seed of [1, 2]) {
    const { faults, by } = await fuzz(seed, 400)
    expect(faults).toEqual([])
    expect(Object.keys(by).length).toBeGreaterThan(8)
  }
})
