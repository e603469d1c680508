/**
 * Values as text: `printLiteral` writes a value as the CEL literal that reads back as the same value, `show` writes a
 * short piece of any JavaScript value for a message. Both the type notation and the expression printer use them.
 */
import { compareKeys, isRecord, Tensor, type Value } from "./value.ts"

/** Names that can stand behind a dot in CEL; other field names are written `["…"]`. */
export const isPlainName = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== "true" && name !== "false" && name !== "null" && name !== "in"

/** A string in double quotes with CEL's escapes. Half a surrogate pair has no UTF-8 form and becomes U+FFFD. */
export const printString = (s: string): string => (isBare(s) ? `"${s}"` : JSON.stringify(s.toWellFormed()))

/** Nothing in it has to be escaped or mended, seen at a glance: most keys, names and hashes. */
function isBare(s: string): boolean {
  if (s.length > 64) return false
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i)
    if (c < 0x20 || c === 0x22 || c === 0x5c || c >= 0xd800) return false
  }
  return true
}

/** A number as CEL reads it back: unsafe integers keep a point, for a bare one would be refused as losing digits. */
export function printNumber(n: number): string {
  if (Object.is(n, -0)) return "-0"
  const text = String(n)
  return Number.isInteger(n) && !Number.isSafeInteger(n) && !text.includes("e") ? `${text}.0` : text
}

const byte = (b: number): string =>
  b >= 0x20 && b < 0x7f && b !== 0x22 && b !== 0x5c ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, "0")}`

/** A value as a CEL literal. Record keys come in code-point order, so equal values print alike. */
export function printLiteral(v: Value): string {
  switch (typeof v) {
    case "number":
      return printNumber(v)
    case "bigint":
      return `int64(${v})`
    case "string":
      return printString(v)
    case "boolean":
      return String(v)
  }
  if (v === null) return "null"
  if (v instanceof Uint8Array) return `b"${Array.from(v, byte).join("")}"`
  if (v instanceof Tensor) return `tensor("${v.dtype}", [${v.shape.join(", ")}], ${printLiteral(v.data)})`
  if (Array.isArray(v)) return `[${v.map(printLiteral).join(", ")}]`
  const fields = Object.entries(v as { [k: string]: Value }).sort(([a], [b]) => compareKeys(a, b))
  return `{${fields.map(([k, x]) => `${printString(k)}: ${printLiteral(x)}`).join(", ")}}`
}

/** A short text of any value for a message, cut after `max` characters; work is bounded by `max` too. */
export function show(v: unknown, max = 80): string {
  const text = piece(v, max)
  return text.length > max ? `${text.slice(0, max - 1).toWellFormed()}…` : text
}

/** Records of more fields are not written out: sorting them all would cost more than a message is worth. */
const KEYS_SHOWN_MAX = 1_000

function piece(v: unknown, room: number): string {
  if (room <= 0) return ""
  if (typeof v === "string") return printString(v.slice(0, room + 1))
  if (typeof v === "bigint") return String(v)
  if (typeof v === "number") return printNumber(v)
  if (typeof v === "function") return "a function"
  if (typeof v === "symbol") return "a symbol"
  if (v === null || typeof v !== "object") return String(v)
  if (v instanceof Uint8Array) return `${v.length} bytes`
  if (v instanceof Tensor) return `tensor<${v.dtype}>[${v.shape.join(", ")}]`
  if (v instanceof Date) return "a Date"
  if (Array.isArray(v)) {
    let out = "["
    for (let i = 0; i < v.length && out.length <= room; i++)
      out += `${i > 0 ? ", " : ""}${piece(v[i], room - out.length)}`
    return `${out}]`
  }
  if (!isRecord(v)) return "an object"
  // In canonical order, so that a value says the same of itself when it comes back from its bytes.
  const keys = Object.keys(v)
  if (keys.length > KEYS_SHOWN_MAX) return `a record of ${keys.length} fields`
  let out = "{"
  for (const key of keys.sort(compareKeys)) {
    if (out.length > room) break
    out += `${out === "{" ? "" : ", "}${isPlainName(key) ? key : printString(key.slice(0, room))}: ${piece(v[key], room - out.length)}`
  }
  return `${out}}`
}

/** What kind of thing a JavaScript value is, in the words of type notation. */
export function kindOf(v: unknown): string {
  if (v === null) return "null"
  if (typeof v === "bigint") return "int64"
  if (typeof v !== "object") return typeof v
  if (v instanceof Uint8Array) return "bytes"
  if (v instanceof Tensor) return "tensor"
  if (Array.isArray(v)) return "list"
  return isRecord(v) ? "record" : "object"
}
