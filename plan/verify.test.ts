// The verifier on right plans, and every rule on a plan that breaks that rule and no other.
import { describe, expect, test } from "bun:test"
import { T, type Type } from "../graph/mod.ts"
import { BROKEN } from "../tests/plans/broken.ts"
import { COMPILED, FAULTS } from "../tests/plans/compiled.ts"
import { SAMPLES, samples } from "../tests/plans/samples.ts"
import { Sketch } from "../tests/plans/sketch.ts"
import { decodePlan, encodePlan, type Instr, OPS, type Plan, PlanError, RULES, row, type Step, verify } from "./mod.ts"

const refusal = (plan: Plan): PlanError => {
  try {
    verify(plan)
  } catch (e) {
    if (e instanceof PlanError) return e
    throw e
  }
  throw new RangeError("nothing was refused")
}

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

describe("plans that the compiler makes", () => {
  for (const [name, make] of Object.entries(COMPILED)) {
    test(`${name} is accepted`, () => {
      const plan = make()
      expect(FAULTS).toEqual([])
      verify(decodePlan(encodePlan(plan!)))
    })
  }
})

describe("a plan that breaks one rule is refused by that rule", () => {
  for (const { rule, what, plan } of BROKEN) {
    test(`${rule} ${what}`, () => {
      const e = refusal(plan)
      expect(e.message).toContain(`(${rule})`)
      expect([e.reason, e.rule]).toEqual(["refused", rule])
    })
  }

  test("every rule has such a plan, but for the budgets, which have their own test", () => {
    const rules = new Set([...BROKEN.map((b) => b.rule), "P009", "P052"])
    expect(Object.keys(RULES).filter((r) => !rules.has(r as keyof typeof RULES))).toEqual([])
  })

  test("the message names the place, what was found and what was wanted", () => {
    const broken = BROKEN.find((b) => b.what === "a text added")!
    const e = refusal(broken.plan)
    expect(e.message).toBe(
      'Cannot verify scope 0 step 0 instruction 0: "a" (slot 0) must be number, found string (P040)',
    )
    expect(e.place).toEqual({ scope: 0, step: 0, instr: 0 })
    expect([e.found, e.wanted]).toEqual(["string", "number"])
  })
})

describe("what is no plan at all", () => {
  const right = SAMPLES["mapping"]!()
  const holes: [string, object][] = [
    ["types", { types: null }],
    ["a type", { types: [7] }],
    ["scopes", { scopes: {} }],
    ["no scopes", { scopes: [] }],
    ["a scope", { scopes: [null] }],
    ["steps", { scopes: [{ ...right.scopes[0], steps: 3 }] }],
    ["a step", { scopes: [{ ...right.scopes[0], steps: [null] }] }],
    ["an op", { scopes: [{ ...right.scopes[0], steps: [{ op: [] }] }] }],
    ["an instruction", { scopes: [{ ...right.scopes[0], steps: [{ op: ["block", []], instrs: [7], nodes: [0] }] }] }],
    ["constants", { constants: [null] }],
    ["externs", { externs: [{}] }],
    ["needs", { needs: [7] }],
    ["slots", { scopes: [{ ...right.scopes[0], slots: 1e15 }, right.scopes[1]] }],
    ["nothing", Object.fromEntries(Object.keys(right).map((k) => [k, undefined]))],
  ]
  for (const [what, hole] of holes) {
    test(`${what}: refused, never a crash`, () => {
      expect(refusal({ ...right, ...hole } as Plan).reason).toBe("refused")
    })
  }
})

describe("facts", () => {
  test("who waits for whom, and who reads and writes what", () => {
    const [top, body] = verify(SAMPLES["mapping"]!()).scopes
    // Node 0 is the input, 1 the block, 2 the map; the map starts when its list is there, its body takes the factor later.
    expect([...row(top!.preds, 0)]).toEqual([0])
    expect([...row(top!.preds, 1)]).toEqual([1])
    expect([...row(top!.succs, 1)]).toEqual([1])
    expect([...row(top!.lazy, 1)]).toEqual([1])
    expect([...row(top!.strict, 1)]).toEqual([1])
    expect([...row(top!.captures, 1)]).toEqual([2])
    expect([...row(top!.writes, 0)]).toEqual([1, 2])
    expect([...top!.blocks]).toEqual([1, 0])
    expect(top!.result).toBe(2)
    expect(body!.owner).toEqual({ scope: 0, step: 1 })
  })

  test("what a scope touches, bodies included", () => {
    const [top] = verify(SAMPLES["writing"]!()).scopes
    expect(top!.touches).toEqual([{ resource: "db:shop", write: true }])
    expect(verify(SAMPLES["tools"]!()).scopes[0]!.touches.map((t) => t.resource)).toEqual([
      "db:shop",
      "db:shop/orders",
      "host:rates.example.com",
    ])
  })
})

