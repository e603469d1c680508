/**
 * Notes from a log: what the values at each place have in common. A bound that was measured is a bound of the shadow, not
 * of the tool: what lies beyond is refused, and the real tool answers. So numbers get room to the end of their last
 * digit, years to the end of their century, and lengths and words none.
 */
import { accept, accepts, isRecord, type Type, type Value } from "../../graph/mod.ts"
import type { Notes } from "./notes.ts"
import { unitsOf } from "./numbers.ts"
import { SCALED_MAX } from "./spec.ts"

/** Different texts at a place that may be a vocabulary, and how often each has to be seen on average for that. */
const WORDS_MAX = 256
const SEEN_MIN = 10
/** Different characters that get a state each; more are nibbles of their code points. */
const LETTERS_MAX = 64
/** Decimals that are looked for; numbers of more are float64. */
const DECIMALS_MEASURED = 6

/**
 * Notes that hold of all these values that are of a type: a log may hold others, such as null where something may be absent.
 * Of no values there is nothing to note.
 */
export function measured(type: Type, all: readonly Value[]): Notes {
  const is = OF_KIND[type.kind]
  const values = is === undefined ? all : all.filter(is)
  if (values.length === 0) return {}
  switch (type.kind) {
    case "number":
      return numbers(values as readonly number[])
    case "int64":
      return int64s(values as readonly bigint[])
    case "string":
      return texts(values as readonly string[])
    case "bytes":
      return lengths((values as readonly Uint8Array[]).map((b) => b.length))
    case "list": {
      const lists = values as readonly (readonly Value[])[]
      return { ...lengths(lists.map((l) => l.length)), of: measured(type.of, lists.flat(1) as Value[]) }
    }
    case "map": {
      const maps = values.filter(isRecord)
      const keys = new Set(maps.flatMap((m) => Object.keys(m)))
      const of = measured(type.of, maps.flatMap((m) => Object.values(m)) as Value[])
      return keys.size <= WORDS_MAX ? { keys: [...keys], of } : { of }
    }
    case "record": {
      const records = values.filter(isRecord)
      const at = (name: string) => records.flatMap((v) => (Object.hasOwn(v, name) ? [v[name]!] : []))
      const fields = Object.entries(type.fields).map(([name, f]) => [name, measured(f.type, at(name))] as const)
      return { fields: Object.fromEntries(fields) }
    }
    case "union":
      return union(type.of, values)
    default:
      return {}
  }
}

const OF_KIND: { readonly [K in Type["kind"]]?: (value: Value) => boolean } = {
  number: (v) => typeof v === "number",
  int64: (v) => typeof v === "bigint",
  string: (v) => typeof v === "string",
  bytes: (v) => v instanceof Uint8Array,
  list: (v) => Array.isArray(v),
}

/** What was declared, filled up with what was measured. A declared length is often far above any use, so the measured one counts. */
export function filled(declared: Notes, seen: Notes): Notes {
  const { minLength, maxLength, alphabet, below } = seen
  const lengths = { minLength, maxLength, alphabet, below }
  const known = Object.fromEntries(Object.entries(lengths).filter(([, v]) => v !== undefined))
  const fields = [...new Set([...Object.keys(declared.fields ?? {}), ...Object.keys(seen.fields ?? {})])]
  const count = Math.max(declared.members?.length ?? 0, seen.members?.length ?? 0)
  // Numbers of a tool that has decimals are not whole because those that were seen are.
  const { integer, ...rest } = seen
  const numbers = integer === undefined || declared.decimals !== undefined ? rest : seen
  return {
    ...numbers,
    ...declared,
    ...known,
    ...((declared.of ?? seen.of) ? { of: filled(declared.of ?? {}, seen.of ?? {}) } : {}),
    ...(fields.length > 0
      ? {
          fields: Object.fromEntries(
            fields.map((name) => [name, filled(own(declared.fields, name), own(seen.fields, name))]),
          ),
        }
      : {}),
    ...(count > 0
      ? {
          members: Array.from({ length: count }, (_, i) =>
            filled(declared.members?.[i] ?? {}, seen.members?.[i] ?? {}),
          ),
        }
      : {}),
  }
}

const own = (fields: Notes["fields"], name: string): Notes =>
  fields !== undefined && Object.hasOwn(fields, name) ? fields[name]! : {}

function lengths(all: readonly number[]): Notes {
  let minLength = all[0]!
  let maxLength = all[0]!
  for (const n of all) {
    if (n < minLength) minLength = n
    if (n > maxLength) maxLength = n
  }
  return { minLength, maxLength }
}

