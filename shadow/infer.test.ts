/** Inference: right against float64, the same bits however a row comes, and honest about what ran. */
import { describe, expect, test } from "bun:test"
import { hex, sha256, T, type Value } from "../graph/mod.ts"
import type { Digit } from "./encode.ts"
import {
  BATCH_MIN,
  type BatchRuntime,
  EncodingRefused,
  encodingOf,
  guesserOf,
  ModelRefused,
  Net,
  outputOf,
  type Predictions,
  ShadowModel,
  writeModel,
} from "./mod.ts"
import { digitsOf, farthest, featuresOf, randomMlp, randomStates, reference, seeded } from "./model/random.sample.ts"

function must<A>(x: A | ModelRefused | EncodingRefused): A {
  if (x instanceof ModelRefused || x instanceof EncodingRefused) throw x
  return x as A
}
const reason = (x: unknown): string => (x instanceof ModelRefused ? `${x.reason} at ${x.place}` : "no refusal")
const shapes = [
  [128, 256, 256, 64],
  [64, 64, 32],
  [30, 33, 17, 5],
  [15, 1],
  [1, 1],
  [16, 7, 1],
  [90, 16, 48, 31, 2],
]
const bits = (x: Float32Array) => hex(sha256(new Uint8Array(x.slice().buffer)))

describe.each(shapes.map((widths) => [widths.join("-"), widths] as const))("%s", (_, widths) => {
  const mlp = randomMlp(widths, widths.length)
  const digits = digitsOf(widths[0]!)
  const net = must(Net.of(mlp, { digits }))
  const rows = 131
  const states = randomStates(digits, rows, 7)
  const features = featuresOf(digits, states)
  const [inputs, outputs] = [widths[0]!, widths.at(-1)!]

  test("agrees with float64 to 1e-6, relative to the largest number or 1", () => {
    for (let r = 0; r < 20; r++) {
      const x = features.subarray(r * inputs, (r + 1) * inputs)
      expect(farthest(must(net.one(x)), reference(mlp, x))).toBeLessThan(1e-6)
    }
  })

  test("a row has the same bits alone and among others, as features and as states", () => {
    const all = must(net.many(features, rows))
    expect(bits(must(net.manyOfStates(states, rows)))).toBe(bits(all))
    for (let r = 0; r < rows; r++) {
      const row = bits(all.subarray(r * outputs, (r + 1) * outputs))
      expect(bits(must(net.oneOfStates(states, r * digits.length)))).toBe(row)
      expect(bits(must(net.one(features.subarray(r * inputs, (r + 1) * inputs))))).toBe(row)
    }
  })

  test("inputs that no encoding writes: any numbers, with and without digits", () => {
    const next = seeded(3)
    const x = Float32Array.from({ length: inputs * 9 }, () => (next() < 0.3 ? 0 : next() < 0.5 ? 1 : 4 * next() - 2))
    for (const each of [net, must(Net.of(mlp))]) {
      const all = must(each.many(x, 9))
      for (let r = 0; r < 9; r++) {
        const row = x.subarray(r * inputs, (r + 1) * inputs)
        const one = must(each.one(row))
        expect(bits(one)).toBe(bits(all.subarray(r * outputs, (r + 1) * outputs)))
        expect(farthest(one, reference(mlp, row))).toBeLessThan(2e-6)
      }
    }
  })
})

test("the bits are these, on every host", () => {
  const digits = digitsOf(128)
  const net = must(Net.of(randomMlp([128, 256, 256, 64], 1), { digits }))
  const logits = must(net.manyOfStates(randomStates(digits, 200, 1), 200))
  expect(bits(logits)).toBe("54ce4844174d01a7772b8c464c38e982953f8264d5370f2eadedfebb97b2ef4f")
})

test("digits of every number of states: with a table, without one, one-hot", () => {
  const digits: Digit[] = []
  let at = 0
  for (const [states, code] of [
    [2, "thermometer"],
    [4, "thermometer"],
    [33, "thermometer"],
    [34, "thermometer"],
    [70, "thermometer"],
    [5, "one-hot"],
    [2, "one-hot"],
  ] as const) {
    const width = code === "thermometer" ? states - 1 : states
    digits.push({ at, width, states, code })
    at += width
  }
  const mlp = randomMlp([at, 20, 3], 4)
  const net = must(Net.of(mlp, { digits }))
  const states = randomStates(digits, 300, 2)
  const features = featuresOf(digits, states)
  expect(bits(must(net.manyOfStates(states, 300)))).toBe(bits(must(net.many(features, 300))))
  expect(farthest(must(net.oneOfStates(states)), reference(mlp, features.subarray(0, at)))).toBeLessThan(1e-6)
})

