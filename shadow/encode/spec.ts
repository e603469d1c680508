/**
 * The description of an encoding: plain JSON that is written into a model's metadata and says all that there is to say.
 * It is checked before anything is built from it, for a model file may come from anybody.
 */
import { type EncodingRefused, placeText, refused } from "./refused.ts"

/** Version of the descriptions. A model of another one has to be trained again. */
export const SPEC_FORM = 1

export interface Spec {
  readonly form: typeof SPEC_FORM
  readonly of: PartSpec
}

/** Which digits a time has: those of its calendar fields, of the count since the start of its first year, or both. */
export type By = "fields" | "count" | "both"

export type PartSpec =
  | { readonly as: "null" }
  | { readonly as: "boolean" }
  /** 13 digits of the fraction, low ones first, the sign, 3 digits of the exponent. */
  | { readonly as: "float64" }
  /** Whole numbers from `min` to `max`, in decimal text; numbers with `decimals` places are counted in units of the last one. */
  | {
      readonly as: "integer"
      readonly min: string
      readonly max: string
      readonly decimals: number
      readonly of: "number" | "int64"
    }
  | { readonly as: "word"; readonly words: readonly string[] }
  /** Code points: of the alphabet (one digit each), or all below a number (its nibbles). */
  | {
      readonly as: "text"
      readonly min: number
      readonly max: number
      readonly alphabet?: string
      readonly below?: number
    }
  | { readonly as: "bytes"; readonly min: number; readonly max: number }
  | { readonly as: "list"; readonly min: number; readonly max: number; readonly of: PartSpec }
  | { readonly as: "record"; readonly fields: readonly FieldSpec[] }
  | { readonly as: "map"; readonly keys: readonly string[]; readonly of: PartSpec }
  | { readonly as: "union"; readonly of: readonly PartSpec[] }
  /** `YYYY-MM-DD`. */
  | { readonly as: "date"; readonly years: readonly [number, number]; readonly by: By }
  /** `HH:MM:SS`, with so many digits of a fraction, and a zone. */
  | {
      readonly as: "time"
      readonly fraction: readonly [number, number]
      readonly zone: Zone
    }
  /** A date and a time with a `T` between them. */
  | {
      readonly as: "date-time"
      readonly years: readonly [number, number]
      readonly by: By
      readonly fraction: readonly [number, number]
      readonly zone: Zone
    }
  /** Whole seconds or milliseconds since 1970, as the calendar of UTC. */
  | { readonly as: "epoch"; readonly unit: "s" | "ms"; readonly years: readonly [number, number]; readonly by: By }

/** `Z` always, never one, or any of `Z`, `±HH:MM` and none. */
export type Zone = "Z" | "none" | "any"

export interface FieldSpec {
  readonly name: string
  readonly of: PartSpec
  readonly optional: boolean
}

/** Items, characters or bytes of one value, and members of a union; states of one digit. */
export const LENGTH_MAX = 65_000
/** Levels of a spec, and parts of all of it. */
const DEPTH_MAX = 64
const PARTS_MAX = 10_000
/** Whole numbers that numbers with decimals may count to: beyond, finding the count again could round. */
export const SCALED_MAX = 2 ** 51 - 1
export const DECIMALS_MAX = 15
export const YEAR_MAX = 9999
const FRACTION_MAX = 9

type Plain = { readonly [key: string]: unknown }

class Wrong {
  readonly path: (string | number)[] = []
  readonly want: string
  readonly found: unknown
  constructor(want: string, found: unknown) {
    this.want = want
    this.found = found
  }
}

/** The spec, if it is one: a copy with the known fields and nothing else. */
export function checkSpec(from: unknown): Spec | EncodingRefused {
  try {
    const { form, of } = plain(from)
    if (form !== SPEC_FORM) throw new Wrong(`form ${SPEC_FORM}, of this version; train the model again`, form)
    const left = { parts: PARTS_MAX }
    return { form: SPEC_FORM, of: at("of", () => part(of, 0, left)) }
  } catch (wrong) {
    if (!(wrong instanceof Wrong)) throw wrong
    const found = JSON.stringify(wrong.found)?.slice(0, 80) ?? "nothing"
    return refused("spec", `by the description at ${placeText(wrong.path)}`, wrong.want, found)
  }
}

function part(from: unknown, depth: number, left: { parts: number }): PartSpec {
  if (depth > DEPTH_MAX || left.parts-- <= 0) {
    throw new Wrong(`at most ${DEPTH_MAX} levels and ${PARTS_MAX} parts`, "more")
  }
  const p = plain(from)
  const inner = (x: unknown) => part(x, depth + 1, left)
  switch (p["as"]) {
    case "null":
    case "boolean":
    case "float64":
      return { as: p["as"] }
    case "integer":
      return integer(p)
    case "word":
      return { as: "word", words: words(p, "words") }
    case "text":
      return { as: "text", ...lengths(p), ...letters(p) }
    case "bytes":
      return { as: "bytes", ...lengths(p) }
    case "list":
      return { as: "list", ...lengths(p), of: at("of", () => inner(p["of"])) }
    case "record":
      return { as: "record", fields: at("fields", () => fields(p["fields"], inner)) }
    case "map":
      return { as: "map", keys: words(p, "keys"), of: at("of", () => inner(p["of"])) }
    case "union": {
      const members = list(p, "of")
      if (members.length < 1) throw new Wrong("a member", members)
      return { as: "union", of: at("of", () => members.map((m, i) => at(i, () => inner(m)))) }
    }
    case "date":
      return { as: "date", years: range(p, "years", YEAR_MAX), by: oneOf(p, "by", BYS) }
    case "time":
      return { as: "time", fraction: range(p, "fraction", FRACTION_MAX), zone: oneOf(p, "zone", ZONES) }
    case "date-time":
      return {
        as: "date-time",
        years: range(p, "years", YEAR_MAX),
        by: oneOf(p, "by", BYS),
        fraction: range(p, "fraction", FRACTION_MAX),
        zone: oneOf(p, "zone", ZONES),
      }
    case "epoch":
      return {
        as: "epoch",
        unit: oneOf(p, "unit", ["s", "ms"] as const),
        years: range(p, "years", YEAR_MAX),
        by: oneOf(p, "by", BYS),
      }
    default:
      throw new Wrong("a kind of part that is known", p["as"])
  }
}

