/**
 * Reads what an ONNX file says of itself: the names, element types and shapes of what goes in and comes out, and the
 * version of its operators. Any model, not only a shadow's: what it computes is for an ONNX runtime to know. Nothing in the
 * file is trusted. (github.com/onnx/onnx/blob/main/onnx/onnx.proto)
 */
import type { DType } from "../../graph/mod.ts"
import { type ModelRefused, refusedModel } from "./refused.ts"
import { type Field, fieldsOf, type Piece, pieceOf, readWhole, textOf, WireFault, wholeOf } from "./wire.ts"

export interface ModelPort {
  readonly dtype: DType
  /** `null` for a size that is known when the model runs; `null` in place of all where even their number is not said. */
  readonly shape: readonly (number | null)[] | null
}
export interface ModelPorts {
  readonly inputs: ReadonlyMap<string, ModelPort>
  readonly outputs: ReadonlyMap<string, ModelPort>
  /** Version of the standard operators that the file was written for. */
  readonly opset: number
}

/** `TensorProto.DataType`, as far as our tensors hold it. */
const DTYPES: ReadonlyMap<number, DType> = new Map([
  [1, "f32"],
  [2, "u8"],
  [3, "i8"],
  [4, "u16"],
  [5, "i16"],
  [6, "i32"],
  [7, "i64"],
  [9, "bool"],
  [10, "f16"],
  [11, "f64"],
  [12, "u32"],
  [13, "u64"],
])
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [8, "string"],
  [14, "complex64"],
  [15, "complex128"],
  [16, "bfloat16"],
])
const EXTERNAL = 1
const STANDARD: ReadonlySet<string> = new Set(["", "ai.onnx"])

/** The ports of a model file, or why it has none that a graph could be typed from. */
export function readPorts(file: Uint8Array): ModelPorts | ModelRefused {
  return readWhole(file, portsOf)
}

function portsOf(whole: Piece): ModelPorts {
  const fields = fieldsOf(whole)
  const graph = last(fields, 7)
  if (graph === undefined) throw new WireFault(whole.to === 0 ? "truncated" : "corrupt", 0, "no graph")
  const opsets = fields.filter((f) => f.number === 8).map((f) => fieldsOf(pieceOf(f)))
  const standard = opsets.find((inside) => STANDARD.has(textIn(inside, 1)))
  const version = standard && last(standard, 2)
  const opset = version === undefined ? 0 : wholeOf(version)
  if (opset < 1 && standard !== undefined)
    throw refusedModel("opset", "read", "the file", "a version of its operators from 1", `${opset}`, "export it again")
  if (opsets.length === 0)
    throw refusedModel("opset", "read", "the file", "the version of its operators", "none", "export it again")

  const inside = fieldsOf(pieceOf(graph))
  const weights = new Set(inside.filter((f) => f.number === 5).map((f) => weightName(fieldsOf(pieceOf(f)))))
  const ports = (number: number, what: string) =>
    new Map(inside.filter((f) => f.number === number).map((f) => portOf(fieldsOf(pieceOf(f)), what)))
  // Before version 4 of the format weights were listed as inputs too; they have their values.
  const inputs = new Map([...ports(11, "input")].filter(([name]) => !weights.has(name)))
  const outputs = ports(12, "output")
  if (outputs.size === 0) throw refusedModel("shape", "read", "the graph", "an output", "none", "export it again")
  return { inputs, outputs, opset }
}

function weightName(tensor: readonly Field[]): string {
  const [name, place] = [textIn(tensor, 8), last(tensor, 14)]
  if (place === undefined || wholeOf(place) !== EXTERNAL) return name
  const next = "save the model as one file (onnx.save with save_as_external_data=False)"
  throw refusedModel("foreign", "read", `tensor "${name}"`, "its data in the file", "a reference to another file", next)
}

/** ValueInfo: name 1, type 2 → tensor 1 → element type 1, shape 2 → dimension 1. */
function portOf(port: readonly Field[], what: string): [string, ModelPort] {
  const name = textIn(port, 1)
  const place = `${what} "${name}"`
  const type = last(port, 2)
  const tensor = type && last(fieldsOf(pieceOf(type)), 1)
  if (tensor === undefined)
    throw refusedModel("foreign", "use", place, "a tensor", "another type", "give the model ports of tensors")
  const inside = fieldsOf(pieceOf(tensor))
  const element = last(inside, 1)
  const code = element === undefined ? 0 : wholeOf(element)
  const dtype = DTYPES.get(code)
  if (dtype === undefined) {
    const found = TYPE_NAMES.get(code) ?? `type ${code}`
    throw refusedModel("foreign", "use", place, `elements of ${[...DTYPES.values()].join(", ")}`, found, "convert it")
  }
  const shape = last(inside, 2)
  if (shape === undefined) return [name, { dtype, shape: null }]
  const sizes = fieldsOf(pieceOf(shape)).filter((f) => f.number === 1)
  return [name, { dtype, shape: sizes.map((size) => sizeOf(last(fieldsOf(pieceOf(size)), 1))) }]
}

/** A size that has a name instead, or that some exporters write as −1, is known when the model runs. */
function sizeOf(size: Field | undefined): number | null {
  if (size === undefined || size.piece !== undefined) return null
  return Number.isSafeInteger(size.value) && size.value >= 0 ? size.value : null
}

/** Of fields that may not repeat, the last counts. */
const last = (fields: readonly Field[], number: number): Field | undefined =>
  fields.findLast((f) => f.number === number)
function textIn(fields: readonly Field[], number: number): string {
  const found = last(fields, number)
  return found === undefined ? "" : textOf(found)
}