describe("refused", () => {
  const digits = digitsOf(31)
  const net = must(Net.of(randomMlp([31, 8, 2], 1), { digits }))

  test("inputs that do not fit", () => {
    expect(reason(net.one(new Float32Array(30)))).toBe("input at features")
    expect(reason(net.many(new Float32Array(31), 2))).toBe("input at features")
    expect(reason(net.oneOfStates(new Uint16Array(2)))).toBe("input at states")
    expect(reason(net.manyOfStates(Uint16Array.of(0, 15, 0, 16, 0, 0), 2))).toBe("input at digit 0 of row 1")
    expect(reason(net.oneOfStates(Uint16Array.of(0, 0, 1)))).toBe("input at digit 2 of row 0")
    expect(must(net.many(new Float32Array(), 0)).length).toBe(0)
  })

  test("digits that are not the model's, and models past the host's memory", () => {
    const mlp = randomMlp([31, 8, 2], 1)
    expect(reason(Net.of(mlp, { digits: digits.slice(0, 2) }))).toBe("shape at the digits")
    expect(reason(Net.of(mlp, { digits: digits.slice(1) }))).toBe("shape at digit 0")
    expect(reason(Net.of(mlp, { digits: [{ at: 0, width: 31, states: 31, code: "thermometer" }] }))).toBe(
      "shape at digit 0",
    )
    expect(reason(Net.of(mlp, { bytesMax: 4096 }))).toBe("too-large at the model")
    expect(reason(Net.of({ ...mlp, biases: [] }))).toBe("shape at biases")
  })

  test("an answer of which a number is none, however sure it looks: no answer, and a door that stays shut", () => {
    const [encoding, output] = [encodingOf(T.boolean), outputOf(T.boolean)]
    if (encoding instanceof EncodingRefused || output instanceof EncodingRefused) throw new TypeError("no encoding")
    // Finite weights whose sum is none.
    const mlp = randomMlp([encoding.width, 2, output.width], 1)
    const most = mlp.weights.map((w) => w.map(() => 3e38))
    const file = writeModel({ ...mlp, weights: most }, { input: encoding.spec, output: output.spec })
    if (file instanceof ModelRefused) throw file
    const model = must(ShadowModel.of(file))
    expect(reason(model.predict(true))).toStartWith("not-finite at logit")
    const guess = guesserOf("fitted", file.bytes)
    if (guess instanceof ModelRefused) throw guess
    expect(guess(true)).toBeUndefined()
  })

  test("a kernel that traps is dropped, and the next call has a new one", () => {
    // (module (import "env" "memory" (memory 0)) (func (param i32 i32) unreachable) (export "one" (func 0)) (export "many" (func 0)))
    const bytes = [
      "0061736d01000000 010601 60027f7f00 020f01 03656e76 066d656d6f7279 020000 03020100",
      "070e02 036f6e65 0000 046d616e79 0000 0a0501 03 00000b",
    ]
    const hexadecimal = bytes.join("").replaceAll(" ", "").match(/../g)!
    const module = new WebAssembly.Module(Uint8Array.from(hexadecimal, (h) => Number.parseInt(h, 16)))
    const broken = must(Net.of(randomMlp([31, 8, 2], 1), { digits, module }))
    expect(reason(broken.one(new Float32Array(31)))).toBe("trap at the kernel")
    expect(reason(broken.many(new Float32Array(310), 10))).toBe("trap at the kernel")
  })
})

const Line = T.record({ a: T.number, b: T.boolean })
const notes = { fields: { a: { integer: true, min: 0, max: 255 } } }
const encoding = must(encodingOf(Line, notes))
const output = must(outputOf(T.number, { integer: true, min: 0, max: 999 }))
const file = must(
  writeModel(randomMlp([encoding.width, 32, output.width], 5), {
    input: encoding.spec,
    output: output.spec,
    tool: "t",
  }),
)
const rows = (n: number): Value[] => Array.from({ length: n }, (_, i) => ({ a: (i * 37) % 256, b: i % 3 === 0 }))

