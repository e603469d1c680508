// One test of one candidate, with candidates that are functions of this process: what each turn of a trial finds, on how
// many cases, and what is asked of whom. That real programs cannot cheat it is shown in tests/gate, in the sandbox.
import { describe, expect, test } from "bun:test"
import { fail, type SandboxAnswer, type SandboxLimits, sha256, T, type Value } from "../graph/mod.ts"
import { type Finding, type Loader, type Target, Trial } from "./trial.ts"

type Program = (input: Value, call: number, load: number) => SandboxAnswer
const says = (value: Value, fuel = 1): SandboxAnswer => ({ ok: true, value, fuel })
const stops = (why: "threw" | "fuel" | "memory", message = "stopped"): SandboxAnswer => ({
  ok: false,
  why,
  message,
  fuel: 1,
})

const N = 40
const double: Target = {
  name: "double",
  input: T.number,
  output: T.number,
  oracle: (x) => (x as number) * 2,
  draw: (d) => d.between(1, 1_000_000),
}
const right: Program = (x) => says((x as number) * 2)

interface Ran {
  readonly finding: Finding
  /** Inputs of each copy that was loaded, in order. */
  readonly inputs: readonly Value[][]
  readonly closed: number
  readonly limits: Partial<SandboxLimits>[]
}
async function ran(
  program: Program,
  more: Partial<Target> = {},
  { wrongMax = 0, cases = N, loads = 2 } = {},
): Promise<Ran> {
  const inputs: Value[][] = []
  const limits: Partial<SandboxLimits>[] = []
  let closed = 0
  const load: Loader = async (candidate, limit) => {
    expect(candidate).toEqual(new Uint8Array([7]))
    const mine: Value[] = []
    const which = inputs.push(mine) - 1
    limits.push(limit)
    if (which >= loads) return { ok: false, why: "source", message: "no such program", fuel: 0 }
    const call = (input: Value) => program(input, mine.push(input) - 1, which)
    return { ok: true, program: { call, close: () => void closed++ } }
  }
  const trial = new Trial({ ...double, ...more }, sha256(new Uint8Array([1])), cases, wrongMax, sha256)
  const finding = await trial.run(new Uint8Array([7]), load)
  return { finding, inputs, closed, limits }
}

describe("a candidate that is right", () => {
  test("is admitted, on every case twice, the second time by another copy in another order", async () => {
    const { finding, inputs, closed, limits } = await ran(right)
    expect(finding).toEqual({
      outcome: "admitted",
      reason: "passed",
      cases: N,
      wrong: 0,
      corners: { cases: 0, wrong: 0 },
      placebos: { run: 2, passed: [] },
      // One more, the sign, a hundredth, nothing; everywhere, and what of them falls on a case in a hundred.
      mutants: { run: finding.mutants.run, passed: [] },
      why: `0 wrong in ${N} cases`,
    })
    expect(finding.mutants.run).toBeGreaterThanOrEqual(4)
    expect(inputs).toHaveLength(2)
    expect(inputs[0]).toHaveLength(N)
    expect(inputs[1]).not.toEqual(inputs[0]!)
    expect([...inputs[1]!].sort()).toEqual([...inputs[0]!].sort())
    expect(inputs[1]!.filter((x, i) => x === inputs[0]![i]).length).toBeLessThan(N / 4)
    expect(closed).toBe(2)
    expect(limits).toEqual([{ fuel: 2_000_000 }, { fuel: 2_000_000 }])
  })

  test("has the limits that the target states", async () => {
    const { limits } = await ran(right, { limits: { fuel: 5, memoryBytes: 6 } })
    expect(limits[0]).toEqual({ fuel: 5, memoryBytes: 6 })
  })

  test("throws where the tool fails; being stopped is no answer, and no answer is no failure", async () => {
    const fails: Partial<Target> = {
      oracle: (x) => {
        if ((x as number) % 3 === 0) throw fail("Odd", "not by three")
        return x
      },
    }
    const by =
      (third: SandboxAnswer): Program =>
      (x) =>
        (x as number) % 3 === 0 ? third : says(x)
    expect((await ran(by(stops("threw")), fails)).finding.outcome).toBe("admitted")
    expect((await ran(by(stops("fuel")), fails)).finding).toMatchObject({ outcome: "rejected", reason: "wrong" })
    expect((await ran(by(says(0)), fails)).finding).toMatchObject({ outcome: "rejected", reason: "wrong" })
    const threw = await ran(() => stops("threw", "not today"))
    expect(threw.finding).toMatchObject({ outcome: "rejected", reason: "wrong", cases: 1, wrong: 1 })
    expect(threw.finding.why).toMatch(/^wrong on \d+: threw: not today$/)
  })
})

