/** The gate for shadows: who passes, and who is refused without anyone saying so. The tools are real functions. */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { fail, hex, type Rec, sha256, T, type Value } from "../graph/mod.ts"
import {
  EncodingRefused,
  encodingOf,
  filled,
  ModelRefused,
  measured,
  outputOf,
  packShadow,
  type ShadowPackage,
  Support,
  writeModel,
} from "../shadow/mod.ts"
import { LearnError } from "./errors.ts"
import { type FitOptions, fit, type Lesson } from "./fit.ts"
import { ALPHA_MAX, COVERAGE_MIN, type GatedTool, gateShadow } from "./gate.ts"
import { drawOf } from "./record/generate.ts"
import { examplesOf } from "./train/examples.ts"
import type { TrainSettings } from "./train/trainer.ts"
import { train } from "./train.ts"

const chance = { next: () => 0.5, bytes: (n: number) => sha256(Uint8Array.of(7)).slice(0, n) }
const book = () => {
  const kept = new Map<string, number>()
  return { last: (t: string) => kept.get(t) ?? 0, keep: (t: string, n: number) => void kept.set(t, n) }
}
const SUM = { input: T.record({ a: T.number, b: T.number }), output: T.number }
const about = { tool: "fn:./sum.ts#sum", version: "1" }
const sum = (args: Value): Value => ((args as Rec)["a"] as number) + ((args as Rec)["b"] as number)

function lesson(count: number, tool = sum): Lesson {
  const draw = drawOf("gate")
  const inputs = Array.from({ length: count }, () => ({ a: draw.between(0, 99_999), b: draw.between(0, 99_999) }))
  return { ...about, ...SUM, cases: inputs.map((args, seq) => ({ args, value: tool(args), seq })) }
}
async function learned(of: Lesson, options?: FitOptions) {
  const made = await Effect.runPromise(Effect.result(fit(of, options)))
  if (Result.isFailure(made)) throw made.failure
  return made.success
}
const toolOf = (ask: (args: Value) => Value, more: Partial<GatedTool> = {}): GatedTool => ({
  ...about,
  ...SUM,
  effect: "read",
  ask: async (args) => ask(args),
  ...more,
})

