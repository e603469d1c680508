// Broken plans by the thousand: refused, or as right as a plan can be. `npm run hostile` runs many more.
import { describe, expect, test } from "bun:test"
import { BROKEN } from "../plans/broken.ts"
import { COMPILED } from "../plans/compiled.ts"
import { SAMPLES } from "../plans/samples.ts"
import { campaign } from "./campaign.ts"
import { runOnce } from "./machine.ts"
import { judge } from "./oracle.ts"
import { heldAgainst } from "./real.ts"

const plans = Object.values({ ...SAMPLES, ...COMPILED }).flatMap((make) => make() ?? [])

describe("the oracle", () => {
  test("finds nothing wrong with right plans", async () => {
    for (const plan of plans) for (let seed = 0; seed < 10; seed++) expect(await judge(plan, seed)).toBeUndefined()
  }, 60_000)

  test("runs right plans to the same end as the VM, generated code or not", async () => {
    for (const plan of plans) {
      for (let seed = 0; seed < 6; seed++) {
        const run = await runOnce(plan, seed, 1)
        expect(run && (await heldAgainst(plan, seed, run))).toBeUndefined()
      }
    }
  }, 60_000)

  for (const { rule, what, plan } of BROKEN.filter((b) => b.seen)) {
    test(`has eyes: ${rule} ${what}`, async () => {
      const told: (string | undefined)[] = []
      for (let seed = 0; seed < 20; seed++) told.push(await judge(plan, seed, 8))
      expect(told.some((t) => t !== undefined)).toBe(true)
    }, 60_000)
  }
})

describe("mutants of plans", () => {
  test("are refused, or harmless; none crashes", async () => {
    const report = await campaign(plans, 12_000, 1, 24)
    expect(report.crashes).toEqual([])
    expect(report.acceptedWrong).toEqual([])
    expect(report.mutants).toBe(12_000)
    expect(report.refused).toBeGreaterThan(6_000)
    // Every kind of rule gets work: a campaign that only ever breaks the shape would prove little.
    expect(report.by.size).toBeGreaterThan(25)
  }, 120_000)
})
