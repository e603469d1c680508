/**
 * `npm run bench:train`: a model learns 8-bit addition with carry until it answers all 131,072 cases as the sum is. What
 * is counted is what the finished file says when it is run as a shadow is, not what the trainer saw.
 */
import * as Effect from "effect/Effect"
import { sameValue, T, type Value } from "../graph/mod.ts"
import { examplesOf, train } from "../learn/mod.ts"
import {
  EncodingRefused,
  encodingOf,
  ModelRefused,
  outputOf,
  parameters,
  ShadowModel,
  writeModel,
} from "../shadow/mod.ts"
import { Report } from "./report.ts"

function must<A>(x: A | ModelRefused | EncodingRefused): A {
  if (x instanceof ModelRefused || x instanceof EncodingRefused) throw x
  return x as A
}

const byte = { integer: true, min: 0, max: 255 }
const encoding = must(
  encodingOf(T.record({ a: T.number, b: T.number, carry: T.boolean }), { fields: { a: byte, b: byte } }),
)
const output = must(outputOf(T.record({ sum: T.number, carry: T.boolean }), { fields: { sum: byte } }))
const cases = Array.from({ length: 2 ** 17 }, (_, i): { args: Value; value: Value } => {
  const [a, b, carry] = [i & 255, (i >> 8) & 255, i >> 16 === 1]
  const sum = a + b + (carry ? 1 : 0)
  return { args: { a, b, carry }, value: { sum: sum & 255, carry: sum > 255 } }
})

const report = new Report("Training", "npm run bench:train")
const { examples } = examplesOf(encoding, output, cases)
const started = performance.now()
const trained = await Effect.runPromise(
  train(
    examples,
    { hidden: [128, 128], rate: 1e-2, steps: 8000, every: 250, perfect: 2 },
    {
      onProgress: ({ step, loss, look }) =>
        console.log(`step ${step}: loss ${loss.toFixed(4)}, ${look.right} of ${look.rows} right`),
    },
  ),
)
const seconds = (performance.now() - started) / 1000
const file = must(writeModel(trained.mlp, { input: encoding.spec, output: output.spec, tool: "add8" }))
const shadow = must(ShadowModel.of(file.bytes))
const said = must(await shadow.predictBatch(cases.map(({ args }) => args)))
const right = said.readings.filter((r, i) => "value" in r && sameValue(r.value, cases[i]!.value)).length

report.text(
  `8-bit addition with carry, ${parameters(trained.mlp)} weights (${trained.mlp.widths.join("-")}), a tenth of the cases kept from training: ${right} of ${cases.length} right after ${trained.steps} steps in ${seconds.toFixed(1)} s. Model ${file.hash.slice(0, 16)}…, the same on every host.`,
)
report.figure("train.add8_right_pct", (100 * right) / cases.length, "%", "100")
report.figure("train.add8_wrong", cases.length - right, undefined, "0")
report.figure("train.add8_steps", trained.steps)
report.figure("train.add8_seconds", seconds, "s")
report.end()
process.exit(right === cases.length ? 0 : 1)
