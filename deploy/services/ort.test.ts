/** Our files in other people's runtimes: onnxruntime-node and onnxruntime-web compute what our kernel computes. */
import { expect, test } from "bun:test"
import * as web from "onnxruntime-web"
import { ModelRefused, Net, writeModel } from "../../shadow/mod.ts"
import { digitsOf, farthest, featuresOf, randomMlp, randomStates } from "../../shadow/model/random.sample.ts"
import { ortRuntime } from "./ort.ts"

function must<A>(x: A | ModelRefused): A {
  if (x instanceof ModelRefused) throw x
  return x as A
}

/** What two runtimes may differ by, relative to the largest number of a row: they add in another order. */
const APART_MAX = 1e-6

test.each([[[128, 256, 256, 64]], [[64, 64, 32]], [[30, 33, 17, 5]], [[7, 1]]])("%j", async (widths) => {
  const mlp = randomMlp(widths, widths.length)
  const [inputs, outputs] = [widths[0]!, widths.at(-1)!]
  const digits = digitsOf(inputs)
  const rows = 150
  const features = featuresOf(digits, randomStates(digits, rows, 9))
  const ours = must(must(Net.of(mlp, { digits })).many(features, rows))
  const { bytes } = must(writeModel(mlp))

  const runtime = await ortRuntime()
  expect(runtime?.about).toStartWith("onnxruntime-node 1.")
  const native = await runtime!.open(bytes)
  const theirs = await native.run(features, rows)
  await native.close()

  web.env.wasm.numThreads = 1
  const session = await web.InferenceSession.create(bytes)
  const answer = await session.run({ x: new web.Tensor("float32", features, [rows, inputs]) })
  const onTheWeb = answer["y"]!.data as Float32Array
  await session.release()

  for (const other of [theirs, onTheWeb]) {
    expect(other.length).toBe(rows * outputs)
    for (let r = 0; r < rows; r++) {
      const row = (x: Float32Array) => x.subarray(r * outputs, (r + 1) * outputs)
      expect(farthest(row(other), row(ours))).toBeLessThan(APART_MAX)
    }
  }
})