describe("the gate for shadows", () => {
  test("admits what is right on cases that nobody has seen, none of them a call of the log", async () => {
    const of = lesson(3_000)
    const { bytes } = await learned(of)
    const seen = of.cases.map((c) => c.args)
    const logged = new Set(seen.map((s) => JSON.stringify(s)))
    const asked: string[] = []
    const tool = toolOf((args) => {
      asked.push(JSON.stringify(args))
      return sum(args)
    })
    const gated = await gateShadow(bytes, tool, { chance, book: book(), seen })
    if (gated instanceof LearnError) throw gated
    expect(gated.verdict).toMatchObject({ outcome: "admitted", wrong: 0, submission: 1 })
    expect(gated.verdict.cases).toBeGreaterThanOrEqual(2_995)
    expect(gated.repeated).toBe(0)
    expect(asked.filter((a) => logged.has(a))).toEqual([])
    expect(gated.answered / gated.drawn).toBeGreaterThan(COVERAGE_MIN)
    // The same shadow of a tool that is another one on one input in fifty.
    const other = toolOf((args) => {
      const value = sum(args) as number
      return value % 50 === 0 ? value + 1 : value
    })
    const refused = await gateShadow(bytes, other, { chance, book: book(), seen })
    if (refused instanceof LearnError) throw refused
    expect(refused.verdict).toMatchObject({ outcome: "rejected", reason: "wrong" })
    // A tool that fails where the shadow answers is not what the shadow says.
    const failing = toolOf((args) => {
      if ((args as Rec)["a"] !== 0) throw fail("Closed", "not today")
      return sum(args)
    })
    const shut = await gateShadow(bytes, failing, { chance, book: book(), seen })
    if (shut instanceof LearnError) throw shut
    expect(shut.verdict.outcome).toBe("rejected")
  }, 120_000)

  test("refuses a tool that writes, another tool's shadow, another version's, and what is no shadow", async () => {
    const of = lesson(3_000)
    const { bytes } = await learned(of)
    const seen = of.cases.map((c) => c.args)
    const refusal = async (file: Uint8Array, tool: GatedTool, inputs: readonly Value[] = seen) => {
      const found = await gateShadow(file, tool, { chance, book: book(), seen: inputs })
      if (!(found instanceof LearnError)) throw new TypeError("it was tested")
      expect(found.reason).toBe("refused")
      return found.message
    }
    expect(await refusal(bytes, toolOf(sum, { effect: "write" }))).toContain("it writes")
    expect(await refusal(bytes, toolOf(sum, { tool: "fn:other" }))).toContain("train it again")
    expect(await refusal(bytes, toolOf(sum, { version: "2" }))).toContain("train it again")
    expect(await refusal(Uint8Array.of(1, 2, 3), toolOf(sum))).toContain("Cannot open a shadow")
    expect(await refusal(bytes, toolOf(sum), [])).toContain("no call is on record")
    // A log of another region: the shadow answers next to nothing there.
    const elsewhere = seen.map((_, i) => ({ a: 1e7 + i, b: -1e7 - i }))
    expect(await refusal(bytes, toolOf(sum), elsewhere)).toContain("fresh inputs, wanted 20 % or more")
  }, 120_000)

  test("SHA-256 comes to no shadow at all: calibration says no, and so does the gate to whoever goes round it", async () => {
    const hash = (args: Value): string => hex(sha256(new TextEncoder().encode(JSON.stringify(args)))).slice(0, 2)
    const of = { ...lesson(3_000, hash), output: T.string }
    const training = { hidden: [32], steps: 300 }
    const made = await Effect.runPromise(Effect.result(fit(of, { training })))
    if (Result.isSuccess(made)) throw new TypeError("it was learned")
    expect(made.failure.reason).toBe("unlearnable")

    // A file of its own: the network that came of it, or whatever else, under a promise that nobody kept.
    const file = await uncalibrated(of, training)
    const seen = of.cases.map((c) => c.args)
    const tool = toolOf(hash, { output: T.string })
    const handIn = (promised: Partial<ShadowPackage["promised"]>) =>
      gateShadow(packShadow({ ...file, promised: { ...PROMISED, ...promised } }), tool, { chance, book: book(), seen })
    for (const alpha of [0.01, ALPHA_MAX]) {
      const gated = await handIn({ alpha })
      if (gated instanceof LearnError) throw gated
      expect(gated.verdict).toMatchObject({ outcome: "rejected", reason: "wrong" })
    }
    const much = await handIn({ alpha: 0.99 })
    expect(much instanceof LearnError && much.message).toContain("promises at most 99 % wrong: want 10 % or less")
    // One bit of it: half of the guesses are right, and that is not enough either.
    const bit = (args: Value) => (hash(args) < "8" ? "low" : "high")
    const coin = await uncalibrated({ ...of, cases: of.cases.map((c) => ({ ...c, value: bit(c.args) })) }, training)
    const half = await gateShadow(
      packShadow({ ...coin, promised: { ...PROMISED, alpha: ALPHA_MAX } }),
      toolOf(bit, { output: T.string }),
      { chance, book: book(), seen },
    )
    if (half instanceof LearnError) throw half
    expect(half.verdict.outcome).toBe("rejected")
  }, 120_000)

  test("asks a slow tool several inputs at once", async () => {
    const of = lesson(3_000)
    const { bytes } = await learned(of)
    let [open, most] = [0, 0]
    const slow: GatedTool = {
      ...toolOf(sum),
      ask: async (args) => {
        most = Math.max(most, ++open)
        await new Promise((done) => setTimeout(done))
        open--
        return sum(args)
      },
    }
    const seen = of.cases.map((c) => c.args)
    const gated = await gateShadow(bytes, slow, { chance, book: book(), seen, parallel: 16 })
    if (gated instanceof LearnError) throw gated
    expect([gated.verdict.outcome, most]).toEqual(["admitted", 16])
  }, 120_000)
})

const PROMISED: ShadowPackage["promised"] = {
  ...{ alpha: 0.01, delta: 0.02, threshold: 0, cases: 1_000, accepted: 1_000, wrong: 0 },
}
/** A network trained on the calls, without a calibration: as somebody could make one. */
async function uncalibrated(of: Lesson, training: Partial<TrainSettings>): Promise<ShadowPackage> {
  const inputs = of.cases.map((c) => c.args)
  const answers = of.cases.map((c) => c.value)
  const encoding = encodingOf(of.input, filled({}, measured(of.input, inputs)))
  const output = outputOf(of.output, filled({}, measured(of.output, answers)))
  if (encoding instanceof EncodingRefused) throw encoding
  if (output instanceof EncodingRefused) throw output
  const { examples } = examplesOf(encoding, output, of.cases)
  const { mlp } = await Effect.runPromise(train(examples, training))
  const model = writeModel(mlp, { input: encoding.spec, output: output.spec, tool: of.tool, toolVersion: of.version })
  if (model instanceof ModelRefused) throw model
  const n = encoding.digits.length
  const rows = new Uint16Array(inputs.length * n)
  for (const [i, args] of inputs.entries()) encoding.states(args, rows, i * n)
  const support = Support.of(encoding.digits, rows, inputs.length).data
  const { tool, version } = of
  return { tool, version, family: "fitted", model: model.bytes, input: encoding.spec, support, promised: PROMISED }
}
