/** From calls to a shadow, against the tools themselves on every input there is. */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hex, type Rec, sha256, T, type Value } from "../graph/mod.ts"
import { ModelRefused, openShadow } from "../shadow/mod.ts"
import { seeded } from "../shadow/model/random.sample.ts"
import { type FitOptions, fit, type Lesson } from "./fit.ts"

const lesson = (
  about: Omit<Lesson, "cases" | "tool" | "version">,
  inputs: readonly Value[],
  tool: (args: Value) => Value,
) => ({
  tool: "fn:./tool.ts#tool",
  version: "1",
  ...about,
  cases: inputs.map((args, seq) => ({ args, value: tool(args), seq })),
})
const fitted = (of: Lesson, options?: FitOptions) => Effect.runPromise(Effect.result(fit(of, options)))
const opened = (bytes: Uint8Array) => {
  const shadow = openShadow(bytes)
  if (shadow instanceof ModelRefused) throw shadow
  return shadow
}

const larger = (args: Value): Value => (args as Rec)["a"]! > (args as Rec)["b"]!
const PAIR = T.record({ a: T.number, b: T.number })

describe("a tool that can be learned", () => {
  test("of which larger: right wherever it answers, on all 4096 inputs, and answers on most", async () => {
    const next = seeded(11)
    const seen = new Map<string, Value>()
    while (seen.size < 2_600) {
      const args = { a: Math.floor(next() * 64), b: Math.floor(next() * 64) }
      seen.set(`${args.a} ${args.b}`, args)
    }
    const of = lesson({ input: PAIR, output: T.boolean }, [...seen.values()], larger)
    const found = await fitted(of, { training: { hidden: [32], steps: 1_500, batch: 128 }, families: ["fitted"] })
    if (Result.isFailure(found)) throw found.failure
    const { shadow, package: file } = opened(found.success.bytes)
    expect(file.promised).toMatchObject({ alpha: 0.01, delta: 0.02 })
    let [accepted, wrong] = [0, 0]
    for (let a = 0; a < 64; a++) {
      for (let b = 0; b < 64; b++) {
        const said = shadow.predict({ a, b })
        if (!said.ok) continue
        accepted++
        if (said.value !== a > b) wrong++
      }
    }
    expect(wrong / accepted).toBeLessThanOrEqual(0.01)
    expect(accepted / 4096).toBeGreaterThan(0.7)
    // What the log never reached has no answer, however plain it is.
    expect(shadow.predict({ a: 1_000, b: 1 })).toEqual({ ok: false, why: "support" })
    expect(shadow.predict({ a: 1.5, b: 1 })).toEqual({ ok: false, why: "support" })
    expect(shadow.predict("?")).toEqual({ ok: false, why: "support" })
  }, 120_000)

  test("of arithmetic is arithmetic: exact far beyond what was trained, inside of what was seen", async () => {
    const next = seeded(12)
    const calls = Array.from({ length: 4_000 }, () => {
      const op = ["add", "sub", "mul"][Math.floor(next() * 3)]!
      return { op, a: Math.floor(next() * 1e6), b: Math.floor(next() * 1e6) }
    })
    const calculate = (args: Value): Value => {
      const { op, a, b } = args as { op: string; a: number; b: number }
      return op === "add" ? a + b : op === "sub" ? a - b : a * b
    }
    const of = lesson(
      { input: T.record({ op: T.string, a: T.number, b: T.number }), output: T.number },
      calls,
      calculate,
    )
    const found = await fitted(of)
    if (Result.isFailure(found)) throw found.failure
    expect(found.success).toMatchObject({ family: "composed", calibration: { wrong: 0, threshold: 0 } })
    const { shadow } = opened(found.success.bytes)
    let accepted = 0
    for (let i = 0; i < 2_000; i++) {
      const args = { op: ["add", "sub", "mul"][i % 3]!, a: Math.floor(next() * 1e6), b: Math.floor(next() * 1e6) }
      const said = shadow.predict(args)
      if (!said.ok) continue
      accepted++
      expect(said.value).toBe(calculate(args))
    }
    expect(accepted).toBeGreaterThan(1_800)
    expect(shadow.predict({ op: "pow", a: 2, b: 3 })).toEqual({ ok: false, why: "support" })
  }, 120_000)
})

describe("a tool that cannot be learned", () => {
  test("such as a hash: no threshold is good enough, and it says so", async () => {
    const inputs = Array.from({ length: 3_000 }, (_, i) => ({ x: i * 7 }))
    const hash = (args: Value): Value => hex(sha256(new TextEncoder().encode(String((args as Rec)["x"])))).slice(0, 2)
    const of = lesson({ input: T.record({ x: T.number }), output: T.string }, inputs, hash)
    const found = await fitted(of, { training: { hidden: [32], steps: 400 } })
    if (Result.isSuccess(found)) throw new TypeError("it was learned")
    expect(found.failure).toMatchObject({
      reason: "unlearnable",
      message: expect.stringMatching(/Cannot calibrate on \d+ cases/),
    })
  }, 120_000)

  test("of which too few calls were seen to show anything", async () => {
    const inputs = Array.from({ length: 300 }, (_, i) => ({ a: i, b: 300 - i }))
    const of = lesson({ input: PAIR, output: T.boolean }, inputs, larger)
    const found = await fitted(of, { training: { hidden: [16], steps: 200 } })
    if (Result.isSuccess(found)) throw new TypeError("it was learned")
    expect(found.failure.reason).toBe("unlearnable")
  }, 60_000)
})

describe("a shadow's file", () => {
  test("with any byte changed is refused or has another hash; cut short it is refused", async () => {
    const next = seeded(3)
    const inputs = Array.from({ length: 2_500 }, () => ({ a: Math.floor(next() * 900), b: Math.floor(next() * 900) }))
    const of = lesson(
      { input: PAIR, output: T.number },
      inputs,
      (v) => ((v as Rec)["a"] as number) + ((v as Rec)["b"] as number),
    )
    const found = await fitted(of)
    if (Result.isFailure(found)) throw found.failure
    const { bytes } = found.success
    const { hash } = opened(bytes)
    for (let i = 0; i < bytes.length; i += 7) {
      const other = bytes.slice()
      other[i]! ^= 1 + (i % 255)
      const made = openShadow(other)
      if (!(made instanceof ModelRefused)) expect(made.hash).not.toBe(hash)
      if (i % 49 === 0) expect(openShadow(bytes.subarray(0, i))).toBeInstanceOf(ModelRefused)
    }
  }, 120_000)
})
