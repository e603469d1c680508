/**
 * JSON in and out of values, exactly: `readJson` keeps whole numbers beyond 2^53 as int64 where JSON.parse would drop
 * digits, `jsonOf` says what a value looks like in JSON and fails where JSON has no word for it. Both are linear and
 * bounded in depth, whoever wrote the text.
 */
import { fail } from "./failure.ts"
import { printString, show } from "./literal.ts"
import { compareKeys, DEPTH_MAX, Tensor, type Value } from "./value.ts"

const bad = (why: string, at: number) =>
  fail("BadJson", `Cannot read JSON at character ${at + 1}: ${why}`, { data: { at } })

export interface ReadJsonOptions {
  /** Refuse an object that has a key twice. RFC 8259 leaves open what that means: for what a person wrote, it is a slip. */
  readonly uniqueKeys?: boolean
}

/**
 * The value of a JSON text. Whole numbers that are no safe integers become bigint where they fit an int64 (beyond that,
 * the nearest float64, as JSON.parse has it). The last of equal keys wins, unless `uniqueKeys` refuses them; the key
 * `__proto__`, nesting beyond `DEPTH_MAX` and numbers beyond float64 are refused.
 * @throws `Failure` with code `BadJson`.
 */
export function readJson(text: string, { uniqueKeys = false }: ReadJsonOptions = {}): Value {
  // Almost every text has none of what JSON.parse gets wrong; one scan finds out.
  if (uniqueKeys || needsCare(text)) return new Reader(text, uniqueKeys).whole()
  try {
    return JSON.parse(text) as Value
  } catch {
    return new Reader(text, false).whole()
  }
}

/** May the text hold a number that JSON.parse would change, the key `__proto__`, a lone surrogate, or deep nesting? */
function needsCare(text: string): boolean {
  if (/\d{16}|[eE]\+?\d{3}|__proto__|\\u|[\ud800-\udfff]/.test(text)) return true
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x5b || c === 0x7b) {
      if (++depth >= DEPTH_MAX) return true
    } else if (c === 0x5d || c === 0x7d) depth--
  }
  return false
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const SPACE = /[ \t\n\r]*/y

class Reader {
  at = 0
  readonly text: string
  readonly uniqueKeys: boolean
  constructor(text: string, uniqueKeys: boolean) {
    this.text = text
    this.uniqueKeys = uniqueKeys
  }

  whole(): Value {
    const v = this.value(0)
    this.skip()
    if (this.at < this.text.length)
      throw bad(`nothing may follow the value, found ${show(this.text[this.at])}`, this.at)
    return v
  }

  skip(): void {
    SPACE.lastIndex = this.at
    SPACE.test(this.text)
    this.at = SPACE.lastIndex
  }

  value(depth: number): Value {
    if (depth > DEPTH_MAX) throw bad(`it is nested deeper than ${DEPTH_MAX} levels`, this.at)
    this.skip()
    switch (this.text[this.at]) {
      case undefined:
        throw bad("the text ends where a value is wanted", this.at)
      case "{":
        return this.record(depth)
      case "[":
        return this.list(depth)
      case '"':
        return this.string()
      case "t":
        return this.word("true", true)
      case "f":
        return this.word("false", false)
      case "n":
        return this.word("null", null)
      default:
        return this.number()
    }
  }

  word(word: string, value: Value): Value {
    if (!this.text.startsWith(word, this.at))
      throw bad(`want a value, found ${show(this.text.slice(this.at, this.at + 8))}`, this.at)
    this.at += word.length
    return value
  }

  string(): string {
    const end = this.stringEnd()
    const raw = this.text.slice(this.at, end)
    let s: string
    try {
      s = JSON.parse(raw) as string
    } catch {
      throw bad("the text in quotes is not a JSON string", this.at)
    }
    this.at = end
    return s.isWellFormed() ? s : s.toWellFormed()
  }

  /** End of the string that begins here: found by hand, for a regular expression would recurse over long ones. */
  stringEnd(): number {
    let i = this.at + 1
    for (; i < this.text.length; i++) {
      const c = this.text.charCodeAt(i)
      if (c === 0x22) return i + 1
      if (c === 0x5c) i++
    }
    throw bad("the quotes are never closed", this.at)
  }

  number(): Value {
    NUMBER.lastIndex = this.at
    const m = NUMBER.exec(this.text)
    if (m === null) throw bad(`want a value, found ${show(this.text.slice(this.at, this.at + 8))}`, this.at)
    const [digits, fraction, exponent] = m
    const n = Number(digits)
    if (!Number.isFinite(n)) throw bad(`${show(digits)} is too large for a number`, this.at)
    this.at += digits.length
    if (fraction !== undefined || exponent !== undefined || Number.isSafeInteger(n) || digits.length > 20) return n
    const exact = BigInt(digits)
    return exact >= -0x8000000000000000n && exact <= 0x7fffffffffffffffn ? exact : n
  }

