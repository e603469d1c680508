/** What somebody types, as the arguments that a shadow was learned from: its encoding says which values are meant. */
import { Failure, isRecord, readJson, type Value } from "../../graph/mod.ts"
import { EncodingRefused, encodingFrom, type PartSpec, SPEC_FORM } from "../../shadow/mod.ts"

export const fieldOf = (spec: PartSpec, name: string): PartSpec | undefined =>
  spec.as === "record" ? spec.fields.find((f) => f.name === name)?.of : spec.as === "map" ? spec.of : undefined

const TEXTS: ReadonlySet<PartSpec["as"]> = new Set(["text", "word", "date", "time", "date-time"])

/** A word of a command line, as `run` reads a word: text where text is wanted; else JSON, where it is some. */
export function wordAs(text: string, spec: PartSpec | undefined): Value {
  if (spec !== undefined && TEXTS.has(spec.as)) return text
  if (spec?.as === "bytes") return new TextEncoder().encode(text)
  try {
    const value = readJson(text)
    // 3 is text where text is one of the things that are wanted, and a number is none of them.
    const takes = spec === undefined || fits(spec, asSpec(spec, value)) || !fits(spec, text)
    return takes ? value : text
  } catch (cause) {
    if (cause instanceof Failure) return text
    throw cause
  }
}

/** JSON has one sort of number and no bytes; which are meant is for the shadow's encoding to say. */
export function asSpec(spec: PartSpec, v: Value): Value {
  switch (spec.as) {
    case "float64":
    case "epoch":
      return asNumber(v)
    case "integer":
      if (spec.of === "number") return asNumber(v)
      return Number.isSafeInteger(v) ? BigInt(v as number) : v
    case "bytes":
      return typeof v === "string" ? new Uint8Array(Buffer.from(v, "base64")) : v
    case "list":
      return Array.isArray(v) ? v.map((item) => asSpec(spec.of, item as Value)) : v
    case "record":
    case "map": {
      if (!isRecord(v)) return v
      const fields = Object.entries(v).map(([name, x]) => {
        const of = fieldOf(spec, name)
        return [name, of === undefined ? x : asSpec(of, x)] as const
      })
      return Object.fromEntries(fields)
    }
    case "union": {
      const member = spec.of.find((of) => fits(of, asSpec(of, v)))
      return member === undefined ? v : asSpec(member, v)
    }
    default:
      return v
  }
}

/** Whole numbers beyond 2^53 are read as int64; of those that a number can hold, one may be meant. */
const asNumber = (v: Value): Value => (typeof v === "bigint" && BigInt(Number(v)) === v ? Number(v) : v)

/** Does a part of the encoding take the value as it is? */
function fits(of: PartSpec, v: Value): boolean {
  const encoding = encodingFrom({ form: SPEC_FORM, of })
  if (encoding instanceof EncodingRefused) return false
  return encoding.states(v, new Uint16Array(encoding.digits.length), 0) === undefined
}
