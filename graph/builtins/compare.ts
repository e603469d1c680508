/**
 * Equality and order of values as expressions see them. `==` is deep and follows IEEE for numbers (0 equals −0, NaN
 * equals nothing), unlike the identity of values (`sameValue`), which compares canonical bytes.
 */
import { kindOf } from "../literal.ts"
import { sameParts } from "../value/model.ts"
import { compareKeys, Tensor, type Value } from "../value.ts"

const numeric = (v: Value): v is number | bigint => typeof v === "number" || typeof v === "bigint"

/** `==`: values of different kinds are not equal, a number and an int64 are when they are the same number. */
export function equal(a: Value, b: Value): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: between number and bigint this is the exact comparison, === is not
  if (numeric(a)) return numeric(b) && a == b
  if (a === b) return true
  return sameParts(a, b, equal)
}

/** Kinds that have an order: numbers with int64s, texts by code point, booleans, bytes. */
export function comparable(a: Value, b: Value): boolean {
  if (numeric(a)) return numeric(b)
  return kindOf(a) === kindOf(b) && (typeof a === "string" || typeof a === "boolean" || a instanceof Uint8Array)
}

/** `a < b` for comparable values; false where a NaN takes part. */
export function less(a: Value, b: Value): boolean {
  if (typeof a === "string") return compareKeys(a, b as string) < 0
  if (a instanceof Uint8Array) return compareBytes(a, b as Uint8Array) < 0
  return (a as number) < (b as number)
}

/** A total order of comparable values for sorting: as `less`, with NaN after every other number. */
export function order(a: Value, b: Value): number {
  if (less(a, b)) return -1
  if (less(b, a)) return 1
  return Number(isNaNumber(a)) - Number(isNaNumber(b))
}
const isNaNumber = (v: Value) => typeof v === "number" && Number.isNaN(v)

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/**
 * A text that two values share exactly when `distinct` takes them for one: as `==`, but NaN equals NaN, so that a list
 * of distinct values is one in linear time.
 */
export function keyOf(v: Value): string {
  switch (typeof v) {
    case "number":
      return v === 0 ? "0" : Number.isSafeInteger(v) ? String(v) : `${v}f`
    case "bigint":
      return Number.isSafeInteger(Number(v)) ? String(v) : BigInt(Number(v)) === v ? `${Number(v)}f` : `${v}`
    case "string":
      return JSON.stringify(v)
    case "boolean":
      return String(v)
  }
  if (v === null) return "null"
  if (v instanceof Uint8Array) return `b(${Array.from(v).join()})`
  if (v instanceof Tensor) return `t(${v.dtype},${v.shape.join()},${Array.from(v.data).join()})`
  if (Array.isArray(v)) return `[${v.map(keyOf).join()}]`
  const record = v as { [k: string]: Value }
  const keys = Object.keys(record).sort(compareKeys)
  return `{${keys.map((k) => `${JSON.stringify(k)}:${keyOf(record[k]!)}`).join()}}`
}