describe("a model that is called with values", () => {
  test("is built from its file alone", () => {
    const model = must(ShadowModel.of(file.bytes))
    const said = must(model.predict({ a: 200, b: true }))
    expect(said.by).toBe(file.hash)
    expect(said.ran).toBe("wasm-single")
    expect(said.confidence.length).toBe(output.groups.length)
    expect(model.predict({ a: 256, b: true })).toBeInstanceOf(EncodingRefused)
    expect(model.predict("a")).toBeInstanceOf(EncodingRefused)
  })

  test("a batch reads as its rows do one by one; a row outside is refused alone", async () => {
    const model = must(ShadowModel.of(file))
    const many = [...rows(100), { a: 256, b: true }, { a: 1, b: false }]
    const batch = must(await model.predictBatch(many))
    expect(batch.ran).toBe("wasm-batch")
    expect(batch.reason).toContain("lends no other runtime")
    const plain = (x: unknown) =>
      x instanceof EncodingRefused ? x.message : (({ value, joint }) => ({ value, joint }))(x as never)
    expect(batch.readings.map(plain)).toEqual(many.map((row) => plain(model.predict(row))))
  })

  test("a lent runtime is asked from 64 rows on, and said so; one that fails is not asked again", async () => {
    const net = must(Net.of(file.mlp))
    let closed = 0
    const lent = (run: (x: Float32Array, n: number) => Promise<Float32Array>): BatchRuntime => ({
      ran: "ort-node",
      about: "a runtime",
      open: async () => ({ run, close: async () => void closed++ }),
    })
    const model = must(ShadowModel.of(file, { batch: lent(async (x, n) => must(net.many(x, n))) }))
    const batch = must(await model.predictBatch(rows(BATCH_MIN)))
    expect([batch.ran, batch.reason]).toEqual(["ort-node", "64 rows on a runtime"])
    const same = must(await model.predictBatch(rows(BATCH_MIN), { sameBits: true }))
    expect(same.ran).toBe("wasm-batch")
    const values = (b: Predictions) => b.readings.map((r) => ("value" in r ? r.value : r.message))
    expect(values(same)).toEqual(values(batch))
    expect(must(await model.predictBatch(rows(BATCH_MIN - 1))).reason).toBe("63 rows; another runtime pays from 64 on")
    const large = rows(2500)
    const pieces = must(await model.predictBatch(large))
    expect(pieces.reason).toBe("2500 rows on a runtime")
    expect(values(pieces)).toEqual(values(must(await model.predictBatch(large, { sameBits: true }))))
    await model.close()
    expect(closed).toBe(1)
    let asked = 0
    const broken = must(
      ShadowModel.of(file, {
        batch: lent(async () => {
          asked++
          throw new RangeError("no")
        }),
      }),
    )
    for (let i = 0; i < 2; i++) {
      const fell = must(await broken.predictBatch(rows(70)))
      expect([fell.ran, fell.reason]).toEqual(["wasm-batch", "70 rows; a runtime failed: no"])
      expect(fell.readings.length).toBe(70)
    }
    expect(asked).toBe(1)
    const short = must(ShadowModel.of(file, { batch: lent(async () => new Float32Array(3)) }))
    expect(must(await short.predictBatch(rows(70))).reason).toContain("it gave 3 numbers, not")
  })

  test("sums that leave float32 are no answer", async () => {
    const { mlp } = file
    const huge = { ...mlp, weights: mlp.weights.map((w) => w.map((x) => Math.sign(x) * 3e38)) }
    const model = must(ShadowModel.of(must(writeModel(huge, file.about))))
    for (const row of rows(5)) expect(reason(model.predict(row))).toStartWith("not-finite at logit")
    const batch = must(await model.predictBatch(rows(5)))
    for (const r of batch.readings) expect(reason(r)).toStartWith("not-finite at logit")
  })

  test("a file without encodings, or with others than its layers fit", () => {
    const bare = must(writeModel(file.mlp))
    expect(reason(ShadowModel.of(bare))).toBe("spec at the model")
    const other = must(writeModel(file.mlp, { input: output.spec, output: output.spec }))
    expect(reason(ShadowModel.of(other))).toBe("spec at the model")
    const broken = must(writeModel(file.mlp, { input: { form: 9 }, output: output.spec }))
    expect(ShadowModel.of(broken)).toBeInstanceOf(EncodingRefused)
    expect(reason(ShadowModel.of(file.bytes.subarray(0, 40)))).toStartWith("truncated")
  })
})
