/**
 * Values and their one canonical encoding: msgpack with record keys in code-point order, the shortest integer form for
 * safe integers, float64 otherwise, −0 kept, one NaN, tensors as raw little-endian bytes in extension type 1. Equal
 * means equal canonical bytes; identity is the SHA-256 of them. Our own encoder, because a published one writes −0 as 0
 * and sorts keys by UTF-16 units; the bytes it makes are plain msgpack (checked against the public test vectors).
 * Source: the MessagePack specification (github.com/msgpack/msgpack, spec.md).
 */
import { ExtensionCodec, decode as msgpackDecode } from "@msgpack/msgpack"
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js"
import { Data } from "effect"
import type { DType } from "./type.ts"

/** Raw bytes of numbers, with a shape; row-major, little-endian, never looked into when hashed or stored. */
export class Tensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: Uint8Array
  constructor(dtype: DType, shape: readonly number[], data: Uint8Array) {
    const want = shape.reduce((n, d) => n * d, 1) * DTYPE_BYTES[dtype]
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

/** Values nested deeper than this are refused: a stack must not depend on data. */
export const DEPTH_MAX = 512

export const isRecord = (v: unknown): v is Rec =>
  typeof v === "object" && v !== null && !Array.isArray(v) && !(v instanceof Uint8Array) && !(v instanceof Tensor)

const utf8 = new TextEncoder()
const SURROGATE = /[\ud800-\udfff]/

/** Orders keys by code point. UTF-16 order differs only where a surrogate pair meets U+E000–U+FFFF. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1
  const x = [...a]
  const y = [...b]
  for (let i = 0; i < x.length && i < y.length; i++) {
    const d = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!
    if (d !== 0) return d
  }
  return x.length - y.length
}

/** A growing buffer with msgpack's forms; one is kept for hashing so that small values allocate nothing but the result. */
class Writer {
  bytes = new Uint8Array(1024)
  view = new DataView(this.bytes.buffer)
  at = 0

  need(n: number): void {
    if (this.at + n <= this.bytes.length) return
    let size = this.bytes.length * 2
    while (size < this.at + n) size *= 2
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, this.at))
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }
  u8(x: number): void {
    this.need(1)
    this.bytes[this.at++] = x
  }
  head(op8: number | null, op16: number, op32: number, n: number): void {
    this.need(5)
    if (op8 !== null && n < 0x100) {
      this.bytes[this.at++] = op8
      this.bytes[this.at++] = n
    } else if (n < 0x10000) {
      this.bytes[this.at++] = op16
      this.view.setUint16(this.at, n)
      this.at += 2
    } else {
      this.bytes[this.at++] = op32
      this.view.setUint32(this.at, n)
      this.at += 4
    }
  }
  int(n: number): void {
    this.need(9)
    const { bytes, view } = this
    if (n >= 0) {
      if (n < 0x80) bytes[this.at++] = n
      else if (n < 0x100) this.head(0xcc, 0xcd, 0xce, n)
      else if (n < 0x10000) this.head(null, 0xcd, 0xce, n)
      else if (n < 0x100000000) {
        bytes[this.at++] = 0xce
        view.setUint32(this.at, n)
        this.at += 4
      } else {
        bytes[this.at++] = 0xcf
        view.setUint32(this.at, Math.floor(n / 0x100000000))
        view.setUint32(this.at + 4, n >>> 0)
        this.at += 8
      }
    } else if (n >= -0x20) bytes[this.at++] = n & 0xff
    else if (n >= -0x80) {
      bytes[this.at++] = 0xd0
      view.setInt8(this.at++, n)
    } else if (n >= -0x8000) {
      bytes[this.at++] = 0xd1
      view.setInt16(this.at, n)
      this.at += 2
    } else if (n >= -0x80000000) {
      bytes[this.at++] = 0xd2
      view.setInt32(this.at, n)
      this.at += 4
    } else {
      bytes[this.at++] = 0xd3
      view.setBigInt64(this.at, BigInt(n))
      this.at += 8
    }
  }
  number(n: number): void {
    if (Number.isSafeInteger(n) && !Object.is(n, -0)) return this.int(n)
    this.need(9)
    this.bytes[this.at++] = 0xcb
    if (Number.isNaN(n)) {
      this.view.setUint32(this.at, 0x7ff80000)
      this.view.setUint32(this.at + 4, 0)
    } else this.view.setFloat64(this.at, n)
    this.at += 8
  }
  bigint(n: bigint): void {
    if (n >= -0x8000000000000000n && n <= 0x7fffffffffffffffn) {
      if (n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER)) return this.int(Number(n))
      this.need(9)
      if (n > 0n) {
        this.bytes[this.at++] = 0xcf
        this.view.setBigUint64(this.at, n)
      } else {
        this.bytes[this.at++] = 0xd3
        this.view.setBigInt64(this.at, n)
      }
      this.at += 8
      return
    }
    throw new ValueError({ reason: "int64", message: `Cannot encode ${n}: an int64 lies between −2^63 and 2^63−1` })
  }
  text(s: string): void {
    const length = s.length
    if (length < 64) {
      // Short ASCII is the common case; the length byte is known beforehand.
      this.need(length + 2)
      const start = this.at
      let p = start + (length < 32 ? 1 : 2)
      const bytes = this.bytes
      let i = 0
      for (; i < length; i++) {
        const c = s.charCodeAt(i)
        if (c > 0x7f) break
        bytes[p++] = c
      }
      if (i === length) {
        if (length < 32) bytes[start] = 0xa0 | length
        else {
          bytes[start] = 0xd9
          bytes[start + 1] = length
        }
        this.at = p
        return
      }
    }
    const encoded = utf8.encode(s)
    if (encoded.length < 32) this.u8(0xa0 | encoded.length)
    else this.head(0xd9, 0xda, 0xdb, encoded.length)
    this.raw(encoded)
  }
  raw(b: Uint8Array): void {
    this.need(b.length)
    this.bytes.set(b, this.at)
    this.at += b.length
  }
  value(v: Value, depth: number): void {
    switch (typeof v) {
      case "number":
        return this.number(v)
      case "string":
        return this.text(v)
      case "boolean":
        return this.u8(v ? 0xc3 : 0xc2)
      case "bigint":
        return this.bigint(v)
      case "object":
        break
      default:
        throw new ValueError({
          reason: "unencodable",
          message: `Cannot encode a ${typeof v}: a value is null, a boolean, a number, text, bytes, a tensor, a list or a record`,
        })
    }
    if (v === null) return this.u8(0xc0)
    if (depth > DEPTH_MAX) {
      throw new ValueError({
        reason: "too-deep",
        message: `Cannot encode a value nested deeper than ${DEPTH_MAX} levels`,
      })
    }
    if (Array.isArray(v)) {
      if (v.length < 16) this.u8(0x90 | v.length)
      else this.head(null, 0xdc, 0xdd, v.length)
      for (let i = 0; i < v.length; i++) this.value(v[i], depth + 1)
      return
    }
    if (v instanceof Uint8Array) {
      this.head(0xc4, 0xc5, 0xc6, v.length)
      return this.raw(v)
    }
    if (v instanceof Tensor) {
      const inner = encode([v.dtype, v.shape as readonly number[]])
      this.head(0xc7, 0xc8, 0xc9, inner.length + v.data.length)
      this.u8(EXT_TENSOR)
      this.raw(inner)
      return this.raw(v.data)
    }
    const record = v as Rec
    const keys = Object.keys(record)
    let sorted = true
    for (let i = 1; i < keys.length && sorted; i++) sorted = compareKeys(keys[i - 1]!, keys[i]!) < 0
    if (!sorted) keys.sort(compareKeys)
    if (keys.length < 16) this.u8(0x80 | keys.length)
    else this.head(null, 0xde, 0xdf, keys.length)
    for (const key of keys) {
      this.text(key)
      this.value(record[key]!, depth + 1)
    }
  }
}