const BYS = ["fields", "count", "both"] as const
const ZONES = ["Z", "none", "any"] as const

function at<A>(key: string | number, inside: () => A): A {
  try {
    return inside()
  } catch (wrong) {
    if (wrong instanceof Wrong) wrong.path.push(key)
    throw wrong
  }
}

function plain(v: unknown): Plain {
  if (typeof v !== "object" || v === null || Array.isArray(v)) throw new Wrong("a record", v)
  return v as Plain
}

function list(p: Plain, key: string): readonly unknown[] {
  const v = p[key]
  if (!Array.isArray(v) || v.length > LENGTH_MAX) throw new Wrong(`a list "${key}" of at most ${LENGTH_MAX}`, v)
  return v
}

function words(p: Plain, key: string): readonly string[] {
  const found = list(p, key)
  const distinct = new Set(found)
  if (distinct.size !== found.length || !found.every((w) => typeof w === "string" && w.isWellFormed())) {
    throw new Wrong(`different texts in "${key}"`, found)
  }
  if (key === "words" && found.length === 0) throw new Wrong("a word", found)
  if (key === "keys" && distinct.has("__proto__")) throw new Wrong(`no key "__proto__"`, found)
  return found as readonly string[]
}

function oneOf<const A extends string>(p: Plain, key: string, of: readonly A[]): A {
  const v = p[key]
  if (!of.includes(v as A)) throw new Wrong(`"${key}" to be one of ${of.join(", ")}`, v)
  return v as A
}

const whole = (v: unknown, most: number): v is number => Number.isSafeInteger(v) && Number(v) >= 0 && Number(v) <= most

function lengths(p: Plain): { min: number; max: number } {
  const { min, max } = p
  if (!whole(max, LENGTH_MAX)) throw new Wrong(`"max" from 0 to ${LENGTH_MAX}`, max)
  if (!whole(min, max)) throw new Wrong(`"min" from 0 to ${max}`, min)
  return { min, max }
}

function range(p: Plain, key: string, most: number): readonly [number, number] {
  const [from, to, more] = list(p, key)
  if (!whole(to, most) || !whole(from, to) || more !== undefined) {
    throw new Wrong(`"${key}" to be two rising numbers from 0 to ${most}`, p[key])
  }
  return [from, to]
}

function letters(p: Plain): { alphabet: string } | { below: number } {
  const { alphabet, below } = p
  if (alphabet === undefined) {
    if (!whole(below, 0x110000) || below === 0) throw new Wrong(`an alphabet, or "below" from 1 to 1114112`, below)
    return { below }
  }
  if (typeof alphabet !== "string" || alphabet === "" || !alphabet.isWellFormed()) {
    throw new Wrong("a text of different letters", alphabet)
  }
  const each = [...alphabet]
  if (new Set(each).size !== each.length || each.length > LENGTH_MAX) {
    throw new Wrong("a text of different letters", alphabet)
  }
  return { alphabet }
}

function fields(v: unknown, inner: (x: unknown) => PartSpec): readonly FieldSpec[] {
  const found = list({ fields: v }, "fields").map((f, i) =>
    at(i, () => {
      const { name, of, optional } = plain(f)
      if (typeof name !== "string" || name === "__proto__") throw new Wrong("the name of a field", name)
      if (typeof optional !== "boolean") throw new Wrong(`"optional" to be true or false`, optional)
      return { name, of: at("of", () => inner(of)), optional }
    }),
  )
  if (new Set(found.map((f) => f.name)).size !== found.length) throw new Wrong("fields of different names", found)
  return found
}

const INT64_MIN = -(1n << 63n)
const INT64_MAX = (1n << 63n) - 1n

function integer(p: Plain): PartSpec {
  const of = oneOf(p, "of", ["number", "int64"] as const)
  const { decimals } = p
  if (!whole(decimals, of === "int64" ? 0 : DECIMALS_MAX)) {
    throw new Wrong(`"decimals" from 0 to ${DECIMALS_MAX}, 0 for an int64`, decimals)
  }
  const most = decimals > 0 ? BigInt(SCALED_MAX) : BigInt(Number.MAX_SAFE_INTEGER)
  const [low, high] = of === "int64" ? [INT64_MIN, INT64_MAX] : [-most, most]
  const bound = (key: "min" | "max"): bigint => {
    const text = p[key]
    if (typeof text !== "string" || !/^(0|-?[1-9]\d{0,18})$/.test(text) || BigInt(text) < low || BigInt(text) > high) {
      throw new Wrong(`"${key}" as text, from ${low} to ${high}`, text)
    }
    return BigInt(text)
  }
  const min = bound("min")
  const max = bound("max")
  if (min > max) throw new Wrong(`"min" not above "max"`, p["min"])
  return { as: "integer", min: String(min), max: String(max), decimals, of }
}