describe("a candidate that is not", () => {
  test("cannot be loaded, or not twice", async () => {
    expect(await ran(right, {}, { loads: 0 })).toMatchObject({
      finding: { outcome: "rejected", reason: "source", cases: 0, why: "it cannot be loaded: no such program" },
      closed: 0,
    })
    expect(await ran(right, {}, { loads: 1 })).toMatchObject({
      finding: { outcome: "rejected", reason: "unsteady", cases: N, why: "it loaded once and not again" },
      closed: 1,
    })
  })

  test("is wrong once too often, and no further case is asked", async () => {
    const on =
      (...calls: number[]): Program =>
      (x, call, load) =>
        says((x as number) * 2 + (load === 0 && calls.includes(call) ? 1 : 0))
    const first = await ran(on(4))
    expect(first.finding).toMatchObject({ outcome: "rejected", reason: "wrong", cases: 5, wrong: 1 })
    expect(first.inputs[0]).toHaveLength(5)
    expect(first.closed).toBe(1)
    const third = await ran(on(1, 4, 9), {}, { wrongMax: 2 })
    expect(third.finding).toMatchObject({ outcome: "rejected", reason: "wrong", cases: 10, wrong: 3 })
    // As often as is borne it may be.
    const odd: Program = (x) => says((x as number) * 2 + ((x as number) % 20 === 0 ? 1 : 0))
    const many = await ran(odd, {}, { wrongMax: N / 2 })
    const wrong = many.inputs[0]!.filter((x) => (x as number) % 20 === 0).length
    expect(wrong).toBeGreaterThan(0)
    expect(many.finding).toMatchObject({ outcome: "admitted", wrong, why: `${wrong} wrong in ${N} cases` })
  })

  test("answers what its port refuses", async () => {
    const { finding } = await ran(() => says("two"))
    expect(finding).toMatchObject({ outcome: "rejected", reason: "wrong", cases: 1 })
    expect(finding.why).toMatch(/^wrong on \d+: "two"$/)
  })

  test("is quoted in short", async () => {
    const { finding } = await ran(() => stops("threw", "x".repeat(5_000)), { draw: () => 1 / 3, oracle: () => 1 })
    expect(finding.why).toBe(`wrong on ${1 / 3}: threw: ${"x".repeat(193)}`)
    const long = await ran(() => says(1), { input: T.string, draw: () => "y".repeat(5_000) })
    expect(long.finding.why.length).toBeLessThan(230)
  })

  test("answers otherwise when it is asked again, or takes other fuel, or stops for another reason", async () => {
    for (const [second, more] of [
      [(x: Value) => says((x as number) * 2 + 1), {}],
      [(x: Value) => says((x as number) * 2, 2), {}],
      [() => stops("threw"), {}],
    ] as const) {
      const { finding, closed } = await ran(
        (x, call, load) => (load === 1 && call === 3 ? second(x) : right(x, 0, 0)),
        more,
      )
      expect(finding).toMatchObject({ outcome: "rejected", reason: "unsteady", cases: N })
      expect(finding.why).toStartWith("asked again, it answers otherwise on ")
      expect(closed).toBe(2)
    }
    const failing: Partial<Target> = { oracle: () => Promise.reject(fail("Odd", "always")) }
    const other = await ran((_, __, load) => stops(load === 0 ? "threw" : "memory"), failing)
    expect(other.finding).toMatchObject({ reason: "unsteady" })
    const answers = await ran((_, __, load) => (load === 0 ? stops("threw") : says(1)), failing)
    expect(answers.finding).toMatchObject({ reason: "unsteady" })
  })

  test("takes more fuel over all its cases than it may, to the unit", async () => {
    const burning =
      (fuel: number): Program =>
      (x, call, load) =>
        says((x as number) * 2, load === 0 && call === 0 ? fuel - (N - 1) : 1)
    const dear = await ran(burning(2_000_000_001))
    expect(dear.finding).toMatchObject({ outcome: "rejected", reason: "dear", cases: N })
    expect(dear.finding.why).toBe("it took more than 2000000000 units of fuel")
    // Exactly so much is allowed; what the second copy takes must be the same, so that it is asked the same there.
    const at = await ran(burning(2_000_000_000))
    expect(at.finding.reason).toBe("unsteady")
  })
})

