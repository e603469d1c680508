/**
 * From a type and its notes to a description: the choice of digits. Everything is decided here and written down, so that
 * whoever reads a model later has nothing left to decide.
 */
import { compareKeys, printType, type Type } from "../../graph/mod.ts"
import type { Notes } from "./notes.ts"
import { EncodingRefused, placeText, refused } from "./refused.ts"
import { checkSpec, type FieldSpec, type PartSpec, SCALED_MAX, SPEC_FORM, type Spec } from "./spec.ts"

/** The description for a type. `side`: an input says a time in both ways, an output in one. */
export function specOf(type: Type, notes: Notes, side: "input" | "output"): Spec | EncodingRefused {
  try {
    const of = new Choice(side).part(type, notes, [])
    // What contradicts itself in notes (a least above a most) is found where every description is looked at.
    const spec = checkSpec({ form: SPEC_FORM, of })
    if (!(spec instanceof EncodingRefused)) return spec
    return new EncodingRefused({ reason: "notes", path: spec.path, message: spec.message })
  } catch (thrown) {
    if (thrown instanceof EncodingRefused) return thrown
    throw thrown
  }
}

type Path = readonly (string | number)[]

class Choice {
  readonly side: "input" | "output"
  constructor(side: "input" | "output") {
    this.side = side
  }

  part(type: Type, notes: Notes, path: Path): PartSpec {
    switch (type.kind) {
      case "null":
      case "boolean":
        return { as: type.kind }
      case "number":
        return this.number(notes)
      case "int64":
        return {
          as: "integer",
          min: String(notes.min ?? -(1n << 63n)),
          max: String(notes.max ?? (1n << 63n) - 1n),
          decimals: 0,
          of: "int64",
        }
      case "enum":
        return { as: "word", words: sorted(type.values) }
      case "string":
        return this.text(notes, path)
      case "bytes":
        return { as: "bytes", min: notes.minLength ?? 0, max: bound(notes, path, "bytes") }
      case "list": {
        const of = this.part(type.of, notes.of ?? {}, [-1, ...path])
        return { as: "list", min: notes.minLength ?? 0, max: bound(notes, path, "items"), of }
      }
      case "record":
        return { as: "record", fields: this.fields(type, notes, path) }
      case "map":
        return this.map(type, notes, path)
      case "union":
        return {
          as: "union",
          of: type.of.map((t, i) => this.part(t, notes.members?.[i] ?? {}, path)),
        }
      case "tensor":
        return never(type, path, "a model that takes tensors is an onnx node, not a shadow")
      case "stream":
        return never(type, path, "a shadow answers once; let the tool hand back a list")
      case "unknown":
        return never(type, path, "say what it is where the tool is declared")
      case "never":
        return never(type, path, "there is nothing to learn")
    }
  }

  number(notes: Notes): PartSpec {
    const { integer, decimals = 0, format } = notes
    if (format === "epoch-s" || format === "epoch-ms") {
      return {
        as: "epoch",
        unit: format === "epoch-s" ? "s" : "ms",
        years: notes.years ?? [0, 9999],
        by: this.by(notes),
      }
    }
    if (integer !== true && decimals === 0) return { as: "float64" }
    const places = integer === true ? 0 : decimals
    const most = places > 0 ? SCALED_MAX : Number.MAX_SAFE_INTEGER
    return {
      as: "integer",
      min: units(notes.min, places, -most, most),
      max: units(notes.max, places, most, most),
      decimals: places,
      of: "number",
    }
  }

  by(notes: Notes): "fields" | "count" | "both" {
    return this.side === "input" ? "both" : (notes.by ?? "fields")
  }

  text(notes: Notes, path: Path): PartSpec {
    if (notes.words !== undefined) return { as: "word", words: sorted(notes.words) }
    const { years = [0, 9999], fraction = [0, 9], zone = "any" } = notes
    switch (notes.format) {
      case "date":
        return { as: "date", years, by: this.by(notes) }
      case "time":
        return { as: "time", fraction, zone }
      case "date-time":
        return { as: "date-time", years, by: this.by(notes), fraction, zone }
    }
    const letters = notes.alphabet === undefined ? { below: notes.below ?? 0x110000 } : { alphabet: notes.alphabet }
    return { as: "text", min: notes.minLength ?? 0, max: bound(notes, path, "characters"), ...letters }
  }

  fields(type: Extract<Type, { kind: "record" }>, notes: Notes, path: Path): FieldSpec[] {
    return sorted(Object.keys(type.fields)).map((name) => {
      const field = type.fields[name]!
      const inner = notes.fields !== undefined && Object.hasOwn(notes.fields, name) ? notes.fields[name]! : {}
      return { name, of: this.part(field.type, inner, [name, ...path]), optional: field.optional === true }
    })
  }

  map(type: Extract<Type, { kind: "map" }>, notes: Notes, path: Path): PartSpec {
    if (notes.keys === undefined) {
      throw refused("unbounded", placeText(path), "the keys that it can have (keys)", "any key")
    }
    return { as: "map", keys: sorted(notes.keys), of: this.part(type.of, notes.of ?? {}, ["*", ...path]) }
  }
}

/** The order of a set of names says nothing, so the description has one order. */
const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort(compareKeys)

function never(type: Type, path: Path, next: string): never {
  throw refused("type", placeText(path), "a type that has an encoding", `${printType(type)}; ${next}`)
}

function bound(notes: Notes, path: Path, what: string): number {
  if (notes.maxLength !== undefined) return notes.maxLength
  throw refused("unbounded", placeText(path), `a bound on its ${what} (maxLength)`, "none")
}

/** A bound in units of the last decimal place, no further out than can be counted exactly. */
function units(limit: number | bigint | undefined, decimals: number, otherwise: number, most: number): string {
  if (limit === undefined) return String(otherwise)
  const n = Math.round(Number(limit) * Number(`1e${decimals}`))
  return Number.isNaN(n) ? String(limit) : String(Math.max(-most, Math.min(most, n)) + 0)
}
