/**
 * Numbers into a tensor and out of it, for functions that stand between a graph's numbers and a model. Elements are written
 * as little-endian bytes whatever the host is, so a tensor is the same everywhere.
 */
import type { DType } from "../type.ts"
import { DTYPE_BYTES, Tensor, ValueError } from "./model.ts"

type Half = "f16"
interface Element {
  readonly read: (view: DataView, at: number) => number
  readonly write: (view: DataView, at: number, n: number) => void
  /** Whole numbers from the first to the second; undefined: any number. */
  readonly range?: readonly [from: number, to: number]
}

const ELEMENTS: { readonly [D in Exclude<DType, Half>]: Element } = {
  f32: { read: (v, at) => v.getFloat32(at, true), write: (v, at, n) => v.setFloat32(at, n, true) },
  f64: { read: (v, at) => v.getFloat64(at, true), write: (v, at, n) => v.setFloat64(at, n, true) },
  i8: { read: (v, at) => v.getInt8(at), write: (v, at, n) => v.setInt8(at, n), range: [-128, 127] },
  u8: { read: (v, at) => v.getUint8(at), write: (v, at, n) => v.setUint8(at, n), range: [0, 255] },
  bool: { read: (v, at) => v.getUint8(at), write: (v, at, n) => v.setUint8(at, n), range: [0, 1] },
  i16: { read: (v, at) => v.getInt16(at, true), write: (v, at, n) => v.setInt16(at, n, true), range: [-32768, 32767] },
  u16: { read: (v, at) => v.getUint16(at, true), write: (v, at, n) => v.setUint16(at, n, true), range: [0, 65535] },
  i32: {
    read: (v, at) => v.getInt32(at, true),
    write: (v, at, n) => v.setInt32(at, n, true),
    range: [-(2 ** 31), 2 ** 31 - 1],
  },
  u32: {
    read: (v, at) => v.getUint32(at, true),
    write: (v, at, n) => v.setUint32(at, n, true),
    range: [0, 2 ** 32 - 1],
  },
  i64: {
    read: (v, at) => exact(v.getBigInt64(at, true)),
    write: (v, at, n) => v.setBigInt64(at, BigInt(n), true),
    range: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  },
  u64: {
    read: (v, at) => exact(v.getBigUint64(at, true)),
    write: (v, at, n) => v.setBigUint64(at, BigInt(n), true),
    range: [0, Number.MAX_SAFE_INTEGER],
  },
}

const wrong = (message: string): ValueError => new ValueError({ reason: "tensor", message })

function elementOf(dtype: DType, doing: string): Element {
  if (dtype !== "f16") return ELEMENTS[dtype]
  throw wrong(`Cannot ${doing} a tensor<f16>: take its bytes; numbers are read and written as f32`)
}

function exact(n: bigint): number {
  if (Number.isSafeInteger(Number(n))) return Number(n)
  throw wrong(`Cannot read ${n} out of a tensor as a number: it is beyond 2^53; take its bytes`)
}

/**
 * A tensor of these numbers, row by row: `tensorOf("f32", [1, 2], [0.5, 1])`. Fails with `ValueError` where they are too many or
 * too few for the shape, where one is none that the element type holds, and for `f16`.
 */
export function tensorOf(dtype: DType, shape: readonly number[], numbers: ArrayLike<number>): Tensor {
  const { write, range } = elementOf(dtype, "fill")
  const width = DTYPE_BYTES[dtype]
  const data = new Uint8Array(numbers.length * width)
  const view = new DataView(data.buffer)
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i]!
    if (range !== undefined && !(Number.isInteger(n) && n >= range[0] && n <= range[1]))
      throw wrong(
        `Cannot put ${n} at ${i} of a tensor<${dtype}>: wanted a whole number from ${range[0]} to ${range[1]}`,
      )
    write(view, i * width, n)
  }
  return new Tensor(dtype, shape, data)
}

/** The numbers of a tensor, row by row. Fails with `ValueError` for an integer beyond 2^53, and for `f16`. */
export function numbersOf({ dtype, data }: Tensor): number[] {
  const { read } = elementOf(dtype, "read")
  const width = DTYPE_BYTES[dtype]
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  return Array.from({ length: data.length / width }, (_, i) => read(view, i * width))
}