describe("corners", () => {
  const corners: Partial<Target> = { corners: () => 0, cornersCount: 3 }
  test("come first and are not in the bound; as many as the target says", async () => {
    const { finding, inputs } = await ran(right, corners)
    expect(inputs[0]!.slice(0, 4).map((x) => x === 0)).toEqual([true, true, true, false])
    expect(finding).toMatchObject({ outcome: "admitted", cases: N, corners: { cases: 3, wrong: 0 } })
    expect((await ran(right, { corners: () => 0 })).inputs[0]).toHaveLength(N + 256)
  })

  test("one wrong refuses where no wrong answer is allowed, and is counted where some are", async () => {
    const odd: Program = (x) => says(x === 0 ? 1 : (x as number) * 2)
    expect((await ran(odd, corners)).finding).toMatchObject({
      outcome: "rejected",
      reason: "wrong",
      cases: 0,
      wrong: 0,
      corners: { cases: 1, wrong: 1 },
    })
    expect((await ran(odd, corners, { wrongMax: 1 })).finding).toMatchObject({
      outcome: "admitted",
      cases: N,
      wrong: 0,
      corners: { cases: 3, wrong: 3 },
    })
    // Controls run on what the bound is of: answers to corners alone do not tell candidates apart.
    expect((await ran(right, { ...corners, cornersCount: 1_000 })).finding).toMatchObject({ outcome: "admitted" })
  })

  test("an oracle that contradicts itself on one gives no verdict on no case", async () => {
    let asked = 0
    const { finding } = await ran(right, { ...corners, oracle: () => asked++ })
    expect(finding).toMatchObject({ outcome: "no verdict", reason: "oracle", cases: 0 })
  })
})

describe("the oracle", () => {
  test("is asked as many cases at once as the target says, all of them once, and nothing that is found depends on it", async () => {
    const third = (x: Value, call: number) => says((x as number) * 2 + (call === 29 ? 1 : 0))
    for (const program of [right, third]) {
      const found = []
      for (const parallel of [undefined, 0, 1, 3, 1_000]) {
        let [open, most] = [0, 0]
        const oracle = async (x: Value) => {
          most = Math.max(most, ++open)
          // The later ones answer first.
          await new Promise((done) => setTimeout(done, most - open))
          open--
          return (x as number) * 2
        }
        const { finding, inputs } = await ran(program, {
          ...(parallel === undefined ? {} : { parallel }),
          oracle,
          corners: () => -3,
          cornersCount: 2,
        })
        expect(most).toBe(Math.min(N + 2, Math.max(1, parallel ?? 1)))
        found.push({ finding, inputs: inputs[0] })
      }
      for (const one of found) expect(one).toEqual(found[0]!)
      expect(found[0]!.finding.corners.cases).toBe(2)
      expect(found[0]!.finding).toMatchObject(
        program === right ? { outcome: "admitted", cases: N } : { reason: "wrong", cases: 28 },
      )
    }
  })

  test("that contradicts itself gives no verdict, wherever it is noticed", async () => {
    // Where the candidate seems wrong it is asked again.
    let asked = 0
    const at = await ran(right, { oracle: (x) => (x as number) * 2 + (asked++ === 6 ? 1 : 0) })
    expect(at.finding).toMatchObject({ outcome: "no verdict", reason: "oracle", cases: 7, wrong: 0 })
    expect(at.finding.why).toBe("the oracle gives two answers to one input")
    // And once more on some that seemed right.
    asked = 0
    const later = await ran(right, { oracle: (x) => (x as number) * 2 + (asked++ >= N ? 1 : 0) })
    expect(later.finding).toMatchObject({ outcome: "no verdict", reason: "oracle", cases: N })
    asked = 0
    const fails = await ran(right, {
      oracle: (x) => {
        if (asked++ >= N) throw fail("Gone", "")
        return (x as number) * 2
      },
    })
    expect(fails.finding).toMatchObject({ outcome: "no verdict", reason: "oracle" })
    asked = 0
    const other = await ran(() => stops("threw"), {
      oracle: () => {
        throw fail(asked++ >= N ? "Gone" : "Missing", "")
      },
    })
    expect(other.finding).toMatchObject({ outcome: "no verdict", reason: "oracle" })
  })

  test("may throw anything, and answers later; what its port refuses counts as a failure", async () => {
    const third = (x: Value) => (x as number) % 3 === 0
    for (const odd of [
      () => {
        throw new TypeError("by three")
      },
      () => Promise.reject(fail("Odd", "")),
      () => "a text",
    ] as (() => Value)[]) {
      const { finding } = await ran((x) => (third(x) ? stops("threw") : says(x)), {
        oracle: (x) => (third(x) ? odd() : Promise.resolve(x)),
      })
      expect(finding.outcome).toBe("admitted")
    }
  })

  test("is asked 32 times more than there are cases", async () => {
    let asked = 0
    const oracle = (x: Value): Value => {
      asked++
      return (x as number) * 2
    }
    await ran(right, { oracle })
    expect(asked).toBe(N + 32)
  })
})

