/**
 * What the `onnx` kind promises of every provider, held on each host by real runtimes: what is computed against a calculation by
 * hand, which types go through, what comes of files that are none. The models are written here, and lie in memory.
 */
import { describe, expect, test } from "bun:test"
import { type Failure, fail, numbersOf, type Onnx, type Rec, type Services, Tensor, tensorOf } from "../../graph/mod.ts"
import { onnx } from "../../nodes/mod.ts"
import { writeModel } from "../../shadow/mod.ts"
import { type ModelOf, modelFile } from "../../shadow/model/files.sample.ts"
import { digitsOf, farthest, featuresOf, randomMlp, randomStates, reference } from "../../shadow/model/random.sample.ts"
import { bare, type Driven, open, openFailure } from "./drive.ts"

/** A provider of a host. */
export interface OnnxPlace {
  /** `webgpu in Chromium`, say. */
  readonly name: string
  readonly provider: string
  /** Of the same host, and no device: where the first one has given up. */
  readonly after: string
  readonly onnx: Onnx
}

// y = relu(x·W + b)·V + c, with weights that a hand can multiply.
export const SMALL = {
  widths: [2, 3, 1],
  weights: [Float32Array.of(1, -1, 0.5, 2, 1, -0.5), Float32Array.of(1, 2, 4)],
  biases: [Float32Array.of(0, 0.25, -1), Float32Array.of(0.125)],
}
/** x = (1, 2): hidden (5, 1.25, −1.5) → (5, 1.25, 0); y = 5 + 2.5 + 0 + 0.125. x = (−1, 0): (−1, 1.25, −1.5) → 2.5 + 0.125. */
export const X = tensorOf("f32", [2, 2], [1, 2, -1, 0])
export const Y = [7.625, 2.625]

/** What two runtimes may differ by, relative to the largest number of a row: they add in another order. */
const APART_MAX = 1e-5
const TYPES = {
  f32: 1,
  u8: 2,
  i8: 3,
  u16: 4,
  i16: 5,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
  u64: 13,
} as const

const operator = (name: string, more: Partial<ModelOf> = {}): Uint8Array =>
  modelFile({
    nodes: [{ op: name, inputs: ["x"], outputs: ["y"] }],
    inputs: [{ name: "x", type: 1, dims: ["n"] }],
    outputs: [{ name: "y", type: 1, dims: ["n"] }],
    ...more,
  })

export const mlpFile = (mlp: Parameters<typeof writeModel>[0]): Uint8Array => {
  const made = writeModel(mlp)
  if (!("bytes" in made)) throw made
  return made.bytes
}

/** The node on a host whose only file is the model. `instead`: what lies there once the lock was made. */
async function stand(place: OnnxPlace, bytes: Uint8Array, more: Rec = {}, instead = bytes) {
  const config: Rec = { onnx: "./models/m.onnx", providers: [place.provider], ...more }
  const services = (file: Uint8Array): Services => ({
    ...bare,
    onnx: place.onnx,
    files: {
      read: async () => file,
      write: async () => {
        throw fail("Refused", "Nothing is written here")
      },
    },
  })
  const lock = await onnx.lock!(config, {}, services(bytes))
  return { written: { config, lock }, services: services(instead) }
}
export const opened = async (...given: Parameters<typeof stand>): Promise<Driven> => {
  const { written, services } = await stand(...given)
  return await open(onnx, written, services)
}
export const yOf = (answer: unknown): Tensor => (answer as { readonly y: Tensor }).y

export interface Word {
  readonly by: string
  readonly runtime: string
  readonly not: readonly { readonly provider: string; readonly reason: string }[]
}
/** One answer, with what the record holds of who gave it. */
export async function told(run: Driven, args: Rec): Promise<{ readonly answer: unknown; readonly word: Word }> {
  const parts: Word[] = []
  const answer = await run.call(args, {
    part: async (_, work) => {
      const value = await work()
      parts.push(value as unknown as Word)
      return value
    },
  })
  return { answer, word: parts[0]! }
}

