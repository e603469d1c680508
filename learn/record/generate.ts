/**
 * Inputs to ask a tool with, drawn from a seed: from the type of a port, or from the tool's own JSON Schema, whose bounds,
 * words and formats a type does not know. The same seed gives the same inputs on every host; awkward values come early and
 * often, and everything that is drawn fits the schema it was drawn from.
 */

import { Draw } from "../../gate/mod.ts"
import { isRecord, type Rec, sha256, T, type Type, type Value } from "../../graph/mod.ts"
import { learnError } from "../errors.ts"
import { drawText } from "./text.ts"

/** The draw of a seed in words. */
export const drawOf = (seed: string): Draw => new Draw(sha256(new TextEncoder().encode(seed)))

/**
 * Inputs of a record type, without end. A number is of every size, also awkward; half of the runs keep to ordinary ones,
 * which most tools are asked with. Fails with `LearnError` (`schema`) where the type has a part that nothing can be drawn for.
 */
export function* inputsOfType(type: Type, seed: string): Generator<Value> {
  const draw = drawOf(seed)
  for (;;) yield ordinary(draw, type, draw.below(2) === 0)
}

/** Like `Draw.value`, with JSON's numbers only and every field that is not optional. */
function ordinary(draw: Draw, type: Type, plain: boolean): Value {
  switch (type.kind) {
    case "number":
      return plain ? plainNumber(draw) : finite(draw)
    case "string":
      return plain ? drawText(draw, 0, 12) : draw.text()
    case "record": {
      const out: { [name: string]: Value } = {}
      for (const [name, field] of Object.entries(type.fields)) {
        const absent = (field.optional === true || field.default !== undefined) && draw.below(2) === 0
        if (!absent) out[name] = ordinary(draw, field.type, plain)
        else if (field.default !== undefined) out[name] = field.default
      }
      return out
    }
    case "list":
      return Array.from({ length: draw.count() }, () => ordinary(draw, type.of, plain))
    case "union":
      return ordinary(draw, draw.pick(type.of), plain)
    case "stream":
    case "never":
      throw learnError("schema", `Cannot draw inputs of type ${type.kind}: nothing of it can be written down`)
    default:
      return draw.value(type)
  }
}

const finite = (draw: Draw): number => {
  for (;;) {
    const x = draw.number()
    if (Number.isFinite(x)) return x
  }
}
/** Numbers as people write them: whole, of few digits, or with decimals. */
const plainNumber = (draw: Draw): number => {
  const size = draw.pick([10, 100, 1_000, 10_000, 100_000, 1_000_000])
  const whole = draw.between(-size, size)
  return draw.below(2) === 0 ? whole : whole / draw.pick([2, 4, 10, 100])
}

const LEVELS_MAX = 12
/** Draws of one value before its schema counts as one that nothing fits. */
const TRIES = 64

/**
 * Inputs that a JSON Schema allows, without end. Fails with `LearnError` (`schema`) for one that nothing was found to fit:
 * contradictory bounds, `not`, a pattern that is not understood.
 */
export function* inputsOfSchema(schema: unknown, seed: string): Generator<Value> {
  const draw = drawOf(seed)
  const drawer = new SchemaDraw(schema, draw)
  for (;;) yield drawer.value(schema, 0, "the input")
}

class SchemaDraw {
  readonly #root: unknown
  readonly #draw: Draw

  constructor(root: unknown, draw: Draw) {
    this.#root = root
    this.#draw = draw
  }

