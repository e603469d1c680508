/**
 * Why one type does not fit another: the first place where they part, in words. Two records of twenty fields say little
 * side by side; `address.zip is number, wanted string` says what to change.
 */
import { type Fits, printType, subtype, type Type } from "../type.ts"

export interface Mismatch {
  /** From the value to the part that does not fit: field names, `[]` for the items of a list. */
  readonly way: readonly string[]
  /** Undefined where a field is missing. */
  readonly have: Type | undefined
  readonly want: Type
}

/** The first part, in the order of `want`, whose answer to `subtype` is `fits`. */
export function mismatch(have: Type, want: Type, fits: Exclude<Fits, "yes"> = "no"): Mismatch {
  const parts = (have: Type, want: Type, way: readonly string[]): Mismatch => {
    if (have.kind === "record" && want.kind === "record") {
      for (const [name, field] of Object.entries(want.fields)) {
        const found = Object.hasOwn(have.fields, name) ? have.fields[name] : undefined
        const needed = !field.optional && field.default === undefined
        if (found === undefined) {
          if (needed && fits === "no") return { way: [...way, name], have: undefined, want: field.type }
        } else if (subtype(found.type, field.type) === fits) return parts(found.type, field.type, [...way, name])
        else if (found.optional && needed && fits === "check")
          return { way: [...way, name], have: undefined, want: field.type }
      }
    } else if (have.kind === want.kind && (have.kind === "list" || have.kind === "map" || have.kind === "stream")) {
      return parts(have.of, (want as { of: Type }).of, [...way, "[]"])
    } else if (have.kind === "record" && want.kind === "map") {
      for (const [name, field] of Object.entries(have.fields)) {
        if (subtype(field.type, want.of) === fits) return parts(field.type, want.of, [...way, name])
      }
    }
    return { way, have, want }
  }
  return parts(have, want, [])
}

/** `quote is text, wanted number`: the sentence for a mismatch of `what`. */
export function mismatchText(what: string, have: Type, want: Type, fits: Exclude<Fits, "yes"> = "no"): string {
  const found = mismatch(have, want, fits)
  const where = found.way.reduce((path, step) => (step === "[]" ? `${path}[]` : `${path}.${step}`), what)
  const wanted = shortType(found.want)
  if (found.have === undefined) {
    return fits === "no" ? `${where} is missing, wanted ${wanted}.` : `${where} may be missing, wanted ${wanted}.`
  }
  return `${where} ${fits === "no" ? "is" : "may be"} ${shortType(found.have)}, wanted ${wanted}.`
}

const TYPE_TEXT_MAX = 160
export function shortType(type: Type): string {
  const text = printType(type)
  return text.length > TYPE_TEXT_MAX ? `${text.slice(0, TYPE_TEXT_MAX - 1)}…` : text
}
