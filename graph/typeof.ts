/**
 * The narrowest type of a constant: a text is the enumeration of itself, so that `c ? "EUR" : "USD"` fits a port that
 * takes these words. Large constants get a wider type, so that typing one stays linear.
 */
import { type Field, T, type Type, unionOf } from "./type.ts"
import { isRecord, Tensor, type Value } from "./value.ts"

/** More different types, words or levels than this in one constant are not told apart. */
const VARIETY_MAX = 16

export function typeOfValue(v: Value, depth = 0): Type {
  switch (typeof v) {
    case "number":
      return T.number
    case "bigint":
      return T.int64
    case "boolean":
      return T.boolean
    case "string":
      return T.enum(v)
  }
  if (v === null) return T.null
  if (v instanceof Uint8Array) return T.bytes
  if (v instanceof Tensor) return T.tensor(v.dtype, v.shape)
  if (depth > VARIETY_MAX) return T.unknown
  if (Array.isArray(v)) return T.list(elements(v, depth))
  if (!isRecord(v)) return T.unknown
  const fields: { [name: string]: Field } = {}
  for (const [name, x] of Object.entries(v)) fields[name] = { type: typeOfValue(x, depth + 1) }
  return { kind: "record", fields }
}

function elements(items: readonly Value[], depth: number): Type {
  const kinds: Type[] = []
  const words = new Set<string>()
  let allText = false
  for (const x of items) {
    if (typeof x === "string") {
      if (words.size <= VARIETY_MAX) words.add(x)
      else allText = true
      continue
    }
    const t = typeOfValue(x, depth + 1)
    const simple = t.kind !== "list" && t.kind !== "record"
    if (simple ? !kinds.some((k) => k.kind === t.kind) : true) kinds.push(t)
    if (kinds.length > VARIETY_MAX) return widest(items)
  }
  const text = words.size === 0 ? [] : [allText || words.size > VARIETY_MAX ? T.string : T.enum(...words)]
  return unionOf([...kinds, ...text])
}

/** Many records or lists: one type if they are of one simple shape, `unknown` otherwise. */
function widest(items: readonly Value[]): Type {
  const first = items[0]!
  if (isRecord(first)) {
    const names = Object.keys(first)
    const alike = items.every(
      (x) => isRecord(x) && Object.keys(x).length === names.length && names.every((n) => Object.hasOwn(x, n)),
    )
    if (!alike) return T.unknown
    return T.record(
      Object.fromEntries(names.map((n) => [n, wide(items.map((x) => (x as { [k: string]: Value })[n]!))])),
    )
  }
  if (Array.isArray(first) && items.every((x) => Array.isArray(x)))
    return T.list(wide((items as readonly Value[][]).flat(1)))
  return T.unknown
}

const wide = (items: readonly Value[]): Type => {
  const t = items.length === 0 ? T.never : elements(items, VARIETY_MAX)
  return t.kind === "enum" ? T.string : t
}
