/**
 * The canonical bytes of a value: msgpack with record keys in code-point order, the shortest integer form for safe
 * integers, float64 otherwise, −0 kept, one NaN, tensors as raw little-endian bytes in extension type 1. Our own encoder,
 * because a published one writes −0 as 0 and sorts keys by UTF-16 units.
 * Source: the MessagePack specification (github.com/msgpack/msgpack, spec.md).
 */
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js"
import { CODEC_DEPTH_MAX, compareKeys, DEPTH_MAX, type Rec, Tensor, type Value, ValueError } from "./model.ts"

export const EXT_TENSOR = 1
const utf8 = new TextEncoder()

/** Canonical bytes of a value. Throws `ValueError` for what is no value (a function, `undefined`, too deep). */
export function encode(v: Value): Uint8Array {
  const w = written(v)
  const bytes = copied(w.bytes, w.at)
  done(w)
  return bytes
}

/** A few bytes are there sooner by themselves than by a call. */
function copied(from: Uint8Array, length: number): Uint8Array {
  if (length > 64) return from.slice(0, length)
  const to = new Uint8Array(length)
  for (let i = 0; i < length; i++) to[i] = from[i]!
  return to
}

/** The writer that is kept is taken for one value at a time; a tensor inside asks for another. */
function written(v: Value): Writer {
  const w = busy ? new Writer() : shared
  if (w === shared) busy = true
  w.at = 0
  try {
    w.value(v, 0)
  } catch (cause) {
    done(w)
    throw cause
  }
  return w
}

function done(w: Writer): void {
  if (w !== shared) return
  busy = false
  if (w.bytes.length > 1 << 20) {
    w.become(new Uint8Array(FIRST))
  }
}

/** A SHA-256: synchronous, 32 bytes. Hosts with a native one pass it in; the default is @noble/hashes. */
export type Digest = (bytes: Uint8Array) => Uint8Array
export const sha256: Digest = (bytes) => nobleSha256(bytes)

/** SHA-256 of the canonical bytes: the identity of a value. */
export function hashValue(v: Value, digest: Digest = sha256): Uint8Array {
  const w = written(v)
  try {
    return digest(w.upToHere())
  } finally {
    done(w)
  }
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"))
const toHex = (Uint8Array.prototype as { readonly toHex?: (this: Uint8Array) => string }).toHex
/** Lower-case hexadecimal; the engine's own where it has one. */
export const hex: (bytes: Uint8Array) => string =
  toHex !== undefined
    ? (bytes) => toHex.call(bytes)
    : (bytes) => {
        let s = ""
        for (let i = 0; i < bytes.length; i++) s += HEX[bytes[i]!]
        return s
      }
export const unhex = (s: string): Uint8Array => Uint8Array.from(s.match(/../g) ?? [], (h) => Number.parseInt(h, 16))

/** Bytes that a buffer has room for at first. */
const FIRST = 1024

/** A growing buffer with msgpack's forms; one is kept for hashing so that small values allocate nothing but the result. */
class Writer {
  bytes = new Uint8Array(FIRST)
  view = new DataView(this.bytes.buffer)
  at = 0
  #begins: (Uint8Array | undefined)[] = []

  become(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
    this.#begins = []
  }
  /** What was written, until more is. A short one is kept: to make it would cost as much as to hash it. */
  upToHere(): Uint8Array {
    const { at, bytes } = this
    return at < FIRST ? (this.#begins[at] ??= bytes.subarray(0, at)) : bytes.subarray(0, at)
  }

  need(n: number): void {
    if (this.at + n <= this.bytes.length) return
    let size = this.bytes.length * 2
    while (size < this.at + n) size *= 2
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, this.at))
    this.become(bytes)
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
    if (length < 256) {
      // Short ASCII is the common case (names, hashes in hexadecimal); the length byte is known beforehand.
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
    if (depth > CODEC_DEPTH_MAX) {
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
    this.record(v as Rec, depth)
  }
  record(record: Rec, depth: number): void {
    const keys = Object.keys(record)
    let sorted = true
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      if (!key.isWellFormed()) return this.record(wellFormedKeys(record), depth)
      if (i > 0 && sorted) sorted = compareKeys(keys[i - 1]!, key) < 0
    }
    if (!sorted) keys.sort(compareKeys)
    if (keys.length < 16) this.u8(0x80 | keys.length)
    else this.head(null, 0xde, 0xdf, keys.length)
    for (const key of keys) {
      if (key === "__proto__") {
        throw new ValueError({ reason: "unencodable", message: `Cannot encode a record with the key "__proto__"` })
      }
      this.text(key)
      this.value(record[key]!, depth + 1)
    }
  }
}

/** The record as its bytes can say it: half surrogate pairs in keys as U+FFFD; of keys that become one, the last stays. */
const wellFormedKeys = (record: Rec): Rec =>
  Object.fromEntries(Object.entries(record).map(([k, v]) => [k.toWellFormed(), v]))

const shared = new Writer()
let busy = false
