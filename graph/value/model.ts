/**
 * What a value is: the JSON kinds, int64 as bigint, bytes, tensors. Equality here is identity: two values are the same
 * when their canonical bytes are (`encode.ts`).
 */
import * as Data from "effect/Data"
import type { DType } from "../type.ts"

/** Raw bytes of numbers, with a shape; row-major, little-endian, never looked into when hashed or stored. */
export class Tensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: Uint8Array
  constructor(dtype: DType, shape: readonly number[], data: Uint8Array) {
    const want = shape.reduce((n, d) => n * d, 1) * DTYPE_BYTES[dtype]
    if (shape.length > TENSOR_DIMS_MAX || !shape.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0))) {
      throw new ValueError({
        reason: "tensor",
        message: `Cannot make a tensor<${dtype}>[${shape.join(", ")}]: a shape is at most ${TENSOR_DIMS_MAX} whole numbers`,
      })
    }
    if (data.length !== want) {
      throw new ValueError({
        reason: "tensor",
        message: `Cannot make a tensor<${dtype}>[${shape.join(", ")}]: it takes ${want} bytes, found ${data.length}`,
      })
    }
    this.dtype = dtype
    this.shape = shape
    this.data = data
  }
}

export const DTYPE_BYTES: Readonly<Record<DType, number>> = {
  f64: 8,
  i64: 8,
  u64: 8,
  f32: 4,
  i32: 4,
  u32: 4,
  f16: 2,
  i16: 2,
  u16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
}

/** `bigint` is an int64; records have own properties only and no prototype that matters. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Tensor
  | readonly Value[]
  | { readonly [key: string]: Value }
export type Rec = { readonly [key: string]: Value }

export class ValueError extends Data.TaggedError("ValueError")<{
  readonly reason: "tensor" | "unencodable" | "too-deep" | "undecodable" | "not-canonical" | "int64"
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * A value at a port may not be nested deeper than this: a stack must not depend on data. The codec takes a few levels
 * more, for the records that a ledger wraps around values.
 */
export const DEPTH_MAX = 512
export const CODEC_DEPTH_MAX = DEPTH_MAX + 64
/** Dimensions of a tensor: as many as the short form of a msgpack list holds, so that a shape has one form. */
export const TENSOR_DIMS_MAX = 15

export const isRecord = (v: unknown): v is Rec =>
  typeof v === "object" && v !== null && !Array.isArray(v) && !(v instanceof Uint8Array) && !(v instanceof Tensor)

/** Orders keys by code point. UTF-16 order differs only where half a surrogate pair meets U+E000–U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return lifted(x) - lifted(y)
  }
  return a.length - b.length
}
/** Surrogates stand for code points above all others. */
const lifted = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit)

/** Deep equality that agrees with canonical bytes: NaN equals NaN, 0 and −0 differ. */
export function sameValue(a: Value, b: Value): boolean {
  if (a === b) return a !== 0 || Object.is(a, b)
  if (typeof a === "number" && typeof b === "number") return Number.isNaN(a) && Number.isNaN(b)
  if (typeof a === "bigint" || typeof b === "bigint") {
    return (
      (typeof a === "bigint" || Number.isSafeInteger(a)) &&
      (typeof b === "bigint" || Number.isSafeInteger(b)) &&
      !Object.is(a, -0) &&
      !Object.is(b, -0) &&
      BigInt(a as bigint) === BigInt(b as bigint)
    )
  }
  if (typeof a === "string" && typeof b === "string") {
    // Half a surrogate pair has no bytes of its own: it is written as U+FFFD.
    return a.length === b.length && !(a.isWellFormed() && b.isWellFormed()) && a.toWellFormed() === b.toWellFormed()
  }
  return sameParts(a, b, sameValue)
}

/** Are both lists, bytes, tensors or records, of parts that are the `same`? Of anything else the answer is no. */
export function sameParts(a: Value, b: Value, same: (a: Value, b: Value) => boolean): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => same(x, b[i]))
  if (a instanceof Uint8Array) return b instanceof Uint8Array && sameBytes(a, b)
  if (a instanceof Tensor) {
    return (
      b instanceof Tensor &&
      a.dtype === b.dtype &&
      a.shape.length === b.shape.length &&
      a.shape.every((n, i) => n === b.shape[i]) &&
      sameBytes(a.data, b.data)
    )
  }
  if (!isRecord(a) || !isRecord(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && same(a[k]!, b[k]!))
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