  value(given: unknown, depth: number, at: string): Value {
    const draw = this.#draw
    if (given === true || given === undefined) return draw.value(T.union(T.number, T.string, T.boolean, T.null))
    const s = this.#resolved(given, at)
    if (depth > LEVELS_MAX) throw nothing(at, `it is nested deeper than ${LEVELS_MAX} levels`)
    if (Object.hasOwn(s, "const")) return s["const"]!
    if (Array.isArray(s["enum"])) {
      if (s["enum"].length === 0) throw nothing(at, "its `enum` is empty")
      return draw.pick(s["enum"] as readonly Value[])
    }
    for (const key of ["oneOf", "anyOf"] as const) {
      const sides = s[key]
      if (!Array.isArray(sides) || sides.length === 0) continue
      const { [key]: _, ...rest } = s
      return this.value(merged([rest, this.#resolved(draw.pick(sides as readonly Value[]), at)]), depth + 1, at)
    }
    const types = s["type"]
    const type = Array.isArray(types) ? draw.pick(types as readonly Value[]) : (types ?? implied(s))
    switch (type) {
      case "null":
        return null
      case "boolean":
        return draw.below(2) === 0
      case "integer":
        return this.#number(s, true, at)
      case "number":
        return this.#number(s, false, at)
      case "string":
        return this.#text(s, at)
      case "array":
        return this.#list(s, depth, at)
      case "object":
        return this.#record(s, depth, at)
      case undefined:
        return draw.value(T.union(T.number, T.string, T.boolean, T.null))
      default:
        throw nothing(at, `type ${JSON.stringify(type)} is not known`)
    }
  }

  /** A schema with its `$ref` followed and its `allOf` taken together. */
  #resolved(given: unknown, at: string, refs: readonly string[] = []): Rec {
    if (given === true) return {}
    if (!isRecord(given)) throw nothing(at, `a schema must be an object, found ${JSON.stringify(given) ?? "nothing"}`)
    if (isRecord(given["not"]) && Object.keys(given["not"]).length === 0) throw nothing(at, "it says `not: {}`")
    const parts: Rec[] = []
    const { $ref: ref, allOf, ...own } = given
    if (typeof ref === "string") {
      if (refs.includes(ref)) throw nothing(at, `${ref} refers to itself`)
      parts.push(this.#resolved(this.#pointed(ref, at), at, [...refs, ref]))
    }
    if (Array.isArray(allOf)) for (const part of allOf as readonly Value[]) parts.push(this.#resolved(part, at, refs))
    return parts.length === 0 ? own : merged([...parts, own])
  }

  #pointed(ref: string, at: string): unknown {
    let found: unknown = ref.startsWith("#") ? this.#root : undefined
    for (const part of ref.slice(1).split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~")
      found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined
    }
    if (found === undefined) throw nothing(at, `${ref} is not in the schema`)
    return found
  }

  #number(s: Rec, whole: boolean, at: string): number {
    const draw = this.#draw
    const bound = (key: string): number | undefined => (typeof s[key] === "number" ? s[key] : undefined)
    const [above, below] = [bound("exclusiveMinimum"), bound("exclusiveMaximum")]
    const step = bound("multipleOf") ?? (whole ? 1 : undefined)
    const inside = (x: number): boolean =>
      x >= (bound("minimum") ?? -Infinity) &&
      x <= (bound("maximum") ?? Infinity) &&
      x > (above ?? -Infinity) &&
      x < (below ?? Infinity) &&
      (!whole || Number.isInteger(x)) &&
      (step === undefined || Number.isInteger(x / step))
    const least = bound("minimum") ?? above
    const most = bound("maximum") ?? below
    const from = least ?? (most === undefined ? undefined : most - 2_000_000)
    const to = most ?? (least === undefined ? undefined : least + 2_000_000)
    for (let i = 0; i < TRIES; i++) {
      const edge = draw.below(8) === 0
      let x: number
      if (from === undefined || to === undefined) x = edge ? draw.pick([0, 1, -1]) : plainNumber(draw)
      else if (edge) x = draw.pick([from, to, 0])
      else x = from + draw.unit() * (to - from)
      if (step !== undefined) x = Math.round(x / step) * step
      else if (draw.below(2) === 0) x = Math.round(x * 100) / 100
      if (Object.is(x, -0)) x = 0
      if (inside(x)) return x
    }
    throw nothing(at, "no number was found between its bounds")
  }

  #text(s: Rec, at: string): string {
    const draw = this.#draw
    const least = typeof s["minLength"] === "number" ? s["minLength"] : 0
    const most = typeof s["maxLength"] === "number" ? s["maxLength"] : Math.max(least, 16)
    if (least > most) throw nothing(at, `minLength ${least} is greater than maxLength ${most}`)
    const { format, pattern } = s
    if (typeof format === "string" && pattern === undefined) {
      const formed = FORMATS[format]?.(draw)
      if (formed !== undefined && lengthOf(formed) >= least && lengthOf(formed) <= most) return formed
    }
    if (typeof pattern !== "string")
      return draw.below(4) === 0 ? fitted(draw.text(most), draw, least) : drawText(draw, least, most)
    const fits = patternOf(pattern)
    for (let i = 0; i < TRIES && fits !== undefined; i++) {
      const text = fromPattern(pattern, draw) ?? drawText(draw, least, most)
      if (lengthOf(text) >= least && lengthOf(text) <= most && fits.test(text)) return text
    }
    throw nothing(at, `no text was found for the pattern ${JSON.stringify(pattern)}`)
  }

  #list(s: Rec, depth: number, at: string): Value {
    const draw = this.#draw
    const fixed = Array.isArray(s["prefixItems"]) ? s["prefixItems"] : Array.isArray(s["items"]) ? s["items"] : []
    const more = Array.isArray(s["items"]) ? s["additionalItems"] : s["items"]
    const least = Math.max(typeof s["minItems"] === "number" ? s["minItems"] : 0, fixed.length)
    const most = typeof s["maxItems"] === "number" ? s["maxItems"] : Math.max(least, least + draw.count())
    if (least > most) throw nothing(at, `it wants ${least} items and at most ${most}`)
    const length =
      more === false ? fixed.length : least + (most > least ? draw.below(Math.min(most - least, 8) + 1) : 0)
    const out: Value[] = []
    const seen = new Set<string>()
    for (let i = 0; out.length < length; i++) {
      const item = this.value(fixed[out.length] ?? more, depth + 1, `${at}[${out.length}]`)
      if (s["uniqueItems"] === true) {
        const key = JSON.stringify(item)
        if (seen.has(key)) {
          if (i > TRIES + length) throw nothing(at, "not enough different items were found")
          continue
        }
        seen.add(key)
      }
      out.push(item)
    }
    return out
  }

