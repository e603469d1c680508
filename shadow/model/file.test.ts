/** The model's file: the same bytes that protobuf-es writes, read back whole; everything else is refused by name. */
import { describe, expect, test } from "bun:test"
import { create, toBinary } from "@bufbuild/protobuf"
import { ModelProtoSchema } from "onnx-buf"
import { hex, sha256, T } from "../../graph/mod.ts"
import { EncodingRefused } from "../encode/refused.ts"
import { encodingOf, outputOf } from "../encode.ts"
import { readModel, writeModel } from "./file.ts"
import { type Mlp, WEIGHTS_MAX } from "./mlp.ts"
import { randomMlp, seeded } from "./random.sample.ts"
import { ModelRefused } from "./refused.ts"

function must<A>(x: A | ModelRefused | EncodingRefused): A {
  if (x instanceof ModelRefused || x instanceof EncodingRefused) throw x
  return x as A
}
const reason = (x: unknown): string => (x instanceof ModelRefused ? `${x.reason} at ${x.place}` : "no refusal")
const raw = (data: Float32Array) => new Uint8Array(data.slice().buffer)

/** The same model, told to another library: `edit` may make of it whatever ONNX can say. */
function onnx({ widths, weights, biases }: Mlp, edit: (model: Loose) => void = () => {}): Uint8Array {
  const layers = widths.length - 1
  const port = (name: string, width: number): Loose => ({
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: 1,
          shape: {
            dim: [{ value: { case: "dimParam", value: "N" } }, { value: { case: "dimValue", value: BigInt(width) } }],
          },
        },
      },
    },
  })
  const model: Loose = {
    irVersion: 8n,
    producerName: "shadowgraph",
    opsetImport: [{ domain: "", version: 17n }],
    metadataProps: [],
    graph: {
      name: "shadow",
      node: weights.flatMap((_, l) => {
        const last = l === layers - 1
        const dense = {
          input: [l === 0 ? "x" : `h${l - 1}`, `w${l}`, `b${l}`],
          output: [last ? "y" : `z${l}`],
          name: `dense_${l}`,
          opType: "Gemm",
          attribute: [],
        }
        return last ? [dense] : [dense, { input: [`z${l}`], output: [`h${l}`], name: `relu_${l}`, opType: "Relu" }]
      }),
      initializer: weights.flatMap((w, l) => [
        { name: `w${l}`, dataType: 1, dims: [BigInt(widths[l]!), BigInt(widths[l + 1]!)], rawData: raw(w) },
        { name: `b${l}`, dataType: 1, dims: [BigInt(widths[l + 1]!)], rawData: raw(biases[l]!) },
      ]),
      input: [port("x", widths[0]!)],
      output: [port("y", widths.at(-1)!)],
    },
  }
  edit(model)
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, model))
}
// Messages are edited into what their types forbid: that is what these tests are about.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

const mlp = randomMlp([20, 33, 16, 7], 1)
const sameNumbers = (a: Mlp, b: Mlp): void => {
  expect(a.widths).toEqual([...b.widths])
  for (const [l, w] of a.weights.entries()) {
    expect(hex(sha256(raw(w)))).toBe(hex(sha256(raw(b.weights[l]!))))
    expect(hex(sha256(raw(a.biases[l]!)))).toBe(hex(sha256(raw(b.biases[l]!))))
  }
}