/** The largest whole number of as many nibbles as `n` has. */
function roomFor(n: bigint): bigint {
  let most = 15n
  while (most < n) most = most * 16n + 15n
  return n === 0n ? 0n : most
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b)

function numbers(all: readonly number[]): Notes {
  const decimals = decimalsOf(all)
  if (decimals === undefined) return {}
  let most = 0
  let negative = false
  for (const x of all) {
    const units = unitsOf(x, decimals)!
    if (Math.abs(units) > most) most = Math.abs(units)
    if (units < 0 || Object.is(units, -0)) negative = true
  }
  const room = Number(lesser(roomFor(BigInt(most)), BigInt(decimals > 0 ? SCALED_MAX : Number.MAX_SAFE_INTEGER)))
  const max = room / Number(`1e${decimals}`)
  // −0 alone needs a sign too, and a range has one only where it goes below 0.
  const min = negative ? -(max || 1) : 0
  return decimals === 0 ? { integer: true, min, max } : { decimals, min, max }
}

/** The least number of decimals that all have; undefined where they are no decimals. */
function decimalsOf(all: readonly number[]): number | undefined {
  for (let d = 0; d <= DECIMALS_MEASURED; d++) if (all.every((x) => unitsOf(x, d) !== undefined)) return d
  return undefined
}

function int64s(all: readonly bigint[]): Notes {
  let most = 0n
  let negative = false
  for (const x of all) {
    const size = x < 0n ? -x : x
    if (size > most) most = size
    if (x < 0n) negative = true
  }
  const room = lesser(roomFor(most), (1n << 63n) - 1n)
  return { min: negative ? (most > room ? -most : -room) : 0n, max: room }
}

const FORMS = [
  { format: "date", form: /^(\d{4})-\d\d-\d\d$/ },
  { format: "date-time", form: /^(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/ },
  { format: "time", form: /^()\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/ },
] as const

function texts(all: readonly string[]): Notes {
  const distinct = new Set(all)
  const words = distinct.size <= WORDS_MAX && all.length >= SEEN_MIN * distinct.size ? [...distinct] : undefined
  for (const { format, form } of FORMS) if (all.every((s) => form.test(s))) return times(all, format, form)
  if (words !== undefined) return { words }
  const letters = new Set<string>()
  const sizes: number[] = []
  for (const s of all) {
    let n = 0
    for (const c of s) {
      letters.add(c)
      n++
    }
    sizes.push(n)
  }
  if (letters.size === 0) return { words: [""] }
  return { ...lengths(sizes), ...lettersOf([...letters]) }
}

function lettersOf(letters: readonly string[]): Notes {
  if (letters.length <= LETTERS_MAX) return { alphabet: [...letters].sort().join("") }
  const most = letters.reduce((top, c) => Math.max(top, c.codePointAt(0)!), 0)
  return { below: [0x80, 0x100, 0x10000].find((limit) => most < limit) ?? 0x110000 }
}

function times(all: readonly string[], format: "date" | "date-time" | "time", form: RegExp): Notes {
  const parts = all.map((s) => form.exec(s)!)
  const zones = new Set(parts.map((p) => p[3] ?? ""))
  const only = zones.size === 1 ? [...zones][0] : undefined
  const { minLength = 0, maxLength = 0 } = lengths(parts.map((p) => p[2]?.length ?? 0))
  const tail = { fraction: [minLength, maxLength], zone: only === "Z" ? "Z" : only === "" ? "none" : "any" } as const
  if (format === "time") return { format, ...tail }
  const { minLength: first = 0, maxLength: last = 0 } = lengths(parts.map((p) => Number(p[1])))
  const years = [first - (first % 100), last - (last % 100) + 99] as const
  return format === "date" ? { format, years } : { format, years, ...tail }
}

/** Each value counts for the first member whose type takes it as it is, as it does when it is encoded. */
function union(members: readonly Type[], values: readonly Value[]): Notes {
  const takes = members.map((t) => {
    const [may, take] = [accepts(t), accept(t)]
    return (v: Value): boolean => may(v) && Object.is(take(v), v)
  })
  const of: Value[][] = members.map(() => [])
  for (const v of values) {
    const i = takes.findIndex((take) => take(v))
    if (i >= 0) of[i]!.push(v)
  }
  return { members: members.map((t, i) => measured(t, of[i]!)) }
}