describe("what counts as the same", () => {
  test("is the target's to say, and only true says it", async () => {
    const near: Program = (x) => says((x as number) * 2 + 0.25)
    expect((await ran(near)).finding.reason).toBe("wrong")
    const same = (a: Value, b: Value) => Math.abs((a as number) - (b as number)) < 0.5
    expect((await ran(near, { same })).finding.outcome).toBe("admitted")
    expect((await ran(right, { same: () => 1 as never })).finding.reason).toBe("wrong")
    // Where one of the two is a failure there is nothing to say.
    const third = (x: Value) => (x as number) % 3 === 0
    const oracle = (x: Value): Value => {
      if (third(x)) throw fail("Odd", "")
      return 1
    }
    const asked: Value[] = []
    const all = (a: Value, b: Value) => asked.push(a, b) > 0
    expect((await ran(() => says(1), { oracle, same: all })).finding.reason).toBe("wrong")
    await ran((x) => (third(x) ? stops("threw") : says(1)), { oracle, same: all })
    expect(asked.every((v) => typeof v === "number")).toBe(true)
  })
})

describe("cases", () => {
  test("are drawn from the domain that the target states, or from all of its input", async () => {
    const { inputs } = await ran((x) => says(x), { oracle: (x) => x, draw: (d) => d.between(5, 9) })
    expect(inputs[0]!.every((x) => (x as number) >= 5 && (x as number) <= 9)).toBe(true)
    const { draw: _, ...whole } = double
    const trial = new Trial(
      { ...whole, input: T.boolean, output: T.boolean, oracle: (x) => !x },
      sha256(new Uint8Array([2])),
      N,
      0,
      sha256,
    )
    const seen = new Set<Value>()
    const load: Loader = async () => ({
      ok: true,
      program: { call: (x) => says(!seen.add(x) || !x), close: () => {} },
    })
    expect((await trial.run(new Uint8Array([7]), load)).outcome).toBe("admitted")
    expect(seen).toEqual(new Set([true, false]))
  })

  test("that are no input are the target's mistake", async () => {
    for (const more of [{ draw: () => "text" }, { corners: () => "text" }])
      await expect(ran(right, more)).rejects.toMatchObject({
        _tag: "GateError",
        reason: "misuse",
        message: 'Cannot test for "double": it draws cases that are no input',
      })
  })
})

