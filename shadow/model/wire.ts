/**
 * The wire format of Protocol Buffers, as far as a model file needs it (protobuf.dev/programming-guides/encoding). Written
 * by hand, for it is little, and so that the same model is the same bytes for ever. Reading takes bytes that nobody
 * trusts: every length is checked before it is used.
 */

import { joined } from "../../graph/mod.ts"
import { ModelRefused, refusedModel } from "./refused.ts"

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5] as const
/** A message of ours has some dozens; more would only fill the memory. */
const FIELDS_MAX = 65_536
const text = new TextEncoder()

/** A message, or a piece of one. */
export type Message = readonly Uint8Array[]

function varint(n: number): number[] {
  const out: number[] = []
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128)
  out.push(n)
  return out
}

const tag = (field: number, wire: number): number[] => varint(field * 8 + wire)

/** A whole number that is not below 0. */
export const whole = (field: number, n: number): Message => [Uint8Array.from([...tag(field, VARINT), ...varint(n)])]

export const bytes = (field: number, content: Uint8Array): Message => [
  Uint8Array.from([...tag(field, BYTES), ...varint(content.length)]),
  content,
]

export const string = (field: number, s: string): Message => bytes(field, text.encode(s))

export const message = (field: number, ...parts: readonly Message[]): Message => {
  const inside = parts.flat()
  const length = inside.reduce((n, b) => n + b.length, 0)
  return [Uint8Array.from([...tag(field, BYTES), ...varint(length)]), ...inside]
}

export const fileOf = (parts: readonly Message[]): Uint8Array<ArrayBuffer> => new Uint8Array(joined(parts.flat()))

/** What is wrong with the bytes, thrown inside of the reader and caught at its door. */
export class WireFault {
  readonly reason: "truncated" | "corrupt"
  /** In the file. */
  readonly at: number
  readonly found: string
  constructor(reason: "truncated" | "corrupt", at: number, found: string) {
    this.reason = reason
    this.at = at
    this.found = found
  }
}

/** What `read` makes of a whole file; where its bytes are at fault, which one and what to do. */
export function readWhole<A>(file: Uint8Array, read: (whole: Piece) => A): A | ModelRefused {
  try {
    return read({ file, from: 0, to: file.length })
  } catch (fault) {
    if (fault instanceof ModelRefused) return fault
    if (!(fault instanceof WireFault)) throw fault
    const [want, next] =
      fault.reason === "truncated" ? ["more bytes", "copy the file again"] : ["an ONNX model", "export it again"]
    return refusedModel(fault.reason, "read the file at", `byte ${fault.at}`, want, fault.found, next)
  }
}

/** A field of a message: a whole number, or a piece of the file. */
export interface Field {
  readonly number: number
  readonly at: number
  /** Of a varint; of a fixed width its bytes are in `piece`. Numbers past 2^53 are not exact, and none of ours is. */
  readonly value: number
  readonly piece: Piece | undefined
}

/** A piece of a file that remembers where it lies, so that faults name their byte. */
export interface Piece {
  readonly file: Uint8Array
  readonly from: number
  readonly to: number
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

export const contents = ({ file, from, to }: Piece): Uint8Array => file.subarray(from, to)

/** The text of a field; a fault where it is none. */
export function textOf(field: Field): string {
  try {
    return utf8.decode(contents(pieceOf(field)))
  } catch (cause) {
    if (cause instanceof TypeError) throw new WireFault("corrupt", field.at, "a text that is no UTF-8")
    throw cause
  }
}

export function pieceOf(field: Field): Piece {
  if (field.piece === undefined) {
    throw new WireFault("corrupt", field.at, `a number in field ${field.number}, which holds bytes`)
  }
  return field.piece
}

/** A whole number below 2^53; a fault where the field holds something else. */
export function wholeOf(field: Field): number {
  if (field.piece !== undefined || !Number.isSafeInteger(field.value)) {
    throw new WireFault("corrupt", field.at, `no whole number in field ${field.number}`)
  }
  return field.value
}

/** Repeated whole numbers come in one piece or one by one. */
export function wholesOf(field: Field): number[] {
  if (field.piece === undefined) return [wholeOf(field)]
  const found: number[] = []
  const { file, to } = field.piece
  for (let at = field.piece.from; at < to; ) {
    const [n, next] = readVarint(file, at, to)
    found.push(n)
    at = next
  }
  return found
}

/** The fields of a message in their order. */
export function fieldsOf({ file, from, to }: Piece): Field[] {
  const found: Field[] = []
  let at = from
  while (at < to) {
    if (found.length === FIELDS_MAX) throw new WireFault("corrupt", at, `more than ${FIELDS_MAX} fields in one message`)
    const start = at
    const [head, next] = readVarint(file, at, to)
    const number = Math.floor(head / 8)
    if (number < 1) throw new WireFault("corrupt", start, "field 0")
    at = next
    const wire = head % 8
    if (wire === VARINT) {
      const [value, after] = readVarint(file, at, to)
      found.push({ number, at: start, value, piece: undefined })
      at = after
      continue
    }
    let length = wire === FIXED64 ? 8 : wire === FIXED32 ? 4 : 0
    if (wire === BYTES) [length, at] = readVarint(file, at, to)
    else if (length === 0) throw new WireFault("corrupt", start, `wire type ${wire}`)
    if (length > to - at) {
      // Past the end of the file it is cut off; past the end of its message it is wrong.
      const reason = at + length > file.length ? "truncated" : "corrupt"
      throw new WireFault(reason, start, `${length} bytes announced, ${to - at} there`)
    }
    found.push({ number, at: start, value: Number.NaN, piece: { file, from: at, to: at + length } })
    at += length
  }
  return found
}

function readVarint(file: Uint8Array, from: number, to: number): [number, number] {
  let value = 0
  let scale = 1
  for (let at = from; at < to; at++) {
    const byte = file[at]!
    value += (byte & 127) * scale
    if (byte < 128) return [value, at + 1]
    scale *= 128
    if (at - from >= 9) throw new WireFault("corrupt", from, "a number of more than 10 bytes")
  }
  throw new WireFault(to === file.length ? "truncated" : "corrupt", from, "a number without its end")
}