const EXT_TENSOR = 1
const shared = new Writer()
let busy = false

/** Canonical bytes of a value. Throws `ValueError` for what is no value (a function, `undefined`, too deep). */
export function encode(v: Value): Uint8Array {
  return withWriter(v, (bytes) => bytes.slice())
}

function withWriter<A>(v: Value, use: (bytes: Uint8Array) => A): A {
  const w = busy ? new Writer() : shared
  const outer = w === shared
  if (outer) busy = true
  try {
    w.at = 0
    w.value(v, 0)
    return use(w.bytes.subarray(0, w.at))
  } finally {
    if (outer) {
      busy = false
      if (w.bytes.length > 1 << 20) {
        w.bytes = new Uint8Array(1024)
        w.view = new DataView(w.bytes.buffer)
      }
    }
  }
}

/** A SHA-256: synchronous, 32 bytes. Hosts with a native one pass it in; the default is @noble/hashes. */
export type Digest = (bytes: Uint8Array) => Uint8Array
export const sha256: Digest = (bytes) => nobleSha256(bytes)

/** SHA-256 of the canonical bytes: the identity of a value. */
export const hashValue = (v: Value, digest: Digest = sha256): Uint8Array => withWriter(v, digest)

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"))
export function hex(bytes: Uint8Array): string {
  let s = ""
  for (let i = 0; i < bytes.length; i++) s += HEX[bytes[i]!]
  return s
}
export const unhex = (s: string): Uint8Array => Uint8Array.from(s.match(/../g) ?? [], (h) => Number.parseInt(h, 16))