describe("ours", () => {
  test("the bytes are those that protobuf-es writes", () => {
    for (const widths of [
      [1, 1],
      [20, 33, 16, 7],
      [128, 256, 200, 64],
      [300, 2],
    ]) {
      const m = randomMlp(widths, widths.length)
      const file = must(writeModel(m, { tool: "add", notes: { seed: "7" } }))
      const other = onnx(m, (model) => {
        model.metadataProps = [
          { key: "shadowgraph.format", value: "1" },
          { key: "shadowgraph.tool", value: "add" },
          { key: "shadowgraph.note.seed", value: "7" },
        ]
      })
      expect(Buffer.compare(file.bytes, other)).toBe(0)
    }
  })

  test("a file comes back with every weight and all that it says, and has the hash of its bytes", () => {
    const input = must(encodingOf(T.record({ a: T.number }))).spec
    const output = must(outputOf(T.boolean)).spec
    const about = { input, output, tool: "calc/add", toolVersion: "1.2.0 – β", notes: { calls: "10000", seed: "7" } }
    const file = must(writeModel(mlp, about))
    expect(file.hash).toBe(hex(sha256(file.bytes)))
    const back = must(readModel(file.bytes))
    expect(back.about).toEqual(about)
    expect(back.hash).toBe(file.hash)
    sameNumbers(back.mlp, mlp)
    expect(must(writeModel(back.mlp, back.about)).hash).toBe(file.hash)
  })

  test("metadata that is not ours, of another version, or no JSON", () => {
    const withProperty = (key: string, value: string) =>
      readModel(
        onnx(
          mlp,
          (m) =>
            (m.metadataProps = [
              { key: "shadowgraph.format", value: "1" },
              { key, value },
            ]),
        ),
      )
    expect(must(readModel(onnx(mlp))).about).toEqual({})
    expect(must(withProperty("author", "somebody")).about).toEqual({})
    expect(reason(withProperty("shadowgraph.format", "2"))).toBe(`spec at "shadowgraph.format"`)
    expect(reason(withProperty("shadowgraph.input", "{"))).toBe(`spec at "shadowgraph.input"`)
    expect(reason(writeModel(mlp, { notes: { "a b": "x" } }))).toBe(`spec at note "a b"`)
  })

  test("a model that cannot be is not written", () => {
    const bad = (edit: (m: { widths: number[]; weights: Float32Array[]; biases: Float32Array[] }) => void) => {
      const m = { widths: [...mlp.widths], weights: mlp.weights.map((w) => w.slice()), biases: [...mlp.biases] }
      edit(m)
      return reason(writeModel(m))
    }
    expect(bad((m) => (m.weights[1]![5] = Number.NaN))).toBe("not-finite at weights 1")
    expect(bad((m) => (m.biases[2] = new Float32Array(7).fill(Number.POSITIVE_INFINITY)))).toBe(
      "not-finite at biases 2",
    )
    expect(bad((m) => (m.weights[0] = new Float32Array(3)))).toBe("shape at weights 0")
    expect(bad((m) => m.biases.pop())).toBe("shape at biases")
    expect(bad((m) => (m.widths[1] = 0))).toBe("shape at width 1")
    expect(bad((m) => (m.widths[1] = 2.5))).toBe("shape at width 1")
    expect(bad((m) => (m.widths.length = 1))).toBe("shape at the model")
    expect(bad((m) => (m.widths = [5000, 5000]))).toBe("too-large at the model")
    expect(bad((m) => (m.widths = [70_000, 2]))).toBe("too-large at width 0")
    expect(bad((m) => (m.widths = Array(40).fill(2)))).toBe("too-large at the model")
  })
})

