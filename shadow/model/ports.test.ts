/** What a model file says of its ports, against what onnxruntime-node reads out of the same bytes; and files that are none. */
import { describe, expect, test } from "bun:test"
import { InferenceSession } from "onnxruntime-node"
import { type ModelOf, modelFile } from "./files.sample.ts"
import { type ModelPorts, readPorts } from "./ports.ts"
import { ModelRefused } from "./refused.ts"

const DTYPES = { f32: "float32", i64: "int64", i32: "int32", f64: "float64", bool: "bool", u8: "uint8" } as const

const read = (of: ModelOf): ModelPorts => {
  const ports = readPorts(modelFile(of))
  if (ports instanceof ModelRefused) throw ports
  return ports
}
const refusal = (file: Uint8Array): ModelRefused => {
  const ports = readPorts(file)
  if (ports instanceof ModelRefused) return ports
  throw new TypeError("the file was read")
}

const identity = (type: number, dims?: readonly (number | string)[]): ModelOf => ({
  nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  inputs: [{ name: "x", type, ...(dims && { dims }) }],
  outputs: [{ name: "y", type, ...(dims && { dims }) }],
})

describe("ports", () => {
  test.each([
    [1, [2, 3]],
    [7, ["batch", 4]],
    [6, []],
    [11, [1, "a", "b", 5]],
    [9, [8]],
    [2, [0, 1]],
  ] as const)("of type %d and sizes %j are those that onnxruntime reads", async (type, dims) => {
    const ports = read(identity(type, dims))
    const session = await InferenceSession.create(modelFile(identity(type, dims)), { logSeverityLevel: 4 })
    for (const [mine, theirs] of [
      [ports.inputs.get("x")!, session.inputMetadata[0]!],
      [ports.outputs.get("y")!, session.outputMetadata[0]!],
    ] as const) {
      if (!theirs.isTensor) throw new TypeError("no tensor")
      expect(DTYPES[mine.dtype as keyof typeof DTYPES]).toBe(theirs.type as never)
      expect(mine.shape).toEqual(theirs.shape.map((n) => (typeof n === "number" ? n : null)))
    }
    await session.release()
  })

  test("a port without a shape, weights that are listed as inputs", () => {
    expect(read(identity(1)).inputs.get("x")).toEqual({ dtype: "f32", shape: null })
    const ports = read({
      nodes: [{ op: "Add", inputs: ["x", "w"], outputs: ["y"] }],
      inputs: [
        { name: "x", type: 1, dims: [2] },
        { name: "w", type: 1, dims: [2] },
      ],
      outputs: [{ name: "y", type: 1, dims: [2] }],
      weights: [{ name: "w", dims: [2], data: Float32Array.of(1, 2) }],
    })
    expect([[...ports.inputs.keys()], [...ports.outputs.keys()], ports.opset]).toEqual([["x"], ["y"], 17])
  })
})

describe("a file that gives none says why, and where", () => {
  const whole = modelFile(identity(1, [2]))
  test.each([
    [
      "opset",
      modelFile({ ...identity(1, [2]), opset: 0 }),
      "Cannot read the file: want a version of its operators from 1, found 0",
    ],
    ["opset", modelFile({ ...identity(1, [2]), opset: null }), "want the version of its operators, found none"],
    ["foreign", modelFile(identity(8, [2])), 'Cannot use input "x": want elements of f32'],
    ["foreign", modelFile(identity(16, [2])), "found bfloat16; convert it"],
    ["shape", modelFile({ ...identity(1, [2]), outputs: [] }), "want an output, found none"],
    ["truncated", new Uint8Array(0), "want more bytes, found no graph"],
    ["corrupt", new TextEncoder().encode("<html>not found</html>"), "want an ONNX model"],
  ] as const)("%s", (reason, file, words) => {
    const refused = refusal(file)
    expect([refused.reason, refused.message]).toEqual([reason, expect.stringContaining(words)])
  })

  test("weights in another file", () => {
    const refused = refusal(
      modelFile({ ...identity(1, [2]), weights: [{ name: "w", dims: [1], data: Float32Array.of(1), away: true }] }),
    )
    expect(refused.message).toContain('Cannot read tensor "w": want its data in the file, found a reference to another')
  })

  test("cut off anywhere, or with any byte another, it is read or refused, and nothing else", () => {
    for (let at = 0; at < whole.length; at++) {
      readPorts(whole.subarray(0, at))
      for (const flip of [1, 128, 255]) {
        const broken = whole.slice()
        broken[at]! ^= flip
        readPorts(broken)
      }
    }
    expect(refusal(whole.subarray(0, 40)).reason).toBe("truncated")
  })
})
