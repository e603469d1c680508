/** The checks of `verify` hold here, and a claim that does not hold is said to fail, whatever its check does. */
import { describe, expect, test } from "bun:test"
import { errorBound } from "../../gate/mod.ts"
import { CLAIMS, checkClaim } from "./verify.ts"

const depth = { thorough: false, seed: new Uint8Array(16).fill(7) }

describe("every claim", () => {
  test.each(CLAIMS.map((claim) => [claim.name, claim] as const))(
    "%s",
    async (_, claim) => {
      const found = await checkClaim(claim, depth)
      expect(found.wrong).toEqual([])
      // What is not here is skipped with the reason; its own contract is tested on a real server.
      expect(found.passed).toBe(found.skipped === undefined)
      expect(found.tried > 0).toBe(found.skipped === undefined)
    },
    60_000,
  )

  test("has a name of its own and a sentence", () => {
    expect(new Set(CLAIMS.map((c) => c.name)).size).toBe(CLAIMS.length)
    for (const { says } of CLAIMS) expect(says).toMatch(/^[A-Z].*\.$/)
  })
})

describe("a claim", () => {
  const claim = (tried: number, wrong: readonly string[], how: "every" | "sample" = "sample") => ({
    name: "n",
    says: "S.",
    check: async () => ({ tried, what: "things", how, wrong }),
  })

  test("with something wrong fails", async () =>
    expect(await checkClaim(claim(5, ["x"]), depth)).toMatchObject({ passed: false, bound: null }))
  test("that tried nothing fails", async () =>
    expect(await checkClaim(claim(0, []), depth)).toMatchObject({ passed: false }))
  test("that was not tried has neither passed nor failed, and says why", async () => {
    const skipped = {
      ...claim(0, []),
      check: async () => ({ ...(await claim(0, []).check()), skipped: "none here" }),
    }
    expect(await checkClaim(skipped, depth)).toMatchObject({ passed: false, skipped: "none here" })
  })
  test("whose check breaks fails", async () => {
    const broken = { ...claim(1, []), check: () => Promise.reject(new TypeError("no")) }
    expect(await checkClaim(broken, depth)).toMatchObject({ passed: false, wrong: ["the check itself broke: no"] })
  })
  test("that held on a sample has a bound, on all there are none", async () => {
    expect((await checkClaim(claim(100, []), depth)).bound).toBe(errorBound(0, 100, 0.05))
    expect((await checkClaim(claim(100, [], "every"), depth)).bound).toBeNull()
  })
})
