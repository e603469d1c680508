/**
 * Values as the text that passes between host and guest: JSON, and one-key records for what JSON has no word for
 * (`$n` NaN, infinities and −0, `$i` int64, `$b` bytes, `$t` tensors, `$r` a record with a key that begins with `$`). Nothing but
 * this text crosses: no object of one side is ever seen by the other.
 */
import { DTYPE_BYTES, hex, isRecord, Tensor, unhex, type Value, ValueError } from "../../graph/mod.ts"

/** The text of a value for the guest: `$` before it where something has to be revived, ` ` where JSON says it all. */
export function toGuest(v: Value): string {
  const w: Writing = { marked: false }
  const text = write(v, w)
  return (w.marked ? "$" : " ") + text
}

interface Writing {
  marked: boolean
}

function write(v: Value, w: Writing): string {
  switch (typeof v) {
    case "string":
      return JSON.stringify(v)
    case "number":
      if (Object.is(v, -0) || !Number.isFinite(v))
        return mark(w, "$n", JSON.stringify(Object.is(v, -0) ? "-0" : `${v}`))
      return `${v}`
    case "bigint":
      return mark(w, "$i", `"${v}"`)
    case "boolean":
      return v ? "true" : "false"
  }
  if (v === null) return "null"
  if (Array.isArray(v)) return `[${v.map((x) => write(x, w)).join(",")}]`
  if (v instanceof Uint8Array) return mark(w, "$b", `"${hex(v)}"`)
  if (v instanceof Tensor) return mark(w, "$t", `["${v.dtype}",[${v.shape.join(",")}],"${hex(v.data)}"]`)
  if (!isRecord(v)) throw notAValue("what is passed to a program", v)
  const names = Object.keys(v)
  const text = `{${names.map((k) => `${JSON.stringify(k)}:${write(v[k]!, w)}`).join(",")}}`
  return names.some((k) => k.startsWith("$")) ? mark(w, "$r", text) : text
}

function mark(w: Writing, key: string, text: string): string {
  w.marked = true
  return `{"${key}":${text}}`
}

/** The value of a guest's answer. Throws `ValueError` where the text is none: the guest writes it, so it is not believed. */
export function fromGuest(text: string): Value {
  try {
    return revive(JSON.parse(text))
  } catch (cause) {
    if (cause instanceof ValueError) throw cause
    throw new ValueError({
      reason: "undecodable",
      message: "Cannot read the answer of a program: it is no JSON",
      cause,
    })
  }
}

function revive(v: unknown): Value {
  if (typeof v === "string") return v.toWellFormed()
  if (typeof v !== "object" || v === null) return v as Value
  if (Array.isArray(v)) return v.map(revive)
  const names = Object.keys(v)
  const only = names.length === 1 ? names[0]! : ""
  const inside = (v as { readonly [k: string]: unknown })[only]
  switch (only) {
    case "$n":
      return number(inside)
    case "$i":
      return int64(inside)
    case "$b":
      return bytes(inside)
    case "$t":
      return tensor(inside)
    case "$r":
      return fields(inside)
    default:
      return fields(v)
  }
}

function fields(v: unknown): Value {
  if (typeof v !== "object" || v === null || Array.isArray(v)) throw notAValue("a record", v)
  const entries = Object.entries(v)
  if (entries.some(([k]) => k === "__proto__")) throw notAValue("a record without the key __proto__", v)
  return Object.fromEntries(entries.map(([k, x]) => [k.toWellFormed(), revive(x)]))
}

const NUMBERS = new Map([
  ["NaN", Number.NaN],
  ["-0", -0],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
])
function number(v: unknown): number {
  const n = typeof v === "string" ? NUMBERS.get(v) : undefined
  if (n === undefined) throw notAValue("a number", v)
  return n
}

function int64(v: unknown): bigint {
  if (typeof v !== "string" || !/^-?\d{1,19}$/.test(v)) throw notAValue("an int64", v)
  const n = BigInt(v)
  if (n !== BigInt.asIntN(64, n)) throw notAValue("an int64", v)
  return n
}

function bytes(v: unknown): Uint8Array {
  if (typeof v !== "string" || !/^(?:[0-9a-f]{2})*$/.test(v)) throw notAValue("bytes", v)
  return unhex(v)
}

function tensor(v: unknown): Tensor {
  if (!Array.isArray(v) || v.length !== 3) throw notAValue("a tensor", v)
  const [dtype, shape, data] = v as readonly unknown[]
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BYTES, dtype) || !Array.isArray(shape))
    throw notAValue("a tensor", v)
  return new Tensor(dtype as Tensor["dtype"], shape as number[], bytes(data))
}

const notAValue = (want: string, found: unknown): ValueError =>
  new ValueError({
    reason: "undecodable",
    message: `Cannot pass a value between host and program: want ${want}, found ${typeof found}`,
  })