  #record(s: Rec, depth: number, at: string): Value {
    const draw = this.#draw
    const properties = isRecord(s["properties"]) ? s["properties"] : {}
    const required = Array.isArray(s["required"]) ? s["required"].filter((n): n is string => typeof n === "string") : []
    const out: { [name: string]: Value } = {}
    for (const name of new Set([...Object.keys(properties), ...required])) {
      if (!required.includes(name) && (depth > 4 || draw.below(2) === 0)) continue
      out[name] = this.value(properties[name], depth + 1, `${at}.${name}`)
    }
    if (Object.keys(properties).length === 0 && isRecord(s["additionalProperties"]) && depth <= 4)
      for (let i = draw.count(); i > 0; i--)
        out[drawText(draw, 1, 8)] = this.value(s["additionalProperties"], depth + 1, `${at}.*`)
    return out
  }
}

const nothing = (at: string, why: string) => learnError("schema", `Cannot draw ${at} from the tool's schema: ${why}`)

/** Without `type` the keywords say what is meant. */
function implied(s: Rec): string | undefined {
  if ("properties" in s || "required" in s || "additionalProperties" in s) return "object"
  if ("items" in s || "prefixItems" in s) return "array"
  if ("minimum" in s || "maximum" in s || "multipleOf" in s) return "number"
  return "minLength" in s || "maxLength" in s || "pattern" in s || "format" in s ? "string" : undefined
}

/** Schemas that all hold, as one: bounds are tightened, fields added up; of what cannot be joined the last counts. */
function merged(parts: readonly Rec[]): Rec {
  const out: { [key: string]: Value } = {}
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) {
      const before = out[key]
      if (key === "required" && Array.isArray(before) && Array.isArray(value)) out[key] = [...before, ...value]
      else if (key === "properties" && isRecord(before) && isRecord(value)) {
        const both: { [name: string]: Value } = { ...before }
        for (const [name, inner] of Object.entries(value)) {
          const known = both[name]
          both[name] = isRecord(known) && isRecord(inner) ? merged([known, inner]) : inner
        }
        out[key] = both
      } else if (typeof before === "number" && typeof value === "number" && /^(min|exclusiveMin)/.test(key))
        out[key] = Math.max(before, value)
      else if (typeof before === "number" && typeof value === "number" && /^(max|exclusiveMax)/.test(key))
        out[key] = Math.min(before, value)
      else out[key] = value
    }
  }
  return out
}

