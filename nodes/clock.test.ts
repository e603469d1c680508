/** Time and chance against a clock and dice of the test's own, and against real chance for its spread. */
import { expect, test } from "bun:test"
import { systemChance } from "../deploy/services/chance.ts"
import { systemClock } from "../deploy/services/clock.ts"
import type { Rec } from "../graph/mod.ts"
import { codes, open, sign } from "../tests/contract/drive.ts"
import { now, random } from "./clock.ts"

const clock = { ...systemClock, now: () => 1_785_240_000_123 }
const dice = (...throws: number[]) => ({
  next: () => throws.shift() ?? 0,
  bytes: (n: number) => new Uint8Array(n).fill(0xff),
})

test("the time, as text and as a number", async () => {
  expect(await (await open(now, { config: { now: "iso" } }, { clock })).call()).toBe("2026-07-28T12:00:00.123Z")
  expect(await (await open(now, { config: { now: "ms" } }, { clock })).call()).toBe(1_785_240_000_123)
  expect(sign(now, { config: { now: "ms" } })).toMatchObject({
    effect: "read",
    resource: "time",
    async: false,
    needs: [],
  })
})

test("chance: numbers, whole numbers below a bound, identifiers", async () => {
  const at = async (config: Rec, ...throws: number[]) =>
    (await open(random, { config }, { chance: dice(...throws) })).call()
  expect(await at({ random: "number" }, 0.25)).toBe(0.25)
  expect(await at({ random: "integer", below: 6 }, 0.9999)).toBe(5)
  expect(await at({ random: "integer", below: 6 }, 0)).toBe(0)
  expect(await at({ random: "uuid" })).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff")
  expect(sign(random, { config: { random: "uuid" } })).toMatchObject({ effect: "read", resource: "chance" })
})

test("what makes no sense is refused", () => {
  const REFUSED: readonly (readonly [Rec, string])[] = [
    [{ random: "integer" }, "G005 random"],
    [{ random: "integer", below: 0 }, "G207 below"],
    [{ random: "integer", below: 1.5 }, "G207 below"],
    [{ random: "number", below: 3 }, "G207 below"],
  ]
  for (const [config, code] of REFUSED) expect(codes(random, { config })).toEqual([code])
})

test("real chance is in [0, 1), evenly spread, and fills any length", async () => {
  const die = await open(random, { config: { random: "integer", below: 6 } }, { chance: systemChance })
  const counts = new Array<number>(6).fill(0)
  for (let i = 0; i < 6000; i++) counts[(await die.call()) as number]!++
  // Chi-squared with 5 degrees of freedom: 25.7 is passed once in ten thousand.
  expect(counts.reduce((sum, n) => sum + ((n - 1000) * (n - 1000)) / 1000, 0)).toBeLessThan(25.7)
  const bytes = systemChance.bytes(200_000)
  expect(bytes.length).toBe(200_000)
  expect(bytes.subarray(199_900).some((b) => b !== 0)).toBe(true)
})

test("the system's clock sleeps, and wakes at once when told", async () => {
  const stop = new AbortController()
  const asleep = systemClock.sleep(60_000, stop.signal)
  stop.abort(new DOMException("enough", "AbortError"))
  await expect(asleep).rejects.toThrow("enough")
  await expect(systemClock.sleep(1, stop.signal)).rejects.toThrow("enough")
  await systemClock.sleep(1)
})