describe("work that a plan pays for is done, and no other", () => {
  test("comparing large types against one another", () => {
    const s = new Sketch("types")
    const large = (word: string) =>
      T.union(...Array.from({ length: 300 }, (_, i) => T.record({ [`${word}${i}`]: T.number })))
    const steps: Step[] = []
    for (let i = 0; i < 40; i++) {
      const f = s.extern({ input: large(`a${i}`), output: large(`b${i}`) })
      steps.push(["invoke", i + 1, f, i, s.texts(`n${i}`), []])
    }
    s.scope({ params: [T.unknown], slots: 41, result: 40, type: T.unknown, steps })
    expect(["P009", "P041"]).toContain(refusal(s.plan(T.unknown, T.unknown)).rule!)
  }, 60_000)

  test("regions inside one another, all of them around the same many slots", () => {
    const s = new Sketch("regions")
    const depth = 1000
    const n = 10_000
    const instrs: Instr[] = [
      ...Array.from({ length: depth }, (): Instr => ["if", 0]),
      ...Array.from({ length: n }, (_, i): Instr => ["copy", i + 1, 0]),
      ...Array.from({ length: depth }, (): Instr[] => [["else"], ["end"]]).flat(),
    ]
    s.scope({ params: [T.boolean], slots: n + 1, result: 0, type: T.boolean, steps: [s.block("it", instrs)] })
    expect(refusal(s.plan(T.boolean, T.boolean)).rule).toBe("P009")
  }, 60_000)

  test("a write to what contains seventy thousand resources", () => {
    const s = new Sketch("many")
    const n = 70_000
    const type = s.type(T.null)
    s.extern({ input: T.null, output: T.null, effect: "write", resource: "fs:/a" })
    const path = (i: number) => s.constants.push({ type: s.type(T.list(T.string)), value: [`n${i}`] }) - 1
    const steps: Step[] = []
    for (let i = 0; i < n; i++) {
      s.externs.push({ ...s.externs[0]!, resource: `fs:/a/${i}`, input: type })
      steps.push(["invoke", i + 1, i + 1, 0, path(i), []])
    }
    steps.push(["invoke", n + 1, 0, 0, path(n), Array.from({ length: n }, (_, i) => i)])
    s.scope({ params: [T.null], slots: n + 2, result: n + 1, type: T.null, steps })
    expect(verify(s.plan(T.null, T.null)).scopes[0]!.touches).toHaveLength(n + 1)
  }, 60_000)

  test("types that double with every level, in memory", () => {
    let t: Type = T.number
    for (let i = 0; i < 100; i++) t = { kind: "record", fields: { a: { type: t }, b: { type: t } } }
    expect(refusal({ ...SAMPLES["handing"]!(), types: [T.unknown, t] }).rule).toBe("P004")
  }, 60_000)

  test("finding the order of effects: many reads, each of which many writes must follow", () => {
    const s = new Sketch("order")
    const n = 5000
    const read = s.extern({ output: T.null, effect: "read", resource: "fs:/a" })
    const path = (i: number) => s.constants.push({ type: s.type(T.list(T.string)), value: [`n${i}`] }) - 1
    const steps: Step[] = Array.from({ length: n }, (_, i) => ["invoke", i + 1, read, 0, path(i), []])
    const all = Array.from({ length: n }, (_, i) => i)
    for (let i = n; i < 2 * n; i++) {
      s.externs.push({ ...s.externs[read]!, effect: "write", resource: `fs:/a/${i}` })
      steps.push(["invoke", i + 1, s.externs.length - 1, 0, path(i), i === n ? all : [n]])
    }
    s.scope({ params: [T.null], slots: 2 * n + 1, result: 1, type: T.null, steps })
    expect(refusal(s.plan(T.null, T.null)).rule).toBe("P052")
  }, 60_000)
})
