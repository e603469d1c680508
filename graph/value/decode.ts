/**
 * Canonical bytes back to a value, in one pass that also proves them canonical: every length, number and order of keys is
 * checked where it is read. A value has one encoding, so bytes can be compared and hashed instead of values.
 */

import type { DType } from "../type.ts"
import { EXT_TENSOR } from "./encode.ts"
import { CODEC_DEPTH_MAX, DTYPE_BYTES, Tensor, type Value, ValueError } from "./model.ts"

/**
 * Reads canonical bytes. Whole numbers beyond 2^53 come back as bigint, all others as numbers; an int64 port makes them
 * int64 again. Bytes and tensors are copies. Throws `ValueError`: `undecodable` (not msgpack, or a thing that is no
 * value), `not-canonical` (another form of msgpack), `too-deep`, `tensor`.
 */
export function decode(bytes: Uint8Array): Value {
  const r = new Reader(bytes)
  const v = r.value(0)
  if (r.at !== bytes.length) throw r.bad("undecodable", `${bytes.length - r.at} bytes follow the value`)
  return v
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The last ASCII key of each kind of beginning and end. */
const KEYS: (string | undefined)[] = Array.from({ length: 256 })

class Reader {
  at = 0
  readonly bytes: Uint8Array
  readonly view: DataView
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  bad(reason: ValueError["reason"], why: string, cause?: unknown): ValueError {
    const message = `Cannot decode ${this.bytes.length} bytes: ${why}, at byte ${this.at}`
    return new ValueError({ reason, message, ...(cause === undefined ? {} : { cause }) })
  }

  /** Steps over n bytes and says where they began; n comes from the bytes, so it is compared with what is there. */
  skip(n: number): number {
    const start = this.at
    if (n > this.bytes.length - start) throw this.bad("undecodable", "they end in the middle of a value")
    this.at = start + n
    return start
  }

  value(depth: number): Value {
    const b = this.bytes[this.skip(1)]!
    if (b < 0x80) return b
    if (b >= 0xe0) return b - 0x100
    if (b < 0x90) return this.record(b & 0x0f, depth)
    if (b < 0xa0) return this.list(b & 0x0f, depth)
    if (b < 0xc0) return this.text(b & 0x1f)
    switch (b) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.raw(this.length(b - 0xc4, 0))
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.extension(this.length(b - 0xc7, 0), depth)
      case 0xcb:
        return this.float()
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.length(b - 0xcc, 0x80)
      case 0xcf:
        return this.unsigned64()
      case 0xd0:
        return this.within(this.view.getInt8(this.skip(1)), -0x80, -0x21)
      case 0xd1:
        return this.within(this.view.getInt16(this.skip(2)), -0x8000, -0x81)
      case 0xd2:
        return this.within(this.view.getInt32(this.skip(4)), -0x80000000, -0x8001)
      case 0xd3:
        return this.signed64()
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.length(b - 0xd9, 32))
      case 0xdc:
      case 0xdd:
        return this.list(this.length(b - 0xdb, 16), depth)
      case 0xde:
      case 0xdf:
        return this.record(this.length(b - 0xdd, 16), depth)
      case 0xc1:
        throw this.bad("undecodable", "0xc1 begins nothing in msgpack")
      default:
        // float32 and the fixed extensions: msgpack, but never written.
        throw this.bad("not-canonical", `0x${b.toString(16)} begins no canonical form`)
    }
  }

  /** An unsigned number of 1, 2 or 4 bytes that does not fit a shorter form, whose numbers go up to `shorter` - 1. */
  length(size: number, shorter: number): number {
    const n =
      size === 0
        ? this.bytes[this.skip(1)]!
        : size === 1
          ? this.view.getUint16(this.skip(2))
          : this.view.getUint32(this.skip(4))
    // Where there is no one-byte form, two bytes begin right after the short one.
    const least = size === 0 ? shorter : size === 1 ? (shorter === 16 ? 16 : 0x100) : 0x10000
    return this.within(n, least, 0xffffffff)
  }

  within(n: number, least: number, most: number): number {
    if (n < least || n > most) throw this.bad("not-canonical", `${n} has a shorter form`)
    return n
  }

  float(): number {
    const start = this.skip(8)
    const x = this.view.getFloat64(start)
    if (Number.isSafeInteger(x) && !Object.is(x, -0)) throw this.bad("not-canonical", `${x} has a shorter form`)
    if (Number.isNaN(x) && (this.view.getUint32(start) !== 0x7ff80000 || this.view.getUint32(start + 4) !== 0)) {
      throw this.bad("not-canonical", "NaN has other bits")
    }
    return x
  }

  unsigned64(): Value {
    const n = this.view.getBigUint64(this.skip(8))
    if (n > 0x7fffffffffffffffn) throw this.bad("undecodable", `${n} does not fit an int64`)
    if (n <= 0xffffffffn) throw this.bad("not-canonical", `${n} has a shorter form`)
    return n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n
  }

  signed64(): Value {
    const n = this.view.getBigInt64(this.skip(8))
    if (n >= -0x80000000n) throw this.bad("not-canonical", `${n} has a shorter form`)
    return n >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(n) : n
  }

  text(length: number): string {
    const start = this.skip(length)
    if (length < 24) {
      // Short ASCII is the common case, and a decoder object costs more than the letters.
      let s = ""
      let i = start
      for (; i < this.at; i++) {
        const c = this.bytes[i]!
        if (c > 0x7f) break
        s += String.fromCharCode(c)
      }
      if (i === this.at) return s
    }
    try {
      return utf8.decode(this.bytes.subarray(start, this.at))
    } catch (cause) {
      throw this.bad("undecodable", "a text is not UTF-8", cause)
    }
  }

  raw(length: number): Uint8Array {
    const start = this.skip(length)
    // Not `slice`: a Buffer's shares the memory.
    return new Uint8Array(this.bytes.subarray(start, this.at))
  }

  list(length: number, depth: number): Value {
    this.enter(length, depth)
    const out: Value[] = []
    for (let i = 0; i < length; i++) out.push(this.value(depth + 1))
    return out
  }

  record(length: number, depth: number): Value {
    this.enter(length * 2, depth)
    const out: { [key: string]: Value } = {}
    let beforeStart = 0
    let beforeEnd = -1
    for (let i = 0; i < length; i++) {
      const key = this.key()
      if (beforeEnd >= 0 && !this.ascends(beforeStart, beforeEnd, this.keyStart, this.at)) {
        throw this.bad("not-canonical", `the key ${JSON.stringify(key)} is out of order`)
      }
      beforeStart = this.keyStart
      beforeEnd = this.at
      if (key === "__proto__") throw this.bad("undecodable", `"__proto__" is no key`)
      out[key] = this.value(depth + 1)
    }
    return out
  }

  /** Where the letters of the last key begin; they end where reading went on. */
  keyStart = 0
  key(): string {
    const b = this.bytes[this.skip(1)]!
    const length = (b & 0xe0) === 0xa0 ? b & 0x1f : b >= 0xd9 && b <= 0xdb ? this.length(b - 0xd9, 32) : -1
    if (length < 0) throw this.bad("undecodable", "a key is not text")
    this.keyStart = this.at
    return length > 0 && length < 24 ? this.shortKey(length) : this.text(length)
  }

  /** Records of one shape come by the thousand: a key seen before is found by its letters, not built again. */
  shortKey(length: number): string {
    const { bytes, at: start } = this
    if (length > bytes.length - start) return this.text(length)
    const slot = (bytes[start]! * 31 + bytes[start + length - 1]! * 7 + length) & (KEYS.length - 1)
    const known = KEYS[slot]
    if (known !== undefined && known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i++
      if (i === length) {
        this.at = start + length
        return known
      }
    }
    const key = this.text(length)
    // Only ASCII: its letters are its bytes.
    if (key.length === length) KEYS[slot] = key
    return key
  }

  /** Code-point order is the order of UTF-8 bytes. Equal keys do not ascend. */
  ascends(aStart: number, aEnd: number, bStart: number, bEnd: number): boolean {
    const n = Math.min(aEnd - aStart, bEnd - bStart)
    for (let i = 0; i < n; i++) {
      const d = this.bytes[aStart + i]! - this.bytes[bStart + i]!
      if (d !== 0) return d < 0
    }
    return aEnd - aStart < bEnd - bStart
  }

  /** Before a list or record is built: is it not too deep, and can so many parts be there at all? */
  enter(parts: number, depth: number): void {
    if (depth > CODEC_DEPTH_MAX) throw this.bad("too-deep", `they are nested deeper than ${CODEC_DEPTH_MAX} levels`)
    if (parts > this.bytes.length - this.at) throw this.bad("undecodable", "they end in the middle of a value")
  }

  /** A tensor: `[dtype, shape]`, then its raw bytes. */
  extension(length: number, depth: number): Value {
    const type = this.view.getInt8(this.skip(1))
    if (type !== EXT_TENSOR) throw this.bad("undecodable", `extension ${type} is no value`)
    const start = this.skip(length)
    const end = this.at
    this.at = start
    const head = this.value(depth)
    const [dtype, shape] = Array.isArray(head) && head.length === 2 ? head : []
    if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BYTES, dtype) || !Array.isArray(shape) || this.at > end) {
      throw this.bad("undecodable", "a tensor does not begin with [dtype, shape]")
    }
    return new Tensor(dtype as DType, shape as number[], this.raw(end - this.at))
  }
}
