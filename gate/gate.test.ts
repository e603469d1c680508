// The gate around a trial: submissions are counted before anything is drawn, bounds are those of the submission, and a
// verdict is for these bytes and this target. Candidates are functions of this process; real ones run in tests/gate.
import { describe, expect, test } from "bun:test"
import { type SandboxAnswer, T, type Value } from "../graph/mod.ts"
import { ALPHA, alphaOf, casesFor, errorBound } from "./bound.ts"
import { admits, type GateVerdict, HoldOutGate, isGateVerdict, type SubmissionBook } from "./gate.ts"
import type { Target } from "./trial.ts"

const double: Target = {
  name: "double",
  input: T.number,
  output: T.number,
  oracle: (x) => (x as number) * 2,
  draw: (d) => d.between(1, 1_000_000),
  errorMax: 0.1,
}
const RIGHT = new Uint8Array([1])
const WRONG = new Uint8Array([2])
const forgetful: SubmissionBook = { last: () => 0, keep: () => {} }

function gateOf(book: SubmissionBook = forgetful, seen: string[] = []) {
  const answer = (bytes: Uint8Array, x: Value): SandboxAnswer => ({
    ok: true,
    value: (x as number) * 2 + (bytes[0] === 1 ? 0 : 1),
    fuel: 1,
  })
  return new HoldOutGate({
    book,
    chance: {
      next: () => 0,
      bytes: (n) => {
        seen.push(`chance ${n}`)
        return new Uint8Array(n).fill(3)
      },
    },
    load: async (bytes) => {
      seen.push("loaded")
      return { ok: true, program: { call: (x) => answer(bytes, x), close: () => {} } }
    },
  })
}

describe("a verdict", () => {
  test("that admits has the bounds of its submission, over all and alone", async () => {
    const verdict = await gateOf({ last: () => 1, keep: () => {} }).submit(double, RIGHT)
    const cases = casesFor(0.1, alphaOf(2))
    expect(verdict).toMatchObject({ outcome: "admitted", submission: 2, cases, wrong: 0, target: "double" })
    expect(verdict.bound).toBe(errorBound(0, cases, alphaOf(2)))
    expect(verdict.boundAlone).toBe(errorBound(0, cases, ALPHA))
    expect(verdict.message).toMatch(
      /^double: admitted: 0 wrong in \d+ cases; error at most [\d.]+ % at 95 % over all submissions \(this was number 2; on its own [\d.]+ %\)$/,
    )
    for (const part of [verdict, verdict.corners, verdict.placebos, verdict.mutants])
      expect(Object.isFrozen(part)).toBe(true)
    expect(verdict.candidate).toBe("4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a")
  })

  test("that does not says no bound: where it stopped was the candidate's choice", async () => {
    const verdict = await gateOf().submit(double, WRONG)
    expect(verdict).toMatchObject({ outcome: "rejected", reason: "wrong", bound: null, boundAlone: null })
    expect(verdict.message).not.toContain("error at most")
  })

  test("is drawn on as many cases as the target wants, where these are more", async () => {
    expect((await gateOf().submit({ ...double, cases: 500 }, RIGHT)).cases).toBe(500)
    expect((await gateOf().submit({ ...double, cases: 1 }, RIGHT)).cases).toBe(casesFor(0.1, alphaOf(1)))
  })

  test("lets these bytes stand in for this target, and is known by itself alone", async () => {
    const verdict = await gateOf().submit(double, RIGHT)
    expect(admits(verdict, "double", RIGHT)).toBe(true)
    expect(admits(verdict, "double", WRONG)).toBe(false)
    expect(admits(verdict, "triple", RIGHT)).toBe(false)
    expect(admits({ ...verdict }, "double", RIGHT)).toBe(false)
    const rejected = await gateOf().submit(double, WRONG)
    expect([isGateVerdict(rejected), admits(rejected, "double", WRONG)]).toEqual([true, false])
    for (const other of [null, undefined, 5, "admitted", () => 1, {}, JSON.parse(JSON.stringify(verdict))])
      expect(isGateVerdict(other)).toBe(false)
  })

  test("is about the bytes as they were handed in", async () => {
    const bytes = RIGHT.slice()
    const later = gateOf().submit(double, bytes)
    bytes.fill(2)
    expect(admits(await later, "double", RIGHT)).toBe(true)
  })

  test("has another seed for another candidate, target, number or chance", async () => {
    const seeds: string[] = []
    const gate = gateOf()
    const submit = async (target: Target, bytes: Uint8Array) => void seeds.push((await gate.submit(target, bytes)).seed)
    await submit(double, RIGHT)
    await submit(double, RIGHT)
    await submit(double, WRONG)
    await submit({ ...double, name: "twice" }, RIGHT)
    expect(new Set(seeds).size).toBe(4)
    const again = (await gateOf().submit(double, RIGHT)) satisfies GateVerdict
    expect(again.seed).toBe(seeds[0]!)
  })
})

describe("submissions", () => {
  const reasonOf = (book: SubmissionBook, seen: string[] = []) =>
    gateOf(book, seen)
      .submit(double, RIGHT)
      .then(
        () => "none",
        (cause) => cause,
      )

  test("are counted and kept before anything is drawn or loaded", async () => {
    const seen: string[] = []
    const keep = (...what: readonly unknown[]) => void seen.push(what.slice(0, 2).join(" "))
    await gateOf({ last: async () => 4, keep }, seen).submit(double, RIGHT)
    expect(seen).toEqual(["double 5", "chance 32", "loaded", "loaded"])
  })

  test("go up, also where the book forgets or two come at once", async () => {
    const gate = gateOf()
    const one = await gate.submit(double, RIGHT)
    const two = await Promise.all([gate.submit(double, RIGHT), gate.submit(double, WRONG)])
    expect([one, ...two].map((v) => v.submission)).toEqual([1, 2, 3])
    expect((await gate.submit({ ...double, name: "twice" }, RIGHT)).submission).toBe(1)
  })

  test("are refused where the book says what is no number, or cannot keep them: nothing is drawn then", async () => {
    for (const last of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      const seen: string[] = []
      expect(await reasonOf({ ...forgetful, last: () => last }, seen)).toMatchObject({
        reason: "corrupt",
        message: `Cannot test for "double": the book says that its last submission was ${last}`,
      })
      expect(seen).toEqual([])
    }
    const gone = new TypeError("gone")
    for (const book of [
      { ...forgetful, last: (): number => fails(gone) },
      { ...forgetful, keep: () => Promise.reject(gone) },
    ]) {
      const seen: string[] = []
      const message = 'Cannot test for "double": the submission could not be counted: gone'
      expect(await reasonOf(book, seen)).toMatchObject({ reason: "storage", message, cause: gone })
      expect(seen).toEqual([])
    }
    expect(await reasonOf({ ...forgetful, keep: () => fails("full") })).toMatchObject({
      message: 'Cannot test for "double": the submission could not be counted: full',
      cause: "full",
    })
  })

  test("for a bound that is none are a mistake", async () => {
    for (const errorMax of [0, 1, -0.1, 1.5, Number.NaN])
      await expect(gateOf().submit({ ...double, errorMax }, RIGHT)).rejects.toMatchObject({
        _tag: "GateError",
        reason: "misuse",
        message: `Cannot test for "double": errorMax must lie in (0, 1), found ${errorMax}`,
      })
    const { errorMax: _, ...usual } = double
    expect((await gateOf().submit(usual, RIGHT)).cases).toBe(casesFor(0.001, alphaOf(1)))
  })
})

function fails(cause: unknown): never {
  throw cause
}
