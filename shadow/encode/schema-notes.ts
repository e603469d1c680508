/**
 * Notes from a JSON Schema: what it says of a value that a type of ours cannot say. Read along the type that was imported
 * from it (`fromJsonSchema`), so that every note has its place. Source: json-schema.org/draft/2020-12, "validation".
 */
import { isRecord, type Rec, type Type, type Value } from "../../graph/mod.ts"
import type { Notes } from "./notes.ts"
import { DECIMALS_MAX } from "./spec.ts"

/** The notes of a schema for the type that it was imported as. What it does not say, or says in another way, is left out. */
export function schemaNotes(type: Type, schema: unknown): Notes {
  return new Reader(schema).notes(type, schema, 0)
}

const DEPTH_MAX = 64

class Reader {
  readonly root: unknown
  constructor(root: unknown) {
    this.root = root
  }

  notes(type: Type, from: unknown, depth: number): Notes {
    const s = this.resolved(from)
    if (s === undefined || depth > DEPTH_MAX) return {}
    switch (type.kind) {
      case "number":
        return numbers(s)
      case "int64": {
        const { minimum, maximum } = s
        return compact({ min: whole(minimum), max: whole(maximum) })
      }
      case "string":
        return texts(s)
      case "bytes":
        return {}
      case "list":
      case "stream":
        return compact({
          minLength: whole(s["minItems"]),
          maxLength: whole(s["maxItems"]),
          of: this.inner(type.of, s["items"], depth),
        })
      case "map":
        return compact({ keys: keysOf(s["propertyNames"]), of: this.inner(type.of, s["additionalProperties"], depth) })
      case "record": {
        const properties = isRecord(s["properties"] as Value) ? (s["properties"] as Rec) : {}
        const fields = Object.entries(type.fields).map(
          ([name, f]) =>
            [
              name,
              this.inner(f.type, Object.hasOwn(properties, name) ? properties[name] : undefined, depth) ?? {},
            ] as const,
        )
        return { fields: Object.fromEntries(fields) }
      }
      case "union":
        return { members: type.of.map((t) => this.member(t, s, depth)) }
      default:
        return {}
    }
  }

  inner(type: Type, schema: unknown, depth: number): Notes | undefined {
    return schema === undefined ? undefined : this.notes(type, schema, depth + 1)
  }

  /** The first branch that can be of the member's kind; a `type` of several kinds is a branch of each. */
  member(type: Type, s: Rec, depth: number): Notes {
    const branches = [s["anyOf"], s["oneOf"]].flatMap((x) => (Array.isArray(x) ? (x as Value[]) : []))
    const found = branches.map((b) => this.resolved(b)).find((b) => b !== undefined && saysKind(b, type.kind))
    return this.notes(type, found ?? s, depth + 1)
  }

  /** The schema itself, `$ref` inside of the document followed; undefined where there is none. */
  resolved(from: unknown): Rec | undefined {
    let s = from
    for (let hops = 0; hops < DEPTH_MAX; hops++) {
      if (!isRecord(s as Value)) return undefined
      const ref = (s as Rec)["$ref"]
      if (typeof ref !== "string") return s as Rec
      if (!ref.startsWith("#")) return undefined
      s = this.at(ref.slice(1))
    }
    return undefined
  }

  at(pointer: string): unknown {
    let s: unknown = this.root
    for (const raw of pointer.split("/").slice(1)) {
      const key = decodeSafely(raw).replaceAll("~1", "/").replaceAll("~0", "~")
      if (typeof s !== "object" || s === null || !Object.hasOwn(s, key)) return undefined
      s = (s as { readonly [key: string]: unknown })[key]
    }
    return s
  }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const KINDS: Partial<Record<Type["kind"], readonly string[]>> = {
  number: ["number", "integer"],
  int64: ["integer", "string"],
  string: ["string"],
  enum: ["string"],
  bytes: ["string"],
  list: ["array"],
  record: ["object"],
  map: ["object"],
}
function saysKind(s: Rec, kind: Type["kind"]): boolean {
  const says = s["type"]
  const words = Array.isArray(says) ? says : [says]
  return (KINDS[kind] ?? [kind]).some((word) => words.includes(word))
}

const whole = (v: Value | undefined): number | undefined => (Number.isSafeInteger(v) ? Number(v) : undefined)
const finite = (v: Value | undefined): number | undefined =>
  typeof v === "number" && Number.isFinite(v) ? v : undefined

function keysOf(names: Value | undefined): readonly string[] | undefined {
  if (names === undefined || !isRecord(names) || !Array.isArray(names["enum"])) return undefined
  return names["enum"].filter((k): k is string => typeof k === "string")
}

/** Without the entries that say nothing. */
function compact(notes: { readonly [K in keyof Notes]: Notes[K] | undefined }): Notes {
  return Object.fromEntries(Object.entries(notes).filter(([, v]) => v !== undefined))
}

function numbers(s: Rec): Notes {
  const types = Array.isArray(s["type"]) ? s["type"] : [s["type"]]
  const step = finite(s["multipleOf"])
  const integer =
    (types.includes("integer") && !types.includes("number")) || (step !== undefined && Number.isInteger(step))
  const decimals = integer || step === undefined ? undefined : decimalsOf(step)
  // An open bound of a whole number is the next one; of others it is taken as closed, which lets one value more in.
  const above = finite(s["exclusiveMinimum"])
  const below = finite(s["exclusiveMaximum"])
  const lows = [finite(s["minimum"]), above !== undefined && integer ? Math.floor(above) + 1 : above]
  const highs = [finite(s["maximum"]), below !== undefined && integer ? Math.ceil(below) - 1 : below]
  const format = s["format"]
  return compact({
    integer: integer || undefined,
    decimals,
    min: most(lows, Math.max),
    max: most(highs, Math.min),
    format: format === "epoch-s" || format === "epoch-ms" ? format : undefined,
  })
}

function most(bounds: readonly (number | undefined)[], of: (...all: number[]) => number): number | undefined {
  const known = bounds.filter((b) => b !== undefined)
  return known.length === 0 ? undefined : of(...known)
}

/** How many decimals the multiples of a step have, if it is 1, 0.1, 0.01, … or a multiple of one. */
function decimalsOf(step: number): number | undefined {
  for (let d = 1; d <= DECIMALS_MAX; d++) {
    const n = step * Number(`1e${d}`)
    if (Number.isInteger(n) && n > 0) return d
  }
  return undefined
}

const FORMATS = new Set(["date", "time", "date-time"])

function texts(s: Rec): Notes {
  const { format } = s
  return compact({
    minLength: whole(s["minLength"]),
    maxLength: whole(s["maxLength"]),
    format: typeof format === "string" && FORMATS.has(format) ? (format as "date" | "time" | "date-time") : undefined,
  })
}