  list(depth: number): Value {
    const out: Value[] = []
    this.at++
    this.skip()
    if (this.text[this.at] === "]") {
      this.at++
      return out
    }
    while (true) {
      out.push(this.value(depth + 1))
      if (this.separator("]")) return out
    }
  }

  record(depth: number): Value {
    const out: { [key: string]: Value } = {}
    this.at++
    this.skip()
    if (this.text[this.at] === "}") {
      this.at++
      return out
    }
    while (true) {
      this.skip()
      if (this.text[this.at] !== '"')
        throw bad(`want a key in quotes, found ${show(this.text[this.at] ?? "the end")}`, this.at)
      const start = this.at
      const key = this.string()
      if (key === "__proto__") throw bad(`the key "__proto__" is refused`, start)
      if (this.uniqueKeys && Object.hasOwn(out, key)) throw bad(`the key ${show(key)} is written twice`, start)
      this.skip()
      if (this.text[this.at] !== ":")
        throw bad(`want ":" after a key, found ${show(this.text[this.at] ?? "the end")}`, this.at)
      this.at++
      out[key] = this.value(depth + 1)
      if (this.separator("}")) return out
    }
  }

  /** Steps over a comma, or over the closing bracket and says so. */
  separator(close: string): boolean {
    this.skip()
    const c = this.text[this.at]
    if (c !== "," && c !== close) throw bad(`want "," or "${close}", found ${show(c ?? "the end")}`, this.at)
    this.at++
    return c === close
  }
}

export interface JsonOptions {
  /** What NaN and the infinities become; JSON has no word for them. `fail` (the default) is the failure `BadNumber`. */
  readonly nonFinite?: "fail" | "null" | "text"
}

/**
 * The value as JSON has it: an int64 as a number up to 2^53 and as decimal text beyond, bytes as base64
 * text, a tensor as `{ dtype, shape, data }` with base64 data. Record keys come in code-point order.
 * @throws `Failure` `BadNumber` for NaN and infinities (see `JsonOptions`).
 */
export function jsonOf(v: Value, options: JsonOptions = {}): unknown {
  switch (typeof v) {
    case "number":
      if (Number.isFinite(v)) return v
      if (options.nonFinite === "null") return null
      if (options.nonFinite === "text") return String(v)
      throw fail("BadNumber", `Cannot write ${v} as JSON: it has no word for it`)
    case "bigint": {
      const n = Number(v)
      return Number.isSafeInteger(n) ? n : String(v)
    }
    case "string":
    case "boolean":
      return v
  }
  if (v === null) return null
  if (v instanceof Uint8Array) return base64(v)
  if (v instanceof Tensor) return { data: base64(v.data), dtype: v.dtype, shape: [...v.shape] }
  if (Array.isArray(v)) return v.map((x) => jsonOf(x, options))
  const record = v as { readonly [k: string]: Value }
  const out: { [k: string]: unknown } = {}
  for (const k of Object.keys(record).sort(compareKeys)) out[k] = jsonOf(record[k]!, options)
  return out
}

/** The value as compact JSON text: what `jsonOf` says, with keys in code-point order even where they look like numbers. */
export function jsonText(v: Value, options: JsonOptions = {}): string {
  if (typeof v === "string") return printString(v)
  // As JSON.stringify writes it, −0 included.
  if (typeof v === "number" && Number.isFinite(v)) return `${v}`
  if (v === null || typeof v !== "object" || v instanceof Uint8Array || v instanceof Tensor) {
    return JSON.stringify(jsonOf(v, options))
  }
  let text = ""
  if (Array.isArray(v)) {
    for (const x of v as readonly Value[]) text += `${text === "" ? "" : ","}${jsonText(x, options)}`
    return `[${text}]`
  }
  const record = v as { readonly [k: string]: Value }
  for (const k of ordered(Object.keys(record)))
    text += `${text === "" ? "" : ","}${printString(k)}:${jsonText(record[k]!, options)}`
  return `{${text}}`
}

/** Most records are written with their keys in order. */
function ordered(keys: string[]): readonly string[] {
  for (let i = 1; i < keys.length; i++) if (compareKeys(keys[i - 1]!, keys[i]!) > 0) return keys.sort(compareKeys)
  return keys
}

/** Bytes in base64 with padding. */
export function base64(b: Uint8Array): string {
  let s = ""
  for (let i = 0; i < b.length; i += 8192) s += String.fromCharCode(...b.subarray(i, i + 8192))
  return btoa(s)
}