const two = (n: number): string => String(n).padStart(2, "0")
const dateOf = (d: Draw): string => `${d.between(1970, 2099)}-${two(d.between(1, 12))}-${two(d.between(1, 28))}`
const timeOf = (d: Draw): string => `${two(d.below(24))}:${two(d.below(60))}:${two(d.below(60))}`
const hexOf = (d: Draw, n: number): string => Array.from({ length: n }, () => d.below(16).toString(16)).join("")
const word = (d: Draw): string =>
  Array.from({ length: d.between(3, 9) }, () => String.fromCharCode(97 + d.below(26))).join("")
const FORMATS: { readonly [format: string]: ((draw: Draw) => string) | undefined } = {
  date: dateOf,
  time: (d) => `${timeOf(d)}Z`,
  "date-time": (d) => `${dateOf(d)}T${timeOf(d)}Z`,
  duration: (d) => `PT${d.between(1, 600)}S`,
  email: (d) => `${word(d)}@${word(d)}.example`,
  hostname: (d) => `${word(d)}.example`,
  uri: (d) => `https://${word(d)}.example/${word(d)}`,
  url: (d) => `https://${word(d)}.example/${word(d)}`,
  uuid: (d) => `${hexOf(d, 8)}-${hexOf(d, 4)}-4${hexOf(d, 3)}-a${hexOf(d, 3)}-${hexOf(d, 12)}`,
  ipv4: (d) => `192.0.2.${d.below(256)}`,
  ipv6: (d) => `2001:db8::${hexOf(d, 4)}`,
}

/** Lengths are counted in code points, as JSON Schema has it. */
const lengthOf = (text: string): number => [...text].length
const fitted = (text: string, draw: Draw, least: number): string => {
  const missing = Math.max(0, least - lengthOf(text))
  return text + drawText(draw, missing, missing)
}

function patternOf(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "u")
  } catch {
    return undefined
  }
}

/** Texts of the simplest patterns: `^[A-Z]{3}-\d+$` and the like. Undefined for others, which are tried by chance. */
function fromPattern(pattern: string, draw: Draw): string | undefined {
  const inner = /^\^?(.*?)\$?$/.exec(pattern)?.[1] ?? ""
  const piece = /\\d|\\w|\[([^\]\\^]+)\]|[\w\-/:@ ]|\\[.\-/+]/y
  let at = 0
  let out = ""
  while (at < inner.length) {
    piece.lastIndex = at
    const found = piece.exec(inner)
    if (found === null) return undefined
    at = piece.lastIndex
    const letters = lettersOf(found[0], found[1])
    const times = /(\{(\d+)(,(\d*))?\}|[+*?])/y
    times.lastIndex = at
    const repeat = times.exec(inner)
    if (repeat !== null) at = times.lastIndex
    const [least, most] = repeat === null ? [1, 1] : countsOf(repeat)
    for (let n = draw.between(least, most); n > 0; n--) out += draw.pick(letters)
  }
  return out
}

function countsOf([all, , least, range, most]: RegExpExecArray): [number, number] {
  if (all === "+") return [1, 6]
  if (all === "*") return [0, 6]
  if (all === "?") return [0, 1]
  const n = Number(least)
  return [n, range === undefined ? n : most === "" || most === undefined ? n + 6 : Number(most)]
}

const DIGITS = [..."0123456789"]
const WORDS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"]
function lettersOf(piece: string, set: string | undefined): readonly string[] {
  if (piece === "\\d") return DIGITS
  if (piece === "\\w") return WORDS
  if (set === undefined) return [piece.replace("\\", "")]
  const letters: string[] = []
  for (let i = 0; i < set.length; i++) {
    const [from, to] = [set.charCodeAt(i), set.charCodeAt(i + 2)]
    if (set[i + 1] === "-" && to >= from) {
      for (let c = from; c <= to; c++) letters.push(String.fromCharCode(c))
      i += 2
    } else letters.push(set[i]!)
  }
  return letters
}