const extensions = new ExtensionCodec()
extensions.register({
  type: EXT_TENSOR,
  encode: () => null,
  decode: (payload) => {
    let p = 0
    // [dtype, shape] is a two-element array; find its end by decoding prefixes of the few lengths it can have.
    const headLength = tensorHeadLength(payload)
    const [dtype, shape] = msgpackDecode(payload.subarray(0, headLength)) as [DType, number[]]
    p = headLength
    return new Tensor(dtype, shape, payload.slice(p))
  },
})

/** Length of the msgpack array `[dtype, [n, …]]` at the start of a tensor's payload. */
function tensorHeadLength(b: Uint8Array): number {
  const bad = () =>
    new ValueError({ reason: "undecodable", message: "Cannot decode a tensor: its head is not [dtype, shape]" })
  if (b[0] !== 0x92 || (b[1]! & 0xe0) !== 0xa0) throw bad()
  let p = 2 + (b[1]! & 0x1f)
  let n: number
  const h = b[p]
  if (h === undefined) throw bad()
  if ((h & 0xf0) === 0x90) {
    n = h & 0x0f
    p += 1
  } else throw bad()
  for (let i = 0; i < n; i++) {
    const x = b[p]
    if (x === undefined) throw bad()
    p += x < 0x80 ? 1 : x === 0xcc ? 2 : x === 0xcd ? 3 : x === 0xce ? 5 : x === 0xcf ? 9 : 0
    if (x >= 0x80 && (x < 0xcc || x > 0xcf)) throw bad()
  }
  if (p > b.length) throw bad()
  return p
}

/**
 * Reads canonical bytes back. Integers beyond 2^53 come back as bigint. Throws `ValueError` when the bytes are not
 * msgpack, or are msgpack in another form than the canonical one: a value has one encoding, so bytes can be compared.
 */
export function decode(bytes: Uint8Array): Value {
  let v: Value
  try {
    v = narrow(
      msgpackDecode(bytes, { extensionCodec: extensions, useBigInt64: true, maxDepth: DEPTH_MAX } as object),
      0,
    )
  } catch (cause) {
    if (cause instanceof ValueError) throw cause
    throw new ValueError({
      reason: "undecodable",
      message: `Cannot decode ${bytes.length} bytes: ${(cause as Error).message}`,
      cause,
    })
  }
  const back = encode(v)
  if (back.length !== bytes.length || back.some((b, i) => b !== bytes[i])) {
    throw new ValueError({
      reason: "not-canonical",
      message: `Cannot decode ${bytes.length} bytes: they are msgpack, but not in canonical form`,
    })
  }
  return v
}

/** msgpack's 64-bit integers come as bigint: those that are safe integers are numbers. */
function narrow(v: unknown, depth: number): Value {
  if (depth > DEPTH_MAX)
    throw new ValueError({
      reason: "too-deep",
      message: `Cannot decode a value nested deeper than ${DEPTH_MAX} levels`,
    })
  if (typeof v === "bigint") {
    return v >= BigInt(Number.MIN_SAFE_INTEGER) && v <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(v) : v
  }
  if (Array.isArray(v)) return v.map((x) => narrow(x, depth + 1))
  if (v === null || typeof v !== "object" || v instanceof Uint8Array || v instanceof Tensor) return v as Value
  if (Object.getPrototypeOf(v) !== Object.prototype) {
    throw new ValueError({
      reason: "undecodable",
      message: `Cannot decode: a msgpack extension or timestamp that is no value`,
    })
  }
  const out: Record<string, Value> = {}
  for (const key of Object.keys(v)) out[key] = narrow((v as Record<string, unknown>)[key], depth + 1)
  return out
}

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
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameValue(x, b[i]))
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
  return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && sameValue(a[k]!, b[k]!))
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
