// The verifier on right plans, and every rule on a plan that breaks that rule and no other.
import { describe, expect, test } from "bun:test"
import { SAMPLES, samples } from "../tests/plans/samples.ts"
import { decodePlan, encodePlan, OPS, type Plan, verify } from "./mod.ts"

describe("right plans", () => {
  for (const [name, make] of Object.entries(SAMPLES)) {
    test(`${name} is accepted, before and after its bytes`, () => {
      verify(make())
      verify(decodePlan(encodePlan(make())))
    })
  }
  test("use every instruction of the table", () => {
    const used = new Set<string>()
    for (const plan of samples()) {
      for (const scope of plan.scopes) {
        for (const step of scope.steps) for (const op of [step.op, ...(step.instrs ?? [])]) used.add(op[0])
      }
    }
    expect([...used].sort()).toEqual(Object.keys(OPS).sort())
  })
})