describe("controls", () => {
  test("a placebo that passes makes it no verdict: the commonest answer, the answers to other cases", async () => {
    const constant = await ran(() => says(1), { oracle: () => 1 })
    expect(constant.finding).toMatchObject({
      outcome: "no verdict",
      reason: "placebo",
      cases: N,
      placebos: { run: 2, passed: ["the answers to other cases", "the commonest answer"] },
      mutants: { run: 0, passed: [] },
    })
    expect(constant.finding.why).toBe("a placebo passed: the answers to other cases, the commonest answer")
    // Failures are answers too, by their code.
    const failing = await ran(() => stops("threw"), { oracle: () => Promise.reject(fail("Odd", "")) })
    expect(failing.finding.reason).toBe("placebo")
    // One answer to all but a few: guessing it is as good as is borne.
    const rare = (x: Value) => ((x as number) % 10 === 0 ? 1 : 0)
    const guessed = await ran((x) => says(rare(x)), { oracle: rare }, { wrongMax: 12 })
    expect(guessed.finding.placebos.passed).toContain("the commonest answer")
    const exact = await ran((x) => says(rare(x)), { oracle: rare })
    expect(exact.finding.outcome).toBe("admitted")
    // The commonest is not the first.
    let first: Value | undefined
    const once = (x: Value): Value => {
      first ??= x
      return x === first ? 1 : 0
    }
    const later = await ran((x) => says(once(x)), { oracle: once }, { wrongMax: 2 })
    expect(later.finding.placebos.passed).toContain("the commonest answer")
  })

  test("near misses that pass make it no verdict, once they are more than one in twenty", async () => {
    const mutants = (n: number, blind: number) =>
      Array.from({ length: n }, (_, i) => ({
        name: `m${i}`,
        wrong: (_: Value, v: Value): Value => (i < blind ? v : (v as number) + 1),
      }))
    const of = async (n: number, blind: number) => (await ran(right, { mutants: mutants(n, blind) })).finding
    const own = (await ran(right)).finding.mutants.run
    const told = await of(100, 1)
    expect(told).toMatchObject({ outcome: "admitted", mutants: { run: 100 + own, passed: ["m0"] } })
    // 95 in a hundred is enough, and one less is not.
    const all = 100 + own
    const most = Math.floor(all - all * 0.95)
    expect((await of(100, most)).outcome).toBe("admitted")
    expect((await of(100 - own, 5)).mutants).toMatchObject({ run: 100, passed: { length: 5 } })
    expect((await of(100 - own, 5)).outcome).toBe("admitted")
    const over = await of(100, most + 1)
    expect(over).toMatchObject({ outcome: "no verdict", reason: "mutants", cases: N })
    expect(over.why).toStartWith(`${most + 1} of ${all} near misses passed: m0, m1`)
  })

  test("a near miss of any answer counts only where it misses more than is borne", async () => {
    const few = await ran(right, {}, { wrongMax: N })
    expect(few.finding).toMatchObject({ reason: "placebo" })
    const texts: Partial<Target> = { output: T.string, oracle: (x) => `n${String(x)}` }
    const { finding } = await ran((x) => says(`n${String(x)}`), texts)
    // A text has no sign: what changes nothing is no control.
    expect(finding).toMatchObject({ outcome: "admitted" })
    expect(finding.mutants.run).toBeLessThanOrEqual(6)
    const blind = { same: (a: Value, b: Value) => (a as string).trim() === (b as string).trim() }
    const spaces = await ran((x) => says(`n${String(x)}`), { ...texts, ...blind })
    expect(spaces.finding.mutants.passed).toContain("a space")
    expect(spaces.finding.reason).toBe("mutants")
  })

  test("failures stay what they are under a near miss", async () => {
    const third = (x: Value) => (x as number) % 3 === 0
    const oracle = (x: Value): Value => {
      if (third(x)) throw fail("Odd", "")
      return (x as number) * 2
    }
    const seen: Value[] = []
    const mutants = [{ name: "seen", wrong: (x: Value, v: Value) => (seen.push(x) > 0 ? v : v) }]
    const { finding } = await ran((x) => (third(x) ? stops("threw") : says((x as number) * 2)), { oracle, mutants })
    expect(finding.mutants.passed).toEqual(["seen"])
    expect(seen.length).toBeGreaterThan(N / 2)
    expect(seen.some(third)).toBe(false)
  })
})