export function onnxContract(places: readonly OnnxPlace[]): void {
  describe.each([...places])("a model on $name", (place) => {
    test("is run there, and the record says so", async () => {
      const found = (await place.onnx.providers()).find(({ name }) => name === place.provider)
      expect(found?.lacks).toBeUndefined()
      const run = await opened(place, mlpFile(SMALL))
      const { answer, word } = await told(run, { x: X })
      expect(numbersOf(yOf(answer))).toEqual(Y)
      expect(word).toEqual({ by: place.provider, runtime: found!.runtime, not: [] })
    })

    test("answers several questions at once", async () => {
      const run = await opened(place, mlpFile(SMALL))
      const answers = await Promise.all([1, 2, 3].map(() => run.call({ x: X })))
      for (const answer of answers) {
        const y = yOf(answer)
        expect([y.dtype, y.shape, numbersOf(y)]).toEqual(["f32", [2, 1], Y])
      }
      await run.close()
    })

    test("computes what a loop in float64 does, with any number of rows", async () => {
      const mlp = randomMlp([7, 7, 5], 7)
      const run = await opened(place, mlpFile(mlp))
      const digits = digitsOf(7)
      for (const rows of [1, 5]) {
        const features = [...featuresOf(digits, randomStates(digits, rows, 9))]
        const y = numbersOf(yOf(await run.call({ x: tensorOf("f32", [rows, 7], features) })))
        const wanted = Array.from({ length: rows }, (_, r) => reference(mlp, features.slice(r * 7, (r + 1) * 7)))
        expect(y.length).toBe(rows * 5)
        expect(farthest(y, wanted.flat()) < APART_MAX).toBe(true)
      }
    })

    test("convolves, as a loop by hand does", async () => {
      const next = (i: number) => ((i * 7919) % 31) / 8 - 2
      const image = Array.from({ length: 3 * 36 }, (_, i) => next(i))
      const kernel = Float32Array.from({ length: 3 * 9 }, (_, i) => next(i + 5))
      const run = await opened(
        place,
        modelFile({
          nodes: [{ op: "Conv", inputs: ["x", "w"], outputs: ["y"], attributes: { group: 3 } }],
          inputs: [{ name: "x", type: 1, dims: [1, 3, 6, 6] }],
          outputs: [{ name: "y", type: 1, dims: [1, 3, 4, 4] }],
          weights: [{ name: "w", dims: [3, 1, 3, 3], data: kernel }],
        }),
      )
      const y = yOf(await run.call({ x: tensorOf("f32", [1, 3, 6, 6], image) }))
      expect(y.shape).toEqual([1, 3, 4, 4])
      // Quarters and eighths of small numbers: every order of addition gives the same bits.
      expect(numbersOf(y)).toEqual([...convolved(image, kernel)])
    })

    test("takes every element type as it is", async () => {
      for (const [dtype, type] of Object.entries(TYPES)) {
        const port = { type, dims: ["n"] }
        const run = await opened(
          place,
          modelFile({
            nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
            inputs: [{ name: "x", ...port }],
            outputs: [{ name: "y", ...port }],
          }),
        )
        const width = { f16: 2, bool: 1 }[dtype as "f16" | "bool"] ?? Number(dtype.slice(1)) / 8
        const data = Uint8Array.from({ length: 2 * width }, (_, i) => i % 2)
        const y = yOf(await run.call({ x: new Tensor(dtype as Tensor["dtype"], [2], data) }))
        expect([String(y.dtype), y.shape, [...y.data]]).toEqual([dtype, [2], [...data]])
        await run.close()
      }
    })

    test("fails where it answers NaN, until somebody says that this means something", async () => {
      const x = tensorOf("f32", [3], [4, 9, -1])
      const failure = await (await opened(place, operator("Sqrt"))).failure({ x })
      expect([failure.code, failure.data]).toEqual(["NotANumber", { output: "y", index: 2 }])
      const allowed = await opened(place, operator("Sqrt"), { allow_nan: true })
      expect(numbersOf(yOf(await allowed.call({ x }))).map(String)).toEqual(["2", "3", "NaN"])
    })

    test("that fails by what it is given is its own failure, and the provider keeps its place", async () => {
      // Two inputs with one size each must agree; their ports cannot say so.
      const add = modelFile({
        nodes: [{ op: "Add", inputs: ["a", "b"], outputs: ["y"] }],
        inputs: ["a", "b"].map((name) => ({ name, type: 1, dims: [`${name}s`] })),
        outputs: [{ name: "y", type: 1, dims: ["n"] }],
      })
      const run = await opened(place, add, { providers: [...new Set([place.provider, place.after])] })
      const failure = await run.failure({ a: tensorOf("f32", [2], [1, 2]), b: tensorOf("f32", [3], [1, 2, 3]) })
      expect(failure.code).toBe("ModelFailed")
      const { answer, word } = await told(run, { a: tensorOf("f32", [2], [1, 2]), b: tensorOf("f32", [2], [3, 4]) })
      expect(numbersOf(yOf(answer))).toEqual([4, 6])
      expect(word.by).toBe(place.provider)
    })

    test("that wants more memory than there is fails, and others still answer", async () => {
      const fills = modelFile({
        nodes: [{ op: "ConstantOfShape", inputs: ["s"], outputs: ["y"] }],
        inputs: [{ name: "s", type: TYPES.i64, dims: [2] }],
        outputs: [{ name: "y", type: 1, dims: ["a", "b"] }],
      })
      const run = await opened(place, fills, { providers: [...new Set([place.provider, place.after])] })
      const sized = (n: bigint) => ({ s: new Tensor("i64", [2], new Uint8Array(BigInt64Array.of(n, n).buffer)) })
      expect((await run.failure(sized(10n ** 8n))).code).toBe("ModelFailed")
      expect(yOf(await run.call(sized(2n))).shape).toEqual([2, 2])
      const other = await opened(place, mlpFile(SMALL))
      expect(numbersOf(yOf(await other.call({ x: X })))).toEqual(Y)
    })

    for (const [reason, bytes, words] of [
      ["opset", operator("Relu", { opset: 99 }), /opset 99/i],
      ["operator", operator("Nope"), /No Op registered for Nope/],
      ["corrupt", operator("Relu").subarray(0, 40), /protobuf parsing failed/i],
    ] as const)
      test(`that is none (${reason}) is refused with the runtime's own words`, async () => {
        const failure = await loading(place, bytes)
        expect([failure.code, failure.data]).toEqual(["BadModel", { reason }])
        expect(failure.message).toMatch(words)
        expect(failure.message).toContain(`${place.provider}: `)
        expect(failure.message).not.toContain("onnxruntime_src")
      })

    test("that is another than the lock's, or truncated, is not run", async () => {
      const { written, services } = await stand(place, operator("Sqrt"), {}, operator("Neg"))
      const other = await openFailure(onnx, { ...written, args: { x: tensorOf("f32", [1], [4]) } }, services)
      expect(other.code).toBe("Drift")
      const refusal = async (bytes: Uint8Array, more: Rec = {}) => {
        try {
          await stand(place, bytes, more)
        } catch (cause) {
          return cause as Failure
        }
        return undefined
      }
      expect((await refusal(operator("Relu").subarray(0, 40)))?.data).toMatchObject({ reason: "truncated" })
    })
  })
}

/** The lock is made by hand: these get past it, as a file would that was made for a newer runtime. */
async function loading(place: OnnxPlace, bytes: Uint8Array): Promise<Failure> {
  const { services } = await stand(place, operator("Relu"), {}, bytes)
  const pinned = {
    sha256: place.onnx.sha256(bytes),
    inputs: { x: { dtype: "f32", shape: [null] } },
    outputs: { y: { dtype: "f32", shape: [null] } },
  }
  const config = { onnx: "./models/m.onnx", providers: [place.provider] }
  const lock = { "onnx:./models/m.onnx": pinned as Rec }
  return await openFailure(onnx, { config, args: { x: tensorOf("f32", [1], [1]) }, lock }, services)
}

/** 3 × 3 over each of 3 channels of 6 × 6. */
function convolved(image: readonly number[], kernel: Float32Array): readonly number[] {
  return Array.from({ length: 3 * 16 }, (_, at) => {
    const [channel, row, column] = [Math.floor(at / 16), Math.floor((at % 16) / 4), at % 4]
    let sum = 0
    for (let i = 0; i < 9; i++)
      sum += image[channel * 36 + (row + Math.floor(i / 3)) * 6 + column + (i % 3)]! * kernel[channel * 9 + i]!
    return sum
  })
}
