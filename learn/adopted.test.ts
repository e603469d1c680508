/** Models from elsewhere: a good one passes the same gate as ours, a bad or damaged one does not. */
import { expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Rec, sha256, T, type Value } from "../graph/mod.ts"
import { type Mlp, ModelRefused, readModel, writeModel } from "../shadow/mod.ts"
import { LearnError } from "./errors.ts"
import { adopted, fit, type Lesson } from "./fit.ts"
import { gateShadow } from "./gate.ts"
import { drawOf } from "./record/generate.ts"

const tool = (args: Value): boolean => ((args as Rec)["a"] as number) > ((args as Rec)["b"] as number)
const types = { input: T.record({ a: T.number, b: T.number }), output: T.boolean }

test("a model from elsewhere is calibrated and gated; one that says nothing true, or is no model, is refused", async () => {
  const draw = drawOf("adopted")
  const inputs = Array.from({ length: 3_000 }, () => ({ a: draw.below(64), b: draw.below(64) }))
  const cases = inputs.map((args, seq) => ({ args, value: tool(args), seq }))
  const lesson: Lesson = { tool: "larger", version: "1", ...types, cases }
  const settings = { families: ["fitted"], training: { hidden: [32], steps: 1_500, batch: 128 } } as const
  const elsewhere = await Effect.runPromise(fit(lesson, settings))
  const made = await Effect.runPromise(adopted(lesson, elsewhere.model))
  const gate = (bytes: Uint8Array) =>
    gateShadow(
      bytes,
      { tool: "larger", version: "1", ...types, effect: "pure", ask: async (args) => tool(args) },
      {
        chance: { next: () => 0.5, bytes: (n) => sha256(Uint8Array.of(3)).slice(0, n) },
        book: { last: (): number => 0, keep: () => {} },
        seen: inputs,
      },
    )
  const gated = await gate(made.bytes)
  if (gated instanceof LearnError) throw gated
  // Of 64 × 64 inputs the log holds half: what is fresh can be drawn.
  expect(gated).toMatchObject({ repeated: 0, verdict: { outcome: "admitted" } })
  expect(gated.verdict.cases).toBeGreaterThanOrEqual(2_995)

  const reason = async (model: Uint8Array) => {
    const result = await Effect.runPromise(Effect.result(adopted(lesson, model)))
    if (Result.isSuccess(result)) throw new TypeError("it was taken")
    return result.failure.reason
  }
  expect(await reason(Uint8Array.of(8, 9, 10))).toBe("training")
  const file = readModel(elsewhere.model)
  if (file instanceof ModelRefused) throw file
  // Weights turned round: sure of what is wrong.
  const { mlp } = file
  const turn = (layers: readonly Float32Array[]) =>
    layers.map((l, i) => (i === layers.length - 1 ? l.map((w) => -w) : l))
  const turned: Mlp = { ...mlp, weights: turn(mlp.weights), biases: turn(mlp.biases) }
  const wrong = writeModel(turned, file.about)
  if (wrong instanceof ModelRefused) throw wrong
  expect(await reason(wrong.bytes)).toBe("unlearnable")
}, 120_000)