describe("foreign files of the same shape", () => {
  test("MatMul and Add, in either order; transposed weights; float_data; Constant; Identity; no bias", () => {
    const turned = (w: Float32Array, inputs: number, outputs: number) =>
      Float32Array.from(w, (_, i) => w[(i % inputs) * outputs + Math.floor(i / inputs)]!)
    const file = onnx(mlp, ({ graph }) => {
      const [first, relu, second, relu1, last] = graph.node
      graph.node = [
        { input: ["x"], output: ["x1"], opType: "Identity" },
        { input: ["x1", "w0"], output: ["m"], opType: "MatMul" },
        { input: ["b0", "m"], output: ["z0"], opType: "Add" },
        relu,
        {
          ...second,
          attribute: [
            { name: "transB", i: 1n, type: 2 },
            { name: "alpha", f: 1, type: 1 },
          ],
        },
        relu1,
        { output: ["w2"], opType: "Constant", attribute: [{ name: "value", type: 4, t: graph.initializer[4] }] },
        { ...last, input: ["h1", "w2"] },
      ]
      expect(first.opType).toBe("Gemm")
      graph.initializer[2].rawData = raw(turned(mlp.weights[1]!, 33, 16))
      graph.initializer[2].dims = [16n, 33n]
      graph.initializer[0].floatData = [...mlp.weights[0]!]
      delete graph.initializer[0].rawData
      graph.initializer[1].dims = [1n, 33n]
      graph.initializer = graph.initializer.slice(0, 4)
    })
    sameNumbers(must(readModel(file)).mlp, { ...mlp, biases: [mlp.biases[0]!, mlp.biases[1]!, new Float32Array(7)] })
  })

  const node = (at: number, change: Loose) => (m: Loose) => Object.assign(m.graph.node[at], change)
  const tensor = (at: number, change: Loose) => (m: Loose) => Object.assign(m.graph.initializer[at], change)
  const port = (side: "input" | "output", value: bigint) => (m: Loose) => {
    m.graph[side][0].type.value.value.shape.dim[1].value.value = value
  }
  const cases: [string, (m: Loose) => void, string][] = [
    ["another operator", node(1, { opType: "Tanh" }), `foreign at node "relu_0"`],
    ["an operator of a vendor", node(0, { domain: "com.microsoft" }), `foreign at node "dense_0"`],
    [
      "a softmax with a negative axis",
      node(1, { opType: "Softmax", attribute: [{ name: "axis", i: -1n, type: 2 }] }),
      `foreign at node "relu_0"`,
    ],
    ["alpha", node(0, { attribute: [{ name: "alpha", f: 0.5, type: 1 }] }), `foreign at node "dense_0"`],
    ["a transposed input", node(0, { attribute: [{ name: "transA", i: 1n, type: 2 }] }), `foreign at node "dense_0"`],
    ["no ReLU between layers", node(1, { opType: "Identity" }), `foreign at node "dense_1"`],
    ["two ReLUs", node(2, { opType: "Relu", input: ["h0"], attribute: [] }), `foreign at node "dense_1"`],
    ["a side branch", node(2, { input: ["x", "w1", "b1"] }), `foreign at node "dense_1"`],
    ["weights that are computed", node(2, { input: ["h0", "h0", "b1"] }), `foreign at node "dense_1"`],
    ["weights that are not there", node(2, { input: ["h0", "w9", "b1"] }), `foreign at node "dense_1"`],
    [
      "a ReLU at the end",
      (m) => Object.assign(m.graph, { node: m.graph.node.slice(0, 2), output: [{ name: "h0" }] }),
      "foreign at the graph",
    ],
    [
      "nothing but an output",
      (m) => Object.assign(m.graph, { node: [], output: [{ name: "x" }] }),
      "foreign at the graph",
    ],
    ["an output of the middle", (m) => (m.graph.output = [{ name: "h0" }]), "foreign at the output"],
    ["two inputs", (m) => m.graph.input.push({ name: "z" }), "foreign at the graph"],
    ["old operators", (m) => (m.opsetImport[0].version = 6n), "foreign at the file"],
    ["float64", tensor(0, { dataType: 11 }), `foreign at tensor "w0"`],
    ["data in another file", tensor(0, { dataLocation: 1 }), `foreign at tensor "w0"`],
    ["sparse weights", (m) => (m.graph.sparseInitializer = [{ dims: [1n] }]), "foreign at the graph"],
    ["too few numbers", tensor(0, { rawData: new Uint8Array(8) }), `shape at tensor "w0"`],
    ["numbers cut in two", tensor(0, { rawData: new Uint8Array(7) }), "corrupt at byte"],
    ["three dimensions", tensor(0, { dims: [20n, 33n, 1n] }), `shape at tensor "w0"`],
    ["sizes past all bounds", tensor(0, { dims: [1n << 40n, 1n << 40n] }), `shape at tensor "w0"`],
    ["layers that do not meet", tensor(2, { dims: [16n, 33n] }), `shape at node "dense_1"`],
    ["biases of another width", tensor(1, { dims: [3n, 11n] }), `shape at node "dense_0"`],
    ["an input of another width", port("input", 21n), "shape at the input"],
    ["an output of another width", port("output", 8n), "shape at the output"],
    ["NaN", tensor(1, { rawData: raw(new Float32Array(33).fill(Number.NaN)) }), "not-finite at biases 0"],
    ["no graph", (m) => delete m.graph, "corrupt at byte 0"],
  ]
  test.each(cases)("%s", (_, edit, want) => {
    expect(reason(readModel(onnx(mlp, edit)))).toStartWith(want)
  })
})

describe("broken files", () => {
  const file = must(writeModel(randomMlp([5, 4, 3], 3), { tool: "t" })).bytes

  test("every beginning of a file is refused, or is a model without its metadata", () => {
    for (let n = 0; n < file.length; n++) {
      const read = readModel(file.subarray(0, n))
      if (read instanceof ModelRefused) expect(["truncated", "foreign", "shape", "corrupt"]).toContain(read.reason)
      else expect(read.about).not.toEqual({ tool: "t" })
    }
    expect(reason(readModel(new Uint8Array()))).toBe("truncated at byte 0")
    expect(reason(readModel(file.subarray(0, 60)))).toStartWith("truncated at byte")
  })

  test("every changed bit gives a refusal or another model, with another hash, and never an exception", () => {
    const whole = must(readModel(file))
    for (let bit = 0; bit < file.length * 8; bit++) {
      const other = file.slice()
      other[bit >> 3]! ^= 1 << (bit & 7)
      const read = readModel(other)
      if (!(read instanceof ModelRefused)) expect(read.hash).not.toBe(whole.hash)
    }
  })

  test("random bytes, and files of nothing but fields", () => {
    const next = seeded(5)
    for (let i = 0; i < 3000; i++) {
      const noise = Uint8Array.from({ length: Math.floor(next() * 60) }, () => Math.floor(next() * 256))
      expect(readModel(noise)).toBeInstanceOf(ModelRefused)
    }
    expect(reason(readModel(new Uint8Array(400_000).fill(8)))).toStartWith("corrupt at byte")
    expect(reason(readModel(new TextEncoder().encode("<!doctype html>")))).toStartWith("corrupt")
  })

  test("a file past the limit is refused before it is read", () => {
    expect(reason(readModel(new Uint8Array(WEIGHTS_MAX * 4 + 9 * 2 ** 20)))).toBe("too-large at the file")
  })
})
