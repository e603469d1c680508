/** Our tensors as those of an ONNX runtime, and back: the same bytes, under the names that each has for an element type. */
import { DTYPE_BYTES, type DType, type OnnxPorts, Tensor } from "../../graph/mod.ts"

/** As much of a runtime as is used: onnxruntime-node and onnxruntime-web both have it. */
export type Ort = Pick<typeof import("onnxruntime-web"), "InferenceSession" | "Tensor">
export type OrtSession = Awaited<ReturnType<Ort["InferenceSession"]["create"]>>
type OrtTensor = InstanceType<Ort["Tensor"]>

interface Kind {
  readonly name: string
  readonly array: new (buffer: ArrayBuffer) => ArrayBufferView
}
/** Half floats go as their bits: not every host has an array of them. */
const KINDS: { readonly [D in DType]: Kind } = {
  f32: { name: "float32", array: Float32Array },
  f64: { name: "float64", array: Float64Array },
  f16: { name: "float16", array: Uint16Array },
  i8: { name: "int8", array: Int8Array },
  u8: { name: "uint8", array: Uint8Array },
  i16: { name: "int16", array: Int16Array },
  u16: { name: "uint16", array: Uint16Array },
  i32: { name: "int32", array: Int32Array },
  u32: { name: "uint32", array: Uint32Array },
  i64: { name: "int64", array: BigInt64Array },
  u64: { name: "uint64", array: BigUint64Array },
  bool: { name: "bool", array: Uint8Array },
}
const DTYPES = new Map(Object.entries(KINDS).map(([dtype, { name }]) => [name, dtype as DType]))
/** A first run on more than this would cost more than it saves. */
const ZEROS_BYTES_MAX = 64 << 20

export function toOrt(ort: Ort, { dtype, shape, data }: Tensor): OrtTensor {
  const { name, array } = KINDS[dtype]
  // A view must begin at a multiple of its element's size, and a runtime may take the buffer away: it gets a copy.
  const copy = new Uint8Array(data.length)
  copy.set(data)
  const numbers = new array(copy.buffer) as Float32Array
  const tensor = new ort.Tensor(name as "float32", numbers, [...shape])
  // A runtime that knows of arrays of half floats makes one, and hands it to native code that does not take it everywhere.
  if (tensor.data !== numbers) Object.defineProperty(tensor, "data", { value: numbers })
  return tensor
}

/** Fails with `TypeError` where the runtime answers with something that no port of ours holds: text, a sequence. */
export function fromOrt({ type, dims, data }: OrtTensor): Tensor {
  const dtype = DTYPES.get(type)
  if (dtype === undefined || !ArrayBuffer.isView(data))
    throw new TypeError(`the answer is of ${type}, which no tensor holds`)
  const { buffer, byteOffset, byteLength } = data
  return new Tensor(dtype, [...dims], new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice())
}

/** Inputs of zeros with every open size 1; undefined where even the number of sizes is open, or they would be large. */
export function zerosOf(inputs: OnnxPorts): { readonly [name: string]: Tensor } | undefined {
  const zeros: [string, Tensor][] = []
  let bytes = 0
  for (const [name, { dtype, shape }] of Object.entries(inputs)) {
    if (shape === null) return undefined
    const sizes = shape.map((n) => n ?? 1)
    const length = sizes.reduce((n, size) => n * size, DTYPE_BYTES[dtype])
    bytes += length
    if (!(bytes <= ZEROS_BYTES_MAX)) return undefined
    zeros.push([name, new Tensor(dtype, sizes, new Uint8Array(length))])
  }
  return Object.fromEntries(zeros)
}
