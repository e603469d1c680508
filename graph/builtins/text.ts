/**
 * Functions on text and bytes. Positions and lengths count code points. Nothing here depends on a locale, and patterns
 * run in an RE2 engine in linear time, because a backtracking one can be made to run for years by 30 characters.
 */
import { fail } from "../failure.ts"
import { base64, jsonText, readJson } from "../json.ts"
import { show } from "../literal.ts"
import { T } from "../type.ts"
import { hex, sha256, Tensor, unhex, type Value } from "../value.ts"
import { patternOf } from "./pattern.ts"
import { type Entry, failing, LIST, MAP, mismatch, over, STRINGS, TEXT_MAX, tooLarge } from "./signature.ts"

const texts = (name: string, args: readonly Value[], n: number): string[] => {
  if (args.length !== n || args.some((a) => typeof a !== "string")) throw mismatch(name, args)
  return args as string[]
}
const within = (name: string, text: string): string => {
  if (text.length > TEXT_MAX) throw tooLarge(name, "a text", TEXT_MAX, text.length)
  return text
}
// Searching for what does not belong never backtracks, whatever the length.
const NOT_ASCII = /[^\0-\x7f]/
/** Code points as texts; one per UTF-16 unit where there is no surrogate pair. */
const points = (s: string): string[] => (NOT_ASCII.test(s) ? Array.from(s) : s.split(""))

/** The text of a value inside a text: scalars plainly, lists and records as JSON. Bytes and tensors have none. */
export function textOf(v: Value): string {
  switch (typeof v) {
    case "string":
      return v
    case "number":
      return Object.is(v, -0) ? "0" : String(v)
    case "bigint":
    case "boolean":
      return String(v)
  }
  if (v === null) return "null"
  if (v instanceof Uint8Array || v instanceof Tensor) throw mismatch("string", [v])
  return jsonText(v)
}

const TEXTUAL = [T.string, T.number, T.int64, T.boolean] as const
const one = (name: string, run: (s: string) => Value): Entry["apply"] => {
  return (args) => run(texts(name, args, 1)[0]!)
}
const pair = (name: string, run: (a: string, b: string) => Value): Entry["apply"] => {
  return (args) => {
    const [a, b] = texts(name, args, 2)
    return run(a!, b!)
  }
}
const upper = (s: string) => s.replace(/[a-z]+/g, (w) => w.toUpperCase())
const lower = (s: string) => s.replace(/[A-Z]+/g, (w) => w.toLowerCase())
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const isBase64 = (s: string) => s.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(s.replace(/={1,2}$/, ""))

export const TEXT: { readonly [name: string]: Entry } = {
  contains: {
    overloads: [over([T.string, T.string], T.boolean)],
    method: true,
    linear: true,
    apply: pair("contains", (a, b) => a.includes(b)),
  },
  startsWith: {
    overloads: [over([T.string, T.string], T.boolean)],
    method: true,
    apply: pair("startsWith", (a, b) => a.startsWith(b)),
  },
  endsWith: {
    overloads: [over([T.string, T.string], T.boolean)],
    method: true,
    apply: pair("endsWith", (a, b) => a.endsWith(b)),
  },
  matches: {
    overloads: [over([T.string, T.string], T.boolean)],
    method: true,
    weight: 8,
    linear: true,
    apply: pair("matches", (s, p) => patternOf(p).first(s) !== null),
  },
  find: {
    overloads: [over([T.string, T.string], T.union(T.string, T.null))],
    method: true,
    weight: 8,
    linear: true,
    apply: pair("find", (s, p) => patternOf(p).first(s)),
  },
  split: {
    overloads: [over([T.string, T.string], STRINGS)],
    method: true,
    linear: true,
    apply: pair("split", (s, by) => (by === "" ? points(s) : s.split(by))),
  },
  join: {
    overloads: [over([T.list(T.union(...TEXTUAL))], T.string), over([T.list(T.union(...TEXTUAL)), T.string], T.string)],
    method: true,
    linear: true,
    apply: (args) => {
      const [xs, by = ""] = args
      if (!Array.isArray(xs) || typeof by !== "string" || args.length > 2) throw mismatch("join", args)
      if (xs.some((x) => typeof x === "object")) throw mismatch("join", args)
      const all = xs.map(textOf)
      const length = all.reduce((n, s) => n + s.length + by.length, 0)
      if (length > TEXT_MAX) throw tooLarge("join", "a text", TEXT_MAX, length)
      return all.join(by)
    },
  },
  replace: {
    overloads: [over([T.string, T.string, T.string], T.string)],
    method: true,
    linear: true,
    apply: (args) => {
      const [s, from, to] = texts("replace", args, 3) as [string, string, string]
      const pieces = from === "" ? ["", ...points(s), ""] : s.split(from)
      const length = s.length + (pieces.length - 1) * (to.length - from.length)
      if (length > TEXT_MAX) throw tooLarge("replace", "a text", TEXT_MAX, length)
      return pieces.join(to)
    },
  },
  trim: {
    overloads: [over([T.string], T.string)],
    method: true,
    linear: true,
    apply: one("trim", (s) => s.trim()),
  },
  lowerAscii: {
    overloads: [over([T.string], T.string)],
    method: true,
    linear: true,
    apply: one("lowerAscii", lower),
  },
  upperAscii: {
    overloads: [over([T.string], T.string)],
    method: true,
    linear: true,
    apply: one("upperAscii", upper),
  },
  substring: {
    overloads: [over([T.string, T.number], T.string), over([T.string, T.number, T.number], T.string)],
    method: true,
    linear: true,
    apply: (args) => {
      const [s, from, to] = args
      if (typeof s !== "string" || typeof from !== "number" || args.length > 3) throw mismatch("substring", args)
      if (to !== undefined && typeof to !== "number") throw mismatch("substring", args)
      return NOT_ASCII.test(s) ? points(s).slice(from, to).join("") : s.slice(from, to)
    },
  },
  fixed: {
    overloads: [failing([T.number, T.number], T.string)],
    method: true,
    apply: (args) => {
      const [x, digits] = args
      if (typeof x !== "number" || typeof digits !== "number" || args.length !== 2) throw mismatch("fixed", args)
      if (!Number.isInteger(digits) || digits < 0 || digits > 15) {
        throw fail("OutOfRange", `Cannot compute fixed(${x}, ${digits}): digits are a whole number from 0 to 15`)
      }
      return x.toFixed(digits)
    },
  },
  string: {
    overloads: [
      over([T.union(...TEXTUAL, T.null)], T.string),
      failing([T.union(...TEXTUAL, T.null, LIST, MAP)], T.string),
    ],
    linear: true,
    apply: (args) => {
      if (args.length !== 1) throw mismatch("string", args)
      return within("string", textOf(args[0]!))
    },
  },
  number: {
    overloads: [
      over([T.union(T.int64, T.number)], T.number),
      failing([T.union(T.string, T.int64, T.number)], T.number),
    ],
    apply: (args) => {
      const [x] = args
      if (args.length !== 1) throw mismatch("number", args)
      if (typeof x === "number") return x
      if (typeof x === "bigint") return Number(x)
      if (typeof x !== "string") throw mismatch("number", args)
      if (x.length > 400 || !NUMBER.test(x.trim()))
        throw fail("BadNumber", `Cannot read ${show(x)} as a number: want decimal digits`)
      return Number(x.trim())
    },
  },
  int64: {
    overloads: [over([T.int64], T.int64), failing([T.union(T.string, T.int64, T.number)], T.int64)],
    apply: (args) => {
      const [x] = args
      if (args.length !== 1 || (typeof x !== "number" && typeof x !== "bigint" && typeof x !== "string")) {
        throw mismatch("int64", args)
      }
      const whole =
        typeof x === "string" ? /^[+-]?\d{1,40}$/.test(x.trim()) : typeof x === "bigint" || Number.isInteger(x)
      if (!whole) throw fail("BadNumber", `Cannot read ${show(x)} as an int64: want a whole number`)
      const n = BigInt(typeof x === "string" ? x.trim().replace(/^\+/, "") : x)
      if (n < -0x8000000000000000n || n > 0x7fffffffffffffffn) {
        throw fail("Overflow", `Cannot compute int64(${show(x)}): it lies outside −2^63 to 2^63−1`)
      }
      return n
    },
  },
  bool: {
    overloads: [over([T.boolean], T.boolean), failing([T.union(T.string, T.boolean)], T.boolean)],
    apply: (args) => {
      const [x] = args
      if (args.length !== 1) throw mismatch("bool", args)
      if (typeof x === "boolean") return x
      if (typeof x !== "string") throw mismatch("bool", args)
      if (x !== "true" && x !== "false") throw fail("BadBoolean", `Cannot read ${show(x)}: want "true" or "false"`)
      return x === "true"
    },
  },
  bytes: {
    overloads: [over([T.union(T.string, T.bytes)], T.bytes)],
    linear: true,
    apply: (args) => {
      const [x] = args
      if (args.length === 1 && x instanceof Uint8Array) return x
      return utf8.encode(texts("bytes", args, 1)[0]!)
    },
  },
  utf8: {
    overloads: [failing([T.bytes], T.string)],
    linear: true,
    apply: (args) => {
      const [b] = args
      if (!(b instanceof Uint8Array) || args.length !== 1) throw mismatch("utf8", args)
      try {
        return fromUtf8.decode(b)
      } catch (cause) {
        throw fail("BadText", `Cannot read ${b.length} bytes as text: they are not UTF-8`, { cause })
      }
    },
  },
  base64: {
    overloads: [over([T.union(T.bytes, T.string)], T.string)],
    linear: true,
    apply: (args) => {
      const [x] = args
      if (args.length !== 1 || !(typeof x === "string" || x instanceof Uint8Array)) throw mismatch("base64", args)
      return base64(typeof x === "string" ? utf8.encode(x) : x)
    },
  },
  unbase64: {
    overloads: [failing([T.string], T.bytes)],
    linear: true,
    apply: one("unbase64", (s) => {
      if (!isBase64(s)) throw fail("BadText", `Cannot read ${show(s)} as base64`)
      return Uint8Array.from(atob(s), (c) => c.charCodeAt(0))
    }),
  },
  hex: {
    overloads: [over([T.bytes], T.string)],
    linear: true,
    apply: (args) => {
      const [b] = args
      if (!(b instanceof Uint8Array) || args.length !== 1) throw mismatch("hex", args)
      return hex(b)
    },
  },
  unhex: {
    overloads: [failing([T.string], T.bytes)],
    linear: true,
    apply: one("unhex", (s) => {
      if (s.length % 2 !== 0 || /[^0-9a-fA-F]/.test(s))
        throw fail("BadText", `Cannot read ${show(s)} as hexadecimal digits`)
      return unhex(s)
    }),
  },
  sha256: {
    overloads: [over([T.union(T.bytes, T.string)], T.string)],
    weight: 50,
    linear: true,
    apply: (args) => {
      const [x] = args
      if (args.length !== 1 || !(typeof x === "string" || x instanceof Uint8Array)) throw mismatch("sha256", args)
      return hex(sha256(typeof x === "string" ? utf8.encode(x) : x))
    },
  },
  json: {
    overloads: [failing([T.string], T.unknown)],
    weight: 4,
    linear: true,
    apply: one("json", readJson),
  },
  toJson: {
    overloads: [failing([T.unknown], T.string)],
    weight: 4,
    linear: true,
    apply: (args) => {
      if (args.length !== 1) throw mismatch("toJson", args)
      return within("toJson", jsonText(args[0]!))
    },
  },
}
